"""The table of the chat's keys, from which the bindings and the help are made.

What a key means for a chosen card (a question or a vote) is decided in `controller/view/approvals/card_focus.py`.
The keys that an agent can be given, and those of the demo agent, are others: `gateway/protocol/types/key_names.py`,
`sidecar/demo_agent/keys.py`.

A terminal sends Alt and a key as Escape and that key, and tmux turns an Escape that is followed by a key within its
`escape-time` into Alt. So no key that starts or removes text is an Alt key here: after an Escape, it is that key.
Escape never waits for another key, and never changes the text. Alt and a digit show a room only while the line is
empty and Escape has nothing to close, so that nobody has a reason to press it before a digit.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition, Filter, is_searching
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import KEY_ALIASES
from prompt_toolkit.search import SearchDirection, start_search

from controller.chat.full_screen.card_keys import CardKeys
from controller.chat.full_screen.screen_interface import ScreenForParts
from controller.chat.full_screen.select_mode import SelectMode

EDITOR_PREFIX = "c-x"


class ScreenForKeys(ScreenForParts, Protocol):
    """What keys use of the screen besides."""

    select: SelectMode
    cards: CardKeys
    mouse: bool

    @property
    def bindings(self) -> tuple[KeyBinding, ...]: ...

    @property
    def lists(self) -> bool: ...

    def enter(self) -> None: ...
    def back(self) -> None: ...
    def edit(self) -> None: ...
    def begin_two_keys(self) -> None: ...
    def is_second_key(self) -> bool: ...
    async def carry_out(self, text: str) -> None: ...
    def can_switch_room(self, number: int) -> bool: ...
    def can_alt_m(self) -> bool: ...
    def mention(self) -> None: ...
    def fold(self) -> None: ...
    def make_large(self) -> None: ...
    def explain_silence(self) -> None: ...
    def suspend(self) -> None: ...


KeyAction = Callable[[ScreenForKeys, KeyPressEvent], None]


def _on_enter(screen: ScreenForKeys, event: KeyPressEvent) -> None:
    screen.buffer.complete_state = None
    screen.enter()


def _take_choice(screen: ScreenForKeys, event: KeyPressEvent) -> None:
    """Insert the chosen completion and continue."""
    screen.buffer.complete_state = None
    screen.buffer.insert_text(" ")


def _insert_new_line(screen: ScreenForKeys, event: KeyPressEvent) -> None:
    screen.buffer.insert_text("\n")


def _on_alt_enter(screen: ScreenForKeys, event: KeyPressEvent) -> None:
    """Insert a line break if the line holds text, and say so: an Enter shortly after an Escape cannot be told from
    Alt-Enter."""
    if screen.select.active:
        screen.select.leave()
        return
    if not screen.buffer.text.strip():
        _on_escape(screen, event)
        _on_enter(screen, event)
        return
    _insert_new_line(screen, event)
    screen.say("Alt-Enter began a new line; Enter sends.")


def _on_tab(screen: ScreenForKeys, event: KeyPressEvent) -> None:
    if screen.buffer.complete_state:
        _move_choice(screen, 1)
    else:
        screen.buffer.start_completion(insert_common_part=True)


def _on_shift_tab(screen: ScreenForKeys, event: KeyPressEvent) -> None:
    _move_choice(screen, -1)


def _move_choice(screen: ScreenForKeys, step: int) -> None:
    """Choose the next completion, in a circle that never returns to the unfinished word."""
    state = screen.buffer.complete_state
    if state is None or not state.completions:
        return
    before = state.complete_index if state.complete_index is not None else (-1 if step > 0 else 0)
    screen.buffer.go_to_completion((before + step) % len(state.completions))


def _clear_line(screen: ScreenForKeys, event: KeyPressEvent) -> None:
    """Empty the line. Undo restores it."""
    text = screen.buffer.text
    if not text:
        screen.say("Ctrl-D leaves the chat; agents and gateway keep running.")
        return
    event.app.clipboard.set_text(text)
    screen.buffer.reset(Document(text))
    screen.buffer.save_to_undo_stack()
    screen.buffer.document = Document()
    screen.say("Cleared; Ctrl-Y brings it back.")


def _on_escape(screen: ScreenForKeys, event: KeyPressEvent) -> None:
    if screen.buffer.complete_state:
        screen.buffer.complete_state = None
        screen.rows.focus.leave()
    else:
        screen.back()


def _move_word_left(screen: ScreenForKeys, event: KeyPressEvent) -> None:
    screen.buffer.cursor_position += screen.buffer.document.find_previous_word_beginning() or 0


def _move_word_right(screen: ScreenForKeys, event: KeyPressEvent) -> None:
    document = screen.buffer.document
    screen.buffer.cursor_position += document.find_next_word_beginning() or document.get_end_of_document_position()


def _on_mouse(screen: ScreenForKeys, event: KeyPressEvent) -> None:
    screen.mouse = not screen.mouse
    screen.say(MOUSE_TEXT if screen.mouse else "The mouse is the terminal's again.")


def _search_own_lines(screen: ScreenForKeys, event: KeyPressEvent) -> None:
    start_search(direction=SearchDirection.BACKWARD)


def _key_for_card(screen: ScreenForKeys, event: KeyPressEvent) -> None:
    """Give the key to the chosen card. If the card has just gone, drop the key and say so; any other key is text."""
    if not screen.cards.press(event.data):
        _insert_character(screen, event)


def _insert_character(screen: ScreenForKeys, event: KeyPressEvent) -> None:
    """Insert a character. For a key without a meaning here, insert nothing of its terminal sequence."""
    if not any(unicodedata.category(one) in _CONTROL_CATEGORIES for one in event.data):
        screen.buffer.insert_text(event.data)


_CONTROL_CATEGORIES = ("Cc", "Cs")


def _is_choosing(screen: ScreenForKeys) -> bool:
    state = screen.buffer.complete_state
    return state is not None and state.current_completion is not None


IsActive = Callable[[ScreenForKeys], bool]


@dataclass(frozen=True)
class KeyBinding:
    """A key, or Escape and a key for Alt. `when` limits it to a state of the screen. No `help`, no line in the help."""

    keys: tuple[str, ...]
    do: KeyAction
    help: str = ""
    when: IsActive | None = None


MOUSE_HELP = "give the mouse to the chat (cards, names and rooms take clicks, the wheel scrolls), and back"
MOUSE_TEXT = "The mouse is the chat's: click cards, names and rooms; the wheel scrolls. F4 gives it back."
ENTER_HELP = "send, or accept the choice in the menu"
NEW_LINE_HELP = "a new line"
COMPLETE_HELP = "complete; next or previous choice"
LIST_HELP = "earlier input; in a list, its items"
WORDS_HELP = "move by words; Ctrl-W deletes one"
HISTORY_HELP = "scroll the history"
ROOMS_HELP = "show that room of the header, while the line is empty; /room 2 does so, too"
MENTION_HELP = "the last message that names you; again, the one before. Alt-M only while the line is empty"
SELECT_HELP = "select a message with the arrows; then one key replies, copies, quotes, reacts, pins or takes it back"
ENDS_HELP = "the beginning of the room, its newest message"


def _room_key(number: int) -> KeyBinding:
    return KeyBinding(
        ("escape", str(number)),
        lambda screen, event: screen.start(screen.carry_out(f"/room {number}")),
        ROOMS_HELP,
        lambda screen: screen.can_switch_room(number),
    )


# Of two bindings of one key, the later one is tried first. The help lists the keys in this order. Those with one
# help share a line.
KEYS: tuple[KeyBinding, ...] = (
    KeyBinding(("<any>",), _insert_character),
    KeyBinding(("enter",), _on_enter, ENTER_HELP, lambda screen: not _is_choosing(screen)),
    KeyBinding(("enter",), _take_choice, ENTER_HELP, _is_choosing),
    KeyBinding(("c-j",), _insert_new_line, NEW_LINE_HELP),
    KeyBinding(("escape", "enter"), _on_alt_enter, NEW_LINE_HELP),
    KeyBinding(("tab",), _on_tab, COMPLETE_HELP),
    KeyBinding(("s-tab",), _on_shift_tab, COMPLETE_HELP),
    KeyBinding(("up",), lambda screen, event: screen.scroll(1), LIST_HELP, lambda screen: screen.lists),
    KeyBinding(("down",), lambda screen, event: screen.scroll(-1), LIST_HELP, lambda screen: screen.lists),
    KeyBinding(("escape",), _on_escape, "close what is open, else go to the newest message; your text stays"),
    KeyBinding(("c-c",), _clear_line, "empty the line; Ctrl-Y or Ctrl-_ brings it back"),
    KeyBinding(("escape", "left"), _move_word_left, WORDS_HELP),
    KeyBinding(("escape", "right"), _move_word_right, WORDS_HELP),
    KeyBinding(("pageup",), lambda screen, event: screen.page(up=True), HISTORY_HELP),
    KeyBinding(("pagedown",), lambda screen, event: screen.page(up=False), HISTORY_HELP),
    KeyBinding(("escape", "up"), lambda screen, event: screen.scroll(1), HISTORY_HELP),
    KeyBinding(("escape", "down"), lambda screen, event: screen.scroll(-1), HISTORY_HELP),
    KeyBinding(("c-home",), lambda screen, event: screen.start(screen.chat.go_to(0)), ENDS_HELP),
    KeyBinding(("c-end",), lambda screen, event: screen.back(), ENDS_HELP),
    *(_room_key(number) for number in range(1, 10)),
    KeyBinding(("f1",), lambda screen, event: screen.start(screen.carry_out("/help")), "this help"),
    KeyBinding(
        ("f2",),
        lambda screen, event: screen.cards.choose_oldest(),
        "choose the oldest question, or vote; then its key (y, n; w refuses with words, o shows its terminal)",
    ),
    KeyBinding(("f3",), lambda screen, event: screen.fold(), "unfold long messages and questions, and fold them again"),
    KeyBinding(
        ("f4",),
        _on_mouse,
        MOUSE_HELP,
    ),
    KeyBinding(("f6",), lambda screen, event: screen.mention(), MENTION_HELP),
    KeyBinding(
        ("escape", "m"), lambda screen, event: screen.mention(), MENTION_HELP, lambda screen: screen.can_alt_m()
    ),
    KeyBinding(
        ("f5",),
        lambda screen, event: screen.make_large(),
        "make the chat as large as the window, and back; after @name, that agent",
    ),
    KeyBinding(("f7",), lambda screen, event: screen.select.toggle(), SELECT_HELP),
    KeyBinding(("c-up",), lambda screen, event: screen.select.toggle(), SELECT_HELP),
    KeyBinding(
        ("f8",),
        lambda screen, event: screen.start(screen.carry_out("/stop")),
        "stop the busy agents, like /stop",
    ),
    KeyBinding(
        ("f9",),
        lambda screen, event: screen.explain_silence(),
        "why the agents are silent; after @name, why that one is",
    ),
    KeyBinding(
        ("c-z",), lambda screen, event: screen.suspend(), "suspend to the shell, `fg` returns; not in a session"
    ),
    KeyBinding(
        ("c-d",),
        lambda screen, event: screen.start(screen.chat.leave()),
        "leave; agents and gateway keep running",
        lambda screen: not screen.buffer.text,
    ),
    KeyBinding(("c-r",), _search_own_lines, "search what you wrote before; Ctrl-R again goes further back"),
    KeyBinding((EDITOR_PREFIX, "c-e"), lambda screen, event: screen.edit(), "edit the line in $VISUAL or $EDITOR"),
    KeyBinding(("c-o",), lambda screen, event: None),  # the toolkit's own binding would empty the line
    KeyBinding(("<any>",), _key_for_card, when=lambda screen: screen.cards.takes_keys),
)

SELECT_BINDINGS: tuple[KeyBinding, ...] = (
    KeyBinding(("up",), lambda screen, event: screen.select.step(-1)),
    KeyBinding(("c-up",), lambda screen, event: screen.select.step(-1)),
    KeyBinding(("down",), lambda screen, event: screen.select.step(1)),
    KeyBinding(("c-down",), lambda screen, event: screen.select.step(1)),
    KeyBinding(("pageup",), lambda screen, event: screen.select.page(up=True)),
    KeyBinding(("pagedown",), lambda screen, event: screen.select.page(up=False)),
    KeyBinding(("home",), lambda screen, event: screen.select.end(first=True)),
    KeyBinding(("end",), lambda screen, event: screen.select.end(first=False)),
    KeyBinding(("<bracketed-paste>",), lambda screen, event: screen.select.paste(event.data)),
    KeyBinding(("<any>",), lambda screen, event: screen.select.press(event.data)),
)
LEAVING_KEYS = ("c-d", "c-z")

_KEY_NAMES = {"escape": "Esc", "s-tab": "Shift-Tab", "pageup": "PgUp", "pagedown": "PgDn"}


def key_help(bindings: Iterable[KeyBinding] = KEYS) -> list[tuple[str, str]]:
    """The help's lines: the names of keys, and what they do."""
    names_by_help: dict[str, dict[str, None]] = {}
    for one in bindings:
        if one.help:
            names_by_help.setdefault(one.help, {})[key_name(one.keys)] = None
    return [(", ".join(names), help_) for help_, names in names_by_help.items()]


