"""What a technique is: the one type that rules, commands, `measure`, tables, figures and the article ask.

A technique is declared once, as the constant ``TECHNIQUE`` of its package: built in below
`texshape.techniques`, or of any installed distribution that names it in the group of entry points
``texshape.techniques``. The declaration imports nothing heavy. What computes, draws and is set in the article
is named by its place, ``package.module:function``, and imported when it is called for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

from texshape.errors import InputError
from texshape.tables import Table

if TYPE_CHECKING:
    from texshape.techniques.inputs import Inputs
    from texshape.techniques.sections import Typst

DYNAMIC_IMPORTS = ()  # the places are the techniques' own; each is hashed by itself


#: of the page that chooses a measure: what a technique tells of a network
HEADINGS = {
    "decides": "what it decides by",
    "knows": "what it knows",
    "uses": "what it uses of it",
    "loses": "what it loses without",
    "people": "whether it errs as people do",
    "sees": "what its units see",
}


def imported(place: str) -> Any:
    """What stands at a place, ``package.module:name``."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


@dataclass(frozen=True)
class File:
    """A file that a technique writes beside its tables, for one network.

    Attributes
    ----------
    name : str
        With its ending: ``influence.npz``.
    about : str
        What it holds.
    """

    name: str
    about: str


@dataclass(frozen=True)
class Figure:
    """A figure, of a technique or of an experiment.

    Attributes
    ----------
    name : str
        Of its files.
    tables : tuple of str
        That it is drawn from.
    draw : str
        Place of a function of the tables by name and of the sections ``arms`` and ``data``. Empty where a
        step of its own draws it, of pictures or maps.
    caption : str
        What it shows; of the workflow's report, and below it in a section that the article makes itself.
    alt : str
        What a reader who does not see it is told; the caption where it is empty.
    chapter : str
        Of the workflow's report, in which chapters are sorted by their name.
    needs : str
        What an experiment must have, beside the tables, for there to be anything to show: networks that are
        ``trained``, or ``named``, ``published`` trials, or ``controls``.
    pictures : bool
        Whether pictures of the experiment's image sets are in it. Where their licence does not let them be
        passed on, it is left out of `texshape deposit`.
    """

    name: str
    tables: tuple[str, ...] = ()
    draw: str = ""
    caption: str = ""
    alt: str = ""
    chapter: str = "7 Others"
    needs: str = ""
    pictures: bool = False


