"""Turns bytes into a picture of the terminal. The only file that uses the emulator library."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sidecar.screen.emulator_library import (
    GhosttyError,
    Terminal,
    check,
    ffi,
    init_sized,
    lib,
    read_buf,
    union_fn,
)
from sidecar.screen.styled_rows import StyledScreen, is_blank

BRACKETED_PASTE_MODE = 2004
SYNCHRONIZED_MODE = 2026
ENABLE_CLUSTERS = b"\x1b[?2027h"  # joined emoji take two cells, as agents count; otherwise the rest of a row shifts
SCROLLBACK_ROWS = 10_000  # unused, but without it the emulator moves every row for each new line


@dataclass(frozen=True)
class ScreenSnapshot:
    """What a person would see. `dim` holds the rows that begin with a mark and continue in faint print: a placeholder.
    `unfinished`: the agent has begun a synchronized update and not ended it."""

    rows: tuple[str, ...]
    columns: int
    cursor: tuple[int, int] = (0, 0)
    cursor_visible: bool = True
    bracketed_paste: bool = False
    alternate: bool = False
    dim: frozenset[int] = frozenset()
    unfinished: bool = False


class _CellReader:
    """Reads cells through calls whose C values are created once. The binding would create them for each call, which
    takes longer than the rest of a look."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal._t[0]
        self._number, self._flag = ffi.new("uint16_t*"), ffi.new("bool*")
        self._screen, self._mode = ffi.new("int*"), ffi.new("GhosttyTerminalModeConfig*")
        self._point, self._ref = ffi.new("GhosttyPointS*"), init_sized("GhosttyGridRef")
        self._point.tag = lib.GHOSTTY_POINT_TAG_ACTIVE
        self._style = init_sized("GhosttyStyle")
        self._selection = init_sized("GhosttySelection")
        self._options = init_sized("GhosttyTerminalSelectionFormatOptions")
        self._options.trim = True
        self._options.selection = self._selection
        self._size, self._buffer = ffi.new("size_t*"), ffi.new("uint8_t[]", 1 << 15)
        self._cell, self._tag = ffi.new("GhosttyCell*"), ffi.new("int*")
        self._palette, self._rgb = ffi.new("uint8_t*"), ffi.new("GhosttyColorRgb*")
        self._find = union_fn(
            "ghostty_terminal_grid_ref", "GhosttyResult(*)(GhosttyTerminal, GhosttyPointS, GhosttyGridRef*)"
        )

    def text(self, columns: int, rows: int) -> str:
        self._options.emit = lib.GHOSTTY_FORMATTER_FORMAT_PLAIN
        return self._formatted(columns, rows)

    def styled_text(self, columns: int, rows: int) -> str:
        """The text with the sequences for its styles. Each row begins and ends without a style."""
        self._options.emit = lib.GHOSTTY_FORMATTER_FORMAT_VT
        _palette, _end, body = self._formatted(columns, rows).rpartition("\x1b\\")
        return body

    def _formatted(self, columns: int, rows: int) -> str:
        self._selection.start = self._at(0, 0)[0]
        self._selection.end = self._at(columns - 1, rows - 1)[0]
        if self._format() == lib.GHOSTTY_OUT_OF_SPACE:
            self._buffer = ffi.new("uint8_t[]", 2 * self._size[0])
            check(self._format(), "format")
        return bytes(ffi.buffer(self._buffer, self._size[0])).decode()

    def _format(self) -> Any:
        buffer = self._buffer
        return lib.ghostty_terminal_selection_format_buf(
            self._terminal, self._options[0], buffer, len(buffer), self._size
        )

    def _at(self, x: int, y: int) -> Any:
        self._point.value.x, self._point.value.y = x, y
        check(self._find(self._terminal, self._point[0], self._ref), "grid_ref")
        return self._ref

    def is_faint(self, x: int, y: int) -> tuple[bool, bool]:
        """Whether a cell is in faint print, and whether it is inverse."""
        check(lib.ghostty_grid_ref_style(self._at(x, y), self._style), "style")
        return bool(self._style.faint), bool(self._style.inverse)

    def erased_color(self, y: int) -> str:
        """The sequence for the colour in which a blank row was erased; empty if it has none. The emulator leaves it
        out of its text."""
        self._at(0, y)
        check(lib.ghostty_grid_ref_cell(self._ref, self._cell), "cell")
        self._get_of_cell(lib.GHOSTTY_CELL_DATA_CONTENT_TAG, self._tag)
        if self._tag[0] == lib.GHOSTTY_CELL_CONTENT_BG_COLOR_PALETTE:
            self._get_of_cell(lib.GHOSTTY_CELL_DATA_COLOR_PALETTE, self._palette)
            return f"\x1b[48;5;{self._palette[0]}m"
        if self._tag[0] == lib.GHOSTTY_CELL_CONTENT_BG_COLOR_RGB:
            self._get_of_cell(lib.GHOSTTY_CELL_DATA_COLOR_RGB, self._rgb)
            return f"\x1b[48;2;{self._rgb.r};{self._rgb.g};{self._rgb.b}m"
        return ""

    def _get_of_cell(self, key: Any, out: Any) -> None:
        check(lib.ghostty_cell_get(self._cell[0], key, out), "cell_get")

    def mode(self, number: int) -> bool:
        self._mode.mode = number
        check(lib.ghostty_terminal_get(self._terminal, lib.GHOSTTY_TERMINAL_DATA_MODE, self._mode), "mode")
        return bool(self._mode.value)

    def cursor(self) -> tuple[int, int]:
        return self._get(lib.GHOSTTY_TERMINAL_DATA_CURSOR_X), self._get(lib.GHOSTTY_TERMINAL_DATA_CURSOR_Y)

    def _get(self, key: Any) -> int:
        check(lib.ghostty_terminal_get(self._terminal, key, self._number), "get")
        return int(self._number[0])

    def cursor_visible(self) -> bool:
        key = lib.GHOSTTY_TERMINAL_DATA_CURSOR_VISIBLE
        check(lib.ghostty_terminal_get(self._terminal, key, self._flag), "get")
        return bool(self._flag[0])

    def alternate(self) -> bool:
        key = lib.GHOSTTY_TERMINAL_DATA_ACTIVE_SCREEN
        check(lib.ghostty_terminal_get(self._terminal, key, self._screen), "get")
        return bool(self._screen[0])


