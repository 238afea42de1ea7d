"""Lays out and paints the chat. Its content comes from the pure modules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from prompt_toolkit.formatted_text import AnyFormattedText
from prompt_toolkit.layout import Container, Float, FloatContainer, HSplit, Layout, Window
from prompt_toolkit.layout.controls import BufferControl
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.layout.mouse_handlers import MouseHandlers
from prompt_toolkit.layout.processors import TabsProcessor
from prompt_toolkit.layout.screen import Char, Screen, WritePosition
from prompt_toolkit.mouse_events import MouseEvent, MouseEventType
from prompt_toolkit.styles import Style

from controller.commands import mode_text
from controller.view.chat_rows import roster_line, roster_rows
from controller.view.outage import outage_line
from controller.view.text_rows import Fragment, Row, clean_for_screen, clean_line_for_screen, fit_to_width, width_of

if TYPE_CHECKING:
    from controller.chat.screen import ChatScreen

ROSTER_MIN_COLUMNS = 76
ROSTER_COLUMNS = 28
PROMPT_MIN_COLUMNS = 50
MAX_INPUT_ROWS = 6
TAB_COLUMNS = 4

WheelHandler = Callable[[MouseEvent], None]

STYLE = Style.from_dict(
    {
        "dim": "fg:ansibrightblack",
        "good": "fg:ansigreen",
        "bad": "fg:ansired",
        "busy": "fg:ansiyellow",
        "ask": "fg:ansimagenta bold",
        "ask.chosen": "fg:ansimagenta bold reverse",
        "me": "bg:ansiyellow fg:ansiblack bold",
        "wanted": "bold",
        "fold": "fg:ansiblue",
        "bar": "reverse",
        "overlay-title": "reverse",
        "warning": "fg:ansiyellow bold",
        "completion-menu": "bg:default fg:default reverse",
        "completion-menu.completion.current": "noreverse bold",
        "completion-menu.meta.completion": "reverse",
        "completion-menu.meta.completion.current": "noreverse",
    }
)


class ChatPainter:
    """The parts of the screen, from the top down."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen

    def layout(self) -> Layout:
        writing = Window(
            BufferControl(self._screen.buffer, input_processors=[TabsProcessor(TAB_COLUMNS, " ", " ")]),
            height=self._input_height,
            wrap_lines=True,
            get_line_prefix=self._prefix,
            dont_extend_height=True,
        )
        menu = Float(CompletionsMenu(max_height=8, scroll_offset=1), xcursor=True, ycursor=True)
        body = HSplit([RowsContainer(self.rows, lambda: self._wheel if self._screen.mouse else None), writing])
        return Layout(FloatContainer(body, [menu]), focused_element=writing)

    @property
    def _columns(self) -> int:
        return self._screen.app.output.get_size().columns

    def rows(self, width: int, height: int) -> list[tuple[Row, int, Row]]:
        """The rows above the input: each row, the column where the roster begins, and the roster's row."""
        middle = max(0, height - 2)
        wide = width >= ROSTER_MIN_COLUMNS
        room = width - ROSTER_COLUMNS - 1 if wide else width
        stream = self._screen.stream(room, middle) if middle else []
        beside: list[Row] = (
            [(_SEPARATOR, *row) for row in roster_rows(self._screen.chat.state, ROSTER_COLUMNS - 1)] if wide else []
        )
        beside += [(_SEPARATOR,)] * (middle - len(beside) if wide else 0)
        found: list[tuple[Row, int, Row]] = [(self._bar(width), 0, ())]
        found += [(row, room, beside[number] if wide else ()) for number, row in enumerate(stream)]
        return [*found, (tuple(self._status()), 0, ())][:height]

    def _bar(self, columns: int) -> Row:
        state = self._screen.chat.state
        others = "".join(f" · {room} {count} new" for room, count in sorted(state.unread.items()) if count)
        left = f" #{state.room}{others} "
        if columns < ROSTER_MIN_COLUMNS:
            people = roster_line(state, max(0, columns - len(left)))
            row = (
                (("class:bar", fit_to_width(left, columns))),
                *((f"class:bar {style}", text) for style, text in people),
            )
            return (*row, ("class:bar", " " * (columns - sum(width_of(text) for _, text in row))))
        topic = state.rooms[state.room].topic if state.room in state.rooms else ""
        words = fit_to_width(f"{left}{f'– {clean_for_screen(topic)}' if topic else ''}", columns)
        return (("class:bar", words + " " * (columns - width_of(words))),)

    def _status(self) -> Sequence[Fragment]:
        screen = self._screen
        if screen.hint:
            return [(screen.hint_style, fit_to_width(f" {clean_for_screen(screen.hint)}", self._columns))]
        return _fit_fragments(self._news() or [("class:dim", " @name · @all · !urgent · /help ")], self._columns)

    def _news(self) -> list[Fragment]:
        """Notices that matter now, the most important first."""
        screen, state = self._screen, self._screen.chat.state
        words: list[Fragment] = []
        if state.silence is not None:
            unsent, remedy = len(state.outbox.unsent), screen.chat.remedy
            words.append(("class:warning", f" {outage_line(state.silence, screen.chat.clock(), unsent, remedy)} "))
        if asks := state.open_cards():
            who = ", ".join(dict.fromkeys(one.member for one in asks))
            chosen = screen.rows.selected is not None
            keys = "its key answers, F3 shows all, Esc leaves" if chosen else screen.show_ways_to_answer(asks)
            words.append(("class:ask", f" {who} {'asks' if len(asks) == 1 else 'ask'}: {keys} "))
        if turn := mode_text.mode_status_line(state.floors.get(state.room)):
            words.append(("class:busy", f" {clean_for_screen(turn)} "))
        if not screen.port.is_following or not state.at_tail:
            words.append(("class:dim", " older messages; Esc returns to the newest "))
        return words

    def _input_height(self) -> Dimension:
        columns = max(10, self._columns - len(self._prompt))
        text = self._screen.buffer.text.expandtabs(TAB_COLUMNS)
        lines = sum(1 + width_of(line) // columns for line in text.split("\n"))
        return Dimension.exact(max(1, min(MAX_INPUT_ROWS, lines)))

    @property
    def _prompt(self) -> str:
        return f"{self._screen.chat.state.me} > " if self._columns >= PROMPT_MIN_COLUMNS else "> "

    def _prefix(self, line: int, wrap: int) -> AnyFormattedText:
        return [("bold", self._prompt if line == 0 and wrap == 0 else " " * len(self._prompt))]

    def _wheel(self, event: MouseEvent) -> None:
        if event.event_type is MouseEventType.SCROLL_UP:
            self._screen.scroll(3)
        elif event.event_type is MouseEventType.SCROLL_DOWN:
            self._screen.scroll(-3)


_SEPARATOR = ("class:dim", "│ ")


def _fit_fragments(words: Iterable[Fragment], columns: int) -> list[Fragment]:
    found: list[Fragment] = []
    for style, text in words:
        if columns > 0:
            found.append((style, fit_to_width(text, columns)))
        columns -= width_of(text)
    return found


class RowsContainer(Container):
    """Draws rows directly onto the canvas. The toolkit's own windows inspect each cell of a pane at each key; here a
    row is turned into cells once and reused."""

    def __init__(
        self, rows: Callable[[int, int], list[tuple[Row, int, Row]]], wheel: Callable[[], WheelHandler | None]
    ) -> None:
        self._rows, self._wheel = rows, wheel

    def reset(self) -> None:
        pass

    def get_children(self) -> list[Container]:
        return []

    def preferred_width(self, max_available_width: int) -> Dimension:
        return Dimension(preferred=max_available_width)

    def preferred_height(self, width: int, max_available_height: int) -> Dimension:
        return Dimension(min=0, preferred=max_available_height)

    def write_to_screen(  # noqa: PLR0913, PLR0917 - the toolkit's own signature
        self,
        screen: Screen,
        mouse_handlers: MouseHandlers,
        write_position: WritePosition,
        parent_style: str,
        erase_bg: bool,
        z_index: int | None,
    ) -> None:
        place = write_position
        for number, (row, at, beside) in enumerate(self._rows(place.width, place.height)):
            line = screen.data_buffer[place.ypos + number]
            line.update(place_cells(row, place.xpos, place.width))
            if beside:
                line.update(place_cells(beside, place.xpos + at, place.width - at))
        if wheel := self._wheel():
            right, bottom = place.xpos + place.width, place.ypos + place.height
            mouse_handlers.set_mouse_handler_for_range(place.xpos, right, place.ypos, bottom, wheel)


@lru_cache(512)
def place_cells(row: Row, at: int, room: int) -> dict[int, Char]:
    """The cell of each character. A wide one takes a second cell; a zero-width one joins the one before. All painted
    text passes here, and control characters are neutralised."""
    found: dict[int, Char] = {}
    end, last = at + room, at
    for style, text in row:
        for one in clean_line_for_screen(text):
            wide = width_of(one)
            if wide == 0 and last in found:
                found[last] = _cached_cell(found[last].char + one, style)
            elif wide and at + wide <= end:
                found[at] = _cached_cell(one, style)
                found.update((at + extra, _SECOND_CELL) for extra in range(1, wide))
                last, at = at, at + wide
    return found


@lru_cache(16_384)
def _cached_cell(char: str, style: str) -> Char:
    """A shared cell for equal characters: a long room has hundreds of thousands of cells, and the garbage collector
    visits each object."""
    return Char(char, style)


_SECOND_CELL = Char("", "")
