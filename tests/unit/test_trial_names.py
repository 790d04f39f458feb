"""Names of stimuli."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texshape.errors import InputError
from texshape.trials.names import StimulusName, image_id, parse

CLASSES = st.from_regex(r"[a-z]+([- ][a-z]+)?", fullmatch=True)
PREFIXES = st.sampled_from(["", "0001_s5n_dnn_0_airplane_00_", "a-1_"])


@given(PREFIXES, CLASSES, st.integers(0, 999), CLASSES, st.integers(0, 999))
def test_a_written_name_is_read_back(prefix, shape, i, texture, j):
    name = StimulusName(prefix, shape, i, texture, j)
    assert parse(str(name)) == name


def test_published_name_keeps_its_prefix():
    name = parse("0001_s5n_dnn_0_airplane_00_airplane1-bicycle2.png")
    assert name.prefix == "0001_s5n_dnn_0_airplane_00_"
    assert (name.shape, name.texture) == ("airplane", "bicycle")
    assert (name.shape_exemplar, name.texture_exemplar) == ("airplane1", "bicycle2")


def test_absent_cues():
    assert parse("disc3-na0.png").texture_exemplar == "na"
    assert parse("na0-star12.png").shape_exemplar == "na"
    edges = parse("0001_edg_s01_0_oven_00_oven10.png", one_cue=True)
    assert (edges.shape_exemplar, edges.texture) == ("oven10", "na")


@pytest.mark.parametrize(
    "name",
    ["", "airplane1.png", "airplane-bicycle2.png", "airplane1-bicycle.png", "airplane1-bicycle2",
     "airplane1-bicycle2.pn g", "1-2.png", "airplane1_bicycle2.png", "airplane1-bicycle2.png.part"],
)  # fmt: skip
def test_an_unreadable_name_is_quoted(name):
    with pytest.raises(InputError, match="cannot be read") as error:
        parse(name)
    assert f"'{name}'" in str(error.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("0001_cl_dnn_cr_oven_40_n04111531_14126.png", "n04111531_14126.png"),
        ("0001_cl_s01_cr_oven_40_n04111531_14126.png", "n04111531_14126.png"),
        ("0001_edg_s01_0_oven_00_oven10.png", "oven10.png"),
        ("oven10.png", "oven10.png"),
        ("oven10-na0.png", "oven10.png"),
        ("0001_ske_s01_0_boat_00_boat-0068-sketch-23.png", "boat-0068-sketch-23.png"),
        ("airplane1-bicycle2.png", "airplane1-bicycle2.png"),
    ],
)
def test_image_id_is_what_observers_share(name, expected):
    assert image_id(name) == expected