def key_name(keys: tuple[str, ...]) -> str:
    """`("escape", "up")` is Alt-Up, and `("c-home",)` is Ctrl-Home."""
    last = keys[-1]
    name = _KEY_NAMES.get(last) or last.replace("c-", "ctrl-").title()
    if len(keys) == 1:
        return name
    return f"Alt-{name}" if keys[0] == "escape" else f"{key_name(keys[:1])} {name}"


def make_bindings(screen: ScreenForKeys) -> KeyBindings:
    found = KeyBindings()
    for one in (*screen.bindings, *SELECT_BINDINGS):
        if one.keys[0] not in ("escape", EDITOR_PREFIX):
            found.add(*one.keys, filter=_make_filter(screen, one), save_before=_first_of_its_kind)(
                _make_key_handler(screen, one.do)
            )
    _bind_editor(screen, found)
    found.add("escape", eager=True, filter=~is_searching)(_escape_or_alt(screen))
    return found


def _bind_editor(screen: ScreenForKeys, found: KeyBindings) -> None:
    """The toolkit would give a person 0.2 s between the two keys. So the first is remembered until the next key."""
    if not any(one.keys == (EDITOR_PREFIX, "c-e") for one in screen.bindings):
        return
    writing = Condition(lambda: not screen.select.active) & ~is_searching
    found.add(EDITOR_PREFIX, eager=True, filter=writing)(lambda event: screen.begin_two_keys())
    found.add("c-e", filter=writing & Condition(screen.is_second_key))(lambda event: screen.edit())


