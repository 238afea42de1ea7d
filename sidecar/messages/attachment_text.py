"""The text of attachments as typed under the envelope: quoted, or as the path of a file that holds them. Pure.

Each quoted line begins with a bar, so no quoted line can be an envelope. The fence around a quotation is longer than
any fence in it. Its heading (name, lines, revision) is one line that begins with a word of ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.protocol.events import Message
from gateway.protocol.text.attachments import Attachment, attachments_of
from sidecar.messages.envelope import clean_for_file, clean_text, join_lines

MAX_QUOTED_CHARS = 8000  # all quotations of one message
MAX_ATTACHMENT_CHARS = 4000  # one attachment
MAX_LISTED_ATTACHMENTS = 8  # attachments listed one by one
QUOTE_BAR = "| "
FILE_HINT = "in a file for you to read:"
_FENCE = re.compile("`{3,}")


@dataclass(frozen=True)
class TypedAttachments:
    """The lines under the envelope, and the files that they name."""

    text: str = ""
    files: Mapping[Path, str] = field(default_factory=dict)


def attachments_as_typed(message: Message, folder: Path, most: int = MAX_QUOTED_CHARS) -> TypedAttachments:
    """`most`: the maximum number of quoted characters. The rest goes into files."""
    found, files = [], {}
    for number, one in enumerate(_merge_the_last(attachments_of(message)), start=1):
        length = len(one.text)
        if not one.text:
            found.append(f"with {_one_line(one.name)}")
        elif length <= min(most, MAX_ATTACHMENT_CHARS):
            most -= length
            found.append(f"with {_heading(one)}:\n{_quote_lines(one.text)}")
        else:
            path = folder / f"{message.seq}-{number}.txt"
            files[path] = clean_for_file(one.text)
            found.append(f"with {_heading(one)}, {FILE_HINT}\n{_one_line(str(path))}")
    return TypedAttachments("\n".join(found), files)


def attachment_chars(message: Message) -> int:
    """How many characters the message adds to a prompt."""
    quoted = sum(min(len(one.text), MAX_ATTACHMENT_CHARS) for one in _merge_the_last(attachments_of(message)))
    return len(message.content) + min(quoted, MAX_QUOTED_CHARS)


def _merge_the_last(found: Sequence[Attachment]) -> Sequence[Attachment]:
    """If there are very many, the last ones are merged into one text."""
    if len(found) <= MAX_LISTED_ATTACHMENTS:
        return found
    rest = found[MAX_LISTED_ATTACHMENTS - 1 :]
    text = "\n\n".join(f"{one.name}\n{one.text}".strip() for one in rest)
    return (*found[: MAX_LISTED_ATTACHMENTS - 1], Attachment(f"{len(rest)} more", text))


def _heading(one: Attachment) -> str:
    return f"{_one_line(one.name)} ({one.size}, {len(one.text)} characters)"


def _one_line(text: str) -> str:
    return join_lines(clean_text(text))


def _quote_lines(text: str) -> str:
    lines = clean_text(text).removesuffix("\n").split("\n")
    longest = max((len(one) for one in _FENCE.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return "\n".join((fence, *(f"{QUOTE_BAR}{line}" for line in lines), fence))
