"""Builds the text that the model sees: the cleaned message in an envelope that its content cannot forge. Pure.

`[alice -> ada #9]` is said in the default room, `[#design alice -> ada #9]` in another one. `[alice -> ada, in public
#9]` speaks to one member in front of everyone.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from gateway.protocol.events import Message
from gateway.protocol.text.invisible_characters import strip_ignorable
from gateway.protocol.types.core_types import DEFAULT_ROOM
from sidecar.errors import SidecarError
from sidecar.messages.envelope_escaping import escape_inside_line, escape_line
from sidecar.rules_file.envelope_template import DEFAULT_ENVELOPE, NO_ENVELOPE, problem_of_template

BARE = ""  # the template without an envelope: a shell gets nothing but the text
_ENVELOPE_LINE = re.compile(r"\[[^\[\]\n]{1,400} #([0-9]{1,18})\]")
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufff9-\ufffb]")  # and annotations
_TAB = "    "
IN_PUBLIC_TEXT = ", in public"
MIN_PART_CHARS = 40
MIN_END_CHARS = 4


def clean_text(text: str) -> str:
    """Removes all control bytes, and of the invisible characters all that the text does not need."""
    return strip_ignorable(_CONTROL.sub("", _LINE_ENDS.sub("\n", text).replace("\t", _TAB)))


def clean_for_file(text: str) -> str:
    """As `clean_text`, but keeps tabs, because the text is not typed."""
    return "\t".join(map(clean_text, text.split("\t")))


def parse_template(text: str) -> str:
    """The template of a safe envelope. `none` stands for no envelope."""
    if problem := problem_of_template(text):
        raise SidecarError(problem)
    return BARE if text == NO_ENVELOPE else text


def envelope_message(message: Message, me: str, content: str, template: str = DEFAULT_ENVELOPE) -> str:
    """`[alice -> claude #812] text`. `content` is the text of the message, or a part of it. A content line that looks
    like an envelope gets a backslash, also if the template is BARE."""
    shown = {"sender": message.from_, "recipient": _recipient_of(message, me), "room": message.room or DEFAULT_ROOM}
    whole = BARE if template == BARE else _template_for(message, template)
    head = join_lines(clean_text(whole.format(number=message.seq, **shown)))
    body = "\n".join(map(escape_line, clean_text(content).split("\n"))).strip("\n")
    return f"{head} {body}".rstrip() if head else body


def _recipient_of(message: Message, me: str) -> str:
    return f"{me}{IN_PUBLIC_TEXT}" if me in message.wakes else me


def _template_for(message: Message, template: str) -> str:
    """Every message from another room than the default one names its room, also where the template does not."""
    names_room = "{room}" in template or message.room in ("", DEFAULT_ROOM)
    return template if names_room else f"[#{{room}} {template[1:]}"


def add_under_envelope(enveloped: str, lines: str) -> str:
    """The attachments of a message, below its text."""
    return f"{enveloped}\n{lines}" if lines else enveloped


def join_lines(text: str) -> str:
    """All lines as one."""
    return " ".join(filter(None, map(str.strip, text.split("\n"))))


def envelopes_in_one_line(text: str) -> str:
    """For a terminal without bracketed paste, where each line would be a message: all envelopes in one line."""
    return " ".join(filter(None, map(_envelope_in_one_line, _split_before_envelopes(text))))


def _split_before_envelopes(text: str) -> list[list[str]]:
    """The lines of each envelope, and those before the first one."""
    parts: list[list[str]] = [[]]
    for line in text.split("\n"):
        if _ENVELOPE_LINE.match(line):
            parts.append([])
        parts[-1].append(line)
    return parts


def _envelope_in_one_line(lines: list[str]) -> str:
    """Escaped once it is one line, since a bracket and its number may come from two lines."""
    joined = join_lines("\n".join(lines))
    ours = _ENVELOPE_LINE.match(joined)
    end = ours.end() if ours else 0
    return joined[:end] + escape_inside_line(joined[end:])


def numbers_in(prompt: str) -> tuple[int, ...]:
    """The numbers of the envelopes at the beginnings of lines. Only we write these, because content cannot."""
    return tuple(int(match[1]) for line in prompt.split("\n") if (match := _ENVELOPE_LINE.match(line.lstrip())))


def paste_bytes(text: str, bracketed: bool) -> bytes:
    if not bracketed:
        return join_lines(text).encode()
    return b"\x1b[200~" + text.encode() + b"\x1b[201~"


def is_same_text(shown: str, ours: str) -> bool:
    """Whether a composer shows our text. It wraps lines anywhere, so white space is ignored. So is what a grid of cells
    cannot show as it was sent (joined emoji, combining accents)."""
    return _comparable_text(shown) == _comparable_text(ours)


def is_part_of(shown: str, ours: str) -> bool:
    """Whether a composer that shows only a part of its text shows a large part of ours, or its end. The last rows of a
    text with empty rows hold few characters."""
    part, whole = _comparable_text(shown), _comparable_text(ours)
    return (len(part) >= MIN_PART_CHARS and part in whole) or (len(part) >= MIN_END_CHARS and whole.endswith(part))


@lru_cache(maxsize=16)
def _comparable_text(text: str) -> str:
    """Composers show accents differently: as sent, composed, or not at all. So only base letters are compared. The
    result is cached, because a long prompt is compared many times."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(map(_comparable_character, composed))


@lru_cache(4096)
def _comparable_character(one: str) -> str:
    return _base_letter(one) if (one.isascii() and not one.isspace()) or _is_single_cell(one) else ""


def _base_letter(one: str) -> str:
    return one if one.isascii() or _is_hangul(one) else unicodedata.normalize("NFD", one)[0]


def _is_single_cell(one: str) -> bool:
    """Letters, digits and punctuation that occupy a cell of their own. Conjoining Hangul is drawn together."""
    return not one.isascii() and unicodedata.category(one)[0] in "LNP" and not "\u1100" <= one <= "\u11ff"


def _is_hangul(one: str) -> bool:
    return "\uac00" <= one <= "\ud7a3"
