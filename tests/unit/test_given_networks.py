"""Networks in the state in which other libraries leave them: attributes, outputs, copies."""

from __future__ import annotations

import threading
from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import nn
from torchvision import transforms

from texshape.errors import InputError
from texshape.models import attributes
from texshape.models.loading import from_module, load
from texshape.models.modules import duplicate, frozen, unwrapped
from texshape.models.preprocessing import IMAGENET_MEAN, IMAGENET_STD
from texshape.survey.suggest import check_names
from texshape.trials.evaluate import decisions, evaluate

NAMES = ("dark", "light")


class Levels(nn.Module):
    """Logits are minus and plus the mean of what it is shown, times a weight of 1."""

    def __init__(self, **said):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))
        for key, value in said.items():
            setattr(self, key, value)

    def forward(self, x):
        level = x.mean((1, 2, 3)) * self.weight
        return torch.stack([-level, level], 1)


class Within(Levels):
    """Normalises by itself, with numbers that it holds under two names."""

    def __init__(self, holder, names=("mean", "std"), mean=(0.5,) * 3, std=(0.25,) * 3):
        super().__init__()
        self.names = names
        for key, value in zip(names, (mean, std), strict=True):
            if holder == "buffer":
                self.register_buffer(key, torch.tensor(value).view(1, 3, 1, 1))
            elif holder == "parameter":
                setattr(self, key, nn.Parameter(torch.tensor(value).view(3, 1, 1)))
            else:
                setattr(self, key, value)

    def forward(self, x):
        mean, std = (torch.as_tensor(getattr(self, key)).view(-1, 1, 1) for key in self.names)
        return super().forward((x - mean) / std)


class Normalize(nn.Module):
    def __init__(self, mean, std):
        super().__init__()
        self.mean, self.std = mean, std

    def forward(self, x):
        mean, std = (torch.tensor(v).view(-1, 1, 1) for v in (self.mean, self.std))
        return (x - mean) / std


class Composed(Levels):
    """Its transforms stand in a list, which is no submodule."""

    def __init__(self):
        super().__init__()
        self.first = transforms.Compose(
            [nn.Identity(), transforms.Normalize([0.5] * 3, [0.25] * 3)]
        )

    def forward(self, x):
        return super().forward(self.first(x))


def grey(*levels, size=32):
    return np.stack([np.full((size, size, 3), level, np.uint8) for level in levels])


def answer(network, *levels):
    """Mean that a network of `Levels` was shown, for grey images."""
    pixels = torch.from_numpy(grey(*levels, size=network.input_size)).permute(0, 3, 1, 2)
    return network.module(network.preprocess(pixels))[:, 1].numpy()


# --- size, mean and std ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [48, 48.0, [3, 48, 48], (48, 48), torch.tensor([3, 48, 48]), np.int64(48), [torch.tensor(48)]],
)
def test_a_size_in_any_form(given):
    assert attributes.pipeline(Levels(input_size=given), "n").size == 48


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([3, 32, 48], "expected a square"),
        ((1, 28, 28), "means 1 channels"),
        (0, "expected a side in px"),
        (32.5, "expected a side in px"),
        (float("nan"), "expected a side in px"),
        ((3, np.inf, np.inf), "expected a side in px"),
        (torch.tensor(-torch.inf), "expected a side in px"),
        ("large", "expected a side in px"),
        ([1, 3, 32, 32], "expected a side in px"),
        ({"height": 32}, "expected a side in px"),
    ],
)
def test_no_size(given, says):
    with pytest.raises(InputError, match=says) as caught:
        attributes.pipeline(Levels(input_size=given), "n")
    assert str(caught.value).startswith("n: input_size")


