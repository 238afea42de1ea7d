"""A QR code as rows of text for a terminal: two modules in each cell, dark on light whatever the terminal's colours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import segno

QUIET_MODULES = 2  # scanners need less than the four of the standard
BLACK_ON_WHITE, PLAIN = "\x1b[30;107m", "\x1b[0m"
CELLS = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}


def qr_rows(text: str, width: int | None) -> list[str]:
    """The rows of the code of this text; none if the terminal is too narrow for it."""
    modules = [[bool(one) for one in row] for row in segno.make_qr(text, error="m").matrix_iter(border=QUIET_MODULES)]
    if width is not None and len(modules[0]) > width:
        return []
    return [f"{BLACK_ON_WHITE}{row}{PLAIN}" for row in pair_rows(modules)]


def pair_rows(modules: Sequence[Sequence[bool]]) -> Iterable[str]:
    """Rows of cells, each of two modules above each other."""
    light = [False] * len(modules[0])
    for upper in range(0, len(modules), 2):
        lower = modules[upper + 1] if upper + 1 < len(modules) else light
        yield "".join(CELLS[above, below] for above, below in zip(modules[upper], lower, strict=True))
