"""The tables over all networks of a survey, laid out like those of an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape import tables
from texshape.catalogue import declared
from texshape.decision_readout.columns import DECISION_READOUT
from texshape.experiment import runs
from texshape.survey import datasets
from texshape.survey.inputs import run_of
from texshape.survey.stimuli import Stimuli
from texshape.techniques.base import Technique
from texshape.techniques.human_consistency import answers
from texshape.techniques.human_consistency.benchmark import benchmark_tables
from texshape.techniques.human_consistency.tables import ACCURACY_BY_CONDITION
from texshape.trials import bias_tables, subjects
from texshape.trials import files as trial_files
from texshape.trials.accuracy import accuracy_table
from texshape.trials.imagenet16 import CATEGORIES
from texshape.trials.names import HUMANS

if TYPE_CHECKING:
    import pandas as pd

FROM_TRIALS = ("shape_bias", "shape_bias_by_class", "shape_bias_differences", "accuracy")


def write(
    slugs: list[str],
    chosen: Sequence[Technique],
    missing: pd.DataFrame,
    written: dict[tuple[str, str], list[Path]],
    stimuli: Stimuli,
    settings: dict[str, Any],
    folder: Path,
) -> dict[str, pd.DataFrame]:
    """Write all tables; those of nothing are left out, and those of an earlier survey removed.

    Parameters
    ----------
    slugs : list of str
        The networks.
    chosen : sequence of Technique
        What measured them.
    missing : DataFrame
        `texshape.survey.columns.REASONS`: what could not be measured.
    written : dict
        Network and technique (``trials`` are the decisions) to the files that were written.
    stimuli : Stimuli
    settings : dict
        All parameters.
    folder : path
        Of the survey.

    Returns
    -------
    dict of str to DataFrame
        By name, as they were written.
    """
    place = folder / "tables"
    lacking = set(zip(missing["model"], missing["technique"], strict=True))
    found: dict[str, pd.DataFrame] = {}
    bootstrap = {**settings["bootstrap"], "seed": int(settings["seed"])}
    deciding = [slug for slug in slugs if (slug, "trials") not in lacking]
    trials = dict(stimuli.trials)
    for slug in deciding:
        classes = _classes(written[slug, "trials"])
        trials |= subjects.read_network(folder, str(run_of(slug)), classes=classes)
    if trials:
        # Humans alone make no pair: nothing is compared where no network decides.
        made = bias_tables.shape_bias_tables(trials, compare=deciding or [HUMANS], **bootstrap)
        found |= dict(zip(FROM_TRIALS, made, strict=False))
        found["accuracy"] = accuracy_table(trials, **bootstrap)
    if stimuli.trials_folder is not None and deciding:
        ours = {key: own for key, own in trials.items() if key[0].model in deciding}
        further = {
            (subjects.network_subject(str(run_of(slug))), path.parent.name): trial_files.read(
                path, classes=CATEGORIES
            )
            for slug in deciding
            for path in written.get((slug, datasets.TECHNIQUE), ())
        }
        means, by_dataset = benchmark_tables(stimuli.trials_folder, ours, further, **bootstrap)
        found |= {"benchmark": means, "benchmark_by_dataset": by_dataset}
        if further:
            rows = datasets.tables(stimuli.trials_folder, further, bootstrap["level"])
            found["accuracy_by_condition"] = ACCURACY_BY_CONDITION.frame(rows, networks=True)
    observers = answers.human_trials(stimuli.trials)
    if stimuli.answers and observers:
        found["published_answers"] = answers.answers_table(stimuli.answers, observers, **bootstrap)
    for technique in chosen:
        for table in technique.tables:
            files = [
                folder / str(run_of(slug)) / f"{table.name}.csv"
                for slug in slugs
                if (slug, technique.name) in written
            ]
            pixels = folder / str(runs.PIXELS) / f"{table.name}.csv"
            if technique.pixels is not None and files and pixels.exists():
                files.append(pixels)
            if files:
                found[table.name] = tables.concatenate(files, folder)
    read_out = [files[0] for key, files in written.items() if key[1] == DECISION_READOUT.name]
    if read_out:
        found[DECISION_READOUT.name] = tables.concatenate(read_out, folder)
    for old in place.glob("*.csv"):  # of an earlier survey with other networks or techniques
        if old.stem not in found and old.stem not in ("reasons", "notices"):
            old.unlink()
    for name, table in found.items():
        declared(name).write(place / f"{name}.csv", table, networks=True)
    return found


def _classes(trial_files: list[Path]) -> list[str] | None:
    """The classes that a network's trial files name, where they are none of the known sets."""
    from texshape.files import read_csv
    from texshape.trials.files import VOCABULARIES
    from texshape.trials.names import ABSENT, parse

    names: set[str] = set()
    for path in trial_files:
        table = read_csv(path, ["object_response", "imagename"])
        names |= set(table["object_response"].astype(str))
        for image in table["imagename"]:
            stimulus = parse(image, one_cue=True)
            names |= {stimulus.shape, stimulus.texture}
    names.discard(ABSENT)
    known = any(names <= set(vocabulary) for vocabulary in VOCABULARIES.values())
    return None if known else sorted(names)
