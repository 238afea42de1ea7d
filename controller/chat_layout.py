"""How the chat is laid out and painted; what it says comes from the pure parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from prompt_toolkit.data_structures import Point
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout import Float, FloatContainer, HSplit, Layout, VSplit, Window
from prompt_toolkit.layout.containers import ConditionalContainer
from prompt_toolkit.layout.controls import (
    BufferControl,
    FormattedTextControl,
    GetLinePrefixCallable,
    UIContent,
    UIControl,
)
from prompt_toolkit.layout.dimension import Dimension
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.mouse_events import MouseEvent, MouseEventType
from prompt_toolkit.styles import Style

from controller.text_rows import Row, fit, shown, width_of
from controller.view_rows import roster, roster_line

if TYPE_CHECKING:
    from controller.chat_screen import Screen

ROSTER_FROM = 76
ROSTER_WIDE = 26
PROMPT_FROM = 50
INPUT_ROWS = 6

STYLE = Style.from_dict(
    {
        "dim": "fg:ansibrightblack",
        "good": "fg:ansigreen",
        "bad": "fg:ansired",
        "busy": "fg:ansiyellow",
        "ask": "fg:ansimagenta bold",
        "ask.chosen": "fg:ansimagenta bold reverse",
        "fold": "fg:ansiblue",
        "bar": "reverse",
        "sheet": "reverse",
        "doubt": "fg:ansiyellow bold",
        "completion-menu": "bg:default fg:default reverse",
        "completion-menu.completion.current": "noreverse bold",
        "completion-menu.meta.completion": "reverse",
        "completion-menu.meta.completion.current": "noreverse",
    }
)


class Paint:
    """The parts of the screen, from the top down."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def layout(self) -> Layout:
        writing = Window(
            BufferControl(self._screen.buffer),
            height=self._input_height,
            wrap_lines=True,
            get_line_prefix=self._prefix,
            dont_extend_height=True,
        )
        people = Window(FormattedTextControl(self._roster), width=ROSTER_WIDE, wrap_lines=False)
        line = Window(char="│", width=1, style="class:dim")
        beside = ConditionalContainer(VSplit([line, people]), Condition(lambda: self._columns >= ROSTER_FROM))
        body = HSplit(
            [
                Window(FormattedTextControl(self._bar), height=1, style="class:bar"),
                VSplit([Window(_Stream(self._screen)), beside]),
                Window(FormattedTextControl(self._status), height=1),
                writing,
            ]
        )
        menu = Float(CompletionsMenu(max_height=8, scroll_offset=1), xcursor=True, ycursor=True)
        return Layout(FloatContainer(body, [menu]), focused_element=writing)

    @property
    def _columns(self) -> int:
        return self._screen.app.output.get_size().columns

    def _bar(self) -> StyleAndTextTuples:
        columns, state = self._columns, self._screen.chat.state
        others = "".join(f" · {room} {count} new" for room, count in sorted(state.unread.items()) if count)
        left = f" #{state.room}{others} "
        if columns < ROSTER_FROM:
            return [("", fit(left, columns)), *roster_line(state, max(0, columns - len(left)))]
        topic = state.rooms[state.room].topic if state.room in state.rooms else ""
        return [("", fit(f"{left}{f'– {shown(topic)}' if topic else ''}", columns))]

    def _roster(self) -> StyleAndTextTuples:
        found: StyleAndTextTuples = []
        for row in roster(self._screen.chat.state, ROSTER_WIDE - 1):
            found += [("", " "), *row, ("", "\n")]
        return found

    def _status(self) -> StyleAndTextTuples:
        screen = self._screen
        if screen.hint:
            return [(screen.hint_style, fit(f" {shown(screen.hint)}", self._columns))]
        return _fitted(self._news() or [("class:dim", " @name · @all · !urgent · /help ")], self._columns)

    def _news(self) -> list[tuple[str, str]]:
        """What a person should know just now, the weightiest first."""
        screen, state = self._screen, self._screen.chat.state
        words: list[tuple[str, str]] = []
        if state.away is not None:
            waiting = f"{screen.chat.unsent} to be sent " if screen.chat.unsent else ""
            words.append(("class:doubt", f" Reconnecting... {waiting}"))
        if asks := state.open_asks():
            who = ", ".join(dict.fromkeys(one.member for one in asks))
            words.append(("class:ask", f" {who} {'asks' if len(asks) == 1 else 'ask'}: F2 "))
        if not screen.port.follows or not state.at_tail:
            words.append(("class:dim", " older messages; Esc returns to the newest "))
        return words

    def _input_height(self) -> Dimension:
        columns = max(10, self._columns - len(self._prompt))
        lines = sum(1 + width_of(line) // columns for line in self._screen.buffer.text.split("\n"))
        return Dimension.exact(max(1, min(INPUT_ROWS, lines)))

    @property
    def _prompt(self) -> str:
        return f"{self._screen.chat.state.me} > " if self._columns >= PROMPT_FROM else "> "

    def _prefix(self, line: int, wrap: int) -> StyleAndTextTuples:
        return [("bold", self._prompt if line == 0 and wrap == 0 else " " * len(self._prompt))]


def _fitted(words: Iterable[tuple[str, str]], columns: int) -> StyleAndTextTuples:
    found: StyleAndTextTuples = []
    for style, text in words:
        if columns > 0:
            found.append((style, fit(text, columns)))
        columns -= width_of(text)
    return found


class _Stream(UIControl):
    """Exactly as many lines as there is room for."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def preferred_height(
        self, width: int, max_available_height: int, wrap_lines: bool, get_line_prefix: GetLinePrefixCallable | None
    ) -> int | None:
        return max_available_height

    def create_content(self, width: int, height: int) -> UIContent:
        rows: list[Row] = self._screen.stream(width, height)
        return UIContent(
            get_line=lambda number: list(rows[number]),
            line_count=len(rows),
            cursor_position=Point(0, 0),
            show_cursor=False,
        )

    def mouse_handler(self, mouse_event: MouseEvent) -> None:
        if mouse_event.event_type is MouseEventType.SCROLL_UP:
            self._screen.scroll(3)
        elif mouse_event.event_type is MouseEventType.SCROLL_DOWN:
            self._screen.scroll(-3)