@pytest.mark.parametrize(
    ("mean", "std", "expected"),
    [
        ([0.5, 0.4, 0.3], (0.1, 0.2, 0.3), ((0.5, 0.4, 0.3), (0.1, 0.2, 0.3))),
        (0.5, 0.25, ((0.5,) * 3, (0.25,) * 3)),
        (np.full((1, 3, 1, 1), 0.5), torch.full((3, 1, 1), 0.25), ((0.5,) * 3, (0.25,) * 3)),
        ((0, 0, 0), (1, 1, 1), ((0.0,) * 3, (1.0,) * 3)),
        # on the scale of 0 to 255: Caffe's, mmcv's, x / 255
        ((102.0, 51.0, 204.0), (1, 1, 1), ((0.4, 0.2, 0.8), (1 / 255,) * 3)),
        ([127.5] * 3, [63.75] * 3, ((0.5,) * 3, (0.25,) * 3)),
        (0, 255, ((0.0,) * 3, (1.0,) * 3)),
    ],
)
def test_mean_and_std_in_any_form_and_on_either_scale(mean, std, expected, capsys):
    found = attributes.pipeline(Levels(mean=mean, std=std, input_size=8), "n")
    assert np.allclose([found.mean, found.std], expected)
    scale = "scale of 0 to 255" in capsys.readouterr().err
    assert scale == (np.max(np.asarray(std, dtype=float)) > 1 or np.max(mean) > 1)


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"mean": 0.5}, "says its mean but no std"),
        ({"std": (1, 1, 1)}, "says its std but no mean"),
        ({"mean": (0.5,) * 3, "std": (0, 1, 1)}, "do not fit pixels"),
        ({"mean": (0.5,) * 3, "std": (58.0,) * 3}, "do not fit pixels"),
        ({"mean": (-1.0,) * 3, "std": (1.0,) * 3}, "do not fit pixels"),
        ({"mean": (300.0,) * 3, "std": (60.0,) * 3}, "do not fit pixels"),
        ({"mean": (0.5, 0.5), "std": 0.5}, "mean: expected one number or three"),
        ({"mean": 0.5, "std": (0.5, float("nan"), 0.5)}, "std: expected one number or three"),
        ({"mean": "imagenet", "std": 0.5}, "mean: expected one number or three"),
    ],
)
def test_mean_and_std_that_are_none(said, says):
    with pytest.raises(InputError, match=says):
        attributes.pipeline(Levels(input_size=8, **said), "n")


def test_what_only_sounds_like_a_mean_is_none():
    module = Levels(input_size=8, mean=torch.mean, std=None)
    module.register_buffer("std_of_features", torch.ones(512))
    assert attributes.pipeline(module, "n").mean == IMAGENET_MEAN
    features = Levels(input_size=8)
    features.register_buffer("mean", torch.zeros(512))
    features.register_buffer("std", torch.ones(512))
    assert attributes.pipeline(features, "n").std == IMAGENET_STD


def test_a_configuration_of_timm_speaks_where_no_attribute_does():
    config = {"input_size": (3, 40, 40), "mean": (0.1,) * 3, "std": (0.2,) * 3}
    found = attributes.pipeline(Levels(default_cfg=config), "n")
    assert (found.size, found.mean, found.std) == (40, (0.1,) * 3, (0.2,) * 3)
    said = attributes.pipeline(Levels(default_cfg=config, mean=0.3, std=0.4, input_size=8), "n")
    assert (said.size, said.mean, said.std) == (8, (0.3,) * 3, (0.4,) * 3)


@pytest.mark.parametrize(
    "module",
    [
        Within("buffer"),
        Within("parameter"),
        Within("attribute"),
        Within("attribute", mean=[0.5] * 3, std=np.full(3, 0.25, np.float32)),
        Within("buffer", ("new_mean", "new_std")),
        Within("buffer", ("MEAN", "STD")),
        Within("attribute", ("mu", "sigma")),
        Within("parameter", ("norm_mean", "norm_std")),
        Within("buffer", ("means", "stds")),
        Within("attribute", ("mean", "sd")),
        Within("buffer", ("_mean_", "_std_")),
        Composed(),
        nn.Sequential(Normalize((0.5,) * 3, (0.25,) * 3), Levels()),
        nn.Sequential(nn.Sequential(nn.Identity(), Normalize([0.5] * 3, [0.25] * 3)), Levels()),
    ],
)
def test_a_network_that_normalises_itself_is_shown_pixels(module, capsys):
    """(102 / 255 - 0.5) / 0.25 = -0.4 and (204 / 255 - 0.5) / 0.25 = 1.2, once and not twice."""
    network = from_module(module, name="n", classes=NAMES)
    assert np.allclose(answer(network, 102, 204), [-0.4, 1.2], atol=1e-5)
    assert "normalises pixels itself" in capsys.readouterr().err


