"""When a message may be typed, when Enter may be pressed, and what each fact means for its ladder. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.protocol.delivery_reasons import BEFORE_ANSWER, Held, interrupted
from gateway.protocol.types import Activity, Composer, Rung
from sidecar.activity.activity import CALM, Verdict
from sidecar.activity.observer import Moment
from sidecar.agents import Agent
from sidecar.messages.envelope import joined, numbers_in, part_of, same_text
from sidecar.messages.inbox import Cut, Entry
from sidecar.screen.evidence import Source, Turn, TurnFact
from sidecar.typing.drafts import keepable

TYPING_REST = 1.5
ENTER_AGAIN = 1.5
MOST_ENTERS = 3
QUIET = 1.0
UNPROVEN = 20.0
UNSEEN = 30.0
DEAF = 60.0
WARM_UP = 1.0
CUT_TOLD_WITHIN_S = 10.0

QUEUED_INSIDE = "queued, it is at work"
MISCOUNT = 1  # some count a trailing newline, some do not


@dataclass(frozen=True)
class Facts:
    """All that the gate looks at."""

    moment: Moment
    urgent: bool = False
    paused: bool = False
    turn_open: bool = False
    since_key: float = float("inf")
    in_foreground: bool = True
    since_ready: float = float("inf")
    taken_back: bool = False


_HOLDS = {
    Activity.STARTING: Held.STARTING,
    Activity.ASKING: Held.ASKING,
    Activity.UNKNOWN: Held.UNKNOWN,
    Activity.GONE: Held.OFFLINE,
}


def gate(facts: Facts, ours: str, agent: Agent) -> Held | None:
    """Why this text may not be typed now; None if it may."""
    if facts.paused and not facts.urgent:
        return Held.PAUSED
    return _gate_of_agent(facts) or _gate_of_terminal(facts, ours, agent)


def _gate_of_agent(facts: Facts) -> Held | None:
    """A prompt that has just appeared for the first time is often covered by a question a moment later."""
    activity = facts.moment.verdict.activity
    if activity in _HOLDS:
        return _HOLDS[activity]
    if facts.since_ready < WARM_UP:
        return Held.STARTING
    if facts.urgent:
        return None
    return Held.BUSY if activity is Activity.BUSY else Held.TURN if facts.turn_open else None


def _takes_at_once(facts: Facts, agent: Agent) -> bool:
    """What is urgent goes to a plain program while it works, and to the one that runs in it: it reads lines, and shows
    no composer."""
    plain = agent.rules.box is None and not agent.submit.echoes
    return plain and facts.urgent and facts.moment.verdict.activity is Activity.BUSY


def _gate_of_terminal(facts: Facts, ours: str, agent: Agent) -> Held | None:
    at_once = _takes_at_once(facts, agent)
    if not (facts.in_foreground or at_once):
        return Held.SHELL
    if facts.since_key < TYPING_REST:
        return Held.DRAFT
    if at_once:
        return None
    shown = shows(facts.moment, ours, agent)
    if shown is Shows.OTHER and keepable(facts.moment.reading, agent):
        return None
    return {Shows.NOTHING: None, Shows.OURS: None, Shows.OTHER: Held.DRAFT, Shows.NO_BOX: Held.UNKNOWN}[shown]


class Shows(StrEnum):
    NOTHING = "nothing"
    OURS = "ours"
    OTHER = "other"
    NO_BOX = "no box"


def shows(moment: Moment, ours: str, agent: Agent) -> Shows:
    """What stands in the composer: nothing, exactly our text (or the placeholder for it), or something else."""
    if moment.verdict.composer is Composer.EMPTY:
        return Shows.NOTHING
    if moment.verdict.composer is not Composer.DRAFT:
        return Shows.NO_BOX
    text = moment.reading.text
    found = (
        same_text(text, ours) or _is_placeholder(text, ours, agent) or (moment.reading.partial and part_of(text, ours))
    )
    return Shows.OURS if found else Shows.OTHER


def _is_placeholder(shown: str, ours: str, agent: Agent) -> bool:
    """A vendor's sign for a long paste, which a narrow composer wraps, counts only if ours is long enough, and its size
    is ours."""
    box = agent.rules.box
    characters, lines = agent.submit.collapses_from
    breaks = ours.count("\n")
    if box is None or box.pasted is None or (len(ours) < characters and breaks + 1 < lines):
        return False
    match = box.pasted.fullmatch(joined(shown))
    if match is None:
        return False
    counted = match.groupdict()
    if counted.get("characters"):
        return any(abs(int(counted["characters"]) - size) <= MISCOUNT for size in (len(ours), _utf16_units(ours)))
    return abs(int(counted["lines"]) - breaks) <= MISCOUNT if counted.get("lines") else breaks == 0


def _utf16_units(text: str) -> int:
    """As JavaScript counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class Go(StrEnum):
    NOW = "now"
    WAIT = "wait"
    STOP = "stop"


