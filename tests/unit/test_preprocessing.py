"""What happens to a stimulus on its way into a network."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from texshape.errors import InputError
from texshape.models.decisions import decider, read_class_map
from texshape.models.preprocessing import Own, Preprocess, preprocess

PLAIN = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}


def image(height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (2, 3, height, width), dtype=torch.uint8, generator=generator)


def test_stimuli_of_the_input_size_are_left_as_they_are():
    shown = image(224, 224)
    for interpolation in ("bicubic", "bilinear"):
        seen = preprocess(Own(224, **PLAIN), "whole", interpolation)(shown)
        assert torch.equal((seen * 255).round().to(torch.uint8), shown)


def test_whole_never_crops():
    shown = torch.zeros(1, 3, 224, 224, dtype=torch.uint8)
    shown[..., :3, :] = 255  # a line at the very edge
    seen = preprocess(Own(64, **PLAIN), "whole")(shown)
    assert seen.shape == (1, 3, 64, 64)
    assert (seen[..., 0, :] > 0.5).all()
    cropped = preprocess(Own(64, **PLAIN), "crop-0.875")(shown)
    assert cropped.abs().max() < 0.05


def test_crop_takes_the_central_share():
    shown = torch.zeros(1, 3, 256, 256, dtype=torch.uint8)
    shown[..., 16:240, 16:240] = 255
    assert (preprocess(Own(224, **PLAIN), "crop-0.875")(shown) == 1).all()
    assert (preprocess(Own(224, **PLAIN, resize=288), "own")(shown) == 1).all()


def test_resizing_is_that_of_pillow():
    shown = image(224, 224)
    seen = preprocess(Own(240, **PLAIN), "whole")(shown)
    pixels = shown[0].permute(1, 2, 0).numpy()
    reference = np.asarray(Image.fromarray(pixels).resize((240, 240), Image.Resampling.BICUBIC))
    difference = seen[0].permute(1, 2, 0).numpy() * 255 - reference
    assert np.abs(difference).max() <= 2.01  # both round after each direction
    assert np.abs(difference).mean() < 0.1


def test_lite_normalisation_is_127_and_128():
    own = Own(32, mean=(127 / 255,) * 3, std=(128 / 255,) * 3)
    shown = image(32, 32)
    expected = (shown.float() - 127) / 128
    assert torch.allclose(preprocess(own)(shown), expected, atol=1e-6)


def test_floats_give_the_same_as_bytes_and_pass_gradients():
    transform = preprocess(Own(24), "crop-0.875")
    shown = image(48, 48)
    pixels = (shown.float() / 255).requires_grad_()
    seen = transform(pixels)
    difference = (seen - transform(shown)).abs()
    assert difference.mean() < 0.01  # bytes are rounded and clamped after each direction
    assert difference.max() < 0.2
    seen.sum().backward()
    assert pixels.grad.abs().sum() > 0


def test_equal_pipelines_are_recognised():
    whole = [
        preprocess(Own(224), "whole", mode).pipeline(224, 224) for mode in ("bicubic", "bilinear")
    ]
    assert whole[0] == whole[1]  # nothing is resized
    crop = [
        preprocess(Own(224), "crop-0.875", mode).pipeline(224, 224)
        for mode in ("bicubic", "bilinear")
    ]
    assert crop[0] != crop[1]
    assert crop[0] == preprocess(Own(224, resize=256), "own").pipeline(224, 224)
    assert crop[0] != whole[0]


@pytest.mark.parametrize(
    ("kind", "interpolation", "says"),
    [
        ("hole", "bicubic", "'whole'"),
        ("whole", "cubic", "'bicubic'"),
        ("crop-0", "bicubic", "crop"),
    ],
)
def test_unknown_names(kind, interpolation, says):
    with pytest.raises(InputError, match="unknown") as caught:
        preprocess(Own(32), kind, interpolation)
    assert says in str(caught.value)


def test_preprocess_is_a_value():
    assert preprocess(Own(32)) == Preprocess(32, Own(32).mean, Own(32).std)


# --- decisions -------------------------------------------------------------------------------------


def test_aggregations_by_hand():
    # probabilities 0.5, 0.1, 0.4 and the categories {0, 1} and {2}
    logits = torch.log(torch.tensor([[0.5, 0.1, 0.4]]))
    groups = [[0, 1], [2]]
    assert torch.allclose(decider(groups, "mean")(logits), torch.tensor([[0.3, 0.4]]))
    assert torch.allclose(decider(groups, "sum")(logits), torch.tensor([[0.6, 0.4]]))
    assert torch.allclose(decider(groups, "max")(logits), torch.tensor([[0.5, 0.4]]))
    expected = torch.tensor([[(np.log(0.5) + np.log(0.1)) / 2, np.log(0.4)]]).float()
    assert torch.allclose(decider(groups, "mean_logits")(logits), expected)


def test_class_map_by_index_and_label(tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text("round: [disc, 2]\nedgy: [square]\n", encoding="utf-8")
    assert read_class_map(path, 3, ["disc", "square", "ring"]) == {"round": [0, 2], "edgy": [1]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [0]\nb: [9]", "output 9 does not exist"),
        ("a: [0]\nb: [0, 1]", "output 0 belongs to 'a' and to 'b'"),
        ("a: [0]\nb: [squar]", "did you mean 'square'"),
        ("a: [0]\nb: [twice]", r"names the outputs [3, 4]"),
        ("a: 0\nb: [1]", "'a': expected a list"),
        ("a: [0]", "at least two categories"),
        ("a: [0]\n1: [1]\n'1': [2]", "category '1' stands there twice"),
        ("a: [0]\n\u00e9: [1]\ne\u0301: [2]", "category '\u00e9' stands there twice"),
    ],
)
def test_bad_class_maps(tmp_path, text, says):
    path = tmp_path / "map.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_class_map(path, 5, ["disc", "square", "ring", "twice", "twice"])
    assert says in str(caught.value)
