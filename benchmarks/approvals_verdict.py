"""Compares a card and the effect of an answer with what the model requested and what was carried out. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.approvals_questions import About, Question, patch
from gateway.protocol.types.core_types import Ask
from sidecar.messages.envelope import clean_text

_HUNK = re.compile(r"^@@.*$", re.MULTILINE)


class Answer(StrEnum):
    """`FIRST` chooses the first option by its key, `ALWAYS` the one that will not ask again."""

    YES = "yes"
    FIRST = "first option"
    ALWAYS = "don't ask again"
    NO = "no"
    WORDS = "no, with words"

    @property
    def allows(self) -> bool:
        return self in (Answer.YES, Answer.FIRST, Answer.ALWAYS)


class Fate(StrEnum):
    """`TERMINAL`: the card offered no such answer and said so, or a person at the terminal answered, and that answer
    took effect. `NOT_TAKEN_TEXT`: an offered answer was refused or did nothing."""

    RIGHT = "right"
    TERMINAL = "at the terminal"
    NOT_TAKEN = "not taken"
    UNSEEN = "unseen"
    WRONG = "wrong"


class Options(StrEnum):
    """Compare a card's options with the vendor's. LEFT_OUT: it offers fewer and says that it cannot be read."""

    WHOLE = "whole"
    LEFT_OUT = "left out"
    CUT = "cut"


@dataclass(frozen=True)
class Card:
    detail: bool
    options: Options
    why: str = ""

    @property
    def whole(self) -> bool:
        return self.detail and self.options is not Options.CUT


def judge_card(asked: Question, ask: Ask, vendor: Sequence[tuple[str, str]]) -> Card:
    """`vendor`: the vendor's options by key, as its own dialog shows them in a large terminal."""
    detail, options = detail_is_whole(asked, ask), _options(ask, vendor)
    reasons = [] if detail else [f"detail {ask.about!s} {_short(ask.detail)}"]
    if options is Options.CUT:
        reasons.append(f"options {[(one.key, _short(one.text)) for one in ask.options]}")
    return Card(detail, options, "; ".join(reasons))


def _short(text: str, size: int = 160) -> str:
    return repr(text if len(text) <= size else f"{text[: size // 2]} ... {text[-size // 2 :]}")


def squeezed(text: str) -> str:
    """Where a dialog wraps, it is unknown whether the text has a blank."""
    return "".join(text.split())


def _options(ask: Ask, vendor: Sequence[tuple[str, str]]) -> Options:
    known = {key: squeezed(text) for key, text in vendor}
    shown = {one.key: squeezed(one.text) for one in ask.options}
    if shown == known:
        return Options.WHOLE
    true = all(known.get(key) == text for key, text in shown.items())
    return Options.LEFT_OUT if true and not ask.readable else Options.CUT


def detail_is_whole(asked: Question, ask: Ask) -> bool:
    detail = ask.detail
    if ask.left_out:
        return False
    if asked.about is About.COMMAND:
        return detail in (asked.told, clean_text(asked.told))
    if asked.about is About.DEMO:
        return asked.told in (detail, ask.question)
    if asked.about is About.FETCH:
        return asked.told in detail.split()
    return edit_is_whole(asked, detail)


def edit_is_whole(asked: Question, detail: str) -> bool:
    """The file's name, and a diff that turns the old content into the new; or Codex's own patch."""
    assert asked.path is not None
    if asked.path.name not in detail:
        return False
    if patch(asked.path, asked.before, asked.after) in detail:
        return True
    text = asked.before
    for old, new in hunks(detail):
        if old and old not in text:
            return False
        text = text.replace(old, new, 1) if old else text + new
    return text.rstrip("\n") == asked.after.rstrip("\n") and bool(_HUNK.search(detail))


def hunks(diff: str) -> list[tuple[str, str]]:
    """The old and the new text of each hunk of a unified diff."""
    return [_sides(part) for part in _HUNK.split(diff)[1:]]


def _sides(hunk: str) -> tuple[str, str]:
    rows = [row for row in hunk.removeprefix("\n").split("\n") if row[:1] in (" ", "+", "-")]
    old = "".join(f"{row[1:]}\n" for row in rows if row[0] != "+")
    return old, "".join(f"{row[1:]}\n" for row in rows if row[0] != "-")


@dataclass(frozen=True)
class Outcome:
    """`by_room`: an answer from the room was taken; `terminal`: what a person pressed there instead, or nothing;
    `done`: how often what was asked was done."""

    answer: Answer
    by_room: bool
    terminal: bool | None
    done: int
    seen: bool = True


def judge_outcome(out: Outcome) -> Fate:
    allowed = out.answer.allows if out.by_room else bool(out.terminal)
    if out.done > 1 or out.done != int(allowed):
        return Fate.WRONG
    if not out.seen:
        return Fate.UNSEEN
    if out.by_room:
        return Fate.RIGHT
    return Fate.TERMINAL


def options_on(rows: Sequence[str]) -> list[tuple[str, str]]:
    """The options of a completely shown dialog, by key: the last rows that count up from 1, each with the indented rows
    beneath it."""
    found: list[tuple[str, str]] = []
    for row in (one.strip("│ ").rstrip() if one.startswith("│") else one.rstrip() for one in rows):
        match = re.match(r"^\W*?(\d)\. (.*)$", row)
        if match and match[1] == "1":
            found = [("1", match[2].strip())]
        elif match and found and int(match[1]) == len(found) + 1:
            found.append((match[1], match[2].strip()))
        elif found and re.match(r"^ {4,}\S", row):
            found[-1] = found[-1][0], f"{found[-1][1]} {row.strip()}"
    return found


Templates = Mapping[str, Sequence[tuple[str, str]]]


def template(text: str, mark: str, work: str) -> str:
    return text.replace(mark, "{mark}").replace(work, "{work}")


def filled(vendor: Sequence[Sequence[str]], mark: str, work: str) -> list[tuple[str, str]]:
    return [(key, text.replace("{mark}", mark).replace("{work}", work)) for key, text in vendor]