@pytest.mark.parametrize(
    "names", [("pixel_mean", "pixel_std"), ("mean", "std"), ("image_mean", "image_std")]
)
def test_a_network_that_normalises_bytes_itself_is_shown_bytes(names, capsys):
    module = Within("buffer", names, mean=(127.5,) * 3, std=(63.75,) * 3)
    assert np.allclose(answer(from_module(module, name="n"), 102, 204), [-0.4, 1.2], atol=1e-4)
    assert "pixels in [0, 255]" in capsys.readouterr().err


def test_trying_leaves_every_number_as_it_was():
    for holder in ("buffer", "parameter", "attribute"):
        module = Within(holder).eval()
        attributes.pipeline(module, "n")
        assert torch.equal(torch.as_tensor(module.mean).flatten(), torch.full((3,), 0.5))

    class Said(Levels):
        mean, std = (0.5,) * 3, (0.25,) * 3

    module = Said()
    assert attributes.pipeline(module, "n").mean == (0.5,) * 3
    assert "mean" not in vars(module)


def test_statistics_of_features_inside_are_not_those_of_pixels():
    inside = nn.Sequential(nn.Conv2d(3, 4, 3), Normalize((0.5,) * 4, (0.25,) * 4), Levels())
    assert attributes.pipeline(inside, "n").mean == IMAGENET_MEAN
    scalar = nn.Sequential(nn.Conv2d(3, 4, 3), Normalize((0.5,), (0.25,)), Levels())
    assert attributes.pipeline(scalar, "n").mean == IMAGENET_MEAN


# --- classes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        ["dark", "light"],
        {0: "dark", 1: "light"},
        {"1": "light", "0": "dark"},
        {"light": 1, "dark": 0},
        {"light": np.int64(1), "dark": np.int64(0)},
        np.array(["dark", "light"]),
        OrderedDict([(1, "light"), (0, "dark")]).copy(),
    ],
)
def test_classes_in_any_form(given):
    assert attributes.class_names(given, "n") == NAMES


def test_numbers_name_classes_and_a_count_does_not(capsys):
    assert attributes.class_names(torch.arange(3), "n") == ("0", "1", "2")
    assert attributes.class_names(10, "n") is None
    assert "a number and no names" in capsys.readouterr().err


def test_digits_may_be_names():
    """As torchvision's ``class_to_idx`` has them of folders 0 to 10, which it sorts as text."""
    assert attributes.class_names({"0": 0, "1": 1, "10": 2}, "n") == ("0", "1", "10")
    assert attributes.class_names({"0": 1, "1": 2, "2": 0}, "n") == ("2", "0", "1")
    assert attributes.class_names({"7": 0, "3": 1}, "n") == ("7", "3")
    assert attributes.class_names({"0": "1", "1": "2", "2": "0"}, "n") == ("1", "2", "0")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("dark", "found str"),
        ({"dark", "light"}, "found set"),
        ({1: "dark", 2: "light"}, "the numbers .1, 2., expected 0 to 1"),
        ({"dark": "a", "light": "b"}, "mapping of their numbers"),
        (["dark", "dark"], "'dark' stands twice"),
        (["dark", None], "found None among them"),
        (["dark", ""], "found '' among them"),
    ],
)
def test_classes_that_are_none(given, says):
    with pytest.raises(InputError, match=says):
        attributes.class_names(given, "n")


@pytest.mark.parametrize("count", [1, 3, 1000])
def test_names_for_another_number_of_outputs(count, tmp_path):
    labels = [f"c{i}" for i in range(count)]
    with pytest.raises(InputError, match=f"{count:,} names for 2 outputs"):
        from_module(Levels(), name="n", classes=labels)
    (tmp_path / "map.yaml").write_text("a: [0]\nb: [1]\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"{count:,} names for 2 outputs"):
        from_module(Levels(classes=labels), name="n", settings={"class_map": tmp_path / "map.yaml"})


def test_two_names_for_the_outputs_of_imagenet_are_no_16_categories():
    wide = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 1000))
    with pytest.raises(InputError, match="2 names for 1,000 outputs"):
        from_module(wide, name="n", classes=NAMES)
    assert len(from_module(wide, name="n").classes) == 16


