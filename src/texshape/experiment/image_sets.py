"""The image sets of an experiment, from its parameters alone."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from texshape.config import whole
from texshape.config.base import Section
from texshape.decision_readout.settings import GREY
from texshape.errors import InputError, nearest
from texshape.experiment.networks import BASE, Networks
from texshape.experiment.runs import RunId
from texshape.experiment.sources import CONFLICT, ROLES, SOURCES, Source
from texshape.experiment.stylizations import PAINTINGS, RENDERER, TRAIN, Stylization

SPLITS = ("train", "validation", "test")


class ImageSets(Networks):
    """The image sets of an experiment: what there is, how style transfer makes some, which network sees which.

    Parameters
    ----------
    parameters, techniques
        As those of `Networks`.

    Attributes
    ----------
    source : Source
        What its kind of data brings. The others are those of `Networks`.

    Raises
    ------
    InputError
        As `Networks`, and if there are no cue-conflict images, or no decoder.
    """

    def __init__(
        self,
        parameters: Mapping[str, Any],
        techniques: Mapping[str, type[Section]] | None = None,
    ) -> None:
        super().__init__(parameters, techniques)
        self.source: Source = SOURCES[parameters["data"]["kind"]]
        if CONFLICT not in (*self.source.shown, *self.conflicts):
            raise InputError(
                f"conflicts.{CONFLICT}: missing; images of data.kind "
                f"{self.parameters['data']['kind']} are brought into conflict by style transfer alone"
            )
        for conflict in self.conflicts.values():
            self.decoder(BASE, conflict)
        if self.read_out_runs:
            self._check_photographs()

    def _check_photographs(self) -> None:
        """See that no read-out is fitted on the pictures of the experiment itself."""
        given = self.checked.decision_readout.photographs
        folder = self.checked.data.folder
        own = (folder.source, folder.test_source) if "photographs" in self.source.rules else ()
        place = Path(given).resolve()
        for other in () if given == GREY else map(Path, filter(None, own)):
            if place.is_relative_to(other.resolve()) or other.resolve().is_relative_to(place):
                raise InputError(
                    f"decision_readout.photographs: {given} and data.folder share pictures; a read-out is "
                    "fitted on other pictures than those that are scored"
                )

    # --- image sets ------------------------------------------------------------------------------

    @cached_property
    def stylizations(self) -> dict[str, Stylization]:
        """Training images made by style transfer: those that a trained network's arm names."""
        used = {name for model in self.trained for name in self.arm(model)["sets"]}
        entries = self.checked.stylizations.items()
        return self._stylized("stylizations", {n: entry for n, entry in entries if n in used})

    @cached_property
    def conflicts(self) -> dict[str, Stylization]:
        """Cue-conflict sets made by style transfer."""
        entries = self.checked.conflicts.items()
        return self._stylized(
            "conflicts",
            {n: e for n, e in entries if e and (self.source.renderer or e.contents != RENDERER)},
        )

    def _stylized(self, kind: str, entries: Mapping[str, Any]) -> dict[str, Stylization]:
        runs = set(map(str, self.trained_runs))
        return {
            name: Stylization.read(
                name, entry, whole.transfer(self.checked, entry, f"{kind}.{name}"), runs
            )
            for name, entry in entries.items()
        }

    @cached_property
    def other_conflicts(self) -> list[str]:
        """Conflict sets beside the one that every technique takes."""
        return [name for name in self.conflicts if name != CONFLICT]

    @cached_property
    def neural_sets(self) -> list[str]:
        """All sets made by style transfer."""
        made = [f"{split}-{name}" for name in self.stylizations for split in SPLITS]
        return [*made, *self.conflicts]

    @cached_property
    def neural_test_sets(self) -> list[str]:
        """Those of them that networks of the base variant are shown, beside what the source brings."""
        made = [*[f"test-{name}" for name in self.stylizations], *self.conflicts]
        return [name for name in made if name not in self.source.shown]

    @property
    def test_sets(self) -> list[str]:
        """All sets that networks of the base variant are shown."""
        return [*self.source.shown, *self.neural_test_sets]

    def training_sets(self, model: str, split: str) -> list[tuple[str, str]]:
        """Variant and name of each set that a network is trained or validated on."""
        names = self.arm(model)["sets"]
        if split == "train" and self.whole_photographs and self.recipe(model).random_crop:
            names = ["whole" if name == "plain" else name for name in names]
        return [(self.variant(model), f"{split}-{name}") for name in names]

    @property
    def whole_photographs(self) -> bool:
        """Whether training photographs are kept whole, too: random crops are then taken of those."""
        data = self.checked.data
        return data.kind.startswith("folder") and data.folder.whole is not None

    @property
    def photograph_sets(self) -> list[str]:
        """The sets that class folders become."""
        return [f"{split}-plain" for split in SPLITS] + ["train-whole"] * self.whole_photographs

    def sets_shown(self, model: str) -> list[str]:
        """The sets that a network is shown; of variants there are none made by style transfer."""
        return self.test_sets if self.variant(model) == BASE else list(self.source.shown)

    def role(self, role: str) -> str | None:
        """The test set of the base variant that has a role (`texshape.experiment.sources.ROLES`), if one has.

        Raises
        ------
        InputError
            If there is no such role.
        """
        if role not in ROLES:
            raise InputError(f"no role '{role}' of an image set{nearest(role, ROLES)}")
        return ROLES[role] if ROLES[role] in self.test_sets else None

    def sets_shuffled(self, model: str) -> list[str]:
        """The sets whose patches are shuffled: plain pictures, and those of the kinds it was trained on."""
        if not self.source.plain:
            return []
        own = [f"test-{name}" for name in self.arm(model).get("sets", [])]
        shown = self.sets_shown(model)
        return list(dict.fromkeys(["test-plain", *[name for name in own if name in shown]]))

    @property
    def sets_on_contact_sheet(self) -> list[str]:
        """One set each kind of image, in the order of the contact sheet."""
        renderer = self.source.renderer
        return [
            *(["train-plain"] if self.source.plain else []),
            *(["train-stylized"] if renderer or "stylized" in self.stylizations else []),
            *self.source.shown,
            *([] if renderer else self.neural_test_sets),
        ]

    @property
    def variants(self) -> list[str]:
        """Variants of the data that some network is trained and tested on."""
        return sorted({self.variant(run.model) for run in self.runs})

    @property
    def voc(self) -> str | None:
        """PASCAL VOC, whose masks are read out where the images have none."""
        return None if self.source.masks else self.parameters["data"].get("voc")

    @cached_property
    def drawn_strengths(self) -> list[float]:
        """Strengths of texture at which the renderer draws the cue-conflict images anew."""
        strengths = self.parameters["probes"]["strengths"]
        return [s for s in strengths if s != 1] if self.source.renderer else []

    # --- style transfer --------------------------------------------------------------------------

    def style_source(self, made: Stylization) -> str:
        """What styles are read from: the renderer, or a folder."""
        return f"{self.layout.paintings}/style" if made.styles == PAINTINGS else made.styles

    def style_files(self, made: Stylization) -> list[str]:
        """What must be there before they are read."""
        known = {RENDERER: [], PAINTINGS: [self.layout.paintings_list]}
        return known.get(made.styles, [made.styles])

    def content_files(self, made: Stylization, variant: str, split: str) -> list[str]:
        """The set that is stylized."""
        name = f"{split}-{made.contents}"
        return self.layout.set_files(variant, name, masks=self.source.masks)

    def exemplar_files(self, made: Stylization, kind: str) -> list[str]:
        """The exemplars of a conflict set (``contents`` or ``textures``); the renderer draws its own."""
        name = getattr(made.entry, kind)
        return [] if name == RENDERER else self.layout.pictures(BASE, name)

    def encoder_files(self, made: Stylization) -> list[str]:
        """The network of this experiment that is the encoder, if one is."""
        return [self.layout.checkpoint(made.encoder)] if made.encoder else []

    def decoder(self, variant: str, made: Stylization) -> str | None:
        """The decoder of AdaIN: trained here on a stylization's own images, or a file.

        Raises
        ------
        InputError
            If it would be trained on the images of a conflict set: those are too few.
        """
        decoder, owner = made.decoder, made
        if decoder in self.stylizations:
            owner = self.stylizations[decoder]
            decoder = owner.decoder
        if decoder != TRAIN:
            return decoder
        if owner.name not in self.stylizations:
            raise InputError(
                f"conflicts.{owner.name}.decoder: expected a stylization that an arm is trained on, or a "
                f"file, found {made.entry.decoder!r}; stylizations: "
                f"{', '.join(self.stylizations) or 'none'}"
            )
        return self.layout.decoder(variant, owner.name)

    @cached_property
    def decoders(self) -> list[str]:
        """Stylizations whose decoder is trained here."""
        return [name for name, made in self.stylizations.items() if made.decoder == TRAIN]

    @cached_property
    def fitness(self) -> dict[str, dict[str, list[RunId]]]:
        """Fitness of training images: set -> role -> networks that train and test on that set alone.

        Of interest where something is stylized by a network, and both kinds of network train on it.
        """
        asked = self.checked.fitness
        found: dict[str, dict[str, list[RunId]]] = {}
        for run in self.trained_runs:
            arm = self.arm(run.model)
            if len(arm["sets"]) > 1 or self.variant(run.model) != BASE or "training" in arm:
                continue
            for role, architectures in (("full", asked.full), ("limited", asked.limited)):
                if run.architecture in architectures:
                    tested = f"{asked.split}-{arm['sets'][0]}"
                    found.setdefault(tested, {}).setdefault(role, []).append(run)
        both = {name: roles for name, roles in found.items() if len(roles) == 2}
        return both if any(f"{asked.split}-{name}" in both for name in self.stylizations) else {}
