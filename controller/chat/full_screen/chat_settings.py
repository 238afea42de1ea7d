"""The person's own settings of the chat, from `chat.toml` in the configuration folder, outside any team. Pure.

What they say about bell, notifications and mouse goes before the team's `[chat]`.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from controller.team.notification_command import unsafe_word
from controller.team.team import BELL_WORDS, ChatSpec
from controller.team.toml_reader import TeamError, TomlTable
from gateway.files.toml_line_numbers import TomlSource

THEMES = ("auto", "dark", "light", "contrast", "none")
SIGNS = ("auto", "unicode", "ascii")
ROSTERS = ("auto", "off")
ROSTER_COLUMNS = 28

KeyNames = tuple[str, ...]


@dataclass(frozen=True)
class ChatSettings:
    """`bell`, `notify` and `mouse` are None where the team decides. `keys`: actions with the keys chosen for them."""

    theme: str = "auto"
    signs: str = "auto"
    bell: str | None = None
    notify: tuple[str, ...] | None = None
    mouse: bool | None = None
    roster: str = "auto"
    roster_columns: int = ROSTER_COLUMNS
    keys: tuple[tuple[str, tuple[KeyNames, ...]], ...] = ()

    def spec(self, team: ChatSpec) -> ChatSpec:
        chosen = {"bell": self.bell, "notify": self.notify, "mouse": self.mouse}
        return replace(team, **{name: value for name, value in chosen.items() if value is not None})  # type: ignore[arg-type]


def settings_folder(env: Mapping[str, str]) -> str:
    """`$XDG_CONFIG_HOME/llm-groupchat`; a relative path there is ignored, as the specification of XDG says."""
    chosen = env.get("XDG_CONFIG_HOME", "")
    base = chosen if chosen.startswith("/") else f"{env.get('HOME', '')}/.config"
    return f"{base}/llm-groupchat"


def parse_chat_settings(text: str, name: str, actions: Mapping[str, Collection[KeyNames]]) -> ChatSettings:
    """`actions`: the named actions and their keys. Actions with the name "" cannot be given other keys."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+)", str(error))
        where = f", line {place[1]}" if place else ""
        raise TeamError(f"{name}{where}: this is not TOML: {re.sub(r' .at .*$', '', str(error))}.") from None
    top = TomlTable(TomlSource.of(name, text), values)
    layout = top.table("layout")
    settings = ChatSettings(
        theme=top.one_of("theme", THEMES, "auto"),
        signs=top.one_of("signs", SIGNS, "auto"),
        bell=_if_set(top, "bell", top.one_of("bell", BELL_WORDS, "mentions")),
        notify=_if_set(top, "notify", _parse_notify(top)),
        mouse=_if_set(top, "mouse", top.flag("mouse")),
        roster=layout.one_of("roster", ROSTERS, "auto"),
        roster_columns=int(layout.number_in("roster_columns", 16, 60, ROSTER_COLUMNS)),
        keys=_parse_keys(top.table("keys"), actions),
    )
    layout.done()
    top.done()
    return settings


T = TypeVar("T")


def _if_set(table: TomlTable, key: str, value: T) -> T | None:
    return value if key in table.values else None


def _parse_notify(table: TomlTable) -> tuple[str, ...]:
    command = table.words("notify")
    if (word := unsafe_word(command)) is not None:
        raise table.wrong("notify", f"in {word!r}, {{from}} or {{text}} must be a word of its own.")
    return command


# keys

_MODIFIERS = {"ctrl": "c", "control": "c", "c": "c", "shift": "s", "s": "s"}
_NAMES = {"pgup": "pageup", "pgdn": "pagedown", "pgdown": "pagedown", "return": "enter"}
_MOVES = ("up", "down", "left", "right", "home", "end", "pageup", "pagedown", "insert", "delete")
_FUNCTION_KEY = re.compile(r"f(?:[1-9]|1\d|2[0-4])")
# What text is typed, corrected and sent with.
_NEEDED_FOR_TYPING = {
    *("enter", "tab", "s-tab", "escape", "backspace", "delete", "up", "down", "left", "right", "home", "end"),
    *("c-m", "c-i", "c-h", "c-["),
}


def _parse_keys(
    table: TomlTable, actions: Mapping[str, Collection[KeyNames]]
) -> tuple[tuple[str, tuple[KeyNames, ...]], ...]:
    chosen: dict[str, tuple[KeyNames, ...]] = {}
    known = sorted(name for name in actions if name)
    for action in table.values:
        if action not in known:
            near = difflib.get_close_matches(action, known, n=1, cutoff=0.6)
            hint = f"Did you mean `{near[0]}`?" if near else f"Known are: {', '.join(known)}."
            raise table.wrong(action, f"`{action}` is no action of the chat. {hint}")
        chosen[action] = tuple(_parse_key(table, action, one) for one in _key_texts(table, action))
    _refuse_taken_keys(table, chosen, actions)
    table.known.extend(table.values)
    return tuple(chosen.items())


def _key_texts(table: TomlTable, action: str) -> list[str]:
    value = table.values[action]
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list) or not found or not all(isinstance(one, str) and one for one in found):
        raise table.wrong(action, f'`{action}` must be a key, such as "f10" or ["f10", "ctrl-t"].')
    return found


def _parse_key(table: TomlTable, action: str, text: str) -> KeyNames:
    keys = tuple(name for word in text.lower().split() for name in _key_names(word))
    if not keys or not all(_is_key(one) for one in keys if one != "escape"):
        examples = '"f10", "ctrl-t", "alt-up", "pageup", "ctrl-x ctrl-e"'
        raise table.wrong(action, f"{text!r} is not a key that an action can have. Keys are written like {examples}.")
    if _breaks_typing(keys):
        raise table.wrong(
            action, f"{text!r} is needed for typing. Choose F1 to F24, Ctrl and a letter, or Alt and an arrow."
        )
    return keys


def _key_names(word: str) -> list[str]:
    *modifiers, last = word.split("-")
    alt = [one for one in modifiers if one in ("alt", "meta")]
    others = [_MODIFIERS.get(one, one) for one in modifiers if one not in ("alt", "meta")]
    return [*("escape" for _ in alt), "-".join((*others, _NAMES.get(last, last)))]


def _is_key(name: str) -> bool:
    modifier, _, last = name.rpartition("-")
    if modifier == "c" and re.fullmatch(r"[a-z\[]", last):
        return True
    plain = last in (*_MOVES, "enter", "tab", "escape", "backspace") or _FUNCTION_KEY.fullmatch(last) is not None
    return (plain and modifier in ("", "c", "s")) or (not modifier and len(last) == 1)


def _breaks_typing(keys: KeyNames) -> bool:
    """Whether text could not be typed any more. A letter just after Escape arrives as Alt and that letter."""
    first, *more = keys
    if first == "escape":
        return not more or (len(more[-1]) == 1 or more[-1] in ("backspace", "escape", "tab"))
    return first in _NEEDED_FOR_TYPING or len(first) == 1


def _refuse_taken_keys(
    table: TomlTable, chosen: Mapping[str, tuple[KeyNames, ...]], actions: Mapping[str, Collection[KeyNames]]
) -> None:
    after: dict[str, Collection[KeyNames]] = {**actions, **chosen}
    for action, keys in chosen.items():
        for other, others in after.items():
            clash = next((one for one in keys if one in others), None) if other != action else None
            if clash is not None:
                whose = f"`{other}`" if other else "an action that keeps its key"
                raise table.wrong(action, f"{' '.join(clash)!r} is the key of {whose}, too. Each needs its own.")
