"""A list shown over the message stream: the answer of a command, or search results. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from controller.view.chat_rows import MAX_SHOWN_ATTACHMENTS, colour_of, time_of_day
from controller.view.text_rows import Row, clean_for_screen, fit_to_width, wrap_text
from gateway.protocol.events import Message
from gateway.protocol.text.attachments import attachments_of


@dataclass(frozen=True)
class OverlayItem:
    """Rows that belong together; `seq` is the message that they lead to."""

    words: tuple[tuple[str, str], ...]
    seq: int | None = None


@dataclass
class ListOverlay:
    title: str
    items: Sequence[OverlayItem]
    chosen: int = 0
    top: int = 0
    leads: bool = field(init=False)

    def __post_init__(self) -> None:
        self.leads = any(one.seq is not None for one in self.items)

    @property
    def seq(self) -> int | None:
        return self.items[self.chosen].seq if self.leads and self.items else None

    def move(self, by: int) -> None:
        """Move the choice if items lead to messages; otherwise scroll."""
        if self.leads:
            self.chosen = max(0, min(len(self.items) - 1, self.chosen + by))
        else:
            self.top = max(0, self.top + by)

    def rows(self, width: int, height: int) -> list[Row]:
        hint = "Up and Down choose, Enter goes there, Esc closes" if self.leads else "Esc closes, PgUp and PgDn move"
        head = (("class:overlay-title", fit_to_width(f" {self.title} – {hint} ", width).ljust(width)),)
        owned = [(number, row) for number, one in enumerate(self.items) for row in _item_rows(one, width)]
        room = max(1, height - 1)
        if self.leads:
            last = max((at for at, (number, _) in enumerate(owned) if number == self.chosen), default=0)
            first = min((at for at, (number, _) in enumerate(owned) if number == self.chosen), default=0)
            self.top = min(max(self.top, last - room + 1), first)
        self.top = max(0, min(self.top, len(owned) - room))
        shown_rows = owned[self.top : self.top + room]
        return [head, *(self._marked(number, row) for number, row in shown_rows)]

    def _marked(self, number: int, row: Row) -> Row:
        if self.leads and number == self.chosen:
            return tuple((f"{style} reverse", text) for style, text in row)
        return row


def _item_rows(item: OverlayItem, width: int) -> list[Row]:
    """The last words are wrapped beside those before them."""
    *head, (style, text) = item.words
    indent = sum(len(words) for _, words in head)
    if indent > width // 2:
        return [tuple(head), *((("", "    "), (style, line)) for line in wrap_text(clean_for_screen(text), width - 4))]
    first, *more = wrap_text(clean_for_screen(text), max(4, width - indent))
    return [(*head, (style, first)), *((("", " " * indent), (style, line)) for line in more)]


def overlay_of_pairs(title: str, pairs: Sequence[tuple[str, str]]) -> ListOverlay:
    """An overlay of two columns."""
    wide = min(30, max((len(left) for left, _ in pairs), default=0))
    return ListOverlay(title, [OverlayItem((("bold", f" {left.ljust(wide)}  "), ("", right))) for left, right in pairs])


def overlay_of_text(title: str, text: str) -> ListOverlay:
    return ListOverlay(title, [OverlayItem((("", " "), ("", line))) for line in text.splitlines()])


def attachment_lines_of(message: Message) -> list[str]:
    """The attachments, in a few words each."""
    return [one.summary for one in attachments_of(message)[:MAX_SHOWN_ATTACHMENTS]]


def overlay_of_messages(title: str, messages: Sequence[Message]) -> ListOverlay:
    items = [
        OverlayItem(
            (
                ("class:dim", f" {one.timestamp[:10]} {time_of_day(one.timestamp)} #{one.seq} "),
                (colour_of(one.from_), f"{clean_for_screen(one.from_)} "),
                (
                    "",
                    " ".join(
                        (" ".join(one.content.split())[:400], *(f"(with {what})" for what in attachment_lines_of(one)))
                    ),
                ),
            ),
            one.seq,
        )
        for one in messages
    ]
    return ListOverlay(title, items)
