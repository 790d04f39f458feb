"""Names, files and settings that cannot be used: one clear line, and nothing written."""

from __future__ import annotations

import importlib
import json
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from typer.testing import CliRunner

from texshape.cli.run import run
from texshape.data import imageset
from texshape.errors import InputError
from texshape.models.loading import load

importlib.import_module("texshape.cli.evaluate")  # registers the commands


def stimuli(folder, count=4, size=32):
    shown = np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    labels = pd.DataFrame(
        {
            "imagename": [f"bear{i}-cat1.png" for i in range(count)],
            "shape": "bear",
            "texture": "cat",
            "shape_exemplar": [f"bear{i}" for i in range(count)],
            "texture_exemplar": "cat1",
            "condition": "0",
        }
    )
    imageset.write(folder / "cue-conflict", imageset.ImageSet(shown, labels))
    return folder / "cue-conflict"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("torchvision:resnet5", "'resnet50'"),
        ("timm:resnet5o", "'resnet50'"),
        ("timm:resnet50.a1_in2k", "resnet50.a1_in1k"),
        ("efficientnet_lite_pytorch:efficientnet-lite7", "efficientnet-lite0"),
        ("torchvision:resnet18@nowhere.pth", "no such file: nowhere.pth"),
        ("nowhere/final.pt", "nowhere/final.pt"),
        ("python:no_such_module:build", "cannot import no_such_module"),
        ("python:texshape.models.trainable:buildd", "did you mean 'build'"),
        ("python:texshape.models.small:ARCHITECTURES", "cannot be called"),
    ],
)
def test_networks_that_do_not_exist(name, says):
    with pytest.raises(InputError) as caught:
        load(name)
    assert says in str(caught.value)


def test_a_package_that_is_not_installed_is_named(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *a: None if name == "open_clip" else real(name, *a),
    )
    with pytest.raises(InputError, match="pip install open_clip_torch"):
        load("open_clip:ViT-B-32/openai")


def test_weights_that_cannot_be_had(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def refuse(*args, **kwargs):
        raise OSError("Network is unreachable")

    monkeypatch.setattr("torch.hub.download_url_to_file", refuse)
    with pytest.raises(
        InputError, match=r"weights cannot be had .Network is unreachable"
    ) as caught:
        load("torchvision:squeezenet1_1")
    assert "torchvision:squeezenet1_1@PATH" in str(caught.value)


class Malicious:
    def __reduce__(self):
        return (print, ("this code must not run",))


def test_a_file_of_weights_runs_no_code(tmp_path, capsys):
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": Malicious()}, path)
    with pytest.raises(InputError, match="damaged or holds more than weights"):
        load(f"torchvision:squeezenet1_1@{path}")
    assert "must not run" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"no weights at all", b"PK\x03\x04truncated"])
def test_files_that_hold_no_weights(tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"weights\.pth"):
        load(f"torchvision:squeezenet1_1@{path}")