@dataclass(frozen=True)
class Permission:
    """Whether a move may be made now, and what holds it if not."""

    go: Go
    held: Held | None = None


def may_paste(facts: Facts, ours: str, agent: Agent, *, emptied: bool = False) -> Permission:
    """Into an empty composer, the gate being open. One that was just emptied for us may not show it yet."""
    if facts.taken_back:
        return Permission(Go.STOP, Held.TAKEN_BACK)
    if held := gate(facts, ours, agent):
        return Permission(Go.STOP, held)
    if shows(facts.moment, ours, agent) is Shows.NOTHING or _takes_at_once(facts, agent):
        return Permission(Go.NOW)
    return Permission(Go.WAIT if emptied else Go.STOP, Held.DRAFT)


def may_stash(facts: Facts, ours: str, agent: Agent) -> Permission:
    held = gate(facts, ours, agent)
    return Permission(Go.STOP, held) if held else Permission(Go.NOW)


def may_enter(facts: Facts, ours: str, agent: Agent) -> Permission:
    """After the paste: press Enter now, look again, or leave it."""
    verdict = facts.moment.verdict
    if facts.taken_back:
        return Permission(Go.STOP, Held.TAKEN_BACK)
    if verdict.activity in (Activity.GONE, Activity.ASKING):
        return Permission(Go.STOP, _HOLDS[verdict.activity])
    if not (facts.in_foreground or _takes_at_once(facts, agent)):
        return Permission(Go.STOP, Held.SHELL)
    shown = shows(facts.moment, ours, agent) if agent.submit.echoes else Shows.OURS
    if shown is Shows.OURS:
        return Permission(Go.NOW)
    return Permission(Go.WAIT, Held.DRAFT if shown is Shows.OTHER else Held.UNKNOWN)


# The ladder after Enter


@dataclass(frozen=True)
class Rise:
    """One message's step up and what goes with it: the text of an answer or of what was said."""

    entry: Entry
    rung: Rung
    reason: str = ""
    text: str = ""


_EARLY = frozenset(Rung) - {Rung.ACCEPTED, Rung.SEEN, Rung.ANSWERED}
_TAKEN = (Rung.ACCEPTED, Rung.SEEN)


def is_worked_on(entry: Entry) -> bool:
    """By the agent, now, as far as is known: what it had to queue waits for another turn."""
    return entry.rung in _TAKEN or (entry.rung is Rung.SUBMITTED and not entry.queued_inside)


def rises(entries: Sequence[Entry], fact: TurnFact, since_cut: float = float("inf")) -> list[Rise]:
    """What a hook or a transcript line means for the messages that are here. Of one that was never typed it can only
    lie. `since_cut`: seconds since a key or a No last ended a turn."""
    if fact.kind is Turn.PROMPT:
        numbers = numbers_in(fact.text)
        mine = [one for one in entries if one.number in numbers and one.company and one.rung in _EARLY]
        return [Rise(one, Rung.ACCEPTED, fact.source) for one in mine]
    taken = [one for one in entries if one.rung in _TAKEN]
    mine = concerned(taken, fact, since_cut)
    strange = [one for one in mine if one.cut and not _is_its_own(one, one.cut, fact, taken)]
    found = [rise for one in mine if one not in strange for rise in _of(one, fact)]
    if fact.kind is Turn.MODEL:
        return found
    return found + [Rise(one, Rung.FAILED, one.cut.reason) for one in strange if one.cut]


