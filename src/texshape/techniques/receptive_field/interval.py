"""The input positions that a row of output positions sees, followed exactly through layers.

Along one axis of the image, output position p sees the input positions from ``start(p)`` to
``end(p)``. After any number of strided layers both grow linearly in p (Araujo et al. 2019, section
3). Upsampling makes them linear only from one period to the next, so an interval keeps one pair
(start, end) for each phase of a period.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Interval:
    """What the positions of one axis see of the input, in pixels.

    Attributes
    ----------
    starts, ends : tuple of int
        First and last input pixel that phase 0, 1, ... of the period sees; outside the image they
        may be negative or beyond it.
    shift : int
        By how many input pixels both move when the position moves by one whole period.
    """

    starts: tuple[int, ...] = (0,)
    ends: tuple[int, ...] = (0,)
    shift: int = 1

    @property
    def period(self) -> int:
        """Number of phases; 1 wherever nothing was upsampled."""
        return len(self.starts)

    @property
    def jump(self) -> Fraction:
        """Mean distance in input pixels between neighbouring positions."""
        return Fraction(self.shift, self.period)

    @property
    def size(self) -> int:
        """Input pixels that one position sees, the largest over phases."""
        return max(end - start + 1 for start, end in zip(self.starts, self.ends, strict=True))

    def at(self, position: int) -> tuple[int, int]:
        """First and last input pixel that this position sees."""
        periods, phase = divmod(position, self.period)
        moved = periods * self.shift
        return self.starts[phase] + moved, self.ends[phase] + moved

    def through(self, reads: Callable[[int], Iterable[int]], stride: Fraction | int) -> Interval:
        """Interval after a layer whose output position p reads the positions ``reads(p)``.

        Parameters
        ----------
        reads : callable
            Positions of this axis that an output position reads; moves by ``stride.numerator`` when
            p moves by ``stride.denominator``.
        stride : Fraction or int
            Positions of this axis per output position: 2 for a stride of 2, 1/2 for upsampling by
            2.
        """
        stride = Fraction(stride)
        period = stride.denominator * self.period // math.gcd(self.period, stride.numerator)
        shift = period * stride / self.period * self.shift
        starts, ends = [], []
        for phase in range(period):
            seen = [self.at(position) for position in reads(phase)]
            starts.append(min(start for start, _ in seen))
            ends.append(max(end for _, end in seen))
        return Interval(tuple(starts), tuple(ends), int(shift)).reduced()

    def window(self, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Interval:
        """Interval after a convolution or pooling: r grows by (kernel - 1) dilation jump."""
        return self.through(
            lambda p: (p * stride - padding + dilation * k for k in range(kernel)), stride
        )

    def transposed(self, kernel: int, stride: int, padding: int, dilation: int) -> Interval:
        """Interval after a transposed convolution."""

        def reads(p: int) -> list[int]:
            taps = (p + padding - dilation * k for k in range(kernel))
            # A tap between two inputs hits nothing; a kernel shorter than its stride leaves gaps,
            # whose (constant) outputs are given the nearest input.
            return [tap // stride for tap in taps if tap % stride == 0] or [(p + padding) // stride]

        return self.through(reads, Fraction(1, stride))

    def resampled(self, scale: Fraction, taps: str, align_corners: bool = False) -> Interval:
        """Interval after interpolation.

        Parameters
        ----------
        scale : Fraction
            Input size over output size (with ``align_corners`` both minus one).
        taps : {'nearest', 'nearest-exact', 'linear', 'cubic'}
        """

        def reads(p: int) -> list[int]:
            if taps.startswith("nearest"):
                middle = Fraction(1, 2) if taps == "nearest-exact" else 0
                return [math.floor((p + middle) * scale)]
            source = p * scale if align_corners else (p + Fraction(1, 2)) * scale - Fraction(1, 2)
            below = math.floor(source)
            if source == below:
                return [below]
            return list(
                range(below, below + 2) if taps == "linear" else range(below - 1, below + 3)
            )

        return self.through(reads, scale)

    def pooled_to(self, size: int, cells: int) -> Interval:
        """Interval after adaptive pooling of ``size`` positions to so many cells.

        Cell p reads the positions from floor(p size / cells) to ceil((p + 1) size / cells) - 1.
        """
        return self.through(
            lambda p: range(p * size // cells, -(-(p + 1) * size // cells)), Fraction(size, cells)
        )

    def union(self, other: Interval) -> Interval:
        """Smallest interval that holds both, position by position.

        Raises
        ------
        ValueError
            If the two move by different amounts from one position to the next: then the hull grows
            with the position and no single size exists.
        """
        if self.jump != other.jump:
            raise ValueError(f"paths with strides {self.jump} and {other.jump} px meet")
        period = math.lcm(self.period, other.period)
        pairs = [(self.at(phase), other.at(phase)) for phase in range(period)]
        return Interval(
            tuple(min(one[0], two[0]) for one, two in pairs),
            tuple(max(one[1], two[1]) for one, two in pairs),
            int(self.jump * period),
        ).reduced()

    def reduced(self) -> Interval:
        """The same interval with one phase where one is enough."""
        if self.period == 1 or self.shift % self.period:
            return self
        single = Interval(self.starts[:1], self.ends[:1], self.shift // self.period)
        same = all(
            single.at(phase) == (self.starts[phase], self.ends[phase])
            for phase in range(self.period)
        )
        return single if same else self
