"""Where each file of an experiment lies: rules declare these places, and steps open them.

All places are texts below the folder of results as it was given, since Snakemake compares places as texts.
Where a place belongs to a run or an epoch, the wildcards of a rule (`texshape.experiment.runs.WILDCARDS`,
``"{epoch}"``) stand in for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from texshape.experiment.runs import RunId

#: what is stored of a network's activations
FEATURE_FILES = ("activations.npy", "stages.csv")
#: what is stored of one part of a set or of features, beside the part itself
SHARD_FILE = "shard.json"


def epoch_name(epoch: int | str) -> str:
    """Name a state of a network, ``epoch-NNN``; of a text, such as a wildcard, the number is that text."""
    return f"epoch-{epoch}" if isinstance(epoch, str) else f"epoch-{epoch:03d}"


def shard_names(total: int) -> list[str]:
    """Names of all parts of something, ``00000-of-00002`` and so on."""
    return [f"{number:05d}-of-{total:05d}" for number in range(total)]


def _stylized_parts(masks: bool) -> list[str]:
    return ["images.npy", "labels.csv", "manifest.csv"] + (["masks.npy"] if masks else [])


@dataclass(frozen=True)
class Layout:
    """The places of an experiment's files.

    Parameters
    ----------
    results : str
        Folder of the experiment, ``results/NAME``.
    """

    results: str

    # --- image sets ------------------------------------------------------------------------------

    @property
    def data(self) -> str:
        """Folder of all image sets: a folder each variant of the data in it."""
        return f"{self.results}/data"

    def set(self, variant: str, name: str) -> str:
        """Stem of an image set, as steps take it: its files are ``STEM.images.npy`` and so on."""
        return f"{self.data}/{variant}/{name}"

    def set_files(self, variant: str, name: str, *, masks: bool = True) -> list[str]:
        """Pictures and labels of an image set and, where it has them, masks."""
        parts = ["images.npy", "labels.csv"] + (["masks.npy"] if masks else [])
        return [f"{self.set(variant, name)}.{part}" for part in parts]

    def pictures(self, variant: str, *names: str) -> list[str]:
        """Pictures and labels of image sets, without masks."""
        return [file for name in names for file in self.set_files(variant, name, masks=False)]

    def stylized_files(self, variant: str, name: str, *, masks: bool) -> list[str]:
        """The files of a set made by style transfer: where each image comes from as well."""
        return [f"{self.set(variant, name)}.{part}" for part in _stylized_parts(masks)]

    def style_files(self, variant: str, stylization: str, split: str) -> list[str]:
        """The images whose styles one split of a stylization takes."""
        return self.pictures(variant, f"{stylization}/styles-{split}")

    def style_table(self, variant: str, stylization: str) -> str:
        """Where each style of a stylization comes from."""
        return f"{self.set(variant, stylization)}/styles.csv"

    def decoder(self, variant: str, stylization: str) -> str:
        """The decoder that is trained for a stylization."""
        return f"{self.set(variant, stylization)}/decoder.pt"

    def decoder_history(self, variant: str, stylization: str) -> str:
        """The course of the decoder's training."""
        return f"{self.set(variant, stylization)}/history.csv"

    def reconstruction(self, variant: str, stylization: str) -> str:
        """What the decoder makes of images whose style it leaves alone."""
        return f"{self.set(variant, stylization)}/reconstruction.csv"

    def stylized_part(
        self, variant: str, stylization: str, split: str, shard: str, *, masks: bool
    ) -> list[str]:
        """The files of one part of a set made by style transfer, before they are merged."""
        return self._part(f"{stylization}/{split}", variant, shard, masks)

    def conflict_part(self, conflict: str, shard: str, *, masks: bool) -> list[str]:
        """The same of a conflict set."""
        return self._part(f"conflicts/{conflict}", "base", shard, masks)

    def _part(self, name: str, variant: str, shard: str, masks: bool) -> list[str]:
        start = f"{self.set(variant, name)}.shard-{shard}"
        return [f"{start}.{part}" for part in (*_stylized_parts(masks), SHARD_FILE)]

    @property
    def paintings(self) -> str:
        """Folder of the paintings that are fetched."""
        return f"{self.data}/paintings"

    @property
    def paintings_list(self) -> str:
        """What is said of each of them."""
        return f"{self.paintings}/paintings.csv"

    @property
    def photographs(self) -> str:
        """The list of the photographs that were read."""
        return f"{self.set('base', 'photographs')}.csv"

    @property
    def published(self) -> str:
        """Folder of the published trials."""
        return f"{self.data}/trials"

    @property
    def published_list(self) -> str:
        """The list of the published trials, written last."""
        return f"{self.published}/manifest.csv"

    # --- networks --------------------------------------------------------------------------------

    def run(self, run: RunId | str) -> str:
        """Folder of all that is of one network."""
        return f"{self.results}/{run}"

    def checkpoint(self, run: RunId | str, epoch: int | str | None = None) -> str:
        """The weights of a network after training, or at one epoch."""
        name = "final" if epoch is None else epoch_name(epoch)
        return f"{self.run(run)}/checkpoints/{name}.pt"

    def history(self, run: RunId | str) -> str:
        """The course of the training."""
        return f"{self.run(run)}/history.csv"

    def features(self, run: RunId | str, epoch: int | str, shard: str | None = None) -> str:
        """Folder of a network's activations on the cue-conflict images, or of one part of them."""
        folder = f"{self.run(run)}/features/{epoch_name(epoch)}"
        return folder if shard is None else f"{folder}/shard-{shard}"

    def feature_files(
        self, run: RunId | str, epoch: int | str, shard: str | None = None
    ) -> list[str]:
        """What lies in it."""
        files = FEATURE_FILES if shard is None else (*FEATURE_FILES, SHARD_FILE)
        return [f"{self.features(run, epoch, shard)}/{file}" for file in files]

    def states(self, run: RunId | str, epochs: Iterable[int]) -> list[str]:
        """What lies in those of several epochs."""
        return [file for epoch in epochs for file in self.feature_files(run, epoch)]

    def trials(self, run: RunId | str, name: str) -> str:
        """The decisions of a network on one image set."""
        return f"{self.run(run)}/trials/{name}.csv"

    def decision_readout(self, run: RunId | str) -> str:
        """The read-out by which a network decides, with the name of the network."""
        return f"{self.run(run)}/decisions.readout.npz"

    def across(self, run: RunId | str, variant: str) -> str:
        """Its decisions on the cue-conflict images of a variant that is not its own."""
        return f"{self.run(run)}/across/{variant}/cue-conflict.csv"

    def measure(
        self, run: RunId | str, name: str, epoch: int | str | None = None, ending: str = ".csv"
    ) -> str:
        """What one technique says of a network, or of its state at one epoch."""
        inner = name if epoch is None else f"{name}/{epoch_name(epoch)}"
        return f"{self.run(run)}/{inner}{ending}"

    def left_out(self, run: RunId | str, technique: str) -> str:
        """Why a technique could not measure a network; without rows where it could."""
        return f"{self.run(run)}/left_out/{technique}.csv"

    def unavailable(self, run: RunId | str) -> str:
        """Why a network that others publish cannot be had; without rows where it can."""
        return f"{self.run(run)}/unavailable.csv"

    # --- the experiment --------------------------------------------------------------------------

    @property
    def tables(self) -> str:
        """Folder of the tables over all networks."""
        return f"{self.results}/tables"

    def table(self, name: str) -> str:
        """A table over all networks."""
        return f"{self.tables}/{name}.csv"

    @property
    def figures(self) -> str:
        """Folder of all figures."""
        return f"{self.results}/figures"

    def figure(self, name: str, suffix: str = "svg") -> str:
        """A figure as one kind of file."""
        return f"{self.figures}/{name}.{suffix}"

    def file(self, name: str) -> str:
        """A file of the whole experiment, such as ``provenance.json``."""
        return f"{self.results}/{name}"

    @property
    def article(self) -> list[str]:
        """The article: to be printed, and for the web."""
        return [self.file("paper.pdf"), self.file("paper.html")]

    # --- logs ------------------------------------------------------------------------------------

    @property
    def logs(self) -> str:
        """Folder of what the steps say, beside the results and not in them."""
        return f"logs/{Path(self.results).name}"

    def log(self, job: str) -> str:
        """What the step of one job says."""
        return f"{self.logs}/{job}.log"

    def benchmark(self, job: str) -> str:
        """Time and memory of one job."""
        return f"{self.logs}/{job}.benchmark.tsv"
