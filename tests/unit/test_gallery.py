"""The data behind the page of every picture and every decision: each cell, each picture, each refusal."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests import gallery_world as world
from typer.testing import CliRunner

import texshape.cli.gallery  # noqa: F401 (registers the command)
from texshape.cli.main import app
from texshape.errors import InputError
from texshape.gallery import pictures
from texshape.gallery.credits import by_content, credits
from texshape.trials.files import COLUMNS, read
from texshape.trials.names import natural
from texshape.trials.score import gather as gather_trials

FIRST = "github/rgeirhos/texture-vs-shape/ccd0c01d42c0a8a834e90ec141e7f24fa915dc23"
SECOND = "github/bethgelab/model-vs-human/93ee6766db71bc99de23a16cf5216acff181b470"
ANSWERS = "github/paulgavrikov/vlm_shapebias/459198f81c7d64584ed57bf3fd27c392d425478a"
SETS = f"{FIRST}/raw-data/style-transfer-512-nomask-experiment"


def gallery(*words: object) -> str:
    """Call the command; what it says of notable things."""
    done = CliRunner().invoke(app, ["gallery", *map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stderr


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No download of this machine's user is found."""
    monkeypatch.setenv("TEXSHAPE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


def test_every_cell_is_the_trial_files(tmp_path: Path) -> None:
    gallery(world.write_all(tmp_path / "trials"), "-o", tmp_path / "page")
    made = world.read_data(tmp_path / "page")
    expected = {one: world.answers(one) for one in (*world.HUMANS, *world.NETWORKS)}
    assert world.cells(made) == expected
    assert [one["name"] for one in made["subjects"]] == [*world.HUMANS, *world.NETWORKS]
    assert [one["human"] for one in made["subjects"]] == [True] * 3 + [False] * 4
    assert made["pictures"]["name"] == sorted(
        world.names(), key=lambda name: tuple(map(natural, name.split("-")))
    )
    assert made["classes"] == sorted([*world.CLASSES, "dog"])
    for name, shape, texture in zip(
        *(made["pictures"][key] for key in ("name", "shape", "texture")), strict=True
    ):
        found = [made["classes"][place] for place in (shape, texture)]
        assert found == [part.rstrip("0123456789") for part in name.split("-")]
    assert made["readings"] == ""
    assert made["pictures"]["file"] == [None] * 32


def test_one_file_of_several_subjects_and_sessions_in_several_files(tmp_path: Path) -> None:
    both = world.write_trials(tmp_path / "both.csv", "net-a", "net-b")
    given = list(world.answers("net-c").items())
    for number, part in enumerate((given[:10], given[10:]), start=1):
        world.write_trials(tmp_path / f"session-{number}.csv", "net-c", **{"net-c": dict(part)})
    gallery(both, tmp_path / "session-1.csv", tmp_path / "session-2.csv", "-o", "page")
    found = world.cells(world.read_data(tmp_path / "page"))
    assert found == {one: world.answers(one) for one in ("net-a", "net-b", "net-c")}


def test_two_of_one_name_are_two_subjects(tmp_path: Path) -> None:
    first = world.write_trials(tmp_path / "first.csv", "net-a")
    second = world.write_trials(
        tmp_path / "x" / "second.csv", "net-a", **{"net-a": world.answers("net-b")}
    )
    said = gallery(first, second, first, "-o", "page")
    found = world.cells(world.read_data(tmp_path / "page"))
    assert found == {"net-a": world.answers("net-a"), "net-a (second.csv)": world.answers("net-b")}
    assert "'net-a' stands in first.csv too" in said
    assert "holds the same trials" in said


def test_an_experiment_with_its_pictures_and_its_read_out(tmp_path: Path) -> None:
    arms = {"plain": {}, "stylized": {"variant": None}, "tinted": {"variant": "tint"}}
    folder = world.experiment(tmp_path / "results", arms)
    expected = world.write_readings(folder / "cnn--plain" / "seed-1" / "readings.csv")
    of_class = world.write_readings(
        folder / "cnn--stylized" / "seed-0" / "readings.csv", ("pooled", "cls")
    )
    (folder / "cnn--plain" / "seed-0" / "readings.csv").touch()  # could not be read out
    said = gallery(folder, "-o", "page")
    made = world.read_data(tmp_path / "page")
    assert world.cells(made) == {
        "cnn--plain, seed 0": world.answers("net-a"),
        "cnn--plain, seed 1": world.answers("net-b"),
        "cnn--stylized": world.answers("net-b"),
    }
    assert "1 networks saw pictures of other variants" in said
    assert "tinted" in said
    digits = base64.b64decode(made["readings"])
    names = made["pictures"]["name"]
    assert len(digits) == 3 * len(names)
    for row, read_out in enumerate(({}, expected, of_class)):
        found = {}
        for name, value in zip(names, digits[row * 32 : row * 32 + 32], strict=True):
            if value:
                found[name] = (value % 3 == 2, value // 3 == 2)
                assert 0 not in (value % 3, value // 3)
        assert found == read_out
    # Small pictures are the set's own pixels.
    for name, file in zip(names, made["pictures"]["file"], strict=True):
        shown = np.asarray(Image.open(tmp_path / "page" / "pictures" / file))
        np.testing.assert_array_equal(shown, world.pixels(world.names().index(name), 8))


def test_pictures_of_a_folder(tmp_path: Path) -> None:
    trials = world.write_trials(tmp_path / "a.csv", "net-a")
    folder = world.write_pictures(tmp_path / "stimuli", side=300, count=30)
    (folder / "notes.txt").write_text("no picture")
    Image.new("RGB", (4, 4)).save(folder / "overview.png")
    gallery(trials, "-o", "page", "--stimuli", folder)
    made = world.read_data(tmp_path / "page")
    there = {
        n for n, f in zip(made["pictures"]["name"], made["pictures"]["file"], strict=True) if f
    }
    assert there == set(world.names()[:30])
    sizes = {Image.open(path).size for path in (tmp_path / "page" / "pictures").iterdir()}
    assert sizes == {(pictures.SIDE, pictures.SIDE)}
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    assert "2 of the pictures were not at hand" in page
    assert "keep their owners' terms" in page


def test_wordnet_ids_are_told_by_their_english_names(tmp_path: Path) -> None:
    """Also where they stand in the filters: in the order of the names, not of the ids."""
    english = {"n02504458": "African elephant", "n01443537": "goldfish", "n07753592": "banana"}
    ids = list(english)
    pairs = [(shape, texture) for shape in ids for texture in ids]
    rows = [
        f"net-a,1,{i},NaN,{texture},{shape},0,{i:04d}_x_{shape}1-{texture}2.png"
        for i, (shape, texture) in enumerate(pairs, start=1)
    ]
    trials = tmp_path / "net-a.csv"
    trials.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n", encoding="utf-8")
    gallery(trials, "-o", "page", "--classes", ",".join(ids))
    made = world.read_data(tmp_path / "page")
    assert made["classes"] == ["African elephant", "banana", "goldfish"]
    for name, shape, texture in zip(
        *(made["pictures"][key] for key in ("name", "shape", "texture")), strict=True
    ):
        of_name = tuple(english[part[:-1]] for part in name.split("-"))
        assert of_name == (made["classes"][shape], made["classes"][texture])


def test_the_same_bytes_again_and_no_place_of_this_machine(tmp_path: Path) -> None:
    folder = world.write_pictures(tmp_path / "stimuli", side=120)
    trials = world.write_all(tmp_path / "trials")
    for name in ("one", "two"):
        gallery(trials, "-o", tmp_path / name, "--stimuli", folder)
    one, two = (
        {path.relative_to(place): path.read_bytes() for path in place.rglob("*") if path.is_file()}
        for place in (tmp_path / "one", tmp_path / "two")
    )
    assert one == two
    assert len(one) == 32 + 3
    for path, content in one.items():
        assert str(tmp_path).encode() not in content, path


BAD = {
    "missing": (["none.csv"], "none.csv: no such file"),
    "folder": (["empty"], "empty: holds no trial file"),
    "edges": (["edges.csv"], "edges.csv, row 2: picture 'bear1.png' shows one cue"),
    "class": (["class.csv"], "class.csv, row 2: object_response 'bird8' is no known class"),
    "name": (["name.csv"], "name.csv, row 2: stimulus name 'bear.png' cannot be read"),
    "category": (["category.csv"], "category is 'cat', but picture 'bear1-cat1.png' shows the shape 'bear'"),
    "twice": (["twice.csv"], "answered 'bear' and 'cat' about picture 'bear1-cat1'"),
    "stimuli": (["good.csv", "--stimuli", "empty"], "--stimuli empty: holds none of the 32 pictures"),
    "no stimuli": (["good.csv", "--stimuli", "none"], "--stimuli none: no such folder"),
    "classes": (["good.csv", "--classes", "a,a"], "'a' stands there twice"),
    "nothing": ([], "expected trial files"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_leaves_nothing(case: str, tmp_path: Path) -> None:
    header = "subj,session,trial,rt,object_response,category,condition,imagename\n"
    row = "n,1,{},NaN,{},{},0,{}\n"
    (tmp_path / "empty").mkdir()
    world.write_trials(tmp_path / "good.csv", "net-a")
    for name, lines in {
        "edges": [(1, "bear", "bear", "bear1.png")],
        "class": [(1, "bird8", "bear", "bear1-cat1.png")],
        "name": [(1, "bear", "bear", "bear.png")],
        "category": [(1, "bear", "cat", "bear1-cat1.png")],
        "twice": [(1, "bear", "bear", "bear1-cat1.png"), (2, "cat", "bear", "bear1-cat1.png")],
    }.items():
        (tmp_path / f"{name}.csv").write_text(header + "".join(row.format(*line) for line in lines))
    words, expected = BAD[case]
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError) as refused:
        gallery(*words, "-o", "page")
    assert expected in str(refused.value)
    assert "\n" not in str(refused.value)
    assert sorted(tmp_path.iterdir()) == before


def test_what_is_no_gallery_is_not_replaced_and_a_gallery_is_whole(tmp_path: Path) -> None:
    good = world.write_trials(tmp_path / "good.csv", "net-a")
    for place in ("file", "full"):
        if place == "file":
            (tmp_path / place).write_text("mine")
        else:
            (tmp_path / place).mkdir()
            (tmp_path / place / "thesis.tex").write_text("mine")
        with pytest.raises(InputError, match=f"--output {place}: exists and is no gallery"):
            gallery(good, "-o", place)
    assert (tmp_path / "full" / "thesis.tex").read_text() == "mine"
    (tmp_path / "page").mkdir()  # empty: may be filled
    stimuli = world.write_pictures(tmp_path / "stimuli")
    gallery(good, "-o", "page", "--stimuli", stimuli)
    first = {path: path.read_bytes() for path in (tmp_path / "page").rglob("*") if path.is_file()}
    # A picture that is cut off shows while the page is being written: the former one stays as it was.
    broken = stimuli / f"{world.names()[-1]}.png"
    broken.write_bytes(broken.read_bytes()[:60])
    other = world.write_trials(tmp_path / "other.csv", "net-b")
    with pytest.raises(InputError, match=str(broken.name)):
        gallery(other, "-o", "page", "--stimuli", stimuli)
    again = {path: path.read_bytes() for path in (tmp_path / "page").rglob("*") if path.is_file()}
    assert again == first
    assert not list(tmp_path.glob(".page*"))
    gallery(other, "-o", "page")
    assert world.cells(world.read_data(tmp_path / "page")) == {"net-b": world.answers("net-b")}
    assert not (tmp_path / "page" / "pictures").exists()
    assert not list(tmp_path.glob(".page*"))


def test_pictures_of_one_name_that_differ_are_refused(tmp_path: Path) -> None:
    one = world.experiment(tmp_path / "one", {"plain": {}})
    two = world.experiment(tmp_path / "two", {"plain": {}}, first=100)
    same = world.experiment(tmp_path / "same", {"stylized": {}})
    gallery(one, same, "-o", "page")
    with pytest.raises(
        InputError, match=r"picture 'bear2-bear3' is another one than in .*of the same name"
    ):
        gallery(one, two, "-o", "page")
    (two / "parameters.json").unlink()
    with pytest.raises(InputError, match=r"two/parameters.json: no such file"):
        gallery(two, "-o", "page")


def test_downloads_stand_for_published_trials_alone(
    mirror: Path, tmp_path: Path, own_cache: Path
) -> None:
    """A set of one's own may use names of the published stimuli."""
    trials = mirror / SETS / "style-transfer-512-nomask-experiment_alexnet_session_1.csv"
    copy = tmp_path / "mine.csv"
    text = trials.read_text(encoding="utf-8")
    copy.write_text(text.replace("alexnet,1,1,", "alexnet,1,2000,", 1), encoding="utf-8")
    (folder,) = [one for one in pictures.caches() if one.is_relative_to(own_cache)]
    inner = "stimuli/style-transfer-preprocessed-512/airplane/airplane1-bicycle2.png"
    (folder / inner).parent.mkdir(parents=True)
    (folder / inner).write_bytes((mirror / FIRST / inner).read_bytes())
    for path, expected in ((trials, 1), (copy, 0)):
        gallery(path, "-o", "page")
        made = world.read_data(tmp_path / "page")
        assert len(made["pictures"]["name"]) == 1280
        assert 1280 - made["pictures"]["file"].count(None) == expected
        page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
        assert page.count("CC BY 4.0 (the repository") == expected
    (folder / inner).write_bytes(b"cut off")
    gallery(trials, "-o", "page")
    assert set(world.read_data(tmp_path / "page")["pictures"]["file"]) == {None}


def test_published_subjects_are_those_that_are_scored(mirror: Path, tmp_path: Path) -> None:
    """Names as everywhere, licences, and decisions of humans, networks and models that were asked."""
    asked = mirror / ANSWERS / "raw-data/vlm/vqa/20240228_002836_openai_vision.csv"
    folders = [mirror / SETS, mirror / SECOND / "raw-data/cue-conflict"]
    gallery("--published", "-o", "page")
    made = world.read_data(tmp_path / "page")
    found = world.cells(made)
    assert (
        len(found) == 10 + 4 + 7 + 41
    )  # humans, networks of 2019 and of 2021, answers of the mirror
    # The same by the files' content, wherever they lie.
    gallery(*folders, asked, "-o", "some")
    some = world.cells(world.read_data(tmp_path / "some"))
    assert len(some) == 10 + 3 + 7 + 1
    assert some.items() <= found.items()
    assert [one["name"] for one in made["subjects"]][:2] == ["subject-01", "subject-02"]
    assert {"AlexNet (Caffe, trials of 2019)", "ResNet-50 (trials of 2021)",
            "GPT-4V (asked, 2024-02-28)"} < set(found)  # fmt: skip
    for name, path in {
        "AlexNet (Caffe, trials of 2019)": next(folders[0].glob("*alexnet*")),
        "subject-07": next(folders[0].glob("*subject-07*")),
        "GPT-4V (asked, 2024-02-28)": asked,
    }.items():
        (scored,) = gather_trials([read(path)])[0].values()
        names = [
            f"{a}-{b}" for a, b in zip(scored.shape_exemplar, scored.texture_exemplar, strict=True)
        ]
        assert found[name] == dict(zip(names, scored.response, strict=True))
        assert len(found[name]) == 1280
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    for words in (
        "CC BY-SA 4.0",
        "MIT (CODE_LICENSE)",
        "Gavrikov et al. 2025",
        "Geirhos et al. 2021",
    ):
        assert page.count(words) == 1
    assert "pictures were not at hand" in page


def test_every_source_that_can_be_shown_has_its_terms() -> None:
    names = {"cue-conflict", "texture-vs-shape", "model-vs-human", "vlm-shapebias"}
    found = credits(names)
    assert len(found) == 4
    assert all(all(entry.values()) for entry in found)
    assert names < {source for source, _ in by_content().values()}
