"""Bytes in, a picture of the terminal out. The only file that knows the emulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyghostty import GhosttyError, Terminal
from pyghostty._ffi import check, ffi, lib
from pyghostty.core import init_sized, read_buf

BRACKETED_PASTE = 2004
SYNCHRONIZED = 2026
CLUSTERS = b"\x1b[?2027h"  # a joined emoji takes two cells, as the agents count; else rows shift behind each one
SCROLLBACK = 10_000  # nobody looks at it, but without one the emulator moves every row for each new line


@dataclass(frozen=True)
class Picture:
    """What a person would see. `dim` holds the rows that begin with a mark and go on in faint print: a placeholder.
    `unfinished` says that the agent has begun a synchronized update and not ended it."""

    rows: tuple[str, ...]
    columns: int
    cursor: tuple[int, int] = (0, 0)
    cursor_visible: bool = True
    bracketed_paste: bool = False
    alternate: bool = False
    dim: frozenset[int] = frozenset()
    unfinished: bool = False


def _ignore(_: bytes) -> None:
    """Where nobody asked for the emulator's answers."""


# What a program may switch on and, when it is killed, leave on: mouse, focus, pasting, application keys
_LEFT_ON = (1000, 1002, 1003, 1006, 1004, 2004, 1)


class Screen:
    """A terminal nobody looks at. `reply` gets what a terminal would answer to queries; a real one answers itself.

    An emulator that fails is started anew: the agent repaints sooner or later, and until then no rule matches.
    """

    def __init__(self, columns: int, rows: int, reply: Callable[[bytes], None] = _ignore, marks: str = "") -> None:
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
        """Whether no sequence is half written, so that one of ours may come between."""
        return bool(self._terminal.get("vt_ground", "bool"))

    def rehearse(self) -> None:
        """The binding parses the types of a call at its first use: 20 ms each that no key shall wait for."""
        self.picture()
        self.painted()
        self.give_back()
        self._is_dim(0)

    def give_back(self) -> bytes:
        """What makes the terminal a shell's again; nothing if the program has left it so."""
        out = [f"\x1b[?{mode}l" for mode in _LEFT_ON if self._terminal.mode(mode)]
        if self._terminal.get("kitty_keyboard_flags", "uint8_t"):
            out.append("\x1b[<u")
        if self._terminal.get("active_screen", "int"):
            out.append("\x1b[?1049l")
        if not self._terminal.get("cursor_visible", "bool"):
            out.append("\x1b[?25h")
        return ("".join([*out, "\x1b[0m"]) if out else "").encode()

    def painted(self) -> bytes:
        """What makes an empty terminal of this size look like this one, its modes included."""
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

    def picture(self) -> Picture:
        try:
            return self._picture()
        except (GhosttyError, UnicodeDecodeError):
            self._restart()
            return Picture(("",) * self._size[1], self._size[0])

    def _picture(self) -> Picture:
        terminal, (columns, height) = self._terminal, self._size
        rows = terminal.text().split("\n")
        rows += [""] * (height - len(rows))
        return Picture(
            rows=tuple(rows),
            columns=columns,
            cursor=terminal.cursor,
            cursor_visible=bool(terminal.get("cursor_visible", "bool")),
            bracketed_paste=terminal.mode(BRACKETED_PASTE),
            alternate=bool(terminal.get("active_screen", "int")),
            dim=self._dim_rows(rows),
            unfinished=terminal.mode(SYNCHRONIZED),
        )

    def _dim_rows(self, rows: list[str]) -> frozenset[int]:
        """Only the lowest marked row can be the one typed into; looking at cells is dear."""
        for y in range(len(rows) - 1, -1, -1):
            if self._marks and rows[y][:1] in self._marks and rows[y][:1] and rows[y][2:].strip():
                return frozenset({y}) if self._is_dim(y) else frozenset()
        return frozenset()

    def _is_dim(self, y: int) -> bool:
        first, second = self._terminal.style(2, y), self._terminal.style(3, y)
        return bool(first["faint"] or (first["inverse"] and second["faint"]))

    def _new(self) -> Terminal:
        terminal = Terminal(*self._size, scrollback=SCROLLBACK)
        terminal.on_reply(self._reply)
        terminal.feed(CLUSTERS)
        return terminal

    def _restart(self) -> None:
        self.failures += 1
        self._terminal.close()
        self._terminal = self._new()

    def close(self) -> None:
        self._terminal.close()
