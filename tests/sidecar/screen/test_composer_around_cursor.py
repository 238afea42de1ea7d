"""A composer between two rules that may be narrower than the screen, around the visible cursor; and a permission with
letters for keys, which may be cut without a sign: Cline's."""

from __future__ import annotations

import pytest

from gateway.protocol.types.core_types import Activity, Composer
from sidecar.agents import REGISTRY
from sidecar.approvals.questions.dialog_parser import DialogOption, Question, read_question
from sidecar.evidence.turn_evidence import EvidenceSource
from sidecar.screen.emulator import ScreenSnapshot
from sidecar.screen.rules import ScreenReading, read_screen

COLUMNS = 60
RULES = REGISTRY["cline"].rules
FOOTER = (" fake-1 (100) $0.00  ○ Plan ● Act (Tab)", " shop", " Auto-approve all disabled (Shift+Tab)")


def screen(*text: str, width: int = COLUMNS, above: tuple[str, ...] = (" * Done.", "")) -> list[str]:
    pad, rule = " " * ((COLUMNS - width) // 2), "─" * width
    first, *rest = text or ("",)
    inside = [rule, f"❯ {first}", *(f"  {row}" for row in rest), rule]
    return [*above, *(pad + row for row in inside), *FOOTER]


def read(rows: list[str], row: int, *, visible: bool = True) -> ScreenReading:
    return read_screen(RULES, ScreenSnapshot(tuple(rows), COLUMNS, (20, row), visible), {})


@pytest.mark.parametrize(
    ("rows", "row", "composer", "text"),
    [
        (screen(), 3, Composer.EMPTY, ""),
        (screen("Ask anything..."), 3, Composer.EMPTY, ""),
        (screen("What can I do for you?", width=40), 3, Composer.EMPTY, ""),
        (screen("half a thought", width=40), 3, Composer.DRAFT, "half a thought"),
        (screen("two", "rows"), 4, Composer.DRAFT, "two\nrows"),
        (screen("two", "rows", width=40), 3, Composer.DRAFT, "two\nrows"),
        (screen("日本語", width=40), 3, Composer.DRAFT, "日本語"),
        (screen("one", above=(" * It drew this:", "─" * COLUMNS, "❯ no", "─" * COLUMNS)), 5, Composer.DRAFT, "one"),
    ],
)
def test_the_composer_is_read(rows: list[str], row: int, composer: Composer, text: str) -> None:
    reading = read(rows, row)
    assert (reading.composer, reading.text) == (composer, text)
    assert not reading.partial


@pytest.mark.parametrize(("row", "visible"), [(3, False), (0, True), (6, True)], ids=["hidden", "above", "beneath"])
def test_without_the_cursor_in_it_there_is_no_composer(row: int, visible: bool) -> None:
    assert read(screen(), row, visible=visible).composer is Composer.HIDDEN


def test_a_row_full_of_text_is_one_cell_wider_than_its_narrow_frame() -> None:
    full = "x" * 39
    assert read(screen("a", full, width=40), 3).text == f"a\n{full}"


@pytest.mark.parametrize(
    ("text", "partial"),
    [
        (("x" * (COLUMNS - 2), ""), True),
        (("x" * (COLUMNS - 3), ""), False),
        (("ab", "日" * (COLUMNS // 2 - 1), ""), True),
        (("x" * (COLUMNS - 2),), False),
    ],
)
def test_across_the_screen_the_last_cell_of_a_full_row_is_not_drawn(text: tuple[str, ...], partial: bool) -> None:
    assert read(screen(*text), 3).partial is partial


def test_a_text_of_five_rows_may_be_longer() -> None:
    assert read(screen(*"12345"), 3).partial


@pytest.mark.parametrize(
    ("above", "says"),
    [
        ((" * Done.", ""), Activity.IDLE),
        ((" ❯ go", "", " ⠼ Thinking... (esc to cancel)", ""), Activity.BUSY),
        ((" * Let me.", " ⠦ run_commands(touch made)"), Activity.BUSY),
        ((" ❯ go", " * Error: scripted 400", ""), Activity.ERROR),
        ((" * Error: scripted 400", " ❯ go", " * Done."), Activity.IDLE),
    ],
)
def test_what_stands_above_the_composer_tells_its_state(above: tuple[str, ...], says: Activity) -> None:
    found = read(screen(above=above), len(above) + 1).of(EvidenceSource.SCREEN)
    assert found and found.says is says


def test_a_list_over_the_composer_asks() -> None:
    rows = [*screen()[:2], "───────  Open Settings        ───────".ljust(COLUMNS, "─"), "❯ Ask anything...", *FOOTER]
    found = read(rows, 3, visible=False).of(EvidenceSource.SCREEN)
    assert found and found.says is Activity.ASKING


def asked(*shown: str) -> Question:
    rows = [" ❯ make it", " * [y] Approve, [n] Deny?", "", *shown, "  [y] Approve   [n] Deny", "", "", *FOOTER]
    reading = read(rows, 0, visible=False)
    assert reading.dialog and RULES.options
    return read_question(reading.dialog, RULES.options)


TITLE = (" Cline needs permission", "", " Approve tool call?", "")


def test_a_permission_has_a_yes_and_a_no_with_letters() -> None:
    question = asked(*TITLE, " run_commands", "", "   $ touch made", "")
    assert question.choices == (DialogOption("y", "Approve"), DialogOption("n", "Deny"))
    assert (question.key("allow"), question.key("deny"), question.key("y")) == (b"y", b"n", b"y")
    assert question.question == "Approve tool call?" and question.readable
    assert question.detail.endswith("run_commands\n$ touch made")


def test_one_of_which_rows_are_missing_says_so() -> None:
    cut = asked(*TITLE[:3], " run_commands", "", "   $ echo 2 of 3", "   $ echo 3 of 3", "")
    assert not cut.whole and not cut.readable


HOW_TO_CONTINUE = (
    " Cline is asking a question",
    "",
    " mistake_limit_reached (3/3)",
    " Latest: tool_execution_failed: 1 tool call(s) failed: [run",
    ' commands] {"error":"This tool call was rejected by the use',
    ' r and not executed."}',
    " How should Cline continue?",
    "",
)


def asked_to_continue(*options: str) -> Question:
    rows = [" x run_commands(touch made)", "  [y] Approve   [n] Deny", "", *HOW_TO_CONTINUE, *options, "", "", *FOOTER]
    reading = read(rows, 0, visible=False)
    found = reading.of(EvidenceSource.SCREEN)
    assert found and found.says is Activity.ASKING
    assert reading.dialog and RULES.options
    return read_question(reading.dialog, RULES.options)


def test_a_question_of_its_own_begins_with_its_title_and_can_only_be_refused() -> None:
    first = asked_to_continue("  > Try a different approach", "    Stop this run", "    Type a response...")
    assert (first.choices, first.key("allow"), first.key("deny")) == ((), b"", b"\x1b")
    assert first.question.endswith("How should Cline continue?") and first.readable
    assert "touch made" not in first.detail and "Stop this run" in first.detail
    second = asked_to_continue("    Try a different approach", "  > Stop this run", "    Type a response...")
    assert second.digest == first.digest, "the position of the selection does not matter"
    assert not asked_to_continue("    Type a response...").readable
