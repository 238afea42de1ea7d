"""The row of a progress bar as text, for a width and a standing. Pure."""

from __future__ import annotations

from dataclasses import dataclass

BAR_CELLS, LEAST_BAR_CELLS = 24, 8
MEGABYTE = 1_000_000
LEAST_TIME_S = 0.05  # a rate over less time says nothing


@dataclass(frozen=True)
class Progress:
    """`fresh` is what was done in `seconds`: all of it, unless work was resumed."""

    done: int
    total: int | None
    fresh: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.fresh / self.seconds if self.seconds > LEAST_TIME_S else 0.0

    @property
    def seconds_left(self) -> float | None:
        if self.total is None or self.rate <= 0:
            return None
        return max(0.0, (self.total - self.done) / self.rate)


def progress_row(what: str, unit: str, standing: Progress, width: int) -> str:
    """One row that fits the width. What matters least is left out first: the time left stays longest."""
    left = standing.seconds_left
    parts = [
        what,
        _percent(standing),
        _amount(unit, standing),
        f"{_count(unit, standing.rate)}/s" if standing.rate else "",
        f"{time_left_text(left)} left" if left is not None else "",
    ]
    for dropped in (None, 2, 3):
        if dropped is not None:
            parts[dropped] = ""
        row = "  ".join(part for part in parts if part)
        if len(row) <= width:
            break
    return _with_bar(row, what, standing, width)[:width]


def _with_bar(row: str, what: str, standing: Progress, width: int) -> str:
    cells = min(BAR_CELLS, width - len(row) - 4)
    if not standing.total or cells < LEAST_BAR_CELLS:
        return row
    filled = min(cells, cells * standing.done // standing.total)
    return f"{what}  [{'#' * filled}{'-' * (cells - filled)}]{row[len(what) :]}"


def _percent(standing: Progress) -> str:
    if not standing.total:
        return ""
    return f"{min(100, 100 * standing.done // standing.total):3d}%"


def _amount(unit: str, standing: Progress) -> str:
    done = _count(unit, standing.done, unit_after=standing.total is None)
    return done if standing.total is None else f"{done} of {_count(unit, standing.total, unit_after=True)}"


def _count(unit: str, number: float, *, unit_after: bool = False) -> str:
    if unit == "bytes":
        return f"{number / MEGABYTE:,.1f} MB"
    return f"{number:,.0f} {unit}" if unit_after else f"{number:,.0f}"


def time_left_text(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
