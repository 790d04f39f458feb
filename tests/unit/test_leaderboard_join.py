"""`texshape leaderboard`: several surveys as one, and what is refused."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests import survey_world as world
from typer.testing import CliRunner

from texshape import FORMAT_VERSION, api
from texshape.cli import main
from texshape.errors import InputError
from texshape.files import read_csv, write_json
from texshape.survey import parameters, survey
from texshape.survey.columns import LEADERBOARD, NOTICES, REASONS, in_order
from texshape.survey.join import JOINED, TOGETHER, join
from texshape.survey.stimuli import from_folder

importlib.import_module("texshape.cli.leaderboard")  # registers the command

DECIDED = {
    "cue_match_rate": 0.75, "n_conflict": 24, "verdict": "neither", "n_classes": 4, "n_congruent": 8,
    "few_congruent": False, "edges": 0.5, "silhouettes": 0.625,
}  # fmt: skip
READ = {"read_stage": "layer4", "chance": 0.25, "shape_known": True, "texture_known": False}


def row(subject: str, bias: float | None, kind: str = "measured", **more: Any) -> dict[str, Any]:
    """A subject with decisions, or without where it has no bias."""
    own: dict[str, Any] = {"subject": subject, "name": subject, "kind": kind}
    if bias is not None:
        own |= DECIDED | {"shape_bias": bias, "ci_low": bias - 0.1, "ci_high": bias + 0.1}
    return own | more


HUMANS = row("humans", 0.95, "humans", error_consistency=1 / 3)
VGG = row("texture-vs-shape/vgg", 0.17, "published", name="VGG-16 (Caffe, trials of 2019)")


def surveyed(
    folder: Path,
    *measured: dict[str, Any],
    beside: tuple[dict[str, Any], ...] = (HUMANS, VGG),
    reasons: tuple[tuple[str, str, str], ...] = (),
    key: str | None = "aa11",
    benchmark: bool = False,
    class_map: str = "",
    stimuli: str = "5717",
    version: int = FORMAT_VERSION,
    **settings: Any,
) -> Path:
    """An invented survey's folder, as `texshape.survey.survey` leaves it."""
    board = in_order(LEADERBOARD.frame([*measured, *beside]))
    LEADERBOARD.write(folder / "tables" / "leaderboard.csv", board)
    lines = [dict(zip(REASONS.names, reason, strict=True)) for reason in reasons]
    REASONS.write(folder / "tables" / "reasons.csv", REASONS.frame(lines))
    NOTICES.write(folder / "tables" / "notices.csv", NOTICES.frame([]))
    if benchmark:
        (folder / "tables" / "benchmark_by_dataset.csv").touch()
    sections = {
        "evaluation": {"preprocessing": "whole", "interpolation": "bicubic", "batch_size": 16},
        "bootstrap": {"level": 0.95, "resamples": 100},
        "readout": {"folds": 5},
        "seed": 2019,
    }
    write_json(folder / "parameters.json", sections | settings)
    networks = [
        {"model": one["subject"], "name": one["name"], "key": key, "class_map": class_map}
        for one in measured
    ]
    images = {"cue-conflict": 32, "silhouettes": 8}
    shown = {"name": "published", "key": stimuli, "images": images}
    made = {"format_version": version, "networks": networks, "stimuli": shown}
    write_json(folder / "provenance.json", made)
    return folder


def call(*words: object) -> tuple[int, str]:
    """Exit status and output, in whole lines."""
    done = CliRunner().invoke(main.app, ["leaderboard", *map(str, words)], env={"COLUMNS": "200"})
    if done.exception is not None and not isinstance(done.exception, (SystemExit, InputError)):
        raise done.exception
    error = f"{done.exception}" if isinstance(done.exception, InputError) else ""
    return done.exit_code, re.sub(r"\x1b\[[0-9;]*m", "", done.output) + error


def refusal(*words: object) -> str:
    with pytest.raises(InputError) as caught:
        join([Path(str(word)) for word in words])
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- what is joined --------------------------------------------------------------------------------


