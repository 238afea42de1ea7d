"""What a message looks like to the model: cleaned text in an envelope that its content cannot forge. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from gateway.protocol.text.invisible_characters import stripped
from sidecar.errors import SidecarError
from sidecar.messages.envelope_escaping import escaped, escaped_inside

ENVELOPE = "[{sender} -> {recipient} #{number}]"
_ENVELOPE = re.compile(r"\[[^\[\]\n]{1,200} #([0-9]{1,18})\]")
_TEMPLATE = re.compile(r"\[[^\[\]{}\n]*(?:\{(?:sender|recipient)\}[^\[\]{}\n]*)+ #\{number\}\]")
_LINE_ENDS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufff9-\ufffb]")  # and annotations
_TAB = "    "
LEAST_PART = 40


def clean(text: str) -> str:
    """No control byte can reach the terminal, and of what nobody sees only what the text needs."""
    return stripped(_CONTROL.sub("", _LINE_ENDS.sub("\n", text).replace("\t", _TAB)))


def clean_for_file(text: str) -> str:
    """As `clean`, with its tabs: it is not typed."""
    return "\t".join(map(clean, text.split("\t")))


def template_of(text: str) -> str:
    """A form of envelope that proof and safety can be built on: who says it, and the number at its end."""
    if not _TEMPLATE.fullmatch(text) or "{sender}" not in text or len(text) > 120:
        raise SidecarError(
            f"{text[:60]!r} is no envelope; it looks like {ENVELOPE!r}, with {{sender}} and ' #{{number}}]' last."
        )
    return text


def envelope(sender: str, recipient: str, number: int, content: str, template: str = ENVELOPE) -> str:
    """`[alice -> claude #812] text`. A line of the content that could be taken for an envelope gets a backslash."""
    head = joined(clean(template.format(sender=sender, recipient=recipient, number=number)))
    body = "\n".join(map(escaped, clean(content).split("\n"))).strip("\n")
    return f"{head} {body}".rstrip()


def under_envelope(enveloped: str, lines: str) -> str:
    """What comes with a message, below its words."""
    return f"{enveloped}\n{lines}" if lines else enveloped


def joined(text: str) -> str:
    """Its lines as one."""
    return " ".join(filter(None, map(str.strip, text.split("\n"))))


def one_line(text: str) -> str:
    """For a terminal without bracketed paste, where each line would be a message: envelopes follow each other in it."""
    return joined("\n".join(map(_without_more, text.split("\n"))))


def _without_more(line: str) -> str:
    ours = _ENVELOPE.match(line)
    end = ours.end() if ours else 0
    return line[:end] + escaped_inside(line[end:])


def numbers_in(prompt: str) -> tuple[int, ...]:
    """The numbers of the envelopes at the beginnings of lines: those that we wrote, as content cannot."""
    return tuple(int(match[1]) for line in prompt.split("\n") if (match := _ENVELOPE.match(line.lstrip())))


def pasted(text: str, bracketed: bool) -> bytes:
    if not bracketed:
        return joined(text).encode()
    return b"\x1b[200~" + text.encode() + b"\x1b[201~"


def same_text(shown: str, ours: str) -> bool:
    """Whether a composer shows our text. It wraps lines where it likes, so white space does not count; and what a grid
    of cells cannot show as it was sent (joined emoji, accents of their own) does not count either."""
    return _shown_surely(shown) == _shown_surely(ours)


def part_of(shown: str, ours: str) -> bool:
    """Whether a composer that shows only a part of its text shows a good part of ours."""
    part = _shown_surely(shown)
    return len(part) >= LEAST_PART and part in _shown_surely(ours)


@lru_cache(maxsize=16)
def _shown_surely(text: str) -> str:
    """One composer shows an accent as it was sent, another joined with its letter, a third not: letters count. A long
    prompt is compared again and again, and is the same each time."""
    composed = unicodedata.normalize("NFC", text)
    return "".join(map(_surely, composed))


@lru_cache(4096)
def _surely(one: str) -> str:
    return _base(one) if (one.isascii() and not one.isspace()) or _is_plain(one) else ""


def _base(one: str) -> str:
    return one if one.isascii() or _is_hangul(one) else unicodedata.normalize("NFD", one)[0]


def _is_plain(one: str) -> bool:
    """Letters, digits and punctuation that stand in a cell of their own; conjoining Hangul is drawn together."""
    return not one.isascii() and unicodedata.category(one)[0] in "LNP" and not "\u1100" <= one <= "\u11ff"


def _is_hangul(one: str) -> bool:
    return "\uac00" <= one <= "\ud7a3"
