"""The guide of the chat has the commands and keys that `/help` shows, and every command has a group."""

from __future__ import annotations

from collections import Counter

from controller.chat.full_screen.keys import KEYS, key_help, key_name
from controller.chat_commands.command_table import COMMANDS
from controller.chat_commands.help_pages import COMMAND_GROUPS, help_sections
from tests.support.chat_guide import BEGIN, END, GUIDE, guide_with_tables

REGENERATE = (
    "docs/guides/chat.md differs from the chat's tables. This command writes it anew (also after a merge conflict "
    "in it): .venv/bin/python -P -m tests.support.chat_guide"
)


def test_every_command_is_in_one_group() -> None:
    grouped = Counter(word for words in COMMAND_GROUPS.values() for word in words)
    missing = [word for word in COMMANDS if grouped[word] != 1]
    assert not missing, f"{missing}: add to one group of COMMAND_GROUPS in controller/chat_commands/help_pages.py"
    unknown = [word for word in grouped if word not in COMMANDS]
    assert not unknown, f"{unknown}: remove from COMMAND_GROUPS in controller/chat_commands/help_pages.py"


def test_the_guide_has_the_tables_of_the_help() -> None:
    text = GUIDE.read_text()
    assert text.count(BEGIN) == text.count(END) == 1
    assert text == guide_with_tables(text), REGENERATE


def test_the_help_has_every_command_and_every_key_with_a_meaning() -> None:
    rows = [left for section in help_sections(key_help()) for left, _ in section.rows]
    assert {one.usage for one in COMMANDS.values()} <= set(rows)
    named = {name for left in rows for name in left.split(", ")}
    assert {key_name(one.keys) for one in KEYS if one.help} <= named
