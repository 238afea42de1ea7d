"""Whatever comes in whatever order: one member at most has the turn, every turn ends in time, every mode ends."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.runtime.mode_files import built_in_modes
from gateway.turns.engine import (
    Floor,
    ModeBegan,
    OpenVote,
    OtherMessage,
    PromptSpeaker,
    SpeakerSigns,
    SpokenLine,
    StatusAsked,
    TimePassed,
    TurnAnswered,
    TurnEvent,
    TurnExtended,
    TurnPassed,
    TurnStep,
    TurnTimeouts,
    VoteStatus,
    WorkReported,
    apply_event,
    next_check_at,
    record_prompt,
    replace,
)
from gateway.turns.floor import MAX_KEPT_LINES
from gateway.turns.mode import EACH_SPEAKER, END_PHASE, OTHER_SPEAKERS, PICKED_SPEAKER, Mode, Phase, parse_mode
from tests.support.examples import examples

PATIENCE = TurnTimeouts(warn=90, timeout=120, most=300, gone=15)
NAMES = ("ann", "bob", "cy", "dee")
TEXTS = st.sampled_from(
    ["well", "[LGTM]", "[CONTINUE]", "[DONE]", "VOTE: A", "VOTE: B", "@bob go", "NEXT: cy", "@ann me", "NOOP", ""]
)
PHASES = ("one", "two", "three", "four")
ROLES = ("judge", "author")


@st.composite
def phases(draw: st.DrawFn, name: str, names: tuple[str, ...]) -> Phase:
    target = st.sampled_from(("", END_PHASE, *names))
    flag = st.booleans()
    return Phase(
        name=name,
        who=draw(st.sampled_from((EACH_SPEAKER, OTHER_SPEAKERS, PICKED_SPEAKER, *ROLES))),
        tell="Speak.",
        agreed=draw(target),
        decided=draw(target),
        otherwise=draw(target),
        new_round=draw(flag),
        proposes=draw(flag),
        vote=draw(flag),
        done=draw(flag),
        picks=draw(flag),
    )


@st.composite
def modes(draw: st.DrawFn) -> Mode:
    """One that comes with the gateway, or any that a file may hold."""
    if draw(st.booleans()):
        return draw(st.sampled_from(list(built_in_modes().values())))
    names = PHASES[: draw(st.integers(1, len(PHASES)))]
    found = tuple(draw(phases(name, names)) for name in names)
    parse_mode({"name": "any", "phase": [msgspec.to_builtins(one) for one in found], "roles": list(ROLES)}, "any.toml")
    return Mode("any", phases=found, roles=ROLES)


@st.composite
def beginnings(draw: st.DrawFn) -> ModeBegan:
    mode = draw(modes())
    order = tuple(draw(st.permutations(NAMES)))[: draw(st.integers(1, len(NAMES)))]
    cast = {role: draw(st.sampled_from(order)) for role in mode.roles}
    return ModeBegan(mode, "tabs", "alice", order, cast, draw(st.integers(1, 4)), draw(st.integers(1, 40)))


signs = st.builds(
    SpeakerSigns,
    busy=st.booleans(),
    lost=st.sampled_from(["", "", "failed"]),
    taken_back=st.sampled_from([False, False, True]),
    silent=st.booleans(),
    gone=st.none() | st.floats(0, 1e4),
    outside=st.sampled_from([False, False, False, True]),
)
whom = st.sampled_from(NAMES)
ballots = st.builds(
    VoteStatus, st.lists(whom, unique=True).map(tuple), st.booleans(), st.sampled_from(["", "yes", "no", "A", "B"])
)


def lines(aside: bool) -> st.SearchStrategy[SpokenLine]:
    return st.builds(SpokenLine, st.integers(1, 10_000), whom, TEXTS, st.just(aside))


facts: st.SearchStrategy[TurnEvent] = st.one_of(
    st.builds(TurnAnswered, lines(False), st.uuids().map(str)),
    st.builds(TurnAnswered, lines(False), st.sampled_from(["same", "id"])),
    st.builds(OtherMessage, lines(True), st.uuids().map(str)),
    st.builds(WorkReported, whom, st.just(PATIENCE), st.booleans()),
    st.just(StatusAsked()),
    st.builds(TimePassed, signs, st.just(PATIENCE)),
    st.just(TurnPassed()),
    st.builds(TurnExtended, st.floats(1, 500), st.just(PATIENCE)),
)


class Stage:
    """A floor with the numbers of its prompts, and what must hold of it after every step."""

    def __init__(self, began: ModeBegan) -> None:
        self.seq = 0
        self.turns = 0
        self.floor = Floor()
        self.take(apply_event(self.floor, began, 0.0))

    def hear(self, fact: TurnEvent, ballot: VoteStatus, now: float) -> None:
        """With what the decision of the phase, if there is one, may have got by now."""
        before = replace(self.floor, ballot=ballot) if self.floor.decision else self.floor
        self.take(apply_event(before, fact, now))

    def take(self, step: TurnStep) -> None:
        before, self.floor = self.floor, step.floor
        prompts = [one for one in step.effects if isinstance(one, PromptSpeaker)]
        assert len(prompts) <= 1, "two were told that they have the turn"
        for one in prompts:
            assert one.speaker == self.floor.speaker, "somebody was told that has not the turn"
            assert one.speaker in self.floor.order
            if any(isinstance(poll, OpenVote) for poll in step.effects):
                self.floor = replace(self.floor, decision="d")
            self.seq += 1
            self.floor = record_prompt(self.floor, self.seq)
            self.turns += not one.again
        if self.floor.running:
            moved = (before.turns, before.tries) != (self.floor.turns, self.floor.tries)
            assert not moved or prompts, "the turn passed on, and nobody was told"
            assert 1 <= self.floor.round <= max(1, self.floor.rounds)
            assert self.floor.turns == self.turns <= self.floor.budget
            assert self.floor.prompts, "a turn without a prompt"
        assert len(self.floor.lines) <= MAX_KEPT_LINES
        assert msgspec.json.decode(msgspec.json.encode(self.floor), type=Floor) == self.floor


@settings(max_examples=examples(300), deadline=None)
@given(beginnings(), st.lists(st.tuples(facts, ballots, st.floats(0, 60)), max_size=60))
def test_one_has_the_turn_and_everything_ends(
    began: ModeBegan, story: list[tuple[TurnEvent, VoteStatus, float]]
) -> None:
    stage, now = Stage(began), 0.0
    for fact, ballot, passed in story:
        now += passed
        stage.hear(fact, ballot, now)
    stage.floor = replace(stage.floor, ballot=VoteStatus())
    for _ in range(20 * began.budget):  # from wherever it is, time alone brings it to its end
        at = next_check_at(stage.floor, SpeakerSigns(), PATIENCE)
        if at is None:
            break
        before, now = stage.floor, max(now, at)
        stage.take(apply_event(stage.floor, TimePassed(SpeakerSigns(), PATIENCE), now))
        assert stage.floor != before, "it was looked at for nothing: it would be again, for ever"
    assert not stage.floor.running


@settings(max_examples=examples(200), deadline=None)
@given(beginnings(), st.lists(TEXTS, min_size=1, max_size=3))
def test_who_always_answers_is_heard_until_the_end(began: ModeBegan, texts: list[str]) -> None:
    stage = Stage(began)
    for number in range(began.budget + 1):
        if not stage.floor.running:
            break
        line = SpokenLine(1000 + number, stage.floor.speaker, texts[number % len(texts)])
        stage.take(apply_event(stage.floor, TurnAnswered(line, str(number)), float(number)))
    assert not stage.floor.running


@settings(max_examples=examples(200), deadline=None)
@given(beginnings())
def test_a_busy_speaker_cannot_keep_the_turn_for_ever(began: ModeBegan) -> None:
    stage, now, busy = Stage(began), 0.0, SpeakerSigns(busy=True)
    for _ in range(20 * began.budget):
        at = next_check_at(stage.floor, busy, PATIENCE)
        if at is None:
            break
        now = max(now, at)
        stage.take(apply_event(stage.floor, WorkReported(stage.floor.speaker, PATIENCE), now))
        stage.take(apply_event(stage.floor, TimePassed(busy, PATIENCE), now))
    assert not stage.floor.running


@settings(max_examples=examples(300), deadline=None)
@given(beginnings(), st.lists(signs, min_size=1, max_size=4))
def test_whatever_is_seen_no_look_is_for_nothing(began: ModeBegan, seen: list[SpeakerSigns]) -> None:
    """Each look changes something, or the next one is later: else the gateway would look again at once, for ever."""
    stage, now = Stage(began), 0.0
    for number in range(40 * began.budget):
        one = seen[number % len(seen)]
        at = next_check_at(stage.floor, one, PATIENCE)
        if at is None:
            break
        now = max(now, at)
        before = stage.floor
        stage.take(apply_event(stage.floor, TimePassed(one, PATIENCE), now))
        again = next_check_at(stage.floor, one, PATIENCE)
        assert stage.floor != before or again is None or again > now, "it would be looked at for ever"
    assert not stage.floor.running
