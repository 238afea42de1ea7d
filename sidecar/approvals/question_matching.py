"""What a hook told of a question and what the screen shows of it, as one question. Pure.

A hook knows the whole command and never the options; the screen shows the options, and of the command what there is
room for. They are put together only where it is sure that they are about the same: else each stands for itself, and
nothing is offered that could answer another question. A question keeps the hook's identity however it is drawn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.protocol.types import AskAbout
from sidecar.agents.adapter.adapter import Asked
from sidecar.approvals.dialogs import CUT, Question
from sidecar.approvals.unwrapping import squeezed

ENOUGH = 60
LEAST_ROW = 12
LEAST_NAME = 3
_UNSEEN = re.compile(r"[\u00ad\u200b-\u200f\u2060\ufe00-\ufe0f]")
_LINE_NUMBER = re.compile(r"^\d+ *[-+]?|^[-+]")


@dataclass(frozen=True)
class Told:
    """A question that a hook told of. `name` tells it from each other one; `waits`: the hook takes a decision; `drawn`
    is the digest of the dialog that was last seen to be about it; `fresh`: the dialog on the screen came with it, or it
    was its own before it was drawn anew."""

    name: str
    asked: Asked
    waits: bool = False
    drawn: str = ""
    fresh: bool = False


@dataclass(frozen=True)
class Standing:
    """The question that stands there, and the hook that told of it."""

    question: Question | None = None
    told: Told | None = None
    drawn: str = ""


def standing(screen: Question | None, told: Sequence[Told], *, asks: bool, untouched: bool) -> Standing:
    """`asks`: the agent is known to wait for an answer, whatever can be read. `untouched`: no key went in since the
    hook told of it."""
    fitting = [one for one in told if _fits(screen, one)] if screen else []
    mine = _shown(screen, fitting, told, untouched=untouched) if screen else None
    if screen and mine and not (_is_over(mine) and any(one.waits for one in told)):
        return Standing(_both(screen, mine), mine, screen.digest)
    if undecided := [one for one in fitting if one.waits]:
        return _by_its_hook(screen, undecided)
    if screen and screen.readable and not mine:
        return Standing(screen, None, screen.digest)
    waiting = [one for one in told if one.waits] or (list(told) if asks and len(told) == 1 else [])
    if waiting:
        return Standing(_alone(waiting[0]), waiting[0])
    return Standing(_in_part(screen), None, screen.digest) if screen else Standing()


def _is_over(told: Told) -> bool:
    """It was decided, and what is left of its dialog may as well be the next one's, which looks the same."""
    return told.asked.decides and not told.waits


def _by_its_hook(screen: Question | None, undecided: Sequence[Told]) -> Standing:
    """The dialog may be any of theirs: a key could answer another one than is told; a hook answers its own alone."""
    same = [one for one in undecided if screen and one.drawn == screen.digest]
    mine = max(same or undecided, key=lambda one: len(one.asked.detail))
    return Standing(_alone(mine), mine)


def _shown(screen: Question, fitting: Sequence[Told], told: Sequence[Told], *, untouched: bool) -> Told | None:
    """The one that the dialog is about, if no other can be: of what is shown in part, the next one may look alike."""
    if len(fitting) > 1 and screen.whole:
        fitting = [one for one in fitting if _letters(one.asked.detail) in _letters(screen.detail)]
    if len(fitting) == 1:
        return fitting[0]
    alone = not fitting and len(told) == 1 and not told[0].asked.decides
    if not (alone and untouched and screen.allow):
        return None
    return told[0] if told[0].fresh or not screen.whole or CUT in screen.detail else None


def _fits(screen: Question, one: Told) -> bool:
    return one.drawn == screen.digest or _begins(screen, one.asked) or _has_rows_of(screen, one.asked)


def _begins(screen: Question, asked: Asked) -> bool:
    """Few letters stand in many a word: then they count as words of their own."""
    begin = _letters(asked.detail)[:ENOUGH]
    if len(begin) < LEAST_ROW:
        return bool(begin) and f" {_spaced(asked.detail)} " in f" {_spaced(screen.detail)} "
    return begin in _letters(screen.detail)


def _spaced(text: str) -> str:
    return " ".join(_UNSEEN.sub("", text).split())


def _letters(text: str) -> str:
    """What a screen may show of it: agents and terminals leave joiners of emoji out."""
    return squeezed(_UNSEEN.sub("", text))


def _has_rows_of(screen: Question, asked: Asked) -> bool:
    """A part of it, or the name of the file that is changed."""
    text = "".join(_letters(_unsigned(line)) for line in asked.detail.split("\n"))
    rows = [_letters(_unsigned(row)) for row in screen.detail.split("\n")]
    if any(len(row) >= LEAST_ROW and row in text for row in rows):
        return True
    if asked.about not in (AskAbout.DIFF, AskAbout.PATH):
        return False
    name = _letters(asked.detail.split("\n")[0].rsplit("/", 1)[-1])
    return len(name) >= LEAST_NAME and name in _letters(f"{screen.question}{screen.detail}")


def _unsigned(row: str) -> str:
    return _LINE_NUMBER.sub("", row)


def _both(screen: Question, told: Told) -> Question:
    asked = told.asked
    shows_it = _fits(screen, replace(told, drawn=""))
    return replace(
        _alone(told),
        question=_question(screen, asked, shows_it=shows_it),
        choices=screen.choices,
        allow=screen.allow,
        deny=screen.deny,
        complete=screen.complete,
        once=not asked.decides and not (screen.whole and shows_it),
    )


def _question(screen: Question, asked: Asked, *, shows_it: bool) -> str:
    """In the dialog's words, with what the hook tells beside the thing itself. Where the dialog shows nothing of that,
    all of its words: whoever answers sees both, should it be about something else."""
    if not shows_it:
        asks = "" if screen.question in screen.detail else screen.question
        return " ".join(f"{screen.detail} {asks}".split())
    if not screen.question.endswith("?"):
        return asked.question
    beside = asked.question.partition("? (")[2]
    return f"{screen.question} ({beside}" if beside else screen.question


def _alone(told: Told) -> Question:
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


def _in_part(screen: Question) -> Question:
    """Nothing else is known of it. What cannot be seen might change what an answer means."""
    return screen if screen.whole else replace(screen, choices=(), allow="", deny="")
