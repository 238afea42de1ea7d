"""The input box: a draft whose long pastes are shown as placeholders."""

import re
from dataclasses import dataclass

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class ComposerPiece:
    shown: str
    real: str


class InputBox:
    def __init__(self) -> None:
        self._pieces: list[ComposerPiece] = []
        self._stash: list[ComposerPiece] = []
        self._pastes = 0

    @property
    def shown(self) -> str:
        return "".join(piece.shown for piece in self._pieces)

    @property
    def text(self) -> str:
        return "".join(piece.real for piece in self._pieces)

    @property
    def empty(self) -> bool:
        return not self._pieces

    @property
    def stashed(self) -> bool:
        return bool(self._stash)

    def type(self, text: str) -> None:
        self._pieces += [ComposerPiece(char, char) for char in text]

    def paste(self, raw: str) -> None:
        text = _CONTROL.sub("", raw.replace("\r\n", "\n").replace("\r", "\n"))
        newlines = text.count("\n")
        if len(text) <= 1000 and newlines < 4:
            self.type(text)
            return
        self._pastes += 1
        size = f" +{newlines} lines" if newlines else ""
        self._pieces.append(ComposerPiece(f"[Pasted text #{self._pastes}{size}]", text))

    def backspace(self) -> None:
        if self._pieces:
            self._pieces.pop()

    def clear_line(self) -> None:
        """Clears one line, as the real agents do. A draft of several lines takes several calls."""
        if self._pieces and self._pieces[-1].real == "\n":
            self._pieces.pop()
        while self._pieces and self._pieces[-1].real != "\n":
            self._pieces.pop()

    def clear(self) -> None:
        self._pieces = []

    def stash(self) -> None:
        """Stash the draft, or restore it into an empty box."""
        if self._pieces:
            self._pieces, self._stash = [], self._pieces
        else:
            self.restore()

    def restore(self) -> None:
        if not self._pieces:
            self._pieces, self._stash = self._stash, []

    def take(self) -> str:
        """The whole draft, leaving the box empty."""
        text = self.text.strip()
        self.clear()
        return text
