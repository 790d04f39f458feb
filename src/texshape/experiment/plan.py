"""What an experiment does, from its parameters alone: networks, image sets, tables, figures.

`Plan` reads no file and knows no workflow: rules ask it what to make, and tests what they would. It takes the
parameters as files give them, and checks them.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from texshape.decision_readout.columns import DECISION_READOUT
from texshape.errors import InputError
from texshape.experiment.columns import LEFT_OUT
from texshape.experiment.image_sets import ImageSets
from texshape.experiment.networks import BASE
from texshape.experiment.runs import PIXELS, RunId
from texshape.experiment.sources import CONFLICT
from texshape.figures.registry import available
from texshape.parameters import to_json
from texshape.techniques import registry
from texshape.techniques.base import Figure, Technique
from texshape.techniques.inputs import FOLDERS
from texshape.techniques.named import named


def _tables(*techniques: str) -> tuple[str, ...]:
    return tuple(table.name for name in techniques for table in registry.get(name).tables)


TRIAL_TABLES = _tables("shape_bias")
#: what others published, and beside ours
PUBLIC_TABLES = ("published_measures", "published_answers", "replication")
#: where humans were shown the same pictures
PUBLISHED_TABLES = _tables("human_consistency", "consistency_power")
COMPARISON_TABLES = (
    "comparison",
    "comparison_wide",
    "correlations",
    "agreement",
    "equivalent_pair",
    "disagreement",
    "disagreement_images",
)


class Cell(NamedTuple):
    """Training by test: the decisions of a network of one variant on images of another, or of its own."""

    trained: str
    tested: str
    seed: int
    file: str


class Plan(ImageSets):
    """All that follows from the parameters of an experiment: its networks, and what is made with them.

    Parameters
    ----------
    parameters : mapping
        All sections.
    techniques : mapping of str to type, optional
        Techniques' sections and their models (`texshape.config.whole.model`).

    Attributes
    ----------
    source : Source
        What its kind of data brings. The others are those of `Networks`.

    Raises
    ------
    InputError
        If a key is unknown or its value cannot be, or nothing follows from them: no network to
        measure, no cue-conflict images, no decoder.
    """

    # --- decisions -------------------------------------------------------------------------------

    @cached_property
    def trials(self) -> dict[RunId, list[str]]:
        """The files of each network's decisions."""
        return {
            run: [self.layout.trials(run, name) for name in self.sets_shown(run.model)]
            for run in self.runs
        }

    @cached_property
    def crossed(self) -> list[Cell]:
        """Every variant's network on every variant's cue-conflict images, of the controls' architecture.

        The base network is the one whose arm differs from the controls' in nothing but the variant.
        """
        kinds: dict[tuple[str, str], dict[str, str]] = {}
        for model, trained in self.trained.items():
            arm = {key: value for key, value in self.arm(model).items() if key != "variant"}
            kind = (trained.architecture, to_json(arm))
            kinds.setdefault(kind, {})[self.variant(model)] = model
        found = next((kind for kind in kinds.values() if len(kind) > 1 and BASE in kind), {})
        return [
            Cell(trained, tested, run.seed, self._crossed_file(run, trained, tested))
            for trained, model in found.items()
            for tested in found
            for run in self.trained[model].runs
        ]

    def _crossed_file(self, run: RunId, trained: str, tested: str) -> str:
        if trained == tested:
            return self.layout.trials(run, CONFLICT)
        return self.layout.across(run, tested)

    # --- techniques ------------------------------------------------------------------------------

    @cached_property
    def foreign(self) -> list[Technique]:
        """Techniques that the parameters name: optional ones, and those of other packages."""
        return self._named[0]

    @property
    def refused(self) -> dict[str, str]:
        """Those of other packages that they name and that cannot be used: name to the reason."""
        return self._named[1]

    @cached_property
    def _named(self) -> tuple[list[Technique], dict[str, str]]:
        return named(self.parameters["techniques"])

    def leaves_out(self, technique: Technique) -> bool:
        """Whether a technique says of each network why it could not be measured, where it could not."""
        return bool(technique.applies or registry.package(technique.name))

    @cached_property
    def techniques(self) -> list[Technique]:
        """All techniques whose rule is made of their declaration."""
        return [*registry.built_in().values(), *self.foreign]

    @property
    def grain(self) -> str:
        """What one job measures: ``technique`` or ``network``."""
        return self.checked.jobs.grain

    @property
    def with_pixels(self) -> list[Technique]:
        """Those of them of which the pixels are a baseline."""
        return [technique for technique in self.techniques if technique.pixels is not None]

    def runs_of(self, technique: Technique) -> list[RunId]:
        """The networks that a technique measures.

        Raises
        ------
        InputError
            If the parameters name it and it needs images that the experiment does not have.
        """
        needed = technique.needs(self.parameters)
        wanted = (*needed, *technique.planned_with)
        for asked in needed if technique in self.foreign else ():
            if not any(self._first(asked, run.model)[1] for run in self.measured_runs):
                raise InputError(
                    f"techniques: '{technique.name}' needs images '{asked}', which data.kind "
                    f"{self.parameters['data']['kind']} does not bring"
                )
        runs = self.read_runs if technique.reads_out else self.measured_runs
        runs = self.shown_runs if technique.shown else runs
        return [
            run
            for run in runs
            if (run.seed == 0 or not technique.one_seed)
            and (run.model in self.named or not technique.as_given)
            and all(self._first(asked, run.model)[1] for asked in wanted)
        ]

    def states(self, technique: Technique, run: RunId) -> list[int]:
        """The states of a network that a technique measures."""
        if not technique.ends:
            return self.epochs(run)
        return [*([0] if run in self.untrained_runs else []), self.epochs(run)[-1]]

    def _first(self, asked: str, model: str) -> tuple[str, list[str]]:
        """Of several roles, ``plain|conflict``, the first that there are sets for, and their names."""
        for role in asked.split("|"):
            if names := self._sets_for(role, model):
                return role, names
        return asked, []

    def _sets_for(self, role: str, model: str) -> list[str]:
        if role == "trained-on":
            return self.sets_shuffled(model)
        if role == "faded":
            return [f"{CONFLICT}-strength-{strength}" for strength in self.drawn_strengths]
        if role == "masked":
            return [CONFLICT] if self.source.masks else []
        if role == "voc":
            return [self.voc] if self.voc else []
        if role == "agreeing":
            # Where humans saw the stimuli, the plain pictures are of other classes.
            name = None if self.source.published else self.role("plain")
        else:
            name = self.role(role)
        return [name] if name else []

    def roles(self, technique: Technique, model: str) -> dict[str, list[str]]:
        """Role (`texshape.techniques.inputs.ROLES`) to the names of the sets that a technique looks at."""
        asked = (*technique.images, *technique.optional_images)
        found = dict(self._first(one, model) for one in asked)
        return {role: names for role, names in found.items() if names}

    def sets_of(self, technique: Technique, model: str) -> list[str]:
        """The sets of images that a technique looks at, each once."""
        roles = self.roles(technique, model).items()
        return list(
            dict.fromkeys(name for role, names in roles if role not in FOLDERS for name in names)
        )

    # --- tables ----------------------------------------------------------------------------------

    @cached_property
    def per_run(self) -> dict[str, list[str]]:
        """Tables made of the same files of each network, one below the other: table -> files."""
        place = self.layout.measure
        tables: dict[str, list[str]] = {}
        if self.trained:
            tables["training"] = [self.layout.history(run) for run in self.trained_runs]
        if self.read_out_runs:
            tables[DECISION_READOUT.name] = [
                place(run, DECISION_READOUT.name) for run in self.read_out_runs
            ]
        if corrupted := self.runs_of(registry.get("corruptions")):
            tables["corruptions"] = [place(run, "corruptions") for run in corrupted]
        for technique in self.techniques:
            runs = self.runs_of(technique)
            if technique.pixels is not None:
                runs = [*runs, PIXELS]
            for table in technique.tables if runs else ():
                if table.name in tables:
                    raise InputError(
                        f"technique '{technique.name}': a table '{table.name}' is there already"
                    )
                tables[table.name] = [place(run, table.name) for run in runs]
        reasons = [
            self.layout.left_out(run, technique.name)
            for technique in self.techniques
            for run in (self.runs_of(technique) if self.leaves_out(technique) else [])
        ]
        reasons += [
            self.layout.left_out(run, name) for name in self.refused for run in self.measured_runs
        ]
        reasons += [self.layout.unavailable(RunId.of_model(model)) for model in self.fetched]
        return tables | ({LEFT_OUT.name: reasons} if reasons else {})

    @cached_property
    def tables(self) -> list[str]:
        """All tables, in the order in which the article takes them."""
        return [
            *TRIAL_TABLES,
            "architectures",
            *(["corruption_errors"] if self.source.plain else []),
            *(PUBLISHED_TABLES if self.source.published else []),
            *(PUBLIC_TABLES if self.source.published else []),
            *(["shape_bias_by_set"] if self.other_conflicts else []),
            *(["controls"] if self.crossed else []),
            *(["stylization_fitness"] if self.fitness else []),
            *(["reconstruction"] if self.decoders else []),
            *self.per_run,
            *COMPARISON_TABLES,
        ]

    @property
    def compared(self) -> list[str]:
        """Networks whose paired differences are tabulated: paired images, and no published networks beside."""
        return [] if self.source.published else self.base_models

    @property
    def trial_tables(self) -> list[str]:
        """Tables that the trials alone give."""
        return [*TRIAL_TABLES, *(["shape_bias_by_set"] if self.other_conflicts else [])]

    @property
    def summarized(self) -> list[str]:
        """Tables that the experiment in brief is made of."""
        return ["shape_bias", "accuracy"] + (["shape_bias_by_set"] if self.other_conflicts else [])

    @cached_property
    def corruption_pictures(self) -> list[str]:
        """Errors of each network by corrupted picture."""
        return [self.layout.measure(run, "corruption_pictures") for run in self.measured_runs]

    @cached_property
    def own_pictures(self) -> list[RunId]:
        """Networks of the main architecture trained on stylized images alone: they see those corrupted, too."""
        if not self.parameters["corruptions"]["own_pictures"]:
            return []
        return [
            run
            for run in self.measured_runs
            if self.arm(run.model).get("sets") == ["stylized"]
            and run.architecture == self.parameters["trained"][0]["architecture"]
            and "test-stylized" in self.source.shown
        ]

    @cached_property
    def last_readings(self) -> list[str]:
        """Read-out of each image at a network's last state."""
        return [self.layout.measure(run, "readings") for run in self.measured_runs]

    # --- figures, and what stays -----------------------------------------------------------------

    @cached_property
    def figures(self) -> list[str]:
        """Figures that are drawn from tables."""
        ours = available(
            self.tables,
            trained=bool(self.trained),
            published=self.source.published,
            controls=bool(self.control_models),
            named=bool(self.named),
        )
        return [*ours, *(figure.name for figure in self.foreign_figures if figure.name not in ours)]

    @cached_property
    def foreign_figures(self) -> list[Figure]:
        """Figures that techniques of other packages declare and the tables allow."""
        return [
            figure
            for technique in self.foreign
            for figure in technique.figures
            if figure.draw and set(figure.tables) <= set(self.tables)
        ]

    @cached_property
    def undrawn(self) -> list[str]:
        """The table of figures that could not be drawn, where another package has any."""
        packages = {
            registry.package(one.name) for one in self.foreign if any(f.draw for f in one.figures)
        }
        return [f"{self.layout.figures}/left_out.csv"] if any(packages) else []

    @cached_property
    def image_figures(self) -> list[str]:
        """Figures that are drawn from images or maps, or by a step of their own."""
        return [
            "contact_sheet",
            "influence",
            "feature_visualization",
            "architectures",
            "disagreement_images",
            *(["segmentation_pictures"] if "segmentation" in self.per_run else []),
            *[f"stylization-{name}" for name in (*self.stylizations, *self.conflicts)],
        ]

    @cached_property
    def data_files(self) -> list[str]:
        """The image sets that networks are shown, of which the provenance names the hashes."""
        own = [
            file
            for variant in self.variants
            for name in self.source.shown
            for file in self.layout.set_files(variant, name, masks=False)
        ]
        return own + [
            file
            for name in self.neural_test_sets
            for file in self.layout.stylized_files(BASE, name, masks=False)
        ]

    @cached_property
    def kept(self) -> list[str]:
        """What a finished experiment keeps beside its article."""
        layout = self.layout
        return [
            *self.data_files,
            *[
                file
                for run in self.measured_runs
                for epoch in self.epochs(run)
                for file in layout.feature_files(run, epoch)
            ],
            *map(layout.table, self.tables),
            *[file for files in self.trials.values() for file in files],
            *map(layout.checkpoint, self.trained_runs),
            *[file for files in self.per_run.values() for file in files],
        ]
