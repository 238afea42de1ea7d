"""The turn engine for all modes: it decides who may speak in a room. Pure: (floor, event, now) -> new floor and
effects.

At most one member has the turn. Each turn ends: by an answer (`_handle_turn_answer`), by a timeout or because its
member is gone (`_handle_time_passed`, with the seconds of `floor.TurnTimeouts`), or by a person.
Each mode ends: rounds, turns, and turns without an answer are bounded, and a phase that goes back begins a round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gateway.protocol.text.printable_text import printable_line
from gateway.turns import answer_keywords
from gateway.turns.floor import (
    Floor,
    SpokenLine,
    TurnTimeouts,
    VoteOption,
    VoteStatus,
    add_line,
    record_prompt,
    replace,
    unseen_lines_for,
)
from gateway.turns.inputs_and_effects import (
    Announce,
    CloseVote,
    ModeBegan,
    ModeEnded,
    OpenVote,
    OtherMessage,
    PromptSpeaker,
    SpeakerSigns,
    StatusAsked,
    TimePassed,
    TurnAnswered,
    TurnEffect,
    TurnEvent,
    TurnExtended,
    TurnPassed,
    TurnStep,
    WorkReported,
)
from gateway.turns.mode import EACH_SPEAKER, END_PHASE, OTHER_SPEAKERS, PICKED_SPEAKER

__all__ = [
    "MAX_PROMPT_TRIES",
    "Announce",
    "CloseVote",
    "Floor",
    "ModeBegan",
    "ModeEnded",
    "OpenVote",
    "OtherMessage",
    "PromptSpeaker",
    "SpeakerSigns",
    "SpokenLine",
    "StatusAsked",
    "TimePassed",
    "TurnAnswered",
    "TurnEffect",
    "TurnEvent",
    "TurnExtended",
    "TurnPassed",
    "TurnStep",
    "TurnTimeouts",
    "VoteOption",
    "VoteStatus",
    "WorkReported",
    "apply_event",
    "next_check_at",
    "phase_speakers",
    "record_prompt",
    "replace",
    "unseen_lines_for",
]

MAX_KEPT_PROMPTS = 8
MAX_KEPT_IDS = 32
MAX_PROMPT_TRIES = 2
MAX_SILENT_ROUNDS = 2
YES_OUTCOME = "yes"


def apply_event(floor: Floor, fact: TurnEvent, now: float) -> TurnStep:
    """Apply an event. One that is not about the current speaker changes nothing."""
    if isinstance(fact, ModeBegan):
        return _begin_mode(fact, now)
    if not floor.running:
        return TurnStep(floor)
    handlers: dict[type[Any], Callable[[Floor, Any, float], TurnStep]] = {
        TurnAnswered: _handle_turn_answer,
        OtherMessage: _handle_other_message,
        WorkReported: _handle_work_reported,
        StatusAsked: _handle_status_asked,
        TimePassed: _handle_time_passed,
        TurnPassed: lambda floor, fact, now: _pass_turn_on(floor, now),
        TurnExtended: _handle_extension,
        ModeEnded: lambda floor, fact, now: TurnStep(_freeform_floor(floor), (Announce(fact.why),)),
    }
    return handlers[type(fact)](floor, fact, now)


# turns


def _begin_mode(wish: ModeBegan, now: float) -> TurnStep:
    floor = Floor(
        mode=wish.mode,
        topic=wish.topic,
        by=wish.by,
        order=wish.order,
        cast=wish.cast,
        rounds=wish.rounds,
        budget=wish.budget,
        round=1,
        options=tuple(VoteOption(key, key) for phase in wish.mode.phases for key in phase.options),
    )
    said = (
        Announce(f"Mode: {wish.mode.name.upper()}"),
        *((Announce(f"Topic: {printable_line(wish.topic)}"),) if wish.topic else ()),
    )
    return _give_turn(floor, 0, (*said, *_vote_effects(floor)), now)


def phase_speakers(floor: Floor) -> tuple[str, ...]:
    who = floor.now_in.who
    if who == EACH_SPEAKER:
        return floor.order
    if who == OTHER_SPEAKERS:
        return floor.others or floor.order
    if who == PICKED_SPEAKER:
        return (floor.picked or (floor.others or floor.order)[0],)
    return (floor.cast[who],)


def _give_turn(floor: Floor, index: int, said: tuple[TurnEffect, ...], now: float) -> TurnStep:
    """Give the turn to the next speaker of the phase, with a new time limit."""
    speaker = phase_speakers(floor)[index]
    past = (*floor.past, *floor.prompts)[-MAX_KEPT_PROMPTS:]
    clear = {"granted": 0.0, "warned": False, "rests": 0.0, "tries": 1, "noted": False, "prompts": (), "past": past}
    after = replace(floor, index=index, speaker=speaker, since=now, heard=now, turns=floor.turns + 1, **clear)
    return TurnStep(after, (*said, PromptSpeaker(speaker)))


def _pass_turn_on(floor: Floor, now: float, said: tuple[TurnEffect, ...] = ()) -> TurnStep:
    if floor.left <= 0:
        return _end_with(floor, (*said, Announce(f"The budget of {floor.budget} turns is used up.")))
    if floor.index + 1 < len(phase_speakers(floor)) and not floor.ballot.over:
        return _give_turn(floor, floor.index + 1, said, now)
    return _next_phase(floor, now, said)


def _next_phase(floor: Floor, now: float, said: tuple[TurnEffect, ...]) -> TurnStep:
    target, told = _phase_outcome(floor)
    said = (*said, *told)
    following = floor.phase + 1
    wanted = END_PHASE if target == END_PHASE else floor.mode.at(target) if target else following
    at = _reachable_phase(floor, wanted, following)
    if at is None:
        return _end_with(floor, said)
    new_round = at <= floor.phase or floor.mode.phases[at].new_round
    entered = replace(floor, phase=at, round=floor.round + new_round, decision="", ballot=VoteStatus())
    return _give_turn(entered, 0, (*said, *_phase_announcement(entered, new_round), *_vote_effects(entered)), now)


def _vote_effects(floor: Floor) -> tuple[TurnEffect, ...]:
    """A vote with fewer than two options would decide nothing, so it is not opened."""
    voters = tuple(dict.fromkeys(phase_speakers(floor)))
    if floor.now_in.agreed:
        return (OpenVote(voters, "unanimous"),)
    return (OpenVote(voters, "majority", floor.options),) if floor.now_in.vote and len(floor.options) > 1 else ()


def _reachable_phase(floor: Floor, wanted: int | str, following: int) -> int | None:
    """If no round is left, the mode goes on in the following phase, and skips a phase that would need a round."""
    if wanted == END_PHASE:
        return None
    assert isinstance(wanted, int)
    rounds_left = floor.round < floor.rounds
    at = wanted if wanted > floor.phase or rounds_left else following
    phases = floor.mode.phases
    while at < len(phases) and phases[at].new_round and not rounds_left:
        at += 1
    return at if at < len(phases) else None


def _phase_announcement(floor: Floor, new_round: bool) -> tuple[TurnEffect, ...]:
    several = len(floor.mode.phases) > 1
    if new_round:
        return (Announce(f"Round {floor.round}: {floor.now_in.name}" if several else f"Round {floor.round}"),)
    return (Announce(f"Phase: {floor.now_in.name}"),)


def _end_with(floor: Floor, said: Sequence[TurnEffect] = ()) -> TurnStep:
    return TurnStep(_freeform_floor(floor), (*said, Announce(f"{floor.name.upper()} complete.")))


def _freeform_floor(floor: Floor) -> Floor:
    """Remember the prompts of past turns, so that a late answer is still recognised."""
    return Floor(past=(*floor.past, *floor.prompts)[-MAX_KEPT_PROMPTS:], taken=floor.taken)


# answers


def _handle_turn_answer(floor: Floor, fact: TurnAnswered, now: float) -> TurnStep:
    line = fact.line
    if line.from_ != floor.speaker or floor.rests or fact.id in floor.taken:
        return TurnStep(floor)
    taken = (*floor.taken, fact.id)[-MAX_KEPT_IDS:]
    seen = {**floor.seen, floor.speaker: floor.shown}
    after = _apply_keywords(add_line(replace(floor, taken=taken, silent=0, seen=seen), line), line)
    if after.now_in.done and answer_keywords.says_done(line.text):
        return _end_with(after)
    if after.mode.rest:
        return TurnStep(replace(after, rests=now + after.mode.rest), _unusable_answer_advice(after, line))
    return _pass_turn_on(after, now, _unusable_answer_advice(after, line))


def _handle_other_message(floor: Floor, fact: OtherMessage, now: float) -> TurnStep:
    if fact.id in floor.taken:
        return TurnStep(floor)
    return TurnStep(add_line(replace(floor, taken=(*floor.taken, fact.id)[-MAX_KEPT_IDS:]), fact.line))


def _apply_keywords(floor: Floor, line: SpokenLine) -> Floor:
    phase, speaker = floor.now_in, floor.speaker
    if phase.proposes:
        floor = replace(floor, options=(*floor.options, _option_from_answer(floor, line)))
    if phase.picks:
        names = [one for one in floor.order if one != speaker]
        floor = replace(
            floor,
            picked=answer_keywords.next_speaker_in(line.text, names) or _next_name_after(floor.picked, floor.others),
        )
    return floor


def _unusable_answer_advice(floor: Floor, line: SpokenLine) -> tuple[TurnEffect, ...]:
    """The notice to the room about an answer that the phase cannot use."""
    phase = floor.now_in
    if floor.decision and floor.speaker not in floor.ballot.voted:
        ways = "[LGTM], [CONTINUE]" if phase.agreed else ", ".join(one.key for one in floor.options)
        return (Announce(f"@{floor.speaker} answered with none of {ways}, so its vote does not count."),)
    if (
        phase.picks
        and answer_keywords.next_speaker_in(line.text, [one for one in floor.order if one != floor.speaker]) is None
    ):
        return (Announce(f"@{floor.speaker} picked nobody, so the turn goes to @{floor.picked}."),)
    return ()


def _next_name_after(name: str, names: Sequence[str]) -> str:
    return names[(names.index(name) + 1) % len(names)] if name in names else names[0] if names else ""


def _option_from_answer(floor: Floor, line: SpokenLine) -> VoteOption:
    first = next((one.strip(" #*_`") for one in line.text.splitlines() if one.strip(" #*_`")), "")
    return VoteOption(chr(ord("A") + len(floor.options) % 26), first[:200], line.from_)


def _phase_outcome(floor: Floor) -> tuple[str, tuple[TurnEffect, ...]]:
    """The next phase after one that is over, and the end of its decision."""
    phase, won = floor.now_in, floor.ballot.outcome
    count = (CloseVote(),) if floor.decision else ()
    if phase.agreed:
        return (phase.agreed if won == YES_OUTCOME else phase.otherwise), count
    return (phase.decided if phase.vote and won else phase.otherwise), count


# time and state of the speaker


def _handle_time_passed(floor: Floor, fact: TimePassed, now: float) -> TurnStep:
    signs, patience = fact.signs, fact.patience
    if floor.rests:
        return _pass_turn_on(floor, now) if now >= floor.rests else TurnStep(floor)
    if floor.ballot.over:
        return _pass_turn_on(floor, now)
    if signs.lost and signs.gone is None and not signs.outside and not signs.taken_back:
        return _repeat_lost_prompt(floor, now, signs)
    if why := _no_answer_reason(floor, signs, patience, now):
        return _skip_turn(floor, now, why)
    return _apply_timeouts(floor, signs, patience, now)


def _no_answer_reason(floor: Floor, signs: SpeakerSigns, patience: TurnTimeouts, now: float) -> str:
    """The reason why no answer will come, however long the gateway waits."""
    gone = signs.gone is not None and now >= max(signs.gone, floor.since) + patience.gone
    if signs.outside or gone:
        return f"[GONE] @{floor.speaker} is not here. Advancing turn."
    if signs.taken_back:
        return f"[LOST] @{floor.speaker} did not get its turn ({signs.lost}). Advancing turn."
    return f"[PASS] @{floor.speaker} said nothing. Advancing turn." if signs.silent and not floor.noted else ""


def _apply_timeouts(floor: Floor, signs: SpeakerSigns, patience: TurnTimeouts, now: float) -> TurnStep:
    name, ends = floor.speaker, max(floor.since + patience.most, floor.granted)
    warn, over = floor.heard + patience.warn, floor.heard + patience.timeout
    if signs.busy and now >= min(warn, over) and now < ends:
        return TurnStep(replace(floor, heard=now, warned=False))
    if now >= over:
        return _skip_turn(floor, now, f"[TIMEOUT] @{name} did not respond. Advancing turn.")
    if now >= warn and not floor.warned:
        return TurnStep(
            replace(floor, warned=True), (Announce(f"[WARNING] @{name} turn has exceeded {patience.warn:g}s."),)
        )
    return TurnStep(floor)


def _repeat_lost_prompt(floor: Floor, now: float, signs: SpeakerSigns) -> TurnStep:
    """Prompt the speaker again if it is connected. If not, wait until it is back or its time is over."""
    name = floor.speaker
    if floor.tries >= MAX_PROMPT_TRIES:
        return _skip_turn(floor, now, f"[LOST] @{name} did not get its turn ({signs.lost}). Advancing turn.")
    again = replace(floor, tries=floor.tries + 1, heard=now, warned=False)
    return TurnStep(
        again,
        (Announce(f"[LOST] @{name} did not get its turn ({signs.lost}). Once more."), PromptSpeaker(name, again=True)),
    )


def _skip_turn(floor: Floor, now: float, why: str) -> TurnStep:
    silent = floor.silent + 1
    if silent >= MAX_SILENT_ROUNDS * max(1, len(floor.order)):
        return _end_with(floor, (Announce(why), Announce(f"Nobody has answered {silent} turns in a row.")))
    return _pass_turn_on(replace(floor, silent=silent), now, (Announce(why),))


def next_check_at(floor: Floor, signs: SpeakerSigns, patience: TurnTimeouts) -> float | None:
    """The next time at which time alone changes the floor."""
    if not floor.running:
        return None
    if floor.rests:
        return floor.rests
    warn, over = floor.heard + patience.warn, floor.heard + patience.timeout
    looks = [over if floor.warned else min(warn, over)]
    if signs.gone is not None:
        looks.append(max(signs.gone, floor.since) + patience.gone)
    return min(looks)


def _handle_work_reported(floor: Floor, fact: WorkReported, now: float) -> TurnStep:
    """Restart the time limit of the turn, up to a bound, so that a speaker cannot keep the turn for ever."""
    may = fact.member == floor.speaker and now < max(floor.since + fact.patience.most, floor.granted)
    noted = floor.noted or fact.answered
    return TurnStep(replace(floor, heard=max(floor.heard, now), warned=False, noted=noted) if may else floor)


def _handle_status_asked(floor: Floor, fact: StatusAsked, now: float) -> TurnStep:
    again = replace(floor, tries=floor.tries + 1, heard=now, warned=False)
    return TurnStep(again, (PromptSpeaker(floor.speaker, again=True),))


def _handle_extension(floor: Floor, fact: TurnExtended, now: float) -> TurnStep:
    until = now + fact.seconds
    return TurnStep(replace(floor, heard=until - fact.patience.timeout, granted=until, warned=False))