def test_the_names_of_imagenet_stand_for_its_16_categories():
    models = pytest.importorskip("torchvision.models")
    from texshape.models import imagenet
    from texshape.trials import imagenet16

    names = models.ResNet18_Weights.DEFAULT.meta["categories"]
    assert list(imagenet.labels()) == names
    wide = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 1000))
    assert from_module(wide, name="n", classes=names).classes == imagenet16.CATEGORIES


@pytest.mark.parametrize(
    "body",
    [
        "m.input_size, m.mean, m.std, m.classes = [3, 40, 40], 0.5, [0.25] * 3, {1: 'b', 0: 'a'}",
        "m.default_cfg = {'input_size': (3, 40, 40), 'mean': (0.5,) * 3, 'std': (0.25,) * 3}\n"
        "    m.classes = ['a', 'b']",
        "m.input_size, m.classes = 40, ('a', 'b')\n"
        "    m.register_buffer('mean', torch.full((1, 3, 1, 1), 127.5))\n"
        "    m.register_buffer('std', torch.full((1, 3, 1, 1), 63.75))",
    ],
)
def test_both_doors_treat_a_network_alike(body, tmp_path, monkeypatch):
    (tmp_path / "two_doors_of_test.py").write_text(
        "import torch\nfrom tests.unit.test_given_networks import Levels\n"
        f"def build():\n    m = Levels()\n    {body}\n    return m\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    import sys

    named = load("python:two_doors_of_test:build")
    given = from_module(sys.modules["two_doors_of_test"].build(), name="n")
    assert named.own == given.own
    assert named.classes == given.classes == ("a", "b")
    assert (given.own.size, given.own.mean) == (40, (0.5,) * 3)
    assert np.allclose(answer(named, 102, 204), [-0.4, 1.2], atol=1e-5)
    assert np.allclose(answer(given, 102, 204), [-0.4, 1.2], atol=1e-5)


# --- outputs ---------------------------------------------------------------------------------------


class ModelOutput(OrderedDict):
    """As transformers return it."""


@dataclass
class Result:
    features: torch.Tensor
    logits: torch.Tensor


Named = namedtuple("Named", "pooled scores")


class Returns(Levels):
    def __init__(self, make):
        super().__init__(input_size=16, mean=0.0, std=1.0)
        self.make = make

    def forward(self, x):
        return self.make(x, super().forward(x))


@pytest.mark.parametrize(
    "make",
    [
        lambda x, o: {"loss": None, "logits": o, "embedding": o.repeat(1, 4)},
        lambda x, o: ModelOutput(logits=o, hidden_states=(x, x)),
        lambda x, o: Result(x, o),
        lambda x, o: (x, o),
        lambda x, o: [o],
        lambda x, o: (o.repeat(1, 4), o),  # the one as wide as there are classes
        lambda x, o: Named(o.repeat(1, 3), o),
        lambda x, o: {"out": o[:, :, None, None]},
        lambda x, o: o[:, :, None, None],
        lambda x, o: o.squeeze(),  # without a batch where one picture comes
    ],
)
def test_logits_are_found_in_what_is_returned(make):
    network = from_module(Returns(make), name="n", classes=NAMES)
    found = evaluate(network, grey(0, 51, 255, 204, 0), batch_size=2)  # the last comes alone
    # black is a tie, of which the first wins
    assert list(decisions(found, NAMES)) == ["dark", "light", "light", "light", "dark"]
    assert np.allclose(answer(network, 0, 51, 255), [0, 0.2, 1], atol=1e-6)
    one = network.module(network.preprocess(torch.full((1, 3, 16, 16), 255, dtype=torch.uint8)))
    assert one.shape == (1, 2)
    assert torch.allclose(one, torch.tensor([[-1.0, 1.0]]))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda x, o: {"features": x, "loss": o.mean()}, r"dict of features \(2, 3, 16, 16\)"),
        (lambda x, o: (o, o + 1), r"tuple of 0 \(2, 2\), 1 \(2, 2\)"),
        (lambda x, o: o.argmax(1), r"a tensor of shape \(2,\) of int64"),
        (lambda x, o: {"logits": x, "pooled": o}, r"dict of logits \(2, 3, 16, 16\)"),
        (lambda x, o: ["dark"] * len(x), "list of 0 str, 1 str"),
    ],
)
def test_what_was_returned_is_said_and_a_class_map_is_not_advised(make, says, tmp_path):
    network = from_module(Returns(make), name="n", classes=NAMES)
    assert network.classes is None
    with pytest.raises(InputError, match=says) as caught:
        network.require_classes()
    assert "expected one tensor of logits" in str(caught.value)
    assert "class_map" not in str(caught.value)
    (tmp_path / "map.yaml").write_text("a: [0]\nb: [1]\n", encoding="utf-8")
    with pytest.raises(InputError, match="class_map does not apply"):
        from_module(Returns(make), name="n", settings={"class_map": tmp_path / "map.yaml"})


