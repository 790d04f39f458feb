"""Feature visualization: the parametrisation, the movements, and that it does what it claims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from texshape.errors import InputError
from texshape.models import trainable
from texshape.techniques.feature_visualization import optimise as features
from texshape.techniques.feature_visualization.optimise import FourierImage, visualize
from texshape.techniques.feature_visualization.settings import ImageOptimisation


@dataclass
class Stand:
    """Stands for a loaded network."""

    module: nn.Module
    stages: dict[str, str]
    input_size: int = 48
    name: str = "stand"

    @staticmethod
    def preprocess(images: torch.Tensor) -> torch.Tensor:
        return (images.float() / 255 - 0.5) / 0.25


def network(architecture: str = "cnn") -> Stand:
    module = trainable.build(architecture, 12, seed=0).eval().requires_grad_(False)
    return Stand(module, dict(module.stages))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


QUICK = ImageOptimisation.of(steps=12)


def test_seeded_and_stages_in_order() -> None:
    options: dict[str, Any] = {"channels_per_stage": 2, "settings": ImageOptimisation.of(steps=3)}
    one = visualize(network(), seed=0, **options)
    two = visualize(network(), seed=0, **options)
    other = visualize(network(), seed=1, **options)
    np.testing.assert_array_equal(one.images, two.images)
    assert (one.images != other.images).any()
    assert one.stages == ["stem"] * 2 + ["stage1"] * 2 + ["stage2"] * 2 + ["stage3"] * 2
    assert one.images.shape == (8, 48, 48, 3)
    assert one.images.dtype == np.uint8


def test_global_random_state_is_untouched() -> None:
    state = torch.random.get_rng_state()
    visualize(network(), channels_per_stage=1, settings=ImageOptimisation.of(steps=1), seed=0)
    assert torch.equal(state, torch.random.get_rng_state())


def test_each_image_excites_its_own_channel_most() -> None:
    settings = ImageOptimisation.of(steps=100)
    stand = network()
    result = visualize(stand, stages=["stage1"], channels_per_stage=4, settings=settings, seed=0)
    assert (result.after > result.before).all()
    images = torch.from_numpy(result.images).permute(0, 3, 1, 2)
    values = features.outputs(stand.module, stand.module.stage1, stand.preprocess(images))
    mean = values.mean((2, 3))[:, result.channels]  # (image, channel)
    assert torch.equal(mean.argmax(0), torch.arange(4))
    # Uint8 images give back the activation that was reported.
    np.testing.assert_allclose(mean.diagonal(), result.after, rtol=0.05)
    # Natural noise is far below: the optimum is no accident of the start.
    noise = torch.randint(0, 256, (64, 3, 48, 48), generator=generator(), dtype=torch.uint8)
    there = features.outputs(stand.module, stand.module.stage1, stand.preprocess(noise))
    reach = there.mean((2, 3))[:, result.channels].max(0).values
    assert (torch.from_numpy(result.after) > reach).all()


def test_a_convolution_with_a_known_optimum() -> None:
    # A channel that weighs red alone asks for a red image, whatever the frequencies.
    module = nn.Sequential(nn.Conv2d(3, 2, 1, bias=False))
    module[0].weight.data = torch.tensor([[1.0, 0, 0], [-1.0, -1.0, 2.0]])[:, :, None, None]
    stand = Stand(module.requires_grad_(False), {"only": "0"}, input_size=16)
    result = visualize(
        stand,
        channels_per_stage=2,
        settings=ImageOptimisation.of(steps=200, jitter=0, rotation=0, scale=0),
        seed=0,
    )
    assert result.channels.tolist() == [0, 1]
    assert result.images[0, :, :, 0].mean() > 200
    blue = result.images[1].reshape(-1, 3).mean(0)
    assert blue[2] > blue[0] + 100
    assert blue[2] > blue[1] + 100


def test_spectrum_scales_by_inverse_frequency() -> None:
    picture = FourierImage(1, 32, decay=1.0, generator=generator())
    scale = picture.scale
    assert scale[0, 2] / scale[0, 8] == pytest.approx(4)
    assert scale[0, 0] == scale[0, 1]  # the mean counts as the lowest frequency
    smoother = FourierImage(1, 32, decay=2.0, generator=generator()).scale
    assert smoother[0, 2] / smoother[0, 8] == pytest.approx(16)
    assert smoother[0, 1] == pytest.approx(float(scale[0, 1]))


def test_image_is_in_range_and_nearly_grey_at_the_start() -> None:
    images = FourierImage(3, 48, decay=1.0, generator=generator())().detach()
    assert images.shape == (3, 3, 48, 48)
    assert images.min() > 0
    assert images.max() < 1
    assert float(images.mean()) == pytest.approx(0.5, abs=0.05)


def test_colours_correlate_as_in_natural_images() -> None:
    images = FourierImage(20, 48, decay=1.0, generator=generator())().detach()
    colours = np.corrcoef(torch.logit(images).permute(1, 0, 2, 3).reshape(3, -1).numpy())
    assert colours[0, 1] > 0.8
    assert colours[1, 2] > 0.8
    assert colours[0, 2] < min(colours[0, 1], colours[1, 2])


def test_movements_are_shares_of_the_side() -> None:
    settings = ImageOptimisation.of(jitter=0.125, scale=0, rotation=0)
    for size in (48, 96):
        images = torch.zeros(64, 3, size, size)
        images[:, :, size // 2, size // 2] = 1
        moved = features.moved(images, settings, generator())
        rows = moved.sum((1, 3)).argmax(1) - size // 2
        assert 0.08 * size < rows.abs().max() <= 0.125 * size + 1
    still = features.moved(images, ImageOptimisation.of(jitter=0, scale=0, rotation=0), generator())
    torch.testing.assert_close(still, images, atol=1e-4, rtol=0)


def test_normalisation_is_read_off_the_preprocessing() -> None:
    offset, factor = features.normalisation(network().preprocess, 48)
    torch.testing.assert_close(offset.flatten(), torch.full((3,), -2.0))
    torch.testing.assert_close(factor.flatten(), torch.full((3,), 4.0))
    with pytest.raises(InputError, match="not linear"):
        features.normalisation(lambda images: images.float() ** 2, 48)


def test_the_network_runs_no_further_than_the_stage() -> None:
    stand = network()
    calls = []
    stand.module.stage2.register_forward_hook(lambda *_: calls.append(1))
    visualize(stand, stages=["stage1"], channels_per_stage=1, settings=QUICK, seed=0)
    assert not calls


def test_channels_are_drawn_or_ranked() -> None:
    drawn = features.choose(64, 4, seed=0, key=1)
    assert len(set(drawn.tolist())) == 4
    assert drawn.tolist() != features.choose(64, 4, seed=0, key=2).tolist()
    variance = np.array([0.0, 3.0, 1.0, 2.0])
    assert features.choose(4, 2, seed=0, key=0, variance=variance).tolist() == [1, 3]
    assert len(features.choose(3, 8, seed=0, key=0)) == 3


def test_a_silent_unit_stays_silent_and_says_so() -> None:
    module = nn.Sequential(nn.Conv2d(3, 1, 1), nn.ReLU())
    module[0].weight.data.zero_()
    module[0].bias.data.fill_(-1)
    stand = Stand(module.requires_grad_(False), {"only": "1"}, input_size=16)
    result = visualize(stand, channels_per_stage=1, settings=QUICK, seed=0)
    assert result.after.tolist() == [0.0]


def test_tokens_have_units_too() -> None:
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, 6, 4, stride=4)
            self.block = nn.Linear(6, 6)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.block(self.patches(x).flatten(2).transpose(1, 2))

    stand = Stand(Tokens().requires_grad_(False), {"block": "block"}, input_size=16)
    result = visualize(stand, channels_per_stage=6, settings=QUICK, seed=0)
    assert result.channels.tolist() == list(range(6))
    assert (result.after > result.before).all()


def test_wrong_stage_and_settings_are_named() -> None:
    with pytest.raises(InputError, match=r"stage 'stage9' is unknown.*stage3"):
        visualize(network(), stages=["stage9"], settings=QUICK, seed=0)
    with pytest.raises(InputError, match="steps"):
        ImageOptimisation.of(steps=0)
    with pytest.raises(InputError, match="objective"):
        ImageOptimisation.of(objective="unit")
