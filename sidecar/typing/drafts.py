"""A person's half-typed draft: whether it can be kept while a message goes in, and how it comes back. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.protocol.types import Activity, Composer
from sidecar.activity.observer import Moment
from sidecar.agents import Agent
from sidecar.agents.adapter.adapter import PASTE, Stash
from sidecar.messages.envelope import joined, pasted, same_text
from sidecar.screen.rules import Reading

_OPENS_A_LIST = ("/", "!", "#", "@")
BY_ITSELF = 3.0
MOST_TRIES = 2


@dataclass(frozen=True)
class Kept:
    """A draft that was taken out of the composer. `since`: that, or the last thing done about it; `submitted`: a
    message went in meanwhile; `tries`: how often the keys that bring it back were pressed."""

    text: str
    since: float
    submitted: bool = False
    tries: int = 0

    @property
    def asked(self) -> bool:
        return self.tries > 0


@dataclass(frozen=True)
class Ages:
    """Seconds since something was last done about the draft, since a person pressed a key, since the agent painted."""

    since_kept: float
    since_key: float = float("inf")
    since_output: float = 0.0


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
    return box is not None and box.pasted is not None and box.pasted.search(joined(text)) is not None


class Due(StrEnum):
    """What is due for a draft that is kept."""

    NOTHING = "nothing"
    BACK = "back"
    UNDO = "undo"
    DONE = "done"


def due(kept: Kept, moment: Moment, agent: Agent, ages: Ages) -> Due:
    """An empty composer wants it back, once, and again only if the agent has painted since: its picture may be old. One
    that shows it has it. So has one in which a person has typed after a submit: the agent had given it back, or it is
    theirs again to ask for."""
    verdict, stash = moment.verdict, agent.stash
    if verdict.composer is Composer.DRAFT:
        shown = moment.reading.text
        has_it = kept.asked or kept.text in shown or same_text(shown, kept.text)
        return Due.DONE if has_it else Due.NOTHING
    if stash is None or verdict.composer is not Composer.EMPTY or verdict.activity in (Activity.ASKING, Activity.GONE):
        return Due.NOTHING
    if kept.submitted and not stash.back and ages.since_key < ages.since_kept:
        return Due.DONE
    return _again(kept, stash, ages) if kept.asked else _first(kept, stash, ages)


def _first(kept: Kept, stash: Stash, ages: Ages) -> Due:
    if not kept.submitted:
        return Due.UNDO
    return Due.BACK if stash.back else Due.UNDO if ages.since_kept >= BY_ITSELF else Due.NOTHING


def _again(kept: Kept, stash: Stash, ages: Ages) -> Due:
    painted = ages.since_output < ages.since_kept
    if kept.tries >= MOST_TRIES:
        return Due.DONE
    if ages.since_kept < BY_ITSELF or not painted:
        return Due.NOTHING
    return Due.BACK if kept.submitted and stash.back else Due.UNDO


def keys_for(what: Due, kept: Kept, agent: Agent, *, bracketed: bool) -> bytes:
    stash = agent.stash
    keys = b"" if stash is None else stash.back if what is Due.BACK else stash.undo
    return pasted(kept.text, bracketed) if keys == PASTE else keys