def test_every_column_is_filled_together_with_some_others() -> None:
    named = [name for columns in TOGETHER for name in columns]
    assert sorted(named) == sorted(LEADERBOARD.names)


def test_what_folders_share_comes_once_and_ranks_are_made_anew(tmp_path, capsys) -> None:
    a = surveyed(tmp_path / "a", row("net--a", 0.2), row("backbone--a", None))
    b = surveyed(tmp_path / "b", row("net--b", 0.6), row("guess--b", 0.5, verdict="follows no cue"))
    found = join([a, b])
    order = ["humans", "net--b", "guess--b", "net--a", VGG["subject"], "backbone--a"]
    assert found.leaderboard["subject"].tolist() == order
    assert found.folders["humans"] == [str(a), str(b)]
    assert found.folders["net--b"] == [str(b)]
    status, text = call(a, b)
    assert status == 0
    ranks = {line.split()[1]: line.split()[0] for line in text.splitlines() if line[:2].strip()}
    kept = {name: ranks.get(name) for name in ("humans", "net--b", "net--a", "VGG-16")}
    assert kept == {"humans": "1", "net--b": "2", "net--a": "3", "VGG-16": "4"}
    assert "guess--b (follows no cue)" in text
    assert text.count("humans") == 1


def test_one_folder_is_its_own_leaderboard_to_the_last_digit(tmp_path) -> None:
    a = surveyed(tmp_path / "a", row("net--a", 0.1 + 0.2), row("net--b", 2 / 7, edges=None))
    assert call(a, "--output", tmp_path / "all.csv")[0] == 0
    written = (tmp_path / "all.csv").read_text().splitlines()
    kept = (a / "tables" / "leaderboard.csv").read_text().splitlines()
    names = f",{JOINED.names[-2]},{JOINED.names[-1]}"
    assert written == [kept[0] + names, *(f"{line},{a}," for line in kept[1:])]


def test_joined_surveys_are_the_survey_of_all(tmp_path) -> None:
    """Two surveys with observers and a published network, and one of both networks: the same bytes."""
    from texshape.trials import files, subjects

    shown = from_folder(world.write_stimuli(tmp_path))
    values = parameters.read(world.write_settings(tmp_path))
    labels = shown.sets["cue-conflict"].labels
    known = {}
    for number, (name, answer) in enumerate([("subject-01", "shape"), ("subject-02", "shape"),
                                             ("vgg", "texture")]):  # fmt: skip
        lines = ["subj,session,trial,rt,object_response,category,condition,imagename"]
        lines += [
            f"{name},1,{i},NaN,{one[answer] if i % (5 + number) else 'cat'},{one['shape']},0,{one['imagename']}"
            for i, one in enumerate(labels.to_dict("records"), start=1)
        ]
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join(lines) + "\n")
        model = name if name.startswith("subject") else f"texture-vs-shape/{name}"
        subject = subjects.Subject(model, name, "published", None)
        known[subject, "cue-conflict"] = files.read(path, classes=list(world.CLASSES))
    shown = replace(shown, trials=known)

    def cats(pictures: list) -> list[str]:
        return ["cat"] * len(pictures)

    def shades(pictures: list) -> list[str]:
        """By the mean shade: another answer for some pictures."""
        means = [sum(one.convert("L").tobytes()) % len(world.CLASSES) for one in pictures]
        return [world.CLASSES[mean] for mean in means]

    def measured(name: str, *functions: Any) -> Path:
        candidates = [
            api._candidate(one, None, one.__name__, None, values["evaluation"]) for one in functions
        ]
        survey.run(candidates, shown, values, tmp_path / name, quick=True, report=False)
        return tmp_path / name

    parts = measured("a", cats), measured("b", shades)
    whole = measured("whole", cats, shades)
    LEADERBOARD.write(tmp_path / "joined.csv", join(parts).leaderboard)
    assert (tmp_path / "joined.csv").read_bytes() == (
        whole / "tables" / "leaderboard.csv"
    ).read_bytes()
    board = join(parts).leaderboard
    assert board["kind"].value_counts().to_dict() == {"measured": 2, "humans": 1, "published": 1}
    assert board["shape_bias"].notna().all()


