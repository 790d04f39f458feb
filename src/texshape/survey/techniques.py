"""The techniques of a survey, each a step that fills files of one network.

A network's folder is ``SLUG/seed-0`` as in an experiment's results. Epoch 0 is the network with random weights,
epoch 1 the network itself.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texshape.config.evaluation import EvaluationSettings
from texshape.errors import InputError
from texshape.models.decisions import for_images
from texshape.models.network import Network
from texshape.survey.stimuli import CUE_CONFLICT, Stimuli

if TYPE_CHECKING:
    import pandas as pd


NETWORK_SEED = 0  # of random weights; that of the folder `seed-0`


@dataclass
class Subject:
    """One network and where its files go.

    Attributes
    ----------
    network : Network
    key : str or None
        Stands for all that its outputs depend on; None where that cannot be known.
    untrained : callable
        Loads the same architecture with random weights; raises `InputError` where that cannot be had.
    identify : callable
        Makes such a key of the untrained network.
    stimuli : Stimuli
    settings : dict
        All parameters.
    folder : path
        ``FOLDER/SLUG/seed-0``.
    """

    network: Network
    key: str | None
    untrained: Callable[[], Network]
    identify: Callable[[Network], str | None]
    stimuli: Stimuli
    settings: dict[str, Any]
    folder: Path

    @property
    def seed(self) -> int:
        """Root of baselines and resamples, as in the experiments."""
        return int(self.settings["seed"])

    @property
    def evaluation(self) -> EvaluationSettings:
        """How networks are shown images."""
        return EvaluationSettings.parse(self.settings["evaluation"])

    @property
    def conflict(self) -> Any:
        """The cue-conflict images."""
        return self.stimuli.sets[CUE_CONFLICT]

    @cached_property
    def random(self) -> Network | None:
        """The untrained network; None where there is none, for the reason in `without_random`."""
        try:
            return self.untrained()
        except InputError as error:
            self.without_random = str(error)
            return None

    without_random: str = field(default="", init=False)

    @cached_property
    def random_key(self) -> str | None:
        """The key of the untrained network, or why there is none."""
        return self.without_random if self.random is None else self.identify(self.random)

    @property
    def states(self) -> dict[str, Network]:
        """The network's two states by the name of their epoch."""
        states = {"epoch-001": self.network}
        return {"epoch-000": self.random, **states} if self.random is not None else states

    @property
    def asked(self) -> Network:
        """The network as it decides about the cue-conflict images."""
        return self.deciding(self.conflict)

    def deciding(self, images: Any) -> Network:
        """The network as it decides about some images, as in an experiment."""
        return for_images(self.network, images.labels, self.evaluation.aggregation)

    def without_classes(self) -> str:
        """Why its decisions say nothing about these images; empty where they do."""
        network, shown = self.asked, self.stimuli.classes
        if network.classes is None:
            helps = "; --class-map gives it one" if network.outputs else ""
            return f"{network.without_decision}{helps}"
        unknown = [name for name in shown if name not in network.classes]
        if unknown:
            return (
                f"it does not decide between the images' {len(shown)} classes "
                f"('{unknown[0]}' is none of {', '.join(network.classes[:3])}, ...); --class-map gives "
                "it others"
            )
        return ""

    def without_stages(self) -> str:
        """Why nothing inside it can be looked at."""
        return "" if self.network.stages else "no stages could be found in it"


@dataclass(frozen=True)
class Technique:
    """One technique.

    Attributes
    ----------
    name : str
    title : str
        For the progress bar.
    sections : tuple of str
        Parameters that it depends on.
    outputs : callable
        Subject to the files that it writes, relative to the network's folder.
    reason : callable
        Subject to why it cannot be done, or an empty string.
    run : callable
        A function of this module: what it can import is the code that the technique depends on.
    quick : bool
        Whether it is one of the few that ``--quick`` keeps.
    untrained : bool
        Whether it measures the untrained network too.
    """

    name: str
    title: str
    sections: tuple[str, ...]
    outputs: Callable[[Subject], list[str]]
    reason: Callable[[Subject], str]
    run: Callable[[Subject], None]
    quick: bool = False
    untrained: bool = False


def trials(subject: Subject) -> None:
    """Decisions on every set, in the published columns."""
    from texshape.trials import files
    from texshape.trials.evaluate import decisions, evaluate, speed, trials_frame

    section = subject.evaluation
    for name, images in subject.stimuli.sets.items():
        network = subject.deciding(images)
        scores = evaluate(network, images.images, **speed(section))
        frame = trials_frame(images, decisions(scores, network.require_classes()), network.slug)
        files.write(subject.folder / "trials" / f"{name}.csv", frame)
    for path in (subject.folder / "trials").glob("*.csv"):
        if path.stem not in subject.stimuli.sets:  # of other stimuli, shown at an earlier time
            path.unlink()


