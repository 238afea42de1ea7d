"""A transcript as a Markdown document. Pure.

What members wrote stands in fences longer than any in it, or in one line with every mark of Markdown escaped: nothing
in it can end a block, begin a heading, or pass for another's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from controller.output.transcript_parts import Heading, Items, MessageHead, TextBlock, TranscriptPart
from gateway.protocol.text.printable_text import printable_line, printable_lines

_MARKUP = re.compile(r"([\\`*_{}\[\]()#!|<>~&@]|:(?=//)|(?<=[Ww]{3})\.)")
_BACKTICK_RUN = re.compile(r"`+")


def markdown_document(parts: Iterable[TranscriptPart]) -> str:
    return "\n".join(line for part in parts for line in _part_lines(part)).rstrip() + "\n"


def escape_inline(text: str) -> str:
    """One line in which all markup is escaped."""
    return _MARKUP.sub(r"\\\1", " ".join(printable_line(text).split()))


def fence_text(text: str, kind: str = "text") -> list[str]:
    longest = max((len(one) for one in _BACKTICK_RUN.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{kind}", *printable_lines(text), fence, ""]


def _part_lines(part: TranscriptPart) -> list[str]:
    match part:
        case Heading(level, text):
            return [f"{'#' * level} {escape_inline(text)}", ""]
        case Items(lines):
            return [*(f"- {escape_inline(one)}" for one in lines), ""]
        case TextBlock(text, label, kind):
            return [*([escape_inline(label), ""] if label else []), *fence_text(text, kind)]
        case MessageHead(number, sender, recipients, timestamp, answers, proof):
            to = f" to {', '.join(recipients)}" if recipients else ""
            why = f", answers #{answers}" if answers is not None else ""
            found = f" ({proof})" if proof else ""
            return [f"### {escape_inline(f'#{number} {sender}{to}, {timestamp}{why}{found}')}", ""]
