"""Packs what a connector may see of a conversation into turns for a model, within a budget of tokens. Pure.

The messages to be answered always go in. Then come shared documents, and the earlier messages from the newest to the
oldest, until the budget is used. Each message of another begins with its author, as a sidecar types it:
`[alice -> all #12] text`. A line of a text that looks like such a beginning has a backslash before it, so no message
can pose as another one. What the program says itself begins with such a bracket, too, so no message can pose as that
either. Only what this member itself has said is a turn of the model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from gateway.protocol.events import Message
from gateway.protocol.text.attachments import attachments_of
from gateway.protocol.types.core_types import EVERYONE_NAME
from sidecar.connectors.connector_interface import ConversationTurn, Speaker
from sidecar.messages.attachment_text import QUOTE_BAR
from sidecar.messages.envelope import clean_text, join_lines
from sidecar.messages.envelope_escaping import escape_line

BYTES_PER_TOKEN = 3  # a token has four on average in English, fewer elsewhere: rather too many tokens than too few
TOKENS_OF_MESSAGE = 4  # what a vendor adds to each
DEFAULT_BUDGET_TOKENS = 16_000
DOCUMENTS_SHARE = 4  # documents get at most this part of the budget
CUT_MARK = "[...]"


@dataclass(frozen=True)
class SharedText:
    """A shared document of the room."""

    name: str
    version: int
    by: str
    document: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SeenConversation:
    """`asked` is to be answered; `earlier` is what else this member may read there. `me` is its name."""

    me: str
    asked: Sequence[Message]
    earlier: Sequence[Message] = ()
    documents: Sequence[SharedText] = ()
    has_more: bool = False  # still earlier ones, which were not read


def count_tokens(text: str) -> int:
    """About how many tokens a text has."""
    return len(text.encode(errors="replace")) // BYTES_PER_TOKEN + TOKENS_OF_MESSAGE


def pack_conversation(talk: SeenConversation, budget: int = DEFAULT_BUDGET_TOKENS) -> list[ConversationTurn]:
    asked = [_shown(one, talk.me, budget // max(1, 2 * len(talk.asked))) for one in _in_order(talk.asked)]
    left = budget - sum(map(count_tokens, asked))
    documents = _pack_documents(talk.documents, min(left, budget // DOCUMENTS_SHARE))
    left -= sum(map(count_tokens, documents))
    answered = {one.seq for one in talk.asked}
    earlier = [one for one in _in_order(talk.earlier) if one.seq not in answered and _may_follow(one, talk.asked)]
    kept = _newest_that_fit(earlier, talk.me, left)
    head = _left_out_text(len(earlier) - len(kept), talk.has_more)
    spoken = [(Speaker.MODEL if one.from_ == talk.me else Speaker.ROOM, text) for one, text in kept]
    room = ((Speaker.ROOM, text) for text in (*documents, *head))
    return _joined_turns([*room, *spoken, *((Speaker.ROOM, text) for text in asked)])


def _left_out_text(count: int, has_more: bool) -> list[str]:
    if not count:
        return ["[earlier messages are left out]"] if has_more else []
    return [f"[{'more than ' if has_more else ''}{count} earlier messages are left out]"]


def _may_follow(earlier: Message, asked: Sequence[Message]) -> bool:
    """What was said to this member alone is no part of what everyone may read the answer to. A direct message is
    answered with what its two ends have said to each other, and with what everyone has read."""
    if not earlier.recipients:
        return True
    ends = {one.from_ for one in asked if one.recipients}
    return bool(ends) and ({earlier.from_, *earlier.recipients} & ends) == ends


def _in_order(messages: Iterable[Message]) -> list[Message]:
    return sorted(messages, key=lambda one: one.seq)


def _newest_that_fit(messages: Sequence[Message], me: str, budget: int) -> list[tuple[Message, str]]:
    kept: list[tuple[Message, str]] = []
    for one in reversed(messages):
        text = clean_text(one.content) if one.from_ == me else _shown(one, me, budget)
        budget -= count_tokens(text)
        if budget < 0:
            break
        kept.append((one, text))
    return kept[::-1]


def _shown(message: Message, me: str, budget: int) -> str:
    """A message of another with its author, and with what is attached to it."""
    head = join_lines(clean_text(f"[{message.from_} -> {_audience(message, me)} #{message.seq}]"))
    body = "\n".join(map(escape_line, clean_text(message.content).split("\n"))).strip("\n")
    return _cut("\n".join((f"{head} {body}".rstrip(), *_attached_lines(message))), budget)


def _attached_lines(message: Message) -> Iterator[str]:
    """Each quoted line begins with a bar, so none can begin like an author."""
    for one in attachments_of(message):
        yield join_lines(clean_text(f"with {one.name}"))
        yield from (f"{QUOTE_BAR}{line}" for line in clean_text(one.text).removesuffix("\n").split("\n") if one.text)


def _audience(message: Message, me: str) -> str:
    names = message.recipients or message.wakes
    if not names:
        return EVERYONE_NAME
    return ", ".join(names) + (", in public" if message.wakes and not message.recipients else "")


def _cut(text: str, budget: int) -> str:
    """The beginning and the end of a text that is longer than its budget."""
    data = text.encode(errors="replace")
    most = max(0, budget - TOKENS_OF_MESSAGE) * BYTES_PER_TOKEN
    if len(data) <= most:
        return text
    half = max(64, (most - len(CUT_MARK)) // 2)
    return f"{data[:half].decode(errors='ignore')}\n{CUT_MARK}\n{data[-half:].decode(errors='ignore')}"


def _pack_documents(documents: Sequence[SharedText], budget: int) -> list[str]:
    shown: list[str] = []
    left_out: list[str] = []
    for one in documents:
        text = _shown_document(one)
        if count_tokens(text) <= budget:
            budget -= count_tokens(text)
            shown.append(text)
        else:
            left_out.append(one.name)
    names = join_lines(clean_text(", ".join(left_out)))
    return [*shown, *([f"[shared documents that are too long to be shown: {names}]"] if left_out else [])]


def _shown_document(one: SharedText) -> str:
    """As JSON on indented lines, none of which can begin like an author."""
    lines = json.dumps(one.document, ensure_ascii=False, indent=1).split("\n")
    head = join_lines(clean_text(f"[shared document {one.name}, version {one.version}, last changed by {one.by}]"))
    return "\n".join((head, *(f"{QUOTE_BAR}{clean_text(line)}" for line in lines)))


def _joined_turns(spoken: Sequence[tuple[Speaker, str]]) -> list[ConversationTurn]:
    """Neighbours of one side together; every vendor wants the room to begin."""
    return list(_room_first(_grouped(spoken)))


def _grouped(spoken: Sequence[tuple[Speaker, str]]) -> Iterator[ConversationTurn]:
    for speaker, group in groupby(spoken, key=lambda one: one[0]):
        if text := "\n\n".join(text for _, text in group if text.strip()):
            yield ConversationTurn(speaker, text)


def _room_first(turns: Iterable[ConversationTurn]) -> Iterator[ConversationTurn]:
    for number, turn in enumerate(turns):
        if number == 0 and turn.speaker is Speaker.MODEL:
            yield ConversationTurn(Speaker.ROOM, "[the conversation has begun earlier]")
        yield turn
