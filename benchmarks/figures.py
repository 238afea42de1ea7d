"""The result of a benchmark: tables, and verdicts on its claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median, quantiles

Cell = str | float | int | None
Row = dict[str, Cell]


@dataclass(frozen=True)
class Table:
    title: str
    rows: tuple[Row, ...]
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    """One claim: a figure that must not be below (or above) a limit."""

    claim: str
    figure: float
    limit: float
    at_least: bool = True

    @property
    def met(self) -> bool:
        return self.figure >= self.limit if self.at_least else self.figure <= self.limit


@dataclass(frozen=True)
class Outcome:
    name: str
    tables: tuple[Table, ...]
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True)
class Spread:
    """Durations in seconds, summed up in milliseconds."""

    p50: float
    p95: float
    worst: float

    @staticmethod
    def of(seconds: Sequence[float]) -> Spread:
        """With few values, `quantiles` gives a p95 above the maximum, which was not measured."""
        worst = max(seconds)
        p95 = min(quantiles(seconds, n=20)[-1], worst) if len(seconds) > 1 else worst
        return Spread(median(seconds) * 1000, p95 * 1000, worst * 1000)

    def cells(self) -> dict[str, Cell]:
        return {"p50 ms": round(self.p50, 3), "p95 ms": round(self.p95, 3), "max ms": round(self.worst, 3)}


def shown(cell: Cell) -> str:
    """A figure with its significant digits."""
    if cell is None:
        return "-"
    if isinstance(cell, str):
        return cell
    if isinstance(cell, int) or abs(cell) >= 1000:
        return f"{cell:,.0f}"
    return f"{cell:.3g}" if abs(cell) < 100 else f"{cell:.0f}"
