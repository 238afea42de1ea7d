"""Why an agent is silent, over what it does, whether it is here, and why its message waits."""

from __future__ import annotations

import pytest

from gateway.agent_control.silence_diagnosis import WhyFacts, silence_cause, why_silent
from gateway.protocol.events import MemberView
from gateway.protocol.types.agent_conditions import Condition, ConditionKind
from gateway.protocol.types.core_types import Activity, Ask, Composer, Delivery, MemberKind, Option, Presence, Rung
from gateway.protocol.types.delivery_reasons import HoldReason
from gateway.protocol.types.silence_causes import SilenceCause

OPENED, BEGAN, LOST, STEP = (f"2026-11-21T11:0{n}:00.000Z" for n in range(4))
YES_NO = (Option("1", "Yes"), Option("2", "No"))
ASK = Ask("ada", 7, "aaaaaaaa", "Proceed?", OPENED, options=YES_NO, allow="1", deny="2")
HELD, QUEUED = Rung.HELD, Rung.QUEUED


def agent(name: str, activity: Activity, **fields: object) -> MemberView:
    given: dict[str, object] = {"presence": Presence.ONLINE, "composer": Composer.EMPTY, **fields}
    return MemberView(name, MemberKind.AGENT, activity=activity, **given)  # type: ignore[arg-type]


def facts(activity: Activity, last: Delivery | None = None, **fields: object) -> WhyFacts:
    return WhyFacts(agent("ada", activity, **fields), None, last)


def held(reason: str) -> Delivery:
    return Delivery(16, "ada", HELD, reason, STEP)


DRAFTING = agent("ada", Activity.IDLE, composer=Composer.DRAFT)

# for each activity: without a delivery, and for each reason to hold
PLAIN = {
    Activity.STARTING: SilenceCause.STARTS,
    Activity.IDLE: SilenceCause.IDLE,
    Activity.BUSY: SilenceCause.WORKS,
    Activity.ASKING: SilenceCause.DIALOG,
    Activity.ERROR: SilenceCause.ERROR,
    Activity.GONE: SilenceCause.LEFT,
    Activity.UNKNOWN: SilenceCause.UNKNOWN_SCREEN,
}
OF_IDLE = {
    HoldReason.BUSY: SilenceCause.SOON,
    HoldReason.ASKING: SilenceCause.SOON,
    HoldReason.UNKNOWN: SilenceCause.UNKNOWN_SCREEN,
    HoldReason.DRAFT: SilenceCause.DRAFT,
    HoldReason.PAUSED: SilenceCause.SOON,
    HoldReason.STARTING: SilenceCause.SOON,
    HoldReason.TURN: SilenceCause.WORKS,
    HoldReason.OFFLINE: SilenceCause.AWAY,
    HoldReason.INTERRUPTING: SilenceCause.WORKS,
    HoldReason.SHELL: SilenceCause.SHELL,
    HoldReason.STALLED: SilenceCause.STALLED,
    HoldReason.FILES: SilenceCause.NOT_TYPED,
    HoldReason.JOURNAL: SilenceCause.NOT_TYPED,
    HoldReason.TAKEN_BACK: SilenceCause.DRAFT,
    HoldReason.PERSON_TYPES: SilenceCause.DRAFT,
    HoldReason.PERSON_STOPS: SilenceCause.DRAFT,
    HoldReason.NOT_TAKEN: SilenceCause.SOON,
    HoldReason.SETTLING: SilenceCause.SOON,
    HoldReason.UNTOLD: SilenceCause.SOON,
    HoldReason.NO_DRAFT: SilenceCause.SOON,
    HoldReason.LIMITED: SilenceCause.LIMITED,
    HoldReason.LOGIN: SilenceCause.LOGIN,
}
FIRST = {SilenceCause.STARTS, SilenceCause.DIALOG, SilenceCause.LEFT}  # whatever its message waits for


def test_the_tables_are_whole() -> None:
    assert set(PLAIN) == set(Activity)
    assert set(OF_IDLE) == set(HoldReason)


@pytest.mark.parametrize("activity", Activity)
def test_what_it_does_says_why_where_nothing_waits(activity: Activity) -> None:
    assert silence_cause(facts(activity)) is PLAIN[activity]


@pytest.mark.parametrize("reason", HoldReason)
@pytest.mark.parametrize("activity", Activity)
def test_a_message_that_is_held(activity: Activity, reason: HoldReason) -> None:
    found = silence_cause(facts(activity, held(reason), composer=Composer.DRAFT))
    if PLAIN[activity] in FIRST:
        assert found is PLAIN[activity]
    elif OF_IDLE[reason] is SilenceCause.SOON:
        assert found is (SilenceCause.SOON if activity is Activity.IDLE else PLAIN[activity])
    else:
        assert found is OF_IDLE[reason]


