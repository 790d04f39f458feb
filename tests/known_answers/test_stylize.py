"""Style transfer against answers found another way.

VGG-19 against torchvision's own; the published decoder's layout; AdaIN where encoder and decoder
are the identity; textures whose spectrum is known.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest
import torch
from tests.stylize_sets import pictures
from torch import nn

from texshape.config.stylize import OptimisationSettings, RandomFilters, StylizeSettings
from texshape.errors import InputError
from texshape.stylize import decoders, encoders, engines, fitness, reconstruction
from texshape.stylize.pixels import to_float
from texshape.stylize.statistics import gram_matrix
from texshape.stylize.weights import load_weights


@pytest.fixture(scope="module")
def torchvision_vgg():
    from torchvision.models import vgg19

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return vgg19(weights=None, init_weights=False).eval()


def test_vgg_with_torchvisions_weights_is_torchvisions_network(torchvision_vgg):
    """Away from the border, where padding differs, all layers agree."""
    encoder = encoders.Vgg19(torchvision_vgg.state_dict())
    images = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    # number of torchvision's layer, pixels a step, positions of the border
    wanted = {"relu1_1": (1, 1, 1), "relu2_1": (6, 2, 2), "relu3_1": (11, 4, 3)}
    with torch.inference_mode():
        maps = encoder(images, list(wanted))
        for name, (number, stride, border) in wanted.items():
            reference = torchvision_vgg.features[: number + 1]((images - mean) / deviation)
            inner = slice(border, 96 // stride - border)
            torch.testing.assert_close(
                maps[name][..., inner, inner], reference[..., inner, inner], rtol=1e-3, atol=1e-4
            )
    layers = encoder.layers
    assert [layers[f"relu{block}_1"].channels for block in range(1, 6)] == [64, 128, 256, 512, 512]
    assert [layers[f"relu{block}_1"].stride for block in range(1, 6)] == [1, 2, 4, 8, 16]


def published_vgg_state():
    """A state of random numbers in the layout of the file that AdaIN's authors published."""
    widths = [3, 64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512, 512, 512, 512, 512]
    numbers = [2, 5, 9, 12, 16, 19, 22, 25, 29, 32, 35, 38, 42, 45, 48, 51]
    state = {"0.weight": torch.randn(3, 3, 1, 1), "0.bias": torch.randn(3)}
    for number, before, after in zip(numbers, widths, widths[1:], strict=False):
        state[f"{number}.weight"] = torch.randn(after, before, 3, 3) / (3 * before**0.5)
        state[f"{number}.bias"] = torch.zeros(after)
    return state


def test_published_files_load_by_check_sum_and_fit_each_other(tmp_path):
    torch.manual_seed(0)
    state = published_vgg_state()
    torch.save(state, tmp_path / "vgg.pth")
    widths = {1: (512, 256), 5: (256, 256), 8: (256, 256), 11: (256, 256), 14: (256, 128),
              18: (128, 128), 21: (128, 64), 25: (64, 64), 28: (64, 3)}  # fmt: skip
    decoder = {}
    for number, (before, after) in widths.items():
        decoder[f"{number}.weight"] = torch.randn(after, before, 3, 3) / (3 * before**0.5)
        decoder[f"{number}.bias"] = torch.zeros(after)
    torch.save(decoder, tmp_path / "decoder.pth")
    sums = {
        name: hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for name in ("vgg.pth", "decoder.pth")
    }
    section = {
        "encoder": {"name": "vgg19", "weights": str(tmp_path / "vgg.pth"),
                    "sha256": sums["vgg.pth"]},
        "decoder_sha256": sums["decoder.pth"],
    }  # fmt: skip
    engine = engines.build(StylizeSettings.parse(section), decoder=tmp_path / "decoder.pth")
    assert torch.equal(engine.encoder.network[2].weight, state["2.weight"])
    assert torch.equal(engine.encoder.network[0].weight, state["0.weight"])
    assert torch.equal(engine.decoder[28].weight, decoder["28.weight"])
    result = engine.stylize(pictures(1, 40), pictures(1, 33))
    assert result.shape == (1, 40, 40, 3)
    wrong = StylizeSettings.parse(section | {"decoder_sha256": sums["vgg.pth"]})
    with pytest.raises(InputError, match="wrong check sum"):
        engines.build(wrong, decoder=tmp_path / "decoder.pth")
    with pytest.raises(InputError, match="neither a decoder"):
        engines.build(
            StylizeSettings.parse(section | {"decoder_sha256": None}), decoder=tmp_path / "vgg.pth"
        )


