"""The text that `/copy` puts on the clipboard: a message, or one of its code blocks. Pure.

A pasted text acts where it is pasted, so only printable characters are copied.
"""

from __future__ import annotations

from controller.wording.proof_text import has_no_text
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Message
from gateway.protocol.text.code_fences import with_fences
from gateway.protocol.text.printable_text import printable_lines, readable_content

CODE_WORD = "code"


def text_to_copy(message: Message, which: str = "") -> tuple[str, str]:
    """The text, and what it is in a few words. `which` is empty, `code` or `code 2`."""
    if has_no_text(message):
        raise BadRequest(f"#{message.seq} has no text to copy. {readable_content(message)}")
    if not which:
        return printable_text_of(message.content), f"#{message.seq}"
    word, _, place = which.partition(" ")
    if word.lower() != CODE_WORD or (place and not place.strip().isdecimal()):
        raise BadRequest(f"/copy {message.seq} takes `code`, or `code 2` for the second code block.")
    blocks = code_blocks(message.content)
    at = int(place or 1)
    if not 0 < at <= len(blocks):
        raise BadRequest(f"#{message.seq} has {len(blocks) or 'no'} code block{'' if len(blocks) == 1 else 's'}.")
    some = f" of {len(blocks)}" if len(blocks) > 1 else ""
    return printable_text_of(blocks[at - 1]), f"code block {at}{some} of #{message.seq}"


def code_blocks(content: str) -> list[str]:
    """The text inside each pair of fences. A block without an end reaches to the end of the message."""
    blocks: list[list[str]] = []
    inside = False
    for line in (line for line, is_code in with_fences(content.split("\n")) if is_code):
        if not _is_fence(line):
            blocks[-1].append(line)
        else:
            inside = not inside
            blocks += [[]] if inside else []
    return ["\n".join(lines) for lines in blocks]


def _is_fence(line: str) -> bool:
    return line.lstrip().startswith(("```", "~~~"))


def printable_text_of(text: str) -> str:
    """Tabs stay, because code needs them."""
    lines = "\n".join(text.splitlines()).split("\n")
    return "\n".join("\t".join(" ".join(printable_lines(part)) for part in line.split("\t")) for line in lines)
