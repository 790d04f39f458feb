"""Decisions, trials, and the sensitivity grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from texshape.data.imageset import ImageSet
from texshape.errors import InputError
from texshape.models import small, trainable
from texshape.models.decisions import decider, probabilities
from texshape.models.loading import load
from texshape.models.network import Network
from texshape.models.preprocessing import Own, preprocess
from texshape.techniques.sensitivity.tables import SENSITIVITY
from texshape.training import checkpoints
from texshape.trials import evaluate as module
from texshape.trials import files
from texshape.trials.evaluate import decisions, evaluate, sensitivity, trials_frame

CLASSES = ("disc", "square", "star")


class Colour(nn.Module):
    """Logits are the mean of each colour channel; remembers what it was shown."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1, bias=False)
        self.conv.weight.data.zero_()
        for channel in range(3):
            self.conv.weight.data[channel, channel, 1, 1] = 1
        self.shown = []

    def forward(self, x):
        self.shown.append((len(x), x.is_contiguous(memory_format=torch.channels_last)))
        return 5 * self.conv(x).mean((2, 3))


def network(size=16, **changes):
    own = Own(size, mean=(0.0,) * 3, std=(1.0,) * 3, resize=size)
    made = Network(
        name="test",
        slug="colour--plain",
        module=Colour().eval().requires_grad_(False),
        input_size=size,
        preprocess=preprocess(own),
        classes=CLASSES,
        decide=probabilities,
        own=own,
    )
    return replace(made, **changes)