def test_a_script_that_returns_a_dictionary():
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(1, 2)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"logits": self.fc(x.mean((1, 2, 3)).unsqueeze(1))}

    plain = Plain()
    network = from_module(torch.jit.script(plain), name="n", classes=NAMES)
    shown = torch.rand(3, 3, 224, 224)
    assert torch.allclose(network.module(shown), plain(shown)["logits"])


# --- no function of one picture ----------------------------------------------------------------------


class Together(Levels):
    def __init__(self, what):
        super().__init__(input_size=16, mean=0.0, std=1.0)
        self.what = what
        self.bn = nn.BatchNorm2d(3, track_running_stats=False)

    def forward(self, x):
        if self.what == "statistics":
            x = self.bn(x) + x
        elif self.what == "first":
            x = x - 0.5 * x[:1]
        elif self.what == "largest":
            x = x / x.amax()
        elif self.what == "beside a large number in common":
            return super().forward(x - 0.1 * x.mean(0, keepdim=True)) + 1000
        elif self.what == "attention":
            flat = x.flatten(1)
            x = ((flat @ flat.T).softmax(1) @ flat + flat).view_as(x)
        return super().forward(x)


@pytest.mark.parametrize(
    "what", ["statistics", "first", "largest", "attention", "beside a large number in common"]
)
def test_an_answer_that_depends_on_the_batch_is_warned_of(what, capsys):
    from_module(Together(what), name="n", classes=NAMES)
    assert "depends on the other pictures in the batch" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change",
    [
        lambda x: nn.functional.dropout(x, 0.5, training=True),
        lambda x: x + torch.randn_like(x),
        lambda x: x * torch.randint(1, 10**6, (len(x), 1, 1, 1)),
    ],
)
def test_an_answer_by_chance_is_warned_of(change, capsys):
    state = torch.random.get_rng_state()
    from_module(Returns(lambda x, o: change(x).mean((2, 3))), name="n", classes=("a", "b", "c"))
    assert "another answer each time" in capsys.readouterr().err
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize(
    "change",
    [lambda x: 0 * x, lambda x: torch.ones_like(x), lambda x: x.clamp(2, 3)],
)
def test_an_answer_that_is_the_same_to_all_is_warned_of(change, capsys):
    module = Returns(lambda x, o: change(x).mean((2, 3)))
    from_module(module, name="n", classes=("a", "b", "c"))
    assert "the same answer to two pictures" in capsys.readouterr().err


@pytest.mark.parametrize(
    "compare",
    [
        lambda x, o: o @ o.T,
        lambda x, o: torch.cdist(o, o),
        lambda x, o: o.flatten().expand(len(x), -1),
    ],
)
def test_as_many_outputs_as_pictures_are_no_logits(compare):
    with pytest.raises(InputError, match="outputs to one picture and"):
        from_module(Returns(compare), name="n", classes=NAMES)


@pytest.mark.parametrize("name", ["resnet10t", "test_vit", "test_convnext", "test_efficientnet"])
def test_ordinary_networks_are_not_warned_of(name, capsys):
    timm = pytest.importorskip("timm")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = timm.create_model(name).train()
    from_module(module, name="n")
    assert "warning" not in capsys.readouterr().err
    assert module.training


def test_a_network_that_takes_no_single_picture_is_an_error():
    class Pairs(Levels):
        def __init__(self):
            super().__init__(input_size=16)
            self.bn = nn.BatchNorm1d(2, track_running_stats=False)

        def forward(self, x):
            return self.bn(super().forward(x))

    with pytest.raises(InputError, match="does not take an image of 16 px"):
        from_module(Pairs(), name="n")
    with pytest.raises(InputError, match="but not two at a time"):
        from_module(Returns(lambda x, o: o.view(1, 2)), name="n")


