"""Combines what a hook reported about a question with what the screen shows of it. Pure.

A hook knows the whole command but not the options; the screen shows the options, but only the part of the command that
fits. They are combined only if both are certainly about the same question. Otherwise each stands for itself, and no
option is offered that could answer another question. A question keeps the hook's identity however it is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.protocol.types.core_types import AskAbout
from sidecar.agents.adapter.adapter import HookQuestion
from sidecar.approvals.questions.dialog_parser import CUT_MARK, Question
from sidecar.approvals.questions.wrapped_text import without_spaces

MAX_COMPARED_CHARS = 60
MIN_ROW_CHARS = 12
MIN_NAME_CHARS = 3
_UNSEEN = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufe00-\ufe0f]")
_LINE_NUMBER = re.compile(r"^\d+ *[-+]?|^[-+]")


@dataclass(frozen=True)
class HookCandidate:
    """A question that a hook reported. `name` identifies it. `waits`: the hook accepts a decision. `drawn`: the digest
    of the last dialog seen that is about it. `fresh`: the dialog on the screen came with it, or belonged to it before
    it was redrawn."""

    name: str
    asked: HookQuestion
    waits: bool = False
    drawn: str = ""
    fresh: bool = False


@dataclass(frozen=True)
class MatchedQuestion:
    """The open question, and the hook that reported it."""

    question: Question | None = None
    told: HookCandidate | None = None
    drawn: str = ""


def match_question(
    screen: Question | None, told: Sequence[HookCandidate], *, asks: bool, untouched: bool
) -> MatchedQuestion:
    """`asks`: the agent is known to wait for an answer, whatever can be read. `untouched`: no key was pressed since the
    hook reported it."""
    fitting = [one for one in told if _fits(screen, one)] if screen else []
    mine = _find_shown(screen, fitting, told, untouched=untouched) if screen else None
    if screen and mine and not (_is_decided(mine) and any(one.waits for one in told)):
        return MatchedQuestion(_merge_question(screen, mine), mine, screen.digest)
    if undecided := [one for one in fitting if one.waits]:
        return _match_by_hook(screen, undecided)
    if screen and screen.readable and not mine:
        return MatchedQuestion(screen, None, screen.digest)
    waiting = [one for one in told if one.waits] or (list(told) if asks and len(told) == 1 else [])
    if waiting:
        return MatchedQuestion(_question_of_hook_alone(waiting[0]), waiting[0])
    return MatchedQuestion(_mark_partial(screen), None, screen.digest) if screen else MatchedQuestion()


def _is_decided(told: HookCandidate) -> bool:
    """It was decided, so the rest of its dialog may already belong to the next question, which looks the same."""
    return told.asked.decides and not told.waits


def _match_by_hook(screen: Question | None, undecided: Sequence[HookCandidate]) -> MatchedQuestion:
    """The dialog may belong to any of them, so a key could answer the wrong one. A hook answers only its own
    question."""
    same = [one for one in undecided if screen and one.drawn == screen.digest]
    mine = max(same or undecided, key=lambda one: len(one.asked.detail))
    return MatchedQuestion(_question_of_hook_alone(mine), mine)


def _find_shown(
    screen: Question, fitting: Sequence[HookCandidate], told: Sequence[HookCandidate], *, untouched: bool
) -> HookCandidate | None:
    """The question that the dialog is certainly about. If the dialog is shown only in part, the next question may look
    the same."""
    if len(fitting) > 1 and screen.whole:
        fitting = [
            one for one in fitting if _comparable_letters(one.asked.detail) in _comparable_letters(screen.detail)
        ]
    if len(fitting) == 1:
        return fitting[0]
    alone = not fitting and len(told) == 1 and not (told[0].asked.decides or told[0].asked.tentative)
    if not (alone and untouched and screen.allow):
        return None
    return told[0] if told[0].fresh or not screen.whole or CUT_MARK in screen.detail else None


def _fits(screen: Question, one: HookCandidate) -> bool:
    return one.drawn == screen.digest or is_about(screen, one.asked)


def is_about(screen: Question, asked: HookQuestion) -> bool:
    """Whether the dialog shows what the hook reported, or a part of it."""
    return _begins_with(screen, asked) or _has_rows_of(screen, asked)


def _begins_with(screen: Question, asked: HookQuestion) -> bool:
    """A few letters occur in many words, so a short text must match as whole words."""
    begin = _comparable_letters(asked.detail)[:MAX_COMPARED_CHARS]
    if len(begin) < MIN_ROW_CHARS:
        return bool(begin) and f" {_space_words(asked.detail)} " in f" {_space_words(screen.detail)} "
    return begin in _comparable_letters(screen.detail)


def _space_words(text: str) -> str:
    return " ".join(_UNSEEN.sub("", text).split())


def _comparable_letters(text: str) -> str:
    """The letters that a screen can show: agents and terminals drop the joiners of emoji."""
    return without_spaces(_UNSEEN.sub("", text))


def _has_rows_of(screen: Question, asked: HookQuestion) -> bool:
    """Whether the screen shows a part of it, or the name of the changed file."""
    text = "".join(_comparable_letters(_strip_diff_signs(line)) for line in asked.detail.split("\n"))
    rows = [_comparable_letters(_strip_diff_signs(row)) for row in screen.detail.split("\n")]
    if any(len(row) >= MIN_ROW_CHARS and row in text for row in rows):
        return True
    if asked.about not in (AskAbout.DIFF, AskAbout.PATH):
        return False
    name = _comparable_letters(asked.detail.split("\n")[0].rsplit("/", 1)[-1])
    return len(name) >= MIN_NAME_CHARS and name in _comparable_letters(f"{screen.question}{screen.detail}")


def _strip_diff_signs(row: str) -> str:
    return _LINE_NUMBER.sub("", row)


def _merge_question(screen: Question, told: HookCandidate) -> Question:
    asked = told.asked
    shows_it = _fits(screen, replace(told, drawn=""))
    return replace(
        _question_of_hook_alone(told),
        question=_question_text(screen, asked, shows_it=shows_it),
        choices=screen.choices,
        allow=screen.allow,
        deny=screen.deny,
        complete=screen.complete or (asked.complete and told.waits),
        once=not asked.decides and not (screen.whole and shows_it),
    )


def _question_text(screen: Question, asked: HookQuestion, *, shows_it: bool) -> str:
    """The dialog's words, with what the hook adds. If the dialog shows nothing of the hook's detail, use all its words:
    whoever answers then sees both, in case it is about something else."""
    if not shows_it:
        asks = "" if screen.question in screen.detail else screen.question
        return " ".join(f"{screen.detail} {asks}".split())
    if not screen.question.endswith("?"):
        return asked.question
    beside = asked.question.partition("? (")[2]
    return f"{screen.question} ({beside}" if beside else screen.question


def _question_of_hook_alone(told: HookCandidate) -> Question:
    asked = told.asked
    return Question(
        digest=told.name,
        question=asked.question,
        detail=asked.detail,
        complete=asked.complete and told.waits,
        tool=asked.tool,
        about=asked.about,
        words=asked.words and told.waits,
        hook=told.waits,
        told=True,
    )


def _mark_partial(screen: Question) -> Question:
    """Nothing else is known about it. The hidden part could change the meaning of an answer, so no options are
    offered."""
    return screen if screen.whole else replace(screen, choices=(), allow="", deny="")