@dataclass(frozen=True)
class Measure:
    """One number a network, for the comparison of measures.

    Attributes
    ----------
    name : str
        In ``comparison.csv``.
    label : str
        In figures.
    unit : str
    table : str
        Table that it is taken from.
    value : str
        Column of its value.
    where : mapping of str to str
        Column to the value that its rows have; the last epoch counts of what is left.
    interval : tuple of str
        Columns of its limits; empty where it has none.
    n : str
        Column of how many images it rests on; empty where the table has none.
    rows : str
        Place of a function of the table and the settings of the comparison
        (`texshape.config.comparison.ComparisonSettings`) that returns the rows that count, which may have
        further columns that the fields above name; empty where all of them do.
    stage : str
        Which of several stages counts: the ``last``, or the ``best`` in its value.
    source : str
        How it was taken, in words; ``{COLUMN}`` stands for the row's cell. The file's name comes before it.
    undefined : str
        Why it has no value, where the table gives no reason.
    cue : str
        What a larger value means more of, ``shape`` or ``texture``; empty where neither. Agreement between
        measures is told in shape: one of texture is turned round.
    tied : mapping of str to str
        Name of another measure to why this one is not free of it, as a change is not of what it starts from.
        How two such measures order networks is then no finding, and nothing is recommended on its account.
    """

    name: str
    label: str
    unit: str
    table: str
    value: str
    where: Mapping[str, str] = field(default_factory=dict)
    interval: tuple[str, ...] = ("ci_low", "ci_high")
    n: str = ""
    rows: str = ""
    stage: str = "last"
    source: str = ""
    undefined: str = "undefined in its table"
    cue: str = ""
    tied: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.cue not in ("", "shape", "texture"):
            raise ValueError(f"measure '{self.name}': no cue '{self.cue}'")
        for other, why in self.tied.items():
            if not why or other == self.name:
                raise ValueError(
                    f"measure '{self.name}': tied to '{other}' without a reason, or to itself"
                )

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that it names."""
        cells = [name for _, name, _, _ in Formatter().parse(self.source) if name]
        return (*self.where, self.value, *self.interval, *filter(None, [self.n]), *cells)


@dataclass(frozen=True)
class Observations:
    """What a table adds to the frame of `texshape.measure`: each of its rows one observation.

    Attributes
    ----------
    table : str
        Table that it is taken from.
    value : str
        Column of the value.
    measure : str
        Name in the frame; the column's where it is empty.
    columns : mapping of str to str
        Column of the frame (`texshape.api.COLUMNS`) to the table's, where the two are not called alike.
    fixed : mapping of str to str
        Column of the frame to what all its rows hold.
    interval : bool
        Whether ``ci_low`` and ``ci_high`` of the table are the value's.
    """

    table: str
    value: str
    measure: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    interval: bool = True


@dataclass(frozen=True)
class Section:
    """A section of the article for a technique that brings no Typst of its own.

    Attributes
    ----------
    title, question, method, limits : str
        Plain text. The figures, and each network's measures, stand between method and limits.
    """

    title: str
    question: str
    method: str
    limits: str


@dataclass(frozen=True)
class Technique:
    """A way to measure one network.

    Attributes
    ----------
    name : str
        Of its folder, its section of the parameters and its command; letters, digits, underscores.
    title : str
        A few words for progress bars and lists.
    question : str
        What it answers, in a sentence.
    paper : str
        Where it was proposed.
    explanation : str
        Of texshape's own, the page below ``docs/explanation`` that says what it shows and does not show.
    heading : str
        Of texshape's own, under which of `HEADINGS` it stands on the page that chooses a measure.
    run : str
        Place of the function `Inputs` -> `Outputs`: the only way in. What its module can import is the code
        that results depend on. Empty where its jobs are of several networks at once, by rules of their own.
    tables : tuple of Table
    files : tuple of File
    settings : str
        Place of the model of its section of the parameters: called with the section as a mapping it
        returns the settings, or raises `InputError`. Empty where it has none.
    place : str
        Name of that section, where it is not the technique's own name.
    defaults : mapping
        The section where no file gives it: for techniques from elsewhere, of which ``params.yaml`` knows
        nothing.
    sections : tuple of str
        Other sections that it reads.
    images : tuple of str
        Roles that it needs; ``plain|conflict`` takes the first that there is.
    optional_images : tuple of str
        Roles that it uses where there are any.
    features : bool
        Whether it reads stored activations of the conflict images.
    network : bool
        Whether it runs the network.
    untrained : bool
        Whether it runs the network with random weights too.
    batch : str
        Parameter to lower where a batch does not fit into memory.
    gpu : bool
        Whether it wants a GPU where there is one.
    memory, minutes : int
        What a scheduler is asked for: MB, and the limit of time.
    figures : tuple of Figure
    measures : tuple of Measure
    observations : tuple of Observations
        What its tables add to the frame of `texshape.measure`.
    section : Section or Typst, optional
        Of the article: what the technique says of itself in a few texts, where it is none that every experiment
        runs; or its own Typst (`texshape.techniques.sections.Typst`).
    applies : str
        Place of a function `Inputs` -> reason why this network cannot be measured, empty where it can.
    one_seed : bool
        Whether one seed stands for all in an experiment: what it measures is of the architecture.
    as_given : bool
        Whether it is only for networks that are measured as they are.
    shown : bool
        Whether an experiment runs it on the first seed of two networks alone, for a picture.
    reads_out : bool
        Whether it tells what can be read out of a network: it measures those too with which an experiment
        does nothing else (``readout_only``).
    pixels : mapping, optional
        What changes in its section where the pixels stand for a network's activations, as a baseline; None
        where it has no such baseline.
    ends : bool
        Whether an experiment runs it on a network's end alone, and of one network an architecture on random
        weights too; else on every measured state.
    sparing : str
        Place of a function of its settings that leaves out what costs most: an experiment measures its first
        network alone with all of it.
    brings : str
        Key of its section; where that is true it brings pictures of its own and needs none of `images`.
    downloads : mapping
        Key of its section to the published files (`texshape.data.published.sources`) that it downloads where
        that is true.
    planned_with : tuple of str
        Roles without which an experiment plans no job of it, though it may be run without.
    ahead : str
        Place of a function `Inputs` -> `Ahead`, asked where `applies` gives no reason. Empty where nothing is
        known beforehand; the pictures of `features` are counted once for all that read them.
    """

    name: str
    title: str
    question: str
    paper: str
    run: str = ""
    tables: tuple[Table, ...] = ()
    files: tuple[File, ...] = ()
    settings: str = ""
    place: str = ""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    sections: tuple[str, ...] = ()
    images: tuple[str, ...] = ()
    optional_images: tuple[str, ...] = ()
    features: bool = False
    network: bool = False
    untrained: bool = False
    batch: str = "evaluation.batch_size"
    gpu: bool = False
    memory: int = 1500
    minutes: int = 60
    figures: tuple[Figure, ...] = ()
    measures: tuple[Measure, ...] = ()
    observations: tuple[Observations, ...] = ()
    section: Section | Typst | None = None
    explanation: str = ""
    heading: str = ""
    applies: str = ""
    one_seed: bool = False
    as_given: bool = False
    shown: bool = False
    reads_out: bool = False
    pixels: Mapping[str, Any] | None = None
    ends: bool = False
    sparing: str = ""
    planned_with: tuple[str, ...] = ()
    brings: str = ""
    downloads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ahead: str = ""

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the files that it writes for one network."""
        return (
            *(f"{table.name}.csv" for table in self.tables),
            *(file.name for file in self.files),
        )

    @property
    def parameters(self) -> str:
        """Name of its section of the parameters."""
        return self.place or self.name

    def parse(self, section: Mapping[str, Any]) -> Any:
        """Its settings from its section of the parameters.

        Raises
        ------
        InputError
            If a key is unknown, or a value is not of its kind or out of its range.
        """
        if not self.settings:
            return dict(section)
        model = imported(self.settings)
        if self.place:  # a section that it shares: its part
            section = {key: section[key] for key in model.model_fields if key in section}
        return getattr(model, "over", model)(section)

    def section_of(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Its section of all parameters, over what it has where none gives a value."""
        return {**self.defaults, **(parameters.get(self.parameters) or {})}

    def configured(self, parameters: Mapping[str, Any]) -> Any:
        """Its settings from all parameters; see `parse`."""
        return self.parse(self.section_of(parameters))

    def dump(self, section: Mapping[str, Any], *, sparing: bool = False) -> dict[str, Any]:
        """What it reads of its section, as plain values; if sparing, without what costs most."""
        found = self.parse(section)
        if sparing and self.sparing:
            found = imported(self.sparing)(found)
        return found.dump() if hasattr(found, "dump") else dict(section)

    def needs(self, parameters: Mapping[str, Any]) -> tuple[str, ...]:
        """Roles of images that it needs by all parameters: `images`, or none where it brings its own."""
        return self._needs(self.configured(parameters)) if self.brings else self.images

    def _needs(self, settings: Any) -> tuple[str, ...]:
        return () if self.brings and getattr(settings, self.brings) else self.images

    def lacking(self, inputs: Inputs) -> str:
        """Which images it needs and is not given, as a reason; empty where it has all."""
        missing = [role for role in self._needs(inputs.settings) if not inputs.has(role)]
        return f"there are no images '{missing[0]}'" if missing else ""

    def reason(self, inputs: Inputs) -> str:
        """Why a network cannot be measured; empty where it can."""
        from texshape.devices import failures

        if lacking := self.lacking(inputs):
            return lacking
        with failures(self.batch):
            return imported(self.applies)(inputs) if self.applies else ""

    def leave_out(self, place: Callable[[str], Path]) -> None:
        """Write its files of a network that it cannot measure: tables without rows, files without content."""
        import zipfile

        from texshape.files import atomic_path

        for table in self.tables:
            empty = table.frame([])
            if "epoch" in table.front:
                empty.insert(0, "epoch", [])
            table.write(place(f"{table.name}.csv"), empty)
        for file in self.files:
            with atomic_path(place(file.name)) as temporary:
                if file.name.endswith(".npz"):
                    zipfile.ZipFile(temporary, "w").close()  # an archive of no arrays
                else:
                    temporary.touch()

    def measure(self, inputs: Inputs, place: Callable[[str], Path]) -> list[Path]:
        """Run it and write its files, all of them or none.

        Parameters
        ----------
        inputs : Inputs
        place : callable
            Name of a file to its path.

        Returns
        -------
        list of Path
            What was written.

        Raises
        ------
        InputError
            If something is missing or bad; or a table is not as it was declared, which is a fault of the
            technique.
        """
        from texshape.devices import failures
        from texshape.files import atomic_path

        with failures(self.batch):
            found = imported(self.run)(inputs)
        self._check(found, place)
        for file in self.files:
            with atomic_path(place(file.name)) as temporary:
                found[file.name](temporary)
        for table in self.tables:
            table.write(place(f"{table.name}.csv"), found[table.name])
        return [place(name) for name in self.outputs]

    def _check(self, found: Any, place: Callable[[str], Path]) -> None:
        """Insist on what it declared, before anything of it is written."""
        import pandas as pd

        wanted = {table.name for table in self.tables} | {file.name for file in self.files}
        names = set(found) if isinstance(found, Mapping) else set()
        if names != wanted:
            raise InputError(
                f"technique '{self.name}': expected {', '.join(sorted(wanted))}, "
                f"found {', '.join(sorted(map(str, names))) or 'nothing'}"
            )
        for table in self.tables:
            frame = found[table.name]
            if not isinstance(frame, pd.DataFrame):
                raise InputError(
                    f"technique '{self.name}': expected '{table.name}' to be a DataFrame, found "
                    f"{type(frame).__name__}"
                )
            table.check(frame, place(f"{table.name}.csv"))
            if unknown := table.undeclared(frame):
                raise InputError(
                    f"technique '{self.name}': column '{unknown[0]}' is none of {table.name}'s; expected "
                    f"{', '.join(table.names)}"
                )
