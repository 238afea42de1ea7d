"""What comes with a message, as it is typed under its envelope: quoted, or as the path of a file with all of it. Pure.

Whatever is quoted stands behind a bar, line by line: it begins no line of its own, and so is no envelope. The fence
round it is longer than any in it. What is about it (a name, lines, a revision) is one line that begins with a word of
ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.protocol.events import Message
from gateway.protocol.text.attachments import Attachment, attachments_of
from sidecar.messages.envelope import clean, clean_for_file, joined

MOST_QUOTED = 8000  # characters of all that is quoted with one message
LONGEST_QUOTED = 4000  # of one attachment
MOST_SHOWN = 8  # attachments that are told of one by one
BAR = "| "
FOR_YOU = "in a file for you to read:"
_FENCE = re.compile("`{3,}")


@dataclass(frozen=True)
class Typed:
    """The lines under the envelope, and the files that they name."""

    text: str = ""
    files: Mapping[Path, str] = field(default_factory=dict)


def typed(message: Message, folder: Path, most: int = MOST_QUOTED) -> Typed:
    """`most`: so many characters are quoted at most; the rest goes into files."""
    found, files = [], {}
    for number, one in enumerate(_few(attachments_of(message)), start=1):
        length = len(one.text)
        if not one.text:
            found.append(f"with {_line(one.name)}")
        elif length <= min(most, LONGEST_QUOTED):
            most -= length
            found.append(f"with {_about(one)}:\n{_quoted(one.text)}")
        else:
            path = folder / f"{message.seq}-{number}.txt"
            files[path] = clean_for_file(one.text)
            found.append(f"with {_about(one)}, {FOR_YOU}\n{_line(str(path))}")
    return Typed("\n".join(found), files)


def weight(message: Message) -> int:
    """How many characters it brings into a prompt."""
    quoted = sum(min(len(one.text), LONGEST_QUOTED) for one in _few(attachments_of(message)))
    return len(message.content) + min(quoted, MOST_QUOTED)


def _few(found: Sequence[Attachment]) -> Sequence[Attachment]:
    """The last of very many are one text together."""
    if len(found) <= MOST_SHOWN:
        return found
    rest = found[MOST_SHOWN - 1 :]
    text = "\n\n".join(f"{one.name}\n{one.text}".strip() for one in rest)
    return (*found[: MOST_SHOWN - 1], Attachment(f"{len(rest)} more", text))


def _about(one: Attachment) -> str:
    return f"{_line(one.name)} ({one.size}, {len(one.text)} characters)"


def _line(text: str) -> str:
    return joined(clean(text))


def _quoted(text: str) -> str:
    lines = clean(text).removesuffix("\n").split("\n")
    longest = max((len(one) for one in _FENCE.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return "\n".join((fence, *(f"{BAR}{line}" for line in lines), fence))
