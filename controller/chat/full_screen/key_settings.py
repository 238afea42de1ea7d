"""The actions of the chat that can be given other keys, by name, and the table of keys with those that were chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from controller.chat.full_screen.chat_settings import KeyNames
from controller.chat.full_screen.keys import KEYS, KeyBinding

# Enter, Tab, Escape and the arrows are not here: with them one writes, sends and leaves.
ACTION_BY_KEYS: Mapping[KeyNames, str] = {
    ("c-j",): "new_line",
    ("escape", "enter"): "new_line",
    ("c-c",): "clear_line",
    ("escape", "left"): "word_left",
    ("escape", "right"): "word_right",
    ("pageup",): "page_up",
    ("pagedown",): "page_down",
    ("escape", "up"): "scroll_up",
    ("escape", "down"): "scroll_down",
    ("c-home",): "oldest",
    ("c-end",): "newest",
    ("f1",): "help",
    ("f2",): "answer",
    ("f3",): "unfold",
    ("f4",): "mouse",
    ("f5",): "large",
    ("f6",): "mention",
    ("f7",): "select",
    ("c-up",): "select",
    ("f8",): "stop",
    ("f9",): "why",
    ("c-r",): "own_lines",
    ("c-x", "c-e"): "editor",
    ("c-z",): "suspend",
    ("c-d",): "leave",
}


def keys_by_action(bindings: Iterable[KeyBinding] = KEYS) -> dict[str, tuple[KeyNames, ...]]:
    """The keys of each named action; under "" those that cannot be changed."""
    found: dict[str, tuple[KeyNames, ...]] = {}
    for one in bindings:
        name = ACTION_BY_KEYS.get(one.keys, "")
        found[name] = (*found.get(name, ()), one.keys)
    return found


def rebind(
    chosen: Sequence[tuple[str, tuple[KeyNames, ...]]], bindings: Sequence[KeyBinding] = KEYS
) -> tuple[KeyBinding, ...]:
    """The table in which these actions have the chosen keys instead of their own."""
    wanted, done = dict(chosen), set[tuple[str, object]]()
    found: list[KeyBinding] = []
    for one in bindings:
        name = ACTION_BY_KEYS.get(one.keys, "")
        if name not in wanted:
            found.append(one)
        elif (name, one.when) not in done:
            found += [replace(one, keys=keys) for keys in wanted[name]]
        done.add((name, one.when))
    return tuple(found)