QUICK = (
    ("net--q", "readout", "left out by --quick"),
    ("net--q", "cue_rank", "left out by --quick"),
)


def test_what_a_survey_lacks_is_empty_and_marked(tmp_path) -> None:
    quick = surveyed(tmp_path / "quick", row("net--q", 0.2), reasons=QUICK)
    full = surveyed(tmp_path / "full", row("net--f", 0.4, shape_read=0.8, texture_read=0.9, **READ))
    output = tmp_path / "all.csv"
    status, text = call(quick, full, "--output", output)
    assert status == 0
    line = next(line for line in text.splitlines() if "net--q" in line)
    assert line.count("- [1]") == 2
    assert "[1] left out by --quick" in text
    table = JOINED.check(read_csv(output)).set_index("subject")
    assert list(table.columns) == JOINED.names[1:]
    assert table.loc["net--q", "not_measured"] == "; ".join(f"{t}: {why}" for _, t, why in QUICK)
    assert table.loc[["net--q"], "shape_read"].isna().all()
    assert table.loc["net--f", "shape_read"] == 0.8
    assert table.loc[["net--f"], "not_measured"].isna().all()
    status, text = call(quick, full, "--format", "json")
    answer = json.loads(text)
    assert answer["format_version"] == FORMAT_VERSION
    assert answer["folders"] == [str(quick), str(full)]
    rows = {one["subject"]: one for one in answer["subjects"]}
    assert rows["net--q"]["not_measured"] == {t: why for _, t, why in QUICK}
    assert rows["net--q"]["shape_read"] is None
    assert rows["net--q"]["folders"] == [str(quick)]
    assert rows["humans"]["folders"] == [str(quick), str(full)]


@pytest.mark.parametrize("named", [[], ["cue_rank"]])
def test_the_same_network_of_a_short_and_of_a_long_survey_comes_once(tmp_path, named) -> None:
    """With all that either holds of it; a technique that only the short one was told of stays left out."""
    read = {"shape_read": 0.8, "texture_read": 0.9} | READ
    quick = surveyed(tmp_path / "quick", row("net--q", 0.2), reasons=QUICK, techniques=["cue_rank"])
    full = surveyed(tmp_path / "full", row("net--q", 0.2, **read), techniques=named)
    for folders in ([quick, full], [full, quick]):
        found = join(folders)
        assert found.leaderboard["subject"].is_unique
        board = found.leaderboard.set_index("subject")
        assert board.loc["net--q", "shape_read"] == 0.8
        assert found.folders["net--q"] == list(map(str, folders))
        assert found.reasons["technique"].tolist() == ([] if named else ["cue_rank"])


def test_a_network_gets_another_name(tmp_path) -> None:
    before = surveyed(tmp_path / "before", row("net--pth-1", 0.2), key="aa")
    after = surveyed(tmp_path / "aft=er", row("net--pth-1", 0.4), key="bb", reasons=(
        ("net--pth-1", "readout", "no stages"),))  # fmt: skip
    assert "is not the same network" in refusal(before, after)
    found = join([before, after], [f"trained longer={after}"])
    board = found.leaderboard.set_index("subject")
    assert board.loc["trained longer", ["name", "shape_bias"]].tolist() == ["trained longer", 0.4]
    assert board.loc["net--pth-1", "shape_bias"] == 0.2
    assert found.reasons["model"].tolist() == ["trained longer"]
    status, text = call(before, f"{after}/", "--as", f"longer={after}")
    assert status == 0
    assert "longer" in text