def images(count, size=16, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def labelled(shown, shape, texture):
    count = len(shown)
    frame = pd.DataFrame(
        {
            "imagename": [f"{shape[i]}{i}-{texture[i]}{i}.png" for i in range(count)],
            "shape": shape,
            "texture": texture,
            "shape_exemplar": [f"{shape[i]}{i}" for i in range(count)],
            "texture_exemplar": [f"{texture[i]}{i}" for i in range(count)],
            "condition": "0",
        }
    )
    return ImageSet(shown, frame)


def expected_scores(shown):
    logits = torch.tensor(5 * shown.mean((1, 2)) / 255)
    return logits.softmax(1).numpy()


@pytest.mark.parametrize("batch_size", [None, 1, 7, 500])
@pytest.mark.parametrize("channels_last", [None, False, True])
def test_every_plan_sees_every_image_once_and_in_order(batch_size, channels_last):
    shown = images(53)
    made = network()
    scores = evaluate(made, shown, batch_size=batch_size, channels_last=channels_last)
    assert scores.shape == (53, 3)
    assert scores.dtype == np.float32
    assert np.allclose(scores, expected_scores(shown), atol=1e-5)
    assert sum(count for count, _ in made.module.shown) == 53
    if channels_last is not None:
        assert {last for count, last in made.module.shown} == {channels_last}
    assert made.module.conv.weight.is_contiguous()  # left as it was found


def test_the_search_takes_the_fastest_plan():
    seconds = {(8, False): 4, (8, True): 3, (16, True): 2, (32, True): 5}
    search = module._Search(None, None)
    tried = []
    while (plan := search.next()) is not None:
        tried.append((plan.batch_size, plan.channels_last))
        search.tell(plan, seconds[tried[-1]])
    assert tried == [key for key in seconds for _ in range(search.repeats)]
    assert search.best() == module.Plan(16, True)


def test_the_first_call_of_a_shape_does_not_count():
    search = module._Search(None, False)
    for seconds in (100, 1, 1):
        search.tell(search.next(), seconds)
    assert search.cost(module.Plan(8, False)) == 1


def test_bfloat16_rounds_and_decides_alike():
    shown = images(20)
    shown[..., 0] //= 2
    full, half = (evaluate(network(), shown, precision=kind) for kind in ("float32", "bfloat16"))
    assert full.dtype == half.dtype == np.float32
    assert 0 < np.abs(full - half).max() < 0.02


def test_a_network_that_drops_images_is_reported(capsys):
    class Drops(nn.Module):
        def forward(self, x):
            return x.mean((2, 3))[:1]

    made = network(module=Drops().eval())
    evaluate(made, images(4), batch_size=2, channels_last=False)
    assert "2 images were evaluated, expected 4" in capsys.readouterr().err


def test_undefined_scores_are_no_decision():
    scores = np.array([[0.1, 0.9, 0.0], [np.nan, 0.5, 0.5], [0.2, 0.1, 0.7]])
    assert decisions(scores, CLASSES).tolist() == ["square", "na", "star"]


def test_trials_have_the_published_columns(tmp_path):
    shown = labelled(images(3), ["disc", "na", "star"], ["star", "disc", "na"])
    frame = trials_frame(shown, np.array(["disc", "disc", "na"], dtype=object), "colour--plain")
    assert list(frame.columns) == list(files.COLUMNS)
    assert frame["category"].tolist() == ["disc", "disc", "star"]  # texture where no shape is
    assert frame["trial"].tolist() == [1, 2, 3]
    files.write(tmp_path / "t.csv", frame)
    first = (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()[1]
    assert first == "colour--plain,1,1,NaN,disc,disc,0,disc0-star0.png"
    assert len(files.read(tmp_path / "t.csv")) == 3


def test_no_class_map_is_one_clear_line():
    made = network(
        classes=None, decide=None, without_decision="it has 21843 outputs", outputs=21843
    )
    with pytest.raises(InputError, match="test: it has 21843 outputs; decisions need one"):
        evaluate(made, images(1))


def test_a_checkpoint_of_ours_decides_between_its_classes(tmp_path):
    path = tmp_path / "rf9--plain/seed-1/final.pt"
    trained = trainable.build("rf9", 3, seed=4)
    checkpoints.write(
        path, trained, architecture="rf9", classes=CLASSES, image_size=48, training={}, seed=1,
        epoch=1, step=1,
    )  # fmt: skip
    shown = images(4, size=48)
    made = load(str(path))
    assert (made.slug, made.classes, made.input_size) == ("rf9--plain", CLASSES, 48)
    assert list(made.stages) == ["stem", "stage1", "stage2", "stage3"]
    assert not any(parameter.requires_grad for parameter in made.module.parameters())
    with torch.inference_mode():
        shown_tensor = torch.from_numpy(shown).permute(0, 3, 1, 2)
        logits = trained.eval()(small.normalise(shown_tensor))
    scores = evaluate(made, shown, batch_size=2, channels_last=False)
    assert np.allclose(scores, logits.softmax(1).numpy(), atol=1e-5)
    untrained = load(str(path), weights=False, seed=9)
    assert untrained.classes == CLASSES
    assert not torch.equal(untrained.module.head.weight, made.module.head.weight)


def red_textured_as_stars(shape):
    """40 red images and a network that always decides red, the class `disc`."""
    shown = images(40)
    shown[..., 0] = 255
    shown[..., 1:] //= 4
    groups = {"disc": [0], "square": [1], "star": [2]}
    made = network(categories=groups, decide=decider(list(groups.values())))
    return made, labelled(shown, [shape] * 40, ["star"] * 40)


def test_sensitivity_runs_each_pipeline_once_and_finds_the_bias():
    made, stimuli = red_textured_as_stars("disc")
    table = sensitivity(
        made,
        stimuli,
        aggregations=["mean", "max"],
        preprocessings=["whole", "own", "crop-0.5"],
        interpolations=["bicubic", "bilinear"],
        resamples=50,
        batch_size=40,
    )
    # whole and own leave these images as they are; the crop resizes, once each way
    assert sum(count for count, _ in made.module.shown) == 3 * 40
    assert len(table) == 2 * (2 + 1 + 2)
    assert (table["shape_bias"] == 1).all()
    assert (table["n_conflict"] == 40).all()
    assert table.columns.tolist() == ["model", *SENSITIVITY.names]
    # Three of the five pipelines differ; the other two say which one they repeat.
    for _, rows in table.groupby("aggregation"):
        assert rows["same_as"].tolist() == ["", "whole, bicubic", "whole, bicubic", "", ""]
    assert len(SENSITIVITY.check(table)) == len(table)
    rows = table.groupby("preprocessing")["interpolation"].nunique()
    assert rows.to_dict() == {"whole": 2, "own": 1, "crop-0.5": 2}


def test_a_bias_that_is_undefined_is_said_once_with_where(capsys):
    # Always decided red, which is neither cue.
    made, stimuli = red_textured_as_stars("square")
    table = sensitivity(
        made,
        stimuli,
        aggregations=["mean", "max"],
        preprocessings=["whole", "crop-0.5"],
        interpolations=["bicubic"],
        resamples=50,
        batch_size=40,
    )
    assert table["shape_bias"].isna().all()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("texshape: warning: ")
    assert "shape bias is undefined" in line
    assert line.endswith(
        "(mean, whole, bicubic; max, whole, bicubic; mean, crop-0.5, bicubic; max, crop-0.5, bicubic)"
    )
