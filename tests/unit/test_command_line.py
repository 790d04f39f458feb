"""What `texshape` says to somebody who does not know it, and to somebody who mistypes."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import texshape
from texshape.cli import main
from texshape.errors import InputError, nearest_path

for name in main.COMMANDS:
    importlib.import_module(f"texshape.cli.{name}")


def call(*words: str) -> tuple[int, str]:
    """Exit status and all output, colours and line breaks taken out."""
    done = CliRunner().invoke(main.app, list(words), env={"COLUMNS": "200"})
    text = done.output
    if isinstance(done.exception, InputError):
        text += str(done.exception)
    elif done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_alone_it_greets_with_three_examples() -> None:
    status, text = call()
    assert status == 0
    commands = {
        command.name or command.callback.__name__ for command in main.app.registered_commands
    }
    examples = re.findall(r"^  texshape (\w+) \S", text, re.M)
    assert len(examples) == 3
    assert set(examples) <= commands
    assert texshape.__version__ in text


def test_version() -> None:
    assert call("--version") == (0, f"texshape {texshape.__version__}\n")


def test_every_command_has_help() -> None:
    groups = [((), main.app), (("run",), main.run)]
    for words, app in groups:
        assert len(app.registered_commands) > 2
        for command in app.registered_commands:
            name = command.name or command.callback.__name__.replace("_", "-")
            status, text = call(*words, name, "--help")
            assert status == 0, name
            first = command.callback.__doc__.strip().split("\n")[0].split(".")[0].split("`")[0]
            assert first[:40] in text, name


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["mesure"], "measure"),
        (["run", "readuot"], "readout"),
        (["score", "--fromat", "json"], "--format"),
        (["measure", "resnet50", "--quick"], "torchvision:resnet50"),
        (["measure", "timn:resnet50"], "timm:resnet50"),
        (["measure", "torchvison:resnet50"], "torchvision:resnet50"),
    ],
)
def test_a_typo_is_answered_with_what_to_type(words: list[str], expected: str) -> None:
    status, text = call(*words)
    assert status != 0
    assert expected in text


def test_a_network_that_a_library_lacks(tmp_path: Path) -> None:
    from texshape.models.loading import load

    with pytest.raises(InputError, match="did you mean 'resnet50'"):
        load("torchvision:resnett50")
    with pytest.raises(InputError, match="did you mean 'vit_tiny_patch16_224'"):
        load("timm:vit_tiny_patch16_244")
    (tmp_path / "weights.pth").touch()
    with pytest.raises(InputError, match=r"did you mean '.*weights\.pth'"):
        load(f"torchvision:resnet18@{tmp_path}/wieghts.pth")


def test_a_layer_that_does_not_exist() -> None:
    from torch import nn

    from texshape.models.stages import resolve

    module = nn.Sequential()
    module.layer3 = nn.Identity()
    with pytest.raises(InputError, match="did you mean 'layer3'"):
        resolve(module, {"stage1": "layer3"}, ["layre3"])


def test_files_that_do_not_exist(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "trials.csv").touch()
    assert "did you mean" in nearest_path(tmp_path / "results" / "trails.csv")
    assert f"'{tmp_path / 'results'}'" in nearest_path(tmp_path / "result" / "trials.csv")
    assert nearest_path(tmp_path / "results" / "x") == ""
    assert "there is no folder" in nearest_path(tmp_path / "elsewhere" / "trials.csv")
    status, text = call("score", str(tmp_path / "results" / "trails.csv"))
    assert status != 0
    assert "trials.csv" in text.replace("trails.csv", "")
    (tmp_path / "mine.yaml").write_text("bootstrap: { resample: 5 }\n")
    status, text = call("measure", "timm:test_vit", "--settings", str(tmp_path / "mine.yaml"))
    assert status != 0
    assert "did you mean 'resamples'" in text


def test_progress_is_a_bar_on_a_terminal_and_lines_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`--quiet` silences both; into a file goes a line a step, no bar."""
    from texshape.cli import progress
    from texshape.survey.survey import Listener

    found = {}
    for watched in (False, True):
        monkeypatch.setattr(sys.stderr, "isatty", lambda watched=watched: watched, raising=False)
        assert type(progress.listener(quiet=True)) is Listener
        found[watched] = type(progress.listener(quiet=False))
    assert len({Listener, *found.values()}) == 3


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys, texshape; from texshape.survey import suggest; texshape.measure; "
        "heavy = {'torch', 'pandas', 'matplotlib', 'numpy', 'timm'} & set(sys.modules); "
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_command_starts_without_what_one_alone_needs() -> None:
    """All commands are registered at each start: none may bring a library, or the models of the parameters."""
    code = (
        "import atexit, sys; from texshape.cli import main; "
        "heavy = {'pydantic', 'numpy', 'pandas', 'torch', 'matplotlib', "
        "'rich.table', 'texshape.experiment.plan'}; "
        "atexit.register(lambda: print(*sorted(heavy & set(sys.modules)), file=sys.stderr)); "
        "sys.argv = ['texshape', '--version']; main.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("texshape ")
    assert done.stderr == "\n"


def test_completion_is_offered() -> None:
    status, text = call("--help")
    assert status == 0
    assert "--install-completion" in text
