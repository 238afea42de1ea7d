"""Lays out and paints the chat. Its content comes from the pure modules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

from prompt_toolkit.formatted_text import AnyFormattedText
from prompt_toolkit.layout import Container, Float, FloatContainer, HSplit, Layout, Window
from prompt_toolkit.layout.controls import BufferControl
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.layout.mouse_handlers import MouseHandlers
from prompt_toolkit.layout.processors import HighlightIncrementalSearchProcessor, TabsProcessor
from prompt_toolkit.layout.screen import Char, Screen, WritePosition
from prompt_toolkit.mouse_events import MouseEvent
from prompt_toolkit.widgets import SearchToolbar

from controller.chat.full_screen.appearance import ChatLook
from controller.chat.full_screen.card_keys import CardKeys
from controller.chat.full_screen.mouse import MouseControl
from controller.chat.full_screen.screen_interface import ScreenForParts
from controller.chat.full_screen.select_mode import SelectMode
from controller.chat_commands import mode_commands
from controller.view.panels.composer_hint import composer_hint
from controller.view.panels.room_bar import RoomTab, room_bar, room_tabs, tab_at
from controller.view.panels.roster_rows import member_at, member_in_line_at, roster_line, roster_rows
from controller.view.state.gateway_outage import outage_line
from controller.view.state.stream_entries import EntryKey
from controller.view.stream.click_targets import ClickTarget, ItemTarget, MemberTarget, RoomTarget, entry_target
from controller.view.text.character_support import encodable_text, has_disputed_width
from controller.view.text.row_types import Fragment, Row
from controller.view.text.text_rows import (
    clean_for_screen,
    clean_line_for_screen,
    fit_row,
    fit_to_width,
    width_of,
    width_of_row,
    wrap_text,
)
from controller.wording.key_text import SEALED_ROOM_TEXT, key_alarm_text

ROSTER_MIN_COLUMNS = 76
PROMPT_MIN_COLUMNS = 50
MAX_INPUT_ROWS = 6
MAX_HINT_ROWS, HINT_SHARE = 3, 4  # an error is shown whole, but in no more than a quarter of the rows
TAB_COLUMNS = 4
HELD_STYLES = 997

MouseHandler = Callable[[MouseEvent], None]

# The styles that are the same in all themes; the others are in `controller/view/styles/themes.py`.
STYLES = {
    "hit": "bold underline",
    "found": "reverse",
    "target": "reverse",
    "wanted": "bold",
    "bar": "reverse",
    "overlay-title": "reverse",
    "overlay-heading": "bold underline",
    "completion-menu": "bg:default fg:default reverse",
    "completion-menu.completion.current": "noreverse bold",
    "completion-menu.meta.completion": "reverse",
    "completion-menu.meta.completion.current": "noreverse",
}


class ScreenLine(NamedTuple):
    """One line above the input: a row of the stream, and beside it the roster's row, which begins at its column."""

    row: Row
    beside_column: int = 0
    beside: Row = ()


class Frame(NamedTuple):
    """What was painted last: the columns of all and of the stream, its rows, and whether the roster is beside it."""

    columns: int = 0
    stream_columns: int = 0
    middle: int = 0
    wide: bool = False
    stream: Sequence[Row] = ()


class PaintedScreen(ScreenForParts, Protocol):
    """What the painter uses of the screen besides."""

    select: SelectMode
    cards: CardKeys
    look: ChatLook
    owners: list[EntryKey | None]
    mouse: bool
    hint_style: str

    def stream(self, width: int, height: int) -> list[Row]: ...


