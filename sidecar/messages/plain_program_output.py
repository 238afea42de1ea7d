"""The output of a plain program in one turn, as its reader sees it, and the commands in it.

The bytes go through a terminal emulator that is as tall as needed. Then the typed text and the next prompt are removed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.protocol.text.inline_commands import (
    MODE_STATUS_COMMAND,
    QUERY_LOG_COMMAND,
    SEND_COMMAND,
    TO_EVERYONE,
    WORKING_COMMAND,
)
from sidecar.messages.envelope import clean_text, is_same_text
from sidecar.screen.emulator import Screen

MAX_ROWS, MAX_COLUMNS = 1000, 500
MAX_OUTPUT_BYTES = 1 << 20
MAX_HISTORY_MESSAGES = 200


@dataclass(frozen=True)
class SayCommand:
    """A command line in the output: say something to one member or, with an empty `to`, to everyone."""

    to: str
    text: str


@dataclass(frozen=True)
class HistoryCommand:
    """A command line that asks for the last messages of the room."""

    count: int


@dataclass(frozen=True)
class ModeStatusCommand:
    """A command line that asks which mode runs in the room, and whose turn it is."""


OutputCommand = SayCommand | HistoryCommand | ModeStatusCommand
_ALL_COMMAND = re.compile(re.escape(TO_EVERYONE) + r"\s+(?P<text>\S.*)")
_SEND_COMMAND = re.compile(re.escape(SEND_COMMAND) + r"(?P<to>[A-Za-z0-9_][A-Za-z0-9_.-]*)\s+(?P<text>\S.*)")
_WORKING_COMMAND = re.compile(re.escape(WORKING_COMMAND) + r"(?:\s.*)?")
_STATUS_COMMAND = re.compile(re.escape(MODE_STATUS_COMMAND) + r"\s*")
_HISTORY_COMMAND = re.compile(re.escape(QUERY_LOG_COMMAND) + r"(?:\s+(?P<count>\d{1,4}))?\s*")


def output_command_in(line: str) -> OutputCommand | None:
    """Only a whole line counts, from its first column. `@working note` is posted unchanged, because the room knows what
    it means."""
    if match := _ALL_COMMAND.fullmatch(line):
        return SayCommand("", match["text"])
    if match := _SEND_COMMAND.fullmatch(line):
        return SayCommand(match["to"], match["text"])
    if _WORKING_COMMAND.fullmatch(line):
        return SayCommand("", line)
    if _STATUS_COMMAND.fullmatch(line):
        return ModeStatusCommand()
    if match := _HISTORY_COMMAND.fullmatch(line):
        return HistoryCommand(min(int(match["count"] or 20), MAX_HISTORY_MESSAGES))
    return None


def output_commands_in(text: str, heard: str) -> list[OutputCommand]:
    """A line of the message that the program only shows again is not a command."""
    echoed = {line.strip() for line in heard.split("\n")}
    found = (output_command_in(line.rstrip()) for line in text.split("\n") if line.strip() not in echoed)
    return [one for one in found if one is not None]


def no_row(_: str) -> bool:
    return False


def printed_text(
    rows: Sequence[str], typed: str, is_prompt: Callable[[str], bool], is_end: Callable[[str], bool] = no_row
) -> str:
    """The rows without the typed text at the beginning, and without what stands at the end: the mark of the turn's end,
    and the prompt."""
    rows = [row.rstrip() for row in rows]
    for is_no_output in (is_prompt, is_end):
        while rows and not rows[-1]:
            rows.pop()
        if rows and is_no_output(rows[-1]):
            rows.pop()
    return "\n".join(_rows_after_echo(typed, rows)).strip("\n")


def _rows_after_echo(typed: str, rows: list[str]) -> list[str]:
    for count in range(1, len(rows) + 1):
        head = "".join(rows[:count])
        if is_same_text(head, typed):
            return rows[count:]
        if len("".join(head.split())) > len("".join(typed.split())):
            break
    return rows


def unwrap_rows(rows: Sequence[str], columns: int) -> list[str]:
    """A row that reaches the edge continues in the next one."""
    lines: list[str] = []
    goes_on = False
    for row in rows:
        lines[-1:] = [lines[-1] + row] if goes_on else [*lines[-1:], row]
        goes_on = len(row.rstrip()) >= columns
    return lines


class PlainTurn:
    """One turn: the text typed after a prompt, and all output until the program waits again. Its emulator is as wide as
    the real terminal and begins with the prompt, because a line editor draws relative to both."""

    def __init__(self, prompt: str, typed: str, columns: int) -> None:
        self.typed, self._columns = prompt + typed, columns
        self._screen = Screen(columns, MAX_ROWS)
        self._screen.feed(prompt.encode())
        self._left = MAX_OUTPUT_BYTES

    def feed(self, data: bytes) -> None:
        if self._left > 0:
            self._screen.feed(data[: self._left])
            self._left -= len(data)

    def end(self, is_prompt: Callable[[str], bool], is_end: Callable[[str], bool]) -> str:
        """Empty for a program that took the whole screen: that is a picture, not output."""
        picture = self._screen.picture()
        self._screen.close()
        rows = unwrap_rows(picture.rows, self._columns)
        text = "" if picture.alternate else clean_text(printed_text(rows, self.typed, is_prompt, is_end))
        return text if self._left > 0 else f"{text}\n[...]"


class PlainTurns:
    """Listens to a program that has neither hooks nor transcript, one turn at a time."""

    def __init__(
        self,
        is_prompt: Callable[[str], bool],
        columns: Callable[[], int] = lambda: MAX_COLUMNS,
        is_end: Callable[[str], bool] = no_row,
    ) -> None:
        self._is_prompt, self._columns, self._is_end = is_prompt, columns, is_end
        self._turn: PlainTurn | None = None

    @property
    def listens(self) -> bool:
        return self._turn is not None

    def begin(self, typed: str, prompt: str = "") -> None:
        self.end()
        self._turn = PlainTurn(prompt, typed, self._columns())

    def feed(self, data: bytes) -> None:
        if self._turn:
            self._turn.feed(data)

    def end(self) -> str:
        turn, self._turn = self._turn, None
        return turn.end(self._is_prompt, self._is_end) if turn else ""


def strip_commands(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if output_command_in(line.rstrip()) is None).strip("\n")
