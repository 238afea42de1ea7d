"""What a hook told of a question and what the screen shows of it, as one question. Pure.

A hook knows the whole command and never the options; the screen shows the options, and of the command what there is
room for. They are put together only where it is sure that they are about the same: else each stands for itself, and
nothing is offered that could answer another question. A question keeps the hook's identity however it is drawn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.protocol.types import AskAbout
from sidecar.agents.adapter.adapter import HookQuestion
from sidecar.approvals.dialogs import CUT_MARK, Question
from sidecar.approvals.unwrapping import without_spaces

MAX_COMPARED_CHARS = 60
MIN_ROW_CHARS = 12
MIN_NAME_CHARS = 3
_UNSEEN = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufe00-\ufe0f]")
_LINE_NUMBER = re.compile(r"^\d+ *[-+]?|^[-+]")


@dataclass(frozen=True)
class HookCandidate:
    """A question that a hook told of. `name` tells it from each other one; `waits`: the hook takes a decision; `drawn`
    is the digest of the dialog that was last seen to be about it; `fresh`: the dialog on the screen came with it, or it
    was its own before it was drawn anew."""

    name: str
    asked: HookQuestion
    waits: bool = False
    drawn: str = ""
    fresh: bool = False


@dataclass(frozen=True)
class MatchedQuestion:
    """The question that stands there, and the hook that told of it."""

    question: Question | None = None
    told: HookCandidate | None = None
    drawn: str = ""


def match_question(
    screen: Question | None, told: Sequence[HookCandidate], *, asks: bool, untouched: bool
) -> MatchedQuestion:
    """`asks`: the agent is known to wait for an answer, whatever can be read. `untouched`: no key went in since the
    hook told of it."""
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
    """It was decided, and what is left of its dialog may as well be the next one's, which looks the same."""
    return told.asked.decides and not told.waits


def _match_by_hook(screen: Question | None, undecided: Sequence[HookCandidate]) -> MatchedQuestion:
    """The dialog may be any of theirs: a key could answer another one than is told; a hook answers its own alone."""
    same = [one for one in undecided if screen and one.drawn == screen.digest]
    mine = max(same or undecided, key=lambda one: len(one.asked.detail))
    return MatchedQuestion(_question_of_hook_alone(mine), mine)


def _find_shown(
    screen: Question, fitting: Sequence[HookCandidate], told: Sequence[HookCandidate], *, untouched: bool
) -> HookCandidate | None:
    """The one that the dialog is about, if no other can be: of what is shown in part, the next one may look alike."""
    if len(fitting) > 1 and screen.whole:
        fitting = [
            one for one in fitting if _comparable_letters(one.asked.detail) in _comparable_letters(screen.detail)
        ]
    if len(fitting) == 1:
        return fitting[0]
    alone = not fitting and len(told) == 1 and not told[0].asked.decides
    if not (alone and untouched and screen.allow):
        return None
    return told[0] if told[0].fresh or not screen.whole or CUT_MARK in screen.detail else None


def _fits(screen: Question, one: HookCandidate) -> bool:
    return one.drawn == screen.digest or _begins_with(screen, one.asked) or _has_rows_of(screen, one.asked)


def _begins_with(screen: Question, asked: HookQuestion) -> bool:
    """Few letters stand in many a word: then they count as words of their own."""
    begin = _comparable_letters(asked.detail)[:MAX_COMPARED_CHARS]
    if len(begin) < MIN_ROW_CHARS:
        return bool(begin) and f" {_space_words(asked.detail)} " in f" {_space_words(screen.detail)} "
    return begin in _comparable_letters(screen.detail)


def _space_words(text: str) -> str:
    return " ".join(_UNSEEN.sub("", text).split())


def _comparable_letters(text: str) -> str:
    """What a screen may show of it: agents and terminals leave joiners of emoji out."""
    return without_spaces(_UNSEEN.sub("", text))


def _has_rows_of(screen: Question, asked: HookQuestion) -> bool:
    """A part of it, or the name of the file that is changed."""
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
        complete=screen.complete,
        once=not asked.decides and not (screen.whole and shows_it),
    )


def _question_text(screen: Question, asked: HookQuestion, *, shows_it: bool) -> str:
    """In the dialog's words, with what the hook tells beside the thing itself. Where the dialog shows nothing of that,
    all of its words: whoever answers sees both, should it be about something else."""
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
        complete=False,
        tool=asked.tool,
        about=asked.about,
        words=asked.words and told.waits,
        hook=told.waits,
        told=True,
    )


def _mark_partial(screen: Question) -> Question:
    """Nothing else is known of it. What cannot be seen might change what an answer means."""
    return screen if screen.whole else replace(screen, choices=(), allow="", deny="")
