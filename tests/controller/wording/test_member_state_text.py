"""What is said of a member in few words, and what is left out first."""

from __future__ import annotations

from datetime import datetime

import pytest

from controller.wording.member_state_text import BorderText, border_text, state_text, state_text_within
from gateway.protocol.events import MemberView
from gateway.protocol.types.agent_conditions import Condition, ConditionKind
from gateway.protocol.types.agent_work import Work
from gateway.protocol.types.core_types import Activity, Composer, MemberKind, Presence

BUSY = MemberView(
    "ada",
    MemberKind.AGENT,
    presence=Presence.ONLINE,
    activity=Activity.BUSY,
    composer=Composer.DRAFT,
    paused=True,
    queued=2,
    hops_left=1,
)
ALL = "busy · paused · 2 waiting · draft · 1 hop left"


def test_what_holds_messages_back_comes_before_what_may_do_so_later() -> None:
    assert state_text(BUSY) == ALL


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (len(ALL), ALL),
        (len(ALL) - 1, "busy · paused · 2 waiting · draft"),
        (30, "busy · paused · 2 waiting"),
        (24, "busy · paused"),
        (12, "busy"),
        (2, "busy"),
    ],
)
def test_words_are_left_out_whole(columns: int, words: str) -> None:
    assert state_text_within(BUSY, columns) == words


def test_a_border_has_shorter_forms() -> None:
    border = BorderText("ada", ALL)
    assert [border.first(count) for count in (1, 2, 9)] == ["busy", "busy · paused", ALL]
    assert BorderText("ada", "").first(1) == ""


LATER = "2099-11-30T17:42:00Z"


@pytest.mark.parametrize(
    ("activity", "kind", "until", "words"),
    [
        (Activity.IDLE, ConditionKind.LIMITED, "", "limited"),
        (Activity.ERROR, ConditionKind.LIMITED, "", "limited"),
        (Activity.IDLE, ConditionKind.LIMITED, "2020-01-01T00:00:00Z", "limited"),
        (Activity.ASKING, ConditionKind.LIMITED, "", "limited · asking"),
        (Activity.IDLE, ConditionKind.LOGIN, "", "login needed"),
        (Activity.ASKING, ConditionKind.LOGIN, "", "login needed · asking"),
        (Activity.BUSY, ConditionKind.COMPACTING, "", "busy · compacting"),
        (Activity.IDLE, ConditionKind.CONTEXT, "", "idle · context nearly full"),
        (Activity.ASKING, ConditionKind.UPDATE, "", "asking · update offered"),
    ],
)
def test_what_keeps_an_agent_from_working_is_said(
    activity: Activity, kind: ConditionKind, until: str, words: str
) -> None:
    condition = Condition(kind, "the vendor's own words", until)
    member = MemberView("ada", MemberKind.AGENT, presence=Presence.ONLINE, activity=activity, condition=condition)
    assert state_text(member) == words


def test_a_limit_says_when_it_ends() -> None:
    limited = Condition(ConditionKind.LIMITED, "", LATER)
    here = datetime.fromisoformat(LATER).astimezone()
    member = MemberView("ada", MemberKind.AGENT, presence=Presence.ONLINE, activity=Activity.IDLE, condition=limited)
    assert state_text(member) == f"limited until {here:%b} {here.day} {here:%H:%M}"


def test_an_agent_that_is_not_understood_does_not_look_as_if_it_were_ready() -> None:
    reports = MemberView("ada", MemberKind.AGENT, presence=Presence.ONLINE, since=LATER)
    says_nothing = MemberView("ben", MemberKind.AGENT, presence=Presence.ONLINE)
    tool = MemberView("tool", MemberKind.TOOL, presence=Presence.ONLINE)
    assert [state_text(one) for one in (reports, says_nothing, tool)] == ["unknown", "unknown", "online"]


@pytest.mark.parametrize(
    ("activity", "condition", "words"),
    [
        (Activity.IDLE, None, "done"),
        (Activity.BUSY, None, "busy"),
        (Activity.ERROR, None, "error"),
        (Activity.IDLE, Condition(ConditionKind.LIMITED), "limited"),
        (Activity.IDLE, Condition(ConditionKind.CONTEXT), "done · context nearly full"),
    ],
)
def test_done_stands_in_the_place_of_idle(activity: Activity, condition: Condition | None, words: str) -> None:
    member = MemberView(
        "ada", MemberKind.AGENT, presence=Presence.ONLINE, activity=activity, condition=condition, done=True
    )
    assert state_text(member) == words


AT_WORK = MemberView(
    "ada",
    MemberKind.AGENT,
    presence=Presence.ONLINE,
    activity=Activity.BUSY,
    queued=2,
    composer=Composer.DRAFT,
    work=Work("website", "main", "Edit", "src/views/app.py", 10, 10),
)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (60, "busy · 2 waiting · Edit src/views/app.py · draft"),
        (47, "busy · 2 waiting · Edit app.py · draft"),
        (37, "busy · 2 waiting · Edit app.py"),
        (29, "busy · 2 waiting"),
        (4, "busy"),
    ],
)
def test_the_tool_is_said_where_it_fits_and_the_file_first_loses_its_folders(columns: int, words: str) -> None:
    assert state_text_within(AT_WORK, columns) == words


def test_the_border_of_a_pane_says_nothing_of_tools() -> None:
    assert border_text(AT_WORK, away=False).words == "busy · 2 waiting · draft"


def test_a_hostile_name_of_a_file_stays_one_printable_line() -> None:
    work = Work(tool="Ed\x1b[2Jit", file="a\u202e\n\x07.py")
    member = MemberView("ada", MemberKind.AGENT, presence=Presence.ONLINE, activity=Activity.BUSY, work=work)
    assert state_text_within(member, 80).isprintable()
