"""A person's half-typed draft: whether it can be kept while a message goes in, and how it comes back. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.protocol.types import Activity, Composer
from sidecar.activity.observer import AgentSnapshot
from sidecar.agents import Adapter
from sidecar.agents.adapter.adapter import PASTE_KEY, DraftStash
from sidecar.messages.envelope import is_same_text, join_lines, paste_bytes
from sidecar.screen.rules import ScreenReading

_LIST_OPENERS = ("/", "!", "#", "@")
RESTORE_RETRY_S = 3.0
MAX_RESTORE_TRIES = 2


@dataclass(frozen=True)
class StashedDraft:
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
class SecondsSince:
    """Seconds since something was last done about the draft, since a person pressed a key, since the agent painted."""

    since_kept: float
    since_key: float = float("inf")
    since_output: float = 0.0


def can_be_stashed(reading: ScreenReading, agent: Adapter) -> bool:
    """What opens a list of completions is not touched, nor what the agent could not give back whole."""
    stash, text = agent.stash, reading.text
    if stash is None or not text.strip() or (reading.partial and stash.rows == 1):
        return False
    words = text.split()
    if text.lstrip().startswith(_LIST_OPENERS) or words[-1].startswith("@"):
        return False
    if stash.back == PASTE_KEY and _has_placeholder(text, agent):
        return False
    return text.count("\n") < stash.rows


def _has_placeholder(text: str, agent: Adapter) -> bool:
    box = agent.rules.box
    return box is not None and box.pasted is not None and box.pasted.search(join_lines(text)) is not None


class DraftAction(StrEnum):
    """What is due for a draft that is kept."""

    NOTHING = "nothing"
    BACK = "back"
    UNDO = "undo"
    DONE = "done"


def next_draft_action(kept: StashedDraft, moment: AgentSnapshot, agent: Adapter, ages: SecondsSince) -> DraftAction:
    """An empty composer wants it back, once, and again only if the agent has painted since: its picture may be old. One
    that shows it has it. So has one in which a person has typed after a submit: the agent had given it back, or it is
    theirs again to ask for."""
    verdict, stash = moment.verdict, agent.stash
    if verdict.composer is Composer.DRAFT:
        shown = moment.reading.text
        has_it = kept.asked or kept.text in shown or is_same_text(shown, kept.text)
        return DraftAction.DONE if has_it else DraftAction.NOTHING
    if stash is None or verdict.composer is not Composer.EMPTY or verdict.activity in (Activity.ASKING, Activity.GONE):
        return DraftAction.NOTHING
    if kept.submitted and not stash.back and ages.since_key < ages.since_kept:
        return DraftAction.DONE
    return _repeated_action(kept, stash, ages) if kept.asked else _first_action(kept, stash, ages)


def _first_action(kept: StashedDraft, stash: DraftStash, ages: SecondsSince) -> DraftAction:
    if not kept.submitted:
        return DraftAction.UNDO
    return (
        DraftAction.BACK
        if stash.back
        else DraftAction.UNDO
        if ages.since_kept >= RESTORE_RETRY_S
        else DraftAction.NOTHING
    )


def _repeated_action(kept: StashedDraft, stash: DraftStash, ages: SecondsSince) -> DraftAction:
    painted = ages.since_output < ages.since_kept
    if kept.tries >= MAX_RESTORE_TRIES:
        return DraftAction.DONE
    if ages.since_kept < RESTORE_RETRY_S or not painted:
        return DraftAction.NOTHING
    return DraftAction.BACK if kept.submitted and stash.back else DraftAction.UNDO


def keys_for_action(what: DraftAction, kept: StashedDraft, agent: Adapter, *, bracketed: bool) -> bytes:
    stash = agent.stash
    keys = b"" if stash is None else stash.back if what is DraftAction.BACK else stash.undo
    return paste_bytes(kept.text, bracketed) if keys == PASTE_KEY else keys
