"""Which images a survey shows: the published ones, some of them, or a folder of the user's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from texshape.data import imageset, pictures, published, published_answers
from texshape.data.photographs import Source, find_images, say_unread, written_name
from texshape.errors import InputError
from texshape.files import file_sha256
from texshape.notices import warn
from texshape.provenance import value_hash
from texshape.source_code import function_hash
from texshape.trials.names import ABSENT, RESERVED, StimulusName, image_id, parse

if TYPE_CHECKING:
    from texshape.data.download import Item
    from texshape.data.model_vs_human import Places
    from texshape.data.published_answers import Answers
    from texshape.trials.files import Trials
    from texshape.trials.subjects import Subject

CUE_CONFLICT = "cue-conflict"
ONE_CUE = ("edges", "silhouettes")


@dataclass(frozen=True)
class Stimuli:
    """Sets of images, and the published trials on the very same images.

    Attributes
    ----------
    name : str
        ``published``, or the user's folder.
    sets : dict of str to ImageSet
        ``cue-conflict``; ``edges`` and ``silhouettes`` where there are any.
    key : str
        Stands for all pixels and labels.
    trials : dict of (Subject, set) to Trials
        Of humans and published networks; empty for the user's images.
    trials_folder : path or None
        Published trials as they were downloaded, where all images are shown.
    answers : sequence of Answers
        Of other subjects, which others published; empty for the user's images.
    datasets : Places or None
        Pictures of the 17 data sets that networks are to be shown besides.
    """

    name: str
    sets: Mapping[str, imageset.ImageSet]
    key: str
    trials: Mapping[tuple[Subject, str], Trials] = field(default_factory=dict)
    trials_folder: Path | None = None
    answers: Sequence[Answers] = ()
    datasets: Places | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """All classes that an image shows, in alphabetical order."""
        labels = [
            images.labels[cue] for images in self.sets.values() for cue in ("shape", "texture")
        ]
        return tuple(sorted({str(v) for column in labels for v in column} - {ABSENT}))


def from_published(
    cache: Path, *, exemplars: int | None = None, everything: bool = True
) -> Stimuli:
    """The published stimuli, downloaded where the cache lacks them.

    Parameters
    ----------
    cache : path
    exemplars : int, optional
        Only the first so many shape exemplars of each class. Published trials on other images are
        left out, so all subjects are compared on the same images.
    everything : bool
        Bring the trials on all 17 data sets; else those on the shown images alone.

    Raises
    ------
    InputError
        If a file can be had neither from the network nor from the mirror.
    """
    from texshape.trials.subjects import read_published

    sets = {name: _packed(cache, name) for name in published.STIMULI}
    folder = published_trials(cache, everything or exemplars is None)
    answers = _published_answers(cache)
    if exemplars is None:
        return Stimuli("published", sets, value_hash([_packed_key(n) for n in sets]),
                       read_published(folder), folder, answers)  # fmt: skip
    if exemplars < 1:
        raise InputError(f"--exemplars: expected at least 1, found {exemplars}")
    sets = {name: _some(images, exemplars) for name, images in sets.items()}
    trials = {
        key: kept
        for key, own in read_published(folder).items()
        if len(kept := _on(own, sets[key[1]]))
    }
    key = value_hash([*map(_packed_key, sets), exemplars])
    return Stimuli("published", sets, key, trials, answers=answers)


def from_folder(folder: Path) -> Stimuli:
    """Images of the user's, named ``SHAPE<i>-TEXTURE<j>.png``, in the folder or below it.

    Images below ``edges/`` and ``silhouettes/``, named ``SHAPE<i>.png``, are sets of their own. Files
    that are no images are named on stderr.

    Raises
    ------
    InputError
        If there is no such image, a name or an image cannot be read, two show the same exemplars, or
        the images differ in size.
    """
    if not folder.is_dir():
        raise InputError(f"--stimuli {folder}: no such folder")
    sources, unread = find_images(folder)
    found: dict[str, list[Source]] = {}
    for source in sorted(sources, key=lambda source: Path(source.name)):
        first, _, inside = source.name.partition("/")
        found.setdefault(first if inside and first in ONE_CUE else CUE_CONFLICT, []).append(source)
    if CUE_CONFLICT not in found:
        others = f", found {unread[0]}" if unread else ""
        raise InputError(
            f"--stimuli {folder}: holds no image SHAPE<i>-TEXTURE<j>.png (such as cat1-clock2.png"
            f"{others})"
        )
    sets = {name: _read(of_set, name) for name, of_set in sorted(found.items())}
    labels = sets[CUE_CONFLICT].labels
    if not (labels["shape"] != labels["texture"]).any():
        raise InputError(f"--stimuli {folder}: in no image do shape and texture differ")
    say_unread(folder, unread)
    shown = [
        [name, hashlib.sha256(images.images.tobytes()).hexdigest(), images.labels.to_csv()]
        for name, images in sets.items()
    ]
    return Stimuli(written_name(str(folder)), sets, value_hash(shown))


def _read(sources: list[Source], name: str) -> imageset.ImageSet:
    import pandas as pd

    rows: list[list[str]] = []
    pixels: list[np.ndarray] = []
    places: dict[tuple[str, str], str] = {}
    for source in sources:
        try:
            stimulus = parse(Path(source.name).name, one_cue=name in ONE_CUE)
        except InputError as error:
            raise InputError(f"{source.place}: {error}") from None
        shows = (stimulus.shape,) if name in ONE_CUE else (stimulus.shape, stimulus.texture)
        for label in RESERVED.keys() & shows:
            raise InputError(f"{source.place}: '{label}' {RESERVED[label]}, not a class")
        shown = stimulus.shape_exemplar, stimulus.texture_exemplar
        if shown in places:
            raise InputError(f"{source.place}: has the same name as {places[shown]}")
        places[shown] = source.place
        array = np.asarray(pictures.read(source.place))
        if pixels and array.shape != pixels[0].shape:
            sizes = [f"{a.shape[1]} x {a.shape[0]} px" for a in (array, pixels[0])]
            raise InputError(
                f"{source.place}: is {sizes[0]}, expected {sizes[1]} as in {sources[0].place}"
            )
        pixels.append(array)
        rows.append(_labels(stimulus, name))
    return imageset.ImageSet(np.stack(pixels), pd.DataFrame(rows, columns=imageset.LABEL_COLUMNS))


def _labels(shown: StimulusName, name: str) -> list[str]:
    """The row of a picture in its set."""
    exemplars = shown.shape_exemplar, shown.texture_exemplar
    return [str(shown), shown.shape, shown.texture, *exemplars, name]


def _packed_key(name: str) -> str:
    code = function_hash(published.stimulus_set)
    return value_hash([file_sha256(published.index_path(name)), code])


def _packed(cache: Path, name: str) -> imageset.ImageSet:
    """One published set as memory-mapped arrays, made once of the downloaded images."""
    stem = _stem(cache, name)
    if packed(cache, name) is None:
        files = published.fetch_source(name, _repository(cache, name))
        images = published.stimulus_set([item.destination for item in files], condition=name)
        for old in stem.parent.glob(f"{name}-*.*"):  # packed by other code or of another list
            old.unlink()
        imageset.write(stem, images)
    return imageset.read(stem)


def published_trials(cache: Path, everything: bool) -> Path:
    """Published trials in the layout of the step ``published-trials``."""
    from texshape.data.download import fetch_all

    folder = cache / "trials"
    for name in published.TRIALS:
        wanted = trial_files(cache, name, everything)
        missing = [item for item in wanted if not item.destination.exists()]
        if missing:
            fetch_all(missing, label=f"trials ({published.sources()[name].repository})")
    return folder


def trial_files(cache: Path, name: str, everything: bool) -> list[Item]:
    """The files of published trials of a source: on all 17 data sets, or on the shown images alone."""
    from texshape.trials.subjects import PUBLISHED_SETS

    wanted = published.items(name, cache / "trials" / name, under="raw-data/")
    if everything:
        return wanted
    shown = {experiment for source, experiment in PUBLISHED_SETS if source == name}
    return [item for item in wanted if item.destination.parent.name in shown]


def stimulus_files(cache: Path, name: str) -> list[Item]:
    """The pictures of a published set, where they are kept."""
    return published.items(name, _repository(cache, name))


def _repository(cache: Path, name: str) -> Path:
    source = published.sources()[name]
    return cache / source.repository / source.commit


def _stem(cache: Path, name: str) -> Path:
    return cache / "sets" / f"{name}-{_packed_key(name)}"


def packed(cache: Path, name: str) -> Path | None:
    """Stem of a published set that is packed already; None where it is not."""
    stem = _stem(cache, name)
    return stem if Path(f"{stem}.labels.csv").exists() else None  # written last


def before_download(cache: Path, *, exemplars: int | None = None) -> Stimuli:
    """The published stimuli as far as they are known without a download: names and sizes of the pictures.

    A set that is packed in the cache is there as it is; of another one all pictures are alike, a black corner
    on white.
    """
    import pandas as pd

    sets = {}
    for name in published.STIMULI:
        if stem := packed(cache, name):
            sets[name] = imageset.read(stem)
            continue
        names = [parse(item.destination.name, one_cue=True) for item in stimulus_files(cache, name)]
        rows = [_labels(one, name) for one in names]
        picture = np.full((published.SIDE, published.SIDE, 3), 255, np.uint8)
        picture[50:170, 60:100] = picture[130:170, 60:180] = 0
        pixels = np.broadcast_to(picture, (len(names), *picture.shape))
        sets[name] = imageset.ImageSet(pixels, pd.DataFrame(rows, columns=imageset.LABEL_COLUMNS))
    if exemplars is not None:
        sets = {name: _some(images, exemplars) for name, images in sets.items()}
    return Stimuli("published", sets, "before download")


def _published_answers(cache: Path) -> list[Answers]:
    """Answers of other subjects; what they are compared with is there without them."""
    try:
        return published_answers.bring(cache)
    except InputError as error:
        warn("published answers", f"are left out of the leaderboard: {error}")
        return []


def _some(images: imageset.ImageSet, exemplars: int) -> imageset.ImageSet:
    """The images of the first shape exemplars of each class, by their number."""
    indices = [parse(name, one_cue=True).shape_index for name in images.labels["imagename"]]
    shape = images.labels["shape"].to_numpy()
    kept = np.zeros(len(shape), bool)
    for name in set(shape):
        own = shape == name
        first = sorted({i for i, mine in zip(indices, own, strict=True) if mine})[:exemplars]
        kept |= own & np.isin(indices, first)
    return images.take(np.flatnonzero(kept))


def _on(trials: Trials, images: imageset.ImageSet) -> Trials:
    """The trials on these images."""
    from dataclasses import replace

    shown = {image_id(name) for name in images.labels["imagename"]}
    rows = [i for i, name in enumerate(trials["imagename"]) if image_id(name) in shown]
    columns = {key: [values[i] for i in rows] for key, values in trials.columns.items()}
    return replace(trials, columns=columns)
