"""A composer behind a bar, in any column, beside a sidebar, with a list above it: OpenCode's."""

from __future__ import annotations

import pytest

from gateway.protocol.types.core_types import Activity, Composer
from sidecar.agents import REGISTRY
from sidecar.evidence.turn_evidence import EvidenceSource
from sidecar.screen.emulator import ScreenSnapshot
from sidecar.screen.rules import ScreenReading, read_screen

COLUMNS, WIDTH = 60, 40
BLANK = "  ┃"
FAMILY = "❤️ 1️⃣ 👩‍👩‍👧‍👦 👍🏽 e\u0301 some words up to 35."  # as many cells as the box has


def screen(*text: str, above: tuple[str, ...] = ("  answer", ""), mode: str = "Build", left: int = 2) -> list[str]:
    pad = " " * (left - 2)
    inside = [BLANK, *(f"  ┃  {row}" for row in text or ("",)), BLANK, f"  ┃  {mode}", "  ╹" + "▀" * (WIDTH - 3)]
    return [*above, *(pad + row for row in inside), "   ~/shop   ctrl+p commands"]


def read(rows: list[str], cursor: tuple[int, int], *, visible: bool = True) -> ScreenReading:
    return read_screen(REGISTRY["opencode"].rules, ScreenSnapshot(tuple(rows), COLUMNS, cursor, visible), {})


@pytest.mark.parametrize(
    ("rows", "cursor", "composer", "text"),
    [
        (screen(), (5, 3), Composer.EMPTY, ""),
        (screen('Ask anything… "Fix broken tests"'), (5, 3), Composer.EMPTY, ""),
        (screen("half a thought"), (9, 3), Composer.DRAFT, "half a thought"),
        (screen("two", "rows"), (5, 4), Composer.DRAFT, "two\nrows"),
        (screen("in the middle", left=14), (19, 3), Composer.DRAFT, "in the middle"),
        (screen("", mode="Shell"), (5, 3), Composer.DRAFT, ""),
        (screen("/mo", above=("", "  ┃ /models  Switch model   ┃")), (8, 3), Composer.DRAFT, "/mo"),
        (screen(FAMILY), (30, 3), Composer.DRAFT, FAMILY),
        (screen("日本語" + " " * 30 + "• a sidebar"), (11, 3), Composer.DRAFT, "日本語"),
    ],
)
def test_the_composer_is_read(rows: list[str], cursor: tuple[int, int], composer: Composer, text: str) -> None:
    reading = read(rows, cursor)
    assert (reading.composer, reading.text) == (composer, text)


@pytest.mark.parametrize(
    ("cursor", "visible"),
    [((5, 3), False), ((5, 0), True), ((5, 5), True), ((1, 3), True)],
    ids=["hidden", "above", "in the mode's row", "left of the bar"],
)
def test_without_the_cursor_in_it_there_is_no_composer(cursor: tuple[int, int], visible: bool) -> None:
    assert read(screen(), cursor, visible=visible).composer is Composer.HIDDEN


LOW = 80
LOGO = (" " * 54 + "▄", *(" " * 21 + row for row in ("█▀▀█ █▀▀█ █▀▀█ █▀▀▄ █▀▀▀ █▀▀█ █▀▀█ █▀▀█",) * 3), "")
ROW, MODE, FOOT = "   ┃", "   ┃  Build · Fake One Fake", "   ╹" + "▀" * 74
STATUS, OVER_FOOT = "  ~/shop/cart" + "1.18.33".rjust(65), "  ~/shop/cart" + "▀" * 58 + "1.18.33"
HINTS = " " * 51 + "tab agents  ctrl+p commands"
LONG = "[alice -> opencode #9] word word word word word word word word word wor"


@pytest.mark.parametrize(
    ("inside", "composer", "text"),
    [
        (('Ask anything… "Fix broken tests"', "", MODE, OVER_FOOT, HINTS), Composer.EMPTY, ""),
        ((LONG, "one more row", "", MODE, OVER_FOOT, HINTS), Composer.DRAFT, f"{LONG}\none more row"),
        ((LONG, "one more row", "", STATUS, FOOT), Composer.DRAFT, f"{LONG}\none more row"),
        (("ls", "", "   ┃  Shell", OVER_FOOT, HINTS), Composer.DRAFT, "ls"),
        (('Run a command… "ls -la"', "", STATUS, FOOT), Composer.DRAFT, 'Run a command… "ls -la"'),
        (("two", "rows", STATUS, MODE), Composer.HIDDEN, ""),
        (("two", "", MODE, STATUS, HINTS), Composer.HIDDEN, ""),
        (("two", "", MODE, "  ~/shop/cart" + "▀" * 58, HINTS), Composer.HIDDEN, ""),
    ],
    ids=[
        *("over the foot", "a draft", "over the mode", "a shell", "perhaps a shell"),
        *("the foot is not on the screen", "nothing of the foot", "another row"),
    ],
)
def test_a_low_first_screen_draws_its_status_over_the_composer(
    inside: tuple[str, ...], composer: Composer, text: str
) -> None:
    """Where the name of the mode cannot be read, only the placeholder tells whether a shell would get the text."""
    drawn = [row if row.startswith(" ") else f"{ROW}  {row}".rstrip() for row in inside]
    picture = ScreenSnapshot((*LOGO, ROW, *drawn), LOW, (6, len(LOGO) + 1), True)
    reading = read_screen(REGISTRY["opencode"].rules, picture, {})
    assert (reading.composer, reading.text) == (composer, text)


WAITS = ("  ┃  go", "  ┃", "     ▣  Build · Fake", "")
REASON = "   ⬝⬝■■■■■■ Rate limited: all is used up."


@pytest.mark.parametrize(
    ("footer", "says"),
    [
        (("   ⬝⬝■■■■■■ esc interrupt",), Activity.BUSY),
        ((f"{REASON} [retrying in 5s attempt #1] esc interrupt",), Activity.BUSY),
        ((f"{REASON} [retrying in 1m 53s attempt #1] esc", " " * 50 + "inter", " " * 50 + "rupt"), Activity.BUSY),
        (("   ~/shop   ctrl+p commands",), Activity.ERROR),
    ],
)
def test_it_works_while_its_footer_says_so_even_where_that_wraps(footer: tuple[str, ...], says: Activity) -> None:
    *rows, _, _ = screen(above=WAITS)
    picture = ScreenSnapshot((*rows, "  ╹" + "▀" * 95, *footer), 100, (5, len(WAITS) + 1), True)
    argument = read_screen(REGISTRY["opencode"].rules, picture, {}).of(EvidenceSource.SCREEN)
    assert argument is not None
    assert argument.says is says


@pytest.mark.parametrize(
    ("above", "says"),
    [
        (("     Done.", ""), Activity.IDLE),
        (("  ┃  [ada -> you #1] go", "  ┃", ""), Activity.BUSY),
        (("  ┃  no route", "  ┃", "     ▣  Build · Fake", ""), Activity.ERROR),
        (("  ┃  (no output)", "  ┃", "     ▣  Build · Fake · 2.2s", ""), Activity.IDLE),
    ],
    ids=["an answer", "a prompt without an answer", "an error", "a tool's output"],
)
def test_what_stands_above_an_empty_composer(above: tuple[str, ...], says: Activity) -> None:
    argument = read(screen(above=above), (5, len(above) + 1)).of(EvidenceSource.SCREEN)
    assert argument is not None
    assert argument.says is says
