"""What was measured, and how it is shown."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct


class Target(Struct, frozen=True):
    """What a figure should be: at most ``bound``, or at least."""

    bound: float
    least: bool = False

    def met(self, value: float) -> bool:
        """Whether a value is as it should be."""
        return value >= self.bound if self.least else value <= self.bound


class Figure(Struct, frozen=True):
    """One line of the result.

    Attributes:
        name: what was measured.
        value: how much.
        unit: of it.
        target: what it should be; None where nothing was asked for.
        note: how it came about.
    """

    name: str
    value: float
    unit: str
    target: Target | None = None
    note: str = ""


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many percent of them do not exceed (the nearest rank)."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def latencies(name: str, seconds: Sequence[float], p50: Target, p99: Target | None) -> list[Figure]:
    """Median and 99th percentile in milliseconds."""
    note = f"{len(seconds)} one after the other"
    return [
        Figure(f"{name}, p50", percentile(seconds, 50) * 1e3, "ms", p50, note),
        Figure(f"{name}, p99", percentile(seconds, 99) * 1e3, "ms", p99, note),
    ]


def middle(name: str, values: Sequence[float], unit: str, target: Target | None = None) -> Figure:
    """The median of some rounds."""
    rounds = ", ".join(map(_number, values))
    return Figure(name, statistics.median(values), unit, target, f"median of {rounds}")


def table(figures: Mapping[str, Sequence[Figure]]) -> Iterator[str]:
    """All figures below each other.

    Args:
        figures: by the name of the system.
    """
    for system, lines in figures.items():
        yield f"\n{system:44} {'measured':>18} {'target':>16}"
        for figure in lines:
            value = f"{_number(figure.value)} {figure.unit}"
            yield f"{figure.name:44} {value:>18} {_target(figure):>16}  {figure.note}"


def _target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    sign = "≥" if figure.target.least else "≤"
    missed = "" if figure.target.met(figure.value) else "  MISSED"
    return f"{sign} {_number(figure.target.bound)}{missed}"


def _number(value: float) -> str:
    """Three digits at least, and no more behind the point than they need."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
