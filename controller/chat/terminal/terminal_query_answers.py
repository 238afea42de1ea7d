"""Keeps what a terminal answers apart from what a person types, also when the answer comes late.

A slow terminal, or one behind a slow line, may answer after the chat has begun to read keys. Nobody has typed that
answer, so it must not stand in the composer, where it would be sent, or keep Ctrl-D from leaving.
"""

from __future__ import annotations

import re
from typing import TextIO

from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.key_binding import KeyPress

MAX_ANSWER_CHARS = 100
_KIND = re.compile(r"\x1b\[\?[\d;]*c")
_ANSWER = re.compile(r"\x1b\]11;[^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[\?[\d;]*c")
_BEGUN = re.compile(r"\x1b(?:\](?:1(?:1(?:;[^\x07\x1b]*\x1b?)?)?)?|\[(?:\?[\d;]*)?)?\Z")
_KEYS_THAT_BEGIN_ALIKE = ("\x1b", "\x1b]", "\x1b[")  # Escape, Alt-] and Alt-[


class TerminalAnswers:
    """`complete`: the last answer has come, so all that follows is typed."""

    def __init__(self) -> None:
        self.complete = False
        self._begun = ""

    def typed(self, received: str) -> str:
        """What of it was typed. The beginning of an answer is kept until its rest comes."""
        text, self._begun = self._begun + received, ""
        if self.complete:
            return text
        self.complete = _KIND.search(text) is not None
        text = _ANSWER.sub("", text)
        begun = None if self.complete else _BEGUN.search(text)
        if begun is None or len(begun[0]) > MAX_ANSWER_CHARS:
            return text
        self._begun = begun[0]
        return text[: begun.start()]

    def typed_after_pause(self) -> str:
        """No more has come for a while: what could also be a key is a key."""
        if self._begun not in _KEYS_THAT_BEGIN_ALIKE:
            return ""
        key, self._begun = self._begun, ""
        return key


class InputWithoutAnswers(Vt100Input):
    """The terminal's input without its answers."""

    def __init__(self, stdin: TextIO, answers: TerminalAnswers) -> None:
        super().__init__(stdin)
        self._answers = answers

    def read_keys(self) -> list[KeyPress]:
        self.vt100_parser.feed(self._answers.typed(self.stdin_reader.read()))
        keys, self._buffer = self._buffer, []
        return keys

    def flush_keys(self) -> list[KeyPress]:
        self.vt100_parser.feed(self._answers.typed_after_pause())
        return super().flush_keys()
