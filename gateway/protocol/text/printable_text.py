"""Makes foreign text safe to print on a terminal and to show to a model. All outputs use this module.

The result cannot move the cursor, set a title or colour, change the writing direction, or contain invisible characters,
and it cannot begin a new unmarked line: further lines are indented or quoted. Only characters known to be harmful are
replaced; characters that this Python does not know yet (a newer emoji), and private use, stay. It never raises.
"""

from __future__ import annotations

import re
from datetime import date, datetime

from gateway.protocol.events import Message
from gateway.protocol.text.invisible_characters import BLANKS, IGNORABLE, ranges, strip_ignorable

INDENT = "    "
SEALED_TEXT = "(sealed: only the members' own programs can read it)"  # connection/sealed_texts.js has the same
QUOTE_BAR = "| "
REPLACEMENT_CHAR = "\N{REPLACEMENT CHARACTER}"
UNKNOWN_TIME_TEXT = "??:??:??"
_TAB = "    "
_LINE_END = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_BLANK = re.compile(f"[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000{BLANKS}]")
_MARKS_ON_ONE = 4
_TOO_MANY_MARKS = re.compile(r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{5,}")
_ANNOTATIONS = "\ufff9\ufffa\ufffb"
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
_HARMFUL = re.compile(f"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff{_ANNOTATIONS}{_NONCHARACTERS}]")
_NOT_IN_JSON = re.compile(f"[\x7f-\x9f\u2028\u2029{_ANNOTATIONS}{BLANKS}{ranges(IGNORABLE)}]")


def printable_lines(text: str) -> list[str]:
    """The printable lines of a text, split at every kind of line end."""
    if text.isascii() and text.isprintable():
        return [text]
    return [_replace_harmful(one) for one in _LINE_END.split(text)]


def printable_line(text: str) -> str:
    """The printable text on one line."""
    return " ".join(printable_lines(text))


def quote_lines(text: str) -> str:
    """The printable lines, each after a bar."""
    return "\n".join(QUOTE_BAR + one for one in printable_lines(text))


def shorten_line(text: str, most: int) -> str:
    """At most `most` characters of the text, on one line."""
    line = " ".join(printable_line(text[: most * 4]).split())
    return line if len(line) <= most and len(text) <= most * 4 else f"{line[: most - 1]}…"


def escape_json(text: str) -> str:
    """Equivalent JSON with an escape for each character that a terminal would not show."""
    return text if text.isascii() and "\x7f" not in text else _NOT_IN_JSON.sub(_escape_match, text)


def readable_content(message: Message) -> str:
    """The text of a message for those who have only the gateway's word of it."""
    return message.content or (SEALED_TEXT if message.sealed is not None else "")


def local_time_text(stamp: str, form: str = "%H:%M:%S", unknown: str = UNKNOWN_TIME_TEXT) -> str:
    """The local time of a timestamp; `unknown` for an invalid one."""
    try:
        return datetime.fromisoformat(stamp).astimezone().strftime(form)
    except (ValueError, OverflowError, OSError):
        return unknown


def local_moment_text(stamp: str, today: date) -> str:
    """The local time of a timestamp, after its date if that is not today."""
    return local_time_text(stamp, "%H:%M:%S" if local_time_text(stamp, "%F") == f"{today:%F}" else "%F %H:%M:%S")


def _replace_harmful(line: str) -> str:
    if line.isascii() and line.isprintable():
        return line
    shown = strip_ignorable(line.replace("\t", _TAB))
    if not shown.isprintable() or _BLANK.search(shown):
        shown = _HARMFUL.sub(REPLACEMENT_CHAR, _BLANK.sub(" ", shown))
    return _TOO_MANY_MARKS.sub(lambda run: run[0][:_MARKS_ON_ONE], shown)


def _escape_match(match: re.Match[str]) -> str:
    """The JSON escape; a surrogate pair beyond 16 bits."""
    return "".join(f"\\u{unit:04x}" for unit in _utf16_units(ord(match[0])))


def _utf16_units(code: int) -> tuple[int, ...]:
    if code < 0x10000:
        return (code,)
    rest = code - 0x10000
    return 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF)