def sensitivity(subject: Subject) -> None:
    """Shape bias under each way to show the images and to read the outputs."""
    from texshape.techniques.sensitivity.settings import SensitivitySettings
    from texshape.techniques.sensitivity.tables import SENSITIVITY
    from texshape.trials import evaluate

    grid = SensitivitySettings.parse(subject.settings["sensitivity"])
    table = evaluate.sensitivity(
        subject.network,
        subject.conflict,
        **dict(grid),
        **subject.settings["bootstrap"],
        seed=subject.seed,
        **evaluate.speed(subject.evaluation),
    )
    SENSITIVITY.write(subject.folder / "sensitivity.csv", table)


def knowledge(subject: Subject) -> None:
    """Linear read-out and dimensionality of every stage, of the network and of random weights."""
    from texshape.features.extract import extract
    from texshape.techniques.dimensionality import table as estimates
    from texshape.techniques.dimensionality.pairs import design
    from texshape.techniques.dimensionality.settings import DimensionalitySettings
    from texshape.techniques.dimensionality.tables import DIMENSIONALITY

    labels, settings = subject.conflict.labels, subject.settings
    section, batch_size = settings["readout"], settings["features"]["batch_size"]
    chosen = DimensionalitySettings.parse(settings["dimensionality"])
    plan = design(labels, settings=chosen, seed=subject.seed)
    before, last = None, list(subject.states)[-1]
    for epoch, network in subject.states.items():
        features = subject.folder / "features" / epoch
        extract(network, subject.conflict.images, features, pixels=False, batch_size=batch_size)
        images = _read_out(features, labels, section, subject.seed,
                           subject.folder / "readout" / f"{epoch}.csv",
                           thorough=epoch == last, before=before)  # fmt: skip
        before = images if before is None else before
        table, _, _ = estimates.of_features(features, plan)
        DIMENSIONALITY.write(subject.folder / "dimensionality" / f"{epoch}.csv", table)
        shutil.rmtree(features.parent)  # large, and soon made again


def read_pixels(stimuli: Stimuli, section: dict[str, Any], seed: int, output: Path) -> None:
    """Linear read-out of the raw pixels, as a baseline."""
    from texshape.features.extract import PIXELS, pixel_baseline
    from texshape.features.stored import STAGE_COLUMNS, Writer

    folder, shown = output.parent / "features", stimuli.sets[CUE_CONFLICT]
    values = pixel_baseline(shown.images)
    about = dict.fromkeys(STAGE_COLUMNS) | {"stage": PIXELS, "input": PIXELS, "kind": "vector"}
    with Writer(folder, len(values)) as writer:
        writer.append([(about | {"units": values.shape[1]}, values)])
    _read_out(folder, shown.labels, {**section, "inputs": [PIXELS]}, seed, output)
    shutil.rmtree(folder)


def _read_out(
    features: Path,
    labels: pd.DataFrame,
    section: dict[str, Any],
    seed: int,
    output: Path,
    **about: Any,
) -> pd.DataFrame:
    """Write the table; returns the last stage's readings by image."""
    from texshape.techniques.readout.settings import ReadoutSettings
    from texshape.techniques.readout.table import read_out
    from texshape.techniques.readout.tables import READOUT

    settings = ReadoutSettings.parse(section)
    table, images = read_out(features, labels, settings=settings, seed=seed, **about)
    READOUT.write(output, table)
    return images


def without_folds(labels: pd.DataFrame) -> str:
    """Why no exemplar can be held out; empty where one can."""
    counts = [labels.groupby(cue)[f"{cue}_exemplar"].nunique() for cue in ("shape", "texture")]
    if min(int(count.min()) for count in counts) < 2:
        return "a class has a single exemplar, so none can be held out"
    return ""


def _without_folds(subject: Subject) -> str:
    return subject.without_stages() or without_folds(subject.conflict.labels)


def erasure(subject: Subject) -> None:
    """What the network decides once the subspace that codes a cue is gone."""

    from texshape.techniques.erasure.intervention import measure
    from texshape.techniques.erasure.settings import ErasureSettings
    from texshape.techniques.erasure.tables import ERASURE

    settings = ErasureSettings.parse(subject.settings["erasure"])
    rows = measure(subject.asked, subject.conflict, settings=settings, seed=subject.seed)
    ERASURE.write(subject.folder / "erasure.csv", ERASURE.frame(rows))


