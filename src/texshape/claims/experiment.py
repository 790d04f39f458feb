"""What an experiment has: which networks, which data. Claims ask here and not for the experiment's name."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from texshape.claims import rules
from texshape.claims.claim import Cell, cells_of
from texshape.claims.evidence import (
    Row,
    Rows,
    at_end,
    before_training,
    each,
    largest,
    mean,
    number,
    read,
    select,
    smallest,
    values,
)
from texshape.claims.wording import (
    HARD,
    UNDEFINED,
    Show,
    count,
    network_name,
    p_value,
    pct,
    plural,
    points,
    points_between,
    span,
)
from texshape.errors import InputError
from texshape.trials.names import HUMANS, is_human


@dataclass(frozen=True)
class Pair:
    """What a table of pairs of networks says of two: over exemplars, and over seeds (Welch)."""

    row: Row
    turned: bool  # the pair stands the other way round in the table

    def _signed(self, column: str) -> float | None:
        x = number(self.row.get(column))
        return -x if self.turned and x is not None else x

    def _limit(self, low: str, high: str) -> float | None:
        return self._signed(high if self.turned else low)

    @property
    def value(self) -> float | None:
        """Difference over the same exemplars."""
        return self._signed("difference")

    @property
    def low(self) -> float | None:
        """Lower limit of `value`."""
        return self._limit("ci_low", "ci_high")

    @property
    def high(self) -> float | None:
        """Upper limit of `value`."""
        return self._limit("ci_high", "ci_low")

    @property
    def seed_low(self) -> float | None:
        """Lower limit of the difference of the means over seeds."""
        return self._limit("seed_low", "seed_high")

    @property
    def seed_high(self) -> float | None:
        """Upper limit of the difference of the means over seeds."""
        return self._limit("seed_high", "seed_low")

    @property
    def seeds(self) -> list[float | None]:
        """How many seeds either network has."""
        both = [number(self.row.get(column)) for column in ("seeds_a", "seeds_b")]
        return both[::-1] if self.turned else both


def pair_in(rows: Rows, first: str, second: str) -> Pair | None:
    """The row of two networks in a table of pairs, either way round."""
    for turned, names in ((False, (first, second)), (True, (second, first))):
        for row in rows:
            if (row["model_a"], row["model_b"]) == names:
                return Pair(row, turned)
    return None


class Experiment:
    """Result files of one experiment, read as claims need them.

    Parameters
    ----------
    results : Path
        Folder of the experiment; its name is the experiment's name.
    files : iterable of str
        Result files that may be read, relative to `results`.
    """

    def __init__(self, results: Path, files: Iterable[str]) -> None:
        self.results, self.files = results, frozenset(files)
        self.name = results.name
        self._rows: dict[str, list[Row]] = {}

    # ---- Files ---------------------------------------------------------------------------------

    def has(self, *tables: str) -> bool:
        """Whether any of these tables may be read."""
        return any(f"tables/{table}.csv" in self.files for table in tables)

    def rows(self, table: str) -> list[Row]:
        """Rows of a table, none where it is missing."""
        if table not in self._rows:
            path = self.results / "tables" / f"{table}.csv"
            self._rows[table] = read(path) if self.has(table) else []
        return self._rows[table]

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """The parameters that the results were made with."""
        if "parameters.json" not in self.files:
            return {}
        path = self.results / "parameters.json"
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: not readable as JSON ({error})") from None
        if not isinstance(found, dict):
            raise InputError(f"{path}: expected a JSON object, found {type(found).__name__}")
        return found

    def parameter(self, path: str) -> Any:
        """A parameter by its path, ``data.texture.period``; None where it is not set."""
        value: Any = self.parameters
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value

    # ---- Facts ---------------------------------------------------------------------------------

    @property
    def bias(self) -> list[Row]:
        """Shape biases."""
        return self.rows("shape_bias")

    @property
    def accuracy(self) -> list[Row]:
        """Accuracies on every set."""
        return self.rows("accuracy")

    @cached_property
    def classes(self) -> int:
        """How many classes there are, 0 where that is unknown."""
        return len(each(self.rows("shape_bias_by_class"), "class"))

    @property
    def guess(self) -> float | None:
        """Share of right answers of whoever guesses."""
        return 1 / self.classes if self.classes else None

    @cached_property
    def kind(self) -> str:
        """Kind of data."""
        given = self.parameter("data.kind")
        return given or ("published" if self.name == "published" else "procedural")

    @property
    def procedural(self) -> bool:
        """Whether a program drew the pictures."""
        return self.kind == "procedural"

    @property
    def photographs(self) -> bool:
        """Whether networks are trained on photographs in class folders."""
        return self.kind.startswith("folder")

    @property
    def shape_set(self) -> str:
        """The set that shows the shape alone."""
        return "silhouettes" if select(self.accuracy, set="silhouettes") else "edges"

    @cached_property
    def trains(self) -> bool:
        """Whether networks are trained in this experiment."""
        given = self.parameter("trained")
        if given is not None:
            return len(given) > 0
        return self.has("training") or self.kind != "published"

    @property
    def published(self) -> list[Row]:
        """Biases of humans and networks whose trials others published."""
        rows = select(self.bias, arm="published")
        return [row for row in rows if not is_human(row["architecture"])]

    @property
    def humans(self) -> list[Row]:
        """Bias of all humans together."""
        return select(self.published, architecture=HUMANS)

    @property
    def measured(self) -> list[Row]:
        """Biases of the networks that were measured here."""
        return [row for row in self.bias if row["arm"] != "published"]

    @cached_property
    def main(self) -> str:
        """The architecture that stands for all: the first one that is trained."""
        given = self.parameter("trained")
        if given:
            return given[0]["architecture"]
        names = each(self.measured, "architecture")
        return "cnn" if "cnn" in names or not names else names[0]

    @property
    def main_name(self) -> str:
        """The main architecture in words."""
        return network_name(self.main)

    @property
    def arms(self) -> dict[str, Any]:
        """Kinds of training images, by name."""
        return self.parameter("arms") or {}

    def texture_arms(self) -> list[str]:
        """Arms that are trained to name the texture."""
        labels = {name: (arm.get("training") or {}).get("label") for name, arm in self.arms.items()}
        return [name for name, label in labels.items() if label == "texture"]

    def bias_of(self, arm: str, architecture: str | None = None) -> list[Row]:
        """Biases of one kind of network, a row a seed."""
        return select(self.bias, architecture=architecture or self.main, arm=arm)

    def accuracy_of(self, arm: str, images: str, cue: str, architecture: str | None = None) -> Rows:
        """Accuracies of one kind of network on a set, a row a seed."""
        wanted = {"architecture": architecture or self.main, "arm": arm, "set": images, "cue": cue}
        return select(self.accuracy, **wanted)

    def verdict_of(self, arm: str, architecture: str | None = None) -> str:
        """Name of the bias of one kind of network."""
        return rules.bias_verdict(self.bias_of(arm, architecture))

    def of(self, table: str, arm: str, **wanted: str) -> list[Row]:
        """Rows of the main architecture."""
        return select(self.rows(table), architecture=self.main, arm=arm, **wanted)

    def last(
        self, table: str, arm: str, architecture: str | None = None, **wanted: str
    ) -> list[Row]:
        """Rows of one kind of network at its last stage and last checkpoint."""
        wanted = {"architecture": architecture or self.main, "arm": arm, **wanted}
        return at_end(select(self.rows(table), **wanted))

    def untrained(self, table: str, architecture: str | None = None, **wanted: str) -> list[Row]:
        """Rows of an architecture with random weights, at the last stage."""
        wanted = {"architecture": architecture or self.main, **wanted}
        found = before_training(select(self.rows(table), **wanted))
        return [row for row in found if row["stage"] == found[-1]["stage"]]

    # ---- Differences of two networks -----------------------------------------------------------

    def difference(self, first: str, second: str) -> Pair | None:
        """The paired difference of two networks' shape biases."""
        return pair_in(self.rows("shape_bias_differences"), first, second)

    def bias_order(self, first: Rows, second: Rows) -> str:
        """Order of two groups of shape biases (`rules.ORDER_RULE`)."""
        if not first or not second:
            return rules.NOT_RUN
        pairs = [self.difference(*names) for names in _names(first, second)]
        if None in pairs:
            return rules.compare(first, second)
        known = [pair for pair in pairs if pair is not None]
        if any(pair.low is None or pair.high is None for pair in known):
            return rules.UNDEFINED
        if all(pair.low > 0 for pair in known):
            sure = all(pair.seed_low is None or pair.seed_low > 0 for pair in known)
            return "higher" if sure else "not over seeds"
        if all(pair.high < 0 for pair in known):
            sure = all(pair.seed_high is None or pair.seed_high < 0 for pair in known)
            return "lower" if sure else "not over seeds"
        return "not separated"

    def order_cells(self, first: Rows, second: Rows) -> list[Cell]:
        """The cells that `bias_order` reads."""
        if not first or not second:
            return []
        pairs = [self.difference(*names) for names in _names(first, second)]
        if None in pairs:
            return cells_of([*first, *second], "ci_low", "ci_high")
        rows = [pair.row for pair in pairs if pair is not None]
        return cells_of(rows, "ci_low", "ci_high", "seed_low", "seed_high")

    def over_seeds(self, first: Rows, second: Rows) -> str:
        """The interval over seeds of two networks in words."""
        if not first or not second:
            return describe_seeds(None)
        return describe_seeds(self.difference(first[0]["model"], second[0]["model"]))

    def describe_difference(self, first: Rows, second: Rows) -> str | None:
        """The difference of two networks in words, None where it is not known."""
        if not first or not second:
            return None
        pair = self.difference(first[0]["model"], second[0]["model"])
        if pair is None or pair.value is None:
            return None
        limits = (
            f"{self.level} {points_between(pair.low, pair.high)}, " if pair.low is not None else ""
        )
        n = count(number(pair.row.get("n")))
        return f"{points(pair.value)} ({limits}n{HARD}={HARD}{n} pictures in common)"

    # ---- Words ---------------------------------------------------------------------------------

    @property
    def level(self) -> str:
        """What intervals are called."""
        given = self.parameter("bootstrap.level")
        return "confidence intervals" if given is None else f"{pct(given, 0)} intervals"

    def describe(
        self,
        rows: Rows,
        column: str,
        n: str | None = None,
        show: Show = pct,
        low: str = "ci_low",
        high: str = "ci_high",
    ) -> str:
        """Mean over seeds with all that belongs to it: seeds, intervals, count."""
        known = values(rows, column)
        if not known:
            return UNDEFINED
        parts = []
        if len(known) > 1:
            parts.append(f"seeds {span(min(known), max(known), show)}")
        if (least := smallest(rows, low)) is not None:
            limited = len(values(rows, low))
            some = "" if limited == len(known) else f" of {plural(limited, 'seed', 'seeds')}"
            parts.append(f"{self.level}{some} within {span(least, largest(rows, high), show)}")
        if n:
            each_one = " each" if len(known) > 1 else ""
            parts.append(f"n{HARD}={HARD}{counts(rows, n)}{each_one}")
        return show(mean(rows, column)) + (f" ({', '.join(parts)})" if parts else "")


def _names(first: Rows, second: Rows) -> list[tuple[str, str]]:
    return [(a, b) for a in each(first, "model") for b in each(second, "model")]


def counts(rows: Rows, column: str) -> str:
    """Range of a column of counts."""
    return span(smallest(rows, column), largest(rows, column), count)


def describe_seeds(pair: Pair | None) -> str:
    """The interval of a pair over seeds in words."""
    if pair is None or pair.seed_low is None:
        return "no interval over seeds"
    trainings = " and ".join(map(count, pair.seeds))
    p = p_value(number(pair.row.get("seed_p")))
    limits = points_between(pair.seed_low, pair.seed_high)
    return f"over seeds {limits}, Welch’s p{p}, {trainings} trainings"
