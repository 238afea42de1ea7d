"""What a click on the screen is on, and what it may do. Pure.

One click never answers a question: the first chooses the card, the next marks an option, and only one more on the same
option answers with it. Clicks that follow each other fast are one gesture, however many they are: only a click after a
pause answers.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.view.approvals.approval_rows import DIM_STYLE, FOLD_STYLE
from controller.view.text.row_types import Row
from controller.view.text.text_rows import width_of

DOUBLE_CLICK_S = 0.5
SECOND_CLICK_WITHIN_S = 10.0
OPTION_STYLES = ("class:ask", "class:ask.chosen")


@dataclass(frozen=True)
class RoomTarget:
    """A room of the header. One that is not joined has no number."""

    name: str
    number: int = 0


@dataclass(frozen=True)
class MemberTarget:
    name: str


@dataclass(frozen=True)
class ItemTarget:
    """An item of the list over the stream."""

    item: int


@dataclass(frozen=True)
class EntryTarget:
    """An entry of the stream; the key of a card's option there; whether the row stands for folded ones."""

    key: tuple[int, int]
    option: str = ""
    folded: bool = False


ClickTarget = RoomTarget | MemberTarget | ItemTarget | EntryTarget


def entry_target(key: tuple[int, int], row: Row, column: int) -> EntryTarget:
    return EntryTarget(key, option_at(row, column), any(style == FOLD_STYLE for style, _ in row))


def option_at(row: Row, column: int) -> str:
    """The key of the option at this column of a card: its own fragment is left of its words. Only the painter gives
    fragments this style, never a text of a member."""
    found, end = "", 0
    for number, (style, text) in enumerate(row):
        if number and style in OPTION_STYLES and text.strip():
            found = text.strip()
        elif style == DIM_STYLE:
            found = ""
        end += width_of(text)
        if column < end:
            return found
    return found


class OptionClicks:
    """Which option of which card was marked by a click, and when it was last clicked."""

    def __init__(self) -> None:
        self._marked: tuple[int, str] | None = None
        self._clicked = 0.0

    def forget(self) -> None:
        self._marked = None

    def is_confirmed(self, card: int, option: str, now: float) -> bool:
        """Whether this click answers. If not, it marks the option for the next one."""
        waited = now - self._clicked
        if self._marked == (card, option) and DOUBLE_CLICK_S <= waited <= SECOND_CLICK_WITHIN_S:
            self._marked = None
            return True
        self._marked, self._clicked = (card, option), now
        return False
