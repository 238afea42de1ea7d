"""Why an agent is silent: its state, the evidence for it, what it waits for, and what helps. Pure.

The facts are what the gateway tells: the member as others see it, its open question, and its newest delivery.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.protocol.events import MemberView
from gateway.protocol.results import Why
from gateway.protocol.text.question_text import answer_commands, question_subject
from gateway.protocol.text.receipt_text import receipt_text
from gateway.protocol.types.agent_conditions import ConditionKind
from gateway.protocol.types.core_types import Activity, Ask, Composer, Delivery, Presence, Rung, Step
from gateway.protocol.types.delivery_reasons import HoldReason, hold_reason_of
from gateway.protocol.types.silence_causes import SilenceCause

CHAT_PREFIX, SHELL_PREFIX = "/", "groupchat "
MAX_EVIDENCE_CHARS = 200


@dataclass(frozen=True)
class WhyFacts:
    """`ask` is its open question, and `last` its newest delivery, if the reader may see them. `since` is when its
    activity began, as far as the gateway knows, and `lost` when its sidecar was last connected."""

    member: MemberView
    ask: Ask | None = None
    last: Delivery | None = None
    since: str = ""
    lost: str = ""
    folder: str = ""


_CAUSE_OF_HOLD = {
    HoldReason.PAUSED: SilenceCause.PAUSED,
    HoldReason.DRAFT: SilenceCause.DRAFT,
    HoldReason.PERSON_TYPES: SilenceCause.DRAFT,
    HoldReason.PERSON_STOPS: SilenceCause.DRAFT,
    HoldReason.TAKEN_BACK: SilenceCause.DRAFT,
    HoldReason.INTERRUPTING: SilenceCause.WORKS,
    HoldReason.TURN: SilenceCause.WORKS,
    HoldReason.OFFLINE: SilenceCause.AWAY,
    HoldReason.LIMITED: SilenceCause.LIMITED,
    HoldReason.LOGIN: SilenceCause.LOGIN,
    HoldReason.SHELL: SilenceCause.SHELL,
    HoldReason.STALLED: SilenceCause.STALLED,
    HoldReason.UNKNOWN: SilenceCause.UNKNOWN_SCREEN,
    HoldReason.FILES: SilenceCause.NOT_TYPED,
    HoldReason.JOURNAL: SilenceCause.NOT_TYPED,
}
_CAUSE_OF_ACTIVITY = {
    Activity.GONE: SilenceCause.LEFT,
    Activity.ASKING: SilenceCause.DIALOG,
    Activity.STARTING: SilenceCause.STARTS,
}
_CAUSE_OF_CONDITION = {
    ConditionKind.LIMITED: SilenceCause.LIMITED,
    ConditionKind.LOGIN: SilenceCause.LOGIN,
}
_CAUSE_OF_ACTIVITY_LATER = {
    Activity.BUSY: SilenceCause.WORKS,
    Activity.ERROR: SilenceCause.ERROR,
    Activity.UNKNOWN: SilenceCause.UNKNOWN_SCREEN,
}
_CAUSES_OF_DELIVERY = {
    SilenceCause.DRAFT,
    SilenceCause.STALLED,
    SilenceCause.NOT_TYPED,
    SilenceCause.LOOP_GUARD,
    SilenceCause.SOON,
    SilenceCause.THINKS,
    SilenceCause.FAILED,
}
_STATE = {
    SilenceCause.LEFT: "its program has ended",
    SilenceCause.AWAY: "its sidecar is not connected",
    SilenceCause.ASKS: "it asks a question and waits for the answer",
    SilenceCause.DIALOG: "its terminal shows a dialog that cannot be answered from here",
    SilenceCause.LIMITED: "it has reached a limit of its vendor",
    SilenceCause.LOGIN: "it wants a login",
    SilenceCause.PAUSED: "a person has paused it",
    SilenceCause.STARTS: "it is starting; some agents first want a login, or trust in the folder",
    SilenceCause.DRAFT: "its input holds a person's text, and nothing is typed over that",
    SilenceCause.WORKS: "it works, and reads the next message when its turn has ended",
    SilenceCause.ERROR: "its terminal shows an error",
    SilenceCause.UNKNOWN_SCREEN: "its screen matches no rule, and nothing is typed into what is not understood",
    SilenceCause.SHELL: "another program reads its terminal, and nothing is typed into that",
    SilenceCause.STALLED: "a message was typed, and its terminal shows nothing of it",
    SilenceCause.NOT_TYPED: "its message cannot be typed safely",
    SilenceCause.LOOP_GUARD: "the loop guard holds its messages: agents have answered each other too often",
    SilenceCause.SOON: "its message is about to be typed",
    SilenceCause.THINKS: "it has its message and has not answered yet",
    SilenceCause.FAILED: "its last message did not get through",
    SilenceCause.IDLE: "it is idle, and nothing waits for it",
}
_TERMINAL = "`{p}terminal {name}` shows its terminal"
_HELP = {
    SilenceCause.LEFT: "`{p}restart {name}` starts it again",
    SilenceCause.AWAY: "`{p}restart {name}` starts it again, `groupchat logs {name}` says what happened",
    SilenceCause.DIALOG: _TERMINAL,
    SilenceCause.LIMITED: "`{p}resume {name}` delivers what is held, once the limit is over",
    SilenceCause.LOGIN: _TERMINAL + "; log in there",
    SilenceCause.PAUSED: "`{p}resume {name}` delivers what is held",
    SilenceCause.STARTS: _TERMINAL,
    SilenceCause.DRAFT: _TERMINAL + "; send that text, or delete it",
    SilenceCause.WORKS: "`{p}stop {name}` ends its turn",
    SilenceCause.ERROR: _TERMINAL + ", `{p}restart {name}` starts it again",
    SilenceCause.UNKNOWN_SCREEN: _TERMINAL + ", `{p}explain {name}` what is seen of it",
    SilenceCause.SHELL: _TERMINAL + ", `{p}restart {name}` starts it again",
    SilenceCause.STALLED: _TERMINAL + ", `{p}retry {number} {name}` types it again",
    SilenceCause.NOT_TYPED: "`{p}cancel {number} {name}` gives it up",
    SilenceCause.LOOP_GUARD: "`{p}continue {name}` delivers them",
    SilenceCause.SOON: "if that lasts, `{p}explain {name}` says what is seen of it",
    SilenceCause.THINKS: _TERMINAL + ", `{p}stop {name}` ends its turn",
    SilenceCause.FAILED: "`{p}retry {number} {name}` delivers it again",
    SilenceCause.IDLE: "a message to @{name} wakes it",
}


def why_silent(facts: WhyFacts, prefix: str = CHAT_PREFIX) -> Why:
    """`prefix` is what stands before a command: `/` in the chat, `groupchat ` in a shell."""
    cause, member = silence_cause(facts), facts.member
    state, waits, helps = f"{_STATE[cause]}.", _waiting_text(member.queued), f"{_help_text(cause, facts, prefix)}."
    return Why(
        name=member.name,
        cause=cause,
        state=state,
        evidence=_evidence(cause, member)[:MAX_EVIDENCE_CHARS],
        since=_since(cause, facts),
        waits=waits,
        last=_last_text(facts.last),
        folder=facts.folder,
        helps=helps,
        sentence=_sentence(state, f"{waits}." if waits else "", helps),
        delivery=facts.last,
    )


def _evidence(cause: SilenceCause, member: MemberView) -> str:
    if member.condition is not None and cause in _CAUSE_OF_CONDITION.values():
        return member.condition.text or member.note
    return member.note


def _sentence(*parts: str) -> str:
    return " ".join(f"{one[:1].upper()}{one[1:]}" for one in parts if one)


def _since(cause: SilenceCause, facts: WhyFacts) -> str:
    """When the cause began; empty if that is unknown."""
    if cause is SilenceCause.ASKS and facts.ask is not None:
        return facts.ask.opened
    if cause in (SilenceCause.LEFT, SilenceCause.AWAY):
        return facts.lost
    if cause in _CAUSES_OF_DELIVERY and facts.last is not None:
        return facts.last.at
    return "" if cause is SilenceCause.PAUSED else facts.since


def _cause_of_held_mail(member: MemberView) -> SilenceCause | None:
    held = _CAUSE_OF_CONDITION.get(member.condition.kind) if member.condition else None
    return held or (SilenceCause.PAUSED if member.paused else None)


def silence_cause(facts: WhyFacts) -> SilenceCause:
    """The first that applies: what keeps an agent from hearing anything comes before what it does."""
    member = facts.member
    if member.presence is Presence.OFFLINE or member.activity is Activity.GONE:
        return SilenceCause.LEFT
    if member.presence is Presence.AWAY and member.activity is not Activity.STARTING:
        return SilenceCause.AWAY
    if facts.ask is not None:
        return SilenceCause.ASKS
    if member.condition is not None and member.condition.kind is ConditionKind.LOGIN:
        return SilenceCause.LOGIN  # it may stand in a dialog, or before the first prompt
    if cause := _CAUSE_OF_ACTIVITY.get(member.activity) or _cause_of_held_mail(member):
        return cause
    return _cause_of_delivery(member, facts.last) or _CAUSE_OF_ACTIVITY_LATER.get(member.activity, SilenceCause.IDLE)


def _cause_of_delivery(member: MemberView, last: Delivery | None) -> SilenceCause | None:
    """The cause that the newest delivery shows. If the reason of a hold no longer applies (held as `busy`, but the
    agent is idle), the hold is about to end."""
    if last is None or (last.rung is not Rung.HELD and member.activity is Activity.BUSY):
        return None
    match last.rung:
        case Rung.HELD:
            return _cause_of_hold(member, last.reason)
        case Rung.QUEUED:
            return SilenceCause.LOOP_GUARD if member.hops_left == 0 else _unless_unknown(member, SilenceCause.SOON)
        case Rung.FAILED | Rung.EXPIRED:
            return _unless_unknown(member, SilenceCause.FAILED)
        case Rung.ANSWERED | Rung.CANCELLED:
            return None
    return _unless_unknown(member, SilenceCause.THINKS)


def _cause_of_hold(member: MemberView, reason: str) -> SilenceCause | None:
    cause = _CAUSE_OF_HOLD.get(hold) if (hold := hold_reason_of(reason)) is not None else SilenceCause.NOT_TYPED
    if cause is SilenceCause.DRAFT and member.composer is Composer.EMPTY:
        cause = None
    if cause is SilenceCause.PAUSED:
        cause = None  # it was paused; now it is not
    return cause or _unless_unknown(member, SilenceCause.SOON)


def _unless_unknown(member: MemberView, cause: SilenceCause) -> SilenceCause | None:
    """What an agent does goes before what its message waits for."""
    return None if member.activity in _CAUSE_OF_ACTIVITY_LATER else cause


def _waiting_text(queued: int) -> str:
    return "" if not queued else "1 message waits for it" if queued == 1 else f"{queued} messages wait for it"


def _last_text(last: Delivery | None) -> str:
    return f"#{last.message} {receipt_text(Step(last.rung, last.at, last.reason))}" if last is not None else ""


def _help_text(cause: SilenceCause, facts: WhyFacts, prefix: str) -> str:
    name = facts.member.name
    if cause is SilenceCause.ASKS and facts.ask is not None:
        ways = [f"`{one}`" for one in answer_commands(facts.ask, prefix)[:2]]
        asked = "".join(question_subject(facts.ask)).strip()
        answers = f"{' or '.join(ways)} answers" if ways else _fill(_TERMINAL, facts, prefix)
        return f"{name} {asked}; {answers}"
    return _fill(_HELP[cause], facts, prefix)


def _fill(words: str, facts: WhyFacts, prefix: str) -> str:
    number = facts.last.message if facts.last is not None else ""
    if prefix != CHAT_PREFIX:  # only the chat in a session can show a pane
        words = words.replace(_TERMINAL, "`groupchat attach` leads to its terminal")
    return words.format(p=prefix, name=facts.member.name, number=number)
