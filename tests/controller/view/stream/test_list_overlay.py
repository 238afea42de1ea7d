"""The list over the chat: headings, and where in it one is."""

from __future__ import annotations

import pytest

from controller.view.stream.list_overlay import ListOverlay, OverlayItem, overlay_of_sections


def words_of(overlay: ListOverlay, width: int, height: int) -> list[str]:
    rows = ["".join(text for _, text in row).rstrip() for row in overlay.rows(width, height)]
    assert len(rows) == height
    return rows


def items(count: int, leads: bool = False) -> list[OverlayItem]:
    return [OverlayItem((("", f"line {one}"),), one + 1 if leads else None) for one in range(count)]


@pytest.mark.parametrize(
    ("count", "down", "place"),
    [
        (4, 0, ""),
        (5, 0, ""),
        (6, 0, " · 1 of 2"),
        (12, 0, " · 1 of 3"),
        (12, 4, " · 1 of 3"),
        (12, 5, " · 2 of 3"),
        (12, 7, " · 3 of 3"),
        (12, 99, " · 3 of 3"),
        (56, 10, " · 3 of 12"),
    ],
)
def test_the_title_tells_the_page(count: int, down: int, place: str) -> None:
    overlay = ListOverlay("Help", items(count))
    overlay.move(down)
    assert words_of(overlay, 80, 6)[0] == f" Help{place} – Esc closes, PgUp and PgDn move"


@pytest.mark.parametrize(("moves", "place"), [(0, "1 of 12"), (2, "3 of 12"), (50, "12 of 12")])
def test_the_title_tells_the_chosen_message(moves: int, place: str) -> None:
    overlay = ListOverlay("Found", items(12, leads=True))
    overlay.move(moves)
    assert words_of(overlay, 90, 6)[0].startswith(f" Found · {place} – ")


def test_sections_have_headings_and_one_column() -> None:
    overlay = overlay_of_sections("Help", [("Talk", [("text", "to all")]), ("Rooms", [("/join ROOM", "go there")])])
    assert words_of(overlay, 60, 6)[1:] == [
        " Talk",
        " text        to all",
        "",
        " Rooms",
        " /join ROOM  go there",
    ]


def test_a_section_without_a_title_has_no_heading() -> None:
    assert words_of(overlay_of_sections("Help", [("", [("/end", "end it")])]), 60, 2)[1:] == [" /end  end it"]