# --- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"stimuli": "9999"}, r"stimuli, 'published' \(32 cue-conflict, 8 silhouettes, key 5717\) and"),
        ({"evaluation": {"preprocessing": "crop-0.875", "interpolation": "bicubic"}},
         'evaluation.preprocessing, "whole" and "crop-0.875"'),
        ({"evaluation": {"preprocessing": "whole", "interpolation": "bilinear"}},
         'evaluation.interpolation, "bicubic" and "bilinear"'),
        ({"bootstrap": {"level": 0.9, "resamples": 100}}, "bootstrap.level, 0.95 and 0.9"),
        ({"bootstrap": {"level": 0.95, "resamples": 50}}, "bootstrap.resamples, 100 and 50"),
        ({"seed": 1}, "the parameter seed, 2019 and 1"),
        ({"class_map": "mine.yaml"}, "class maps, 'map.yaml' of 'net--a' and 'mine.yaml' of 'net--b'"),
    ],
)  # fmt: skip
def test_surveys_that_differ_are_refused(tmp_path, change: dict[str, Any], said: str) -> None:
    a = surveyed(tmp_path / "a", row("net--a", 0.2), class_map="map.yaml")
    b = surveyed(tmp_path / "b", row("net--b", 0.2), **change)
    line = refusal(a, b)
    assert line.startswith(f"{a} and {b}: ")
    assert re.search(said if "stimuli" in change else re.escape(said), line), line
    status, text = call(a, b, "--output", tmp_path / "all.csv")
    assert status != 0
    assert line in text
    assert not (tmp_path / "all.csv").exists()


def test_the_third_folder_is_held_against_the_others(tmp_path) -> None:
    """Class maps and read-outs: the first folder has neither."""
    read = {"shape_read": 0.8, "texture_read": 0.9} | READ
    a = surveyed(tmp_path / "a", row("net--a", 0.2), readout={"folds": 3})
    b = surveyed(tmp_path / "b", row("net--b", 0.2, **read), class_map="b.yaml")
    c = surveyed(tmp_path / "c", row("net--c", 0.2, **read), class_map="b.yaml")
    assert len(join([a, b, c]).leaderboard) == 5
    d = surveyed(tmp_path / "d", row("net--d", 0.2, **read), readout={"folds": 3})
    assert refusal(a, b, d).startswith(
        f"{b} and {d}: differ in the parameter readout.folds, 5 and 3"
    )
    e = surveyed(tmp_path / "e", row("net--e", 0.2), class_map="e.yaml")
    assert refusal(a, b, e).startswith(f"{b} and {e}: differ in class maps")


def test_what_is_about_speed_may_differ(tmp_path) -> None:
    a = surveyed(tmp_path / "a", row("net--a", 0.2))
    speed = {"preprocessing": "whole", "interpolation": "bicubic", "batch_size": 64}
    b = surveyed(tmp_path / "b", row("net--b", 0.2), evaluation=speed)
    assert len(join([a, b]).leaderboard) == 4


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ((HUMANS | {"shape_bias": 0.951}, VGG), "shape_bias of 'humans' differs, 0.95 and 0.951"),
        ((HUMANS, VGG | {"n_conflict": 23}),
         "n_conflict of 'texture-vs-shape/vgg' differs, 24 and 23"),
        ((HUMANS, VGG | {"shape_bias": None}),
         "shape_bias of 'texture-vs-shape/vgg' differs, 0.17 and empty"),
        ((HUMANS, VGG | {"name": "VGG"}), "VGG-16 (Caffe, trials of 2019) and VGG"),
        ((HUMANS | {"few_congruent": True}, VGG), "few_congruent of 'humans' differs, False and True"),
    ],
)  # fmt: skip
def test_what_folders_share_must_agree(tmp_path, changed, said: str) -> None:
    a = surveyed(tmp_path / "a", row("net--a", 0.2))
    b = surveyed(tmp_path / "b", row("net--b", 0.2), beside=changed)
    line = refusal(a, b)
    assert line.startswith(f"{a} and {b}: ")
    assert said in line


