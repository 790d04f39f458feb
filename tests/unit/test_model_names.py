"""Names of networks and the slugs made of them."""

from __future__ import annotations

import importlib
import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texshape.errors import InputError
from texshape.models.families import base, registry
from texshape.models.names import READOUT, file_hints, is_asked, parse, slug


@pytest.mark.parametrize(
    ("text", "source", "architecture", "tag", "weights"),
    [
        ("timm:resnet50", "timm", "resnet50", None, None),
        ("timm:resnet50.a1_in1k", "timm", "resnet50", "a1_in1k", None),
        ("timm:hf-hub:timm/resnet50.a1", "timm", "hf-hub:timm/resnet50.a1", None, None),
        ("torchvision:vgg16@w/a.b.pth", "torchvision", "vgg16", None, "w/a.b.pth"),
        ("open_clip:ViT-B-32/openai", "open_clip", "ViT-B-32", "openai", None),
        ("python:pkg.mod:build.net", "python", "pkg.mod:build.net", None, None),
        ("results/x/final.pt", "checkpoint", "results/x/final.pt", None, "results/x/final.pt"),
    ],
)
def test_parse(text, source, architecture, tag, weights):
    name = parse(text)
    assert (name.source, name.architecture, name.tag) == (source, architecture, tag)
    assert name.weights == (Path(weights) if weights else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("torchvision:resnet50", "resnet50--default"),
        ("timm:resnet50", "timm-resnet50--default"),
        ("timm:resnet50.a1_in1k", "timm-resnet50--a1_in1k"),
        ("efficientnet_lite_pytorch:efficientnet-lite0", "efficientnet-lite0--imagenet"),
        ("results/procedural/cnn--plain/seed-1/final.pt", "cnn--plain"),
        ("results/procedural/rf9--plain/seed-0/checkpoints/epoch-002.pt", "rf9--plain"),
    ],
)
def test_slug(text, expected):
    assert slug(text) == expected


def test_slug_of_random_weights_keeps_the_architecture():
    assert slug("torchvision:resnet50", weights=False) == "resnet50--random"
    assert slug("timm:resnet50.a1_in1k", weights=False) == "timm-resnet50--random"


def test_local_weights_of_the_same_file_name_get_different_slugs():
    first, second = slug("torchvision:resnet50@a/best.pth"), slug("torchvision:resnet50@b/best.pth")
    assert first != second
    assert first.startswith("resnet50--best-")


@given(
    st.sampled_from([n for n, one in registry.with_prefix().items() if "CALLABLE" not in one.form]),
    st.text(st.characters(codec="utf-8", exclude_characters="@"), min_size=1, max_size=30),
)
def test_slugs_are_safe_and_injective_where_characters_had_to_go(source, architecture):
    found = slug(f"{source}:{architecture}")
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert found.count("--") == 1
    assert not found.startswith((".", "-"))
    # one more character that has to go makes another network
    assert slug(f"{source}:{architecture} ") != found


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tim:resnet50", "did you mean 'timm'"),
        ("resnet50", "timm:NAME, torchvision:NAME"),
        ("timm:", "no name after 'timm:'"),
        ("torchvision:resnet50@", "no path after '@'"),
        ("python:module", "expected python:MODULE:CALLABLE"),
        ("C:/weights.pth", "expected"),
    ],
)
def test_bad_names_are_one_clear_line(text, says):
    with pytest.raises(InputError, match=text) as caught:
        parse(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_parsing_imports_no_torch():
    code = "import sys, texshape.models.names as n; n.slug('timm:a'); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# --- families: a folder each ---------------------------------------------------------------------

FAMILIES = Path(registry.__file__).parent
FOLDERS = {path.name for path in FAMILIES.iterdir() if (path / "__init__.py").is_file()}


def test_each_folder_is_a_family_that_can_be_named_and_loaded():
    found = registry.families()
    assert set(found) == FOLDERS
    assert len(FOLDERS) >= 11
    for name, family in found.items():
        assert family.name == name
        loader = importlib.import_module(f"texshape.models.families.{name}.load")
        given = list(inspect.signature(loader.load).parameters)
        asked = family.kind == base.ASKED
        assert given == (["name", "slug", "weights", "class_map"] if asked else ["name", "weights"])
        assert hasattr(loader, "known") == family.lists, name


def test_no_two_families_are_named_alike():
    suffixes = [suffix for one in registry.families().values() for suffix in one.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert READOUT not in registry.families()
    assert not {*suffixes} & {*file_hints()}
    # the same network of two libraries is two networks
    slugs = [slug(f"{name}:resnet50") for name in ("timm", "torchvision", "open_clip", "vlm")]
    assert len(set(slugs)) == len(slugs)


def test_what_is_asked_shows_nothing_but_answers():
    asked = {name for name in registry.families() if is_asked(parse(EXAMPLES[name]))}
    assert asked == {"decide", "vlm"}
    for name in asked:
        with pytest.raises(InputError, match="gives answers only"):
            parse(f"readout:{EXAMPLES[name]}")


EXAMPLES = {"checkpoint": "a/final.pt", "card": "a/card.yaml", "onnx": "onnx:a.onnx", "hf": "hf:a/b",
            "python": "python:a:b", "decide": "decide:a:b", "vlm": "vlm:a"} | {
    name: f"{name}:a" for name in ("timm", "torchvision", "open_clip", "efficientnet_lite_pytorch")
}  # fmt: skip


def test_every_family_reads_its_own_names():
    assert set(EXAMPLES) == FOLDERS
    for name, text in EXAMPLES.items():
        assert parse(text).source == name
        assert parse(f"readout:{text}").readout if name not in ("decide", "vlm") else True


def test_a_family_is_found_by_its_folder_alone(tmp_path, monkeypatch):
    """Which names parse, and what a bad one is told, follow from the folder."""
    folder = tmp_path / "families"
    shutil.copytree(FAMILIES, folder, ignore=shutil.ignore_patterns("__pycache__", "load.py"))
    (folder / "mine").mkdir()
    (folder / "mine" / "__init__.py").touch()
    (folder / "mine" / "family.py").write_text(
        "from texshape.models.families.base import FILE, OfFile\n"
        "FAMILY = OfFile(name='mine', form='BOX', about='boxes', example='`mine:BOX`', kind=FILE,\n"
        "                hints={'.box': 'a box is named mine:{}'})\n"
    )
    code = (
        "import texshape.models.families as f, sys\n"
        f"f.__path__[:] = [{str(folder)!r}]\n"
        "from texshape.models.families import registry\n"
        "from texshape.models.names import parse, slug\n"
        "print(parse('mine:a/b.box').source, slug('mine:a/b.box')[:7], 'mine:BOX' in registry.forms())\n"
        "try: parse('b.box')\n"
        "except Exception as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "mine b--mine True",
        "model 'b.box': a box is named mine:b.box",
    ]
