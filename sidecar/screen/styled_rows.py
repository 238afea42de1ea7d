"""The screen as rows of styled text, and what changed since the last picture. Pure.

The emulator writes each row with the sequences for its styles. Only the text between them passes, without what no
terminal would show; so nothing that a program printed can be more than text for a watcher.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from gateway.protocol.requests.agent_requests import ShowTerminal
from gateway.protocol.text.printable_text import printable_line
from gateway.protocol.types.terminal_types import (
    MAX_COLUMNS,
    MAX_ROW_BYTES,
    MAX_ROW_CHARS,
    MAX_ROWS,
    MAX_RUNS_PER_ROW,
    RGB,
    Cursor,
    Run,
    ScreenRow,
)

MAX_MARKS_PER_CELL = 8
MAX_RUN_OVERHEAD_BYTES = 140
_STYLE_SEQUENCE = re.compile("\x1b\\[([0-9;:]*)m")
_NO_TEXT = re.compile("(?:\x1b\\[[0-9;:]*m)*")
_HIDDEN = "8"
# A text made printable has one blank or nothing for these; the rest of their row would stand further left.
_OTHERWISE_TOO_NARROW = str.maketrans({"\N{IDEOGRAPHIC SPACE}": "  ", "\N{SOFT HYPHEN}": "-"})
_ATTRIBUTES = {"1": "bold", "2": "dim", "3": "italic", "4": "underline", "7": "reverse", "9": "strike"}
_GROUND = {"38": "fg", "48": "bg"}
_FIRST_CODES = {3: ("fg", 0), 4: ("bg", 0), 9: ("fg", 8), 10: ("bg", 8)}  # the codes 30-37, 40-47, 90-97, 100-107


@dataclass(frozen=True)
class StyledScreen:
    """`rows` are texts with sequences for their styles, each complete by itself."""

    rows: tuple[str, ...]
    columns: int
    cursor: tuple[int, int] | None = None
    unfinished: bool = False


def is_blank(raw: str) -> bool:
    """Whether a row has no text, only sequences."""
    return _NO_TEXT.fullmatch(raw) is not None


class ScreenChanges:
    """Makes a picture of all at first, and then of what has changed."""

    def __init__(self) -> None:
        self._last: StyledScreen | None = None
        self._parsed: dict[str, tuple[Run, ...]] = {}
        self._shown: list[tuple[Run, ...]] = []

    def forget(self) -> None:
        """The next picture shows all."""
        self._last = None

    def next(self, screen: StyledScreen) -> ShowTerminal | None:
        """What to show now, or None if nothing has changed."""
        before, self._last = self._last, screen
        whole = before is None or (before.columns, len(before.rows)) != (screen.columns, len(screen.rows))
        rows = self._parse(screen.rows[:MAX_ROWS])
        old = [()] * len(rows) if whole else self._shown
        self._shown = rows
        changed = tuple(
            ScreenRow(y, runs) for y, (runs, last) in enumerate(zip(rows, old, strict=True)) if runs != last
        )
        if not (whole or changed or before is None or before.cursor != screen.cursor):
            return None
        return ShowTerminal(
            columns=min(screen.columns, MAX_COLUMNS),
            rows=len(rows),
            changed=changed,
            cursor=_cursor_of(screen, len(rows)),
            whole=whole,
        )

    def _parse(self, rows: Sequence[str]) -> list[tuple[Run, ...]]:
        """Rows that were there before, perhaps elsewhere, are not parsed again."""
        known = self._parsed
        self._parsed = {raw: known[raw] if raw in known else parse_row(raw) for raw in rows}
        return [self._parsed[raw] for raw in rows]


def _cursor_of(screen: StyledScreen, rows: int) -> Cursor | None:
    if screen.cursor is None:
        return None
    x, y = screen.cursor
    return Cursor(x, y) if 0 <= x < MAX_COLUMNS and 0 <= y < rows else None


def parse_row(raw: str) -> tuple[Run, ...]:
    """The runs of a row, within the bounds that the protocol sets."""
    runs = _without_blank_end(list(_runs_of(raw)))
    if len(runs) > MAX_RUNS_PER_ROW:
        rest = "".join(one.text for one in runs[MAX_RUNS_PER_ROW - 1 :])
        runs = [*runs[: MAX_RUNS_PER_ROW - 1], Run(rest)]
    if sum(len(one.text) for one in runs) > MAX_ROW_CHARS or _is_too_large(runs):
        runs = [Run("".join(one.text for one in runs)[: min(MAX_ROW_CHARS, MAX_ROW_BYTES // 8)])]
    return tuple(runs)


def _is_too_large(runs: Sequence[Run]) -> bool:
    """Whether the row takes too many bytes. A row is nearly always so small that nothing needs to be encoded."""
    most = sum(len(one.text) for one in runs) * 6 + len(runs) * MAX_RUN_OVERHEAD_BYTES
    return most > MAX_ROW_BYTES and len(msgspec.json.encode(runs)) > MAX_ROW_BYTES


def _runs_of(raw: str) -> Iterator[Run]:
    codes: tuple[str, ...] = ()
    pieces = _STYLE_SEQUENCE.split(raw)
    for at in range(0, len(pieces), 2):
        if at:
            code = pieces[at - 1]
            codes = () if code in ("", "0") else (*codes, code)
        if pieces[at]:
            style = _style_of(codes)
            text = " " * _cells_of(pieces[at]) if _HIDDEN in codes else visible_text(pieces[at])
            yield Run(text, **style)


@lru_cache(maxsize=512)
def _style_of(codes: tuple[str, ...]) -> dict[str, Any]:
    """The fields of a run with these codes. Codes that only a real terminal can show are left out."""
    style: dict[str, Any] = {}
    for code in codes:
        parts = code.split(";")
        name = parts[0].partition(":")[0]
        if name in _GROUND and len(parts) == 3:
            style[_GROUND[name]] = int(parts[2])
        elif name in _GROUND and len(parts) == 5:
            red, green, blue = (int(one) for one in parts[2:])
            style[_GROUND[name]] = RGB + (red << 16) + (green << 8) + blue
        elif name in _ATTRIBUTES and code != "4:0":
            style[_ATTRIBUTES[name]] = True
        elif name.isdigit() and len(parts) == 1 and (first := _FIRST_CODES.get(int(name) // 10)) and int(name) % 10 < 8:
            style[first[0]] = first[1] + int(name) % 10
    return style


def visible_text(text: str) -> str:
    """The text as a watcher gets it: no control character, nothing invisible, and few marks on each character."""
    if text.isascii() and text.isprintable():
        return text
    return _with_few_marks(printable_line(text.translate(_OTHERWISE_TOO_NARROW)))


def _cells_of(text: str) -> int:
    """How many cells of the grid the text takes."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text if not _is_mark(one))


def _is_mark(one: str) -> bool:
    return unicodedata.category(one) in ("Mn", "Me", "Mc", "Cf")


def _with_few_marks(text: str) -> str:
    """Letters may carry marks, and pictures may be joined; a cell that holds hundreds of them is no text."""
    kept, marks = list[str](), 0
    for one in text:
        marks = marks + 1 if _is_mark(one) else 0
        if marks <= MAX_MARKS_PER_CELL:
            kept.append(one)
    return "".join(kept)


def _without_blank_end(runs: list[Run]) -> list[Run]:
    """Blanks at the end are nothing, unless their style can be seen."""
    while runs and not (runs[-1].bg is not None or runs[-1].reverse or runs[-1].underline or runs[-1].strike):
        text = runs[-1].text.rstrip(" ")
        if text:
            runs[-1] = msgspec.structs.replace(runs[-1], text=text) if text != runs[-1].text else runs[-1]
            break
        runs.pop()
    return runs
