"""Engines: statistics, alpha, sizes, independence of the batch, minimisation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.stylize_sets import SETTINGS, pictures

from texshape.config.stylize import Preparation, StylizeSettings
from texshape.errors import InputError
from texshape.stylize import decoders, encoders, engines
from texshape.stylize.decoder_training import train_decoder
from texshape.stylize.minimise import adam, lbfgs
from texshape.stylize.pixels import enlarge, gaussian_blur, prepare, reduce, to_bytes, to_float
from texshape.stylize.reconstruction import psnr, reconstruction_table, squared_error
from texshape.stylize.statistics import (
    EPSILON,
    adaptive_instance_normalisation,
    channel_statistics,
    gram_matrix,
)


@pytest.fixture(scope="module")
def trained():
    settings = StylizeSettings.parse(SETTINGS)
    encoder = encoders.load(settings.encoder)
    decoder, history = train_decoder(
        encoder, pictures(12), pictures(12, seed=1), settings.decoder, seed=0
    )
    return encoder, decoder, history


@pytest.fixture(scope="module")
def adain(trained):
    encoder, decoder, _ = trained
    return engines.AdaIN(encoder, decoder, "all")


@pytest.fixture(scope="module")
def optimisation():
    settings = StylizeSettings.parse(SETTINGS)
    return engines.Optimisation(encoders.load(settings.encoder), settings.optimisation)


def test_exchange_gives_the_styles_statistics():
    content = torch.randn(3, 5, 12, 9, generator=torch.Generator().manual_seed(0))
    style = 3 * torch.randn(3, 5, 7, 8, generator=torch.Generator().manual_seed(1)) - 2
    result = adaptive_instance_normalisation(content, style)
    for got, wanted in zip(channel_statistics(result), channel_statistics(style), strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-4, atol=1e-4)


def test_exchange_at_alpha_zero_is_the_content_and_between_is_linear():
    content, style = torch.rand(2, 3, 6, 6), torch.rand(2, 3, 6, 6)
    whole = adaptive_instance_normalisation(content, style)
    assert torch.equal(adaptive_instance_normalisation(content, style, 0.0), content)
    half = adaptive_instance_normalisation(content, style, 0.5)
    torch.testing.assert_close(half, (content + whole) / 2)


def test_flat_features_give_no_infinity():
    flat = torch.ones(1, 2, 4, 4)
    _, deviation = channel_statistics(flat)
    assert deviation.flatten().tolist() == pytest.approx([EPSILON**0.5] * 2)
    assert torch.isfinite(adaptive_instance_normalisation(flat, torch.rand(1, 2, 4, 4))).all()


def test_single_position_has_no_deviation_but_a_value():
    _, deviation = channel_statistics(torch.rand(1, 2, 1, 1))
    assert torch.isfinite(deviation).all()


def test_gram_matrix_does_not_depend_on_positions():
    maps = torch.rand(2, 3, 5, 5)
    shuffled = maps.flatten(2)[:, :, torch.randperm(25)].view(2, 3, 5, 5)
    torch.testing.assert_close(gram_matrix(maps), gram_matrix(shuffled))
    twice = torch.cat([maps, maps], 3)  # nor on their number
    torch.testing.assert_close(gram_matrix(maps), gram_matrix(twice))


@pytest.mark.parametrize("which", ["adain", "optimisation"])
@pytest.mark.parametrize("alpha", [-0.1, 1.01, float("nan"), True, "1"])
def test_alpha_outside_its_range(which, alpha, request):
    engine = request.getfixturevalue(which)
    with pytest.raises(InputError, match="alpha"):
        engine.stylize(pictures(1), pictures(1), alpha)


@pytest.mark.parametrize("which", ["adain", "optimisation"])
def test_result_of_an_image_does_not_depend_on_its_batch(which, request):
    engine = request.getfixturevalue(which)
    content, style = pictures(5), pictures(5, seed=2)
    streams = [(7, index) for index in range(5)]
    together = engine.stylize(content, style, 1.0, streams)
    alone = np.concatenate(
        [engine.stylize(content[i : i + 1], style[i : i + 1], 1.0, [streams[i]]) for i in range(5)]
    )
    # sums in another order may round a pixel differently
    assert np.abs(together.astype(int) - alone).max() <= 1
    assert (together != alone).mean() < 0.02


@pytest.mark.parametrize("which", ["adain", "optimisation"])
@pytest.mark.parametrize("size", [(24, 24), (25, 31), (8, 40), (3, 2), (1, 1)])
def test_any_size(which, size, request):
    content = np.random.default_rng(0).integers(0, 256, (2, *size, 3), dtype=np.uint8)
    result = request.getfixturevalue(which).stylize(content, pictures(2))
    assert result.shape == content.shape
    assert result.dtype == np.uint8


def test_batches_must_go_together(adain):
    with pytest.raises(InputError, match="2 styles for 3 contents"):
        adain.stylize(pictures(3), pictures(2))
    with pytest.raises(InputError, match="expected uint8"):
        adain.stylize(pictures(1).astype(float), pictures(1))


def test_optimisation_reaches_the_styles_gram_matrices(optimisation):
    content = pictures(6)
    style = np.random.default_rng(0).integers(60, 190, (6, 24, 24, 3), dtype=np.uint8)

    def distances(images):
        maps, wanted = (
            optimisation.encoder(to_float(given), ["level0"])["level0"] for given in (images, style)
        )
        return (gram_matrix(maps) - gram_matrix(wanted)).square().mean((1, 2))

    longer = optimisation.settings.replace(steps=40)
    result = engines.Optimisation(optimisation.encoder, longer).stylize(content, style)
    assert (distances(result) < 0.2 * distances(content)).all()


def test_adain_takes_the_styles_colour(trained):
    encoder = trained[0]
    longer = StylizeSettings.parse(SETTINGS).decoder.replace(steps=80)
    decoder, _ = train_decoder(encoder, pictures(12), pictures(12, seed=1), longer, seed=0)
    adain = engines.AdaIN(encoder, decoder, "all")
    content, style = pictures(6), pictures(6, seed=3)
    style = np.clip(style * np.array([1.5, 0.5, 0.5]), 0, 255).astype(np.uint8)  # reddish
    result = adain.stylize(content, style)

    def red(images):
        return (images[..., 0].astype(float) - images[..., 1]).mean((1, 2))

    assert (red(result) - red(content)).mean() > 0.5 * (red(style) - red(content)).mean() > 0


def test_alpha_zero_reconstructs(adain, optimisation):
    content, style = pictures(4), pictures(4, seed=3)
    assert np.array_equal(adain.stylize(content, style, 0.0), adain.reconstruct(content))
    kept = optimisation.stylize(content, style, 0.0)
    assert np.abs(kept.astype(int) - content).max() <= 1


def test_training_lowers_every_loss_and_is_reproducible(trained):
    encoder, decoder, history = trained
    for key in ("style_loss", "reconstruction_loss"):
        assert history[-1][key] < 0.5 * history[0][key]
    again, _ = train_decoder(
        encoder, pictures(12), pictures(12, seed=1), StylizeSettings.parse(SETTINGS).decoder, seed=0
    )
    for first, second in zip(decoder.parameters(), again.parameters(), strict=True):
        assert torch.equal(first, second)


def test_training_leaves_the_global_random_state():
    settings = StylizeSettings.parse(SETTINGS | {"decoder": SETTINGS["decoder"] | {"steps": 1}})
    encoder = encoders.load(settings.encoder)
    state = torch.get_rng_state()
    train_decoder(encoder, pictures(4), pictures(4), settings.decoder, seed=0)
    assert torch.equal(state, torch.get_rng_state())


def quadratic(images):  # each image another curvature, minimum at its own number
    scale = torch.linspace(1, 100, images[0].numel()).view(images.shape[1:])
    target = torch.arange(len(images)).view(-1, 1, 1, 1).float()
    return (scale * (images - target) ** 2).flatten(1).sum(1)


def test_lbfgs_finds_the_minimum_of_a_badly_scaled_quadratic():
    start = torch.full((3, 1, 2, 4), 5.0)
    result = lbfgs(quadratic, start, steps=60)
    target = torch.arange(3).view(-1, 1, 1, 1).float().expand_as(start)
    torch.testing.assert_close(result, target, rtol=0, atol=1e-3)
    assert (
        quadratic(adam(quadratic, start, steps=60, learning_rate=0.2)).max()
        > quadratic(result).max()
    )


def test_lbfgs_never_ends_above_its_start():
    def hard(images):
        return (images**4 - 3 * images**2 + images).flatten(1).sum(1) + torch.sin(
            20 * images
        ).flatten(1).sum(1)

    start = torch.randn(8, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    assert (hard(lbfgs(hard, start, steps=25)) <= hard(start)).all()


def test_low_pass_keeps_the_mean_and_noise_belongs_to_the_image():
    images = to_float(pictures(3))
    flat = torch.full((1, 3, 20, 20), 0.3)
    torch.testing.assert_close(gaussian_blur(flat, 2.0), flat)
    noisy = prepare(images, Preparation(noise=0.1), [(1, 0), (1, 1), (1, 2)])
    alone = prepare(images[1:2], Preparation(noise=0.1), [(1, 1)])
    assert torch.equal(noisy[1:2], alone)
    assert float((noisy - images).std()) == pytest.approx(0.1, rel=0.1)
    assert torch.equal(prepare(images, Preparation(), [(0,)] * 3), images)


def test_pixels_survive_the_way_there_and_back():
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    assert np.array_equal(to_bytes(to_float(images)), images)


def test_what_is_enlarged_comes_back():
    images = pictures(3)
    assert enlarge(images, 1) is images
    assert reduce(images, 1) is images
    for factor in (2, 3):
        large = enlarge(images, factor)
        assert large.shape == (3, 24 * factor, 24 * factor, 3)
        assert psnr(squared_error(images, reduce(large, factor))) > 35
    blocks = np.repeat(np.repeat(images, 2, 1), 2, 2)
    assert np.array_equal(reduce(blocks, 2), images)
    blocks[:, 1::2, 1::2] = 0  # three quarters of each square are as they were
    assert np.abs(reduce(blocks, 2) - 0.75 * images).max() <= 0.5


class Recorder:
    """An engine that returns its contents and keeps what it was given."""

    name, weights = "adain", "none:0"

    def stylize(self, contents, styles, alpha=1.0, streams=None):
        self.given = contents.shape, styles.shape, alpha, streams
        return contents


def test_an_enlarged_transfer_has_the_size_of_its_contents():
    inner = Recorder()
    engine = engines.Enlarged(inner, 2)
    result = engine.stylize(pictures(3), pictures(3, 30), 0.5, [(7, n) for n in range(3)])
    assert inner.given == ((3, 48, 48, 3), (3, 30, 30, 3), 0.5, [(7, 0), (7, 1), (7, 2)])
    assert psnr(squared_error(pictures(3), result)) > 35
    assert (engine.name, engine.weights) == ("adain", "none:0")
    with pytest.raises(InputError, match="2 styles for 3 contents"):
        engine.stylize(pictures(3), pictures(2))


def test_the_parameter_enlarges(trained, tmp_path):
    settings = StylizeSettings.parse(SETTINGS | {"enlarge": 2})
    encoder, small, _ = trained
    decoder, _ = train_decoder(
        encoder, pictures(12), pictures(12, 48, seed=1), settings.decoder, enlargement=2, seed=0
    )
    assert not torch.equal(decoder[1].weight, small[1].weight)
    decoders.write(tmp_path / "d.pt", decoder, {"encoder": encoder.identity, "layer": "all"})
    engine = engines.build(settings, decoder=tmp_path / "d.pt")
    plain = engines.build(settings.replace(enlarge=1), decoder=tmp_path / "d.pt")
    assert (type(engine), type(plain)) == (engines.Enlarged, engines.AdaIN)
    images, styles = pictures(4), pictures(4, 48, seed=2)
    expected = reduce(plain.stylize(enlarge(images, 2), styles), 2)
    assert np.array_equal(engine.stylize(images, styles), expected)
    tables = [
        reconstruction_table(plain, images, images, name="content", enlargement=factor)
        for factor in (1, 2)
    ]
    first, second = (table.set_index("method")["mse"] for table in tables)
    assert first["blur"] == second["blur"]  # both are held against the picture's own size
    by_hand = reduce(plain.reconstruct(enlarge(images, 2)), 2)
    assert second["decoder"] == pytest.approx(squared_error(images, by_hand))
    assert first["decoder"] != second["decoder"]
    optimised = engines.build(settings.replace(engine="optimisation"))
    assert isinstance(optimised, engines.Enlarged)
    assert optimised.stylize(images[:1], styles[:1]).shape == (1, 24, 24, 3)


def test_no_decoder_mirrors_a_network_without_padding():
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 7, stride=2))
    encoder = encoders.Backbone(
        network, {"first": "0"}, mean=(0.5,) * 3, std=(0.5,) * 3, name="bare"
    )
    settings = StylizeSettings.parse(
        SETTINGS | {"decoder": SETTINGS["decoder"] | {"layer": "first", "style_layers": ["first"]}}
    )
    expected = (
        r"decoder.layer 'first': .* a map of 29 x 29 for a picture of 64 x 64, expected 32 x 32"
    )
    with pytest.raises(InputError, match=expected):
        train_decoder(encoder, pictures(2, 64), pictures(2, 64), settings.decoder, seed=0)


def test_mirror_plan():
    assert decoders.mirror_plan(99, 2, 48) == (99, 48, "up", 24, 24, 3)
    module = decoders.Decoder(decoders.mirror_plan(64, 4, 64))
    assert (module.channels, module.stride) == (64, 4)
    assert module(torch.rand(1, 64, 6, 5)).shape == (1, 3, 24, 20)
    with pytest.raises(InputError, match="power of two"):
        decoders.mirror_plan(8, 3, 8)