def concerned(taken: Sequence[Entry], fact: TurnFact, since_cut: float = float("inf")) -> list[Entry]:
    """Those in this turn, and those taken in before it began: agents put several prompts into one turn. A transcript
    is read late: it tells of a message only after it has shown it."""
    if fact.source is Source.TRANSCRIPT:
        taken = [one for one in taken if one.recorded]
    if fact.kind is Turn.INTERRUPTED:
        taken = _interrupted(taken, fact, since_cut)
    if not fact.turn:
        return list(taken)
    begun = max((one.accepted for one in taken if one.turn == fact.turn), default=float("-inf"))
    return [one for one in taken if one.turn in ("", fact.turn) or one.accepted < begun]


def _interrupted(taken: Sequence[Entry], fact: TurnFact, since_cut: float) -> Sequence[Entry]:
    """The one place that decides whom an interruption concerns. A transcript tells late of what a key has just ended:
    not of what the agent has taken in since. Claude writes down what it had queued before it writes that the turn
    before was interrupted: a prompt that the model has not touched yet is the next turn's, unless a key cut that off,
    too."""
    cut = [one for one in taken if one.cut]
    if fact.source is Source.TRANSCRIPT and since_cut < CUT_TOLD_WITHIN_S:
        return cut
    if fact.turn:
        return taken
    return cut or [one for one in taken if one.rung is Rung.SEEN] or taken


def _is_its_own(entry: Entry, cut: Cut, fact: TurnFact, taken: Sequence[Entry]) -> bool:
    """After a key that ends a turn, the next turn's answer is never this message's: only what names its own turn is,
    or, where turns have no names, what comes before another message is taken in."""
    if fact.turn and entry.turn:
        return fact.turn == entry.turn
    return all(one.accepted <= max(cut.at, entry.accepted) for one in taken)


def _of(entry: Entry, fact: TurnFact) -> list[Rise]:
    match fact.kind:
        case Turn.MODEL:
            return [Rise(entry, Rung.SEEN, fact.source, fact.text)]
        case Turn.ANSWER | Turn.ENDED:
            text = fact.text or entry.words
            if not text:
                return [Rise(entry, Rung.FAILED, Overdue.SILENT)]
            return [Rise(entry, Rung.SEEN, fact.source), Rise(entry, Rung.ANSWERED, fact.source, text)]
        case Turn.INTERRUPTED:
            return [Rise(entry, Rung.FAILED, entry.cut.reason if entry.cut else interrupted(BEFORE_ANSWER))]
        case _:
            return [Rise(entry, Rung.FAILED, f"the turn failed: {fact.text}"[:300].rstrip(": "))]


@dataclass(frozen=True)
class Standing:
    """Where a message stands, for how long, how often Enter was pressed, how long the agent has been calm, and whether
    it was seen at work since it took the message."""

    rung: Rung
    since: float
    enters: int
    calm: float = 0.0
    worked: bool = True
    painted: bool = True


class Overdue(StrEnum):
    """What is due when no proof came."""

    ENTER = "press enter again"
    LOST = "it stands in the composer, but Enter was not taken"
    SILENT = "the turn ended without an answer"
    UNPROVEN = "Enter was pressed, but nothing proves that it was read"


def overdue(facts: Facts, stands: Standing, ours: str, agent: Agent) -> Overdue | None:
    """Only a step that is proven not to have happened is repeated."""
    calm = facts.moment.verdict.activity in CALM
    if stands.rung is Rung.SUBMITTED and agent.proves and stands.since >= ENTER_AGAIN:
        if may_enter(facts, ours, agent).go is Go.NOW:
            return _enter_again(stands)
        return Overdue.UNPROVEN if calm and stands.since >= UNPROVEN else None
    patience = QUIET if stands.worked else UNSEEN
    if stands.rung in (Rung.ACCEPTED, Rung.SEEN) and calm and min(stands.since, stands.calm) >= patience:
        return Overdue.SILENT
    return None


def _enter_again(stands: Standing) -> Overdue | None:
    """Our text on an old picture proves nothing: an Enter that a stalled agent still has to read must not be followed
    by another, which might meet a dialog."""
    if not stands.painted:
        return Overdue.LOST if stands.since >= DEAF else None
    return Overdue.ENTER if stands.enters < MOST_ENTERS else Overdue.LOST


_NOT_ITS_OWN = frozenset({Source.KEYS, Source.HOOK})


def is_at_work(verdict: Verdict) -> bool:
    """By its own signs, not by what we did or what a hook announced: a stalled agent has not begun."""
    shows = verdict.activity is Activity.BUSY and bool(verdict.sources - _NOT_ITS_OWN)
    return verdict.activity is Activity.ASKING or shows
