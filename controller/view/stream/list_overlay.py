"""A list shown over the message stream: the answer of a command, or search results. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from controller.view.stream.chat_rows import MAX_SHOWN_ATTACHMENTS, time_of_day
from controller.view.styles.name_styles import NameStyles
from controller.view.text.row_types import Row
from controller.view.text.search_highlights import SearchHighlights
from controller.view.text.text_rows import clean_for_screen, fit_to_width, width_of_row, wrap_text
from gateway.protocol.events import Message
from gateway.protocol.results import Passage, PassageMessage
from gateway.protocol.text.attachments import attachments_of
from gateway.protocol.text.printable_text import readable_content

MAX_LEFT_COLUMNS = 30


@dataclass(frozen=True)
class OverlayItem:
    """Rows that belong together; `seq` is the message that they lead to."""

    words: tuple[tuple[str, str], ...]
    seq: int | None = None


@dataclass
class ListOverlay:
    title: str
    items: Sequence[OverlayItem]
    marks: SearchHighlights | None = None
    chosen: int = 0
    top: int = 0
    leads: bool = field(init=False)
    _shown: list[int] = field(default_factory=list, init=False)  # the items of the shown rows

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

    def item_at(self, row: int) -> int | None:
        """The item in this row of the list; None for the title, and for what leads nowhere."""
        return self._shown[row - 1] if self.leads and 0 < row <= len(self._shown) else None

    def rows(self, width: int, height: int) -> list[Row]:
        """All rows of the stream's place, so that what stands below does not move."""
        hint = "Up and Down choose, Enter goes there, Esc closes" if self.leads else "Esc closes, PgUp and PgDn move"
        owned = [(number, row) for number, one in enumerate(self.items) for row in _item_rows(one, width)]
        room = max(1, height - 1)
        if self.leads:
            last = max((at for at, (number, _) in enumerate(owned) if number == self.chosen), default=0)
            first = min((at for at, (number, _) in enumerate(owned) if number == self.chosen), default=0)
            self.top = min(max(self.top, last - room + 1), first)
        self.top = max(0, min(self.top, len(owned) - room))
        shown_rows = owned[self.top : self.top + room]
        self._shown = [number for number, _ in shown_rows]
        place = self._place(len(owned), room)
        head = (("class:overlay-title", fit_to_width(f" {self.title}{place} – {hint} ", width).ljust(width)),)
        found = [head, *(self._marked(number, row, width) for number, row in shown_rows)]
        return found + [()] * (height - len(found))

    def _place(self, row_count: int, room: int) -> str:
        """Where one is: the chosen item, or the page if there are several."""
        if self.leads:
            return f" · {self.chosen + 1} of {len(self.items)}"
        pages = -(-row_count // room)
        page = pages if self.top + room >= row_count else self.top // room + 1
        return f" · {page} of {pages}" if pages > 1 else ""

    def _marked(self, number: int, row: Row, width: int) -> Row:
        marked = self.marks.mark(row) if self.marks is not None else row
        if self.leads and number == self.chosen:
            rest = " " * (width - width_of_row(row))
            return tuple((f"{style} reverse", text) for style, text in (*marked, ("", rest)))
        return marked


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
    wide = min(MAX_LEFT_COLUMNS, max((len(left) for left, _ in pairs), default=0))
    return ListOverlay(title, [OverlayItem((("bold", f" {left.ljust(wide)}  "), ("", right))) for left, right in pairs])


def overlay_of_sections(title: str, sections: Sequence[tuple[str, Sequence[tuple[str, str]]]]) -> ListOverlay:
    """Two columns under headings. A section without a title has no heading."""
    wide = min(MAX_LEFT_COLUMNS, max((len(left) for _, pairs in sections for left, _ in pairs), default=0))
    items: list[OverlayItem] = []
    for heading, pairs in sections:
        if heading:
            items += [OverlayItem((("", ""),))] if items else []
            items.append(OverlayItem((("class:overlay-heading", f" {heading}"), ("", ""))))
        items += [OverlayItem((("bold", f" {left.ljust(wide)}  "), ("", right))) for left, right in pairs]
    return ListOverlay(title, items)


def overlay_of_text(title: str, text: str) -> ListOverlay:
    return ListOverlay(title, [OverlayItem((("", " "), ("", line))) for line in text.splitlines()])


def attachment_lines_of(message: Message) -> list[str]:
    """The attachments, in a few words each."""
    return [one.summary for one in attachments_of(message)[:MAX_SHOWN_ATTACHMENTS]]


def overlay_of_messages(
    title: str, messages: Sequence[Message], names: NameStyles, marks: SearchHighlights | None = None
) -> ListOverlay:
    return ListOverlay(title, [_message_item(one, names) for one in messages], marks)


def overlay_of_passages(
    title: str, passages: Sequence[Passage], names: NameStyles, marks: SearchHighlights
) -> ListOverlay:
    """Each message leads to its place; those of a passage after the first stand under it."""
    return ListOverlay(
        title,
        [_passage_item(one, names, place) for found in passages for place, one in enumerate(found.messages)],
        marks,
    )


def _passage_item(message: PassageMessage, names: NameStyles, place: int) -> OverlayItem:
    words = (
        ("class:dim", f" {'  ' if place else ''}{message.timestamp[:10]} #{message.seq} "),
        (names.style_of(message.from_), f"{clean_for_screen(message.from_)} "),
        ("", " ".join(message.text.split())),
    )
    return OverlayItem(words, message.seq)


def _message_item(message: Message, names: NameStyles) -> OverlayItem:
    attached = (f"(with {what})" for what in attachment_lines_of(message))
    words = (
        ("class:dim", f" {message.timestamp[:10]} {time_of_day(message.timestamp)} #{message.seq} "),
        (names.style_of(message.from_), f"{clean_for_screen(message.from_)} "),
        ("", " ".join((" ".join(readable_content(message).split())[:400], *attached))),
    )
    return OverlayItem(words, message.seq)
