"""Training of one network on one or two sets, deterministic and resumable.

    texshape run train --architecture cnn --seed 0 --settings '{"epochs": 10, ...}' --threads 1 \
        --train data/train-plain --validation data/validation-plain \
        --output-dir results/procedural/cnn--plain/seed-0

On one machine, with one number of threads, the seed determines the weights bit for bit. Another
number of threads adds in another order and ends with slightly different weights.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional

from texshape.ahead import ahead, workers_for
from texshape.compute import computes_in_bfloat16
from texshape.config.training import FASTEST, TrainingSettings
from texshape.errors import InputError
from texshape.models import small, trainable
from texshape.training import checkpoints
from texshape.training.batches import (
    LabelledImages,
    epoch_order,
    fingerprint,
    image_side,
    largest_batch,
    read_sets,
    steps_per_epoch,
    training_batch,
)
from texshape.training.columns import TRAINING
from texshape.training.interruption import Interrupted, Request, stop_request
from texshape.training.optimization import optimizer_and_schedule
from texshape.training.processes import ALONE, Group
from texshape.training.processes import group as meet
from texshape.training.randomness import WEIGHTS, derived_seed

_EVALUATION_BATCH = 128


@dataclass
class Sums:
    """Running sums over the training images of an epoch."""

    loss: float = 0.0
    right: int = 0
    images: int = 0

    def means(self) -> tuple[float, float]:
        """Mean loss and accuracy; NaN before the first image."""
        if self.images == 0:
            return math.nan, math.nan
        return self.loss / self.images, self.right / self.images


def train(
    *,
    architecture: str,
    settings: TrainingSettings,
    seed: int,
    train_sets: Sequence[str | Path],
    validation_sets: Sequence[str | Path],
    output_dir: str | Path,
    initial: str | Path | None = None,
    log: Callable[[str], None] = print,
) -> pd.DataFrame:
    """Train a network to name the shape class, or finish an interrupted training.

    Writes ``checkpoints/epoch-NNN.pt`` for the chosen epochs, ``checkpoints/final.pt`` and
    ``history.csv`` when the training is complete, nothing of them before.

    Parameters
    ----------
    architecture : str
        One of `texshape.models.trainable.ARCHITECTURES`.
    settings : TrainingSettings
    seed : int
        Root of initialisation, order and augmentation; >= 0.
    train_sets, validation_sets : sequence of stems
        See `texshape.data.imageset`. Two training sets give half of each batch each.
    output_dir : path
    initial : str or path, optional
        Name or checkpoint of a network of this architecture whose weights are the start, in place
        of random ones.
    log : callable
        Takes lines; one JSON object an epoch.

    Returns
    -------
    DataFrame
        `columns.TRAINING`, one row an epoch and validation set.

    Raises
    ------
    InputError
        On unusable input, or when the loss is no longer finite.
    Interrupted
        After SIGTERM or SIGINT, with the state written.
    """
    trainable.configuration(architecture)
    if seed < 0:
        raise InputError(f"--seed: expected an integer >= 0, found {seed}")
    training, validation, classes = read_sets(train_sets, validation_sets, label=settings.label)
    if settings.random_crop is None and any(part.proportions is not None for part in training):
        raise InputError(
            "training.random_crop: expected the smallest share of a crop's area for whole photographs that "
            "were squeezed into squares, found null"
        )
    request = {
        "architecture": architecture,
        "classes": classes,
        "image_size": image_side([*training, *validation]),
        "seed": seed,
        "training": settings.dump()
        | {"sets": [str(stem) for stem in train_sets], "initial": initial and str(initial)},
    }
    torch.use_deterministic_algorithms(True)
    # The mode would also fill every new tensor with NaN, which costs time; nothing reads those.
    torch.utils.deterministic.fill_uninitialized_memory = False
    batch_size = largest_batch(len(training[0]), settings.batch_size, len(training))
    steps_per_epoch(training, batch_size, settings.passes)  # before a device is waited for
    with meet(log) as group:
        if settings.precision == FASTEST:
            # Named in the request: a state of another precision is not resumed.
            precision = "bfloat16" if computes_in_bfloat16(group.device) else "float32"
            settings = settings.replace(precision=precision)
            request["training"]["precision"] = precision
            if group.leads:
                log(f"training.precision: {precision}, the fastest on {group.device.type}")
        run = _Run(request, settings, training, validation, Path(output_dir), log, group)
        run.start_or_resume()
        with stop_request(once=group.size == 1) as stop:
            while run.step < run.total_steps:
                run.train_epoch(stop)
        return run.finish()


class _Run:
    """A network in training with all that changes while it trains."""

    def __init__(
        self,
        request: dict[str, Any],
        settings: TrainingSettings,
        training: Sequence[LabelledImages],
        validation: Sequence[LabelledImages],
        output_dir: Path,
        log: Callable[[str], None],
        group: Group,
    ) -> None:
        self.request, self.settings = request, settings
        self.output_dir, self.group = output_dir, group
        self.log = log if group.leads else lambda line: None
        images = len(training[0])
        parts = len(training) * group.size
        self.batch_size = largest_batch(images, settings.batch_size, parts)
        if self.batch_size < settings.batch_size:
            self.log(
                f"{training[0].name}: {images} images are fewer than training.batch_size "
                f"({settings.batch_size}); a step takes {self.batch_size}"
            )
        self.steps = steps_per_epoch(
            training, self.batch_size, settings.passes, processes=group.size
        )
        self.total_steps = self.steps * settings.epochs
        self.data = fingerprint([*training, *validation])
        self.device = group.device
        family = trainable.family(request["architecture"])
        self.normalisation = {"mean": family.mean, "std": family.std}
        self.training = [images.to(self.device) for images in training]
        self.validation = [images.to(self.device) for images in validation]

    def initialise(self) -> None:
        """Put everything at the state before the first step."""
        self.step, self.sums, self.history = 0, Sums(), []
        self.module = trainable.build(
            self.request["architecture"],
            len(self.request["classes"]),
            seed=derived_seed(self.request["seed"], WEIGHTS),
        )
        if self.request["training"]["initial"] is not None:
            load_initial(self.module, self.request["training"]["initial"])
        self.module.to(self.device)
        if self.settings.channels_last:
            self.module.to(memory_format=torch.channels_last)
        self.group.synchronise_norms(self.module)
        self.optimizer, self.schedule = optimizer_and_schedule(
            self.module, self.settings, self.total_steps
        )

    def start_or_resume(self) -> None:
        """Load the state of an interrupted training of the same request, or start anew."""
        if self.group.leads:
            checkpoints.remove_partial(self.output_dir)
        self.initialise()
        if not self.group.all(self._resume()):
            self.initialise()  # a state that did not fit may have been loaded in part
            if self.group.leads:
                checkpoints.discard(self.output_dir)
            self._keep_checkpoint(0)
        if self.settings.compile:
            self.module.compile()  # in place: names of the weights stay
        self.trained = self.group.spread(self.module)

    def _resume(self) -> bool:
        try:
            state = checkpoints.read_resume(self.output_dir)
            if state is None:
                return False
            if (state["request"], state["data"]) != (self.request, self.data):
                self.log("resume: discarded, it belongs to other settings or data; starting anew")
                return False
            self.module.load_state_dict(state["module"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.schedule.load_state_dict(state["schedule"])
            self.step, self.history = state["step"], state["history"]
            self.sums = Sums(**state["sums"])
            for epoch in self._kept_so_far():
                checkpoints.read(self._checkpoint(epoch))
        except (InputError, KeyError, TypeError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            self.log(f"resume: discarded, unusable ({reason}); starting anew")
            return False
        self.log(f"resume: at step {self.step} of {self.total_steps}")
        return True

    def train_epoch(self, stop: Request) -> None:
        """Train to the end of the epoch, validate, and write the state."""
        start = time.perf_counter()
        epoch, done = divmod(self.step, self.steps)
        orders = epoch_order(
            self.training,
            self.batch_size,
            self.request["seed"],
            epoch + 1,
            self.settings.passes,
        )
        first = self.step - done  # of the epoch, counted from the start of training

        def batch(number: int) -> tuple[Tensor, Tensor]:
            return training_batch(
                self.training,
                [order[number] for order in orders],
                self.settings,
                self.request["seed"],
                first + number,
                side=self.request["image_size"],
                group=self.group,
                **self.normalisation,
            )

        self.module.train()
        numbers = range(done, self.steps)
        with ahead(batch, numbers, workers=self._workers(), device=self.device) as made:
            for number, (images, labels) in zip(numbers, made, strict=True):
                # Asked once a step, so that all processes stop at the same one.
                stopping = self._train_step(images, labels, stop)
                if stopping and number + 1 < self.steps:
                    self._write_resume()
                    break
            else:
                self._end_epoch(epoch + 1, time.perf_counter() - start)
        if self.group.any(stop.received) and self.step < self.total_steps:
            self.log(f"interrupted: state written at step {self.step}; run again to resume")
            raise Interrupted

    def _workers(self) -> int:
        return max(workers_for(self.device, part.images.device) for part in self.training)

    def _train_step(self, images: Tensor, labels: Tensor, stop: Request) -> bool:
        """Take one step; returns whether a process was asked to stop."""
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.settings.precision == "bfloat16"
        ):
            logits = self.trained(images)
        logits = logits.float()
        loss = functional.cross_entropy(logits, labels)
        loss.backward()
        self.optimizer.step()
        # Read when all of the step is under way: a GPU has no pause between its halves.
        own = (
            loss.item() * len(labels),
            int((logits.argmax(1) == labels).sum()),
            len(labels),
            stop.received,
        )
        summed, right, count, stopping = self.group.total(own)
        if not math.isfinite(summed):
            self._stop_diverged(f"the loss is {summed / count} at step {self.step + 1}")
        self.learning_rate = self.schedule.get_last_lr()[0]
        self.schedule.step()
        self.step += 1
        self.sums.loss += summed
        self.sums.right += int(right)
        self.sums.images += int(count)
        return bool(stopping)

    def _stop_diverged(self, what: str) -> None:
        good = max(epoch for epoch in self._kept_epochs() if self._checkpoint(epoch).exists())
        raise InputError(
            f"training: {what}, expected finite values; last good checkpoint "
            f"{self._checkpoint(good)}; try a lower training.learning_rate"
        )

    def _end_epoch(self, epoch: int, seconds: float) -> None:
        if not all(value.isfinite().all() for value in self.module.state_dict().values()):
            self._stop_diverged(f"a weight is not finite after step {self.step}")
        train_loss, train_accuracy = self.sums.means()
        row = {
            "epoch": epoch,
            "step": self.step,
            "learning_rate": self.learning_rate,
            "train_loss": train_loss,
            "train_accuracy": train_accuracy,
        }
        results = {
            images.name: evaluate(
                self.module,
                images,
                precision=self.settings.precision,
                group=self.group,
                **self.normalisation,
            )
            for images in self.validation
        }
        for name, (loss, accuracy) in results.items():
            measured = dict(zip(TRAINING.names[-3:], (name, loss, accuracy), strict=True))
            self.history.append(row | measured)
        if not results:
            self.history.append(row)
        self.sums = Sums()
        if epoch in self._kept_epochs():
            self._keep_checkpoint(epoch)
        self._write_resume()
        accuracies = {name: round(accuracy, 4) for name, (_, accuracy) in results.items()}
        line = row | {"validation_accuracy": accuracies, "seconds": round(seconds, 2)}
        self.log(json.dumps(line))

    def _kept_epochs(self) -> list[int]:
        return sorted({0, *self.settings.checkpoint_epochs, self.settings.epochs})

    def _kept_so_far(self) -> list[int]:
        return [epoch for epoch in self._kept_epochs() if epoch <= self.step // self.steps]

    def _checkpoint(self, epoch: int) -> Path:
        return checkpoints.folder(self.output_dir) / checkpoints.file_name(epoch)

    def _keep_checkpoint(self, epoch: int) -> None:
        if not self.group.leads:
            return
        checkpoints.write(
            self._checkpoint(epoch),
            self.module,
            epoch=epoch,
            step=self.step,
            **self.request,
        )

    def _write_resume(self) -> None:
        if not self.group.leads:
            return
        checkpoints.write_resume(
            self.output_dir,
            {
                "request": self.request,
                "data": self.data,
                "step": self.step,
                "module": checkpoints.cpu_state(self.module),
                "optimizer": self.optimizer.state_dict(),
                "schedule": self.schedule.state_dict(),
                "sums": vars(self.sums),
                "history": self.history,
            },
        )

    def finish(self) -> pd.DataFrame:
        """Publish the results and remove the resume state."""
        history = TRAINING.frame(self.history)
        if not self.group.leads:
            return history
        checkpoints.publish(self.output_dir, self.settings.checkpoint_epochs, self.settings.epochs)
        TRAINING.write(Path(self.output_dir) / "history.csv", history)
        checkpoints.discard(self.output_dir)
        return history


def load_initial(module: nn.Module, name: str) -> None:
    """Put the weights of another network of the same architecture into this one.

    Raises
    ------
    InputError
        If that network cannot be had, or its weights have other names or shapes.
    """
    from texshape.models.loading import load

    state = load(name).module.state_dict()
    own = module.state_dict()
    for key, value in own.items():
        if key not in state or state[key].shape != value.shape:
            raise InputError(
                f"training.initial: {name} does not fit, at '{key}'; expected a network of the "
                "same architecture and number of classes"
            )
    module.load_state_dict({key: state[key] for key in own})


@torch.inference_mode()
def evaluate(
    module: nn.Module,
    images: LabelledImages,
    *,
    precision: str = "float32",
    mean: Sequence[float] = small.MEAN,
    std: Sequence[float] = small.STD,
    group: Group = ALONE,
) -> tuple[float, float]:
    """Mean cross-entropy and accuracy of a network over a set, in evaluation mode.

    The network's mode is restored afterwards. Of several processes each takes every so-manieth image.
    """
    mode = module.training
    module.eval()
    sums: list[tuple[Tensor, Tensor]] = []  # read at the end: a GPU does not wait between batches
    parts = torch.arange(group.rank, len(images), group.size).split(_EVALUATION_BATCH)
    device = images.labels.device
    workers = workers_for(device, images.images.device)
    with ahead(images.take, parts, workers=workers, device=device) as made:
        for pixels, labels in made:
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
                logits = module(small.normalise(pixels, mean, std))
            logits = logits.float()
            loss_sum = functional.cross_entropy(logits, labels, reduction="sum")
            sums.append((loss_sum, (logits.argmax(1) == labels).sum()))
    module.train(mode)
    loss = sum(loss_sum.item() for loss_sum, _ in sums)
    right = sum(int(count) for _, count in sums)
    loss, right = group.total((loss, right))
    return loss / len(images), right / len(images)
