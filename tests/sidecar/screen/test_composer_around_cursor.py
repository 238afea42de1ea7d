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
