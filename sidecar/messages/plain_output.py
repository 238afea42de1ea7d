"""What a plain program printed in a turn, as its reader would see it, and the commands in it.

The bytes go through a terminal of their own, as tall as needed; then what was typed and the next prompt are taken away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.protocol.text.inline_commands import MODE_STATUS, QUERY_LOG, TO_EVERYONE, TO_ONE, WORKING
from sidecar.messages.envelope import clean, same_text
from sidecar.screen.emulator import Screen

TALLEST, WIDEST = 1000, 500
LONGEST = 1 << 20
MOST_QUERIED = 200


@dataclass(frozen=True)
class Said:
    """A line of the output that is a command: something to say, to one member or to everyone (`to` is empty)."""

    to: str
    text: str


@dataclass(frozen=True)
class Asked:
    """A line that asks for the last messages of the room."""

    count: int


@dataclass(frozen=True)
class Wondered:
    """A line that asks which mode runs in the room, and who has the turn."""


Command = Said | Asked | Wondered
_ALL = re.compile(re.escape(TO_EVERYONE) + r"\s+(?P<text>\S.*)")
_SEND = re.compile(re.escape(TO_ONE) + r"(?P<to>[A-Za-z0-9_][A-Za-z0-9_.-]*)\s+(?P<text>\S.*)")
_WORKING = re.compile(re.escape(WORKING) + r"(?:\s.*)?")
_STATUS = re.compile(re.escape(MODE_STATUS) + r"\s*")
_QUERY = re.compile(re.escape(QUERY_LOG) + r"(?:\s+(?P<count>\d{1,4}))?\s*")


def command_in(line: str) -> Command | None:
    """Only a whole line, from its first column on. `@working note` is said as it is: the room knows what it means."""
    if match := _ALL.fullmatch(line):
        return Said("", match["text"])
    if match := _SEND.fullmatch(line):
        return Said(match["to"], match["text"])
    if _WORKING.fullmatch(line):
        return Said("", line)
    if _STATUS.fullmatch(line):
        return Wondered()
    if match := _QUERY.fullmatch(line):
        return Asked(min(int(match["count"] or 20), MOST_QUERIED))
    return None


def commands_in(text: str, heard: str) -> list[Command]:
    """Never a line of the message itself that the program merely shows again."""
    echoed = {line.strip() for line in heard.split("\n")}
    found = (command_in(line.rstrip()) for line in text.split("\n") if line.strip() not in echoed)
    return [one for one in found if one is not None]


def printed(rows: Sequence[str], typed: str, is_prompt: Callable[[str], bool]) -> str:
    """The rows without what was typed at their beginning and the prompt at their end."""
    rows = [row.rstrip() for row in rows]
    while rows and not rows[-1]:
        rows.pop()
    if rows and is_prompt(rows[-1]):
        rows.pop()
    return "\n".join(_after(typed, rows)).strip("\n")


def _after(typed: str, rows: list[str]) -> list[str]:
    for count in range(1, len(rows) + 1):
        head = "".join(rows[:count])
        if same_text(head, typed):
            return rows[count:]
        if len("".join(head.split())) > len("".join(typed.split())):
            break
    return rows


def unwrapped(rows: Sequence[str], columns: int) -> list[str]:
    """A row that reaches the edge goes on in the next one."""
    lines: list[str] = []
    goes_on = False
    for row in rows:
        lines[-1:] = [lines[-1] + row] if goes_on else [*lines[-1:], row]
        goes_on = len(row.rstrip()) >= columns
    return lines


class Listening:
    """One turn: what was typed after which prompt, and all that is printed until the program waits again. Its terminal
    is as wide as the real one and begins with the prompt, for a line editor draws by both."""

    def __init__(self, prompt: str, typed: str, columns: int) -> None:
        self.typed, self._columns = prompt + typed, columns
        self._screen = Screen(columns, TALLEST)
        self._screen.feed(prompt.encode())
        self._left = LONGEST

    def feed(self, data: bytes) -> None:
        if self._left > 0:
            self._screen.feed(data[: self._left])
            self._left -= len(data)

    def end(self, is_prompt: Callable[[str], bool]) -> str:
        """Nothing of a program that took the whole screen: that is a picture, not an output."""
        picture = self._screen.picture()
        self._screen.close()
        rows = unwrapped(picture.rows, self._columns)
        text = "" if picture.alternate else clean(printed(rows, self.typed, is_prompt))
        return text if self._left > 0 else f"{text}\n[...]"


class PlainTurns:
    """Listens to a program that has neither hooks nor transcript, one turn at a time."""

    def __init__(self, is_prompt: Callable[[str], bool], columns: Callable[[], int] = lambda: WIDEST) -> None:
        self._is_prompt, self._columns = is_prompt, columns
        self._turn: Listening | None = None

    @property
    def listens(self) -> bool:
        return self._turn is not None

    def begin(self, typed: str, prompt: str = "") -> None:
        self.end()
        self._turn = Listening(prompt, typed, self._columns())

    def feed(self, data: bytes) -> None:
        if self._turn:
            self._turn.feed(data)

    def end(self) -> str:
        turn, self._turn = self._turn, None
        return turn.end(self._is_prompt) if turn else ""


def without_commands(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if command_in(line.rstrip()) is None).strip("\n")
