"""Networks of ONNX files: answers and activations of the network of torch, or one line."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from texshape.errors import InputError
from texshape.features.extract import activations
from texshape.models.identity import identity
from texshape.models.loading import from_module, load

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnx2torch")
SIDE = 32


class Residual(nn.Module):
    def __init__(self, width, stride):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, stride, 1)
        self.second = nn.Conv2d(width, width, 3, 1, 1)
        self.skip = nn.Conv2d(width, width, 1, stride)

    def forward(self, x):
        return torch.relu(self.second(torch.relu(self.first(x))) + self.skip(x))


class Small(nn.Module):
    """Three scales, each the end of a residual block or an activation."""

    def __init__(self, outputs=5):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, 2, 1)
        self.norm = nn.BatchNorm2d(6)
        self.one, self.two = Residual(6, 2), Residual(6, 2)
        self.head = nn.Linear(6, outputs)

    def forward(self, x):
        x = torch.relu(self.norm(self.stem(x)))
        return self.head(self.two(self.one(x)).mean((2, 3)))


class Tokens(nn.Module):
    """Two blocks of attention, with a class token, and a GELU as opset 20 has it."""

    def __init__(self, width=8, blocks=2):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 8, 8)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2 * blocks + 1))
        self.mix = nn.ModuleList(nn.Linear(width, 3 * width) for _ in range(blocks))
        self.wide = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(blocks))
        self.narrow = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(blocks))
        self.head = nn.Linear(width, 5)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        for number, (mix, wide, narrow) in enumerate(
            zip(self.mix, self.wide, self.narrow, strict=True)
        ):
            q, k, v = mix(self.norms[2 * number](x)).chunk(3, -1)
            x = x + (q @ k.transpose(1, 2)).softmax(-1) @ v
            x = x + narrow(nn.functional.gelu(wide(self.norms[2 * number + 1](x))))
        return self.head(self.norms[-1](x)[:, 0])


def made(build=Small, seed=1, **arguments):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(**arguments).eval()


def export(module, path, *, opset=None, batch=True, side=SIDE, shown=None):
    shown = torch.zeros(1, 3, side, side) if shown is None else shown
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module, (shown,), path, opset_version=opset, dynamo=False, input_names=["input"],
            output_names=["logits"],
            dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}} if batch else None,
        )  # fmt: skip
    return path


def edited(path, change):
    content = onnx.load(path)
    change(content)
    onnx.save(content, path)
    return path


def describe(content, **entries):
    onnx.helper.set_model_props(content, {key: json.dumps(value) for key, value in entries.items()})


def pictures(count=6):
    return np.random.default_rng(0).integers(0, 256, (count, 40, 40, 3), dtype=np.uint8)


def logits(network):
    shown = torch.from_numpy(pictures()).permute(0, 3, 1, 2)
    return network.module(network.preprocess(shown))


@pytest.mark.parametrize("opset", [13, 17, 20])
@pytest.mark.parametrize("build", [Small, Tokens])
def test_decisions_and_activations_are_those_of_the_network_of_torch(tmp_path, build, opset):
    module = made(build)
    with torch.no_grad():  # no class wins by its bias alone
        shown = torch.from_numpy(pictures()).permute(0, 3, 1, 2).float() / 255
        shown = nn.functional.interpolate(shown, (SIDE, SIDE))
        module.head.bias -= module((shown - 0.5) / 0.25).mean(0)
    path = export(module, tmp_path / "n.onnx", opset=opset)
    names = ["a", "b", "c", "d", "e"]
    edited(path, lambda content: describe(content, mean=[0.5] * 3, std=[0.25] * 3, classes=names))
    network = load(f"onnx:{path}")
    module.input_size, module.mean, module.std, module.classes = SIDE, 0.5, 0.25, names
    if build is Small:
        module.stages = {"stem": "norm", "stage1": "one", "stage2": "two"}
    original = from_module(module, name="original")
    assert network.input_size == original.input_size == SIDE
    assert network.classes == original.classes == tuple(names)
    assert torch.allclose(logits(network), logits(original), atol=1e-6)
    decided = [network.decide(logits(one)).argmax(1) for one in (network, original)]
    assert torch.equal(*decided)
    assert len(set(decided[0].tolist())) > 1
    if build is Small:
        assert list(network.stages) == ["stem", "stage1", "stage2"]
        found, wanted = activations(network, pictures()), activations(original, pictures())
        for stage in ("stage1", "stage2"):
            assert found[stage].std() > 0
            assert np.allclose(found[stage], wanted[stage], atol=1e-6), stage
    else:
        assert list(network.stages) == ["block01", "block02"]
        found = activations(network, pictures())
        assert found["block02"].shape == (6, 8)
        assert found["block02.cls"].shape == (6, 8)
        with torch.no_grad():
            token = found["block02.cls"]
            head = original.module.head(original.module.norms[-1](torch.from_numpy(token)))
        assert torch.allclose(head, logits(original), atol=1e-5)


def test_channels_last_as_tensorflow_has_them(tmp_path):
    class Last(Small):
        def forward(self, x):
            return super().forward(x.permute(0, 3, 1, 2))

    path = export(made(Last), tmp_path / "n.onnx", shown=torch.zeros(1, SIDE, SIDE, 3))
    network = load(f"onnx:{path}")
    assert network.input_size == SIDE
    original = from_module(made(Small), name="original")
    shown = torch.rand(3, 3, SIDE, SIDE)
    assert torch.allclose(network.module(shown), original.module(shown), atol=1e-6)
    assert list(network.stages) == ["stem", "stage1", "stage2"]


def test_a_softmax_at_the_end_is_taken_out_and_a_line_says_so(tmp_path, capsys):
    path = export(nn.Sequential(made(), nn.Softmax(1)), tmp_path / "n.onnx")
    network = load(f"onnx:{path}")
    shown = torch.rand(3, 3, SIDE, SIDE)
    assert torch.allclose(network.module(shown), made()(shown), atol=1e-6)
    assert "ends in a softmax, which is taken out" in capsys.readouterr().err


def test_what_the_file_does_not_say_is_said(tmp_path, capsys):
    load(f"onnx:{export(made(), tmp_path / 'n.onnx')}")
    assert "says no mean and std of its input, so ImageNet's are taken" in capsys.readouterr().err


def test_the_untrained_version_has_other_weights_and_the_seed_decides_them(tmp_path):
    name = f"onnx:{export(made(Tokens), tmp_path / 'n.onnx')}"
    shown = torch.rand(3, 3, SIDE, SIDE)
    trained, first, again, second = (
        load(name, weights=weights, seed=seed).module(shown)
        for weights, seed in ((True, 0), (False, 0), (False, 0), (False, 1))
    )
    assert torch.equal(first, again)
    assert not torch.allclose(first, trained)
    assert not torch.allclose(first, second)
    assert torch.isfinite(first).all()


def test_a_survey_keeps_results_only_while_the_file_is_the_same(tmp_path):
    path = export(made(), tmp_path / "n.onnx")
    code = (
        "import sys; from texshape.models.identity import identity; "
        "from texshape.models.loading import load; print(identity(load(sys.argv[1])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, f"onnx:{path}"], capture_output=True, text=True, check=True
    )
    before = identity(load(f"onnx:{path}"))
    assert done.stdout.strip() == before
    edited(path, lambda content: describe(content, mean=[0.4] * 3, std=[0.25] * 3))
    normalised = identity(load(f"onnx:{path}"))
    export(made(seed=2), path)
    assert len({before, normalised, identity(load(f"onnx:{path}"))}) == 3


def graph_of(nodes, inputs, outputs, path, opset):
    tensor, real = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        nodes,
        "graph",
        [tensor(name, real, shape) for name, shape in inputs.items()],
        [tensor(name, real, shape) for name, shape in outputs.items()],
    )
    content = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
    content.ir_version = 9
    onnx.save(content, path)
    return path


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_is_written_out(tmp_path, approximate):
    nodes = [
        onnx.helper.make_node("Gelu", ["x"], ["g"], approximate=approximate),
        onnx.helper.make_node("Flatten", ["g"], ["y"]),
    ]
    path = graph_of(nodes, {"x": ["n", 3, 4, 4]}, {"y": ["n", 48]}, tmp_path / "n.onnx", opset=20)
    shown = 4 * torch.randn(2, 3, 4, 4)
    wanted = nn.functional.gelu(shown, approximate=approximate).flatten(1)
    assert torch.allclose(load(f"onnx:{path}").module(shown), wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("start", "end", "axis", "step"),
    [(1, 5, 1, 1), (0, 99, -1, 2), (-3, -1, 2, 1), (5, 1, 1, -2), (-1, -(2**63), -1, -1), (4, 2, 1, 1)],
)  # fmt: skip
def test_slices_are_those_of_numpy(start, end, axis, step):
    from texshape.models.onnx_files import Slice

    values = np.arange(2 * 6 * 7).reshape(2, 6, 7)
    index = [slice(None)] * 3
    index[axis] = slice(start, None if end == -(2**63) else end, step)
    numbers = (torch.tensor([value]) for value in (start, end, axis, step))
    found = Slice()(torch.from_numpy(values), *numbers)
    assert np.array_equal(found.numpy(), values[tuple(index)])


def test_of_two_outputs_the_only_matrix_is_the_logits_and_two_matrices_decide_nothing(tmp_path):
    class Both(Small):
        def __init__(self, matrix):
            super().__init__()
            self.matrix = matrix

        def forward(self, x):
            features = self.two(self.one(torch.relu(self.norm(self.stem(x)))))
            pooled = features.mean((2, 3))
            return self.head(pooled), pooled if self.matrix else features

    shown = torch.rand(3, 3, SIDE, SIDE)
    first = load(f"onnx:{export(made(Both, matrix=False), tmp_path / 'one.onnx')}")
    assert torch.allclose(first.module(shown), made(Both, matrix=False)(shown)[0], atol=1e-6)
    second = load(f"onnx:{export(made(Both, matrix=True), tmp_path / 'two.onnx')}")
    assert second.classes is None
    assert "it returns a list of 0 (2, 5), 1 (2, 6)" in second.without_decision


# --- what cannot be -------------------------------------------------------------------------------


def two_inputs(content):
    content.graph.input.append(
        onnx.helper.make_tensor_value_info("mask", onnx.TensorProto.FLOAT, [None, 3])
    )


def of_bytes(content):
    content.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8


def unknown(content):
    last = content.graph.node[-1]
    last.op_type, last.name = "GridSample", "odd"


def oblong(content):
    content.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 64


def grey(content):
    content.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1


def badly_described(content):
    onnx.helper.set_model_props(content, {"mean": "grey"})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (two_inputs, "has 2 inputs (input, mask); expected one"),
        (of_bytes, "takes pictures as uint8; expected floating point"),
        (oblong, "expected a square"),
        (grey, "takes 1 channels"),
        (badly_described, "its metadata has mean = 'grey', expected a number or a list"),
    ],
)
def test_a_graph_that_cannot_be_shown_pictures_is_one_line(tmp_path, change, says):
    path = edited(export(made(), tmp_path / "n.onnx"), change)
    with pytest.raises(InputError) as caught:
        load(f"onnx:{path}")
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_operators_that_cannot_be_converted_are_named(tmp_path):
    class Sampled(Small):
        def forward(self, x):
            grid = nn.functional.affine_grid(torch.eye(2, 3)[None], (1, 3, SIDE, SIDE), False)
            x = nn.functional.grid_sample(
                x, grid.expand(x.shape[0], -1, -1, -1), align_corners=False
            )
            return super().forward(x)

    path = export(made(Sampled), tmp_path / "n.onnx", opset=17)
    with pytest.raises(
        InputError, match="does not convert: GridSample; export it from torch"
    ) as caught:
        load(f"onnx:{path}")
    assert "python:MODULE:CALLABLE" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_fixed_batch_is_one_line(tmp_path):
    class Fixed(Small):
        def forward(self, x):
            return super().forward(x.reshape(1, 3, SIDE, SIDE))

    path = export(made(Fixed), tmp_path / "n.onnx", batch=False)
    with pytest.raises(InputError, match="has a fixed batch of 1") as caught:
        load(f"onnx:{path}")
    assert "dynamic_axes" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_batch_that_is_declared_as_one_but_used_nowhere_does_no_harm(tmp_path):
    network = load(f"onnx:{export(made(), tmp_path / 'n.onnx', batch=False)}")
    shown = torch.rand(3, 3, SIDE, SIDE)
    assert torch.allclose(network.module(shown), made()(shown), atol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_damaged_file_is_one_line(tmp_path, share):
    path = export(made(), tmp_path / "n.onnx")
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match="is no ONNX file, or a damaged one") as caught:
        load(f"onnx:{path}")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named_with_the_nearest(tmp_path):
    export(made(), tmp_path / "network.onnx")
    for weights in (True, False):
        with pytest.raises(InputError, match=r"no such file: .*netwrok\.onnx.*network\.onnx"):
            load(f"onnx:{tmp_path / 'netwrok.onnx'}", weights=weights)


def test_weights_that_should_lie_beside_the_file(tmp_path):
    path = export(made(), tmp_path / "n.onnx")
    onnx.save(
        onnx.load(path), path, save_as_external_data=True, location="n.data", size_threshold=0
    )
    shown = torch.rand(3, 3, SIDE, SIDE)
    assert torch.allclose(load(f"onnx:{path}").module(shown), made()(shown), atol=1e-6)
    (tmp_path / "n.data").unlink()
    with pytest.raises(InputError, match=r"n\.onnx .*n\.data") as caught:
        load(f"onnx:{path}")
    assert "\n" not in str(caught.value)


def test_the_encoder_of_a_style_transfer_is_named_without_its_place(tmp_path):
    from texshape.config.stylize import EncoderSettings
    from texshape.stylize import encoders

    path = export(made(), tmp_path / "small.onnx")
    card = tmp_path / "small.yaml"
    card.write_text("network: onnx:small.onnx\ninput: {size: 40, mean: 0.5, std: 0.5}\n")
    weights = tmp_path / "weights.pth"
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), weights)
    names = (card, f"onnx:{path}", f"torchvision:resnet18@{weights}")
    loaded = [encoders.load(EncoderSettings(name=str(name))) for name in names]
    for encoder in loaded:
        assert str(tmp_path) not in encoder.identity
        assert encoder.layers
    # Other means of the input are other weights of the encoder.
    first, second, _ = (encoder.identity.rpartition(":")[2] for encoder in loaded)
    assert first != second
