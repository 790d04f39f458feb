"""Numbers and lists in words, as the article sets them.

Numbers are rounded half away from zero; a missing one reads *undefined*.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable

from texshape.models.printed_names import printed

THIN, HARD, MINUS = "\u202f", "\u00a0", "\u2212"
UNDEFINED = "_undefined_"
Show = Callable[[float | None], str]


def escape(text: str) -> str:
    """Take its meaning as markup from a text."""
    return re.sub(r"([\\*_`@])", r"\\\1", text)


def unmarked(text: str) -> str:
    """A sentence without its markup, to be read in a terminal; a reference keeps its name."""
    return re.sub(r"\\(.)|[*_`]", lambda found: found[1] or "", text)


def code(text: str) -> str:
    """A name as it is typed."""
    return f"`{text}`"


def network_name(architecture: str) -> str:
    """A network as its authors write it."""
    return escape(printed(architecture))


def fixed(x: float, digits: int) -> str:
    """A number with so many decimals, a true minus sign before a negative one."""
    scaled = abs(x) * 10.0**digits
    whole = math.floor(scaled)
    whole += scaled - whole >= 0.5
    sign = MINUS if x < 0 and whole else ""  # what rounds to zero has no sign
    text = f"{whole / 10.0**digits:.{digits}f}"
    return sign + text


def pct(x: float | None, digits: int = 1) -> str:
    """A fraction in percent."""
    return UNDEFINED if x is None else f"{fixed(100 * x, digits)}{THIN}%"


def num(x: float | None, digits: int = 2) -> str:
    """A number."""
    return UNDEFINED if x is None else fixed(x, digits)


def count(x: float | None) -> str:
    """A whole number, thousands set apart."""
    if x is None:
        return UNDEFINED
    digits = fixed(float(x), 0)[::-1]
    grouped = [d + (THIN if i and i % 3 == 0 else "") for i, d in enumerate(digits)]
    return "".join(reversed(grouped))


def p_value(x: float | None) -> str:
    """A p-value after its letter, which no rounding makes zero: ``= 0.012``, ``< 0.001``."""
    if x is not None and x < 0.0005:
        return f"{HARD}<{HARD}0.001"
    return f"{HARD}={HARD}{num(x, 3)}"


def nats(x: float | None) -> str:
    """Information."""
    return UNDEFINED if x is None else f"{fixed(x, 3)}{HARD}nats"


def pixels(x: float | None) -> str:
    """A side of a square in pixels."""
    return UNDEFINED if x is None else f"{fixed(x, 0)}{HARD}px"


def points(x: float | None) -> str:
    """A difference of fractions."""
    return UNDEFINED if x is None else f"{fixed(100 * x, 1)} percentage points"


def hundredths(x: float | None) -> str:
    """A difference of fractions in percentage points, where the sentence names the unit."""
    return UNDEFINED if x is None else fixed(100 * x, 1)


def points_between(low: float | None, high: float | None) -> str:
    """Limits of a difference of fractions."""
    if low is None or high is None:
        return UNDEFINED
    return f"{fixed(100 * low, 1)} to {fixed(100 * high, 1)} percentage points"


def span(low: float | None, high: float | None, show: Show = pct) -> str:
    """A range; percentages share one sign, points one unit, and a minus does not stand beside a dash."""
    if low is None:
        return UNDEFINED
    if show(low) == show(high):
        return show(low)
    if show is points:
        return f"{fixed(100 * low, 1)}{' to ' if low < 0 else '–'}{points(high)}"
    if low < 0:
        return f"{show(low)} to {show(high)}"
    if show is pct:
        return f"{fixed(100 * low, 1)}–{pct(high)}"
    if show is nats:
        return f"{fixed(low, 3)}–{nats(high)}"
    return f"{show(low)}–{show(high)}"


def plural(n: int, one: str, many: str) -> str:
    """So many of a thing."""
    return f"one {one}" if n == 1 else f"{n} {many}"


def listed(items: Iterable[str]) -> str:
    """Items with commas and *and*."""
    items = list(items)
    if len(items) < 2:
        return items[0] if items else "none"
    return f"{', '.join(items[:-1])} and {items[-1]}"


def when(condition: object, text: str) -> str:
    """The text if the condition holds, else nothing."""
    return text if condition else ""
