"""The verdict from evidence and time, as tables."""

import pytest

from gateway.protocol.types.core_types import Activity as A
from gateway.protocol.types.core_types import Composer
from sidecar.activity.activity_verdict import ActivityClaim, ActivityInput, decide_activity
from sidecar.evidence.turn_evidence import EvidenceSource as S

NOW = 100.0


def claim(source: S, says: A, age: float = 1.0, keeps: float | None = None) -> ActivityClaim:
    return ActivityClaim(source, says, "a rule", NOW - age, NOW - age, keeps)


def situation(*claims: ActivityClaim, alive: bool = True, before: A = A.IDLE) -> ActivityInput:
    return ActivityInput({one.source: one for one in claims}, alive, before)


@pytest.mark.parametrize(
    ("claims", "activity"),
    [
        pytest.param((), A.UNKNOWN, id="no match is unknown"),
        pytest.param((claim(S.SCREEN, A.IDLE),), A.UNKNOWN, id="one source is not enough"),
        pytest.param((claim(S.SCREEN, A.IDLE), claim(S.TITLE, A.IDLE)), A.IDLE, id="two agree"),
        pytest.param((claim(S.SCREEN, A.IDLE), claim(S.TITLE, A.BUSY)), A.BUSY, id="one says busy"),
        pytest.param((claim(S.SCREEN, A.ASKING, 0), claim(S.TITLE, A.BUSY)), A.ASKING, id="a dialog vetoes"),
        pytest.param((claim(S.VENDOR, A.ERROR), claim(S.SCREEN, A.IDLE)), A.ERROR, id="an error is told"),
        pytest.param(
            (claim(S.SCREEN, A.IDLE), claim(S.VENDOR, A.IDLE), claim(S.TITLE, A.BUSY, 3, keeps=2)),
            A.IDLE,
            id="a spinner that stopped",
        ),
        pytest.param(
            (claim(S.SCREEN, A.IDLE, 4), claim(S.VENDOR, A.IDLE, 4), claim(S.TITLE, A.BUSY, 9)),
            A.IDLE,
            id="two calm for long outvote one that is stuck",
        ),
        pytest.param(
            (claim(S.SCREEN, A.IDLE, 4), claim(S.VENDOR, A.IDLE, 4), claim(S.KEYS, A.BUSY, 0.1, keeps=0.4)),
            A.BUSY,
            id="Enter just now is not outvoted",
        ),
        pytest.param((claim(S.VENDOR, A.IDLE), claim(S.TITLE, A.IDLE)), A.UNKNOWN, id="nowhere to type is not idle"),
        pytest.param(
            (claim(S.SCREEN, A.IDLE, 4), claim(S.TITLE, A.IDLE, 4), claim(S.STATUS, A.ASKING, 4)),
            A.IDLE,
            id="two calm for long outvote a file that says it waits",
        ),
        pytest.param(
            (claim(S.SCREEN, A.ASKING, 9), claim(S.TITLE, A.IDLE, 4), claim(S.VENDOR, A.IDLE, 4)),
            A.ASKING,
            id="a dialog on the screen is never outvoted",
        ),
    ],
)
def test_votes(claims: tuple[ActivityClaim, ...], activity: A) -> None:
    assert decide_activity(situation(*claims), NOW).activity is activity


def test_idle_comes_only_when_it_has_settled() -> None:
    claims = (claim(S.SCREEN, A.IDLE, 0.005), claim(S.TITLE, A.IDLE, 1))
    early = decide_activity(situation(*claims, before=A.BUSY), NOW)
    assert early.activity is A.BUSY
    assert early.look_again is not None
    assert decide_activity(situation(*claims, before=A.BUSY), early.look_again).activity is A.IDLE


def test_a_question_that_ends_is_not_idle_before_it_has_settled() -> None:
    claims = (claim(S.SCREEN, A.IDLE, 0.005), claim(S.TITLE, A.IDLE, 1))
    assert decide_activity(situation(*claims, before=A.ASKING), NOW).activity is A.UNKNOWN


def test_starting_lasts_until_something_is_recognised() -> None:
    assert decide_activity(situation(before=A.STARTING), NOW).activity is A.STARTING


def test_a_dead_agent_is_gone_whatever_its_screen_says() -> None:
    claims = (claim(S.SCREEN, A.IDLE), claim(S.TITLE, A.IDLE))
    assert decide_activity(situation(*claims, alive=False), NOW).activity is A.GONE


def test_the_reasons_are_reported() -> None:
    verdict = decide_activity(situation(claim(S.SCREEN, A.IDLE), claim(S.TITLE, A.IDLE)), NOW)
    assert verdict.because == ("screen: a rule", "title: a rule")


def test_disagreeing_sources_are_named() -> None:
    claims = (claim(S.SCREEN, A.IDLE), claim(S.TITLE, A.BUSY))
    assert decide_activity(situation(*claims), NOW).against == ("screen: a rule",)


def test_a_screen_that_is_stuck_is_outvoted_where_the_composer_is_seen() -> None:
    claims = {
        one.source: one for one in (claim(S.SCREEN, A.BUSY, 9), claim(S.TITLE, A.IDLE, 4), claim(S.VENDOR, A.IDLE, 4))
    }
    assert decide_activity(ActivityInput(claims, before=A.IDLE, composer=Composer.EMPTY), NOW).activity is A.IDLE
    assert decide_activity(ActivityInput(claims, before=A.IDLE, composer=Composer.HIDDEN), NOW).activity is not A.IDLE
