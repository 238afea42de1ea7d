"""Who is in the room: what each does, in whatever place there is, and never without those who ask."""

from __future__ import annotations

import pytest

from controller.view.approvals.question_view import QuestionView
from controller.view.panels.roster_rows import roster_line, roster_rows
from controller.view.state.chat_state import ChatState
from controller.view.text.row_types import Row
from controller.view.text.text_rows import width_of
from gateway.protocol.events import MemberView
from gateway.protocol.types.agent_conditions import Condition, ConditionKind
from gateway.protocol.types.agent_work import Work
from gateway.protocol.types.core_types import Activity, Composer, Presence
from tests.controller.streams import STAMP, agent, welcome

TWELVE = ("ada", "ben", "cleo", "dan", "eva", "fay", "gus", "hal", "ivy", "jon", "kim", "leo")


def text(row: Row) -> str:
    return "".join(part for _, part in row)


def team(*members: MemberView) -> ChatState:
    state = ChatState("alice")
    state.take(welcome(*members), 0)
    return state


def twelve(**activities: Activity) -> ChatState:
    return team(*(agent(name, activities.get(name, Activity.IDLE)) for name in TWELVE))


def shown(state: ChatState, height: int, width: int = 27) -> list[str]:
    return [text(row) for row in roster_rows(state, width, height)]


def test_the_roster_tells_what_everybody_does() -> None:
    state = team(
        agent("claude", Activity.BUSY, queued=2, role="coder"),
        agent("codex", composer=Composer.DRAFT, paused=True),
        agent("ada", presence=Presence.AWAY),
    )
    assert shown(state, 20) == [
        "◆ claude coder",
        "  busy · 2 waiting",
        "● codex",
        "  idle · paused · draft",
        "○ ada",
        "  away",
        "",
        "  alice",
    ]


def test_the_roster_tells_the_tool_and_the_file_that_fit() -> None:
    state = team(agent("claude", Activity.BUSY, work=Work("shop", "main", "Edit", "src/app.py")))
    assert shown(state, 20)[1] == "  busy · Edit src/app.py"
    assert shown(state, 20, 22)[1] == "  busy · Edit app.py"
    assert shown(state, 20, 16)[1:3] == ["  busy", "  Edit app.py"]
    assert shown(state, 4, 16)[1:3] == ["  busy", ""], "no third row where it would take another's place"
    assert shown(state, 20, 10)[1:3] == ["  busy", "  Edit ap…"]


def test_who_reads_along_is_told_where_there_is_room() -> None:
    state = team(agent("ada", Activity.BUSY, vendor="Anthropic", work=Work(tool="Edit", file="a.py")))
    assert shown(state, 5)[:3] == ["◆ ada", "  busy · Edit a.py", "  read by Anthropic"]
    assert shown(state, 4)[:2] == ["◆ ada", "  busy · Edit a.py"]


def test_work_that_nobody_has_looked_at_is_done_and_before_those_at_rest() -> None:
    state = team(agent("ada"), agent("ben", done=True), agent("cleo", Activity.BUSY, done=True), agent("dan", queued=1))
    assert shown(state, 20)[:8:2] == ["◆ cleo", "✓ ben", "● dan", "● ada"]
    assert shown(state, 20)[3] == "  done"


def test_an_agent_that_is_not_understood_looks_neither_present_nor_absent() -> None:
    state = team(agent("ada", Activity.UNKNOWN), agent("ben", presence=Presence.AWAY))
    assert shown(state, 20)[:4] == ["~ ada", "  unknown", "○ ben", "  away"]


def test_in_a_tight_place_each_has_one_row() -> None:
    state = team(agent("claude", Activity.BUSY, queued=2, role="coder"), agent("codex", paused=True))
    assert shown(state, 3) == ["◆ claude busy · 2 waiting", "● codex idle · paused", "  alice"]


