"""Which key does what in the chat: a table.

A terminal sends Alt and a key as Escape and that key, and tmux makes Alt of an Escape that is followed within its
`escape-time`. So no key that begins or takes away text is an Alt key here: behind an Escape it is that key. Escape
never waits for another key, and never changes what is written.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING

from prompt_toolkit.document import Document
from prompt_toolkit.filters import Always, Condition, Filter
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import KEY_ALIASES

if TYPE_CHECKING:
    from controller.chat.screen import Screen

Do = Callable[["Screen", KeyPressEvent], None]


def _enter(screen: Screen, event: KeyPressEvent) -> None:
    screen.buffer.complete_state = None
    screen.enter()


def _take_choice(screen: Screen, event: KeyPressEvent) -> None:
    """What is chosen in the menu, and on with the writing."""
    screen.buffer.complete_state = None
    screen.buffer.insert_text(" ")


def _new_line(screen: Screen, event: KeyPressEvent) -> None:
    screen.buffer.insert_text("\n")


def _alt_enter(screen: Screen, event: KeyPressEvent) -> None:
    """A new line, where there is a first one. It says so: an Enter soon after an Escape cannot be told from it."""
    if not screen.buffer.text.strip():
        _escape(screen, event)
        _enter(screen, event)
        return
    _new_line(screen, event)
    screen.say("Alt-Enter began a new line; Enter sends.")


def _tab(screen: Screen, event: KeyPressEvent) -> None:
    if screen.buffer.complete_state:
        _choose(screen, 1)
    else:
        screen.buffer.start_completion(insert_common_part=True)


def _tab_back(screen: Screen, event: KeyPressEvent) -> None:
    _choose(screen, -1)


def _choose(screen: Screen, step: int) -> None:
    """The next of what is offered, round and round: never back to the unfinished word."""
    state = screen.buffer.complete_state
    if state is None or not state.completions:
        return
    before = state.complete_index if state.complete_index is not None else (-1 if step > 0 else 0)
    screen.buffer.go_to_completion((before + step) % len(state.completions))


def _clear(screen: Screen, event: KeyPressEvent) -> None:
    """Empty the line. What was on it can be had back."""
    text = screen.buffer.text
    if not text:
        screen.say("Ctrl-D leaves the chat; agents and gateway go on.")
        return
    event.app.clipboard.set_text(text)
    screen.buffer.reset(Document(text))
    screen.buffer.save_to_undo_stack()
    screen.buffer.document = Document()
    screen.say("Cleared; Ctrl-Y brings it back.")


def _escape(screen: Screen, event: KeyPressEvent) -> None:
    if screen.buffer.complete_state:
        screen.buffer.complete_state = None
        screen.rows.focus.leave()
    else:
        screen.back()


def _word_left(screen: Screen, event: KeyPressEvent) -> None:
    screen.buffer.cursor_position += screen.buffer.document.find_previous_word_beginning() or 0


def _word_right(screen: Screen, event: KeyPressEvent) -> None:
    document = screen.buffer.document
    screen.buffer.cursor_position += document.find_next_word_beginning() or document.get_end_of_document_position()


def _mouse(screen: Screen, event: KeyPressEvent) -> None:
    screen.mouse = not screen.mouse
    screen.say("The mouse scrolls the chat." if screen.mouse else "The mouse is the terminal's again.")


def _key_for_card(screen: Screen, event: KeyPressEvent) -> None:
    """To the chosen card, or dropped with a word because it has just gone; anything else is text."""
    if not screen.press(event.data):
        _insert(screen, event)


def _insert(screen: Screen, event: KeyPressEvent) -> None:
    """A character is written; a key that means nothing here leaves no trace of what the terminal sends for it."""
    if not any(unicodedata.category(one) in _NO_TEXT for one in event.data):
        screen.buffer.insert_text(event.data)


_NO_TEXT = ("Cc", "Cs")


def _choosing(screen: Screen) -> bool:
    state = screen.buffer.complete_state
    return state is not None and state.current_completion is not None


When = Callable[["Screen"], bool]
Bound = tuple[tuple[str, ...], Do, When | None]

KEYS: tuple[Bound, ...] = (
    (("<any>",), _insert, None),
    (("enter",), _enter, lambda screen: not _choosing(screen)),
    (("enter",), _take_choice, _choosing),
    (("escape", "enter"), _alt_enter, None),
    (("c-j",), _new_line, None),
    (("tab",), _tab, None),
    (("s-tab",), _tab_back, None),
    (("c-c",), _clear, None),
    (("c-d",), lambda screen, event: screen.start(screen.chat.leave()), lambda screen: not screen.buffer.text),
    (("c-o",), lambda screen, event: None, None),  # the toolkit's would empty the line
    (("c-z",), lambda screen, event: screen.suspend(), None),
    (("escape",), _escape, None),
    (("pageup",), lambda screen, event: screen.page(up=True), None),
    (("pagedown",), lambda screen, event: screen.page(up=False), None),
    (("up",), lambda screen, event: screen.scroll(1), lambda screen: screen.lists),
    (("down",), lambda screen, event: screen.scroll(-1), lambda screen: screen.lists),
    (("escape", "up"), lambda screen, event: screen.scroll(1), None),
    (("escape", "down"), lambda screen, event: screen.scroll(-1), None),
    (("escape", "left"), _word_left, None),
    (("escape", "right"), _word_right, None),
    (("c-home",), lambda screen, event: screen.start(screen.chat.go_to(0)), None),
    (("c-end",), lambda screen, event: screen.back(), None),
    (("f1",), lambda screen, event: screen.start(screen.carry_out("/help")), None),
    (("f2",), lambda screen, event: screen.choose_ask(), None),
    (("f3",), lambda screen, event: screen.fold(), None),
    (("f4",), _mouse, None),
    (("f6",), lambda screen, event: screen.mention(), None),
    (("f8",), lambda screen, event: screen.start(screen.carry_out("/stop")), None),
    (("<any>",), _key_for_card, lambda screen: screen.listens),
)


def bindings(screen: Screen) -> KeyBindings:
    found = KeyBindings()
    for keys, do, when in KEYS:
        if keys[0] != "escape":
            found.add(*keys, filter=_filter(screen, when), save_before=_first_of_its_kind)(_handler(screen, do))
    found.add("escape", eager=True)(_escape_or_alt(screen))
    return found


def _escape_or_alt(screen: Screen) -> Callable[[KeyPressEvent], None]:
    """Alt and a key where the two came at once; else Escape, and whatever follows is itself."""

    def pressed(event: KeyPressEvent) -> None:
        waiting = event.key_processor.input_queue
        alt = _behind_escape(screen, waiting[0].key) if waiting else None
        if alt is not None:
            waiting.popleft()
            alt(screen, event)
        elif event.data == "\x1b" and (alone := _behind_escape(screen)) is not None:
            alone(screen, event)

    return pressed


def _behind_escape(screen: Screen, *wanted: str) -> Do | None:
    for (first, *keys), do, when in KEYS:
        named = tuple(KEY_ALIASES.get(one, one) for one in keys)
        if first == "escape" and named == wanted and (when is None or when(screen)):
            return do
    return None


def _first_of_its_kind(event: KeyPressEvent) -> bool:
    """What is typed in a row is undone at once."""
    return not event.is_repeat


def _filter(screen: Screen, when: Callable[[Screen], bool] | None) -> Filter:
    return Always() if when is None else Condition(lambda: when(screen))


def _handler(screen: Screen, do: Do) -> Callable[[KeyPressEvent], None]:
    return lambda event: do(screen, event)
