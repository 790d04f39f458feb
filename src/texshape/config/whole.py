"""All parameters of an experiment: one model of all sections, what no section can check alone, the schema.

The sections of techniques are those of an installed package too, whose model an experiment's section is then
checked by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache, reduce
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, create_model
from pydantic.json_schema import GenerateJsonSchema

from texshape import parameters
from texshape.config.base import Distinct, Name, Section, Text, Whole, changes, one_line
from texshape.config.comparison import ComparisonSettings
from texshape.config.data import DataSettings
from texshape.config.evaluation import BootstrapSettings, EvaluationSettings, FeatureSettings
from texshape.config.jobs import JobSettings
from texshape.config.stylize import (
    Conflict,
    FitnessSettings,
    Stylization,
    StylizeSettings,
)
from texshape.config.training import Arm, Trained, TrainingSettings
from texshape.decision_readout.settings import DecisionReadoutSettings
from texshape.errors import InputError, nearest
from texshape.techniques import registry
from texshape.techniques.base import imported
from texshape.vlm.settings import VlmSettings

# Of models of techniques, for `texshape.source_code`.
DYNAMIC_IMPORTS = ("texshape.techniques.*.settings",)


@cache
def techniques() -> dict[str, type[Section]]:
    """The model of each section that techniques have which every experiment runs.

    Where several techniques declare settings of one section, its model has the fields of all.
    """
    parts: dict[str, list[type[Section]]] = {}
    for technique in map(registry.get, registry.ALWAYS):
        if technique.settings:
            own = imported(technique.settings)
            parts.setdefault(own.place, []).append(own)
    return {place: _joined(models) for place, models in parts.items()}


def _joined(parts: list[type[Section]]) -> type[Section]:
    if len(parts) == 1:
        return parts[0]
    said = " ".join(str(one.__doc__) for one in parts)
    return create_model(
        "".join(one.__name__.removesuffix("Settings") for one in parts) + "Settings",
        __base__=tuple(reversed(parts)),
        __doc__=said,
    )


class Sections(Section):
    """Parameters of a texshape experiment.

    ``params.yaml`` holds the values; a file in ``experiments/`` overlays them.
    """

    experiment: Name = Field(description="Name of the experiment, and of its folder in results/.")
    seed: Whole = Field(
        description="Root of all randomness outside training (which has seeds of its own)."
    )
    data: DataSettings = Field(description="The images.")
    training: TrainingSettings = Field(description="The recipe that every arm shares.")
    stylize: StylizeSettings = Field(
        description="Neural style transfer; what every stylization and conflict set starts from. A key that "
        "is left out has the value of the papers."
    )
    stylizations: dict[Name, Stylization | None] = Field(
        description="Image sets made by style transfer, by name. An arm that names one has it made "
        "(SPLIT-NAME); null takes it away."
    )
    conflicts: dict[Name, Conflict | None] = Field(
        description="Cue-conflict sets made by style transfer, by name; null takes one away."
    )
    fitness: FitnessSettings = Field(
        description="Fitness of a stylization; full networks that train and test on it against limited ones."
    )
    arms: dict[Name, Arm] = Field(description="What a network may be trained on.")
    trained: Annotated[tuple[Trained, ...], Field(strict=False)] = Field(
        description="Networks that the experiment trains."
    )
    techniques: Distinct[Text] = Field(
        description="Techniques that run only where they are named, of texshape (cue_rank, ...) and of "
        "installed packages, beside those that always run; a section of each one's name has its parameters."
    )
    networks: Distinct[Text] = Field(
        description="Networks that are measured as they are, by name (timm:NAME, torchvision:NAME, ...)."
    )
    jobs: JobSettings = Field(description="How the experiment is cut into jobs.")
    evaluation: EvaluationSettings = Field(
        description="How networks are shown images and how their outputs become decisions."
    )
    features: FeatureSettings = Field(description="Stored activations of the cue-conflict images.")
    bootstrap: BootstrapSettings = Field(
        description="Cluster bootstrap over exemplars (Owen 2007)."
    )
    vlm: VlmSettings = Field(
        default_factory=VlmSettings,
        description="Vision-language models behind an address, which texshape measure asks (vlm:MODEL).",
    )
    decision_readout: DecisionReadoutSettings = Field(
        default_factory=DecisionReadoutSettings,
        description="Decisions by a linear read-out of photographs, of networks that are named readout:NAME.",
    )
    comparison: ComparisonSettings = Field(
        description="Every network by every measure (tables/comparison.csv)."
    )


def model(of: Mapping[str, type[Section]] | None = None) -> type[Sections]:
    """The model of all parameters.

    Parameters
    ----------
    of : mapping of str to type, optional
        The techniques' sections and their models; those of this package by default. Where a model needs no
        value, its section may be left out.
    """
    return _model(tuple((techniques() if of is None else of).items()))


@cache
def _model(of: tuple[tuple[str, type[Section]], ...]) -> type[Sections]:
    fields: dict[str, Any] = {}
    for name, section in of:
        about = one_line(section.__doc__)
        if any(field.is_required() for field in section.model_fields.values()):
            fields[name] = (section, Field(description=about))
        else:
            fields[name] = (section, Field(default_factory=section, description=about))
    made = create_model("Parameters", __base__=Sections, **fields)
    made.__doc__ = Sections.__doc__
    return made


def read(
    paths: Iterable[str | Path], of: Mapping[str, type[Section]] | None = None
) -> dict[str, Any]:
    """Read parameters and their overlays, in order, and check the result; see `check`.

    Sections of the techniques that ``techniques`` names are checked by these.
    """
    merged = reduce(parameters.overlay, [parameters.read_yaml(path) for path in paths], {})
    check(registry.without_sections(merged), of)
    return merged


def check(values: Mapping[str, Any], of: Mapping[str, type[Section]] | None = None) -> Any:
    """Check parameters by their models, then what one section must know of another.

    Parameters
    ----------
    values : mapping
    of : mapping, optional
        See `model`.

    Returns
    -------
    Sections
        The parameters, with a field for each section.

    Raises
    ------
    InputError
        Names the first offending key by its path (``training.epochs``), its value and what was expected.
    """
    checked = model(of).parse(values)
    checked.data.check_kind()
    _check_references(checked)
    return checked


def recipe(checked: Sections, arm: str) -> TrainingSettings:
    """The training of an arm: what all share, with what the arm changes."""
    shared = checked.training.dump()
    change = checked.arms[arm].training.dump()
    return TrainingSettings.parse(
        parameters.overlay(shared, change), f"arms.{arm}.training" if change else None
    )


def transfer(checked: Sections, entry: Stylization | Conflict, place: str) -> StylizeSettings:
    """The style transfer of a set: the section `stylize` with what the set changes in it.

    Parameters
    ----------
    checked : Sections
    entry : Stylization or Conflict
    place : str
        Where it stands in the parameters, for messages.
    """
    change = entry.stylize.dump()
    return StylizeSettings.parse(
        parameters.overlay(checked.stylize.dump(), change), f"{place}.stylize" if change else None
    )


def _check_references(checked: Sections) -> None:
    """Names that one section uses and another defines."""
    arms, variants = checked.arms, checked.data.variants
    made = [key for key, entry in checked.stylizations.items() if entry is not None]
    known = ["plain", "stylized", "unpaired", *made]
    for name, arm in arms.items():
        if arm.variant not in variants:
            raise InputError(
                f"arms.{name}.variant: no variant '{arm.variant}' in data.variants"
                f"{nearest(arm.variant, variants)}"
            )
        for images in arm.sets:
            if images not in known:
                raise InputError(
                    f"arms.{name}.sets: no set '{images}', neither drawn nor in stylizations"
                    f"{nearest(images, known)}"
                )
        for key in ("epochs", "checkpoint_epochs"):
            if key in arm.training.model_fields_set:
                raise InputError(
                    f"arms.{name}.training.{key}: all arms are compared at the same epochs; set training.{key}"
                )
        recipe(checked, name)
    for section in ("stylizations", "conflicts"):
        for name, entry in getattr(checked, section).items():
            if entry is not None:
                transfer(checked, entry, f"{section}.{name}")
    for number, entry in enumerate(checked.trained):
        for arm in entry.arms:
            if arm not in arms:
                raise InputError(
                    f"trained[{number}].arms: no arm '{arm}' in arms{nearest(arm, arms)}"
                )
            if "unpaired" in arms[arm].sets and checked.data.kind != "procedural":
                raise InputError(
                    f"trained[{number}].arms: '{arm}' trains on the set unpaired, which only the "
                    f"renderer draws (data.kind: procedural), found {checked.data.kind}"
                )
    _check_initial(checked)


def _check_initial(checked: Sections) -> None:
    """A training that starts from another arm's network needs that network, of the same seed."""
    pairs = {
        (entry.architecture, arm, seed)
        for entry in checked.trained
        for arm in entry.arms
        for seed in entry.seeds
    }
    for architecture, arm, seed in sorted(pairs):
        initial = recipe(checked, arm).initial
        if not initial or not initial.startswith("arm:"):
            continue
        other = initial.removeprefix("arm:")
        if other == arm or (architecture, other, seed) not in pairs:
            raise InputError(
                f"arms.{arm}.training.initial: '{initial}', but {architecture} is not trained on "
                f"the arm '{other}' with seed {seed}"
            )


