"""The layout of tables."""

from __future__ import annotations

import pytest

from gateway.console.text_table import lay_out_table

COLUMNS = ("name", "created", "what")
ROWS = [("ada", "2026-11-28 14:51", "reviews every change before it is merged"), ("ben", "2026-11-29 09:00", "")]


def test_whole_lines_without_a_limit() -> None:
    table = lay_out_table(ROWS, COLUMNS, None)
    assert table.header == ["name  created           what"]
    assert table.body == [
        "ada   2026-11-28 14:51  reviews every change before it is merged",
        "ben   2026-11-29 09:00",
    ]


def test_the_longest_text_is_wrapped() -> None:
    assert lay_out_table(ROWS, COLUMNS, 46).body == [
        "ada   2026-11-28 14:51  reviews every change",
        "                        before it is merged",
        "ben   2026-11-29 09:00",
    ]


@pytest.mark.parametrize("limit", [*range(20, 90, 3)])
def test_every_word_stays_whole_and_every_line_fits(limit: int) -> None:
    table = lay_out_table(ROWS, COLUMNS, limit)
    text = " ".join(" ".join([*table.header, *table.body]).split())
    for word in " ".join(cell for row in ROWS for cell in row).split():
        assert word in text
    if table.header:
        assert all(len(line) <= limit for line in [*table.header, *table.body])


def test_a_table_that_cannot_fit_is_a_block_for_each_row() -> None:
    assert lay_out_table(ROWS, COLUMNS, 10).body[:3] == [
        "name: ada",
        "created: 2026-11-28 14:51",
        f"what: {ROWS[0][2]}",
    ]


def test_what_no_blank_divides_is_one_word() -> None:
    assert lay_out_table([("a\u00a0b\u00a0c", "d")], ("x", "y"), 7).body == ["x: a\u00a0b\u00a0c", "y: d"]


def test_no_rows() -> None:
    assert lay_out_table([], ("a", "b"), 10).header == ["a  b"]
    assert lay_out_table([], (), 10) == ([], [])
