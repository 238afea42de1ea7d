"""The help of the chat in groups. `/help` and the guide `docs/guides/chat.md` both show it. Pure.

The commands come from their table, the keys from `controller/chat/full_screen/keys.py`; here stands only
the group of each command.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from controller.chat_commands.command_table import COMMANDS, SPEAK_HELP, help_lines


class HelpSection(NamedTuple):
    """One group: its title, and what to type or press with what it does."""

    title: str
    rows: Sequence[tuple[str, str]]


TALK, KEYS_TITLE = "Talk", "Keys"

# A test names each command that is missing here. The help lists groups and commands in this order.
COMMAND_GROUPS: dict[str, tuple[str, ...]] = {
    TALK: ("to", "seal", "reply", "react", "quote"),
    "Agents": ("agents", "stop", "pause", "resume", "continue", "why", "explain", "terminal", "large", "share", "role"),
    "Questions": ("asks", "approve", "deny"),
    "Rooms": ("rooms", "room", "join", "create", "who", "invite", "kick", "topic", "mute", "unmute"),
    "Sealed and signed": ("keys", "trust", "admit"),
    "Messages": (
        *("history", "search", "recall", "thread", "mentions", "pin", "unpin", "pins", "copy"),
        *("receipts", "cancel", "retry", "export"),
    ),
    "Decisions and modes": (
        *("propose", "vote", "decisions", "decide", "session"),
        *("mode", "status", "next", "extend", "end"),
    ),
    "Team": ("restart", "help", "quit"),
}


def help_sections(key_rows: Sequence[tuple[str, str]]) -> list[HelpSection]:
    """All of the help, with the keys last."""
    found = [HelpSection(title, _rows_of_group(title)) for title in COMMAND_GROUPS]
    return [*found, HelpSection(KEYS_TITLE, key_rows)]


def help_sections_about(word: str | None, key_rows: Sequence[tuple[str, str]]) -> list[HelpSection]:
    """All of it without a word; else the group of that title, or the lines of one command."""
    sections = help_sections(key_rows)
    if word is None:
        return sections
    if word == KEYS_TITLE.lower():  # the keys of the keyboard, and the command of that name
        return [sections[-1], HelpSection("", help_lines(word))]
    if word not in COMMANDS:
        named = [one for one in sections if one.title.lower().startswith(word.lower())]
        if named:
            return named
    return [HelpSection("", help_lines(word))]


def _rows_of_group(title: str) -> list[tuple[str, str]]:
    spoken = SPEAK_HELP if title == TALK else ()
    return [*spoken, *((COMMANDS[word].usage, COMMANDS[word].help) for word in COMMAND_GROUPS[title])]