# --- the schema that editors read ---------------------------------------------------------------------


class _Schema(GenerateJsonSchema):
    """Without titles, which repeat the keys; a name that its pattern does not fit is no key."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def dict_schema(self, schema: Any) -> dict[str, Any]:
        made = super().dict_schema(schema)
        return made | {"additionalProperties": False} if "patternProperties" in made else made


def json_schema(of: Mapping[str, type[Section]] | None = None) -> dict[str, Any]:
    """The JSON schema of all parameters, see `model`."""
    return _schema(
        model(of),
        "Parameters of a texshape experiment",
        "params.yaml holds the values; a file in experiments/ overlays them. Unknown keys are errors.",
    )


def overlay_schema(of: Mapping[str, type[Section]] | None = None) -> dict[str, Any]:
    """The JSON schema of a file that overlays `params.yaml`: the same keys, none of which must be there."""
    return _schema(
        changes(model(of), "Overlay"),
        "What a texshape experiment changes in params.yaml",
        "Mappings merge key by key, all else is replaced. Unknown keys are errors.",
    )


def _schema(made: type[Section], title: str, description: str) -> dict[str, Any]:
    schema = made.model_json_schema(schema_generator=_Schema)
    for definition in schema["$defs"].values():
        definition.pop("title", None)
        definition["description"] = one_line(definition.get("description"))
    about = {"title": title, "description": description}
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema, **about}