@pytest.mark.parametrize(
    ("undefined", "count"), [(float("nan"), 3), (float("inf"), 3), (float("-inf"), 3)]
)
def test_undefined_outputs_are_counted(undefined, count, capsys):
    def make(_, o):
        return torch.where(o[:, 1:] > 0.5, torch.full_like(o, undefined), o)

    network = from_module(Returns(make), name="n", classes=NAMES)
    found = evaluate(network, grey(0, 255, 200, 25, 180), batch_size=2)
    assert (decisions(found, NAMES) == "na").sum() == count
    assert "undefined (NaN or infinite) for 3 of 5 images" in capsys.readouterr().err
    evaluate(network, grey(0, 20), batch_size=2)
    assert "undefined" not in capsys.readouterr().err


def test_an_output_that_is_ruled_out_is_no_undefined_one(capsys):
    """Minus infinity for one output is a probability of 0."""
    network = from_module(
        Returns(lambda _, o: torch.cat([o, torch.full_like(o[:, :1], -torch.inf)], 1)),
        name="n", classes=(*NAMES, "never"),
    )  # fmt: skip
    found = evaluate(network, grey(0, 255), batch_size=2)
    assert (found[:, 2] == 0).all()
    assert "undefined" not in capsys.readouterr().err


# --- copies ----------------------------------------------------------------------------------------


def head():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))


def normed(function):
    module = head()
    function(module[2])
    module(torch.rand(2, 3, 8, 8))  # a power iteration of spectral_norm
    return module


def holding(value):
    module = head()
    module.held = value(module) if callable(value) else value
    return module


@pytest.mark.parametrize(
    "build",
    [
        lambda: normed(nn.utils.weight_norm),
        lambda: normed(nn.utils.spectral_norm),
        lambda: normed(nn.utils.parametrizations.weight_norm),
        lambda: normed(nn.utils.parametrizations.orthogonal),
        lambda: holding(threading.Lock()),
        lambda: holding(lambda module: module(torch.rand(1, 3, 8, 8))),  # the latest output
        lambda: holding([threading.Lock(), (i for i in range(3))]),
        lambda: torch.jit.script(head()),
        lambda: torch.jit.trace(head(), torch.rand(2, 3, 8, 8)),
        lambda: torch.jit.freeze(torch.jit.script(head().eval())),
        lambda: torch.fx.symbolic_trace(head()),
        lambda: torch.export.export(
            head().eval(),
            (torch.rand(2, 3, 224, 224),),
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        ).module(),
        lambda: nn.DataParallel(head()),
        lambda: torch.compile(head()),
        lambda: torch.optim.swa_utils.AveragedModel(head()),
    ],
    ids=[
        "weight_norm", "spectral_norm", "parametrized", "orthogonal", "lock", "kept output",
        "list of locks", "script", "trace", "frozen script", "fx", "exported", "data parallel",
        "compiled", "averaged",
    ],
)  # fmt: skip
def test_a_module_of_any_making_is_copied_frozen_and_shown_images(build):
    module = build()
    wanted = [parameter.requires_grad for parameter in module.parameters()]
    training = getattr(module, "training", None)  # a frozen script has no such attribute
    shown = torch.rand(2, 3, 224, 224)
    before = unwrapped(module)(shown).detach()
    network = from_module(module, name="n", classes=NAMES)
    assert torch.allclose(network.module(shown), before, atol=1e-4)
    assert not any(parameter.requires_grad for parameter in network.module.parameters())
    # left as it was
    assert [parameter.requires_grad for parameter in module.parameters()] == wanted
    assert getattr(module, "training", None) == training
    ours = {parameter.data_ptr() for parameter in network.module.parameters()}
    assert not ours & {parameter.data_ptr() for parameter in module.parameters()}


