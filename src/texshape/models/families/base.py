"""What a family of networks is: how its names are read, written, and shown to people."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from texshape.errors import InputError
from texshape.experiment.runs import model_name

#: kinds of families, in the order in which they are told of: names that a library knows, files, code of the
#: user's, and what is asked and shows nothing but answers
LIBRARY, FILE, CODE, ASKED = KINDS = ("library", "file", "code", "asked")


@dataclass(frozen=True)
class ModelName:
    """A parsed name.

    Attributes
    ----------
    text : str
        The name as it was given.
    source : str
        Name of its family, or ``fitted``.
    architecture : str
        The name inside its source; ``MODULE:CALLABLE`` for ``python`` and ``decide``; the path of an ONNX
        file, a checkpoint, a card or a fitted read-out.
    tag : str or None
        Which pretrained weights: timm's part after the dot, open_clip's part after the slash; the wording
        of the question to a model behind an address.
    weights : Path or None
        Local file of weights; for a checkpoint or an ONNX file the file itself.
    readout : bool
        Whether it decides by a linear read-out; the other fields are those of the name without ``readout:``.
    """

    text: str
    source: str
    architecture: str
    tag: str | None = None
    weights: Path | None = None
    readout: bool = False


@dataclass(frozen=True)
class Family:
    """A family of networks whose names have a prefix, or are files of a certain suffix.

    This class has what most families do; one that differs overrides it.

    Attributes
    ----------
    name : str
        Of its folder and, where its names have a prefix, that prefix.
    form : str
        What stands behind the prefix: ``NAME``, ``OWNER/NAME``. Of a family without one, what its names are.
    about : str
        What its networks are, for the list of `docs/how-to/network.md`.
    example : str
        How one is named there, as Markdown.
    kind : str
        One of `KINDS`.
    suffixes : tuple of str
        Of the files that are its names, without a prefix; empty where its names have one.
    tag : str
        What stands before the tag of pretrained weights; empty where there are no tags.
    slug_prefix : str
        Before the architecture in a slug, where another family uses the same names.
    label : str
        What stands for the weights in a slug where the name says none.
    hints : mapping of str to str
        Suffix of a file that is no name to how a network of it is named.
    own_names : bool
        Whether an architecture's name says the family: lists leave out the prefix.
    holds_architecture : bool
        Whether the file that a name refers to is the architecture too, so that it is needed without weights.
    lists : bool
        Whether its `load` module can list all names (``known``), for hints.
    """

    name: str
    form: str
    about: str
    example: str
    kind: str
    suffixes: tuple[str, ...] = ()
    tag: str = ""
    slug_prefix: str = ""
    label: str = "default"
    hints: Mapping[str, str] = field(default_factory=dict)
    own_names: bool = False
    holds_architecture: bool = False
    lists: bool = False

    @property
    def called(self) -> str:
        """How its networks are named, in a list: ``timm:NAME``, *the path of a checkpoint (.pt)*."""
        return self.form if self.suffixes else f"{self.name}:{self.form}"

    def parse(self, text: str, rest: str, expected: str) -> ModelName:
        """Take a name apart.

        Parameters
        ----------
        text : str
            The name as it was given.
        rest : str
            What stands behind the prefix; for a family without one the name itself.
        expected : str
            What names there are, for messages.

        Raises
        ------
        InputError
            If a part is empty or not of its form.
        """
        architecture, at, path = rest.partition("@")
        if not architecture or (at and not path):
            missing = (
                "no path after '@'" if at and architecture else f"no name after '{self.name}:'"
            )
            raise InputError(f"model '{text}': {missing}; {expected}")
        if self.form == "MODULE:CALLABLE" and not re.fullmatch(r"[\w.]+:[\w.]+", architecture):
            raise InputError(f"model '{text}': expected {self.called}")
        if self.kind == ASKED and at:
            raise InputError(
                f"model '{text}': it gives answers only, and takes no weights '@{path}'"
            )
        tag = None
        # timm's hub addresses (hf-hub:owner/name) have dots that are no tags
        if self.tag and self.tag in architecture and ":" not in architecture:
            architecture, _, tag = architecture.partition(self.tag)
        return ModelName(text, self.name, architecture, tag or None, Path(path) if at else None)

    def slug(self, name: ModelName, weights: bool) -> str:
        """Folder and subject name of a network; see `texshape.models.names.slug`."""
        hashed = None
        if not weights:
            label = "random"
        elif name.weights is not None:
            label, hashed = name.weights.stem, name.text  # the same stem may stand in two folders
        else:
            label = name.tag or self.label
        return joined(self.slug_prefix + name.architecture, label, hashed)

    def files(self, name: ModelName) -> list[str]:
        """The files that a name refers to, for whoever must know when one changes."""
        if name.weights is None:
            return []
        beside = Path(f"{name.weights}.data")  # where ONNX keeps large weights
        return [str(name.weights), *([str(beside)] if beside.is_file() else [])]

    def is_fetched(self, name: ModelName) -> bool:
        """Whether a network's weights come from a package or a server."""
        return self.kind == LIBRARY and name.weights is None

    def placed(self, name: ModelName, folder: Path) -> str:
        """The name with its local file in a folder, where it lies there."""
        if name.weights is None or not (folder / name.weights).exists():
            return name.text
        return f"{name.text.partition('@')[0]}@{folder / name.weights}"

    def shown(self, name: ModelName) -> str:
        """A name as people write it."""
        return without_folders(name.text)


class OfFile(Family):
    """A family of which a name is the path of a file that holds all."""

    def parse(self, text: str, rest: str, expected: str) -> ModelName:
        if not rest:
            return super().parse(text, rest, expected)
        return ModelName(text, self.name, rest, weights=Path(rest))

    def slug(self, name: ModelName, weights: bool) -> str:
        return joined(Path(name.architecture).stem, self.name if weights else "random", name.text)

    def placed(self, name: ModelName, folder: Path) -> str:
        found = folder / name.architecture
        prefix = "" if self.suffixes else f"{self.name}:"
        return f"{prefix}{found}" if found.exists() else name.text


def without_folders(text: str) -> str:
    """A name in which the file of local weights stands without its folders."""
    network, at, path = text.partition("@")
    return network + at + path.rpartition("/")[2]


def joined(architecture: str, label: str, hashed: str | None) -> str:
    """A slug of two parts, ``architecture--label``.

    Where characters had to go, and of what is to be hashed besides, six digits of a hash keep networks apart.
    """
    clean = [_clean(architecture), _clean(label)]
    if hashed is None and clean != [architecture, label]:
        hashed = f"{architecture}\n{label}"
    if hashed is not None:
        clean[1] += "-" + hashlib.sha256(hashed.encode()).hexdigest()[:6]
    return model_name(*clean)


def _clean(part: str) -> str:
    """Keep what is safe in a path on every system, and `--` for the separator."""
    part = re.sub(r"[^A-Za-z0-9._-]+", "-", part)
    return re.sub(r"-{2,}", "-", part).strip(".-")[:80] or "x"