def test_what_one_folder_lacks_of_humans_another_brings(tmp_path) -> None:
    """Some pictures alone give no consistency; the last digit may differ between machines."""
    lacking = {name: cell for name, cell in HUMANS.items() if name != "error_consistency"}
    a = surveyed(tmp_path / "a", row("net--a", 0.2), beside=(lacking,))
    b = surveyed(tmp_path / "b", row("net--b", 0.2))
    nearly = HUMANS | {"error_consistency": 1 / 3 + 1e-16, "shape_bias": 0.95 + 1e-15}
    c = surveyed(tmp_path / "c", row("net--c", 0.2), beside=(nearly,))
    board = join([a, b, c]).leaderboard.set_index("subject")
    assert board.loc["humans", "error_consistency"] == 1 / 3
    other = HUMANS | {"error_consistency": 0.4}
    d = surveyed(tmp_path / "d", row("net--d", 0.2), beside=(other,))
    assert refusal(a, b, d).startswith(f"{b} and {d}: error_consistency of 'humans'")


def test_humans_have_the_consistency_that_one_survey_would_show(tmp_path) -> None:
    """A backbone alone has no benchmark: humans' interval is of other draws there."""
    drawn = HUMANS | {"error_consistency_low": 0.25, "error_consistency_high": 0.45}
    other = HUMANS | {"error_consistency_low": 0.24, "error_consistency_high": 0.44}
    a = surveyed(tmp_path / "a", row("backbone--a", None), beside=(other,))
    b = surveyed(tmp_path / "b", row("net--b", 0.2), beside=(drawn,), benchmark=True)
    for folders in ([a, b], [b, a]):
        board = join(folders).leaderboard.set_index("subject")
        assert board.loc["humans", "error_consistency_low"] == 0.25
    assert join([a]).leaderboard.set_index("subject").loc["humans", "error_consistency_low"] == 0.24
    c = surveyed(tmp_path / "c", row("net--c", 0.2), beside=(other,), benchmark=True)
    assert "error_consistency_low of 'humans' differs, 0.25 and 0.24" in refusal(b, c)


@pytest.mark.parametrize(
    ("key", "bias", "said"),
    [
        ("bb22", 0.2, "'net--a' is measured in both and is not the same network"),
        ("aa11", 0.3, "shape_bias of 'net--a' differs, 0.2 and 0.3"),
        (None, 0.3, "shape_bias of 'net--a' differs, 0.2 and 0.3"),
    ],
)
def test_two_networks_of_one_name(tmp_path, key: str | None, bias: float, said: str) -> None:
    a = surveyed(tmp_path / "a", row("net--a", 0.2))
    b = surveyed(tmp_path / "b", row("net--a", bias), key=key)
    line = refusal(a, b)
    assert line.startswith(f"{a} and {b}: {said}")


def test_a_folder_that_is_no_survey(tmp_path) -> None:
    a = surveyed(tmp_path / "survey", row("net--a", 0.2))
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "comparison.csv").touch()
    line = refusal(a, tmp_path / "results")
    assert line.startswith(f"{tmp_path / 'results'}: is no survey's folder")
    line = refusal(tmp_path / "survye")
    assert line.startswith(f"{tmp_path / 'survye'}: no such folder")
    assert f"did you mean '{a}'" in line
    assert refusal(a / "provenance.json").startswith(f"{a / 'provenance.json'}: is a file")
    assert refusal(a, a / ".." / "survey").endswith(f"is given twice, also as {a}")
    assert call()[0] != 0
    status, text = call(tmp_path / "results")
    assert status != 0
    assert "is no survey's folder" in text


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("provenance.json", None, "no such file: the survey was cut off"),
        ("parameters.json", None, "no such file: the survey was cut off"),
        ("provenance.json", '{"format_ver', "not readable JSON"),
        ("provenance.json", "[]", "holds a list, expected an object"),
        ("provenance.json", "{}", f"format_version is None, expected {FORMAT_VERSION}"),
        ("provenance.json", json.dumps({"format_version": FORMAT_VERSION}), "expected 'networks'"),
        ("tables/reasons.csv", None, "no such file"),
        ("tables/notices.csv", "model,technique\n", "column 'kind' is missing"),
        ("tables/leaderboard.csv", "", "not a readable CSV table"),
        ("tables/leaderboard.csv", "subject,name,kind\n", "column 'decides_by' is missing"),
    ],
)
def test_a_folder_that_is_damaged(tmp_path, file: str, content: str | None, said: str) -> None:
    a = surveyed(tmp_path / "a", row("net--a", 0.2))
    if content is None:
        (a / file).unlink()
    else:
        (a / file).write_text(content)
    line = refusal(a)
    assert line.startswith(f"{a / file}: ")
    assert said in line


