"""Which key does what in the chat: a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from prompt_toolkit.filters import Always, Condition, Filter
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from gateway.protocol.printable import in_line

if TYPE_CHECKING:
    from controller.chat_screen import Screen

Do = Callable[["Screen", KeyPressEvent], None]


def _enter(screen: Screen, event: KeyPressEvent) -> None:
    screen.buffer.cancel_completion()
    screen.enter()


def _take_choice(screen: Screen, event: KeyPressEvent) -> None:
    """What is chosen in the menu, and on with the writing."""
    screen.buffer.complete_state = None
    screen.buffer.insert_text(" ")


def _tab(screen: Screen, event: KeyPressEvent) -> None:
    if screen.buffer.complete_state:
        screen.buffer.complete_next()
    else:
        screen.buffer.start_completion(insert_common_part=True)


def _tab_back(screen: Screen, event: KeyPressEvent) -> None:
    if screen.buffer.complete_state:
        screen.buffer.complete_previous()


def _clear(screen: Screen, event: KeyPressEvent) -> None:
    if screen.buffer.text:
        screen.buffer.reset()
    else:
        screen.say("Ctrl-D leaves the chat; agents and gateway go on.")


def _escape(screen: Screen, event: KeyPressEvent) -> None:
    if screen.buffer.complete_state:
        screen.buffer.cancel_completion()
    else:
        screen.back()


def _mouse(screen: Screen, event: KeyPressEvent) -> None:
    screen.mouse = not screen.mouse
    screen.say("The mouse scrolls the chat." if screen.mouse else "The mouse is the terminal's again.")


def _answer(screen: Screen, event: KeyPressEvent) -> None:
    """To the chosen question; anything else is the beginning of a message."""
    if not screen.answer(event.data):
        screen.rows.selected = None
        if in_line(event.data) == event.data:
            screen.buffer.insert_text(event.data)


def _choosing(screen: Screen) -> bool:
    state = screen.buffer.complete_state
    return state is not None and state.current_completion is not None


KEYS: tuple[tuple[tuple[str, ...], Do, Callable[[Screen], bool] | None], ...] = (
    (("enter",), _enter, lambda screen: not _choosing(screen)),
    (("enter",), _take_choice, _choosing),
    (("escape", "enter"), lambda screen, event: screen.buffer.insert_text("\n"), None),
    (("c-j",), lambda screen, event: screen.buffer.insert_text("\n"), None),
    (("tab",), _tab, None),
    (("s-tab",), _tab_back, None),
    (("c-c",), _clear, None),
    (("c-d",), lambda screen, event: screen.start(screen.chat.leave()), lambda screen: not screen.buffer.text),
    (("escape",), _escape, None),
    (("pageup",), lambda screen, event: screen.page(up=True), None),
    (("pagedown",), lambda screen, event: screen.page(up=False), None),
    (("up",), lambda screen, event: screen.scroll(1), lambda screen: screen.lists),
    (("down",), lambda screen, event: screen.scroll(-1), lambda screen: screen.lists),
    (("escape", "up"), lambda screen, event: screen.scroll(1), None),
    (("escape", "down"), lambda screen, event: screen.scroll(-1), None),
    (("c-home",), lambda screen, event: screen.start(screen.chat.go_to(0)), None),
    (("c-end",), lambda screen, event: screen.back(), None),
    (("escape", "m"), lambda screen, event: screen.mention(), None),
    (("f1",), lambda screen, event: screen.start(screen.carry_out("/help")), None),
    (("f2",), lambda screen, event: screen.choose_ask(), None),
    (("f3",), lambda screen, event: screen.fold(), None),
    (("f4",), _mouse, None),
    (("<any>",), _answer, lambda screen: screen.rows.selected is not None and not screen.buffer.text),
)


def bindings(screen: Screen) -> KeyBindings:
    found = KeyBindings()
    for keys, do, when in KEYS:
        found.add(*keys, filter=_filter(screen, when))(_handler(screen, do))
    return found


def _filter(screen: Screen, when: Callable[[Screen], bool] | None) -> Filter:
    return Always() if when is None else Condition(lambda: when(screen))


def _handler(screen: Screen, do: Do) -> Callable[[KeyPressEvent], None]:
    return lambda event: do(screen, event)
