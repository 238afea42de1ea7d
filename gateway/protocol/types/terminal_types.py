"""A terminal's screen as data: rows of styled text. What a program printed is only text here: no control character
passes, and rows, runs and characters are bounded."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

MAX_COLUMNS = 500
MAX_ROWS = 200
MAX_RUNS_PER_ROW = 200
MAX_ROW_CHARS = 2000
MAX_ROW_BYTES = 16 * 1024  # as JSON; a whole picture then fits into one frame
RGB = 0x1000000  # added to a colour of 24 bits; smaller numbers are those of the terminal's palette

Color = Annotated[int, Meta(ge=0, le=RGB + 0xFFFFFF)]
Columns = Annotated[int, Meta(ge=1, le=MAX_COLUMNS)]
Height = Annotated[int, Meta(ge=1, le=MAX_ROWS)]
X = Annotated[int, Meta(ge=0, le=MAX_COLUMNS - 1)]
Y = Annotated[int, Meta(ge=0, le=MAX_ROWS - 1)]


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """Neighbouring cells of one style. `fg` and `bg` are colours: below 256 one of a terminal's palette, of which a
    viewer chooses the first 16; otherwise 16777216 more than the colour's 24 bits. Without one, it is the viewer's."""

    text: Annotated[str, Meta(max_length=MAX_ROW_CHARS)]
    fg: Color | None = None
    bg: Color | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    reverse: bool = False


class ScreenRow(msgspec.Struct, frozen=True):
    """One row of a screen, counted from 0 at the top. What is right of its runs is blank."""

    y: Y
    runs: Annotated[tuple[Run, ...], Meta(max_length=MAX_RUNS_PER_ROW)]


ChangedRows = Annotated[tuple[ScreenRow, ...], Meta(max_length=MAX_ROWS)]


class Cursor(msgspec.Struct, frozen=True):
    x: X
    y: Y


class WatchState(StrEnum):
    """What a watcher may expect: pictures (`live`), pictures once there are some (`waiting`), or none (`ended`)."""

    LIVE = "live"
    WAITING = "waiting"
    ENDED = "ended"
