"""What a dialog asks, as a value with a digest: what can be chosen, and which keys say so. Pure.

The digest is of all that the dialog shows down to its last option: where the selection stands, how rows are wrapped
at blanks, hints in the footer and whatever turns or counts outside it are not part of it. Keys come from the screen: an
option's own digit as it stands there, Escape only where the vendor's rules know the words that offer it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sidecar.layout import Options
from sidecar.rules import Dialog
from sidecar.wording import clean

ESCAPE = "esc"
ESCAPE_KEY = b"\x1b"
LONGEST_DETAIL = 4000
LONGEST_LINE = 500
_DRAWN = " \t│┃║╭╮╰╯┌┐└┘─━═▔▁╌"
_MOVES = re.compile(r"[\d⠀-⣿◐◓◑◒·✢✳✶✻✽❯›●○]+ ?")


@dataclass(frozen=True)
class Choice:
    key: str
    text: str


@dataclass(frozen=True)
class Question:
    """`allow` and `deny` are the keys that plainly mean yes and no, "" where there is none."""

    digest: str
    question: str
    choices: tuple[Choice, ...] = ()
    allow: str = ""
    deny: str = ""
    detail: str = ""

    def key(self, answer: str) -> bytes:
        """What to press for an answer; nothing if the dialog does not offer it."""
        named = {"allow": self.allow, "deny": self.deny}.get(answer, answer)
        if named == ESCAPE:
            return ESCAPE_KEY if answer == "deny" else b""
        return named.encode() if any(one.key == named for one in self.choices) else b""


def question_of(dialog: Dialog, options: Options) -> Question:
    rows = dialog.text.split("\n")
    places = _option_rows(rows, options)
    body = rows[_begin(rows, places, options) : places[0]] if places else rows
    choices = tuple(_choice(rows[y], options) for y in places)
    shown = [_plain(row) for row in body]
    tail = [_plain(row) for row in rows[places[0] : places[-1] + 1]] if places else []
    asks = [_plain(row) for row in body if options.question.search(row)]
    return Question(
        digest=_digest([*shown, *_without_marks(tail, choices)] if places else [_MOVES.sub("", one) for one in shown]),
        question=(asks[-1 if options.starts else 0] if asks else next(filter(None, shown), ""))[:LONGEST_LINE],
        choices=choices,
        allow=_key_of(choices, options.allow),
        deny=_key_of(choices, options.deny) or _escape(dialog.text, options),
        detail="\n".join(filter(None, shown))[:LONGEST_DETAIL],
    )


def _option_rows(rows: Sequence[str], options: Options) -> list[int]:
    """The last run of options that counts up from 1: a command that looks like options stands above the real ones."""
    found: list[int] = []
    for y, row in enumerate(rows):
        match = options.option.search(row)
        if match is None:
            continue
        if match["key"] == "1":
            found = [y]
        elif found and int(match["key"]) == len(found) + 1:
            found.append(y)
    return found


def _begin(rows: Sequence[str], places: Sequence[int], options: Options) -> int:
    if options.starts is not None or options.after is None:
        return 0
    return next((y + 1 for y in range(places[0] - 1, -1, -1) if options.after.search(rows[y])), 0)


def _choice(row: str, options: Options) -> Choice:
    match = options.option.search(row)
    assert match is not None
    return Choice(match["key"], clean(match["text"]).strip(_DRAWN)[:LONGEST_LINE])


def _plain(row: str) -> str:
    return " ".join(clean(row).strip(_DRAWN).split())


def _without_marks(rows: Sequence[str], choices: Sequence[Choice]) -> list[str]:
    """Moving the selection is no other question."""
    keys = "".join(one.key for one in choices)
    return [re.sub(rf"^\W*(?=[{keys}]\. )", "", row) for row in rows]


def _digest(rows: Sequence[str]) -> str:
    return hashlib.sha256(" ".join(filter(None, rows)).encode()).hexdigest()[:16]


def _key_of(choices: Sequence[Choice], words: re.Pattern[str] | None) -> str:
    """The one option with these words; of two, none is plain."""
    found = [one.key for one in choices if words and words.search(one.text)]
    return found[0] if len(found) == 1 else ""


def _escape(text: str, options: Options) -> str:
    return ESCAPE if options.cancel and options.cancel.search(text) else ""
