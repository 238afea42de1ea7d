"""The table of the chat's keys.

A terminal sends Alt and a key as Escape and that key, and tmux turns an Escape that is followed by a key within its
`escape-time` into Alt. So no key that starts or removes text is an Alt key here: after an Escape, it is that key.
Escape never waits for another key, and never changes the text.
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
    from controller.chat.screen import ChatScreen

KeyAction = Callable[["ChatScreen", KeyPressEvent], None]


def _on_enter(screen: ChatScreen, event: KeyPressEvent) -> None:
    screen.buffer.complete_state = None
    screen.enter()


def _take_choice(screen: ChatScreen, event: KeyPressEvent) -> None:
    """Insert the chosen completion and continue."""
    screen.buffer.complete_state = None
    screen.buffer.insert_text(" ")


def _insert_new_line(screen: ChatScreen, event: KeyPressEvent) -> None:
    screen.buffer.insert_text("\n")


def _on_alt_enter(screen: ChatScreen, event: KeyPressEvent) -> None:
    """Insert a line break if the line holds text, and say so: an Enter shortly after an Escape cannot be told from
    Alt-Enter."""
    if not screen.buffer.text.strip():
        _on_escape(screen, event)
        _on_enter(screen, event)
        return
    _insert_new_line(screen, event)
    screen.say("Alt-Enter began a new line; Enter sends.")


def _on_tab(screen: ChatScreen, event: KeyPressEvent) -> None:
    if screen.buffer.complete_state:
        _move_choice(screen, 1)
    else:
        screen.buffer.start_completion(insert_common_part=True)


def _on_shift_tab(screen: ChatScreen, event: KeyPressEvent) -> None:
    _move_choice(screen, -1)


def _move_choice(screen: ChatScreen, step: int) -> None:
    """Choose the next completion, in a circle that never returns to the unfinished word."""
    state = screen.buffer.complete_state
    if state is None or not state.completions:
        return
    before = state.complete_index if state.complete_index is not None else (-1 if step > 0 else 0)
    screen.buffer.go_to_completion((before + step) % len(state.completions))


def _clear_line(screen: ChatScreen, event: KeyPressEvent) -> None:
    """Empty the line. Undo restores it."""
    text = screen.buffer.text
    if not text:
        screen.say("Ctrl-D leaves the chat; agents and gateway go on.")
        return
    event.app.clipboard.set_text(text)
    screen.buffer.reset(Document(text))
    screen.buffer.save_to_undo_stack()
    screen.buffer.document = Document()
    screen.say("Cleared; Ctrl-Y brings it back.")


def _on_escape(screen: ChatScreen, event: KeyPressEvent) -> None:
    if screen.buffer.complete_state:
        screen.buffer.complete_state = None
        screen.rows.focus.leave()
    else:
        screen.back()


def _move_word_left(screen: ChatScreen, event: KeyPressEvent) -> None:
    screen.buffer.cursor_position += screen.buffer.document.find_previous_word_beginning() or 0


def _move_word_right(screen: ChatScreen, event: KeyPressEvent) -> None:
    document = screen.buffer.document
    screen.buffer.cursor_position += document.find_next_word_beginning() or document.get_end_of_document_position()


def _on_mouse(screen: ChatScreen, event: KeyPressEvent) -> None:
    screen.mouse = not screen.mouse
    screen.say("The mouse scrolls the chat." if screen.mouse else "The mouse is the terminal's again.")


def _key_for_card(screen: ChatScreen, event: KeyPressEvent) -> None:
    """Give the key to the chosen card. If the card has just gone, drop the key and say so; any other key is text."""
    if not screen.press(event.data):
        _insert_character(screen, event)


def _insert_character(screen: ChatScreen, event: KeyPressEvent) -> None:
    """Insert a character. For a key without a meaning here, insert nothing of its terminal sequence."""
    if not any(unicodedata.category(one) in _CONTROL_CATEGORIES for one in event.data):
        screen.buffer.insert_text(event.data)


_CONTROL_CATEGORIES = ("Cc", "Cs")


def _is_choosing(screen: ChatScreen) -> bool:
    state = screen.buffer.complete_state
    return state is not None and state.current_completion is not None


IsActive = Callable[["ChatScreen"], bool]
KeyBinding = tuple[tuple[str, ...], KeyAction, IsActive | None]

KEYS: tuple[KeyBinding, ...] = (
    (("<any>",), _insert_character, None),
    (("enter",), _on_enter, lambda screen: not _is_choosing(screen)),
    (("enter",), _take_choice, _is_choosing),
    (("escape", "enter"), _on_alt_enter, None),
    (("c-j",), _insert_new_line, None),
    (("tab",), _on_tab, None),
    (("s-tab",), _on_shift_tab, None),
    (("c-c",), _clear_line, None),
    (("c-d",), lambda screen, event: screen.start(screen.chat.leave()), lambda screen: not screen.buffer.text),
    (("c-o",), lambda screen, event: None, None),  # the toolkit's own binding would empty the line
    (("c-z",), lambda screen, event: screen.suspend(), None),
    (("escape",), _on_escape, None),
    (("pageup",), lambda screen, event: screen.page(up=True), None),
    (("pagedown",), lambda screen, event: screen.page(up=False), None),
    (("up",), lambda screen, event: screen.scroll(1), lambda screen: screen.lists),
    (("down",), lambda screen, event: screen.scroll(-1), lambda screen: screen.lists),
    (("escape", "up"), lambda screen, event: screen.scroll(1), None),
    (("escape", "down"), lambda screen, event: screen.scroll(-1), None),
    (("escape", "left"), _move_word_left, None),
    (("escape", "right"), _move_word_right, None),
    (("c-home",), lambda screen, event: screen.start(screen.chat.go_to(0)), None),
    (("c-end",), lambda screen, event: screen.back(), None),
    (("f1",), lambda screen, event: screen.start(screen.carry_out("/help")), None),
    (("f2",), lambda screen, event: screen.choose_ask(), None),
    (("f3",), lambda screen, event: screen.fold(), None),
    (("f4",), _on_mouse, None),
    (("f6",), lambda screen, event: screen.mention(), None),
    (("f8",), lambda screen, event: screen.start(screen.carry_out("/stop")), None),
    (("<any>",), _key_for_card, lambda screen: screen.is_for_card),
)


def make_bindings(screen: ChatScreen) -> KeyBindings:
    found = KeyBindings()
    for keys, do, when in KEYS:
        if keys[0] != "escape":
            found.add(*keys, filter=_make_filter(screen, when), save_before=_first_of_its_kind)(
                _make_key_handler(screen, do)
            )
    found.add("escape", eager=True)(_escape_or_alt(screen))
    return found


def _escape_or_alt(screen: ChatScreen) -> Callable[[KeyPressEvent], None]:
    """Alt and a key if the two arrive at once; else Escape, and the next key means itself."""

    def pressed(event: KeyPressEvent) -> None:
        waiting = event.key_processor.input_queue
        alt = _action_after_escape(screen, waiting[0].key) if waiting else None
        if alt is not None:
            waiting.popleft()
            alt(screen, event)
        elif event.data == "\x1b" and (alone := _action_after_escape(screen)) is not None:
            alone(screen, event)

    return pressed


def _action_after_escape(screen: ChatScreen, *wanted: str) -> KeyAction | None:
    for (first, *keys), do, when in KEYS:
        named = tuple(KEY_ALIASES.get(one, one) for one in keys)
        if first == "escape" and named == wanted and (when is None or when(screen)):
            return do
    return None


def _first_of_its_kind(event: KeyPressEvent) -> bool:
    """Whether an undo step begins: characters typed in a row are undone together."""
    return not event.is_repeat


def _make_filter(screen: ChatScreen, when: Callable[[ChatScreen], bool] | None) -> Filter:
    return Always() if when is None else Condition(lambda: when(screen))


def _make_key_handler(screen: ChatScreen, do: KeyAction) -> Callable[[KeyPressEvent], None]:
    return lambda event: do(screen, event)
