"""What a transcript of a room, a thread or a session tells: a list of parts, which Markdown and HTML each render. Pure.

No part holds markup. A renderer escapes every text in it, because members wrote it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from controller.wording.proof_text import note_lines, proof_words
from gateway.protocol.events import Message
from gateway.protocol.results import ContextDocument, SessionDetail
from gateway.protocol.text.attachments import attachments_of
from gateway.protocol.text.printable_text import readable_content
from gateway.protocol.types.decision_types import Decision, Given, option_words
from gateway.protocol.types.session_types import Session


@dataclass(frozen=True)
class Heading:
    """`level` 1 is the title of the document."""

    level: int
    text: str


@dataclass(frozen=True)
class Items:
    """A list; each item is one line."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class TextBlock:
    """A text of several lines, as it was written. `label` is a line above it; `kind` is `text` or `json`."""

    text: str
    label: str = ""
    kind: str = "text"


@dataclass(frozen=True)
class MessageHead:
    """Begins a message; its text follows. `answers` is the number of the message that it answers; `proof` is what the
    machine that wrote the transcript had found about it."""

    number: int
    sender: str
    recipients: tuple[str, ...]
    timestamp: str
    answers: int | None
    proof: str = ""


TranscriptPart = Heading | Items | TextBlock | MessageHead


def messages_parts(title: str, facts: Sequence[tuple[str, str]], messages: Sequence[Message]) -> list[TranscriptPart]:
    """A room, or a thread of it."""
    return [Heading(1, title), _facts_part(facts), *_message_parts(messages)]


def session_parts(
    detail: SessionDetail, contexts: Sequence[ContextDocument], messages: Sequence[Message]
) -> list[TranscriptPart]:
    return [
        *_session_head_parts(detail.session),
        *_decision_parts(detail.decisions),
        *_context_parts(contexts),
        *_message_parts(messages),
    ]


def readable_time(stamp: str) -> str:
    """`2027-01-15T08:00:00.000Z` as `2027-01-15 08:00:00 UTC`."""
    return f"{stamp[:10]} {stamp[11:19]} UTC" if stamp.endswith("Z") else stamp


def _facts_part(facts: Iterable[tuple[str, str]]) -> Items:
    return Items(tuple(f"{name}: {value}" for name, value in facts if value))


def _session_head_parts(one: Session) -> Iterator[TranscriptPart]:
    yield Heading(1, f"Session {one.name}")
    if one.goal:
        yield TextBlock(one.goal, "Goal:")
    yield _facts_part(
        [
            ("Room", one.room),
            ("Status", str(one.status)),
            ("Opened", f"{one.at} by {one.by}"),
            ("Participants", ", ".join(one.participants) or "everybody in the room"),
            ("Deadline", one.deadline + (" (passed)" if one.overdue else "") if one.deadline else ""),
            ("Completed", one.closed),
        ]
    )
    if one.closing:
        yield from (Heading(2, "Summary"), TextBlock(one.closing))


def _decision_parts(found: Sequence[Decision]) -> Iterator[TranscriptPart]:
    if found:
        yield Heading(2, "Decisions")
    for one in found:
        yield Heading(3, f"{one.id}: {one.result or one.state}")
        yield TextBlock(one.question)
        options = (f"option {option_words(one, option.key)}" for option in one.options)
        yield Items((*options, *(_answer_line(one, given) for given in one.answers)))


def _answer_line(one: Decision, given: Given) -> str:
    what = option_words(one, given.choice) if given.choice else str(given.kind)
    why = f", because {given.reason}" if given.reason else ""
    return f"{given.by} ({given.at}): {what}{why}"


def _context_parts(found: Sequence[ContextDocument]) -> Iterator[TranscriptPart]:
    if found:
        yield Heading(2, "Shared contexts")
    for one in found:
        yield Heading(3, f"{one.name}, version {one.version} by {one.by}")
        yield TextBlock(json.dumps(one.document, indent=2, ensure_ascii=False), kind="json")


def _message_parts(found: Sequence[Message]) -> Iterator[TranscriptPart]:
    if found:
        yield Heading(2, "Messages")
    for one in found:
        yield MessageHead(one.seq, one.from_, one.recipients, one.timestamp, one.reply_to, proof_words(one))
        yield TextBlock(readable_content(one))
        if notes := note_lines(one):
            yield Items(tuple(notes))
        yield from (TextBlock(attached.text, f"With {attached.name}:") for attached in attachments_of(one))
