"""Decides when a message may be typed, when Enter may be pressed, and which delivery state each fact proves. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.protocol.delivery_reasons import BEFORE_ANSWER, HoldReason, interrupted_reason
from gateway.protocol.types import Activity, Composer, Rung
from sidecar.activity.activity import CALM_ACTIVITIES, Verdict
from sidecar.activity.observer import AgentSnapshot
from sidecar.agents import Adapter
from sidecar.messages.envelope import is_part_of, is_same_text, join_lines, numbers_in
from sidecar.messages.inbox import InboxEntry, Interruption
from sidecar.screen.evidence import EvidenceSource, TurnFact, TurnFactKind
from sidecar.typing.drafts import can_be_stashed

TYPING_PAUSE_S = 1.5
ENTER_RETRY_DELAY_S = 1.5
MAX_ENTERS = 3
QUIET_FOR_S = 1.0
UNPROVEN_AFTER_S = 20.0
UNSEEN_AFTER_S = 30.0
SILENT_AFTER_S = 60.0
WARM_UP_S = 1.0
CUT_TOLD_WITHIN_S = 10.0

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


_HOLD_BY_ACTIVITY = {
    Activity.STARTING: HoldReason.STARTING,
    Activity.ASKING: HoldReason.ASKING,
    Activity.UNKNOWN: HoldReason.UNKNOWN,
    Activity.GONE: HoldReason.OFFLINE,
}


def hold_reason_for(facts: GateInput, ours: str, agent: Adapter) -> HoldReason | None:
    """Why this text may not be typed now, or None."""
    if facts.paused and not facts.urgent:
        return HoldReason.PAUSED
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
class Permission:
    """Whether a move may be made now, and the reason if not."""

    go: MoveDecision
    held: HoldReason | None = None


def decide_paste(facts: GateInput, ours: str, agent: Adapter, *, emptied: bool = False) -> Permission:
    """Paste only into an empty composer while the gate is open. A composer that was just cleared for us may not show it
    yet."""
    if facts.taken_back:
        return Permission(MoveDecision.STOP, HoldReason.TAKEN_BACK)
    if held := hold_reason_for(facts, ours, agent):
        return Permission(MoveDecision.STOP, held)
    if composer_content(facts.moment, ours, agent) is ComposerContent.NOTHING or _takes_urgent_at_once(facts, agent):
        return Permission(MoveDecision.NOW)
    return Permission(MoveDecision.WAIT if emptied else MoveDecision.STOP, HoldReason.DRAFT)


def decide_stash(facts: GateInput, ours: str, agent: Adapter) -> Permission:
    held = hold_reason_for(facts, ours, agent)
    return Permission(MoveDecision.STOP, held) if held else Permission(MoveDecision.NOW)


def decide_enter(facts: GateInput, ours: str, agent: Adapter) -> Permission:
    """After the paste: press Enter now, look again, or leave it."""
    verdict = facts.moment.verdict
    if facts.taken_back:
        return Permission(MoveDecision.STOP, HoldReason.TAKEN_BACK)
    if verdict.activity in (Activity.GONE, Activity.ASKING):
        return Permission(MoveDecision.STOP, _HOLD_BY_ACTIVITY[verdict.activity])
    if not (facts.in_foreground or _takes_urgent_at_once(facts, agent)):
        return Permission(MoveDecision.STOP, HoldReason.SHELL)
    shown = composer_content(facts.moment, ours, agent) if agent.submit.echoes else ComposerContent.OURS
    if shown is ComposerContent.OURS:
        return Permission(MoveDecision.NOW)
    return Permission(MoveDecision.WAIT, HoldReason.DRAFT if shown is ComposerContent.OTHER else HoldReason.UNKNOWN)


# Delivery states after Enter


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
    a turn, so it does not concern messages accepted since. Claude writes its queued prompts before it writes that the
    turn before was interrupted: a prompt that the model has not seen yet belongs to the next turn, unless a key ended
    that one, too."""
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
                return [DeliveryStep(entry, Rung.FAILED, OverdueAction.SILENT)]
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
    whether it was seen at work since it accepted the message."""

    rung: Rung
    since: float
    enters: int
    calm: float = 0.0
    worked: bool = True
    painted: bool = True


class OverdueAction(StrEnum):
    """What to do when no proof came in time."""

    ENTER = "press enter again"
    LOST = "it stands in the composer, but Enter was not taken"
    SILENT = "the turn ended without an answer"
    UNPROVEN = "Enter was pressed, but nothing proves that it was read"


def overdue_action(facts: GateInput, stands: ProofState, ours: str, agent: Adapter) -> OverdueAction | None:
    """Only a step that is proven not to have happened is repeated."""
    calm = facts.moment.verdict.activity in CALM_ACTIVITIES
    if stands.rung is Rung.SUBMITTED and agent.proves and stands.since >= ENTER_RETRY_DELAY_S:
        if decide_enter(facts, ours, agent).go is MoveDecision.NOW:
            return _enter_due_again(stands)
        return OverdueAction.UNPROVEN if calm and stands.since >= UNPROVEN_AFTER_S else None
    patience = QUIET_FOR_S if stands.worked else UNSEEN_AFTER_S
    if stands.rung in (Rung.ACCEPTED, Rung.SEEN) and calm and min(stands.since, stands.calm) >= patience:
        return OverdueAction.SILENT
    return None


def _enter_due_again(stands: ProofState) -> OverdueAction | None:
    """Our text on an old screen proves nothing. A stalled agent may still read the first Enter, and a second one could
    then answer a dialog."""
    if not stands.painted:
        return OverdueAction.LOST if stands.since >= SILENT_AFTER_S else None
    return OverdueAction.ENTER if stands.enters < MAX_ENTERS else OverdueAction.LOST


_NOT_ITS_OWN = frozenset({EvidenceSource.KEYS, EvidenceSource.HOOK})


def is_at_work(verdict: Verdict) -> bool:
    """Whether the agent itself shows that it works. What we typed or what a hook announced does not count, because a
    stalled agent has not begun."""
    shows = verdict.activity is Activity.BUSY and bool(verdict.sources - _NOT_ITS_OWN)
    return verdict.activity is Activity.ASKING or shows
