"""For notebooks and scripts: measure a network, get a table; draw its shape bias.

import torchvision
weights = torchvision.models.ResNet18_Weights.DEFAULT
model = torchvision.models.resnet18(weights=weights)
frame = texshape.measure(model, weights.transforms())
texshape.plot_shape_bias(frame)
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape.errors import InputError, nearest
from texshape.trials.deciding import CLASSES, READOUT, WORDS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from torch import Tensor, nn

    from texshape.models.network import Network
    from texshape.survey.survey import Candidate
    from texshape.techniques.base import Observations

COLUMNS = [
    "model", "architecture", "arm", "measure", "set", "class", "stage", "cue", "detail", "epoch",
    "value", "ci_low", "ci_high", "n",
]  # fmt: skip
KINDS = ("quick", "all")
DECIDES = (CLASSES, READOUT)


def measure(
    model: str | nn.Module | Callable[[list[Any]], Sequence[Any]],
    transforms: Callable[[Any], Tensor] | None = None,
    *,
    name: str | None = None,
    techniques: str = "quick",
    stimuli: str | Path | None = None,
    exemplars: int | None = None,
    class_map: str | Path | None = None,
    classes: Sequence[str] | None = None,
    decide: str = CLASSES,
    settings: str | Path | None = None,
    max_requests: int | None = None,
    folder: str | Path | None = None,
    threads: int | None = None,
) -> pd.DataFrame:
    """Measure one network on cue-conflict images, beside humans and published networks.

    Parameters
    ----------
    model : str, nn.Module or callable
        A name (``timm:resnet50``, see `texshape.models.names`), or a network that takes images
        (B, 3, S, S) and gives logits (B, outputs): 1,000 of ImageNet, or those that `class_map` or
        `classes` explain; it is used in evaluation mode, and left as it was. Or a function from a list of
        PIL images to a list of class names, or of mappings of classes to scores, which is measured by its
        answers alone.
    transforms : callable, optional
        One PIL image to the network's input (3, S, S), such as ``weights.transforms()``; for a
        network only. By default the whole image, with the size and normalisation that the network's
        attributes name (``input_size``, ``mean``, ``std``; else timm's ``pretrained_cfg`` or
        ``default_cfg``; else 224 px and ImageNet's), as for a name: the crop that many pipelines take
        changes which picture a network sees.
    name : str, optional
        Of the network in the result; by default its class.
    techniques : str
        ``quick``: shape bias and accuracies; ``all``: every technique that needs no training.
    stimuli, exemplars, class_map, settings, max_requests
        As the options of ``texshape measure``.
    classes : sequence of str, optional
        What each output means, where outputs are the images' classes themselves; by default as the
        network's attribute ``classes`` says.
    decide : str
        ``classes``, or ``readout``: by a linear read-out of its last stage, fitted on labelled photographs, as
        networks without classes can.
    folder : path, optional
        Where trials, tables, figures and report go and stay; by default nothing is kept. A model behind an
        address needs one, for its answers.
    threads : int, optional
        Threads of the CPU; by default as torch is set.

    Returns
    -------
    DataFrame
        One row an observation, `COLUMNS`: ``measure`` is ``shape_bias``, ``cue_match_rate``,
        ``n_shape`` and ``n_texture`` (by ``class``, or ``all``), ``accuracy`` (by ``set`` and
        ``cue``) and, with all techniques, ``readout`` (``detail``: which features),
        ``dimensionality`` (the estimator), ``erasure`` (what was erased; the bias that is left),
        ``cue_strength`` (the texture's strength; the share of shape decisions), ``shuffling``
        (pieces a side; the accuracy) and ``effective_receptive_field`` (px), by ``stage`` and
        ``cue``, and what techniques of other packages declare; epoch 0 is the network before
        training. Rates are fractions;
        undefined is NaN. Humans and published networks have ``arm`` ``published``. What could not
        be measured, and why, is in ``frame.attrs["not_measured"]``, technique to reason; what must be
        known about the network (its answers depend on the batch, ...) in ``frame.attrs["notices"]``.

    Raises
    ------
    InputError
        If an argument cannot be used; the message says what was expected.
    """
    from texshape.files import cache_folder
    from texshape.survey import parameters
    from texshape.survey import stimuli as images

    if techniques not in KINDS:
        raise InputError(f"techniques: '{techniques}' is unknown{nearest(techniques, KINDS)}")
    if stimuli is not None and exemplars is not None:
        raise InputError("exemplars: chooses among the published stimuli, not with stimuli")
    if decide not in DECIDES:
        raise InputError(f"decide: '{decide}' is unknown{nearest(decide, DECIDES)}")
    values = parameters.read(Path(settings) if settings is not None else None)
    if max_requests is not None:
        values["vlm"] = {**(values.get("vlm") or {}), "max_requests": max_requests}
    if class_map is not None:
        values["evaluation"]["class_map"] = str(class_map)
    if threads is not None:
        from texshape import compute

        compute.prepare(threads)
    from texshape.survey import survey

    quick = techniques == "quick"
    if folder is None and str(model).startswith("vlm:"):
        raise InputError(f"folder: expected a folder, in which the answers of '{model}' are kept")
    candidate = _candidate(
        model, transforms, name, classes, values["evaluation"], read=decide == READOUT
    )
    shown = (
        images.from_folder(Path(stimuli))
        if stimuli is not None
        else images.from_published(cache_folder(), exemplars=exemplars, everything=not quick)
    )
    with tempfile.TemporaryDirectory(prefix="texshape-") as temporary:
        place = Path(folder) if folder is not None else Path(temporary)
        result = survey.run(
            [candidate], shown, values, place, quick=quick, report=folder is not None
        )
        frame = tidy(place / "tables")
    if not isinstance(model, (str, os.PathLike)):  # a row has the name that was given
        frame["model"] = frame["model"].replace(candidate.slug, candidate.name)
    if result.failed:
        raise InputError("; ".join(result.failed))
    frame.attrs["not_measured"] = dict(
        zip(result.reasons["technique"], result.reasons["reason"], strict=True)
    )
    frame.attrs["notices"] = result.notices["text"].drop_duplicates().tolist()
    return frame


def tidy(folder: Path) -> pd.DataFrame:
    """The tables of a survey or an experiment as one, `COLUMNS`.

    Parameters
    ----------
    folder : path
        With ``shape_bias.csv`` and the like; tables that are not there give no rows.
    """
    import pandas as pd

    from texshape.files import read_csv

    parts = []
    for rows in _observations():
        path = folder / f"{rows.table}.csv"
        if not path.exists():
            continue
        frame = read_csv(path, [rows.value])
        fixed = {"measure": rows.measure or rows.value, **rows.fixed}
        own = [name for name in COLUMNS if rows.interval or name not in ("ci_low", "ci_high")]
        part = {"value": frame[rows.value].astype(float)}
        for column in own:
            source = rows.columns.get(column, column)
            if column != "value" and source in frame.columns:
                part[column] = frame[source]
        parts.append(pd.DataFrame(part).assign(**fixed))
    if not parts:
        return pd.DataFrame(columns=COLUMNS)
    return pd.concat(parts, ignore_index=True).reindex(columns=COLUMNS)


def _observations() -> Iterator[Observations]:
    """What all techniques declare; one of another package that cannot be imported adds nothing."""
    from texshape.techniques import registry
    from texshape.techniques.shape_bias.measures import OBSERVATIONS

    yield from OBSERVATIONS
    for technique in [*map(registry.get, registry.OURS), *registry.usable()]:
        yield from technique.observations


def plot_shape_bias(frame: pd.DataFrame) -> Figure:
    """Shape bias by class, of all that a frame of `measure` holds.

    Parameters
    ----------
    frame : DataFrame
        Of `measure`, or several of them by ``pandas.concat`` (subjects that occur twice count once).

    Returns
    -------
    matplotlib.figure.Figure
        Shown by a notebook; ``figure.savefig("bias.svg")`` writes it.

    Raises
    ------
    InputError
        If the frame holds no shape bias.
    """
    from texshape.figures.registry import draw

    rows = frame[frame["measure"].isin(["shape_bias", "cue_match_rate", "n_shape", "n_texture"])]
    if rows.empty:
        reason = dict(frame.attrs.get("not_measured", {})).get("trials", "")
        raise InputError(f"the frame holds no shape bias{': ' if reason else ''}{reason}")
    identity = ["model", "architecture", "arm", "class"]
    rows = rows.drop_duplicates([*identity, "measure"])
    wide = rows.set_index([*identity, "measure"])["value"].unstack().reset_index()  # noqa: PD010
    limits = rows[rows["measure"] == "shape_bias"].set_index(identity)[["ci_low", "ci_high", "n"]]
    wide = wide.join(limits, on=identity).rename(columns={"n": "n_conflict"})
    wide["seed"] = 0
    tables = {
        "shape_bias": wide[wide["class"] == "all"].drop(columns="class").reset_index(drop=True),
        "shape_bias_by_class": wide[wide["class"] != "all"].reset_index(drop=True),
    }
    _show_figures()
    return draw("shape_bias_by_class", tables)


def _show_figures() -> None:
    """Let a notebook show figures that pyplot did not make; IPython does so once pyplot is imported."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is not None:
        from IPython.core.pylabtools import select_figure_formats

        select_figure_formats(shell, {"png"})


def _candidate(
    model: Any,
    transforms: Callable[[Any], Tensor] | None,
    name: str | None,
    classes: Sequence[str] | None,
    evaluation: dict[str, Any],
    *,
    read: bool = False,
) -> Candidate:
    from texshape.survey import survey

    if isinstance(model, (str, os.PathLike)):
        for argument, given in (("transforms", transforms), ("classes", classes), ("name", name)):
            if given is not None:
                raise InputError(f"{argument}: is for a network itself, not for the name '{model}'")
        before = f"{READOUT}:" if read and not str(model).startswith(f"{READOUT}:") else ""
        return survey.by_name(f"{before}{model}", evaluation)
    from torch import nn

    if not isinstance(model, nn.Module) and not callable(model):
        raise InputError(
            "model: expected a name, an nn.Module or a function of a list of pictures, found "
            f"{type(model).__name__}"
        )
    name = name or getattr(model, "__name__", type(model).__name__)
    if read and not isinstance(model, nn.Module):
        raise InputError("decide: a function has no activations from which decisions could be read")
    slug = re.sub(r"[^A-Za-z0-9._]+", "-", name).strip("-.") + "--given"
    if read:
        name, slug = f"{name} ({WORDS[READOUT]})", f"{READOUT}-{slug}"

    def untrained() -> Network:
        raise InputError("a network that is given as an object has no untrained version")

    def load() -> Network:
        if not isinstance(model, nn.Module):
            from texshape.models.asked import from_function

            if transforms is not None:
                raise InputError("transforms: a function is shown pictures as they are")
            return from_function(model, name=name, slug=slug, classes=classes)
        from texshape.models.loading import from_module, undecided

        found = from_module(model, transforms, name=name, classes=classes, settings=evaluation)
        return replace(undecided(found) if read else found, slug=slug)

    return survey.Candidate(name, slug, load, untrained, readout=read)
