"""Names of networks and the slugs made of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texshape.errors import InputError
from texshape.models.names import CALLABLES, SOURCES, parse, slug


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
    st.sampled_from([one for one in SOURCES if one not in CALLABLES]),
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
        ("resnet50", "expected timm:NAME"),
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
