"""What the agent is at: which tool belongs to which turn, and what its tokens come to."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from gateway.protocol.types.agent_work import MAX_FILE_WRITES, MAX_TOOL_CHARS, Work
from gateway.protocol.types.core_types import Activity
from sidecar.evidence.turn_evidence import ToolUse
from sidecar.work.current_work import CurrentWork, WrittenPath
from sidecar.work.shown_paths import PlacedFile

TODAY, TOMORROW = "2026-11-30", "2026-12-01"
FILE = PlacedFile("/p/src/a.py", "src/a.py")
PROJECT = PurePosixPath("/p")
EDIT = ToolUse("Edit", ("/p/src/a.py",))


def shown(current: CurrentWork, today: str = TODAY, file: PlacedFile | None = FILE) -> Work:
    return current.work(today, "p", "main", file)


@pytest.mark.parametrize(
    ("activities", "changes"),
    [
        ([Activity.STARTING, Activity.IDLE], []),
        ([Activity.BUSY, Activity.BUSY], [0]),
        ([Activity.BUSY, Activity.IDLE, Activity.BUSY], [0, 1, 2]),
        ([Activity.BUSY, Activity.ASKING, Activity.BUSY, Activity.IDLE], [0, 3]),
        ([Activity.BUSY, Activity.UNKNOWN, Activity.BUSY, Activity.ERROR], [0, 3]),
        ([Activity.ASKING, Activity.GONE], [0, 1]),
    ],
)
def test_a_turn_begins_with_work_and_ends_with_rest(activities: list[Activity], changes: list[int]) -> None:
    current = CurrentWork()
    assert [at for at, one in enumerate(activities) if current.activity(one)] == changes


def test_the_tool_is_the_one_that_was_begun_last_in_this_turn() -> None:
    current = CurrentWork()
    current.activity(Activity.BUSY)
    current.used(EDIT, PROJECT)
    assert (shown(current).tool, shown(current).file) == ("Edit", "src/a.py")
    current.used(ToolUse("Write", ("/p/b",), ended=True, written=True), PROJECT)
    assert shown(current).tool == "Edit"
    current.used(ToolUse("Bash"), PROJECT)
    assert (shown(current, file=None).tool, shown(current, file=None).file) == ("Bash", "")
    current.activity(Activity.IDLE)
    assert (shown(current).tool, shown(current).file) == ("", "")
    current.activity(Activity.BUSY)
    assert shown(current).tool == ""


def test_tokens_are_those_of_the_turn_and_of_the_day() -> None:
    current = CurrentWork(TODAY, 1000)
    current.activity(Activity.BUSY)
    current.count_tokens(200, TODAY)
    current.activity(Activity.IDLE)
    current.count_tokens(30, TODAY)  # the transcript is written a moment after the turn
    assert (shown(current).turn_tokens, shown(current).day_tokens) == (230, 1230)
    current.activity(Activity.BUSY)
    assert (shown(current).turn_tokens, shown(current).day_tokens) == (0, 1230)
    assert shown(current, TOMORROW).day_tokens == 0
    current.count_tokens(7, TOMORROW)
    assert (shown(current, TOMORROW).turn_tokens, shown(current, TOMORROW).day_tokens) == (7, 7)


def test_what_others_write_is_safe_to_print_and_bounded() -> None:
    current = CurrentWork()
    current.activity(Activity.BUSY)
    current.used(ToolUse("Ed\x1b[31mit\n" + "x" * 500, ("/p/a",)), PROJECT)
    work = current.work(TODAY, "p\x1b]0;x\x07", "ma\u202ein\nx" * 200, FILE)
    for text in (work.tool, work.folder, work.branch):
        assert text.isprintable() and "\u202e" not in text and "\n" not in text
    assert (len(work.tool), len(work.branch)) == (MAX_TOOL_CHARS, 200)


def test_what_was_written_is_told_once_with_the_folder_of_that_moment_and_is_bounded() -> None:
    current = CurrentWork()
    current.used(EDIT, PROJECT)
    assert current.take_written() == ()
    current.used(ToolUse("Edit", ("a", "b"), ended=True, written=True), PROJECT)
    current.used(ToolUse("Edit", ("a",), ended=True, written=True), PROJECT / "in")
    current.used(ToolUse("Edit", ("a",), ended=True, written=True), PROJECT)
    assert current.take_written() == (
        WrittenPath(PROJECT, "a"),
        WrittenPath(PROJECT, "b"),
        WrittenPath(PROJECT / "in", "a"),
    )
    assert current.take_written() == ()
    for number in range(3 * MAX_FILE_WRITES):
        current.used(ToolUse("Edit", (str(number),), written=True), PROJECT)
    assert [one.path for one in current.take_written()][::99] == ["200", "299"]


Step = Activity | str


@pytest.mark.parametrize(
    ("steps", "unseen"),
    [
        ([Activity.IDLE], "nothing"),
        ([Activity.BUSY], "nothing"),
        ([Activity.BUSY, Activity.IDLE], "terminal"),
        ([Activity.BUSY, "answered", Activity.IDLE], "room"),
        ([Activity.BUSY, Activity.IDLE, "answered"], "room"),
        ([Activity.BUSY, Activity.IDLE, "looked"], "nothing"),
        ([Activity.BUSY, "looked", Activity.IDLE], "terminal"),
        ([Activity.BUSY, Activity.IDLE, "looked", "answered"], "nothing"),
        ([Activity.BUSY, Activity.IDLE, "watched"], "nothing"),
        (["watched", Activity.BUSY, "answered", Activity.IDLE], "nothing"),
        (["watched", "left", Activity.BUSY, Activity.IDLE], "terminal"),
        ([Activity.BUSY, "answered", Activity.IDLE, Activity.BUSY, Activity.IDLE], "terminal"),
        ([Activity.BUSY, Activity.IDLE, Activity.BUSY], "nothing"),
    ],
)
def test_where_the_result_is_that_nobody_at_the_terminal_has_looked_at(steps: list[Step], unseen: str) -> None:
    current = CurrentWork()
    for step in steps:
        match step:
            case Activity():
                current.activity(step)
            case "answered":
                current.answered()
            case "looked":
                current.looked()
            case _:
                current.watched(step == "watched")
    assert current.unseen == unseen
