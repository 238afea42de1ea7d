"""Mentions of files in the way of Gemini CLI and of what descends from it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

_UNSAFE_END = re.compile(r"[\\@]\Z")
_READS_FILE = re.compile(r"(?<!\\)@(?=[^ \t\n\r,;!?()\[\]{}.]|\.(?![ \t\n\r]|\Z))")


def escape_file_mentions(text: str, is_name: Callable[[str], bool]) -> str:
    """The agent reads the file of an `@path`, or asks about it if it is outside. The mention may begin anywhere in a
    word (as in a mail address) and may be part of any name in the project. With a backslash it is text, for the model
    too."""
    return _READS_FILE.sub(r"\\@", text)


def neutralize_end(text: str) -> str:
    """A last backslash would turn Enter into a newline, and a last `@` would open a list. A space after it would be
    trimmed."""
    return f"{text} " if _UNSAFE_END.search(text) else text