def _escape_or_alt(screen: ScreenForKeys) -> Callable[[KeyPressEvent], None]:
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


def _action_after_escape(screen: ScreenForKeys, *wanted: str) -> KeyAction | None:
    for one in screen.bindings:
        first, *keys = one.keys
        named = tuple(KEY_ALIASES.get(key, key) for key in keys)
        if first == "escape" and named == wanted and (one.when is None or one.when(screen)):
            return one.do
    return None


def _first_of_its_kind(event: KeyPressEvent) -> bool:
    """Whether an undo step begins: characters typed in a row are undone together."""
    return not event.is_repeat


def _make_filter(screen: ScreenForKeys, binding: KeyBinding) -> Filter:
    return Condition(lambda: _applies(screen, binding))


def _applies(screen: ScreenForKeys, binding: KeyBinding) -> bool:
    """While a search runs, all keys are the search's. In select mode those of its own table work, and the function
    keys."""
    if is_searching():
        return False
    if binding in SELECT_BINDINGS:
        return screen.select.active
    if screen.select.active and not binding.keys[0].startswith("f") and binding.keys[0] not in LEAVING_KEYS:
        return False
    return binding.when is None or binding.when(screen)


def _make_key_handler(screen: ScreenForKeys, do: KeyAction) -> Callable[[KeyPressEvent], None]:
    return lambda event: do(screen, event)
