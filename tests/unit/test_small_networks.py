"""Small networks: receptive fields by gradient, numbers of parameters, stages."""

from __future__ import annotations

import pytest
import torch

from texshape.errors import InputError
from texshape.models import small, trainable

FIELDS = {
    "cnn": 45,
    "rf9": 9,
    "rf17": 17,
    "rf33": 33,
    "rf9-wide": 9,
    "rf17-wide": 17,
    "rf33-wide": 33,
}


def gradient_extent(module: torch.nn.Module, stage: str, side: int = 129) -> tuple[int, int]:
    """Height and width of the box of input pixels that the centre unit of a stage depends on.

    All weights and pixels are positive, so that contributions cannot cancel and no unit is cut off.
    """
    module = module.double().eval()
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(0.1 + torch.rand(parameter.shape, generator=rng, dtype=torch.double))
    kept = {}
    module.get_submodule(stage).register_forward_hook(lambda m, x, y: kept.update(map=y))
    image = 0.1 + torch.rand(1, 3, side, side, generator=rng, dtype=torch.double)
    module(image.requires_grad_())
    height, width = kept["map"].shape[-2:]
    kept["map"][0, :, height // 2, width // 2].sum().backward()
    touched = image.grad[0].abs().sum(0) > 0
    rows, columns = touched.any(1).nonzero(), touched.any(0).nonzero()
    assert rows.min() > 0  # the field must not be cut by the border
    assert rows.max() < side - 1
    return int(rows.max() - rows.min() + 1), int(columns.max() - columns.min() + 1)


def test_every_architecture_has_a_known_field():
    assert set(FIELDS) == set(small.ARCHITECTURES)


@pytest.mark.parametrize("architecture", small.ARCHITECTURES)
def test_receptive_field_of_the_last_map(architecture):
    module = trainable.build(architecture, 12)
    assert gradient_extent(module, module.stages["stage3"]) == (FIELDS[architecture],) * 2


def test_receptive_field_of_each_stage():
    found = {}
    for stage in ("stem", "stage1", "stage2", "stage3"):
        module = trainable.build("cnn", 12)
        found[stage] = gradient_extent(module, module.stages[stage])[0]
    assert found == {"stem": 3, "stage1": 9, "stage2": 21, "stage3": 45}


def test_number_of_parameters():
    count = {
        name: sum(p.numel() for p in trainable.build(name, 12).parameters())
        for name in small.ARCHITECTURES
    }
    assert count["cnn"] == 304_412
    assert (count["rf9"], count["rf17"], count["rf33"]) == (66_844, 132_380, 263_452)
    for name in ("rf9-wide", "rf17-wide", "rf33-wide"):
        assert count[name] == pytest.approx(count["cnn"], rel=0.05)


@pytest.mark.parametrize("architecture", small.ARCHITECTURES)
def test_stages_name_submodules_from_input_to_output(architecture):
    module = trainable.build(architecture, 7).eval()
    sides = {}
    for stage, name in module.stages.items():
        module.get_submodule(name).register_forward_hook(
            lambda m, x, y, stage=stage: sides.update({stage: y.shape[-1]})
        )
    assert module(torch.zeros(2, 3, 48, 48)).shape == (2, 7)
    assert sides == {"stem": 48, "stage1": 24, "stage2": 12, "stage3": 6}


def test_activations_of_a_stage_are_not_changed_by_the_next():
    module = trainable.build("cnn", 12, seed=0).eval()
    seen, copies = {}, {}
    for stage, name in module.stages.items():

        def keep(m, x, y, stage=stage):
            seen[stage], copies[stage] = y, y.clone()

        module.get_submodule(name).register_forward_hook(keep)
    with torch.no_grad():
        module(torch.rand(2, 3, 48, 48))
    assert all(torch.equal(seen[stage], copies[stage]) for stage in module.stages)


def test_seed_fixes_the_weights_and_leaves_the_global_state():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, second = (trainable.build("rf9", 12, seed=3).state_dict() for _ in range(2))
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = trainable.build("rf9", 12, seed=4).state_dict()
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_a_configuration_rebuilds_the_architecture():
    given = trainable.build("rf9-wide", 5, given=small.configuration("rf9-wide"))
    named = trainable.build("rf9-wide", 5)
    assert [p.shape for p in given.parameters()] == [p.shape for p in named.parameters()]


def test_normalisation_is_the_same_for_bytes_and_fractions():
    pixels = torch.arange(0, 256, dtype=torch.uint8)[:48].repeat(3, 1).view(1, 3, 6, 8)
    of_bytes = small.normalise(pixels)
    assert of_bytes.dtype == torch.float32
    torch.testing.assert_close(of_bytes, small.normalise(pixels.float() / 255))
    assert of_bytes[0, 0, 0, 0] == -2  # black: (0 - 0.5) / 0.25


def test_unknown_architecture_names_the_nearest():
    with pytest.raises(InputError, match="'rf9_wide' is unknown; did you mean 'rf9-wide'"):
        trainable.build("rf9_wide", 12)
