"""The screen as styled text: styles as the emulator has them, changes, and nothing that is not text."""

from __future__ import annotations

import random

import msgspec
import pytest

from gateway.protocol.text.text_validation import check_request
from gateway.protocol.types.terminal_types import MAX_ROW_BYTES, MAX_ROW_CHARS, MAX_RUNS_PER_ROW, RGB, Cursor, Run
from sidecar.screen.emulator import Screen
from sidecar.screen.styled_rows import MAX_MARKS_PER_CELL, ScreenChanges, StyledScreen, parse_row

COLUMNS, ROWS = 40, 6


def rows_of(data: bytes, columns: int = COLUMNS) -> dict[int, tuple[Run, ...]]:
    screen = Screen(columns, ROWS)
    screen.feed(data)
    picture = ScreenChanges().next(screen.styled())
    assert picture is not None
    check_request(picture)
    return {one.y: one.runs for one in picture.changed}


@pytest.mark.parametrize(
    ("printed", "runs"),
    [
        ("plain", [Run("plain")]),
        (
            "\x1b[1mb\x1b[0m\x1b[2md\x1b[0m\x1b[3mi\x1b[0m",
            [Run("b", bold=True), Run("d", dim=True), Run("i", italic=True)],
        ),
        (
            "\x1b[4mu\x1b[0m\x1b[7mr\x1b[0m\x1b[9ms",
            [Run("u", underline=True), Run("r", reverse=True), Run("s", strike=True)],
        ),
        ("\x1b[4:3mcurly\x1b[0m \x1b[53mover", [Run("curly", underline=True), Run(" "), Run("over")]),
        ("\x1b[31mr\x1b[92mg\x1b[39mx", [Run("r", fg=1), Run("g", fg=10), Run("x")]),
        ("\x1b[38;5;208mo\x1b[48;2;1;2;255mb", [Run("o", fg=208), Run("b", fg=208, bg=RGB + 0x0102FF)]),
        ("\x1b[41mr\x1b[107mw\x1b[0m", [Run("r", bg=1), Run("w", bg=15)]),
        ("\x1b[4;58;5;9mmark", [Run("mark", underline=True)]),
        ("pass\x1b[8mword\x1b[0mend", [Run("pass"), Run("    "), Run("end")]),
        ("\x1b[31mtrailing    \x1b[0m", [Run("trailing", fg=1)]),
        ("\x1b[44m  \x1b[0m", [Run("  ", bg=4)]),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", [Run("link")]),
        ("\x1b[45m\x1b[K", [Run(" " * COLUMNS, bg=5)]),
        ("\x1b[48;2;9;8;7m\x1b[K", [Run(" " * COLUMNS, bg=RGB + 0x090807)]),
        ("你好 😀 e\u0301", [Run("你好 😀 e\u0301")]),
        ("一\u3000二|", [Run("一  二|")]),
        ("co\u00adop|", [Run("co-op|")]),
        ("\x1b[8m密e\u0301\x1b[0m|", [Run("   "), Run("|")]),
    ],
)
def test_a_row(printed: str, runs: list[Run]) -> None:
    assert rows_of(printed.encode()) == {0: tuple(runs)}


@pytest.mark.parametrize(
    "printed",
    [
        "\u202edrowssap\u202c",
        "\u2066isolate\u2069",
        "a\u200bb\u00adc",
        "\x9b31mc1",
        "\x1b]0;title\x07text",
        "\x07\x08\x0e\x0f",
        "\u2028separators\u2029",
        "\ufffe\ufdd0",
        "\U000e0041tag",
        "\x1bP+q544e\x1b\\dcs",
        "\x1b_apc\x1b\\",
        "<img src=x onerror=alert(1)>",
    ],
)
def test_only_text_passes(printed: str) -> None:
    text = "".join(run.text for runs in rows_of(printed.encode()).values() for run in runs)
    assert not any(ord(one) < 32 or 0x7F <= ord(one) < 0xA0 for one in text)
    assert not set(text) & set("\u202e\u202c\u2066\u2069\u200b\u00ad\u2028\u2029\ufffe\ufdd0\U000e0041")


def test_a_cell_holds_few_marks() -> None:
    text = rows_of(("e" + "\u0301" * 500 + "क" + "\u093f" * 500 + "\u0e01" + "\u0e34" * 300).encode())[0][0].text
    longest = max(text.split("e")[-1].count(one) for one in "\u0301\u093f\u0e34")
    assert longest <= MAX_MARKS_PER_CELL


