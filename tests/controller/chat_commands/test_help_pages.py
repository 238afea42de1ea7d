"""The help in groups, and one group or one command of it."""

from __future__ import annotations

import pytest

from controller.chat_commands.command_table import SPEAK_HELP
from controller.chat_commands.help_pages import COMMAND_GROUPS, help_sections, help_sections_about
from gateway.protocol.errors import UnknownCommand

KEY_ROWS = [("Enter", "send"), ("F1", "this help")]


def test_the_groups_stand_in_order_and_the_keys_last() -> None:
    sections = help_sections(KEY_ROWS)
    assert [one.title for one in sections] == [*COMMAND_GROUPS, "Keys"]
    assert tuple(sections[0].rows[: len(SPEAK_HELP)]) == SPEAK_HELP
    assert list(sections[-1].rows) == KEY_ROWS
    assert all(one.rows for one in sections)


@pytest.mark.parametrize(
    ("word", "title", "first"),
    [
        (None, "Talk", "text"),
        ("pause", "", "/pause [NAME]"),
        ("h", "", "/help [COMMAND]"),
        ("rooms", "", "/rooms"),
        ("keys", "Keys", "Enter"),
        ("questions", "Questions", "/asks"),
        ("messages", "Messages", "/history [NUMBER]"),
        ("team", "Team", "/restart NAME"),
    ],
)
def test_a_word_chooses_a_command_or_a_group(word: str | None, title: str, first: str) -> None:
    section = help_sections_about(word, KEY_ROWS)[0]
    assert (section.title, section.rows[0][0]) == (title, first)


def test_an_unknown_word_is_refused() -> None:
    with pytest.raises(UnknownCommand, match="There is no /nothing"):
        help_sections_about("nothing", KEY_ROWS)