def test_weights_of_another_architecture(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save(load("torchvision:squeezenet1_0", weights=False).module.state_dict(), path)
    with pytest.raises(InputError, match="belongs to another architecture"):
        load(f"torchvision:resnet18@{path}")


def test_local_weights_are_used_out_of_their_wrapper(tmp_path):
    path = tmp_path / "weights.pth"
    given = load("torchvision:squeezenet1_1", weights=False, seed=5).module.state_dict()
    torch.save({"state_dict": {f"module.{key}": value for key, value in given.items()}}, path)
    loaded = load(f"torchvision:squeezenet1_1@{path}")
    assert all(torch.equal(value, given[key]) for key, value in loaded.module.state_dict().items())
    assert len(loaded.classes) == 16


def test_a_head_of_other_size_is_rebuilt_and_has_no_class_map(tmp_path):
    import timm

    path = tmp_path / "weights.pth"
    torch.save(timm.create_model("resnet10t", num_classes=7).state_dict(), path)
    network = load(f"timm:resnet10t@{path}")
    assert network.classes is None
    with pytest.raises(InputError, match="it has 7 outputs"):
        network.require_classes()
    table = tmp_path / "map.yaml"
    table.write_text("a: [0, 1]\nb: [2, 6]\n", encoding="utf-8")
    mapped = load(f"timm:resnet10t@{path}", settings={"class_map": table})
    assert mapped.classes == ("a", "b")


def test_random_weights_follow_the_seed_alone():
    torch.manual_seed(1)
    first = load("torchvision:squeezenet1_1", weights=False, seed=3).module.state_dict()
    state = torch.random.get_rng_state()
    torch.manual_seed(2)
    again = load("torchvision:squeezenet1_1", weights=False, seed=3).module.state_dict()
    other = load("torchvision:squeezenet1_1", weights=False, seed=4).module.state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert any(not torch.equal(first[key], other[key]) for key in first)
    torch.manual_seed(1)
    assert torch.equal(state, torch.random.get_rng_state())


def test_a_network_from_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "own_network_of_test.py").write_text(
        "from torch import nn\n"
        "def build(pretrained=True):\n"
        "    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(),\n"
        "                        nn.Linear(4, 2))\n"
        "    net.input_size, net.classes, net.was_pretrained = 20, ('a', 'b'), pretrained\n"
        "    return net\n"
        "def other():\n"
        "    return nn.Linear(2, 2)\n"
        "def nothing():\n"
        "    return 3\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    network = load("python:own_network_of_test:build")
    assert (network.classes, network.input_size) == (("a", "b"), 20)
    assert network.module.was_pretrained
    assert not load("python:own_network_of_test:build", weights=False).module.was_pretrained
    assert str(tmp_path) not in sys.path
    for name, says in {
        "other": "does not take an image of 224 px",
        "nothing": "returned int, expected an nn.Module",
    }.items():
        with pytest.raises(InputError, match=says):
            load(f"python:own_network_of_test:{name}")
    with pytest.raises(InputError, match="takes no argument 'pretrained'"):
        load("python:own_network_of_test:other", weights=False)


# --- through the command line ----------------------------------------------------------------------


def call(*arguments):
    return CliRunner().invoke(run, [str(argument) for argument in arguments])


def test_trials_and_features_of_an_untrained_network(tmp_path):
    stem = stimuli(tmp_path)
    settings = json.dumps({"batch_size": 2, "channels_last": True})
    common = ("--network", "torchvision:squeezenet1_1", "--random", "--seed", 1, "--set", stem)
    done = call(
        "trials", *common, "--output-dir", tmp_path / "t", "--settings", settings, "--scores"
    )
    assert done.exit_code == 0, done.output
    trials = pd.read_csv(tmp_path / "t/cue-conflict.csv", keep_default_na=False)
    assert (trials["subj"] == "squeezenet1_1--random").all()
    assert np.load(tmp_path / "t/cue-conflict.scores.npy").shape == (4, 16)

    done = call("features", *common, "--output-dir", tmp_path / "f", "--spatial", "stage3")
    assert done.exit_code == 0, done.output
    table = pd.read_csv(tmp_path / "f/stages.csv")
    assert {
        ("stem", "pooled"),
        ("stage3", "pooled"),
        ("stage3", "spatial"),
        ("pixels", "pixels"),
    } <= {*zip(table["stage"], table["input"], strict=True)}


@pytest.mark.parametrize(
    ("command", "extra", "says"),
    [
        ("features", ("--stage", "stage9"), "stage 'stage9' does not exist"),
        ("features", ("--spatial", "classifier.3"), "map of 1 x 1"),
        ("features", ("--batch-size", 0), "batch size"),
        ("features", ("--shards", 2), "--shards 2: expected --shard"),
        ("features", ("--shard", 2, "--shards", 2), "shard 2 of 2: expected a number from 0 to 1"),
        ("features", ("--shard", 0, "--shards", 2), "4 images are 1 batches of 32"),
        ("features", ("--threads", 0), "--threads"),
        ("features", ("--settings", "{"), "--settings: not JSON"),
        (
            "trials",
            ("--settings", '{"precision": "float8"}'),
            "evaluation.precision: expected float32 or bfloat16, found",
        ),
        ("trials", ("--settings", '{"aggregation": "meen"}'), "'mean'"),
        ("trials", ("--settings", '{"preprocessing": "hole"}'), "'whole'"),
        ("trials", ("--settings", '{"batch_size": 0}'), "batch_size"),
    ],
)
def test_bad_options_leave_nothing_behind(tmp_path, command, extra, says):
    stem = stimuli(tmp_path)
    done = call(
        command, "--network", "torchvision:squeezenet1_1", "--random", "--set", stem,
        "--output-dir", tmp_path / "out", *extra,
    )  # fmt: skip
    assert isinstance(done.exception, InputError), done.output
    assert says in str(done.exception)
    assert not list(tmp_path.glob("out/*"))


def test_a_network_without_class_map_gives_no_trials_but_features(tmp_path):
    import timm

    stem = stimuli(tmp_path)
    weights = tmp_path / "w.pth"
    torch.save(timm.create_model("resnet10t", num_classes=7).state_dict(), weights)
    common = ("--network", f"timm:resnet10t@{weights}", "--set", stem)
    done = call("trials", *common, "--output-dir", tmp_path / "t")
    assert isinstance(done.exception, InputError)
    assert "7 outputs" in str(done.exception)
    assert not (tmp_path / "t").exists()
    assert call("features", *common, "--output-dir", tmp_path / "f").exit_code == 0


def test_a_truncated_set_is_named(tmp_path):
    stem = stimuli(tmp_path)
    path = tmp_path / "cue-conflict.images.npy"
    path.write_bytes(path.read_bytes()[:200])
    done = call(
        "trials", "--network", "torchvision:squeezenet1_1", "--random", "--set", stem,
        "--output-dir", tmp_path / "t",
    )  # fmt: skip
    assert isinstance(done.exception, InputError)
    assert "cue-conflict.images.npy" in str(done.exception)
