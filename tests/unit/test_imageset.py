"""Some of a set's images."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from texshape.data.imageset import LABEL_COLUMNS, ImageSet, read, write


@pytest.mark.parametrize("masks", [False, True])
def test_rows_are_taken_in_their_order_with_labels_and_masks(tmp_path, masks):
    numbers = np.arange(4, dtype=np.uint8)
    pixels = np.broadcast_to(numbers[:, None, None, None], (4, 2, 2, 3)).copy()
    labels = pd.DataFrame({name: [f"{name}{n}" for n in numbers] for name in LABEL_COLUMNS})
    write(tmp_path / "set", ImageSet(pixels, labels, pixels[..., 0] % 2 if masks else None))
    found = read(tmp_path / "set").take([2, 0, 3])
    assert found.images[:, 0, 0, 0].tolist() == [2, 0, 3]
    assert found.labels.index.tolist() == [0, 1, 2]
    assert found.labels["imagename"].tolist() == ["imagename2", "imagename0", "imagename3"]
    assert (found.masks is None) == (not masks)
    if masks:
        assert found.masks[:, 0, 0].tolist() == [0, 0, 1]