def receptive_field(subject: Subject) -> None:
    """Theoretical and effective receptive field of every stage."""
    from texshape.techniques.receptive_field.measure import measure_network, write_maps
    from texshape.techniques.receptive_field.settings import ReceptiveFieldSettings
    from texshape.techniques.receptive_field.tables import RECEPTIVE_FIELD

    settings = ReceptiveFieldSettings.parse(subject.settings["receptive_field"])
    table, maps = measure_network(
        subject.network,
        subject.random,
        subject.conflict.images,
        seed=NETWORK_SEED,
        draw=subject.seed,
        **dict(settings),
        without_untrained=subject.without_random,
    )
    write_maps(subject.folder / "influence.npz", maps)
    RECEPTIVE_FIELD.write(subject.folder / "receptive_field.csv", table)


def feature_visualization(subject: Subject) -> None:
    """Images that excite some channels of each stage."""
    from texshape.techniques.feature_visualization import optimise as features
    from texshape.techniques.feature_visualization.settings import FeatureVisualizationSettings

    section = FeatureVisualizationSettings.parse(subject.settings["feature_visualization"])
    result = features.of_settings(
        subject.network, section, seed=subject.seed, images=subject.conflict.images
    )
    path = subject.folder / "feature_visualization.npz"
    features.write(path, result, model=subject.network.name, seed=subject.seed,
                   steps=section.steps)  # fmt: skip


def cue_strength(subject: Subject) -> None:
    """Decisions while the texture fades into the shape's silhouette."""
    from texshape.techniques.cue_strength import probes
    from texshape.techniques.cue_strength.settings import ProbeSettings
    from texshape.techniques.cue_strength.tables import CUE_STRENGTH
    from texshape.trials.evaluate import speed

    section, sets = ProbeSettings.parse(subject.settings["probes"]), subject.stimuli.sets
    shown = probes.thinned(subject.conflict, section.strength_images, seed=subject.seed)
    faded = probes.faded(shown, section.strengths, sets["silhouettes"])
    table = probes.strength_curve(
        subject.asked, faded, seed=subject.seed, resamples=section.resamples,
        level=section.level, speed=speed(subject.evaluation),
    )  # fmt: skip
    CUE_STRENGTH.write(subject.folder / "cue_strength.csv", table)


def _without_silhouettes(subject: Subject) -> str:
    reason = subject.without_classes()
    if reason:
        return reason
    shapes = subject.stimuli.sets.get("silhouettes")
    known = set() if shapes is None else set(shapes.labels["shape_exemplar"])
    lacking = sorted(set(subject.conflict.labels["shape_exemplar"]) - known)
    return f"no silhouette of the shape '{lacking[0]}' to fade into" if lacking else ""


def _without_grid(subject: Subject) -> str:
    reason = subject.without_classes()
    if not reason and subject.network.own is None:
        reason = "its preprocessing is a function, so there is nothing to vary"
    return reason


def _by_epoch(folder: str) -> Callable[[Subject], list[str]]:
    return lambda subject: [f"{folder}/{epoch}.csv" for epoch in subject.states]


TECHNIQUES = (
    Technique(
        "trials", "decisions on every set", ("evaluation",),
        lambda subject: [f"trials/{name}.csv" for name in subject.stimuli.sets],
        Subject.without_classes, trials, quick=True,
    ),
    Technique(
        "sensitivity", "choices behind the bias", ("evaluation", "sensitivity", "bootstrap"),
        lambda _: ["sensitivity.csv"], _without_grid, sensitivity,
    ),
    Technique(
        "knowledge", "read-out and dimensionality", ("readout", "dimensionality", "features"),
        lambda subject: _by_epoch("readout")(subject) + _by_epoch("dimensionality")(subject),
        _without_folds, knowledge, untrained=True,
    ),
    Technique(
        "cue_strength", "cue strength", ("probes", "evaluation"),
        lambda _: ["cue_strength.csv"], _without_silhouettes, cue_strength,
    ),
    Technique(
        "erasure", "erasure", ("erasure",), lambda _: ["erasure.csv"],
        lambda subject: subject.without_classes() or _without_folds(subject), erasure,
    ),
    Technique(
        "receptive_field", "receptive field", ("receptive_field",),
        lambda _: ["receptive_field.csv", "influence.npz"], Subject.without_stages, receptive_field,
        untrained=True,
    ),
    Technique(
        "feature_visualization", "feature visualization", ("feature_visualization",),
        lambda _: ["feature_visualization.npz"], Subject.without_stages, feature_visualization,
    ),
)  # fmt: skip
