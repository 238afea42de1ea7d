"""Writes the tables of commands and keys into docs/guides/chat.md: `python -P -m tests.support.chat_guide`.

They come from the help of the chat, so that the guide and `/help` never differ.
"""

from __future__ import annotations

from pathlib import Path

from controller.chat.full_screen.keys import key_help
from controller.chat_commands.help_pages import HelpSection, help_sections

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "chat.md"
BEGIN, END = "<!-- commands and keys: begin -->", "<!-- commands and keys: end -->"


def guide_with_tables(text: str) -> str:
    """The guide with its tables made anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


def tables() -> str:
    return "\n".join(_table(one) for one in help_sections(key_help()))


def _table(section: HelpSection) -> str:
    rows = "".join(f"| {_code(left)} | {_cell(right)} |\n" for left, right in section.rows)
    return f"### {section.title}\n\n| {_head(section)} | what it does |\n|---|---|\n{rows}"


def _head(section: HelpSection) -> str:
    return "key" if section.title == "Keys" else "you type"


def _code(text: str) -> str:
    return f"`{_cell(text)}`"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


if __name__ == "__main__":
    GUIDE.write_text(guide_with_tables(GUIDE.read_text()))
