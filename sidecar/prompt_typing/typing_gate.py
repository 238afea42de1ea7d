"""Decides when a message may be typed, and when Enter may be pressed. Pure.

`hold_reason_for` says why a message must wait, `decide_paste` whether it is typed now, `decide_enter` whether the
pasted text is submitted. In all of them, `ours` is the text that is to be typed, or that was typed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.protocol.types.core_types import Activity, Composer
from gateway.protocol.types.delivery_reasons import HoldReason
from sidecar.activity.activity_verdict import CALM_ACTIVITIES
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.agents import Adapter
from sidecar.messages.envelope import is_part_of, is_same_text, join_lines
from sidecar.prompt_typing.drafts import can_be_stashed

TYPING_PAUSE_S = 1.5
WARM_UP_S = 1.0

QUEUED_BY_AGENT_TEXT = "queued, it is at work"
PLACEHOLDER_MISCOUNT_CHARS = 1  # some vendors count a trailing newline, some do not


@dataclass(frozen=True)
class GateInput:
    """Everything that the gate looks at."""

    moment: AgentSnapshot
    urgent: bool = False
    paused: bool = False
    turn_open: bool = False
    since_key: float = float("inf")
    in_foreground: bool = True
    since_ready: float = float("inf")
    taken_back: bool = False
    blocked: HoldReason | None = None  # a usage limit, or a missing login


_HOLD_BY_ACTIVITY = {
    Activity.STARTING: HoldReason.STARTING,
    Activity.ASKING: HoldReason.ASKING,
    Activity.UNKNOWN: HoldReason.UNKNOWN,
    Activity.GONE: HoldReason.OFFLINE,
}

_NOT_RUNNING = (Activity.STARTING, Activity.GONE)


def hold_reason_for(facts: GateInput, ours: str, agent: Adapter) -> HoldReason | None:
    """Why this text may not be typed now, or None."""
    if facts.paused and not facts.urgent:
        return HoldReason.PAUSED
    if facts.blocked and not facts.urgent and facts.moment.verdict.activity not in _NOT_RUNNING:
        return facts.blocked
    return _hold_by_agent(facts) or _hold_by_terminal(facts, ours, agent)


def _hold_by_agent(facts: GateInput) -> HoldReason | None:
    """A prompt that has just appeared for the first time is often covered by a question a moment later, so the gate
    waits for a warm-up."""
    activity = facts.moment.verdict.activity
    if activity in _HOLD_BY_ACTIVITY:
        return _HOLD_BY_ACTIVITY[activity]
    if facts.since_ready < WARM_UP_S:
        return HoldReason.STARTING
    if facts.urgent:
        return None
    return HoldReason.BUSY if activity is Activity.BUSY else HoldReason.TURN if facts.turn_open else None


def _takes_urgent_at_once(facts: GateInput, agent: Adapter) -> bool:
    """Urgent messages go to a plain program, or to a program that runs in it, even while it works: it reads lines and
    shows no composer."""
    plain = agent.rules.box is None and not agent.submit.echoes
    return plain and facts.urgent and facts.moment.verdict.activity is Activity.BUSY


def _hold_by_terminal(facts: GateInput, ours: str, agent: Adapter) -> HoldReason | None:
    at_once = _takes_urgent_at_once(facts, agent)
    if not (facts.in_foreground or at_once):
        return HoldReason.SHELL
    if facts.since_key < TYPING_PAUSE_S:
        return HoldReason.DRAFT
    if at_once:
        return None
    shown = composer_content(facts.moment, ours, agent)
    if shown is ComposerContent.OTHER and can_be_stashed(facts.moment.reading, agent):
        return None
    return {
        ComposerContent.NOTHING: None,
        ComposerContent.OURS: None,
        ComposerContent.OTHER: HoldReason.DRAFT,
        ComposerContent.NO_BOX: HoldReason.UNKNOWN,
    }[shown]


class ComposerContent(StrEnum):
    NOTHING = "nothing"
    OURS = "ours"
    OTHER = "other"
    NO_BOX = "no box"


def composer_content(moment: AgentSnapshot, ours: str, agent: Adapter) -> ComposerContent:
    """What the composer shows: nothing, exactly our text (or the vendor's placeholder for it), or something else."""
    if moment.verdict.composer is Composer.EMPTY:
        return ComposerContent.NOTHING
    if moment.verdict.composer is not Composer.DRAFT:
        return ComposerContent.NO_BOX
    text = moment.reading.text
    found = (
        is_same_text(text, ours)
        or _is_placeholder(text, ours, agent)
        or (moment.reading.partial and is_part_of(text, ours))
    )
    return ComposerContent.OURS if found else ComposerContent.OTHER


def _is_placeholder(shown: str, ours: str, agent: Adapter) -> bool:
    """Vendors show a long paste as a placeholder, which a narrow composer may wrap. It counts only if our text is long
    enough to be collapsed, and if the size in the placeholder fits."""
    box = agent.rules.box
    characters, lines = agent.submit.collapses_from
    breaks = ours.count("\n")
    if box is None or box.pasted is None or (len(ours) < characters and breaks + 1 < lines):
        return False
    match = box.pasted.fullmatch(join_lines(shown))
    if match is None:
        return False
    counted = match.groupdict()
    if counted.get("characters"):
        return any(
            abs(int(counted["characters"]) - size) <= PLACEHOLDER_MISCOUNT_CHARS
            for size in (len(ours), _utf16_units(ours))
        )
    return abs(int(counted["lines"]) - breaks) <= PLACEHOLDER_MISCOUNT_CHARS if counted.get("lines") else breaks == 0


def _utf16_units(text: str) -> int:
    """The length as JavaScript counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class MoveDecision(StrEnum):
    NOW = "now"
    WAIT = "wait"
    STOP = "stop"


@dataclass(frozen=True)
class MovePermission:
    """Whether a move may be made now, and the reason if not. `wait_s`: time alone allows it after so many seconds."""

    go: MoveDecision
    held: HoldReason | None = None
    wait_s: float | None = None


def decide_paste(facts: GateInput, ours: str, agent: Adapter, *, emptied: bool = False) -> MovePermission:
    """Paste only into an empty composer while the gate is open. A composer that was just cleared for us may not show it
    yet."""
    if facts.taken_back:
        return MovePermission(MoveDecision.STOP, HoldReason.TAKEN_BACK)
    if held := hold_reason_for(facts, ours, agent):
        return MovePermission(MoveDecision.STOP, held)
    if composer_content(facts.moment, ours, agent) is ComposerContent.NOTHING or _takes_urgent_at_once(facts, agent):
        return MovePermission(MoveDecision.NOW)
    return MovePermission(MoveDecision.WAIT if emptied else MoveDecision.STOP, HoldReason.DRAFT)


def decide_stash(facts: GateInput, ours: str, agent: Adapter) -> MovePermission:
    held = hold_reason_for(facts, ours, agent)
    return MovePermission(MoveDecision.STOP, held) if held else MovePermission(MoveDecision.NOW)


def may_send_kept(facts: GateInput) -> bool:
    """Whether an Enter submits what the agent has kept inside when its turn was stopped, and nothing else."""
    verdict = facts.moment.verdict
    rests = verdict.activity in CALM_ACTIVITIES and verdict.composer is Composer.EMPTY
    return rests and facts.moment.reading.keeps_prompts and facts.in_foreground and not facts.taken_back


def decide_enter(facts: GateInput, ours: str, agent: Adapter) -> MovePermission:
    """After the paste: press Enter now, look again, or leave it."""
    verdict = facts.moment.verdict
    if facts.taken_back:
        return MovePermission(MoveDecision.STOP, HoldReason.TAKEN_BACK)
    if verdict.activity in (Activity.GONE, Activity.ASKING):
        return MovePermission(MoveDecision.STOP, _HOLD_BY_ACTIVITY[verdict.activity])
    if not (facts.in_foreground or _takes_urgent_at_once(facts, agent)):
        return MovePermission(MoveDecision.STOP, HoldReason.SHELL)
    shown = composer_content(facts.moment, ours, agent) if agent.submit.echoes else ComposerContent.OURS
    if shown is ComposerContent.OURS:
        return MovePermission(MoveDecision.NOW)
    return MovePermission(MoveDecision.WAIT, HoldReason.DRAFT if shown is ComposerContent.OTHER else HoldReason.UNKNOWN)