class ChatPainter:
    """The parts of the screen, from the top down."""

    def __init__(self, screen: PaintedScreen) -> None:
        self._screen = screen
        self._frame = Frame()

    def layout(self) -> Layout:
        look = self._screen.look
        search = SearchToolbar(backward_search_prompt=" in what you wrote: ", forward_search_prompt=" forward: ")
        writing = Window(
            BufferControl(
                self._screen.buffer,
                input_processors=[HighlightIncrementalSearchProcessor(), TabsProcessor(TAB_COLUMNS, " ", " ")],
                search_buffer_control=search.control,
                preview_search=True,
            ),
            height=self._input_height,
            wrap_lines=True,
            get_line_prefix=self._prefix,
            dont_extend_height=True,
        )
        menu = Float(CompletionsMenu(max_height=8, scroll_offset=1), xcursor=True, ycursor=True)
        mouse = MouseControl(self._screen, self._screen.cards, self.target_at)
        stream = RowsContainer(self.rows, lambda: mouse.handle if self._screen.mouse else None, look.encoding)
        body = HSplit([stream, writing, search, self._screen.select.window])
        return Layout(FloatContainer(body, [menu]), focused_element=writing)

    @property
    def _columns(self) -> int:
        return self._screen.app.output.get_size().columns

    def rows(self, width: int, height: int) -> list[ScreenLine]:
        """The lines above the input."""
        target = self._screen.chat.state.target
        above = [_target_line(target.words(self._screen.chat.state.me), width)] if target is not None else []
        below = self._hint_rows(width, height) or [tuple(self._status())]
        middle = max(0, height - 1 - len(above) - len(below))
        wide, roster_columns = self._has_roster(width), self._screen.look.roster_columns
        room = width - roster_columns - 1 if wide else width
        stream = self._screen.stream(room, middle) if middle else []
        self._frame = Frame(width, room, len(stream), wide, stream)
        people = roster_rows(self._screen.chat.state, roster_columns - 1, middle) if wide else []
        beside: list[Row] = [(_SEPARATOR, *row) for row in people]
        beside += [(_SEPARATOR,)] * (middle - len(beside) if wide else 0)
        found = [ScreenLine(self._bar(width))]
        found += [ScreenLine(row, room, beside[number] if wide else ()) for number, row in enumerate(stream)]
        return [*found, *above, *map(ScreenLine, below)][:height]

    def _has_roster(self, columns: int) -> bool:
        return self._screen.look.roster and columns >= ROSTER_MIN_COLUMNS

    def _bar(self, columns: int) -> Row:
        state = self._screen.chat.state
        narrow = not self._has_roster(columns)
        row = room_bar(*self._tabs(columns))
        left = columns - width_of_row(row)
        topic = state.rooms[state.room].topic if state.room in state.rooms else ""
        topic = SEALED_ROOM_TEXT if state.is_sealed(state.room) else topic
        if narrow:
            row += roster_line(state, left)
        elif topic:
            row.append(("", fit_to_width(f"– {clean_line_for_screen(topic)}", left)))
        row.append(("", " " * (columns - width_of_row(row))))
        return tuple((f"class:bar {style}".rstrip(), text) for style, text in row)

    def _tabs(self, columns: int) -> tuple[list[RoomTab], int]:
        """The rooms of the header, and the columns that they may take."""
        state = self._screen.chat.state
        tabs = room_tabs(state.own_rooms(), state.room, state.loud_unread(), state.sealed_rooms())
        return tabs, columns // 2 if not self._has_roster(columns) and len(tabs) > 1 else columns

    def _hint_rows(self, columns: int, height: int) -> list[Row]:
        """What the chat has just said. It often ends with what to do, so it is not cut at the end of one row."""
        screen, most = self._screen, max(1, min(MAX_HINT_ROWS, height // HINT_SHARE))
        if not screen.hint:
            return []
        lines = wrap_text(clean_for_screen(screen.hint), max(1, columns - 1))
        if len(lines) > most:
            lines = [*lines[: most - 1], " ".join(lines[most - 1 :])]
        return [((screen.hint_style, fit_to_width(f" {line}", columns)),) for line in lines]

    def _status(self) -> Sequence[Fragment]:
        screen = self._screen
        if footer := screen.select.footer(self._columns):
            return [("class:bar", footer)]
        return fit_row(
            self._line_hint() + self._news() or [("class:dim", " @name · @all · !urgent · /help ")], self._columns
        )

    def _line_hint(self) -> list[Fragment]:
        hint = composer_hint(self._screen.buffer.text, self._screen.chat.state)
        return [(hint[0], f" {clean_for_screen(hint[1])} ")] if hint is not None else []

    def _news(self) -> list[Fragment]:
        """Notices that matter now, the most important first."""
        screen, state = self._screen, self._screen.chat.state
        words: list[Fragment] = []
        if state.silence is not None:
            unsent, remedy = len(state.outbox.unsent), screen.chat.remedy
            words.append(("class:warning", f" {outage_line(state.silence, screen.chat.clock(), unsent, remedy)} "))
        if changed := state.changed_keys():
            words.append(("class:bad", f" {key_alarm_text(changed)} "))
        if asks := state.open_cards():
            who = ", ".join(dict.fromkeys(one.member for one in asks))
            chosen = screen.rows.selected is not None
            keys = "its key answers, F3 shows all, Esc leaves" if chosen else screen.cards.ways_to_answer(asks)
            words.append(("class:ask", f" {who} {'asks' if len(asks) == 1 else 'ask'}: {keys} "))
        if turn := mode_commands.mode_status_line(state.floors.get(state.room)):
            words.append(("class:busy", f" {clean_for_screen(turn)} "))
        if not screen.port.is_following or not state.stream.at_tail:
            below = f" · {state.below} new below" if state.below else ""
            words.append(("class:dim", f" older messages{below}; Esc returns to the newest "))
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

    # what is where

    def target_at(self, column: int, row: int) -> ClickTarget | None:
        """What was painted there."""
        frame, state = self._frame, self._screen.chat.state
        if row == 0:
            return self._target_in_bar(column)
        if not 0 < row <= frame.middle:
            return None
        if frame.wide and column > frame.stream_columns:
            name = member_at(state, self._screen.look.roster_columns - 1, frame.middle, row - 1)
            return MemberTarget(name) if name else None
        if self._screen.overlay is not None:
            item = self._screen.overlay.item_at(row - 1)
            return None if item is None else ItemTarget(item)
        owners = self._screen.owners
        key = owners[row - 1] if row <= len(owners) else None
        return None if key is None else entry_target(key, frame.stream[row - 1], column)

    def _target_in_bar(self, column: int) -> ClickTarget | None:
        state, columns = self._screen.chat.state, self._frame.columns
        tabs, width = self._tabs(columns)
        if (tab := tab_at(tabs, width, column)) is not None:
            return RoomTarget(tab.name, tab.number)
        begin = width_of_row(room_bar(tabs, width))
        if self._frame.wide or column < begin:
            return None
        name = member_in_line_at(state, columns - begin, column - begin)
        return MemberTarget(name) if name else None


def _target_line(words: str, width: int) -> ScreenLine:
    """What the next message is for. The way out is named in any case."""
    tail = " · Esc drops it"
    return ScreenLine((("class:target", f" {fit_to_width(words, max(8, width - 2 - len(tail)))}{tail} "),))


_SEPARATOR = ("class:dim", "│ ")


class RowsContainer(Container):
    """Draws rows directly onto the canvas. The toolkit's own windows inspect each cell of a pane at each key; here a
    row is turned into cells once and reused."""

    def __init__(
        self,
        rows: Callable[[int, int], list[ScreenLine]],
        mouse: Callable[[], MouseHandler | None],
        encoding: str = "",
    ) -> None:
        self._rows, self._mouse, self._encoding = rows, mouse, encoding

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
        for number, shown in enumerate(self._rows(place.width, place.height)):
            line = screen.data_buffer[place.ypos + number]
            line.update(place_cells(shown.row, place.xpos, place.width, self._encoding))
            if shown.beside:
                at = shown.beside_column
                line.update(place_cells(shown.beside, place.xpos + at, place.width - at, self._encoding))
            if any(not text.isascii() for _, text in shown.row):
                _hold_columns(line, screen.zero_width_escapes[place.ypos + number])
        if mouse := self._mouse():
            right, bottom = place.xpos + place.width, place.ypos + place.height
            mouse_handlers.set_mouse_handler_for_range(place.xpos, right, place.ypos, bottom, mouse)


def _hold_columns(line: dict[int, Char], escapes: dict[int, str]) -> None:
    """Name the column of each cell after a character whose width terminals dispute, so that no other cell shifts. The
    toolkit prints only what differs, so the whole row gets a style of its own, which differs if one cell does."""
    disputed = {at: cell.width or 1 for at, cell in line.items() if cell.char and has_disputed_width(cell.char)}
    if not disputed:
        return
    after = {at + wide for at, wide in disputed.items()}
    end = max(*line, *after)
    tag = f" class:held-{hash(tuple((at, cell.char) for at, cell in line.items())) % HELD_STYLES}"
    for at in range(end + 1):
        cell = line.get(at, _BLANK_CELL)
        line[at] = _cached_cell(cell.char, cell.style + tag)
    for at in after | disputed.keys():
        erased = f"\x1b[{disputed[at]}X" if at in disputed else ""
        escapes[at] = f"\x1b[{at + 1}G{erased}"


@lru_cache(512)
def place_cells(row: Row, at: int, room: int, encoding: str = "") -> dict[int, Char]:
    """The cell of each character. A wide one takes a second cell; a zero-width one joins the one before. All painted
    text passes here, and control characters are neutralised."""
    found: dict[int, Char] = {}
    end, last = at + room, at
    for style, text in row:
        clean = clean_line_for_screen(text)
        for one in encodable_text(clean, encoding) if encoding else clean:
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
_BLANK_CELL = Char(" ", "")
