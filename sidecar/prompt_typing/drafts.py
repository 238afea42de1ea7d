"""Decides whether a person's half-typed draft can be stashed while a message is typed, and how it is restored. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.protocol.types.core_types import Activity, Composer
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.agents import Adapter
from sidecar.agents.adapter.adapter import PASTE_KEY, DraftStash
from sidecar.messages.envelope import is_same_text, join_lines, paste_bytes
from sidecar.screen.rules import ScreenReading

_LIST_OPENERS = ("/", "!", "#", "@")
RESTORE_RETRY_S = 3.0
MAX_RESTORE_TRIES = 2


@dataclass(frozen=True)
class StashedDraft:
    """A draft that was taken out of the composer. `since`: when that happened, or when the last action on it happened.
    `submitted`: a message was submitted meanwhile. `tries`: how often the keys that restore it were pressed."""

    text: str
    since: float
    submitted: bool = False
    tries: int = 0

    @property
    def asked(self) -> bool:
        return self.tries > 0


@dataclass(frozen=True)
class SecondsSince:
    """Seconds since the last action on the draft, since a person's last key, and since the agent last printed."""

    since_kept: float
    since_key: float = float("inf")
    since_output: float = 0.0


def can_be_stashed(reading: ScreenReading, agent: Adapter) -> bool:
    """A draft that opens a list of completions is not touched, nor one that the agent could not restore completely."""
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
    """What to do next about a stashed draft."""

    NOTHING = "nothing"
    BACK = "back"
    UNDO = "undo"
    DONE = "done"


def next_draft_action(kept: StashedDraft, moment: AgentSnapshot, agent: Adapter, ages: SecondsSince) -> DraftAction:
    """Restore the draft into an empty composer: once, and again only if the agent has printed since, because its screen
    may be old. A composer that shows the draft is done. So is one in which a person has typed after a submit: either
    the agent restored the draft, or the person can ask for it."""
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
