"""Networks that a training builds by name, recipes of the papers, and decisions between categories."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from texshape.config.training import TrainingSettings
from texshape.data import imageset
from texshape.errors import InputError
from texshape.models import trainable
from texshape.models.decisions import between, probabilities
from texshape.models.loading import load
from texshape.models.network import Network
from texshape.training import batches, checkpoints, loop
from texshape.training.optimization import optimizer_and_schedule
from texshape.trials import imagenet16

SETTINGS = {
    "epochs": 2, "batch_size": 8, "learning_rate": 0.01, "weight_decay": 1e-4,
    "horizontal_flip": True, "random_crop": None, "checkpoint_epochs": [0, 2],
    "precision": "float32", "compile": False, "channels_last": True,
}  # fmt: skip
CLASSES = ("cat", "dog")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for name in ("train-plain", "train-stylized"):
        labels = [CLASSES[i % 2] for i in range(24)]
        rows = [
            [f"{c}{i}-{c}{i}.png", c, c, f"{c}{i}", f"{c}{i}", name] for i, c in enumerate(labels)
        ]
        frame = pd.DataFrame(rows, columns=imageset.LABEL_COLUMNS)
        pixels = rng.integers(0, 256, (24, 32, 32, 3), dtype=np.uint8)
        imageset.write(folder / name, imageset.ImageSet(pixels, frame))
    return folder


def train(data: Path, output: Path, *, architecture: str = "resnet8", sets=("plain",),
          initial: str | None = None, **changed: object) -> pd.DataFrame:  # fmt: skip
    return loop.train(
        architecture=architecture,
        settings=TrainingSettings.over(SETTINGS | changed),
        seed=0,
        train_sets=[data / f"train-{name}" for name in sets],
        validation_sets=[],
        output_dir=output,
        initial=initial,
        log=lambda line: None,
    )


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("resnet8", 78_042),
        ("resnet20", 272_474),
        ("resnet50", 25_557_032 - 1000 * 2049 + 10 * 2049),
        ("bagnet33", None),
    ],
)
def test_a_network_by_name(name, parameters):
    network = trainable.build(name, 10, seed=3)
    if parameters is not None:
        assert sum(p.numel() for p in network.parameters()) == parameters
    again = trainable.build(name, 10, seed=3, given=trainable.configuration(name))
    state = network.state_dict()
    assert all(torch.equal(value, state[key]) for key, value in again.state_dict().items())


def test_resnet8_halves_its_map_twice():
    network = trainable.build("resnet8", 10, seed=0).eval()
    with torch.inference_mode():
        last = network.stage3(
            network.stage2(network.stage1(network.stem(torch.zeros(1, 3, 32, 32))))
        )
    assert last.shape == (1, 64, 8, 8)


def test_an_unknown_network_names_the_nearest():
    with pytest.raises(InputError, match="'resnet21' is unknown; did you mean 'resnet"):
        trainable.build("resnet21", 10)


def test_a_checkpoint_of_any_family_is_read_back(data, tmp_path):
    train(data, tmp_path)
    network = load(str(tmp_path / "checkpoints" / "final.pt"))
    assert network.classes == CLASSES
    assert list(network.stages) == ["stem", "stage1", "stage2", "stage3"]
    written = checkpoints.read(tmp_path / "checkpoints" / "final.pt")
    assert (written["architecture"], written["configuration"]) == ("resnet8", {"blocks": 1})


def test_sgd_with_steps():
    network = torch.nn.Linear(2, 2)
    chosen = TrainingSettings.over(
        SETTINGS | {"epochs": 6, "optimizer": "sgd", "momentum": 0.9, "schedule": "step",
                    "step_epochs": 2, "learning_rate": 0.1, "checkpoint_epochs": []}
    )  # fmt: skip
    optimizer, schedule = optimizer_and_schedule(network, chosen, 6 * 5)
    assert isinstance(optimizer, torch.optim.SGD)
    rates = []
    for _ in range(30):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx([0.1] * 10 + [0.01] * 10 + [0.001] * 10)


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"schedule": "step"}, "step_epochs: expected a whole number of at least 1, found null"),
        ({"optimizer": "adam"}, "optimizer: expected adamw or sgd"),
        ({"momentum": 1.0}, "momentum: expected a number of at least 0 and below 1"),
        ({"passes": 0}, "passes: expected a number above 0"),
    ],
)
def test_recipes_that_cannot_be(changed, line):
    with pytest.raises(InputError, match=line):
        TrainingSettings.over(SETTINGS | changed)


def test_an_epoch_of_several_passes(data):
    sets, _, _ = batches.read_sets([data / "train-plain", data / "train-stylized"], [])
    one = batches.epoch_order(sets, 8, seed=0, epoch=1)
    long = batches.epoch_order(sets, 8, seed=0, epoch=1, passes=1.5)
    assert [order.shape for order in one] == [(3, 4)] * 2
    assert [order.shape for order in long] == [(4, 4)] * 2
    # Half of each batch from either set: one and a half passes repeat no image.
    assert all(len(order.unique()) == 16 for order in long)
    (twice,) = batches.epoch_order(sets[:1], 8, seed=0, epoch=1, passes=2)
    assert torch.equal(twice.flatten().bincount(), torch.full((24,), 2))


def test_training_starts_from_given_weights(data, tmp_path):
    train(data, tmp_path / "first")
    first = tmp_path / "first" / "checkpoints" / "final.pt"
    train(data, tmp_path / "second", sets=("stylized",), initial=str(first))
    start = checkpoints.read(tmp_path / "second" / "checkpoints" / "epoch-000.pt")["state"]
    given = checkpoints.read(first)["state"]
    assert all(torch.equal(value, given[key]) for key, value in start.items())
    with pytest.raises(InputError, match=r"does not fit, at '.*'; expected a network of the same"):
        train(data, tmp_path / "third", architecture="rf9", initial=str(first))


# --- decisions of a network that decides between WordNet ids --------------------------------


def network_of(classes: tuple[str, ...]) -> Network:
    return Network(
        name="ours", slug="ours--plain", module=torch.nn.Identity(), input_size=8,
        preprocess=lambda images: images, classes=classes, decide=probabilities, labels=classes,
    )  # fmt: skip


def test_all_of_imagenet_decides_as_published_networks_do():
    rows = imagenet16.table()
    classes = [f"n{index:08d}" for index in range(1000)]
    for wnid, index, _ in rows:
        classes[index] = wnid
    asked = between(network_of(tuple(classes)), [*imagenet16.CATEGORIES, "na"])
    assert asked.classes == imagenet16.CATEGORIES
    assert asked.categories == imagenet16.indices()


def test_other_networks_stay_as_they_are():
    ids = network_of(("n02123045", "n02085782", "n01514859"))
    assert between(ids, ["n02123045", "na"]) is ids
    assert between(network_of(("cat", "dog")), ["cat", "dog"]).classes == ("cat", "dog")
    assert between(ids, ["disc", "star"]) is ids
    some = between(ids, ["cat", "dog", "bird", "truck"])
    assert some.classes == ("bird", "cat", "dog")
    logits = torch.tensor([[0.0, 5.0, 0.0]])
    assert some.classes[int(some.decide(logits).argmax())] == "dog"
    assert between(replace(ids, classes=None), ["cat"]).classes is None