def test_a_row_of_many_styles_is_bounded() -> None:
    columns = 450
    colors = "".join(f"\x1b[1;2;3;4;9;38;2;{n % 256};1;2;48;2;{n % 251};3;4m漢" for n in range(columns // 2))
    (runs,) = rows_of(colors.encode(), columns).values()
    assert len(runs) <= MAX_RUNS_PER_ROW
    assert sum(len(one.text) for one in runs) <= MAX_ROW_CHARS
    assert len(msgspec.json.encode(runs)) <= MAX_ROW_BYTES
    assert "".join(one.text for one in runs) == "漢" * (columns // 2)


def test_what_is_too_much_for_a_row_is_cut() -> None:
    (only,) = parse_row("x" * 10 * MAX_ROW_CHARS)
    assert len(only.text) <= MAX_ROW_CHARS


def test_what_changes() -> None:
    screen, changes = Screen(COLUMNS, ROWS), ScreenChanges()
    screen.feed(b"one\r\ntwo\r\nthree")

    def picture() -> dict[str, object] | None:
        found = changes.next(screen.styled())
        return None if found is None else {"whole": found.whole, **{f"{one.y}": one.runs for one in found.changed}}

    one, two, three = (Run("one"),), (Run("two"),), (Run("three"),)
    assert picture() == {"whole": True, "0": one, "1": two, "2": three}
    assert picture() is None
    screen.feed(b"\x1b[2;1H\x1b[1mtwo")
    assert picture() == {"whole": False, "1": (Run("two", bold=True),)}
    screen.feed(b"\x1b[3;1H\x1b[K")
    assert picture() == {"whole": False, "2": ()}
    screen.feed(b"\x1b[5;5H")
    assert picture() == {"whole": False}
    screen.resize(COLUMNS - 1, ROWS)
    assert picture() == {"whole": True, "0": one, "1": (Run("two", bold=True),)}
    changes.forget()
    assert picture() == {"whole": True, "0": one, "1": (Run("two", bold=True),)}


def test_the_cursor() -> None:
    screen = Screen(COLUMNS, ROWS)
    screen.feed(b"ab")
    picture = ScreenChanges().next(screen.styled())
    assert picture is not None
    assert picture.cursor == Cursor(2, 0)
    screen.feed(b"\x1b[?25l")
    hidden = ScreenChanges().next(screen.styled())
    assert hidden is not None
    assert hidden.cursor is None


def test_a_terminal_that_is_larger_than_any_is_shown_from_its_left_upper_corner() -> None:
    picture = ScreenChanges().next(StyledScreen(tuple(f"row {y}" for y in range(900)), 3000, (2999, 899)))
    assert picture is not None
    check_request(picture)
    assert (picture.columns, picture.rows, picture.cursor) == (500, 200, None)


def _style_in_grid(screen: Screen, x: int, y: int) -> tuple[object, ...]:
    found = screen._terminal.style(x, y)

    def color(value: tuple[str, object] | None) -> object:
        if value is None:
            return None
        kind, what = value
        return what if kind == "palette" else RGB + int(bytes(what).hex(), 16)  # type: ignore[call-overload]

    return (color(found["fg"]), color(found["bg"]), found["bold"], found["faint"], found["italic"])


@pytest.mark.parametrize("seed", range(20))
def test_each_cell_has_the_style_that_the_emulator_gives_it(seed: int) -> None:
    chance, screen = random.Random(seed), Screen(COLUMNS, ROWS)
    for _ in range(200):
        move = f"\x1b[{chance.randint(1, ROWS)};{chance.randint(1, COLUMNS - 8)}H"
        style = chance.choice(["0", "1", "2", "3", "22", "31", "97", "38;5;200", "48;5;17", "48;2;5;6;7", "39", "49"])
        screen.feed(f"{move}\x1b[{style}m{chance.choice(['word', '####', 'x', '........'])}".encode())
    picture = ScreenChanges().next(screen.styled())
    assert picture is not None
    checked = 0
    for row in picture.changed:
        x = 0
        for run in row.runs:
            for character in run.text:
                if character != " ":
                    expected = _style_in_grid(screen, x, row.y)
                    assert (run.fg, run.bg, run.bold, run.dim, run.italic) == expected, (x, row.y)
                    checked += 1
                x += 1
    assert checked > 50
