"""Vision-language models behind an address, asked on loopback: patience, bad addresses, a kill."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests import survey_world as world
from tests.vlm_server import KEY, Server, Told
from typer.testing import CliRunner

from texshape.cli.measure import app
from texshape.errors import InputError
from texshape.files import read_csv
from texshape.models import loading, names
from texshape.vlm import questions
from texshape.vlm.answers import FILE, Answers
from texshape.vlm.chat import Client, StoppedError, same_model
from texshape.vlm.settings import VlmSettings

CLASSES = world.CLASSES
# Pictures that `world.write_stimuli` makes: conflict and agreeing ones, and silhouettes.
PICTURES = 32 + 8


def by_shape(pixels: np.ndarray, labels: dict[str, str]) -> str:
    """The block of a class stands in a quadrant of its own."""
    grey = np.abs(pixels[..., 0].astype(float) - pixels[0, 0, 0])
    found = [grey[r : r + 20, c : c + 20].mean() for r in (0, 20) for c in (0, 20)]
    return labels[CLASSES[int(np.argmax(found))]]


@pytest.fixture
def server(monkeypatch):
    with Server(by_shape) as running:
        monkeypatch.setenv("OPENAI_BASE_URL", running.address)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        yield running


def client(server: Server, **settings: object) -> Client:
    found = VlmSettings.over({"timeout": 0.5, "attempts": 3, **settings})
    return Client("vlm:tiny-vlm", server.address, "tiny-vlm", found, sleep=lambda s: None)


def ask(asked: Client):
    picture = Image.new("RGB", (48, 48))
    from texshape.vlm.interview import _data

    return asked.ask(questions.question("neutral", CLASSES, "0").text, _data(picture))


# --- questions and answers -------------------------------------------------------------------------


def test_options_stand_in_an_order_of_each_picture() -> None:
    orders = {questions.question("neutral", CLASSES, str(n)).options for n in range(200)}
    assert len(orders) == 24  # all orders of four
    again = questions.question("neutral", CLASSES[::-1], "7")
    assert again == questions.question("neutral", CLASSES, "7")
    shown = questions.question("shape", CLASSES, "7")
    assert shown.options == again.options  # wordings are compared on the same question
    assert shown.text != again.text
    first = [questions.question("neutral", CLASSES, str(n)).options[0] for n in range(4000)]
    for one in CLASSES:  # no class gains by its place
        assert abs(first.count(one) / 4000 - 0.25) < 5 * (0.25 * 0.75 / 4000) ** 0.5
    many = questions.question("neutral", [f"class{n}" for n in range(30)], "0")
    assert many.labels[-1] == "30"
    with pytest.raises(InputError, match="did you mean 'texture'"):
        questions.question("textur", CLASSES, "0")


ASKED = questions.Question("", ("airplane", "bear", "teddy bear", "car"), ("A", "B", "C", "D"))


@pytest.mark.parametrize(
    ("answer", "kind", "named"),
    [
        ("B", "one", ["bear"]),
        ("b.", "one", ["bear"]),
        ("(B)", "one", ["bear"]),
        ("**B) bear**", "one", ["bear"]),
        ("A", "one", ["airplane"]),
        ("A.", "one", ["airplane"]),
        ("The answer is A", "one", ["airplane"]),
        ("Answer: A) airplane", "one", ["airplane"]),
        ("A bear.", "one", ["bear"]),
        ("A teddy bear", "one", ["teddy bear"]),
        ("teddy_bear", "one", ["teddy bear"]),
        ("Cars!", "one", ["car"]),
        ("<think>a bear? a car? B?</think>D", "one", ["car"]),
        ("\\boxed{C}", "one", ["teddy bear"]),
        ("B or D", "several", ["bear", "car"]),
        ("A or B", "several", ["airplane", "bear"]),
        ("B, A", "several", ["airplane", "bear"]),
        ("A and a car", "several", ["airplane", "car"]),
        ("Option A is best", "one", ["airplane"]),
        ("A Bear", "one", ["bear"]),
        ("Answer: A bear", "one", ["bear"]),
        ("B) car", "several", ["bear", "car"]),
        ("a bear, not a car", "several", ["bear", "car"]),
        ("A carpet", "none", []),
        ("I cannot tell.", "none", []),
        ("", "none", []),
        ("E", "none", []),
        ("<think>B, I am sure", "none", []),
    ],
)
def test_an_answer_is_read_and_never_guessed(answer: str, kind: str, named: list[str]) -> None:
    assert questions.named(answer, ASKED) == (kind, named)


def test_every_option_is_read_from_its_letter_and_from_its_name() -> None:
    from texshape.trials.imagenet16 import CATEGORIES

    draw = random.Random(0)
    for _ in range(20):
        asked = questions.question("neutral", CATEGORIES, str(draw.random()))
        for label, option in zip(asked.labels, asked.options, strict=True):
            for answer in (label, label.lower(), f"{label}) {option}", option, f"It is {option}."):
                assert questions.named(answer, asked) == ("one", [option]), answer


def test_names_of_models() -> None:
    assert names.slug("vlm:gpt-4o") == "vlm-gpt-4o--neutral"
    assert names.slug("vlm:gpt-4o@shape") == "vlm-gpt-4o--shape"
    parsed = names.parse("vlm:owner/some:7b@20240229")
    assert (parsed.architecture, parsed.tag) == ("owner/some:7b@20240229", None)
    with pytest.raises(InputError, match="did you mean 'texture'"):
        names.parse("vlm:gpt-4o@textur")
    assert same_model("llava", "llava:latest")
    assert same_model("gpt-4", "gpt-4-0613")
    assert not same_model("llava:7b", "llava:13b")
    assert not same_model("qwen2-vl-7b", "qwen2-vl-72b")


# --- one address -----------------------------------------------------------------------------------


def test_what_is_asked(server: Server) -> None:
    reply = ask(client(server))
    assert reply.text in "ABCD"
    assert reply.usage == {"prompt_tokens": 300, "completion_tokens": 2}
    (body,) = server.told.bodies
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("tiny-vlm", 0, 64)
    assert server.told.keys == [f"Bearer {KEY}"]


@pytest.mark.parametrize("trouble", ["limit 0", "trouble", "stall", "truncate", "half", "drip"])
def test_what_passes_is_asked_again(server: Server, trouble: str) -> None:
    server.told.first = [trouble]
    assert ask(client(server)).text in "ABCD"
    assert len(server.told.bodies) == 2
    server.told.always = trouble
    with pytest.raises(StoppedError, match="in 3 tries"):
        ask(client(server))
    assert len(server.told.bodies) == 2 + 3


def test_a_server_is_left_alone_as_long_as_it_asks(server: Server, monkeypatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("texshape.vlm.chat.time.monotonic", lambda: now[0])
    asked = client(server)
    asked._sleep = lambda seconds: now.__setitem__(0, now[0] + seconds)
    server.told.first = ["limit 7", "trouble", "trouble"]
    with pytest.raises(StoppedError):
        ask(asked)
    assert now[0] == 1000 + 7 + 2  # as it says, then twice the first pause
    server.told.first = ["limit 5000"]
    with pytest.raises(StoppedError, match="left alone for 83 min"):
        ask(client(server))


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("refuse", "refuses the key (HTTP 401); expected one in OPENAI_API_KEY"),
        ("page", "answers a page (text/html)"),
        ("nonsense", "answers no chat completion"),
        ("elsewhere", "points elsewhere (HTTP 302)"),
    ],
)
def test_an_address_that_cannot_be_asked_is_said_at_once(server: Server, what, says) -> None:
    server.told.always = what
    asked = client(server)
    for _ in range(2):
        with pytest.raises(StoppedError) as error:
            ask(asked)
        assert says in str(error.value)
        assert KEY not in str(error.value)
    assert len(server.told.bodies) == 1  # and nothing after it


def test_another_model_and_another_path(server: Server) -> None:
    server.told.model = "other-vlm"
    with pytest.raises(StoppedError, match="answers as 'other-vlm', not as 'tiny-vlm'"):
        ask(client(server))
    wrong = client(server)
    wrong.base += "/v2"
    with pytest.raises(StoppedError, match="knows no model 'tiny-vlm', or is no such address"):
        ask(wrong)
    nobody = client(server, attempts=1)
    nobody.base = "http://127.0.0.1:9/v1"
    with pytest.raises(StoppedError, match="cannot be reached"):
        ask(nobody)


def test_parameters_that_a_model_does_not_take_are_left_out(server: Server) -> None:
    server.told.first = ["unsupported temperature"]
    asked = client(server, attempts=1)
    assert ask(asked).left_out == ("temperature",)
    assert ask(asked).left_out == ("temperature",)
    assert ["temperature" in body for body in server.told.bodies] == [True, False, False]
    server.told.first = ["unsupported max_tokens use max_completion_tokens"]
    assert ask(asked).left_out == ("max_tokens", "temperature")
    assert ["max_tokens" in body for body in server.told.bodies[-2:]] == [True, False]
    assert server.told.bodies[-1]["max_completion_tokens"] == 64


def test_a_picture_that_is_not_let_through_is_an_answer(server: Server) -> None:
    server.told.first = ["filter"]
    reply = ask(client(server))
    assert (reply.finish, reply.text) == ("refused", "blocked")


def test_the_limit_of_requests_counts_repeated_ones(server: Server) -> None:
    server.told.always = "trouble"
    with pytest.raises(StoppedError, match="the limit of 2 requests is reached"):
        ask(client(server, max_requests=2))
    assert len(server.told.bodies) == 2


@pytest.mark.parametrize(
    ("address", "key", "says"),
    [
        ("", "", "OPENAI_BASE_URL: is not set"),
        ("localhost:8000/v1", "", "is no address"),
        ("ftp://a/v1", "", "is no address"),
        ("http://me:secret@host/v1", "", "it holds a user or a query"),
        ("http://host/v1?key=secret", "", "it holds a user or a query"),
    ],
)
def test_addresses_that_are_none(monkeypatch, address: str, key: str, says: str) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    with pytest.raises(InputError) as error:
        loading.load("vlm:tiny-vlm")
    assert says in str(error.value)
    assert "secret" not in str(error.value)


def test_a_key_that_is_none_is_not_shown(server: Server, monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret two")
    with pytest.raises(InputError, match="holds spaces") as error:
        ask(client(server))
    assert "secret" not in str(error.value)
    with pytest.raises(InputError, match="holds spaces"):  # before anything is asked
        loading.load("vlm:tiny-vlm")
    monkeypatch.setenv("OPENAI_API_KEY", "")
    ask(client(server))
    assert server.told.keys == [None]


# --- the file of answers ---------------------------------------------------------------------------


def test_answers_are_kept_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / FILE
    kept = Answers(path)
    for number in range(3):
        kept.add({"key": str(number), "answer": "ä\n"})
    whole = path.read_bytes()
    for cut in range(
        1, len(whole.splitlines(keepends=True)[-1])
    ):  # a kill anywhere in the last line
        path.write_bytes(whole[:-cut])
        again = Answers(path)
        assert [one["key"] for one in again] == ["0", "1"]
        again.add({"key": "2", "answer": "ä\n"})
        assert path.read_bytes() == whole
    path.write_bytes(b"no answer\n" + whole)
    with pytest.raises(InputError, match="line 1 is no answer"):
        Answers(path)


# --- a survey --------------------------------------------------------------------------------------


def options(place: Path, *more: str) -> list[str]:
    folder = place / "stimuli"
    if not folder.exists():
        world.write_stimuli(place)
    return [
        "--stimuli", str(folder), "--quick", "--no-report", "--threads", "1", "--output-dir",
        str(place / "out"), "--settings", str(world.write_settings(place)), *more,
    ]  # fmt: skip


def measure(place: Path, *more: str):
    return CliRunner().invoke(app, ["measure", "vlm:tiny-vlm", *options(place, *more)])


def leaks(place: Path) -> list[Path]:
    return [
        path
        for path in place.rglob("*")
        if path.is_file() and (KEY in path.name or KEY.encode() in path.read_bytes())
    ]


def test_a_model_is_measured_and_every_answer_kept(tmp_path: Path, server: Server) -> None:
    server.told.first = ["say I cannot tell", "say A or B", "filter", "limit 0"]
    done = measure(tmp_path)
    assert done.exit_code == 0, done.output
    assert f"{PICTURES} requests to come (decisions on every set {PICTURES})" in done.stderr
    assert "cost: unknown" in done.stderr
    assert len(server.told.bodies) == PICTURES + 1  # one was asked twice
    assert len(set(server.told.pictures)) == PICTURES - 1  # one was not let through
    lines = (tmp_path / "out/vlm-tiny-vlm--neutral/seed-0" / FILE).read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert len(records) == PICTURES
    assert sorted(one["image"] for one in records)[0].startswith("cue-conflict/")
    assert None not in {one["image"] for one in records}
    kinds = [one["kind"] for one in records]
    assert (kinds.count("none"), kinds.count("several")) == (2, 1)
    table = read_csv(tmp_path / "out/tables/answers.csv")
    (row,) = table.to_dict("records")
    assert row["wording"] == "texshape neutral"
    assert [row[name] for name in ("pictures", "one", "none", "several", "refused")] == [
        PICTURES, PICTURES - 3, 2, 1, 1,
    ]  # fmt: skip
    assert row["tokens_in"] == 300 * (PICTURES - 1)
    board = read_csv(tmp_path / "out/tables/leaderboard.csv")
    assert board["wording"].tolist() == ["texshape neutral"]
    assert board["name"].tolist() == ["tiny-vlm (asked neutral)"]
    assert board["shape_bias"].tolist() == [1.0]
    assert leaks(tmp_path) == []
    assert KEY not in done.output
    again = measure(tmp_path)
    assert "nothing is left to ask" in again.stderr
    assert len(server.told.bodies) == PICTURES + 1
    assert read_csv(tmp_path / "out/tables/answers.csv").equals(table)


def test_wordings_are_subjects_of_their_own(tmp_path: Path, server: Server) -> None:
    every = [f"vlm:tiny-vlm@{one}" for one in questions.WORDINGS]
    done = CliRunner().invoke(app, ["measure", *every, *options(tmp_path, "--format", "json")])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)["subjects"]
    assert {row["wording"] for row in rows} == {f"texshape {one}" for one in questions.WORDINGS}
    asked = [body["messages"][0]["content"][1]["text"] for body in server.told.bodies]
    for wording in questions.WORDINGS.values():
        assert sum(text.startswith(wording) for text in asked) == PICTURES


@pytest.mark.parametrize("what", ["refuse", "page", "nonsense"])
def test_a_fault_in_the_middle_is_a_line_and_loses_nothing(
    tmp_path: Path, server: Server, what: str
) -> None:
    server.told.first = [""] * 20
    server.told.always = what
    done = measure(tmp_path)
    assert isinstance(done.exception, StoppedError)  # the program prints it and exits with 2
    line = str(done.exception)
    assert "answers so far are kept, and the same command goes on" in line
    assert KEY not in done.output + line
    answered = server.told.answered
    assert answered == 20
    server.told.always = ""
    assert measure(tmp_path).exit_code == 0
    assert server.told.answered == PICTURES
    assert leaks(tmp_path) == []


def test_a_limit_of_requests_stops_and_goes_on(tmp_path: Path, server: Server) -> None:
    done = measure(tmp_path, "--max-requests", "15")
    assert isinstance(done.exception, StoppedError)
    assert "the limit of 15 stops it on its way" in done.stderr
    assert len(server.told.bodies) == 15
    for total in (30, PICTURES):
        done = measure(tmp_path, "--max-requests", "15")
        assert len(server.told.bodies) == total
    assert done.exit_code == 0, done.output


def test_a_killed_run_goes_on_and_asks_nothing_twice(tmp_path: Path, server: Server) -> None:
    told: Told = server.told
    told.delay = 0.3
    command = [sys.executable, "-m", "texshape", "measure", "vlm:tiny-vlm", *options(tmp_path)]
    settings = tmp_path / "settings.yaml"
    settings.write_text(settings.read_text() + "vlm: {at_once: 1}\n", encoding="utf-8")
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=dict(os.environ))
        for _ in range(3000):
            if told.answered >= 10 or process.poll() is not None:
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL, (tmp_path / "log").read_text()
    time.sleep(2 * told.delay)  # the request that was under way
    path = tmp_path / "out/vlm-tiny-vlm--neutral/seed-0" / FILE
    kept = path.read_bytes()
    under_way = told.answered - len(Answers(path))
    assert 10 <= told.answered < PICTURES
    assert under_way in (0, 1)
    told.delay = 0.0
    options_of = options(tmp_path)
    settings.write_text(settings.read_text() + "vlm: {at_once: 1}\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["measure", "vlm:tiny-vlm", *options_of])
    assert done.exit_code == 0, done.output
    assert path.read_bytes().startswith(kept)
    assert told.answered == PICTURES + under_way
    assert len(set(told.pictures)) == PICTURES


def test_the_count_beforehand_is_exact(tmp_path: Path, server: Server, capsys) -> None:
    """Whatever pictures techniques make and share: each is asked about once, and was counted."""
    from texshape.survey import parameters, stimuli, survey

    settings = parameters.read(world.write_settings(tmp_path))
    few = {"images": 12, "resamples": 20, "suppressions": ["patch-shuffle", "grey"]}
    settings |= {"techniques": ["suppression", "cue_rank"], "suppression": few}
    settings["probes"] |= {"strengths": [0, 0.5, 1]}  # the ends are pictures that there are already
    candidates = [survey.by_name("vlm:tiny-vlm", settings["evaluation"])]
    shown = stimuli.from_folder(world.write_stimuli(tmp_path))
    found = survey.run(candidates, shown, settings, tmp_path / "out", report=False)
    assert not found.failed
    said = capsys.readouterr().err
    total, parts = re.search(r": ([\d,]+) requests to come \((.*?)\)", said).groups()
    by_step = {one.rpartition(" ")[0]: int(one.rpartition(" ")[2]) for one in parts.split(", ")}
    assert by_step["decisions on every set"] == PICTURES
    assert by_step["cue strength"] > 0
    assert by_step["suppression of cues"] > 0
    assert sum(by_step.values()) == int(total) == len(server.told.bodies)
    assert len(set(server.told.pictures)) == int(total)
    why = found.reasons.set_index("technique")["reason"]
    assert why["cue_rank"].startswith("it names a class and gives no scores")
    assert "no activations" in why["readout"]
