"""Renders the rooms in the header: which one is shown, and how many messages are unread in each. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from controller.view.styles.symbols import UNREAD
from controller.view.text.row_types import Fragment
from controller.view.text.text_rows import clean_line_for_screen, fit_row, width_of, width_of_row
from controller.wording.proof_text import SEALED_SIGN


@dataclass(frozen=True)
class RoomTab:
    """A room in the header. One without a number is not joined, but something was said there."""

    name: str
    number: int = 0
    shown: bool = False
    unread: int = 0
    sealed: bool = False

    @property
    def text(self) -> str:
        number = f"{self.number} " if self.number else ""
        name = clean_line_for_screen(f"{'#' if self.shown else ''}{self.name}")
        sealed = SEALED_SIGN if self.sealed else ""
        return f"{number}{sealed}{name}{f'{UNREAD}{self.unread}' if self.unread else ''}"


def room_tabs(
    mine: Sequence[str], shown: str, unread: Mapping[str, int], sealed: Collection[str] = ()
) -> list[RoomTab]:
    tabs = [
        RoomTab(name, number, name == shown, unread.get(name, 0), name in sealed) for number, name in enumerate(mine, 1)
    ]
    others = sorted(name for name, count in unread.items() if count and name not in mine)
    tabs += [RoomTab(name, unread=unread[name], sealed=name in sealed) for name in others]
    return [RoomTab(shown, shown=True, sealed=shown in sealed)] if len(tabs) == 1 else tabs


def room_bar(tabs: Iterable[RoomTab], width: int) -> list[Fragment]:
    """All rooms; if they do not fit, the shown one and those with unread messages; if these do not fit either, the
    shown one and the sum."""
    tabs = list(tabs)
    if fitting := _tabs_that_fit(tabs, width):
        return _words_of(fitting)
    shown = [one for one in tabs if one.shown]
    total = sum(one.unread for one in tabs)
    words = [("bold", _brief_name(shown[0]) if shown else "")] + ([("bold", f"{UNREAD}{total}")] if total else [])
    return fit_row(_spaced(words), width)


def _brief_name(tab: RoomTab) -> str:
    return f"{SEALED_SIGN if tab.sealed else ''}#{tab.name}"


def tab_at(tabs: Iterable[RoomTab], width: int, column: int) -> RoomTab | None:
    """The room that is drawn at this column of the header."""
    end = 0
    for number, tab in enumerate(_tabs_that_fit(list(tabs), width)):
        begin = end + (2 if number else 1)
        end = begin + width_of(tab.text)
        if begin <= column < end:
            return tab
    return None


def _tabs_that_fit(tabs: list[RoomTab], width: int) -> list[RoomTab]:
    for kept in (tabs, [one for one in tabs if one.shown or one.unread]):
        if width_of_row(_words_of(kept)) <= width:
            return kept
    return []


def _words_of(tabs: Iterable[RoomTab]) -> list[Fragment]:
    return _spaced([(_style_of(one), one.text) for one in tabs])


def _style_of(tab: RoomTab) -> str:
    return "bold" if tab.shown or tab.unread else ""


def _spaced(words: Sequence[Fragment]) -> list[Fragment]:
    found: list[Fragment] = [("", " ")]
    for number, (style, text) in enumerate(words):
        found += [("", "  ")] if number else []
        found.append((style, text))
    return [*found, ("", " ")]
