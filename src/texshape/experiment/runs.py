"""Names of networks in an experiment: what is measured is called ``ARCHITECTURE--ARM/seed-S``.

A network that is trained here has an architecture, an arm (what it is trained on) and a seed. One that is
measured as it is has the label of its weights for an arm, and seed 0: `texshape.models.names.slug` gives both.
Folders of results are called so, and no other module knows the form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from texshape.errors import InputError

#: what a run is called in rules, where Snakemake fills in the two names
WILDCARDS = "{model}/seed-{seed}"

_SEPARATOR, _SEED = "--", "seed-"
# No architecture begins with the separator, so the first one ends it.
_NAME = re.compile(
    rf"(?P<architecture>(?!{_SEPARATOR})[^/]+?){_SEPARATOR}(?P<arm>[^/]+)/{_SEED}(?P<seed>0|[1-9][0-9]*)"
)


def model_name(architecture: str, arm: str) -> str:
    """Name a network over its seeds, ``ARCHITECTURE--ARM``."""
    return f"{architecture}{_SEPARATOR}{arm}"


def model_parts(model: str) -> tuple[str, str]:
    """Architecture and arm of a network; of a name that has no arm, such as a human's, the arm is empty."""
    architecture, _, arm = model.partition(_SEPARATOR)
    return architecture, arm


@dataclass(frozen=True, order=True)
class RunId:
    """One network of an experiment.

    Attributes
    ----------
    architecture : str
    arm : str
        What it was trained on, or the label of its weights.
    seed : int

    Raises
    ------
    InputError
        If the three make no name that can be read again.
    """

    architecture: str
    arm: str
    seed: int = 0

    def __post_init__(self) -> None:
        match = _NAME.fullmatch(str(self))
        if not match or match["architecture"] != self.architecture or match["arm"] != self.arm:
            raise _bad(str(self))

    @property
    def model(self) -> str:
        """Its name over all seeds, ``ARCHITECTURE--ARM``."""
        return model_name(self.architecture, self.arm)

    def __str__(self) -> str:
        return f"{self.model}/{_SEED}{self.seed}"

    @classmethod
    def of_model(cls, model: str, seed: int = 0) -> RunId:
        """The network of a name over seeds, and of one seed."""
        return cls(*model_parts(model), seed)

    @classmethod
    def parse(cls, text: str) -> RunId:
        """Read ``ARCHITECTURE--ARM/seed-S``.

        Raises
        ------
        InputError
            If the text is not of this form.
        """
        match = _NAME.fullmatch(text.rstrip("/"))
        if not match:
            raise _bad(text)
        return cls(match["architecture"], match["arm"], int(match["seed"]))

    @classmethod
    def of_path(cls, path: str | Path, results: str | Path | None = None) -> RunId:
        """The network in whose folder a file lies.

        Parameters
        ----------
        path : path
            A file of the network, or its folder.
        results : path, optional
            The folder of the experiment, right below which the network's has to be; by default it may be
            anywhere, and the innermost counts.

        Raises
        ------
        InputError
            If it lies in no network's folder, or not below the results.
        """
        path = Path(path)
        if results is not None:
            if not path.is_relative_to(results):
                raise InputError(f"{path}: expected a file below {results}")
            inner = path.relative_to(results)
            try:
                return cls.parse("/".join(inner.parts[:2]))
            except InputError:
                raise _bad(inner.as_posix()) from None
        for folder in (path, *path.parents):
            if match := _NAME.fullmatch("/".join(folder.parts[-2:])):
                return cls(match["architecture"], match["arm"], int(match["seed"]))
        raise _bad(str(path))


def find_runs(results: str | Path) -> list[RunId]:
    """All networks that have a folder in an experiment's results, in the order of their names."""
    folders = Path(results).glob(f"*{_SEPARATOR}*/{_SEED}*")
    names = ["/".join(folder.parts[-2:]) for folder in folders if folder.is_dir()]
    return sorted(RunId.parse(name) for name in names if _NAME.fullmatch(name))


def _bad(text: str) -> InputError:
    return InputError(
        f"network '{text}': expected ARCHITECTURE--ARM/seed-S, such as cnn--plain/seed-0"
    )


#: the baseline that knows no network: read-outs from the pixels themselves
PIXELS = RunId("pixels", "baseline")
