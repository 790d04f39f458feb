"""Files of weights as training programs write them: copies, wrappers, heads, and what they are not."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn

from texshape.errors import InputError
from texshape.models.loading import load
from texshape.models.weight_files import load_into


class Net(nn.Module):
    def __init__(self, num_classes=4):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5)
        self.fc = nn.Linear(5, num_classes)

    def forward(self, x):
        return self.fc(self.bn(self.conv(x)).mean((2, 3)))


def weights(seed, build=Net, **arguments):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(**arguments).state_dict()


GOOD, OTHER, THIRD = weights(1), weights(2), weights(3)


def below(prefix, state):
    return {prefix + key: value for key, value in state.items()}


def loaded(tmp_path, content, module=None, **arguments):
    path = tmp_path / "w.pth"
    torch.save(content, path)
    return load_into(module or Net(), path, "n", **arguments).state_dict()


def same(found, wanted):
    return all(torch.equal(found[key], wanted[key]) for key in wanted)


# --- copies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "copies", "said"),
    [
        ({"state_dict": OTHER, "state_dict_ema": GOOD}, 2, "'state_dict_ema', an average"),
        ({"model": OTHER, "model_ema": GOOD, "epoch": 3}, 2, "'model_ema', an average"),
        ({"model": OTHER, "ema": {"module": GOOD}}, 2, "'ema.module', an average"),
        (
            {"state_dict": below("model.", OTHER) | below("ema_model.", GOOD)},
            2,
            "'state_dict with the prefix ema_model.', an average",
        ),
        (
            {"model": OTHER, "swa": {"n_averaged": torch.tensor(9)} | below("module.", GOOD)},
            2,
            "'swa with the prefix module.', an average",
        ),
        ({"state_dict_ema": GOOD, "ema": OTHER, "net": THIRD}, 3, "'state_dict_ema', an average"),
        ({"best": OTHER, "state_dict": GOOD}, 2, "'state_dict' is taken"),
        ({"model_state_dict": GOOD, "swarm": OTHER}, 2, "'model_state_dict' is taken"),
    ],
)
def test_of_several_copies_the_average_is_taken_and_a_line_says_so(
    tmp_path, capsys, content, copies, said
):
    assert same(loaded(tmp_path, content), GOOD)
    line = capsys.readouterr().err
    assert f"holds {copies} copies" in line
    assert said in line
    assert line.count("\n") == 1


@pytest.mark.parametrize("keys", [("state_dict", "state_dict_ema"), ("model", "model_ema")])
def test_the_copy_is_that_of_timm(tmp_path, keys):
    helpers = pytest.importorskip("timm.models._helpers")
    first, average = keys
    content = {average: GOOD, first: OTHER}
    found = loaded(tmp_path, content)
    assert same(found, helpers.load_state_dict(str(tmp_path / "w.pth")))


def test_copies_that_are_alike_need_no_line(tmp_path, capsys):
    loaded(tmp_path, {"state_dict": GOOD, "state_dict_ema": dict(GOOD), "teacher": GOOD})
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "content",
    [
        {"student": OTHER, "teacher": GOOD},
        {"state_dict": below("student.", OTHER) | below("teacher.", GOOD)},
        {"first": GOOD, "second": OTHER, "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}},
    ],
)
def test_two_networks_of_which_none_is_said_to_be_meant(tmp_path, content):
    with pytest.raises(InputError, match="holds 2 networks that fit") as caught:
        loaded(tmp_path, content)
    assert "torch.save(torch.load(" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({"ema": {"decay": 0.99, "shadow_params": list(GOOD.values())}}, "ema.shadow_params"),
        ({"ema_params": list(GOOD.values())}, "ema_params"),
        ({"callbacks": {"swa": tuple(GOOD.values())}}, "callbacks.swa"),
    ],
)
def test_an_average_without_names_is_said_to_be_passed_over(tmp_path, capsys, content, key):
    assert same(loaded(tmp_path, content | {"state_dict": OTHER}), OTHER)
    assert f"'{key}', an average over training, holds tensors without" in capsys.readouterr().err


def test_sparse_weights_are_filled(tmp_path):
    sparse = {k: v.to_sparse() if v.ndim > 1 else v for k, v in GOOD.items()}
    assert same(loaded(tmp_path, sparse), GOOD)


def test_an_average_of_some_weights_alone_is_passed_over(tmp_path, capsys):
    parameters = {key: OTHER[key] for key in OTHER if "running" not in key and "num_" not in key}
    assert same(loaded(tmp_path, {"state_dict": GOOD, "ema": parameters}), GOOD)
    assert "'ema' lacks some of the weights, so 'state_dict' is taken" in capsys.readouterr().err


# --- wrappers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        below("_orig_mod.", GOOD),
        below("module._orig_mod.", GOOD),
        below("_orig_mod.module.", GOOD),
        {"state_dict": below("model.", GOOD), "hyper_parameters": {"lr": 0.1}},
        {"state_dict": below("net.", GOOD) | {"criterion.center": torch.ones(7)}},
        {"state_dict": below("model.backbone.", GOOD)},
        {"net": GOOD},
        {"network": {"state_dict": GOOD}},
        {"checkpoint": {"weights": below("module.", GOOD)}, "optimizer": {"lr": 1}},
        {"state_dict": GOOD, "args": argparse.Namespace(lr=0.1), "best": np.float64(0.5)},
        GOOD | {"epoch": 4},
        {k.replace("conv.", "conv._orig_mod."): v for k, v in GOOD.items()},
        {k: v for k, v in GOOD.items() if "num_batches" not in k},
    ],
)
def test_weights_are_found_in_their_wrappers(tmp_path, capsys, content):
    assert same(loaded(tmp_path, content), GOOD)
    assert capsys.readouterr().err == ""


def test_a_wrapper_of_the_network_itself(tmp_path):
    class Around(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = Net()

    assert same(loaded(tmp_path, GOOD, Around()), below("inner.", GOOD))
    assert same(
        loaded(tmp_path, {"model": below("module.", GOOD)}, Around()), below("inner.", GOOD)
    )


def test_safetensors_have_prefixes_too(tmp_path):
    files = pytest.importorskip("safetensors.torch")
    path = tmp_path / "w.safetensors"
    files.save_file(below("model.", GOOD), path)
    assert same(load_into(Net(), path, "n").state_dict(), GOOD)


def test_safetensors_in_several_files_are_read_by_their_index(tmp_path):
    files = pytest.importorskip("safetensors.torch")
    halves = [dict(list(GOOD.items())[:3]), dict(list(GOOD.items())[3:])]
    where = {}
    for number, half in enumerate(halves):
        files.save_file(below("model.", half), tmp_path / f"part{number}.safetensors")
        where |= dict.fromkeys(below("model.", half), f"part{number}.safetensors")
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": where}), encoding="utf-8")
    assert same(load_into(Net(), path, "n").state_dict(), GOOD)
    (tmp_path / "part1.safetensors").unlink()
    with pytest.raises(InputError, match=r"index.json is no file of weights .*part1.safetensors"):
        load_into(Net(), path, "n")
    for text in ("{}", "[1]", "no JSON"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=r"index.json is no file of weights"):
            load_into(Net(), path, "n")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.9])
def test_a_truncated_file_of_safetensors_is_one_line(tmp_path, share):
    files = pytest.importorskip("safetensors.torch")
    path = tmp_path / "w.safetensors"
    files.save_file(GOOD, path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match=r"w.safetensors is no file of weights") as caught:
        load_into(Net(), path, "n")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("prefix", ["model.", "module.", "_orig_mod.", "model._orig_mod."])
def test_an_average_in_safetensors_is_taken(tmp_path, prefix, capsys):
    files = pytest.importorskip("safetensors.torch")
    path = tmp_path / "w.safetensors"
    files.save_file(below(prefix, OTHER) | below("ema_model.", GOOD), path)
    assert same(load_into(Net(), path, "n").state_dict(), GOOD)
    assert "an average over training" in capsys.readouterr().err


# --- heads -----------------------------------------------------------------------------------------


def test_a_function_with_num_classes_is_called_with_those_of_the_file(tmp_path, monkeypatch):
    (tmp_path / "heads_of_test.py").write_text(
        "from tests.unit.test_weight_files import Net\n"
        "def build(pretrained=True, num_classes=4):\n"
        "    return Net(num_classes)\n"
        "def fixed():\n"
        "    return Net(4)\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    seven = weights(1, num_classes=7)
    torch.save(seven, "w.pth")
    network = load("python:heads_of_test:build@w.pth")
    assert same(network.module.state_dict(), seven)
    assert network.outputs == 7
    with pytest.raises(InputError, match=r"has another shape of 'fc\.bias'"):
        load("python:heads_of_test:fixed@w.pth")


def fine_tuned(name):
    """Five classes in place of 1,000, as a user of each library makes it."""
    import timm
    from torchvision import models

    if name == "timm:deit_tiny_distilled_patch16_224":
        return timm.create_model("deit_tiny_distilled_patch16_224", num_classes=5)
    if name == "timm:test_vit":
        module = timm.create_model("test_vit", num_classes=5)
        module.head = nn.Linear(module.head.in_features, 5, bias=False)
    elif name == "torchvision:squeezenet1_1":
        module = models.squeezenet1_1()
        module.classifier[1] = nn.Conv2d(512, 5, 1, bias=False)
    elif name == "torchvision:inception_v3":  # the auxiliary head as it was
        module = models.inception_v3(init_weights=False, transform_input=True)
        module.fc = nn.Linear(2048, 5)
    elif name == "torchvision:googlenet":
        module = models.googlenet(aux_logits=False, init_weights=False, transform_input=True)
        module.fc = nn.Linear(1024, 5)
    return module


@pytest.mark.parametrize(
    "name",
    [
        "timm:deit_tiny_distilled_patch16_224", "timm:test_vit", "torchvision:squeezenet1_1",
        "torchvision:inception_v3", "torchvision:googlenet",
    ],
)  # fmt: skip
def test_a_head_of_another_size_loads_and_answers_as_the_user_s_network(tmp_path, name):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        module = fine_tuned(name).eval()
    torch.save(module.state_dict(), tmp_path / "w.pth")
    network = load(f"{name}@{tmp_path / 'w.pth'}")
    assert (network.outputs, network.classes, network.labels) == (5, None, None)
    size = network.input_size
    shown = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(network.module(shown), module(shown), atol=1e-4)


def test_labels_of_imagenet_do_not_name_five_outputs(tmp_path):
    """'goldfish' is output 1 of ImageNet's 1,000, and nothing of a head of five."""
    torch.save(fine_tuned("torchvision:squeezenet1_1").state_dict(), tmp_path / "w.pth")
    (tmp_path / "map.yaml").write_text("a: [goldfish]\nb: [tench]\n", encoding="utf-8")
    with pytest.raises(InputError, match="outputs have no names"):
        load(
            f"torchvision:squeezenet1_1@{tmp_path / 'w.pth'}",
            settings={"class_map": tmp_path / "map.yaml"},
        )


