"""Mentions of files, as agents find them in a prompt, and how a text is kept from being one. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

_UNSAFE_END = re.compile(r"[\\@]\Z")
_NAMES_FILE = re.compile(r"(?<![A-Za-z0-9])@(?=(?P<word>\S{1,80}))")
_OPENS_LIST = re.compile(r"(?:^|\s)@\S*\Z")
_ENDS_A_WORD = ".,;:!?)]}\"'*_`"
_READS_FILE = re.compile(r"(?<!\\)@(?=[^ \t\n\r,;!?()\[\]{}.]|\.(?![ \t\n\r]|\Z))")


def escape_file_mentions(text: str, is_name: Callable[[str], bool]) -> str:
    """In the way of Gemini CLI and of what descends from it, which reads the file of an `@path`, or asks about it if it
    is outside. The mention may begin anywhere in a word (as in a mail address) and may be part of any name in the
    project. With a backslash it is text, for the model too."""
    return _READS_FILE.sub(r"\\@", text)


def break_file_mentions(text: str, is_name: Callable[[str], bool]) -> str:
    """In the way of an agent for which a backslash is part of a path: with one behind the `@` there is no such file."""

    def broken(match: re.Match[str]) -> str:
        word = match["word"].rstrip(_ENDS_A_WORD)
        return "@" if word and is_name(word) else "@\\"

    return _NAMES_FILE.sub(broken, text)


def neutralize_end(text: str) -> str:
    """A last backslash would turn Enter into a newline, and a last `@` would open a list. A space after it would be
    trimmed."""
    return f"{text} " if _UNSAFE_END.search(text) else text


def close_open_list(text: str) -> str:
    """A last word with an `@` opens a list, in which Enter inserts instead of submitting."""
    return f"{text} " if _OPENS_LIST.search(text) else text


def guard_last_backslash(text: str) -> str:
    """It would turn Enter into a newline. A space after it is not submitted."""
    return f"{text} " if text.endswith("\\") else text
