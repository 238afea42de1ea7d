"""Who may speak in a room: one engine for all modes. Pure: (floor, fact, now) -> a new floor and effects.

At most one member has the turn. Each turn ends: by an answer, by time, because its member is gone, or by a person. Each
mode ends: a phase that goes back begins a round, and rounds, turns, and turns without an answer are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gateway.protocol.text.printable_text import in_line
from gateway.turns import keywords as words
from gateway.turns.events import (
    Answered,
    Began,
    Count,
    Effect,
    End,
    Extend,
    Fact,
    Heard,
    Looked,
    Next,
    Poll,
    Prompt,
    Say,
    Signs,
    Step,
    Wondered,
    Working,
)
from gateway.turns.mode import EACH, END, OTHERS, PICKED
from gateway.turns.state import Ballot, Floor, Line, Option, Patience, news_for, prompted, remember, replace

__all__ = [
    "MOST_TRIES",
    "Answered",
    "Ballot",
    "Began",
    "Count",
    "Effect",
    "End",
    "Extend",
    "Fact",
    "Floor",
    "Heard",
    "Line",
    "Looked",
    "Next",
    "Option",
    "Patience",
    "Poll",
    "Prompt",
    "Say",
    "Signs",
    "Step",
    "Wondered",
    "Working",
    "handle",
    "news_for",
    "next_look",
    "prompted",
    "replace",
    "speakers",
]

KEPT_PROMPTS = 8
KEPT_IDS = 32
MOST_TRIES = 2
SILENT_ROUNDS = 2
YES = "yes"


def handle(floor: Floor, fact: Fact, now: float) -> Step:
    """A fact that comes when nobody has the turn, or is about somebody else, changes nothing."""
    if isinstance(fact, Began):
        return _begin(fact, now)
    if not floor.running:
        return Step(floor)
    handlers: dict[type[Any], Callable[[Floor, Any, float], Step]] = {
        Answered: _answered,
        Heard: _heard,
        Working: _working,
        Wondered: _wondered,
        Looked: _looked,
        Next: lambda floor, fact, now: _pass_on(floor, now),
        Extend: _extend,
        End: lambda floor, fact, now: Step(_freeform(floor), (Say(fact.why),)),
    }
    return handlers[type(fact)](floor, fact, now)


# the turns


def _begin(wish: Began, now: float) -> Step:
    floor = Floor(
        mode=wish.mode,
        topic=wish.topic,
        by=wish.by,
        order=wish.order,
        cast=wish.cast,
        rounds=wish.rounds,
        budget=wish.budget,
        round=1,
        options=tuple(Option(key, key) for phase in wish.mode.phases for key in phase.options),
    )
    said = (Say(f"Mode: {wish.mode.name.upper()}"), *((Say(f"Topic: {in_line(wish.topic)}"),) if wish.topic else ()))
    return _give(floor, 0, (*said, *_polls(floor)), now)


def speakers(floor: Floor) -> tuple[str, ...]:
    who = floor.now_in.who
    if who == EACH:
        return floor.order
    if who == OTHERS:
        return floor.others or floor.order
    if who == PICKED:
        return (floor.picked or (floor.others or floor.order)[0],)
    return (floor.cast[who],)


def _give(floor: Floor, index: int, said: tuple[Effect, ...], now: float) -> Step:
    """The turn to the next in the phase, with its time begun anew."""
    speaker = speakers(floor)[index]
    past = (*floor.past, *floor.prompts)[-KEPT_PROMPTS:]
    clear = {"granted": 0.0, "warned": False, "rests": 0.0, "tries": 1, "noted": False, "prompts": (), "past": past}
    after = replace(floor, index=index, speaker=speaker, since=now, heard=now, turns=floor.turns + 1, **clear)
    return Step(after, (*said, Prompt(speaker)))


def _pass_on(floor: Floor, now: float, said: tuple[Effect, ...] = ()) -> Step:
    if floor.left <= 0:
        return _over(floor, (*said, Say(f"The budget of {floor.budget} turns is used up.")))
    if floor.index + 1 < len(speakers(floor)) and not floor.ballot.over:
        return _give(floor, floor.index + 1, said, now)
    return _next_phase(floor, now, said)


def _next_phase(floor: Floor, now: float, said: tuple[Effect, ...]) -> Step:
    target, told = _outcome(floor)
    said = (*said, *told)
    following = floor.phase + 1
    wanted = END if target == END else floor.mode.at(target) if target else following
    at = _reachable(floor, wanted, following)
    if at is None:
        return _over(floor, said)
    new_round = at <= floor.phase or floor.mode.phases[at].new_round
    entered = replace(floor, phase=at, round=floor.round + new_round, decision="", ballot=Ballot())
    return _give(entered, 0, (*said, *_headline(entered, new_round), *_polls(entered)), now)


def _polls(floor: Floor) -> tuple[Effect, ...]:
    """A vote with fewer than two options decides nothing, and is not opened."""
    voters = tuple(dict.fromkeys(speakers(floor)))
    if floor.now_in.agreed:
        return (Poll(voters, "unanimous"),)
    return (Poll(voters, "majority", floor.options),) if floor.now_in.vote and len(floor.options) > 1 else ()


def _reachable(floor: Floor, wanted: int | str, following: int) -> int | None:
    """Where no round is left, the phase that follows; a phase that would need one is passed over."""
    if wanted == END:
        return None
    assert isinstance(wanted, int)
    rounds_left = floor.round < floor.rounds
    at = wanted if wanted > floor.phase or rounds_left else following
    phases = floor.mode.phases
    while at < len(phases) and phases[at].new_round and not rounds_left:
        at += 1
    return at if at < len(phases) else None


def _headline(floor: Floor, new_round: bool) -> tuple[Effect, ...]:
    several = len(floor.mode.phases) > 1
    if new_round:
        return (Say(f"Round {floor.round}: {floor.now_in.name}" if several else f"Round {floor.round}"),)
    return (Say(f"Phase: {floor.now_in.name}"),)


def _over(floor: Floor, said: Sequence[Effect] = ()) -> Step:
    return Step(_freeform(floor), (*said, Say(f"{floor.name.upper()} complete.")))


def _freeform(floor: Floor) -> Floor:
    """What comes late is still known by the numbers of the prompts that it answers."""
    return Floor(past=(*floor.past, *floor.prompts)[-KEPT_PROMPTS:], taken=floor.taken)


# what an answer means


def _answered(floor: Floor, fact: Answered, now: float) -> Step:
    line = fact.line
    if line.from_ != floor.speaker or floor.rests or fact.id in floor.taken:
        return Step(floor)
    taken = (*floor.taken, fact.id)[-KEPT_IDS:]
    seen = {**floor.seen, floor.speaker: floor.shown}
    after = _understood(remember(replace(floor, taken=taken, silent=0, seen=seen), line), line)
    if after.now_in.done and words.is_done(line.text):
        return _over(after)
    if after.mode.rest:
        return Step(replace(after, rests=now + after.mode.rest), _advice(after, line))
    return _pass_on(after, now, _advice(after, line))


def _heard(floor: Floor, fact: Heard, now: float) -> Step:
    if fact.id in floor.taken:
        return Step(floor)
    return Step(remember(replace(floor, taken=(*floor.taken, fact.id)[-KEPT_IDS:]), fact.line))


def _understood(floor: Floor, line: Line) -> Floor:
    phase, speaker = floor.now_in, floor.speaker
    if phase.proposes:
        floor = replace(floor, options=(*floor.options, _proposal(floor, line)))
    if phase.picks:
        names = [one for one in floor.order if one != speaker]
        floor = replace(floor, picked=words.next_in(line.text, names) or _after(floor.picked, floor.others))
    return floor


def _advice(floor: Floor, line: Line) -> tuple[Effect, ...]:
    """What the room is told of an answer that the phase cannot use."""
    phase = floor.now_in
    if floor.decision and floor.speaker not in floor.ballot.voted:
        ways = "[LGTM], [CONTINUE]" if phase.agreed else ", ".join(one.key for one in floor.options)
        return (Say(f"@{floor.speaker} said none of {ways}: no vote of it counts."),)
    if phase.picks and words.next_in(line.text, [one for one in floor.order if one != floor.speaker]) is None:
        return (Say(f"@{floor.speaker} gave the word to nobody: it goes to @{floor.picked}."),)
    return ()


def _after(name: str, names: Sequence[str]) -> str:
    return names[(names.index(name) + 1) % len(names)] if name in names else names[0] if names else ""


def _proposal(floor: Floor, line: Line) -> Option:
    first = next((one.strip(" #*_`") for one in line.text.splitlines() if one.strip(" #*_`")), "")
    return Option(chr(ord("A") + len(floor.options) % 26), first[:200], line.from_)


def _outcome(floor: Floor) -> tuple[str, tuple[Effect, ...]]:
    """Where the phase that is over leads to, and what becomes of its decision."""
    phase, won = floor.now_in, floor.ballot.outcome
    count = (Count(),) if floor.decision else ()
    if phase.agreed:
        return (phase.agreed if won == YES else phase.otherwise), count
    return (phase.decided if phase.vote and won else phase.otherwise), count


# time and signs


def _looked(floor: Floor, fact: Looked, now: float) -> Step:
    signs, patience = fact.signs, fact.patience
    if floor.rests:
        return _pass_on(floor, now) if now >= floor.rests else Step(floor)
    if floor.ballot.over:
        return _pass_on(floor, now)
    if signs.lost and signs.gone is None and not signs.outside and not signs.taken_back:
        return _lost(floor, now, signs)
    if why := _why_not(floor, signs, patience, now):
        return _skip(floor, now, why)
    return _timed(floor, signs, patience, now)


def _why_not(floor: Floor, signs: Signs, patience: Patience, now: float) -> str:
    """Why no answer will come, whatever the time."""
    gone = signs.gone is not None and now >= max(signs.gone, floor.since) + patience.gone
    if signs.outside or gone:
        return f"[GONE] @{floor.speaker} is not here. Advancing turn."
    if signs.taken_back:
        return f"[LOST] @{floor.speaker} did not get its turn ({signs.lost}). Advancing turn."
    return f"[PASS] @{floor.speaker} said nothing. Advancing turn." if signs.silent and not floor.noted else ""


def _timed(floor: Floor, signs: Signs, patience: Patience, now: float) -> Step:
    name, ends = floor.speaker, max(floor.since + patience.most, floor.granted)
    warn, over = floor.heard + patience.warn, floor.heard + patience.timeout
    if signs.busy and now >= min(warn, over) and now < ends:
        return Step(replace(floor, heard=now, warned=False))
    if now >= over:
        return _skip(floor, now, f"[TIMEOUT] @{name} did not respond. Advancing turn.")
    if now >= warn and not floor.warned:
        return Step(replace(floor, warned=True), (Say(f"[WARNING] @{name} turn has exceeded {patience.warn:g}s."),))
    return Step(floor)


def _lost(floor: Floor, now: float, signs: Signs) -> Step:
    """Once more, as it is here. One that is not is waited for: until it is back, or its time is over."""
    name = floor.speaker
    if floor.tries >= MOST_TRIES:
        return _skip(floor, now, f"[LOST] @{name} did not get its turn ({signs.lost}). Advancing turn.")
    again = replace(floor, tries=floor.tries + 1, heard=now, warned=False)
    return Step(
        again, (Say(f"[LOST] @{name} did not get its turn ({signs.lost}). Once more."), Prompt(name, again=True))
    )


def _skip(floor: Floor, now: float, why: str) -> Step:
    silent = floor.silent + 1
    if silent >= SILENT_ROUNDS * max(1, len(floor.order)):
        return _over(floor, (Say(why), Say(f"Nobody has answered {silent} turns in a row.")))
    return _pass_on(replace(floor, silent=silent), now, (Say(why),))


def next_look(floor: Floor, signs: Signs, patience: Patience) -> float | None:
    """When time will next change something."""
    if not floor.running:
        return None
    if floor.rests:
        return floor.rests
    warn, over = floor.heard + patience.warn, floor.heard + patience.timeout
    looks = [over if floor.warned else min(warn, over)]
    if signs.gone is not None:
        looks.append(max(signs.gone, floor.since) + patience.gone)
    return min(looks)


def _working(floor: Floor, fact: Working, now: float) -> Step:
    """Its time begins anew, up to a point: it cannot keep the turn for ever."""
    may = fact.member == floor.speaker and now < max(floor.since + fact.patience.most, floor.granted)
    noted = floor.noted or fact.answered
    return Step(replace(floor, heard=max(floor.heard, now), warned=False, noted=noted) if may else floor)


def _wondered(floor: Floor, fact: Wondered, now: float) -> Step:
    again = replace(floor, tries=floor.tries + 1, heard=now, warned=False)
    return Step(again, (Prompt(floor.speaker, again=True),))


def _extend(floor: Floor, fact: Extend, now: float) -> Step:
    until = now + fact.seconds
    return Step(replace(floor, heard=until - fact.patience.timeout, granted=until, warned=False))
