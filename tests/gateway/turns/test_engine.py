"""The engine of turns: each mode as a table of answers, who has the turn then in which phase, what the room hears."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gateway.decisions.vote_count import VoteCheck, result_at
from gateway.decisions.votes_in_messages import YES_OR_NO, find_votes, parse_vote
from gateway.mode_rules.mode_votes import vote_status_of
from gateway.protocol.types import core_types
from gateway.protocol.types.decision_types import AnswerKind, Decision, Given
from gateway.runtime.mode_files import built_in_modes
from gateway.turns.engine import (
    Announce,
    CloseVote,
    Floor,
    ModeBegan,
    ModeEnded,
    OpenVote,
    OtherMessage,
    PromptSpeaker,
    SpeakerSigns,
    SpokenLine,
    TimePassed,
    TurnAnswered,
    TurnExtended,
    TurnPassed,
    TurnStep,
    TurnTimeouts,
    WorkReported,
    apply_event,
    next_check_at,
    record_prompt,
    replace,
    unseen_lines_for,
)
from gateway.turns.mode import MAX_TURNS, Mode, Phase

PATIENCE = TurnTimeouts(warn=90, timeout=120, most=1800, gone=15)
ABC = ("ann", "bob", "cy")


def began(name: str, order: Sequence[str] = ABC, cast: dict[str, str] | None = None, **numbers: int) -> TurnStep:
    mode = built_in_modes()[name]
    roles = cast or {role: order[at % len(order)] for at, role in enumerate(mode.roles)}
    rounds, budget = numbers.get("rounds", mode.rounds), numbers.get("budget", mode.turns)
    return apply_event(Floor(), ModeBegan(mode, "tabs", "alice", tuple(order), roles, rounds, budget), 0.0)


class Play:
    """A floor that is played through; it keeps what the room heard and who had the turn where."""

    def __init__(self, step: TurnStep) -> None:
        self.seq, self.now = 0, 0.0
        self.heard: list[str] = []
        self.decision = Decision("", 0, 0, "", "", "", "", "majority")
        self.turns: list[str] = []
        self.take(step)

    def take(self, step: TurnStep) -> None:
        self.floor = step.floor
        for effect in step.effects:
            match effect:
                case Announce(text):
                    self.heard.append(text)
                case OpenVote():
                    self.poll(effect)
                case CloseVote():
                    self.heard.append(f"counted: {vote_status_of(self.decision).outcome or 'nothing'}")
                case PromptSpeaker():
                    self.seq += 1
                    self.floor = record_prompt(self.floor, self.seq)
                    self.turns.append(f"{effect.speaker}/{self.floor.now_in.name}/{self.floor.round}")

    def poll(self, effect: OpenVote) -> None:
        options = tuple(core_types.Option(one.key, one.text) for one in effect.options) or YES_OR_NO
        self.floor = replace(self.floor, decision="d")
        self.decision = Decision("d", 1, 1, "", "", "?", "", effect.rule, effect.voters, options)

    def answer(self, text: str, who: str = "") -> None:
        self.seq += 1
        self.now += 1
        line = SpokenLine(self.seq, who or self.floor.speaker, text)
        if self.floor.decision:
            self.vote(line)
        self.take(apply_event(self.floor, TurnAnswered(line, f"m-{self.seq}"), self.now))

    def vote(self, line: SpokenLine) -> None:
        """As the rules of decisions do it."""
        for said in find_votes(line.text):
            if self.decision.pending and (found := parse_vote(self.decision, said)):
                given = Given(line.from_, AnswerKind.VOTE, "", found[0])
                self.decision = replace(self.decision, answers=(*self.decision.answers, given))
                if end := result_at(self.decision, VoteCheck.ANSWER):
                    self.decision = replace(self.decision, state=end.state, outcome=end.outcome)
        self.floor = replace(self.floor, ballot=vote_status_of(self.decision))

    def look(self, now: float, signs: SpeakerSigns | None = None) -> None:
        self.take(apply_event(self.floor, TimePassed(signs or SpeakerSigns(), PATIENCE), now))


def played(step: TurnStep, *answers: str) -> Play:
    play = Play(step)
    for text in answers:
        play.answer(text)
    return play


def test_round_robin() -> None:
    play = played(began("round-robin", rounds=2), *"123456")
    assert play.turns == [f"{name}/turns/{n}" for n in (1, 2) for name in ABC]
    assert play.heard == ["Mode: ROUND-ROBIN", "Topic: tabs", "Round 2", "ROUND-ROBIN complete."]
    assert not play.floor.running


def test_debate() -> None:
    play = played(began("debate", rounds=3, cast={"synthesizer": "bob"}), *"0123456789")
    positions, responses = (
        [f"{one}/positions/1" for one in ABC],
        [f"{one}/responses/{n}" for n in (2, 3) for one in ABC],
    )
    assert play.turns == [*positions, *responses, "bob/synthesis/3"]
    assert play.heard[2:] == ["Round 2: responses", "Round 3: responses", "Phase: synthesis", "DEBATE complete."]


def test_a_debate_of_one_round_has_no_responses() -> None:
    assert played(began("debate", rounds=1), *"123").turns[3:] == ["ann/synthesis/1"]


VOTES: list[tuple[tuple[str, ...], list[str], str]] = [
    (("VOTE: B", "I say\n**VOTE: b**"), [], "counted: B"),
    (("VOTE: A", "VOTE: B because it aligns", "VOTE: A"), [], "counted: A"),
    (("VOTE: C", "none", "VOTE: C"), ["@bob answered with none of A, B, C, so its vote does not count."], "counted: C"),
    (
        ("VOTE: A", "well", "hm"),
        [f"@{one} answered with none of A, B, C, so its vote does not count." for one in ("bob", "cy")],
        "counted: A",
    ),
]


@pytest.mark.parametrize(("votes", "said", "result"), VOTES)
def test_consensus(votes: tuple[str, ...], said: list[str], result: str) -> None:
    """A vote is over as soon as nobody can change it any more."""
    play = played(began("consensus"), "# Use tabs\nbecause", "Use spaces", "Ban both", "well", "yes", "no", *votes)
    turns = [f"{one}/{phase}" for phase in ("propose/1", "discuss/2", "vote/2") for one in ABC]
    assert play.turns == turns[: 6 + len(votes)]
    assert [one.text for one in play.floor.options or play.decision.options] == ["Use tabs", "Use spaces", "Ban both"]
    assert play.heard[4:] == [*said, result, "CONSENSUS complete."]


def test_without_a_majority_there_is_one_more_vote_and_then_none() -> None:
    play = played(began("consensus", rounds=1), "1", "2", "3", *("VOTE: A", "VOTE: B", "VOTE: C") * 2)
    assert [one.split("/")[1] for one in play.turns] == ["propose"] * 3 + ["vote"] * 3 + ["second-vote"] * 3
    none = "counted: nothing"
    assert play.heard[-4:] == [none, "Phase: second-vote", none, "CONSENSUS complete."]


def test_one_proposal_alone_is_not_voted_on() -> None:
    play = Play(began("consensus", rounds=1))
    play.answer("only mine")
    for turn in range(1, 5):
        play.look(turn * 1000)
    assert play.decision.id == "" and play.floor.decision == ""


SALOMO = [
    (("thesis", "fine\n[LGTM]"), ["ann/thesis/1", "bob/antithesis/1"], "counted: yes"),
    (
        ("thesis", "no\n[CONTINUE]", "it stands\n[LGTM] as it is"),
        ["ann/thesis/1", "bob/antithesis/1", "cy/judgment/1"],
        "counted: yes",
    ),
    (
        ("thesis", "[CONTINUE]", "[CONTINUE]", "mended", "[LGTM]"),
        ["ann/thesis/1", "bob/antithesis/1", "cy/judgment/1", "ann/thesis/2", "bob/antithesis/2"],
        "counted: yes",
    ),
    (
        ("one", "[CONTINUE]", "[CONTINUE]", "two", "[CONTINUE]", "[CONTINUE]"),
        [f"{one}/{n}" for n in (1, 2) for one in ("ann/thesis", "bob/antithesis", "cy/judgment")],
        "counted: no",
    ),
]


@pytest.mark.parametrize(("answers", "turns", "last"), SALOMO)
def test_salomo(answers: tuple[str, ...], turns: list[str], last: str) -> None:
    play = played(began("salomo", rounds=2), *answers)
    assert play.turns == turns
    assert play.heard[-2:] == [last, "SALOMO complete."]


def test_review_until_all_are_content() -> None:
    play = played(began("review"), "draft", "ok\n[LGTM]", "no\n[CONTINUE]", "mended", "[LGTM]", "[LGTM]")
    assert play.turns == [
        "ann/draft/1",
        "bob/reviews/1",
        "cy/reviews/1",
        "ann/revision/1",
        "bob/reviews/2",
        "cy/reviews/2",
    ]
    assert play.heard[-2:] == ["counted: yes", "REVIEW complete."]


def test_the_author_has_the_last_word_when_no_round_is_left() -> None:
    play = played(began("review", rounds=1), "draft", "x", "[LGTM]", "mended")
    assert play.turns[-1] == "ann/revision/1"
    assert play.heard[-3:] == ["counted: nothing", "Phase: revision", "REVIEW complete."]


def test_pipeline_hands_on() -> None:
    play = played(
        began("pipeline", cast=dict(zip(("researcher", "coder", "reviewer", "deployer"), (*ABC, "ann"), strict=True))),
        *"123",
    )
    assert play.turns == ["ann/research/1", "bob/code/1", "cy/review/1", "ann/deploy/1"]


def test_autopilot() -> None:
    words = ("@cy look at it", "seen", "NEXT: bob", "done", "All is well.\n[DONE]")
    play = played(began("autopilot"), *words)
    assert [one.split("/")[0] for one in play.turns] == ["ann", "cy", "ann", "bob", "ann"]
    assert play.heard[-1] == "AUTOPILOT complete."


def test_autopilot_ends_with_its_budget_and_a_word_to_nobody_goes_round() -> None:
    play = played(began("autopilot", budget=5), "hm", "1", "@ann me", "2", "hm")
    assert [one.split("/")[0] for one in play.turns] == ["ann", "bob", "ann", "cy", "ann"]
    assert "@ann picked nobody, so the turn goes to @bob." in play.heard
    assert play.heard[-2:] == ["The budget of 5 turns is used up.", "AUTOPILOT complete."]


def test_nobody_else_ends_the_turn_and_no_answer_counts_twice() -> None:
    play = Play(began("round-robin", rounds=2))
    play.answer("not mine", who="bob")
    assert play.floor.speaker == "ann"
    line = SpokenLine(9, "ann", "mine")
    play.take(apply_event(play.floor, TurnAnswered(line, "same"), 1))
    play.take(apply_event(play.floor, TurnAnswered(SpokenLine(11, "bob", "b"), "x"), 2))
    play.take(apply_event(play.floor, TurnAnswered(SpokenLine(12, "cy", "c"), "y"), 3))
    assert (play.floor.speaker, play.floor.round) == ("ann", 2)
    assert apply_event(play.floor, TurnAnswered(line, "same"), 4) == TurnStep(play.floor)


# time


def turn_of(**changes: object) -> Floor:
    mode = Mode("talk", phases=(Phase("turns", "each", "Say it."),))
    shape = {"order": ABC, "speaker": "ann", "since": 1000.0, "heard": 1000.0, "rounds": 1, "round": 1, "tries": 1}
    return Floor(mode=mode, budget=MAX_TURNS, prompts=(7,), **{**shape, **changes})  # type: ignore[arg-type]


WARNING = "[WARNING] @ann turn has exceeded 90s."
TIMEOUT = "[TIMEOUT] @ann did not respond. Advancing turn."
GONE = "[GONE] @ann is not here. Advancing turn."
LOOKS: list[tuple[str, Floor, float, SpeakerSigns, list[str], str]] = [
    ("too early", turn_of(), 1089.9, SpeakerSigns(), [], "ann"),
    ("warned", turn_of(), 1090, SpeakerSigns(), [WARNING], "ann"),
    ("warned once", turn_of(warned=True), 1091, SpeakerSigns(), [], "ann"),
    ("over", turn_of(warned=True), 1120, SpeakerSigns(), [TIMEOUT], "bob"),
    ("over without a warning", turn_of(), 1120, SpeakerSigns(), [TIMEOUT], "bob"),
    ("busy is not silent", turn_of(), 1120, SpeakerSigns(busy=True), [], "ann"),
    ("but not for ever", turn_of(heard=2700), 2820, SpeakerSigns(busy=True), [TIMEOUT], "bob"),
    ("unless somebody gave more", turn_of(heard=2700, granted=3000), 2820, SpeakerSigns(busy=True), [], "ann"),
    ("it may come back", turn_of(), 1014, SpeakerSigns(gone=1000.0), [], "ann"),
    ("it does not", turn_of(), 1015, SpeakerSigns(gone=1000.0), [GONE], "bob"),
    ("gone for long before", turn_of(), 1014, SpeakerSigns(gone=10.0), [], "ann"),
    ("not in the room", turn_of(), 1001, SpeakerSigns(outside=True), [GONE], "bob"),
    ("said nothing", turn_of(), 1001, SpeakerSigns(silent=True), ["[PASS] @ann said nothing. Advancing turn."], "bob"),
    ("will say more", turn_of(noted=True), 1001, SpeakerSigns(silent=True), [], "ann"),
    ("lost", turn_of(), 1001, SpeakerSigns(lost="x"), ["[LOST] @ann did not get its turn (x). Once more."], "ann"),
    ("lost and away", turn_of(), 1001, SpeakerSigns(lost="x", gone=1000.0), [], "ann"),
    (
        "lost again",
        turn_of(tries=2),
        1001,
        SpeakerSigns(lost="x"),
        ["[LOST] @ann did not get its turn (x). Advancing turn."],
        "bob",
    ),
]


@pytest.mark.parametrize(
    ("before", "now", "signs", "said", "speaker"), [one[1:] for one in LOOKS], ids=[one[0] for one in LOOKS]
)
def test_what_time_and_signs_do(before: Floor, now: float, signs: SpeakerSigns, said: list[str], speaker: str) -> None:
    after, effects = apply_event(before, TimePassed(signs, PATIENCE), now)
    assert [one.text for one in effects if isinstance(one, Announce)] == said
    assert after.speaker == speaker
    prompts = [one for one in effects if isinstance(one, PromptSpeaker)]
    assert len(prompts) == (speaker != "ann" or "Once more" in "".join(said))


@pytest.mark.parametrize("floor", [turn_of(), turn_of(warned=True), turn_of(rests=1000.1)])
def test_looking_when_told_always_changes_something(floor: Floor) -> None:
    at = next_check_at(floor, SpeakerSigns(), PATIENCE)
    assert at is not None
    assert apply_event(floor, TimePassed(SpeakerSigns(), PATIENCE), at).floor != floor


def test_where_nobody_has_the_turn_nothing_happens() -> None:
    assert next_check_at(Floor(), SpeakerSigns(), PATIENCE) is None
    for fact in (
        TurnPassed(),
        ModeEnded("x"),
        WorkReported("ann", PATIENCE),
        TimePassed(SpeakerSigns(), PATIENCE),
        TurnAnswered(SpokenLine(1, "ann", "x")),
    ):
        assert apply_event(Floor(), fact, 5) == TurnStep(Floor())


def test_a_room_in_which_nobody_answers_is_given_up() -> None:
    play = Play(began("round-robin", rounds=100))
    for turn in range(1, 7):
        play.look(turn * 1000)
    assert not play.floor.running
    assert play.heard[-2:] == ["Nobody has answered 6 turns in a row.", "ROUND-ROBIN complete."]


def test_working_extends_the_own_turn_up_to_a_cap() -> None:
    assert apply_event(turn_of(warned=True), WorkReported("ann", PATIENCE), 1100).floor == turn_of(heard=1100.0)
    assert apply_event(turn_of(), WorkReported("bob", PATIENCE), 1100).floor == turn_of()
    assert apply_event(turn_of(), WorkReported("ann", PATIENCE), 2801).floor == turn_of()


def test_a_person_extends_passes_on_and_ends() -> None:
    given = apply_event(turn_of(), TurnExtended(600, PATIENCE), 1100).floor
    assert next_check_at(given, SpeakerSigns(), PATIENCE) == 1670
    assert apply_event(given, TimePassed(SpeakerSigns(), PATIENCE), 1700).effects == (
        Announce(TIMEOUT),
        PromptSpeaker("bob"),
    )
    assert apply_event(turn_of(), TurnPassed(), 1001).floor.speaker == "bob"
    ended = apply_event(turn_of(), ModeEnded("Mode: FREEFORM"), 1001)
    assert ended == TurnStep(Floor(past=(7,)), (Announce("Mode: FREEFORM"),))


def test_what_is_said_out_of_turn_comes_to_each_next_speaker_once() -> None:
    play = Play(began("round-robin", rounds=2))
    play.take(apply_event(play.floor, OtherMessage(SpokenLine(2, "cy", "but!", aside=True), "a"), 1))
    play.take(apply_event(play.floor, OtherMessage(SpokenLine(2, "cy", "but!", aside=True), "a"), 1))
    play.seq = 2
    told: list[tuple[str, list[int]]] = []
    for text in "12345":
        play.answer(text)
        told.append((play.floor.speaker, [one.seq for one in unseen_lines_for(play.floor, play.floor.speaker)]))
    assert told == [("bob", [2, 3]), ("cy", [3, 5]), ("ann", [2, 5, 7]), ("bob", [7, 9]), ("cy", [9, 11])]