def test_an_auxiliary_head_that_decides_may_not_be_missing(tmp_path):
    class Volo(Net):
        def __init__(self):
            super().__init__()
            self.aux_head = nn.Linear(5, 4)

        def forward(self, x):
            pooled = self.bn(self.conv(x)).mean((2, 3))
            return self.fc(pooled) + 0.5 * self.aux_head(pooled)

    with pytest.raises(InputError, match=r"lacks 'aux_head\.bias'"):
        loaded(tmp_path, GOOD, Volo(), size=16)

    class Unused(Volo):
        def forward(self, x):
            return Net.forward(self, x)

    assert same(loaded(tmp_path, GOOD, Unused(), size=16), GOOD)
    more = GOOD | {"aux1.weight": torch.ones(3)}
    assert same(loaded(tmp_path, more, Net(), size=16), GOOD)


# --- what does not fit ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({k: v for k, v in GOOD.items() if k != "conv.weight"}, "lacks 'conv.weight'"),
        ({k: v for k, v in GOOD.items() if "bn" not in k}, "lacks 'bn.bias' .4 such"),
        (GOOD | {"extra.weight": torch.ones(2)}, "surplus 'extra.weight'"),
        (GOOD | {"conv.weight": torch.ones(5, 1, 3, 3)}, "another shape of 'conv.weight'"),
        (below("features.", {"0.weight": torch.ones(3)}), "such as 'features.0.weight' where the"),
        ({"epoch": 3, "lr": 0.1}, "no dictionary of weights; it holds a dict of epoch, lr"),
        ([1, 2], "no dictionary of weights; it holds a list"),
        (torch.ones(3), "no dictionary of weights; it holds a Tensor"),
        ({k: v.to(torch.int8) for k, v in GOOD.items()}, "holds '.*' as int8 .*expected floating"),
        ({k: v.to(torch.complex64) for k, v in GOOD.items()}, "as complex64 .*expected floating"),
        (GOOD | {"conv.weight": GOOD["conv.weight"].bool()}, "holds 'conv.weight' as bool .1 such"),
        ({k: v.to("meta") for k, v in GOOD.items()}, "a shape without values"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, content, says):
    with pytest.raises(InputError, match=says):
        loaded(tmp_path, content)


@dataclass
class Config:
    lr: float = 0.1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"state_dict": GOOD, "config": Config()}, r"objects of \S*Config.*\['state_dict'\]"),
        (Net(), r"a whole network, of .*weights_only=False\)\.state_dict\(\), 'weights.pth'"),
        ({"model": GOOD, "when": range(3)}, "objects of builtins.range"),
    ],
)
def test_a_file_that_would_run_code_is_refused_with_what_to_do(tmp_path, content, says):
    with pytest.raises(InputError, match=says) as caught:
        loaded(tmp_path, content)
    assert "damaged or holds more than weights" in str(caught.value)


def test_files_of_other_tools_are_named(tmp_path):
    path = tmp_path / "script.pt"
    torch.jit.save(torch.jit.script(nn.Sequential(nn.Linear(2, 2))), path)
    with pytest.raises(InputError, match=r"program of TorchScript.*torch.jit.load"):
        load_into(Net(), path, "n")
    for suffix, says in ((".onnx", "ONNX"), (".h5", "Keras"), (".tflite", "TensorFlow Lite")):
        path = tmp_path / f"w{suffix}"
        path.write_bytes(b"anything")
        with pytest.raises(InputError, match=says):
            load_into(Net(), path, "n")
