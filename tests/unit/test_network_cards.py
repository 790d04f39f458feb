"""Network cards: what a file says of a network that its name cannot, and what it may not say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from texshape.errors import InputError
from texshape.experiment.plan import Plan
from texshape.models import cards, imagenet
from texshape.models.identity import identity
from texshape.models.loading import load
from texshape.trials import imagenet16

MODULE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 6, 3, 2, 1)
        self.head = nn.Linear(6, outputs)

    def forward(self, x):
        return self.head(self.second(self.first(x).relu()).relu().mean((2, 3)))


def net(outputs):
    torch.manual_seed(0)
    return Net(outputs)


def imagenet(pretrained=True):
    return net(1000)


def background(pretrained=True):
    return net(1001)


def large(pretrained=True):
    return net(21841)


def five(pretrained=True):
    return net(5)
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "cards_of_test.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(here: Path, name: str = "card.yaml", **content) -> str:
    path = here / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(path.relative_to(here))


def named(function: str) -> str:
    return f"python:cards_of_test:{function}"


def test_input_size_and_normalisation_are_the_cards(here):
    card = written(
        here,
        network=named("imagenet"),
        input={"size": 16, "mean": [0.1, 0.2, 0.3], "std": [0.5, 0.25, 0.125]},
    )
    network = load(card)
    shown = network.preprocess(torch.full((1, 3, 20, 20), 0.6))
    assert shown.shape == (1, 3, 16, 16)
    expected = [(0.6 - m) / s for m, s in ((0.1, 0.5), (0.2, 0.25), (0.3, 0.125))]
    assert shown[0, :, 0, 0].tolist() == pytest.approx(expected, abs=1e-5)
    assert network.categories["cat"] == list(imagenet16.indices()["cat"])


def test_one_number_stands_for_three(here):
    network = load(written(here, network=named("five"), input={"mean": 0.5, "std": 0.25}))
    assert (network.own.mean, network.own.std) == ((0.5,) * 3, (0.25,) * 3)


def test_blue_comes_first_where_the_card_says_so(here):
    plain = load(named("five"))
    turned = load(written(here, network=named("five"), input={"channels": "bgr"}))
    shown = torch.rand(2, 3, 32, 32)
    assert torch.equal(turned.module(shown), plain.module(shown.flip(1)))
    assert not torch.equal(turned.module(shown), plain.module(shown))


def test_a_background_is_dropped_and_every_class_keeps_its_outputs(here):
    plain = load(named("background"))
    assert plain.classes is None
    assert "outputs: imagenet-with-background" in plain.without_decision
    network = load(written(here, network=named("background"), outputs="imagenet-with-background"))
    shown = torch.rand(2, 3, 32, 32)
    assert torch.equal(network.module(shown), plain.module(shown)[:, 1:])
    assert (network.outputs, network.labels) == (1000, imagenet.labels())
    assert network.categories == {c: list(rows) for c, rows in imagenet16.indices().items()}
    # the score of a class is the mean over its outputs, each one further on in what the network gives
    whole = plain.module(shown).softmax(1)
    dogs = whole[:, [1 + row for row in imagenet16.indices()["dog"]]].mean(1) / (1 - whole[:, 0])
    score = network.decide(network.module(shown))[:, network.classes.index("dog")]
    assert torch.allclose(score, dogs)


@pytest.mark.parametrize("said", [True, False])
def test_21841_outputs_are_read_by_wordnet_id(here, said, capsys):
    name = named("large")
    network = load(written(here, network=name, outputs="imagenet-21k") if said else name)
    ids = imagenet.larger_wordnet_ids(21841)
    assert ids == tuple(sorted(ids))
    wanted = {wnid for wnid, _, category in imagenet16.table() if category == "cat"}
    assert {ids[row] for row in network.categories["cat"]} == wanted
    assert set(network.classes) == set(imagenet16.CATEGORIES)
    assert sum(map(len, network.categories.values())) == 207
    assert ("by WordNet id" in capsys.readouterr().err) is not said


def test_wordnet_ids_of_a_file(here):
    cat, dog = (
        next(wnid for wnid, _, category in imagenet16.table() if category == wanted)
        for wanted in ("cat", "dog")
    )
    (here / "ids.txt").write_text(f"n00000001\n{dog}\nn00000002\nn00000003\n{cat}\n")
    network = load(written(here, network=named("five"), outputs="ids.txt"))
    assert network.categories == {"cat": [4], "dog": [1]}
    (here / "ids.txt").write_text(f"{dog}\n{cat}\n")
    with pytest.raises(InputError, match=r"ids.txt: 2 WordNet ids, .* has 5 outputs"):
        load("card.yaml")
    (here / "ids.txt").write_text("cat\n")
    with pytest.raises(InputError, match=r"ids.txt, line 1: expected a WordNet id"):
        load("card.yaml")


@pytest.mark.parametrize("inside", [True, False])
def test_a_class_map_in_the_card_or_beside_it(here, inside, capsys):
    table = {"cat": [0, 3], "dog": [1]}
    if not inside:
        written(here, "networks/map.yaml", **table)
    card = written(
        here, "networks/card.yaml", network=named("five"), outputs=table if inside else "map.yaml"
    )
    network = load(card)
    assert network.classes == ("cat", "dog")
    assert network.categories == table
    written(here, "other.yaml", cat=[0], dog=[2])
    assert load(card, settings={"class_map": "other.yaml"}).categories == table
    assert (
        "its card says what its outputs mean, so other.yaml is not used" in capsys.readouterr().err
    )


def test_outputs_that_are_no_classes_decide_nothing(here):
    network = load(written(here, network=named("imagenet"), outputs="none"))
    assert network.classes is None
    assert "card.yaml says that its outputs are no classes" in network.without_decision
    assert network.stages


def test_stages_are_those_of_the_card(here):
    network = load(written(here, network=named("five"), stages=["second", "head"]))
    assert network.stages == {"second": "second", "head": "head"}
    network = load(written(here, network=named("five"), stages={"early": "first"}))
    assert network.stages == {"early": "first"}
    with pytest.raises(
        InputError, match=r"card.yaml: stages: stage 'secnd' does not exist.*second"
    ):
        load(written(here, network=named("five"), stages=["secnd"]))


def test_files_lie_beside_the_card_and_its_slug_is_its_own(here):
    folder = here / "networks"
    folder.mkdir()
    torch.save(load(named("five")).module.state_dict(), folder / "w.pth")
    card = written(here, "networks/card.yaml", network=f"{named('five')}@w.pth")
    assert load(card).slug.startswith("card--card-")
    assert cards.local_files(card) == [card, "networks/w.pth"]
    (folder / "w.pth").unlink()
    with pytest.raises(InputError, match=r"no such file: w.pth"):
        load(card)


def test_an_experiment_knows_the_files_of_its_networks(here):
    from texshape.config.base import packaged

    card = written(here, network=named("imagenet"), outputs={"cat": [1], "dog": [2]})
    names = [card, "onnx:a.onnx", "torchvision:vgg16@w.pth", "timm:resnet18", "missing.yaml"]
    plan = Plan({**packaged(), "networks": names})
    found = [plan.network_files(run) for run in plan.runs if run.model in plan.named]
    asked = plan.layout.unavailable("timm-resnet18--default/seed-0")  # others publish its weights
    assert found == [[card], ["a.onnx"], ["w.pth"], [asked], ["missing.yaml"]]


def test_a_survey_keeps_results_only_while_the_card_says_the_same(here):
    def now(**content):
        return identity(load(written(here, network=named("five"), **content)))

    first = now()
    assert first == now()
    changed = [
        now(input={"channels": "bgr"}),
        now(input={"mean": 0.5, "std": 0.5}),
        now(outputs={"cat": [1], "dog": [2]}),
        now(outputs={"cat": [1], "dog": [3]}),
        now(stages=["first"]),
    ]
    assert len({first, *changed}) == 6


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"netwrok": "timm:a"}, "unknown parameter 'netwrok'; did you mean 'network'?"),
        ({}, "parameter 'network' is missing"),
        ({"network": "tim:a"}, "network: model 'tim:a': unknown prefix 'tim:'"),
        ({"network": "other.yaml"}, "'other.yaml' is a card"),
        ({"input": {"mean": [0.5, 0.5, 1.5], "std": 0.5}}, "input.mean[2]: expected a number from 0 to 1"),
        ({"input": {"mean": [124, 117, 104], "std": 1}}, "input.mean[0]: expected a number from 0 to 1"),
        ({"input": {"mean": 0.5, "std": 0}}, "input.std[0]: expected a number above 0"),
        ({"input": {"mean": 0.5}}, "input: says mean but no std"),
        ({"input": {"size": "big"}}, "input.size: expected a whole number"),
        ({"input": {"channels": "grb"}}, "input.channels: expected rgb or bgr"),
        ({"input": {"sise": 3}}, "unknown parameter 'input.sise'; did you mean 'size'?"),
        ({"outputs": "imagnet"}, "found 'imagnet'; did you mean 'imagenet' or"),
        ({"outputs": 1000}, "outputs: expected imagenet, imagenet-with-background"),
        ({"outputs": "imagenet-with-background"}, "means 1,001 outputs, and 'python:cards_of_test:five' has 5"),
        ({"outputs": "imagenet"}, "means 1,000 outputs"),
        ({"outputs": {"cat": [0], "dog": [5]}}, "outputs: 'dog': output 5 does not exist"),
        ({"outputs": {"cat": [0]}}, "outputs: expected at least two categories"),
        ({"outputs": "map.yaml"}, "map.yaml: cannot be read"),
        ({"stages": "first"}, "stages: expected a list of submodules"),
        ({"stages": []}, "stages: expected a list of submodules"),
        ({"stages": {"a b": "first"}}, "stages: 'a b' is no valid name"),
        ({"stages": [3]}, "stages: expected a list of submodules"),
    ],
)  # fmt: skip
def test_a_card_that_cannot_be_is_one_line(here, content, says):
    default = {} if not content or "netwrok" in content else {"network": named("five")}
    card = written(here, **{**default, **content})
    with pytest.raises(InputError) as caught:
        load(card)
    assert says in str(caught.value)
    assert str(caught.value).startswith(("card.yaml", "map.yaml"))
    assert "\n" not in str(caught.value)


def test_a_card_that_is_not_there_or_no_yaml(here):
    written(here, "card.yaml", network=named("five"))
    with pytest.raises(InputError, match=r"crad.yaml: cannot be read .*card.yaml"):
        load("crad.yaml")
    (here / "card.yaml").write_text("network: [", encoding="utf-8")
    with pytest.raises(InputError, match=r"card.yaml, line 1: not valid YAML"):
        load("card.yaml")


def test_a_card_may_name_an_operator_as_its_onnx_file_does(here):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnx2torch")
    tensor = onnx.helper.make_tensor_value_info
    weight = onnx.numpy_helper.from_array(torch.ones(2, 3, 1, 1).numpy(), "w")
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Conv", ["x", "w"], ["a"], name="body.0/Conv"),
            onnx.helper.make_node("Relu", ["a"], ["b"], name="body.1/Relu"),
            onnx.helper.make_node("GlobalAveragePool", ["b"], ["c"], name="pool"),
            onnx.helper.make_node("Flatten", ["c"], ["y"], name="flat"),
        ],
        "graph",
        [tensor("x", onnx.TensorProto.FLOAT, ["n", 3, 8, 8])],
        [tensor("y", onnx.TensorProto.FLOAT, ["n", 2])],
        [weight],
    )
    content = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)])
    content.ir_version = 8
    onnx.save(content, here / "n.onnx")
    card = written(here, network="onnx:n.onnx", stages=["body.0/Conv"], input={"mean": 0, "std": 1})
    network = load(card)
    assert network.stages == {"body.0.Conv": "body/0/Conv"}
    shown = torch.rand(2, 3, 8, 8)
    assert torch.allclose(network.module(shown)[:, 0], shown.sum(1).mean((1, 2)))
    assert isinstance(network.module, nn.Module)


def test_reading_a_card_imports_no_torch(here):
    card = written(here, network=named("five"))
    code = (
        "import sys; from texshape.models.cards import local_files; "
        f"print(local_files({card!r}), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['card.yaml'] False"