def test_weights_of_half_precision_and_of_whole_numbers():
    exact = head()
    shown = torch.rand(2, 3, 224, 224)
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        network = from_module(head().to(dtype), name="n", classes=NAMES)
        assert network.module(shown).dtype == torch.float32
        assert torch.allclose(network.module(shown), exact(shown), atol=1e-2)
    counted = head()
    counted.steps = nn.Parameter(torch.tensor([3], dtype=torch.int8), requires_grad=False)
    assert torch.equal(from_module(counted, name="n").module(shown), exact(shown))


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: nn.Sequential(nn.Flatten(), nn.LazyLinear(2)), "'1.weight' has no values yet"),
        (lambda: nn.LazyConv2d(4, 3), "'weight' has no values yet"),
        (lambda: nn.Sequential(nn.LazyBatchNorm2d()), "has no values yet"),
        (lambda: nn.Linear(2, 2, device="meta"), "device meta"),
    ],
)
def test_layers_without_weights_are_named_and_not_filled_by_chance(build, says):
    with pytest.raises(InputError, match=says):
        frozen(build(), "n")


def test_what_cannot_be_copied_at_all_is_one_line():
    class Stubborn(Levels):
        def __deepcopy__(self, memo):
            raise RuntimeError("there is but one")

    with pytest.raises(InputError, match=r"cannot be copied .RuntimeError: there is but one"):
        duplicate(Stubborn(), "n")


# --- functions of a user -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nneds", "needs_two"),
        ("needs_two", "needs the arguments arch, classes"),
        ("fails", "fails .FileNotFoundError: .*weights.pth.*; failing_of_test.py, line 9"),
        ("zz", "expected one of needs_two, fails, Net, made$"),
        ("Net", "needs the arguments depth"),
    ],
)
def test_what_is_wrong_with_a_function_is_said(name, says, tmp_path, monkeypatch):
    (tmp_path / "failing_of_test.py").write_text(
        "import timm\n"
        "from pathlib import Path\n"
        "from torch import nn\n"
        "from torch.nn import Linear\n"
        "SIZE, _hidden = 3, print\n"
        "def needs_two(arch, classes, pretrained=True):\n"
        "    return None\n"
        "def fails():\n"
        "    open('nowhere/weights.pth')\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, depth):\n"
        "        super().__init__()\n"
        "made = needs_two\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=says):
        load(f"python:failing_of_test:{name}")


def test_a_module_of_python_that_fails_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text, says in (
        ("syntax", "def f(:\n", "SyntaxError"),
        ("zero", "1 / 0\n", "ZeroDivisionError"),
        ("lacks", "from torch import nothing_of_this_name\n", "ImportError"),
    ):
        (tmp_path / f"{name}_of_test.py").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match=f"fails when it is imported .{says}"):
            load(f"python:{name}_of_test:build")


def test_a_network_may_be_named_itself(tmp_path, monkeypatch):
    (tmp_path / "itself_of_test.py").write_text(
        "from tests.unit.test_given_networks import Levels\n"
        "net = Levels(input_size=16, mean=0.0, std=1.0, classes=('a', 'b'))\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    assert np.allclose(answer(load("python:itself_of_test:net"), 0, 255), [0, 1])
    with pytest.raises(InputError, match="untrained version cannot be had"):
        load("python:itself_of_test:net", weights=False)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("net.onnx", "onnx:net.onnx"),
        ("folder/net.ONNX", "onnx:folder/net.ONNX"),
        ("resnet50.pth", "SOURCE:NAME@resnet50.pth"),
        ("w.safetensors", "SOURCE:NAME@w.safetensors"),
        ("net.py", "without its suffix"),
        ("net.h5", "TensorFlow"),
    ],
)
def test_a_file_that_is_no_name_of_a_network_gets_its_own_word(name, says):
    with pytest.raises(InputError, match=says):
        load(name)
    with pytest.raises(InputError, match=says):
        check_names(["torchvision:resnet18", name])


def test_the_hub_is_asked_once_where_it_cannot_be_reached(monkeypatch, tmp_path):
    """A closed port in place of the hub: the client's own retries would take a minute."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for key in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(key, raising=False)
    slept = []
    monkeypatch.setattr("time.sleep", slept.append)
    with pytest.raises(InputError, match=r"127.0.0.1:9 cannot be reached") as caught:
        load("timm:resnet10t.c3_in1k")
    assert "timm:resnet10t.c3_in1k@PATH" in str(caught.value)
    assert slept == []
    assert not constants.HF_HUB_OFFLINE
