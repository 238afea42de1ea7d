"""The attachments of a message: lines of a file, a quotation, a link, data. All outputs read `parts` and `context`
through this module."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.protocol.events import Message
from gateway.protocol.text.printable_text import printable_line, shorten_line
from gateway.protocol.types.core_types import FILE_CONTEXT_FIELDS, SYSTEM_NAME, Part

MAX_NAME_CHARS = 300
MAX_WORD_CHARS = 60
FILE_KIND = "file"
WIRE_KEY = "wire"  # in a `context`: what an interface keeps to give a message back as it came; no reader sees it
_NOT_FOR_READERS = frozenset({"answers", "tokens", "same_as", WIRE_KEY})  # of an answer: what it answers, its cost


@dataclass(frozen=True)
class Attachment:
    """`title` is one line that may be printed; `text` is as it was sent, and may be empty; `revision` is the file's."""

    title: str
    text: str = ""
    revision: str = ""

    @property
    def name(self) -> str:
        """`a.py:42-58 at 1a2b3c`."""
        return f"{self.title} at {self.revision}" if self.revision else self.title

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())

    @property
    def size(self) -> str:
        return f"{self.lines} line{'' if self.lines == 1 else 's'}"

    @property
    def summary(self) -> str:
        """`a.py:42-58, 17 lines`."""
        return f"{self.title}, {self.size}" if self.text else self.title


def attachments_of(message: Message) -> tuple[Attachment, ...]:
    """The attachments of a message. Messages of the gateway have none, because their context is for programs."""
    if message.from_ == SYSTEM_NAME:
        return ()
    return (*map(_from_part, message.parts), *_from_context(message.context or {}))


def context_for_readers(message: Message) -> dict[str, Any]:
    """The context without what an interface keeps for itself."""
    return {key: value for key, value in (message.context or {}).items() if key != WIRE_KEY}


def _from_part(part: Part) -> Attachment:
    name = part.path or ("" if part.type == FILE_KIND else part.type)
    title = _name_with_lines(name, part.lines, part.url)
    return Attachment(title or "text", part.text, _as_word(part.revision or ""))


def _from_context(context: Mapping[str, Any]) -> Iterator[Attachment]:
    file, text = context.get("file"), context.get("text")
    rest = {key: value for key, value in context.items() if key not in _NOT_FOR_READERS}
    if isinstance(file, str) and file:
        title, revision = _name_with_lines(file, context.get("lines")), _as_word(context.get("revision") or "")
        yield Attachment(title, text if isinstance(text, str) else "", revision)
        known = {*FILE_CONTEXT_FIELDS, *(["text"] if isinstance(text, str) else [])}
        rest = {key: value for key, value in rest.items() if key not in known}
    if rest:
        yield Attachment("context", json.dumps(rest, ensure_ascii=False, indent=1, default=str))


def _name_with_lines(name: str, lines: object, url: str | None = None) -> str:
    """`a.py:42-58`, in one line."""
    where = shorten_line(printable_line(name), MAX_NAME_CHARS) + (f":{_as_word(lines)}" if lines else "")
    return f"{where} {shorten_line(printable_line(url), MAX_NAME_CHARS)}".strip() if url else where


def _as_word(value: object) -> str:
    return shorten_line(printable_line(str(value)), MAX_WORD_CHARS)
