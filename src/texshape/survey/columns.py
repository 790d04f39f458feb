"""What the columns of the tables hold that only a survey writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from texshape.tables import Column, Table, interval
from texshape.trials.columns import BIAS, CONFLICT, DECIDES_BY, MATCH, VERDICT

if TYPE_CHECKING:
    import pandas as pd

#: kinds of subjects
MEASURED, PUBLISHED, HUMANS = "measured", "published", "humans"
CONSISTENCY = ("error_consistency", "error_consistency_low", "error_consistency_high")
#: what a linear read-out finds in the last stage, in the same stage before training, in the pixels
READ = {
    "read": "in the last stage, by its class token where it has one",
    "untrained": "in that stage with random weights",
    "pixels": "in the pixels",
}


def _read(cue: str, of: str) -> Column:
    return Column(
        f"{cue}_{of}",
        "number",
        f"share of images whose {cue} a linear reader finds {READ[of]}",
        "fraction",
    )


def _beside(cue: str) -> tuple[Column, ...]:
    """The interval of what is read, then what is read untrained and of pixels with theirs."""
    name = f"{cue}_read"
    found = [*interval(name, name)]
    for of in ("untrained", "pixels"):
        found += [_read(cue, of), *interval(f"{cue}_{of}", f"{cue}_{of}")]
    return tuple(found)


def _known(cue: str) -> Column:
    return Column(
        f"{cue}_known",
        "flag",
        f"whether the interval of `{cue}_read` lies above chance and above those of both others",
    )


LEADERBOARD = Table(
    "leaderboard",
    "a subject: a network at hand, a published one or `humans`; highest shape bias first",
    (
        Column("subject", "text", "the subject's name in the other tables"),
        Column("name", "text", "its name as people write it"),
        Column("kind", "text", "`measured`, `published` or `humans`"),
        DECIDES_BY,
        Column(
            "wording",
            "text",
            "how a model behind an address was asked: `texshape neutral`, `texshape shape` or `texshape "
            "texture`, in words of our own; of answers that others published as in `published_answers.csv`; "
            "empty for all others",
        ),
        Column("date", "text", "when it was asked, of answers that others published, YYYY-MM-DD"),
        BIAS,
        *interval("shape_bias"),
        MATCH,
        CONFLICT,
        Column("edges", "number", "accuracy on edges", "fraction"),
        Column("silhouettes", "number", "accuracy on silhouettes", "fraction"),
        Column(
            "error_consistency",
            "number",
            "error consistency with humans on the cue-conflict pictures; of `humans` with each other",
            "kappa",
        ),
        *interval("error_consistency", "error_consistency", "kappa"),
        _read("shape", "read"),
        _read("texture", "read"),
        Column("read_stage", "text", "the last stage"),
        Column("chance", "number", "what a reader finds by guessing: 1 / classes", "fraction"),
        VERDICT,
        Column("n_classes", "whole", "classes that the images show or that it answers"),
        Column("n_congruent", "whole", "images whose cues agree"),
        Column("few_congruent", "flag", "whether it has no name for want of such images"),
        *_beside("shape"),
        *_beside("texture"),
        _known("shape"),
        _known("texture"),
    ),
    keys=("subject",),
    front=(),
)


def in_order(board: pd.DataFrame) -> pd.DataFrame:
    """The rows of a leaderboard, highest shape bias first, networks without decisions last."""
    for count in ("n_conflict", "n_congruent"):
        board[count] = board[count].astype("Int64")
    return board.sort_values(["shape_bias", "subject"], ascending=[False, True],
                             na_position="last", ignore_index=True)  # fmt: skip


REASONS = Table(
    "reasons",
    "a technique that could not be applied to a network",
    (
        Column("model", "text", "the network"),
        Column("technique", "text", "the technique"),
        Column("reason", "text", "why not"),
    ),
    keys=("model", "technique"),
    front=(),
)
NOTICES = Table(
    "notices",
    "what was said about a network",
    (
        Column("model", "text", "the network"),
        Column("technique", "text", "the technique; empty where the network was loaded"),
        Column(
            "kind",
            "text",
            "`warning`: an answer depends on the batch, outputs are undefined, nothing is kept from an "
            "earlier run; `note`: a choice that was made, such as that a network normalises pixels",
        ),
        Column("text", "text", "what was said"),
    ),
    keys=("model", "technique", "kind", "text"),
    front=(),
)
ANSWERS = Table(
    "answers",
    "a model behind an address, and what became of the questions to it",
    (
        Column("model", "text", "the model, with the wording"),
        Column("wording", "text", "how it was asked, as in the leaderboard"),
        Column("pictures", "whole", "pictures that it was asked about, each once"),
        Column("one", "whole", "answers that name one option, which is the decision"),
        Column("none", "whole", "answers that name none: no decision"),
        Column("several", "whole", "answers that name several: no decision"),
        Column("refused", "whole", "pictures that the address did not let through, among `none`"),
        Column("cut_off", "whole", "answers that were cut off at `vlm.max_tokens`"),
        Column("tokens_in", "whole", "tokens of the questions, as the address counts them"),
        Column("tokens_out", "whole", "tokens of the answers"),
        Column("first", "text", "when the first answer came (UTC)"),
        Column("last", "text", "when the last answer came (UTC)"),
    ),
    keys=("model",),
    front=(),
)
