"""Which condition an agent is in, and what it holds: a chart of what is seen, in the order in which it is seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.protocol.types.agent_conditions import Condition, ConditionKind, condition_text
from gateway.protocol.types.delivery_reasons import HoldReason, hold_reason_of
from sidecar.conditions.condition_watch import ConditionWatch
from sidecar.evidence.turn_evidence import TurnFact, TurnFactKind
from sidecar.runtime.assembly import LIMIT_STAGGER_S
from sidecar.screen.rules import ConditionMatch

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
WORDS = "You've hit your 5-hour limit · resets 5:42pm (UTC)"
LIMIT = ConditionMatch("rule", ConditionKind.LIMITED, WORDS)
FOOTER = ConditionMatch("footer", ConditionKind.LIMITED, "Usage limit reached · limit resets 5:42pm")
WEEKLY = ConditionMatch("rule", ConditionKind.LIMITED, "You've hit your weekly limit · resets Dec 4, 11am (UTC)")
ENDLESS = ConditionMatch("rule", ConditionKind.LIMITED, "Usage limit reached for gemini")
LOGIN = ConditionMatch("login", ConditionKind.LOGIN, "Please run /login")
FULL = ConditionMatch("full", ConditionKind.CONTEXT, "5% of the context is left")
ANSWER = TurnFact(TurnFactKind.ANSWER, "4")
FAILED = TurnFact(TurnFactKind.FAILED, WORDS)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def watch() -> ConditionWatch:
    return ConditionWatch(Clock())


def test_a_limit_that_refused_a_turn_lasts_until_the_model_answers() -> None:
    it = watch()
    it.turn_failed([LIMIT])
    assert it.condition == Condition(ConditionKind.LIMITED, WORDS, "2026-11-30T17:42:00Z")
    assert (it.hold(), it.hold_text(HoldReason.LIMITED)) == (HoldReason.LIMITED, "limited until 17:42")
    assert hold_reason_of("limited until 17:42") is HoldReason.LIMITED
    for found in ([LIMIT], [FOOTER], []):  # it leaves the screen, and still lasts
        it.screen_shows(found)
        assert it.condition == Condition(ConditionKind.LIMITED, WORDS, "2026-11-30T17:42:00Z")
    it.fact(FAILED)
    it.fact(TurnFact(TurnFactKind.MODEL, "said before the limit, and read late"))
    it.fact(TurnFact(TurnFactKind.ENDED))
    assert it.hold() is HoldReason.LIMITED
    it.fact(ANSWER)
    assert it.condition is None and it.hold() is None


def test_a_request_that_is_repeated_shows_a_limit_and_does_not_end_the_turn() -> None:
    """OpenCode and Qwen Code repeat it by themselves. With an end or without one, it lasts until the model answers."""
    for limit, until in ((LIMIT, "2026-11-30T17:42:00Z"), (ENDLESS, "")):
        it = ConditionWatch(Clock(), resumes=True)
        it.request_refused([limit])
        for _ in range(2):
            it.screen_shows([])
            assert it.condition == Condition(ConditionKind.LIMITED, limit.text, until)
            assert it.hold() is HoldReason.LIMITED and not it.keeps_turns()
        it.fact(ANSWER)
        assert it.condition is None


def test_a_request_that_was_repeated_in_vain_refuses_its_turn() -> None:
    it = ConditionWatch(Clock(), resumes=True)
    it.request_refused([LIMIT])
    it.turn_failed([LIMIT])
    assert it.keeps_turns()
    it.request_refused([LIMIT])  # read late
    assert it.keeps_turns()


def test_words_about_a_login_hold_nothing_up_once_a_person_or_an_answer_has_lifted_it() -> None:
    """An agent that was asked to write them, for example."""
    for answers in (False, True):
        it = watch()
        it.screen_shows([LOGIN])
        assert it.hold() is HoldReason.LOGIN
        it.fact(ANSWER) if answers else it.lift()
        it.screen_shows([LOGIN, FULL])
        assert (it.hold(), it.condition) == (None, Condition(ConditionKind.CONTEXT, FULL.text))
        it.screen_shows([])
        it.screen_shows([LOGIN])
        assert it.hold() is HoldReason.LOGIN, "it is wanted anew"


def test_old_words_on_the_screen_begin_no_new_limit() -> None:
    it = watch()
    it.screen_shows([LIMIT, FOOTER])
    it.lift()
    it.screen_shows([LIMIT, FOOTER])
    assert it.condition is None
    it.screen_shows([])
    it.screen_shows([LIMIT])
    assert it.hold() is HoldReason.LIMITED


def test_the_same_words_of_another_refused_turn_are_a_new_limit() -> None:
    it = watch()
    it.screen_shows([LIMIT])
    it.lift()
    it.screen_shows([LIMIT])
    it.turn_failed([LIMIT])
    assert it.hold() is HoldReason.LIMITED


def test_words_are_read_once() -> None:
    clock = Clock()
    it = ConditionWatch(clock)
    it.screen_shows([FOOTER])
    clock.now = datetime(2026, 11, 30, 18, 30, tzinfo=UTC)
    it.screen_shows([FOOTER])
    assert it.condition is not None and it.condition.until == "2026-11-30T17:42:00Z"
    assert it.hold_text(HoldReason.LIMITED) == "limited"  # its time has passed; nobody knows whether it is over


def test_other_words_for_the_same_limit_are_read_once_too() -> None:
    clock = Clock()
    it = ConditionWatch(clock)
    it.turn_failed([LIMIT])
    it.screen_shows([FOOTER])
    for now in (datetime(2026, 11, 30, 18, 30, tzinfo=UTC), datetime(2026, 12, 1, 9, 0, tzinfo=UTC)):
        clock.now = now
        it.screen_shows([FOOTER])
        assert it.condition is not None and it.condition.until == "2026-11-30T17:42:00Z"
    it.lift()
    it.screen_shows([FOOTER])
    it.turn_failed([FOOTER])  # said anew, the next day
    assert it.condition is not None and it.condition.until == "2026-12-01T17:42:00Z"


def test_another_limit_takes_the_place_of_the_first() -> None:
    it = watch()
    it.turn_failed([LIMIT])
    it.turn_failed([WEEKLY])
    assert it.condition is not None and it.condition.until == "2026-12-04T11:00:00Z"
    assert it.hold_text(HoldReason.LIMITED) == "limited until Dec 4 11:00"


def test_a_limit_without_an_end_that_is_only_shown_lasts_while_it_is_shown() -> None:
    it = watch()
    it.screen_shows([ENDLESS])
    assert it.hold_text(HoldReason.LIMITED) == "limited"
    it.screen_shows([])
    assert it.condition is None
    it.turn_failed([ENDLESS])
    it.screen_shows([])
    assert it.hold() is HoldReason.LIMITED


def test_the_strongest_condition_is_told() -> None:
    it = watch()
    it.screen_shows([FULL])
    assert (it.condition, it.hold()) == (Condition(ConditionKind.CONTEXT, FULL.text), None)
    it.screen_shows([FULL, LOGIN])
    assert (it.condition, it.hold()) == (Condition(ConditionKind.LOGIN, LOGIN.text), HoldReason.LOGIN)
    assert it.hold_text(HoldReason.LOGIN) == "login needed"
    it.screen_shows([FULL, LOGIN, LIMIT])
    assert it.hold() is HoldReason.LIMITED
    assert it.hold_text(HoldReason.BUSY) == "busy"


def test_a_text_of_the_vendor_is_bounded() -> None:
    it = watch()
    it.turn_failed([ConditionMatch("rule", ConditionKind.LIMITED, "x" * 5000)])
    assert it.condition is not None and len(it.condition.text) == 300


def test_a_broken_time_is_no_time() -> None:
    for until in ("", "soon", "2026-11-30T17:42:00", "2026-11-30T11:59:00Z"):
        assert condition_text(Condition(ConditionKind.LIMITED, "", until), NOON) == "limited"


def resuming(stagger_s: float = 0.0) -> tuple[Clock, ConditionWatch]:
    clock = Clock()
    return clock, ConditionWatch(clock, resumes=True, stagger_s=lambda: stagger_s)


def test_it_goes_on_after_the_limit_and_not_into_work_or_a_dialog() -> None:
    clock, it = resuming(stagger_s=6.0)
    it.turn_failed([LIMIT])
    assert it.keeps_turns()
    clock.now = datetime(2026, 11, 30, 17, 43, 5, tzinfo=UTC)
    assert (it.go_on(calm=True), it.seconds_to_wait()) == (False, 1.0)
    clock.now += timedelta(seconds=1)
    assert not it.go_on(calm=False)
    it.screen_shows([LIMIT])
    assert it.go_on(calm=True) and it.condition is None
    it.screen_shows([LIMIT])  # its words still stand there
    assert it.condition is None and it.seconds_to_wait() is None and not it.go_on(calm=True)


def test_no_two_members_go_on_in_the_same_second() -> None:
    starts = set()
    for place in range(10):
        _, it = resuming(stagger_s=place * 3.0)
        it.turn_failed([LIMIT])
        wait = it.seconds_to_wait()
        assert wait is not None
        starts.add(int(wait))
    assert len(starts) == 10


def test_ten_that_were_limited_at_once_go_on_one_after_another() -> None:
    """Second by second, from the minute in which the limit of all of them ends."""
    ten = [resuming(stagger_s=place * LIMIT_STAGGER_S) for place in range(10)]
    for _, it in ten:
        it.turn_failed([LIMIT])
    went_on: list[tuple[int, int]] = []
    for second in range(180):
        for place, (clock, it) in enumerate(ten):
            clock.now = datetime(2026, 11, 30, 17, 42, tzinfo=UTC) + timedelta(seconds=second)
            if it.go_on(calm=True):
                went_on.append((second, place))
    assert went_on == [(60 + 3 * place, place) for place in range(10)]


def test_another_limit_on_the_screen_keeps_it_from_going_on() -> None:
    clock, it = resuming()
    it.turn_failed([LIMIT])
    clock.now = datetime(2026, 11, 30, 18, 0, tzinfo=UTC)
    it.screen_shows([WEEKLY])
    assert not it.go_on(calm=True)
    assert it.condition is not None and it.condition.until == "2026-12-04T11:00:00Z"


def test_a_vendor_that_still_refuses_is_asked_less_and_less_often() -> None:
    clock, it = resuming()
    it.turn_failed([LIMIT])
    clock.now = datetime(2026, 11, 30, 18, 0, tzinfo=UTC)
    waits = []
    for _ in range(6):
        assert it.go_on(calm=True)
        it.turn_failed([LIMIT])
        assert it.hold() is HoldReason.LIMITED and it.keeps_turns()
        wait = it.seconds_to_wait()
        assert wait is not None
        waits.append(wait // 60)
        clock.now += timedelta(seconds=wait)
    assert waits == [5, 10, 20, 40, 60, 60]
    it.fact(ANSWER)
    it.turn_failed([ENDLESS])
    assert it.seconds_to_wait() is None


def test_a_refusal_in_other_words_than_the_screens_is_of_the_same_limit() -> None:
    _, it = resuming()
    it.screen_shows([FOOTER])
    assert not it.keeps_turns()
    it.turn_failed([LIMIT])
    assert it.keeps_turns()
    assert it.condition is not None and it.condition.text == FOOTER.text


def test_a_limit_without_an_end_waits_for_a_person() -> None:
    _, it = resuming()
    it.turn_failed([ENDLESS])
    assert it.seconds_to_wait() is None and not it.go_on(calm=True) and not it.keeps_turns()


def test_a_clock_that_was_set_back_makes_it_wait_longer() -> None:
    clock, it = resuming()
    it.turn_failed([LIMIT])
    clock.now -= timedelta(days=1)
    assert not it.go_on(calm=True)
    assert it.hold_text(HoldReason.LIMITED) == "limited until Nov 30 17:42"


def test_without_the_order_it_never_goes_on_by_itself() -> None:
    clock = Clock()
    it = ConditionWatch(clock)
    it.turn_failed([LIMIT])
    clock.now += timedelta(days=3)
    assert it.seconds_to_wait() is None and not it.go_on(calm=True) and not it.keeps_turns()


def test_a_limit_without_an_end_that_only_the_screen_tells_of_waits_for_a_person_after_a_try_too() -> None:
    clock, it = resuming()
    it.turn_failed([LIMIT])
    clock.now = datetime(2026, 11, 30, 18, 0, tzinfo=UTC)
    assert it.go_on(calm=True)
    it.screen_shows([ENDLESS])
    assert (it.seconds_to_wait(), it.go_on(calm=True), it.hold()) == (None, False, HoldReason.LIMITED)
