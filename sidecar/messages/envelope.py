"""Builds the text that the model sees: the cleaned message in an envelope that its content cannot forge. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from gateway.protocol.text.invisible_characters import strip_ignorable
from sidecar.errors import SidecarError
from sidecar.messages.envelope_escaping import escape_inside_line, escape_line

DEFAULT_ENVELOPE = "[{sender} -> {recipient} #{number}]"
_ENVELOPE_LINE = re.compile(r"\[[^\[\]\n]{1,200} #([0-9]{1,18})\]")
_TEMPLATE = re.compile(r"\[[^\[\]{}\n]*(?:\{(?:sender|recipient)\}[^\[\]{}\n]*)+ #\{number\}\]")
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufff9-\ufffb]")  # and annotations
_TAB = "    "
MIN_PART_CHARS = 40


def clean_text(text: str) -> str:
    """Removes all control bytes, and of the invisible characters all that the text does not need."""
    return strip_ignorable(_CONTROL.sub("", _LINE_ENDS.sub("\n", text).replace("\t", _TAB)))


def clean_for_file(text: str) -> str:
    """As `clean_text`, but keeps tabs, because the text is not typed."""
    return "\t".join(map(clean_text, text.split("\t")))


def parse_template(text: str) -> str:
    """Check that an envelope is safe to use: it must name the sender and end in the number."""
    if not _TEMPLATE.fullmatch(text) or "{sender}" not in text or len(text) > 120:
        raise SidecarError(
            f"{text[:60]!r} is not an envelope. An envelope looks like {DEFAULT_ENVELOPE!r}, "
            "contains {sender} and ends in ' #{number}]'."
        )
    return text


def envelope_message(sender: str, recipient: str, number: int, content: str, template: str = DEFAULT_ENVELOPE) -> str:
    """`[alice -> claude #812] text`. A content line that looks like an envelope gets a backslash."""
    head = join_lines(clean_text(template.format(sender=sender, recipient=recipient, number=number)))
    body = "\n".join(map(escape_line, clean_text(content).split("\n"))).strip("\n")
    return f"{head} {body}".rstrip()


def add_under_envelope(enveloped: str, lines: str) -> str:
    """The attachments of a message, below its text."""
    return f"{enveloped}\n{lines}" if lines else enveloped


def join_lines(text: str) -> str:
    """All lines as one."""
    return " ".join(filter(None, map(str.strip, text.split("\n"))))


def envelopes_in_one_line(text: str) -> str:
    """For a terminal without bracketed paste, where each line would be a message: all envelopes in one line."""
    return join_lines("\n".join(map(_without_trailing_part, text.split("\n"))))


def _without_trailing_part(line: str) -> str:
    ours = _ENVELOPE_LINE.match(line)
    end = ours.end() if ours else 0
    return line[:end] + escape_inside_line(line[end:])


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
    """Whether a composer that shows only a part of its text shows a large part of ours."""
    part = _comparable_text(shown)
    return len(part) >= MIN_PART_CHARS and part in _comparable_text(ours)


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