def test_those_who_ask_are_first_then_the_busy_then_those_with_messages_waiting() -> None:
    state = team(
        agent("ada"),
        agent("ben", Activity.BUSY),
        agent("cleo", queued=1),
        agent("dan", Activity.ASKING),
        agent("eva", Activity.ERROR),
        agent("fay", presence=Presence.AWAY),
    )
    assert [row.split()[1] for row in shown(state, 7)[:6]] == ["dan", "eva", "ben", "cleo", "ada", "fay"]


@pytest.mark.parametrize(
    ("height", "last"),
    [(13, "  alice"), (12, "+2"), (8, "+6"), (5, "+9"), (1, "+13, 1 ask")],
)
def test_the_rest_is_counted(height: int, last: str) -> None:
    state = twelve(leo=Activity.ASKING)
    rows = shown(state, height)
    assert len(rows) == height
    assert rows[-1] == last
    assert height == 1 or rows[0] == "? leo asking"


@pytest.mark.parametrize("height", range(1, 30))
@pytest.mark.parametrize("many", [1, 3, 7, 12])
def test_nobody_who_asks_is_invisible(height: int, many: int) -> None:
    asking = TWELVE[-many:]
    rows = shown(twelve(**dict.fromkeys(asking, Activity.ASKING)), height)
    assert len(rows) <= height
    named = sum(row.startswith("? ") for row in rows)
    counted = int(rows[-1].split(", ")[-1].strip("+").split()[0]) if rows[-1].endswith(" ask") else 0
    assert named + counted == many


@pytest.mark.parametrize("width", range(6, 61))
@pytest.mark.parametrize("many", [1, 3, 12])
def test_nobody_who_asks_is_missing_in_one_row(width: int, many: int) -> None:
    line = text(roster_line(twelve(**dict.fromkeys(TWELVE[-many:], Activity.ASKING)), width))
    assert width_of(line) <= width
    counted = int(line.split(", ")[-1].split("+")[-1].split()[0]) if line.rstrip().endswith(" ask") else 0
    assert width < 12 or line.count("? ") + counted == many


def test_the_roster_on_one_row() -> None:
    state = team(agent("claude", Activity.BUSY, queued=2), agent("codex", paused=True))
    assert text(roster_line(state, 40)) == "◆ claude+2  ● codex‖  "
    assert text(roster_line(state, 16)) == "◆ claude+2  +1 "
    assert width_of(text(roster_line(state, 12))) <= 12
    assert text(roster_line(state, 0)) == ""


def test_an_open_question_counts_as_asking_whatever_the_screen_says() -> None:
    state = twelve(kim=Activity.BUSY)
    state.ask(QuestionView(5, "jon", "Run rm?", opened=STAMP))
    assert shown(state, 8)[:2] == ["? jon idle", "◆ kim busy"]
    assert text(roster_line(state, 24)).startswith("? jon  ◆ kim  ")


def test_a_long_name_keeps_its_row() -> None:
    state = team(agent("an-agent-with-a-very-long-name", Activity.BUSY, queued=11, role="coder-and-reviewer"))
    for height in (1, 2, 3, 9):
        assert all(width_of(row) <= 27 for row in shown(state, height))


def test_twelve_names_have_twelve_styles_that_stay() -> None:
    state = twelve()
    styles = [state.names.style_of(name) for name in TWELVE]
    assert len(set(styles)) == 12
    state.take(welcome(agent("aaron"), *(agent(name) for name in reversed(TWELVE))), 0)
    assert [state.names.style_of(name) for name in TWELVE] == styles


def test_a_limited_agent_is_seen_at_once_and_stands_before_the_busy() -> None:
    limited = Condition(ConditionKind.LIMITED, "the vendor's words")
    state = team(agent("ada"), agent("ben", Activity.BUSY), agent("cleo", condition=limited, queued=1))
    assert shown(state, 4) == ["◷ cleo limited · 1 waiting", "◆ ben busy", "● ada idle", "  alice"]
