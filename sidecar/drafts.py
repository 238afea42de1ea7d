"""A person's half-typed draft: whether it can be kept while a message goes in, and how it comes back. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.protocol.nouns import Activity, Composer
from sidecar.agents import Agent
from sidecar.agents.agent import PASTE
from sidecar.rules import Reading
from sidecar.watch import Moment
from sidecar.wording import pasted, same_text

_OPENS_A_LIST = ("/", "!", "#", "@")
BY_ITSELF = 3.0


@dataclass(frozen=True)
class Kept:
    """A draft that was taken out of the composer. `since`: that, or the last thing done about it; `submitted`: a
    message went in meanwhile; `asked`: the keys that bring it back were pressed."""

    text: str
    since: float
    submitted: bool = False
    asked: bool = False


def keepable(reading: Reading, agent: Agent) -> bool:
    """What opens a list of completions is not touched, nor what the agent could not give back whole."""
    stash, text = agent.stash, reading.text
    if stash is None or not text.strip() or (reading.partial and stash.rows == 1):
        return False
    words = text.split()
    if text.lstrip().startswith(_OPENS_A_LIST) or words[-1].startswith("@"):
        return False
    if stash.back == PASTE and _has_placeholder(text, agent):
        return False
    return text.count("\n") < stash.rows


def _has_placeholder(text: str, agent: Agent) -> bool:
    box = agent.rules.box
    return box is not None and box.pasted is not None and box.pasted.search(text) is not None


class Due(StrEnum):
    """What is due for a draft that is kept."""

    NOTHING = "nothing"
    BACK = "back"
    UNDO = "undo"
    DONE = "done"


def due(kept: Kept, moment: Moment, agent: Agent, now: float) -> Due:
    """An empty composer wants it back, but never twice in a row: it may just not show it yet. One that shows it has it,
    and so has one that shows anything after it was brought back: the person goes on typing."""
    verdict, stash = moment.verdict, agent.stash
    if verdict.composer is Composer.DRAFT and (kept.asked or same_text(moment.reading.text, kept.text)):
        return Due.DONE
    if kept.asked and now - kept.since < BY_ITSELF:
        return Due.NOTHING
    if stash is None or verdict.composer is not Composer.EMPTY or verdict.activity in (Activity.ASKING, Activity.GONE):
        return Due.NOTHING
    if not kept.submitted:
        return Due.UNDO
    if stash.back:
        return Due.BACK
    return Due.UNDO if now - kept.since >= BY_ITSELF else Due.NOTHING


def keys_for(what: Due, kept: Kept, agent: Agent, *, bracketed: bool) -> bytes:
    stash = agent.stash
    keys = b"" if stash is None else stash.back if what is Due.BACK else stash.undo
    return pasted(kept.text, bracketed) if keys == PASTE else keys
