"""Four numbers of a mask, which tell many shapes apart without their outline.

A reader that finds the shape in a network's activations may have found no more than how large and
how compact the object is. So the same reader gets these numbers alone, as a baseline, and the
activations without what these numbers say of them.
"""

from __future__ import annotations

import numpy as np

from texshape.errors import InputError

NAMES = ("area", "perimeter", "compactness", "fill of the bounding box")


def mask_scalars(masks: np.ndarray, name: str = "masks") -> np.ndarray:
    """Area, perimeter, perimeter^2 / area, and area / area of the bounding box.

    Parameters
    ----------
    masks : ndarray of shape (n, height, width)
        Not 0 inside the object.
    name : str
        What an error calls them.

    Returns
    -------
    ndarray of shape (n, 4)
        In pixels and their squares. The perimeter is the length of the line half-way between pixels
        inside and outside (marching squares): along edges 1 a pixel, across corners sqrt(2) / 2.

    Raises
    ------
    InputError
        If a mask holds no object or masks have another form.
    """
    masks = np.asarray(masks)
    if masks.ndim != 3:
        raise InputError(f"{name}: expected images x height x width, found shape {masks.shape}")
    inside = np.pad(masks != 0, ((0, 0), (1, 1), (1, 1)))
    area = inside.sum((1, 2)).astype(float)
    empty = np.flatnonzero(area == 0)
    if len(empty):
        raise InputError(f"{name}: mask {empty[0] + 1} of {len(masks)} holds no object")
    corners = [inside[:, i : i + inside.shape[1] - 1, j : j + inside.shape[2] - 1]
               for i, j in ((0, 0), (0, 1), (1, 1), (1, 0))]  # fmt: skip
    count = np.sum(corners, axis=0)
    opposite = (count == 2) & (corners[0] == corners[2])
    length = np.sqrt(0.5) * ((count == 1) | (count == 3)) + np.sqrt(2) * opposite
    perimeter = (length + ((count == 2) & ~opposite)).sum((1, 2))
    box = inside.any(2).argmax(1), inside.any(1).argmax(1)
    last = inside.any(2)[:, ::-1].argmax(1), inside.any(1)[:, ::-1].argmax(1)
    sides = [inside.shape[axis + 1] - first - end
             for axis, (first, end) in enumerate(zip(box, last, strict=True))]  # fmt: skip
    return np.stack([area, perimeter, perimeter**2 / area, area / (sides[0] * sides[1])], axis=1)