def test_state_of_another_network():
    with pytest.raises(InputError, match="expected the 17 of VGG-19"):
        encoders.Vgg19({"0.weight": torch.zeros(3, 3, 1, 1), "0.bias": torch.zeros(3)})
    state = published_vgg_state()
    state["9.weight"] = torch.zeros(64, 64, 3, 3)
    with pytest.raises(InputError, match=r"'9.weight' has shape \(64, 64, 3, 3\)"):
        encoders.Vgg19(state)


def test_check_sums_may_be_the_digits_in_a_files_name(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "a.pt")
    digest = hashlib.sha256((tmp_path / "a.pt").read_bytes()).hexdigest()
    assert "a" in load_weights(tmp_path / "a.pt", digest[:8])
    for wrong in ("", digest[:7], "0" * 8):
        with pytest.raises(InputError, match="wrong check sum"):
            load_weights(tmp_path / "a.pt", wrong)


class Pixels(encoders.Encoder):
    """The identity, whose statistics are those of colours."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = {"pixels": encoders.Layer(0, 0)}
        self._finish("pixels")

    def forward(self, images, wanted):
        return {"pixels": images}


class Identity(nn.Identity):
    channels, stride = 3, 1


def test_adain_of_pixels_gives_the_styles_mean_and_deviation_of_colour():
    engine = engines.AdaIN(Pixels(), Identity(), "pixels")
    rng = np.random.default_rng(0)
    content = np.clip(rng.normal(90, 20, (2, 64, 64, 3)), 0, 255).astype(np.uint8)
    style = np.clip(rng.normal([[100, 140, 160]], [[9, 18, 27]], (2, 50 * 50, 3)), 0, 255)
    style = style.astype(np.uint8).reshape(2, 50, 50, 3)
    result = engine.stylize(content, style)
    np.testing.assert_allclose(result.mean((1, 2)), style.mean((1, 2)), atol=0.3)
    np.testing.assert_allclose(result.std((1, 2)), style.std((1, 2)), atol=0.5)
    # places keep their order: it is a linear map of each channel
    place = np.argsort(content[0, :, :, 1], axis=None, kind="stable")
    assert (np.diff(result[0, :, :, 1].ravel()[place].astype(int)) >= 0).all()


def test_gram_matrix_by_counting():
    maps = torch.tensor([[[[1.0, 2.0]], [[3.0, -1.0]]]])  # two channels, two positions
    expected = [[(1 + 4) / 2, (3 - 2) / 2], [(3 - 2) / 2, (9 + 1) / 2]]
    assert gram_matrix(maps)[0].tolist() == expected


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_texture_has_the_styles_period_and_direction(optimizer):
    """Stripes of 8 px make, out of noise, a picture whose spectrum peaks at 8 px and that angle."""
    side, period = 48, 8
    place = np.arange(side)
    for axis in (0, 1):
        wave = 127 + 90 * np.sin(2 * np.pi * place / period)
        stripes = np.repeat(np.expand_dims(wave, 1 - axis), side, 1 - axis)
        style = np.repeat(stripes[None, :, :, None], 3, 3).astype(np.uint8)
        content = np.full((1, side, side, 3), 127, np.uint8)
        settings = OptimisationSettings(
            content_layers=("colours",), style_layers=("level0", "level1"), content_weight=0.0,
            optimizer=optimizer, steps=60, learning_rate=1.0 if optimizer == "lbfgs" else 0.03,
            start="noise",
        )  # fmt: skip
        engine = engines.Optimisation(encoders.RandomPyramid(RandomFilters(levels=2)), settings)
        result = engine.stylize(content, style)[0].mean(2)
        spectrum = np.abs(np.fft.fft2(result - result.mean()))[: side // 2, : side // 2]
        peak = np.unravel_index(spectrum.argmax(), spectrum.shape)
        wanted = (side // period, 0) if axis == 0 else (0, side // period)
        assert np.abs(np.subtract(peak, wanted)).max() <= 1


def test_reconstruction_errors_by_hand():
    images = np.zeros((2, 4, 4, 3), np.uint8)
    images[1] = 51  # 0.2
    assert reconstruction.squared_error(images, np.zeros((4, 4, 3))) == pytest.approx(0.02)
    assert reconstruction.psnr(0.01) == pytest.approx(20)
    assert np.isnan(reconstruction.psnr(0.0))
    engine = engines.AdaIN(Pixels(), Identity(), "pixels")
    table = reconstruction.reconstruction_table(engine, images, images, name="content")
    errors = table.set_index("method")["mse"]
    assert errors["decoder"] == 0
    assert errors["mean colour"] == errors["blur"] == 0  # flat pictures
    assert errors["mean image"] == pytest.approx(0.01)


def test_fitness_of_known_decisions():
    names = [f"disc{i}-marble{i}.png" for i in range(100)]
    category = ["disc"] * 50 + ["star"] * 50

    def decided(role, model, seed, right):
        wrong = {"disc": "star", "star": "disc"}
        answers = [c if i % 100 < right else wrong[c] for i, c in enumerate(category)]
        return fitness.Decided(role, model, seed, names, category, answers)

    table = fitness.fitness_table(
        "neural",
        [
            decided("full", "cnn--neural", 0, 90),
            decided("full", "cnn--neural", 1, 80),
            decided("limited", "rf9--neural", 0, 30),
        ],
        engine="adain",
        weights="w",
        resamples=2000,
    )
    assert table["accuracy"].tolist() == pytest.approx([0.9, 0.8, 0.3, 0.55])
    first = table.iloc[0]
    # the binomial's deviation is 0.03
    assert first["ci_low"] == pytest.approx(0.84, abs=0.015)
    assert first["ci_high"] == pytest.approx(0.955, abs=0.015)
    assert (table["ci_low"] <= table["accuracy"]).all()
    assert table["chance"].tolist() == [0.5, 0.5, 0.5, 0.0]
    assert table["role"].iloc[-1] == "difference"
    assert pd.isna(table["seed"].iloc[-1])
    other = fitness.Decided("limited", "rf9--neural", 1, names[::-1], category, category)
    with pytest.raises(InputError, match="saw other images"):
        fitness.fitness_table("neural", [decided("full", "a--b", 0, 5), other], engine="",
                              weights="")  # fmt: skip


def test_backbone_stops_early_and_gives_what_the_network_computes():
    from texshape.models import small, trainable

    network = trainable.build("cnn", 12, seed=0).eval()
    encoder = encoders.Backbone(network, network.stages, mean=small.MEAN, std=small.STD, name="cnn")
    images = to_float(pictures(2, 48))
    called = []
    network.head.register_forward_hook(lambda *_: called.append(1))
    maps = encoder(images, ["stage1", "stem"])
    with torch.inference_mode():
        stem = network.stem(small.normalise(images))
        torch.testing.assert_close(maps["stem"], stem)
        torch.testing.assert_close(maps["stage1"], network.stage1(stem))
    assert not called
    assert encoder.layers["stage2"] == encoders.Layer(64, 4)
    encoder.train()
    assert not encoder.module.training  # statistics of batch normalisation stay
    images.requires_grad_(True)
    encoder(images, ["stage2"])["stage2"].sum().backward()
    assert images.grad.abs().sum() > 0


def test_decoder_survives_its_file(tmp_path):
    decoder = decoders.Decoder(decoders.mirror_plan(7, 2, 16))
    decoders.write(tmp_path / "d.pt", decoder, {"encoder": "e:1", "layer": "l"})
    again, about = decoders.read(tmp_path / "d.pt")
    features = torch.rand(1, 7, 5, 6)
    torch.testing.assert_close(again(features), decoder(features))
    assert about["encoder"] == "e:1"
    assert len(about["digest"]) == 16