def _ignore_reply(_: bytes) -> None:
    """Drops the emulator's answers when nobody needs them."""


# What a program may switch on and, when it is killed, leave on: mouse, focus, pasting, application keys
_MODES_LEFT_ON = (1000, 1002, 1003, 1006, 1004, 2004, 1)


class Screen:
    """A terminal emulator that no person sees. `reply` gets a terminal's answers to queries, unless a real terminal
    answers. An emulator that fails is replaced by a new one: the agent repaints sooner or later, and until then no rule
    matches."""

    def __init__(
        self, columns: int, rows: int, reply: Callable[[bytes], None] = _ignore_reply, marks: str = ""
    ) -> None:
        self._size = (max(columns, 1), max(rows, 1))
        self._reply = reply
        self._marks = marks
        self.failures = 0
        self._terminal = self._new()

    def feed(self, data: bytes) -> None:
        try:
            self._terminal.feed(data)
        except GhosttyError:
            self._restart()

    def resize(self, columns: int, rows: int) -> None:
        self._size = (max(columns, 1), max(rows, 1))
        try:
            self._terminal.resize(*self._size)
        except GhosttyError:
            self._restart()

    @property
    def size(self) -> tuple[int, int]:
        return self._size

    @property
    def at_ground(self) -> bool:
        """Whether no escape sequence is unfinished, so that one of ours may be inserted."""
        return bool(self._terminal.get("vt_ground", "bool"))

    def warm_up(self) -> None:
        """Each call once."""
        self.picture()
        self.painted()
        self.give_back()
        self._is_dim(0)

    def give_back(self) -> bytes:
        """The bytes that reset the terminal for the shell; empty if the program has left it clean."""
        out = [f"\x1b[?{mode}l" for mode in _MODES_LEFT_ON if self._terminal.mode(mode)]
        if self._terminal.get("kitty_keyboard_flags", "uint8_t"):
            out.append("\x1b[<u")
        if self._terminal.get("active_screen", "int"):
            out.append("\x1b[?1049l")
        if not self._terminal.get("cursor_visible", "bool"):
            out.append("\x1b[?25h")
        return ("".join([*out, "\x1b[0m"]) if out else "").encode()

    def painted(self) -> bytes:
        """The bytes that make an empty terminal of this size look like this one, with its modes."""
        terminal = self._terminal
        options = init_sized("GhosttyFormatterTerminalOptions")
        options.emit, options.trim = lib.GHOSTTY_FORMATTER_FORMAT_VT, True
        selection = init_sized("GhosttySelection")
        columns, rows = terminal.size
        selection.start, selection.end = terminal.ref(0, 0)[0], terminal.ref(columns - 1, rows - 1)[0]
        options.selection = selection
        options.extra.modes = options.extra.scrolling_region = options.extra.keyboard = True
        options.extra.screen.cursor = options.extra.screen.style = options.extra.screen.kitty_keyboard = True
        formatter = ffi.new("GhosttyFormatter*")
        check(lib.ghostty_formatter_terminal_new(ffi.NULL, formatter, terminal._t[0], options[0]), "formatter_new")
        try:
            text = read_buf(lambda buf, size, n: lib.ghostty_formatter_format_buf(formatter[0], buf, size, n))
        finally:
            lib.ghostty_formatter_free(formatter[0])
        return str(text).encode()

    def picture(self) -> ScreenSnapshot:
        try:
            return self._picture()
        except (GhosttyError, UnicodeDecodeError):
            self._restart()
            return ScreenSnapshot(("",) * self._size[1], self._size[0])

    def _picture(self) -> ScreenSnapshot:
        lens, (columns, height) = self._lens, self._size
        rows = lens.text(columns, height).split("\n")
        rows += [""] * (height - len(rows))
        return ScreenSnapshot(
            rows=tuple(rows),
            columns=columns,
            cursor=lens.cursor(),
            cursor_visible=lens.cursor_visible(),
            bracketed_paste=lens.mode(BRACKETED_PASTE_MODE),
            alternate=lens.alternate(),
            dim=self._dim_rows(rows),
            unfinished=lens.mode(SYNCHRONIZED_MODE),
        )

    def styled(self) -> StyledScreen:
        """The rows with their styles, for people who watch."""
        try:
            return self._styled()
        except (GhosttyError, UnicodeDecodeError):
            self._restart()
            return StyledScreen(("",) * self._size[1], self._size[0])

    def _styled(self) -> StyledScreen:
        lens, (columns, height) = self._lens, self._size
        rows = lens.styled_text(columns, height).split("\r\n")
        rows += [""] * (height - len(rows))
        rows = [self._erased_row(y) if is_blank(row) else row for y, row in enumerate(rows)]
        cursor = lens.cursor() if lens.cursor_visible() else None
        return StyledScreen(tuple(rows), columns, cursor, lens.mode(SYNCHRONIZED_MODE))

    def _erased_row(self, y: int) -> str:
        color = self._lens.erased_color(y)
        return color and color + " " * self._size[0]

    def _dim_rows(self, rows: list[str]) -> frozenset[int]:
        """Only the lowest marked row can be the input row; reading cells is expensive."""
        for y in range(len(rows) - 1, -1, -1):
            if self._marks and rows[y][:1] in self._marks and rows[y][:1] and rows[y][2:].strip():
                return frozenset({y}) if self._is_dim(y) else frozenset()
        return frozenset()

    def _is_dim(self, y: int) -> bool:
        (faint, inverse), (next_faint, _) = self._lens.is_faint(2, y), self._lens.is_faint(3, y)
        return faint or (inverse and next_faint)

    def _new(self) -> Terminal:
        terminal = Terminal(*self._size, scrollback=SCROLLBACK_ROWS)
        terminal.on_reply(self._reply)
        terminal.feed(ENABLE_CLUSTERS)
        self._lens = _CellReader(terminal)
        return terminal

    def _restart(self) -> None:
        self.failures += 1
        self._terminal.close()
        self._terminal = self._new()

    def close(self) -> None:
        self._terminal.close()


def rehearse(columns: int, rows: int) -> None:
    """The binding parses the types of a call at its first use, which takes 20 ms each. Doing it early saves the first
    keys from waiting."""
    screen = Screen(columns, rows)
    screen.warm_up()
    screen.close()
