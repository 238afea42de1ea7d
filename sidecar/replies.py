"""What an answer becomes in the room. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from gateway.protocol.events import Message
from gateway.protocol.nouns import MAX_CONTENT

_ADDRESSED = re.compile(r"@([A-Za-z0-9_][A-Za-z0-9_.-]*)[,:]?\s+(\S.*)")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_CUT = "\n[...]"


@dataclass(frozen=True)
class Reply:
    """`id` makes a repeated send harmless."""

    content: str
    to: tuple[str, ...]
    room: str
    reply_to: int
    id: str


def replies(me: str, message: Message, answer: str, names: Collection[str]) -> list[Reply]:
    """The answer goes back where the message came from; lines that begin with a known `@name` also go there."""
    text = fit(answer.replace("\x00", ""))
    if not text.strip():
        return []
    key = f"{me}-{message.seq}"
    back = (f"@{message.from_}",) if message.recipients else ()
    found = [Reply(text, back, message.room, message.seq, f"reply-{key}")]
    for number, (name, line) in enumerate(addressed_lines(text)):
        if name in names and name not in (me, message.from_):
            found.append(Reply(line, (f"@{name}",), message.room, message.seq, f"line-{key}-{number}"))
    return found


def addressed_lines(text: str) -> Iterator[tuple[str, str]]:
    """`@name text` at the beginning of a line, outside code fences."""
    fenced = False
    for line in text.split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        elif not fenced and (match := _ADDRESSED.match(line)):
            yield match[1].lower().rstrip(".-"), match[2]


def fit(text: str, limit: int = MAX_CONTENT) -> str:
    """At most as many bytes as the room takes, cut visibly and never inside a character."""
    data = text.encode(errors="replace")
    if len(data) <= limit:
        return data.decode()
    return data[: limit - len(_CUT)].decode(errors="ignore") + _CUT
