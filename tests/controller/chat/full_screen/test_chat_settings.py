"""chat.toml: what it may say, and what is said about a mistake in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from controller.chat.full_screen.chat_settings import ChatSettings, parse_chat_settings, settings_folder
from controller.chat.full_screen.key_settings import ACTION_BY_KEYS, keys_by_action, rebind
from controller.chat.full_screen.keys import KEYS
from controller.team.team import ChatSpec
from controller.team.toml_reader import TeamError

WHOLE = """
theme = "light"
signs = "ascii"
bell = "off"
notify = ["notify-send", "{from}", "{text}"]
mouse = true

[layout]
roster = "off"
roster_columns = 20

[keys]
help = "ctrl-t"
scroll_up = ["alt-pageup", "f10"]
"""


def parse(text: str) -> ChatSettings:
    return parse_chat_settings(text, "chat.toml", keys_by_action())


def test_a_whole_file() -> None:
    assert parse(WHOLE) == ChatSettings(
        "light",
        "ascii",
        "off",
        ("notify-send", "{from}", "{text}"),
        True,
        "off",
        20,
        (("help", (("c-t",),)), ("scroll_up", (("escape", "pageup"), ("f10",)))),
    )


def test_an_empty_file_changes_nothing() -> None:
    assert parse("") == ChatSettings()
    assert parse("").spec(ChatSpec("all", ("x",), True)) == ChatSpec("all", ("x",), True)


def test_the_persons_word_goes_before_the_teams() -> None:
    assert parse('bell = "off"\nmouse = false').spec(ChatSpec("all", ("x",), True)) == ChatSpec("off", ("x",), False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('theme = "drak"', "chat.toml, line 1: `theme` must be one of auto, dark, light, contrast, none, not 'drak'."),
        ('\nthem = "dark"', "chat.toml, line 2: `them` is not known. Did you mean `theme`?"),
        ("[layout]\nrooster = 1", "chat.toml, line 2: `rooster` of [layout] is not known. Did you mean `roster`?"),
        ("[layout]\nroster_columns = 3", "chat.toml, line 2: `roster_columns` of [layout] must be a number from 16"),
        ("theme = dark", "chat.toml, line 1: this is not TOML"),
        ('notify = "sh -c {text}x"', "chat.toml, line 1: in '{text}x', {from} or {text} must be a word of its own."),
        ('[keys]\nhlep = "f9"', "chat.toml, line 2: `hlep` is no action of the chat. Did you mean `help`?"),
        ("[keys]\nhelp = 1", 'chat.toml, line 2: `help` must be a key, such as "f10"'),
        ("[keys]\nhelp = []", "chat.toml, line 2: `help` must be a key"),
        ('[keys]\nhelp = "hyper-x"', "chat.toml, line 2: 'hyper-x' is not a key that an action can have."),
        ('[keys]\nhelp = "f2"', "chat.toml, line 2: 'f2' is the key of `answer`, too. Each needs its own."),
        ('[keys]\nhelp = "f10"\nunfold = "f10"', "chat.toml, line 2: 'f10' is the key of `unfold`, too."),
    ],
)
def test_a_mistake_is_named_with_its_line(text: str, words: str) -> None:
    with pytest.raises(TeamError) as caught:
        parse(text)
    assert caught.value.message.startswith(words)


@pytest.mark.parametrize(
    "key",
    [
        *("a", "?", "é", "enter", "tab", "shift-tab", "backspace", "escape", "delete", "left", "up", "home", "end"),
        *("alt-x", "alt-1", "alt-backspace", "ctrl-m", "ctrl-i", "ctrl-h", "ctrl-[", "x ctrl-e", "escape x"),
    ],
)
def test_a_key_that_typing_needs_is_refused(key: str) -> None:
    with pytest.raises(TeamError, match=r"line 2: .* is needed for typing"):
        parse(f'[keys]\nhelp = "{key}"')


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("f12", ("f12",)),
        ("Ctrl-T", ("c-t",)),
        ("c-t", ("c-t",)),
        ("alt-pgup", ("escape", "pageup")),
        ("shift-up", ("s-up",)),
        ("ctrl-x ctrl-h", ("c-x", "c-h")),
        ("f24", ("f24",)),
    ],
)
def test_how_keys_are_written(text: str, keys: tuple[str, ...]) -> None:
    assert parse(f'[keys]\nhelp = "{text}"').keys == (("help", (keys,)),)


def test_two_actions_may_change_places() -> None:
    found = parse('[keys]\nhelp = "f2"\nanswer = "f1"')
    table = {ACTION_BY_KEYS.get(one.keys): one.keys for one in rebind((), KEYS)}
    assert table["help"] == ("f1",)
    swapped = {one.help: one.keys for one in rebind(found.keys)}
    plain = {one.help: one.keys for one in KEYS}
    assert [swapped[help_] for help_, keys in plain.items() if keys == ("f1",)] == [("f2",)]
    assert [swapped[help_] for help_, keys in plain.items() if keys == ("f2",)] == [("f1",)]


def test_an_action_loses_its_own_keys_and_all_others_stay() -> None:
    found = rebind((("new_line", (("c-n",), ("f12",))),))
    assert [one.keys for one in found if one.keys in (("c-n",), ("f12",), ("c-j",), ("escape", "enter"))] == [
        ("c-n",),
        ("f12",),
    ]
    rest = [one for one in KEYS if ACTION_BY_KEYS.get(one.keys) != "new_line"]
    assert [one for one in found if one in rest] == rest


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({"XDG_CONFIG_HOME": "/x", "HOME": "/h"}, "/x/llm-groupchat"),
        ({"XDG_CONFIG_HOME": "x", "HOME": "/h"}, "/h/.config/llm-groupchat"),
        ({"HOME": "/h"}, "/h/.config/llm-groupchat"),
    ],
)
def test_where_the_file_is(env: dict[str, str], folder: str) -> None:
    assert settings_folder(env) == folder


def test_the_guide_names_every_action_and_its_example_is_valid() -> None:
    guide = (Path(__file__).parents[4] / "docs" / "guides" / "chat-settings.md").read_text()
    example = guide.split("```toml\n")[1].split("```")[0]
    assert parse(example).keys[0] == ("help", (("c-t",),))
    named = set(re.findall(r"`(\w+)`", guide.split("The actions are:")[1]))
    assert {name for name in keys_by_action() if name} <= named
