"""Settings of the read-outs and of the dimensionality, checked key by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from texshape.errors import InputError, nearest
from texshape.parameters import check_keys

Settings = TypeVar("Settings")

INPUTS = ("pooled", "cls", "spatial", "pixels")


@dataclass(frozen=True)
class ReadoutSettings:
    """Section ``readout`` of the parameters.

    Attributes
    ----------
    folds : int
        Exemplars of a class are merged into at most this many folds.
    inner_folds : int
        Folds of the training exemplars in which the penalty is chosen.
    penalties : tuple of float
        Candidate L2 penalties on the weights (the loss is the mean over images).
    permutations : int
        Permutations of the map from exemplars to classes, at the last stage; 0 leaves that baseline
        out.
    fold_draws : int
        Further draws of the folds at the last stage, to see how much the draw matters.
    resamples : int
        Resamples of exemplars for the interval.
    level : float
        Level of the interval.
    inputs : tuple of str
        Kinds of features that are read: ``pooled``, ``cls``, ``spatial``, ``pixels``.
    """

    folds: int = 5
    inner_folds: int = 2
    penalties: tuple[float, ...] = (1.0, 0.1, 0.01, 0.001, 0.0001)
    permutations: int = 3
    fold_draws: int = 1
    resamples: int = 10_000
    level: float = 0.95
    inputs: tuple[str, ...] = ("pooled", "cls")

    def __post_init__(self) -> None:
        at_least("readout.folds", self.folds, 2)
        at_least("readout.inner_folds", self.inner_folds, 2)
        at_least("readout.permutations", self.permutations, 0)
        at_least("readout.fold_draws", self.fold_draws, 0)
        at_least("readout.resamples", self.resamples, 0)
        object.__setattr__(self, "inputs", _inputs("readout.inputs", self.inputs))
        fraction("readout.level", self.level)
        penalties = self.penalties
        if not isinstance(penalties, list | tuple) or not penalties:
            raise InputError(f"readout.penalties: expected a list of numbers, found {penalties!r}")
        for penalty in penalties:
            if not _is_number(penalty) or not penalty > 0:
                raise InputError(f"readout.penalties: expected numbers above 0, found {penalty!r}")
        object.__setattr__(self, "penalties", tuple(sorted(map(float, penalties), reverse=True)))


@dataclass(frozen=True)
class DimensionalitySettings:
    """Section ``dimensionality`` of the parameters.

    Attributes
    ----------
    max_pairs : int
        Pairs of a kind are subsampled to this number; each is used in both orders.
    min_pairs : int
        Fewer pairs give no estimate.
    null_draws : int
        Draws of null pairs whose mean is subtracted and against which units are tested.
    fdr : float
        False discovery rate of the count of significant units.
    resamples : int
        Resamples of exemplars for the intervals.
    level : float
        Level of the intervals.
    convergence : tuple of int
        Numbers of pairs at which the estimate is repeated; empty leaves that table out.
    repeats : int
        Subsamples at each of these numbers.
    inputs : tuple of str
        Kinds of features that are measured: ``pooled``, ``cls``.
    """

    max_pairs: int = 8000
    min_pairs: int = 30
    null_draws: int = 20
    fdr: float = 0.05
    resamples: int = 200
    level: float = 0.95
    convergence: tuple[int, ...] = (100, 300, 1000, 3000)
    repeats: int = 5
    inputs: tuple[str, ...] = ("pooled", "cls")

    def __post_init__(self) -> None:
        at_least("dimensionality.max_pairs", self.max_pairs, 2)
        at_least("dimensionality.min_pairs", self.min_pairs, 2)
        at_least("dimensionality.null_draws", self.null_draws, 2)
        at_least("dimensionality.resamples", self.resamples, 0)
        at_least("dimensionality.repeats", self.repeats, 1)
        fraction("dimensionality.fdr", self.fdr)
        fraction("dimensionality.level", self.level)
        object.__setattr__(self, "inputs", _inputs("dimensionality.inputs", self.inputs))
        for number in self.convergence:
            at_least("dimensionality.convergence", number, 2)
        object.__setattr__(self, "convergence", tuple(self.convergence))


@dataclass(frozen=True)
class ErasureSettings:
    """Section ``erasure`` of the parameters.

    Attributes
    ----------
    stages : tuple of str
        Stages whose activations are changed; empty means the last one.
    fit : str
        ``pooled`` fits the subspace on activations averaged over positions, ``spatial`` on sampled
        positions.
    positions : int
        Positions an image for ``spatial``.
    random_draws : int
        Random subspaces of the same dimension.
    groupings : int
        Meaningless groupings of the same exemplars, whose subspaces are erased as a control.
    resamples : int
        Resamples of exemplars for the intervals.
    penalty : float
        L2 penalty of the read-outs before and after erasure.
    batch_size : int
        Images at a time.
    level : float
        Level of the intervals.
    """

    stages: tuple[str, ...] = ()
    fit: str = "pooled"
    positions: int = 8
    random_draws: int = 2
    groupings: int = 5
    resamples: int = 10_000
    level: float = 0.95
    penalty: float = 0.01
    batch_size: int = 32

    def __post_init__(self) -> None:
        if self.fit not in ("pooled", "spatial"):
            raise InputError(f"erasure.fit: expected 'pooled' or 'spatial', found {self.fit!r}")
        at_least("erasure.positions", self.positions, 1)
        at_least("erasure.random_draws", self.random_draws, 1)
        at_least("erasure.groupings", self.groupings, 1)
        at_least("erasure.resamples", self.resamples, 0)
        at_least("erasure.batch_size", self.batch_size, 1)
        if not _is_number(self.penalty) or not self.penalty > 0:
            raise InputError(f"erasure.penalty: expected a number above 0, found {self.penalty!r}")
        fraction("erasure.level", self.level)
        if isinstance(self.stages, str):
            raise InputError(f"erasure.stages: expected a list, found {self.stages!r}")
        object.__setattr__(self, "stages", tuple(self.stages))


def build(kind: type[Settings], values: Mapping[str, Any], section: str) -> Settings:
    """Make settings from a section of the parameters.

    Raises
    ------
    InputError
        If a key is unknown or a value is out of range.
    """
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    check_keys(values, known, section)
    return kind(**values)


def at_least(name: str, value: Any, minimum: int) -> None:
    """Insist on a whole number not below `minimum`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
        raise InputError(f"{name}: expected a whole number of at least {minimum}, found {value!r}")


def fraction(name: str, value: Any) -> None:
    """Insist on a number strictly between 0 and 1."""
    if not _is_number(value) or not 0 < value < 1:
        raise InputError(f"{name}: expected a number between 0 and 1, found {value!r}")


def _inputs(name: str, values: Any) -> tuple[str, ...]:
    if isinstance(values, str) or not values:
        raise InputError(f"{name}: expected a list of kinds of features, found {values!r}")
    for value in values:
        if value not in INPUTS:
            raise InputError(f"{name}: no kind of features '{value}'{nearest(value, INPUTS)}")
    return tuple(values)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
