"""Decisions of a network while something inside it is changed; afterwards it is as before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from texshape.errors import InputError
from texshape.models import outputs
from texshape.models.network import Network
from texshape.models.preprocessing import batches
from texshape.models.replay import Replay

#: rows of the pictures of a batch, int of shape (B,), to a context in which the network is changed
Change = Callable[[np.ndarray], AbstractContextManager[Any]]
TRIED = 4  # pictures on which it is tried what a network allows
UNDECIDED = -1


def unchanged(rows: np.ndarray) -> AbstractContextManager[Any]:
    """The network as it is."""
    return nullcontext()


@contextmanager
def output_of(module: nn.Module, path: str, function: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Pass on a function of a submodule's output, for the time of a block.

    Raises
    ------
    InputError
        When the submodule returns anything but one tensor.
    """

    def hook(_: nn.Module, __: Any, output: Any) -> Tensor:
        if not isinstance(output, Tensor):
            raise InputError(
                f"stage '{path}': returns {type(output).__name__}; expected one tensor"
            )
        return function(output)

    handle = module.get_submodule(path).register_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()


def decisions(
    network: Network,
    images: np.ndarray,
    changes: Sequence[Change],
    *,
    batch_size: int = 64,
    after: str = "",
) -> np.ndarray:
    """Decisions of the network under each of several changes.

    Parameters
    ----------
    network : Network
        With decision classes.
    images : ndarray of shape (n, height, width, 3), uint8
    changes : sequence of callable
        Each is given the rows of a batch's images.
    batch_size : int
    after : str
        A submodule before which no change has an effect: what the network computes up to it is
        computed once a batch and played back, where it gives the same so (tried on a few pictures).

    Returns
    -------
    ndarray of shape (len(changes), n), int
        Index of the class; `UNDECIDED` where a score is undefined.

    Raises
    ------
    InputError
        If the network cannot be changed so.
    """
    network.require_classes()
    chosen = np.empty((len(changes), len(images)), dtype=int)
    replay = Replay(network.module, after) if after and len(changes) > 1 else None
    plays = replay is not None
    with torch.inference_mode(False), torch.no_grad(), replay or nullcontext():
        for rows, batch in batches(images, np.arange(len(images)), batch_size):
            shown = network.preprocess(batch.to(network.device))
            if plays and rows[0] == 0:
                plays = _plays(network.module, replay, shown[:TRIED], rows[:TRIED], changes)
                if not plays:
                    replay.stop()
            for number, change in enumerate(changes):
                run = network.module
                if plays:
                    run = replay.play if number else replay.record
                logits = _changed(run, shown, change(rows))
                if len(logits) != len(rows):
                    raise InputError(
                        f"{network.name}: {len(rows)} images became {len(logits)} decisions"
                    )
                chosen[number, rows] = decided(network.decide(logits))
    return chosen


def decided(scores: Tensor) -> np.ndarray:
    """Index of the class with the largest of scores (B, classes); `UNDECIDED` where one is undefined."""
    # argmax gives the place of what is undefined
    best = scores.argmax(1).masked_fill(~scores.isfinite().all(1), UNDECIDED)
    return best.cpu().numpy()


def _changed(
    run: Callable[[Tensor], Tensor], shown: Tensor, change: AbstractContextManager[Any]
) -> Tensor:
    try:
        with change:
            return run(shown)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        line = " ".join(str(error).split())
        raise InputError(f"the network cannot be changed so ({line})") from None


def _plays(
    module: nn.Module, replay: Replay, few: Tensor, rows: np.ndarray, changes: Sequence[Change]
) -> bool:
    """Whether a changed pass that plays back the beginning gives what a whole one gives."""
    whole = _changed(module, few, changes[-1](rows))
    _changed(replay.record, few, changes[0](rows))
    played = _changed(replay.play, few, changes[-1](rows))
    return outputs.same(played, whole)
