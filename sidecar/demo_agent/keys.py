"""Turns bytes from a terminal into keys, typed text and pastes."""

import codecs
import re
from dataclasses import dataclass
from enum import Enum


class Key(Enum):
    ENTER = "\r"
    ESCAPE = "\x1b"
    BACKSPACE = "\x7f"
    UP = "\x1b[A"
    DOWN = "\x1b[B"
    CTRL_C = "\x03"
    CTRL_J = "\n"
    CTRL_S = "\x13"
    CTRL_U = "\x15"


@dataclass(frozen=True, slots=True)
class TypedInput:
    text: str


@dataclass(frozen=True, slots=True)
class PastedInput:
    text: str


Input = Key | TypedInput | PastedInput

_PASTE_BEGIN, _PASTE_END = "\x1b[200~", "\x1b[201~"
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|O|\][^\x07\x1b]*\x1b?)?\Z")
_PLAIN = re.compile(r"[^\x00-\x1f\x7f]+")
_KEYS = {key.value: key for key in Key} | {"\x08": Key.BACKSPACE, "\x1bOA": Key.UP, "\x1bOB": Key.DOWN}


class KeyParser:
    """Keeps incomplete input: half a character, half a sequence, a paste without its end."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    @property
    def waiting(self) -> bool:
        """An Escape may be a key of its own: only silence tells."""
        return bool(self._rest) and not self._rest.startswith(_PASTE_BEGIN)

    def feed(self, data: bytes) -> list[Input]:
        self._rest += self._decoder.decode(data)
        return self._take(final=False)

    def flush(self) -> list[Input]:
        return self._take(final=True)

    def _take(self, *, final: bool) -> list[Input]:
        inputs: list[Input] = []
        while self._rest:
            if self._rest.startswith(_PASTE_BEGIN):
                text, end, after = self._rest.removeprefix(_PASTE_BEGIN).partition(_PASTE_END)
                if not end:
                    break
                inputs.append(PastedInput(text))
                self._rest = after
            elif not final and _UNFINISHED.match(self._rest):
                break
            elif (one := self._take_one()) is not None:
                inputs.append(one)
        return inputs

    def _take_one(self) -> Input | None:
        plain = _PLAIN.match(self._rest)
        token = plain or _SEQUENCE.match(self._rest)
        text = token.group() if token else self._rest[0]
        self._rest = self._rest[len(text) :]
        return TypedInput(text) if plain else _KEYS.get(text)
