"""Decides which delivery state a hook, a transcript or the screen proves, and what to do when no proof comes. Pure.

`steps_from_fact` says what a hook or a transcript proves, `overdue_action` what follows when nothing does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.protocol.types.core_types import Activity, Rung
from gateway.protocol.types.delivery_reasons import BEFORE_ANSWER, interrupted_reason
from sidecar.activity.activity_verdict import CALM_ACTIVITIES, Verdict
from sidecar.agents import Adapter
from sidecar.evidence.turn_evidence import EvidenceSource, TurnFact, TurnFactKind
from sidecar.messages.envelope import numbers_in
from sidecar.messages.inbox import InboxEntry, Interruption
from sidecar.prompt_typing.typing_gate import GateInput, MoveDecision, decide_enter, may_send_kept

ENTER_RETRY_DELAY_S = 1.5
NEW_ROW_STANDS_S = 0.1
MAX_ENTERS = 3
QUIET_FOR_S = 1.0
UNPROVEN_AFTER_S = 60.0  # a CLI that still starts its tool servers queues a prompt, and says nothing of it
UNSEEN_AFTER_S = 30.0
SILENT_AFTER_S = 60.0
CUT_TOLD_WITHIN_S = 10.0


@dataclass(frozen=True)
class DeliveryStep:
    """The next delivery state of one message, with the text of an answer or of what the agent said."""

    entry: InboxEntry
    rung: Rung
    reason: str = ""
    text: str = ""


_EARLY_RUNGS = frozenset(Rung) - {Rung.ACCEPTED, Rung.SEEN, Rung.ANSWERED}


_TAKEN_RUNGS = (Rung.ACCEPTED, Rung.SEEN)


def is_worked_on(entry: InboxEntry) -> bool:
    """Whether the agent works on it now, as far as is known. A message that the agent had to queue belongs to a later
    turn."""
    return entry.rung in _TAKEN_RUNGS or (entry.rung is Rung.SUBMITTED and not entry.queued_inside)


def steps_from_fact(
    entries: Sequence[InboxEntry], fact: TurnFact, since_cut: float = float("inf")
) -> list[DeliveryStep]:
    """What a hook or a transcript line means for the known messages. It cannot be true for a message that was never
    typed. `since_cut`: seconds since a key or a denied question last ended a turn."""
    if fact.kind is TurnFactKind.PROMPT:
        numbers = numbers_in(fact.text)
        mine = [one for one in entries if one.number in numbers and one.company and one.rung in _EARLY_RUNGS]
        return [DeliveryStep(one, Rung.ACCEPTED, fact.source) for one in mine]
    taken = [one for one in entries if one.rung in _TAKEN_RUNGS]
    mine = messages_of_turn(taken, fact, since_cut)
    strange = [one for one in mine if one.cut and not _is_of_this_message(one, one.cut, fact, taken)]
    found = [rise for one in mine if one not in strange for rise in _steps_of_message(one, fact)]
    if fact.kind is TurnFactKind.MODEL:
        return found
    return found + [DeliveryStep(one, Rung.FAILED, one.cut.reason) for one in strange if one.cut]


def messages_of_turn(taken: Sequence[InboxEntry], fact: TurnFact, since_cut: float = float("inf")) -> list[InboxEntry]:
    """The messages in this turn and those accepted before it began, because agents merge several prompts into one turn.
    A transcript is read late: it proves something about a message only after it has shown that message."""
    if fact.source is EvidenceSource.TRANSCRIPT:
        taken = [one for one in taken if one.recorded]
    if fact.kind is TurnFactKind.INTERRUPTED:
        taken = _interrupted_messages(taken, fact, since_cut)
    if not fact.turn:
        return list(taken)
    begun = max((one.accepted for one in taken if one.turn == fact.turn), default=float("-inf"))
    return [one for one in taken if one.turn in ("", fact.turn) or one.accepted < begun]


def _interrupted_messages(taken: Sequence[InboxEntry], fact: TurnFact, since_cut: float) -> Sequence[InboxEntry]:
    """The only place that decides which messages an interruption concerns. The transcript reports late that a key ended
    a turn, so it does not concern messages accepted since. Claude logs its queued prompts first and the
    interruption after them: a prompt that the model has not seen yet belongs to the next turn, unless a key ended that
    turn as well."""
    cut = [one for one in taken if one.cut]
    if fact.source is EvidenceSource.TRANSCRIPT and since_cut < CUT_TOLD_WITHIN_S:
        return cut
    if fact.turn:
        return taken
    return cut or [one for one in taken if one.rung is Rung.SEEN] or taken


def _is_of_this_message(entry: InboxEntry, cut: Interruption, fact: TurnFact, taken: Sequence[InboxEntry]) -> bool:
    """After a key that ends a turn, the answer of the next turn is never for this message. A fact is for it only if it
    names its turn or, where turns have no names, if it comes before another message is accepted."""
    if fact.turn and entry.turn:
        return fact.turn == entry.turn
    return all(one.accepted <= max(cut.at, entry.accepted) for one in taken)


def _steps_of_message(entry: InboxEntry, fact: TurnFact) -> list[DeliveryStep]:
    match fact.kind:
        case TurnFactKind.MODEL:
            return [DeliveryStep(entry, Rung.SEEN, fact.source, fact.text)]
        case TurnFactKind.ANSWER | TurnFactKind.ENDED:
            text = fact.text or entry.words
            if not text:
                return [DeliveryStep(entry, Rung.FAILED, entry.cut.reason if entry.cut else OverdueAction.SILENT)]
            return [DeliveryStep(entry, Rung.SEEN, fact.source), DeliveryStep(entry, Rung.ANSWERED, fact.source, text)]
        case TurnFactKind.INTERRUPTED:
            return [
                DeliveryStep(entry, Rung.FAILED, entry.cut.reason if entry.cut else interrupted_reason(BEFORE_ANSWER))
            ]
        case _:
            return [DeliveryStep(entry, Rung.FAILED, f"the turn failed: {fact.text}"[:300].rstrip(": "))]


@dataclass(frozen=True)
class ProofState:
    """The delivery state of a message, for how long, how often Enter was pressed, how long the agent has been calm, and
    whether it was seen at work since it accepted the message. `broke_row`: the composer has got an empty row beneath
    the text since Enter was pressed."""

    rung: Rung
    since: float
    enters: int
    calm: float = 0.0
    worked: bool = True
    painted: bool = True
    broke_row: bool = False


class OverdueAction(StrEnum):
    """What to do when no proof came in time."""

    ENTER = "press enter again"
    LOST = "it is in the composer, but Enter was not accepted"
    SILENT = "the turn ended without an answer"
    UNPROVEN = "Enter was pressed, but nothing proves that it was read"


def overdue_action(facts: GateInput, stands: ProofState, ours: str, agent: Adapter) -> OverdueAction | None:
    """Only a step that is proven not to have happened is repeated."""
    calm = facts.moment.verdict.activity in CALM_ACTIVITIES
    if stands.rung is Rung.SUBMITTED and agent.proves and stands.since >= _enter_retry_delay(stands):
        shown = agent.submit.echoes and decide_enter(facts, ours, agent).go is MoveDecision.NOW
        if shown or may_send_kept(facts):
            return _enter_due_again(stands)
        return OverdueAction.UNPROVEN if calm and stands.since >= UNPROVEN_AFTER_S else None
    patience = (agent.hooks.ends_within if agent.hooks else QUIET_FOR_S) if stands.worked else UNSEEN_AFTER_S
    if stands.rung in (Rung.ACCEPTED, Rung.SEEN) and calm and min(stands.since, stands.calm) >= patience:
        return OverdueAction.SILENT
    return None


def _enter_retry_delay(stands: ProofState) -> float:
    """An agent that takes Enter for a part of the paste begins a new row beneath the text. That proves that it has read
    the key and submitted nothing, so there is nothing to wait for but the rest of its frame."""
    return NEW_ROW_STANDS_S if stands.broke_row and stands.enters < MAX_ENTERS else ENTER_RETRY_DELAY_S


def _enter_due_again(stands: ProofState) -> OverdueAction | None:
    """Our text on an old screen proves nothing. A stalled agent may still read the first Enter, and a second one could
    then answer a dialog."""
    if not (stands.painted or stands.broke_row):
        return OverdueAction.LOST if stands.since >= SILENT_AFTER_S else None
    return OverdueAction.ENTER if stands.enters < MAX_ENTERS else OverdueAction.LOST


_NOT_ITS_OWN = frozenset({EvidenceSource.KEYS, EvidenceSource.HOOK})


def is_at_work(verdict: Verdict) -> bool:
    """Whether the agent itself shows that it works. What we typed or what a hook announced does not count, because a
    stalled agent has not begun."""
    shows = verdict.activity is Activity.BUSY and bool(verdict.sources - _NOT_ITS_OWN)
    return verdict.activity is Activity.ASKING or shows