def test_another_version_or_a_survey_that_was_cut_off(tmp_path) -> None:
    old = surveyed(tmp_path / "old", row("net--a", 0.2), version=FORMAT_VERSION - 1)
    assert f"format_version is {FORMAT_VERSION - 1}, expected {FORMAT_VERSION}" in refusal(old)
    a = surveyed(tmp_path / "a", row("net--a", 0.2))
    b = surveyed(tmp_path / "b", row("net--b", 0.2))
    (a / "provenance.json").write_bytes((b / "provenance.json").read_bytes())
    assert refusal(a).startswith(f"{a}: 'net--a' is in one of tables/leaderboard.csv and")
    table = b / "tables" / "leaderboard.csv"
    table.write_text(table.read_text().replace(",0.2,", ",high,"))
    assert "column 'shape_bias', row 2: expected a number, found 'high'" in refusal(b)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("net", "expected NAME=FOLDER"),
        ("={a}", "expected NAME=FOLDER"),
        ("new={a}x", "did you mean"),
        ("new={b}", "the folder has 2 networks (net--b, net--c); expected one"),
        ("humans={a}", "'humans' is a row of every leaderboard"),
        ("guessing={a}", "'guessing' is a row of every leaderboard"),
    ],
)
def test_names_that_cannot_be_given(tmp_path, given: str, said: str) -> None:
    a = surveyed(tmp_path / "a", row("net--a", 0.2))
    b = surveyed(tmp_path / "b", row("net--b", 0.2), row("net--c", 0.2))
    given = given.format(a=a, b=b)
    with pytest.raises(InputError) as caught:
        join([a, b], [given])
    assert str(caught.value).startswith(f"--as {given}: ")
    assert said in str(caught.value)
    with pytest.raises(InputError, match="is called 'one'"):
        join([a, b], [f"one={a}", f"two={a}"])


# --- lightness -------------------------------------------------------------------------------------

CODE = """
import sys
import texshape.cli.main as main
main.COMMANDS = ["leaderboard"]
sys.argv = ["texshape", "leaderboard", *sys.argv[1:]]
try:
    main.main()
except SystemExit:
    pass
heavy = {"torch", "scipy", "matplotlib", "requests", "sklearn"} & set(sys.modules)
print(sorted(heavy), file=sys.stderr)
"""


def test_joining_imports_nothing_heavy(tmp_path) -> None:
    a = surveyed(tmp_path / "a", row("net--a", 0.2))
    b = surveyed(tmp_path / "b", row("net--b", 0.4))
    words = [sys.executable, "-c", CODE, str(a), str(b)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "net--b" in done.stdout
    assert done.stderr == "[]\n"


def test_networks_that_decide_by_a_read_out_are_marked_and_of_the_same_photographs(
    tmp_path,
) -> None:
    read = {"decides_by": "readout"}
    grey, mine = {"photographs": "grey"}, {"photographs": "mine"}
    a = surveyed(tmp_path / "a", row("readout-net--a", 0.2, **read), decision_readout=grey)
    b = surveyed(tmp_path / "b", row("readout-net--b", 0.4, **read), decision_readout=mine)
    with pytest.raises(InputError, match=r'decision_readout\.photographs, "grey" and "mine"'):
        join([a, b])
    same = surveyed(tmp_path / "same", row("readout-net--d", 0.5, **read))  # by default
    assert len(join([a, same]).leaderboard) == 4
    own = surveyed(tmp_path / "own", row("net--c", 0.3), decision_readout=mine)
    found = join([a, own], [f"probe={a}"]).leaderboard.set_index("subject")
    assert found.loc["probe", "name"] == "probe (read-out)"
    assert found.loc["probe", "decides_by"] == "readout"
    assert found.loc["net--c", "name"] == "net--c"
