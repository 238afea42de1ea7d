"""The plain turn loop: what happened and when in, whose turn it is and what the gateway says out."""

from __future__ import annotations

import pytest

from gateway.floor import MAX_ROUNDS, Floor, Mode, Patience, advance, begin, extended, next_look, tick
from gateway.protocol.errors import BadRequest

PATIENCE = Patience(warn=90, timeout=120)
ORDER = ("claude", "gemini")
DEBATE = Floor(Mode.DEBATE, "tabs", 1, 2, ORDER, 0, 1000.0)


def test_a_debate_from_its_beginning_to_its_end() -> None:
    floor, said = begin("debate", "tabs", ORDER, 2, 1000)
    assert (floor, floor.current) == (DEBATE, "claude")
    assert said == ("Mode: DEBATE", "Topic: tabs", "@claude - Your turn.")
    story = []
    for now in (1010, 1020, 1030, 1040):
        floor, said = advance(floor, now)
        story.append((floor.current, floor.round, floor.since, said))
    assert story == [
        ("gemini", 1, 1010, ("@gemini - Your turn.",)),
        ("claude", 2, 1020, ("Round 2", "@claude - Your turn.")),
        ("gemini", 2, 1030, ("@gemini - Your turn.",)),
        (None, 0, 0, ("DEBATE complete.",)),
    ]
    with pytest.raises(BadRequest, match="no turns in freeform"):
        advance(floor, 1050)


@pytest.mark.parametrize("mode", ["debate", "consensus", "autopilot"])
def test_each_mode_of_turns(mode: str) -> None:
    floor, said = begin(mode, "tabs", ORDER, 1, 0)
    assert (floor.mode, floor.current) == (Mode(mode), "claude")
    assert said == (f"Mode: {mode.upper()}", "Topic: tabs", "@claude - Your turn.")


def test_without_a_topic_none_is_said() -> None:
    assert begin("debate", "", ORDER, 1, 0)[1] == ("Mode: DEBATE", "@claude - Your turn.")


def test_freeform_ends_all_turns() -> None:
    assert begin("freeform", "x", (), 0, 5) == (Floor(), ("Mode: FREEFORM",))
    assert Floor().current is None


REFUSED: list[tuple[str, tuple[str, ...], int, str]] = [
    ("consensus", ORDER, 1, "needs a topic"),
    ("shouting", ORDER, 1, "Invalid mode"),
    ("DEBATE", ORDER, 1, "Invalid mode"),
    ("", ORDER, 1, "Invalid mode"),
    ("debate", (), 1, "needs agents"),
    ("debate", ORDER, 0, "rounds"),
    ("debate", ORDER, -3, "rounds"),
    ("debate", ORDER, MAX_ROUNDS + 1, "rounds"),
]


@pytest.mark.parametrize(("mode", "order", "rounds", "hint"), REFUSED)
def test_a_mode_that_cannot_begin(mode: str, order: tuple[str, ...], rounds: int, hint: str) -> None:
    with pytest.raises(BadRequest, match=hint):
        begin(mode, " ", order, rounds, 0)


WARNED = Floor(Mode.DEBATE, "tabs", 1, 2, ORDER, 0, 1000.0, warned=True)
GEMINI = Floor(Mode.DEBATE, "tabs", 1, 2, ORDER, 1, 1120.0)
WARNING = ("[WARNING] @claude turn has exceeded 90s.",)
TIMEOUT = ("[TIMEOUT] @claude did not respond. Advancing turn.", "@gemini - Your turn.")

TICKS: list[tuple[Floor, float, Floor, tuple[str, ...]]] = [
    (DEBATE, 1089.9, DEBATE, ()),
    (DEBATE, 1090, WARNED, WARNING),
    (WARNED, 1091, WARNED, ()),
    (WARNED, 1119.9, WARNED, ()),
    (WARNED, 1120, GEMINI, TIMEOUT),
    (DEBATE, 1120, GEMINI, TIMEOUT),
    (Floor(), 1e9, Floor(), ()),
]


@pytest.mark.parametrize(("before", "now", "after", "said"), TICKS)
def test_what_the_passing_of_time_does(before: Floor, now: float, after: Floor, said: tuple[str, ...]) -> None:
    assert tick(before, now, PATIENCE) == (after, said)


def test_the_last_one_to_be_silent_ends_the_debate() -> None:
    last = Floor(Mode.DEBATE, "", 2, 2, ORDER, 1, 1000.0)
    after, said = tick(last, 1120, PATIENCE)
    assert after == Floor()
    assert said == ("[TIMEOUT] @gemini did not respond. Advancing turn.", "DEBATE complete.")


def test_working_begins_the_time_of_the_speaker_anew_and_of_nobody_else() -> None:
    assert extended(WARNED, "claude", 1100) == Floor(Mode.DEBATE, "tabs", 1, 2, ORDER, 0, 1100.0)
    assert extended(WARNED, "gemini", 1100) == WARNED
    assert extended(Floor(), "claude", 1100) == Floor()


LOOKS: list[tuple[Floor, Patience, float | None]] = [
    (Floor(), PATIENCE, None),
    (DEBATE, PATIENCE, 1090),
    (WARNED, PATIENCE, 1120),
    (DEBATE, Patience(warn=90, timeout=30), 1030),
]


@pytest.mark.parametrize(("floor", "patience", "at"), LOOKS)
def test_when_to_look_again(floor: Floor, patience: Patience, at: float | None) -> None:
    assert next_look(floor, patience) == at


@pytest.mark.parametrize("floor", [DEBATE, WARNED])
def test_looking_when_told_always_changes_something(floor: Floor) -> None:
    at = next_look(floor, PATIENCE)
    assert at is not None
    assert tick(floor, at, PATIENCE)[0] != floor
