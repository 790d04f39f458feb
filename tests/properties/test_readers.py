"""Whatever stands in a file, its reader gives back what was written, or one line that names what is wrong."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from texshape import files, parameters
from texshape.data import imageset
from texshape.data.download import mirror_path
from texshape.errors import InputError, nearest
from texshape.models import names as models
from texshape.models.families.registry import with_prefix
from texshape.trials import files as trials
from texshape.trials import names
from texshape.trials.imagenet16 import CATEGORIES

many = settings(max_examples=60, derandomize=True, deadline=None, database=None)
some = settings(max_examples=25, derandomize=True, deadline=None, database=None)
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def outcome(read: Callable[[], object]) -> object:
    """What a reader gives, or None where it refuses in one line; anything else it raises is a fault."""
    try:
        return read()
    except InputError as error:
        if "\n" in str(error) or not str(error):
            raise AssertionError(f"not one line: {error!r}") from error
        return None


def written(name: str, content: bytes) -> Path:
    path = Path(tempfile.mkdtemp(prefix="texshape-property-")) / name
    path.write_bytes(content)
    return path


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


# --- trial files ---------------------------------------------------------------------------------

line = text.filter(lambda one: "\r" not in one and "\n" not in one)
category = st.sampled_from(CATEGORIES)
row = st.fixed_dictionaries(
    {
        "subj": line, "session": line, "trial": line, "rt": line,
        "object_response": category | st.just("na"), "category": category, "condition": line,
        "imagename": line,
    }
)  # fmt: skip


@many
@given(st.lists(row, min_size=1, max_size=8))
def test_trials_come_back_as_they_were_written(rows) -> None:
    """White space at the ends is no part of a value: 'net ' and 'net' are one subject."""
    path = written("trials.csv", b"")
    trials.write(path, {column: [one[column] for one in rows] for column in trials.COLUMNS})
    found = trials.read(path)
    assert len(found) == len(rows)
    assert [found[column] for column in trials.COLUMNS] == [
        [one[column].strip() for one in rows] for column in trials.COLUMNS
    ]
    digests = found.digest()
    path.rename(path.with_name("other.csv"))
    assert trials.read(path.with_name("other.csv")).digest() == digests


@pytest.mark.parametrize("column", trials.COLUMNS)
def test_a_carriage_return_would_cut_a_row(column: str) -> None:
    path = written("trials.csv", b"as it was")
    rows = dict.fromkeys(trials.COLUMNS, ("bear",)) | {column: ("a\rb",)}
    with pytest.raises(InputError, match=rf"trials\.csv: {column} 'a\\rb' holds a line break"):
        trials.write(path, rows)
    assert path.read_bytes() == b"as it was"


@many
@given(st.binary(max_size=300))
def test_bytes_that_are_no_trials(content) -> None:
    path = written("trials.csv", content)
    assert outcome(lambda: trials.read(path)) is None
    header = ",".join(trials.COLUMNS).encode() + b"\n"
    outcome(lambda: trials.read(written("trials.csv", header + content)))


# --- names of stimuli ----------------------------------------------------------------------------

word = st.from_regex(r"[a-z]([a-z -]*[a-z])?", fullmatch=True).filter(lambda one: len(one) < 20)
number = st.integers(0, 10**6)


@many
@given(st.sampled_from(["", "0001_s5n_dnn_0_", "_", "a-1_"]), word, number, word, number)
def test_names_of_stimuli(prefix, shape, i, texture, j) -> None:
    name = f"{prefix}{shape}{i}-{texture}{j}.png"
    found = names.parse(name)
    assert str(found) == name
    assert (found.shape, found.shape_index, found.texture, found.texture_index) == (
        shape,
        i,
        texture,
        j,
    )
    assert names.parse(f"{prefix}{shape}{i}.png", one_cue=True).shape_exemplar in (
        f"{shape}{i}",
        "na",
    )


@many
@given(text)
def test_any_text_as_a_name(name) -> None:
    found = outcome(lambda: names.parse(name))
    if found is not None:
        assert str(found).replace("0", "").endswith(found.suffix)
    assert isinstance(names.image_id(name), str)


@many
@given(text, st.sampled_from(["", *(f"{source}:" for source in with_prefix())]))
def test_any_text_as_a_network(name, prefix) -> None:
    found = outcome(lambda: models.parse(prefix + name))
    if found is not None:
        slug = models.slug(prefix + name)
        assert slug == models.slug(prefix + name)
        assert slug.replace("-", "").replace(".", "").replace("_", "").isalnum()
        assert "--" in slug


# --- tables, arrays, image sets ------------------------------------------------------------------


@many
@given(st.binary(max_size=200))
def test_bytes_that_are_no_table_array_or_archive(content) -> None:
    outcome(lambda: files.read_csv(written("table.csv", content), ["model"]))
    assert outcome(lambda: files.map_npy(written("array.npy", content))) is None
    assert (
        outcome(lambda: files.map_npy(written("array.npy", b"\x93NUMPY\x01\x00" + content))) is None
    )
    outcome(lambda: files.read_npz(written("maps.npz", b"PK\x03\x04" + content)))


@some
@given(arrays(np.float32, array_shapes(min_dims=1, max_dims=4, max_side=6)))
def test_arrays_come_back(array) -> None:
    path = written("array.npy", b"")
    files.write_npy(path, array)
    assert np.array_equal(files.map_npy(path), array, equal_nan=True)


cell = st.sampled_from(["na", "nan", "None", "NULL", "disc", "star 2", "ü"])


@some
@given(st.integers(1, 4), st.integers(1, 5), st.booleans(), st.data())
def test_image_sets_come_back(count, side, masked, data) -> None:
    generator = np.random.default_rng(count)
    images = generator.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    masks = generator.integers(0, 2, (count, side, side), dtype=np.uint8) if masked else None
    labels = pd.DataFrame(
        {
            name: data.draw(st.lists(cell, min_size=count, max_size=count))
            for name in imageset.LABEL_COLUMNS
        }
    )
    stem = written("set", b"")
    imageset.write(stem, imageset.ImageSet(images, labels, masks))
    found = imageset.read(stem)
    assert np.array_equal(found.images, images)
    assert np.array_equal(found.masks, masks) if masked else found.masks is None
    assert found.labels.astype(str).equals(labels)  # a class called na, nan or None is a class
    pd.testing.assert_frame_equal(found.labels, imageset.read(stem).labels)


# --- parameters ----------------------------------------------------------------------------------

leaf = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | text
)
tree = st.recursive(
    leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3)
)


@many
@given(st.dictionaries(text, tree, max_size=4))
def test_parameters_come_back(values) -> None:
    assert parameters.from_json(parameters.to_json(values)) == values
    # YAML 1.1 takes some characters for line breaks.
    if any(mark in json.dumps(values, ensure_ascii=False) for mark in "\x85\u2028\u2029"):
        return
    path = written("params.yaml", yaml.safe_dump(values, allow_unicode=True).encode())
    assert parameters.read_yaml(path) == values


@many
@given(st.binary(max_size=200))
def test_bytes_that_are_no_parameters(content) -> None:
    outcome(lambda: parameters.read_yaml(written("params.yaml", content)))
    outcome(lambda: parameters.from_json(content.decode("latin-1")))


@many
@given(*[st.dictionaries(st.sampled_from("abc"), tree, max_size=3)] * 3)
def test_overlays(base, over, last) -> None:
    merged = parameters.overlay(base, over)
    assert set(merged) == set(base) | set(over)
    assert parameters.overlay(base, {}) == base
    assert parameters.overlay({}, over) == over
    assert parameters.overlay(merged, over) == merged  # twice is once
    assert all(merged[key] == value for key, value in over.items() if not isinstance(value, dict))
    assert set(parameters.overlay(merged, last)) == set(base) | set(over) | set(last)


@many
@given(text, st.lists(text, max_size=5))
def test_the_nearest_name(value, options) -> None:
    said = nearest(value, options)
    assert said == "" or said.startswith(("; did you mean '", "; expected one of "))


# --- downloads -----------------------------------------------------------------------------------

part = st.from_regex(r"[A-Za-z0-9._ %-]+", fullmatch=True)


@many
@given(
    st.lists(
        part | st.sampled_from(["..", "%2e%2e", "%2E.", "%2f", "etc%2fpasswd"]),
        min_size=1,
        max_size=5,
    )
)
def test_an_address_never_leaves_the_mirror(parts) -> None:
    for host in ("raw.githubusercontent.com", "github.com", "example.org", "../.."):
        url = f"https://{host}/{'/'.join(parts)}"
        found = outcome(lambda url=url: mirror_path(url, "/mirror"))
        if found is not None:
            assert Path("/mirror") in found.parents
            assert ".." not in found.parts


def test_the_reader_is_that_of_the_field() -> None:
    """Our trials, read by a plain CSV reader, are what was written."""
    path = written("trials.csv", b"")
    rows = {column: ["a,b", 'c"d'] for column in trials.COLUMNS}
    rows |= {"object_response": ["bear", "na"], "category": ["bear", "cat"]}
    trials.write(path, rows)
    found = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    assert [one["imagename"] for one in found] == rows["imagename"]
