"""`texshape run TECHNIQUE` for every technique, and `texshape techniques`: made from the declarations."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from texshape import compute
from texshape.cli.main import app
from texshape.cli.run import run
from texshape.errors import InputError, nearest

if TYPE_CHECKING:
    from texshape.techniques.base import Technique

Results = Annotated[Path, typer.Option(help="Folder of the experiment's results.")]
Run = Annotated[str, typer.Option("--run", help="The network, ARCHITECTURE--ARM/seed-S.")]
Parameters = Annotated[
    str, typer.Option(help="The technique's section, others that it reads, and seed, as JSON.")
]
Images = Annotated[
    list[str] | None,
    typer.Option(help="ROLE=SET: a set of images that the experiment has for a role; repeat."),
]
Epoch = Annotated[
    list[int] | None, typer.Option(help="State of the network, in order; repeat. 0 is untrained.")
]
Name = Annotated[
    str | None, typer.Option(help="Name of a network that is measured as it is, not trained here.")
]
Features = Annotated[
    Path | None, typer.Option(help="Folder of activations that are not the network's own.")
]
Threads = Annotated[int, typer.Option(min=1, help="Threads of the CPU.")]


def step(technique: Technique, package: str = "") -> Any:
    """The command of a technique: it measures one network of an experiment.

    Parameters
    ----------
    technique : Technique
    package : str
        That it is of; empty for texshape's own.
    """

    def command(
        results: Results,
        network_run: Run,
        parameters: Parameters,
        images: Images = None,
        epoch: Epoch = None,
        network: Name = None,
        features: Features = None,
        threads: Threads = 1,
    ) -> None:
        from texshape.experiment import left_out, unavailable
        from texshape.experiment.inputs import StoredInputs
        from texshape.experiment.layout import Layout
        from texshape.experiment.runs import RunId
        from texshape.notices import warn
        from texshape.parameters import from_json

        given = from_json(parameters, "--parameters")
        if "seed" not in given:
            raise InputError("--parameters: 'seed' is missing")
        technique.configured(given)  # before anything heavy is imported
        layout, which = Layout(str(results)), RunId.parse(network_run)

        def place(name: str) -> Path:
            return Path(layout.run(which), name)

        def note(reason: str) -> None:
            if technique.applies or package:
                tables = [table.name for table in technique.tables]
                path = layout.left_out(which, technique.name)
                left_out.note(path, technique.name, tables, reason)

        if unavailable.reason(results, which):  # said once, of the network
            technique.leave_out(place)
            note("")
            return
        if technique.network:  # what reads arrays alone starts without torch
            compute.prepare(threads)
        inputs = StoredInputs(
            technique, layout, which, given, roles=_roles(images or []), epochs=epoch or [], name=network,
            features=features,
        )  # fmt: skip
        if lacking := technique.lacking(inputs):
            raise InputError(f"{which}: {technique.title}: {lacking}")

        written, reason = left_out.attempt(technique, inputs, place, package)
        if reason:
            technique.leave_out(place)
            warn(str(which), f"{technique.title}: left out, since {reason}")
        for path in written:
            print(path, flush=True)
        note(reason)

    command.__doc__ = (
        f"{technique.question} Tables and files go beside the network's other results."
    )
    holder = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    holder.command(technique.name.replace("_", "-"))(command)
    return typer.main.get_command(holder)


@run.command("leave-out")
def leave_out(
    technique: Annotated[str, typer.Option(help="Technique that cannot be used.")],
    reason: Annotated[str, typer.Option(help="Why, in one line.")],
    output: Annotated[Path, typer.Option(help="CSV table of a network to write.")],
) -> None:
    """Write that a technique of another package measured nothing of a network, and why."""
    from texshape.experiment import left_out

    left_out.note(output, technique, [], reason)


@run.command("describe-techniques")
def describe_techniques(
    names: Annotated[list[str], typer.Argument(help="Techniques that the experiment names.")],
    output: Annotated[Path, typer.Option(help="JSON file to write, for the article.")],
) -> None:
    """Write what techniques say of themselves: questions, methods, limits, figures, captions, own Typst."""
    from texshape.files import write_json
    from texshape.gathered import described
    from texshape.techniques import registry

    write_json(output, {"techniques": [described(registry.get(name)) for name in names]})


def _roles(given: list[str]) -> dict[str, list[str]]:
    from texshape.techniques.inputs import ROLES

    found: dict[str, list[str]] = {}
    for text in given:
        role, sign, name = text.partition("=")
        if role not in ROLES or not sign or not name:
            hint = nearest(role, ROLES) if sign else ""
            raise InputError(f"--images {text}: expected ROLE=SET{hint}")
        found.setdefault(role, []).append(name)
    return found


@app.command("techniques")
def list_techniques() -> None:
    """List every technique, those of installed packages too: its question, and where it comes from."""
    from texshape.techniques import registry

    wrong = []
    for name in registry.names():
        try:
            technique = registry.get(name)
        except InputError as error:  # of one package; the others are listed
            wrong.append(str(error))
            continue
        print(f"{name}: {technique.question} ({technique.paper})")
        needs = [*technique.images, *(["stored activations"] if technique.features else []),
                 *(["the network"] if technique.network else [])]  # fmt: skip
        print(f"    writes {', '.join(technique.outputs)}; needs {', '.join(needs) or 'trials'}")
    wrong += [line for name, line in registry.clashes().items() if name in registry.OURS]
    if wrong:
        raise InputError("; ".join(wrong))
