"""What is changed in a text so that an agent only reads it, and its composer shows that it is there. Pure.

Mentions of files are kept from being read, endings from opening a list, letters of disputed width from being drawn.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_UNSAFE_END = re.compile(r"[\\@]\Z")
_NAMES_FILE = re.compile(r"(?<![A-Za-z0-9])@(?=(?P<word>\S{1,80}))")
_OPENS_LIST = re.compile(r"(?:^|\s)@\S*\Z")
ENDS_A_WORD = ".,;:!?)]}\"'*_`"
_READS_FILE = re.compile(r"(?<!\\)@(?=[^ \t\n\r,;!?()\[\]{}.]|\.(?![ \t\n\r]|\Z))")
_ENVELOPE = re.compile(r"\[[^\[\]\n]{1,400} #\d{1,18}\](?: |\n)+")
_DISPUTED_CATEGORIES = frozenset({"Mn", "Mc", "Me", "Cf", "Cn", "Co"})
# conjoining Hangul, the vowel AM of Thai and Lao, regional indicators, skin tones
_DISPUTED = re.compile("[\u1160-\u11ff\u0e33\u0eb3\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff]")


def escape_file_mentions(text: str, is_name: Callable[[str], bool]) -> str:
    """In the way of Gemini CLI and of what descends from it, which reads the file of an `@path`, or asks about it if it
    is outside. The mention may begin anywhere in a word (as in a mail address) and may be part of any name in the
    project. With a backslash it is text, for the model too."""
    return _READS_FILE.sub(r"\\@", text)


def break_file_mentions(text: str, is_name: Callable[[str], bool]) -> str:
    """In the way of an agent for which a backslash is part of a path: with one behind the `@` there is no such file."""

    def broken(match: re.Match[str]) -> str:
        word = match["word"].rstrip(ENDS_A_WORD)
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


def collapse_if_disputed(text: str, lines: int) -> str:
    """A composer that moves to a column behind letters whose width is disputed (signs that stand with a letter, joined
    emoji, marks of direction) leaves some of them out on the screen, and draws parts of them where later texts stand.
    The vendor's placeholder for a long paste can be read: from `lines` on, the composer shows it. Empty lines beneath
    the envelope make up for them."""
    head = _ENVELOPE.match(text)
    if head is None or text.isascii() or not any(map(_has_disputed_width, text)):
        return text
    missing = max(1, lines - 1 - text.count("\n", head.end()))
    return head[0].rstrip() + "\n" * missing + text[head.end() :]


def _has_disputed_width(one: str) -> bool:
    return not one.isascii() and (unicodedata.category(one) in _DISPUTED_CATEGORIES or _DISPUTED.match(one) is not None)