@pytest.mark.parametrize("activity", Activity)
@pytest.mark.parametrize("kind", ConditionKind)
def test_a_limit_says_more_than_what_it_does(activity: Activity, kind: ConditionKind) -> None:
    causes = {ConditionKind.LIMITED: SilenceCause.LIMITED, ConditionKind.LOGIN: SilenceCause.LOGIN}
    what = facts(activity, condition=Condition(kind, "its vendor's words"), note="the title rests")
    usual = PLAIN[activity]
    expected = usual if usual in FIRST else causes.get(kind, usual)
    if kind is ConditionKind.LOGIN and activity in (Activity.STARTING, Activity.ASKING):
        expected = SilenceCause.LOGIN  # the dialog of a login, which often stands before the first prompt
    assert silence_cause(what) is expected
    assert why_silent(what).evidence == ("its vendor's words" if expected in causes.values() else "the title rests")


@pytest.mark.parametrize("activity", Activity)
@pytest.mark.parametrize(
    ("presence", "cause"), [(Presence.AWAY, SilenceCause.AWAY), (Presence.OFFLINE, SilenceCause.LEFT)]
)
def test_who_is_not_here_says_nothing(activity: Activity, presence: Presence, cause: SilenceCause) -> None:
    starts = activity is Activity.STARTING and presence is Presence.AWAY
    found = silence_cause(facts(activity, presence=presence))
    assert found is (SilenceCause.STARTS if starts else SilenceCause.LEFT if activity is Activity.GONE else cause)


@pytest.mark.parametrize(
    ("rung", "hops_left", "cause"),
    [
        (Rung.QUEUED, None, SilenceCause.SOON),
        (Rung.QUEUED, 0, SilenceCause.LOOP_GUARD),
        (Rung.TYPED, None, SilenceCause.THINKS),
        (Rung.SUBMITTED, None, SilenceCause.THINKS),
        (Rung.SEEN, None, SilenceCause.THINKS),
        (Rung.ANSWERED, None, SilenceCause.IDLE),
        (Rung.CANCELLED, None, SilenceCause.IDLE),
        (Rung.FAILED, None, SilenceCause.FAILED),
        (Rung.EXPIRED, None, SilenceCause.FAILED),
    ],
)
def test_the_newest_delivery_of_an_idle_agent(rung: Rung, hops_left: int | None, cause: SilenceCause) -> None:
    assert silence_cause(facts(Activity.IDLE, Delivery(16, "ada", rung), hops_left=hops_left)) is cause


def test_a_question_and_a_pause_go_before_what_waits() -> None:
    asks = WhyFacts(agent("ada", Activity.ASKING, paused=True), ASK, held("asking"))
    assert silence_cause(asks) is SilenceCause.ASKS
    assert silence_cause(facts(Activity.BUSY, held("paused"), paused=True)) is SilenceCause.PAUSED


def test_a_draft_that_is_gone_holds_nothing_any_more() -> None:
    assert silence_cause(facts(Activity.IDLE, held("draft"), composer=Composer.EMPTY)) is SilenceCause.SOON


@pytest.mark.parametrize("prefix", ["/", "groupchat "])
@pytest.mark.parametrize("reason", HoldReason)
@pytest.mark.parametrize("activity", Activity)
def test_every_answer_is_a_whole_sentence_with_something_that_helps(
    activity: Activity, reason: HoldReason, prefix: str
) -> None:
    answer = why_silent(facts(activity, held(reason), queued=2, note="the title spins"), prefix)
    assert answer.sentence.endswith(".") and "{" not in answer.sentence
    assert answer.helps and answer.last.startswith("#16 held")
    assert "2 messages wait for it" in answer.sentence
    assert prefix == "/" or "`/" not in answer.sentence


def test_a_question_is_told_with_its_answers() -> None:
    answer = why_silent(WhyFacts(agent("ada", Activity.ASKING, note="a dialog is on its screen"), ASK))
    assert (answer.state, answer.evidence) == (
        "it asks a question and waits for the answer.",
        "a dialog is on its screen",
    )
    assert answer.helps == "ada asked: Proceed?; `/approve ada` or `/approve ada 1` answers."
    assert (answer.waits, answer.last, answer.since) == ("", "", OPENED)


@pytest.mark.parametrize(
    ("member", "ask", "last", "since"),
    [
        pytest.param(agent("ada", Activity.BUSY), None, None, BEGAN, id="its activity"),
        pytest.param(agent("ada", Activity.BUSY), None, held("busy"), BEGAN, id="its activity, while a message waits"),
        pytest.param(agent("ada", Activity.ASKING), ASK, held("asking"), OPENED, id="its question"),
        pytest.param(agent("ada", Activity.IDLE, presence=Presence.AWAY), None, None, LOST, id="its last connection"),
        pytest.param(agent("ada", Activity.GONE), None, None, LOST, id="the end of its program"),
        pytest.param(
            agent("ada", Activity.IDLE, composer=Composer.DRAFT),
            None,
            held("draft"),
            STEP,
            id="its message's step",
        ),
        pytest.param(agent("ada", Activity.IDLE, paused=True), None, None, "", id="a pause, which has no time"),
    ],
)
def test_since_when(member: MemberView, ask: Ask | None, last: Delivery | None, since: str) -> None:
    assert why_silent(WhyFacts(member, ask, last, since=BEGAN, lost=LOST)).since == since


def test_a_busy_agent() -> None:
    answer = why_silent(facts(Activity.BUSY, held("busy"), queued=1))
    assert answer.sentence == (
        "It works, and reads the next message when its turn has ended. 1 message waits for it. "
        "`/stop ada` ends its turn."
    )
