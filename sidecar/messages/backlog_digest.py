"""Merges many waiting messages into one digest: every number is in it, old texts are cut, the newest is whole. Pure.

The text depends only on the messages and on no clock, because it is compared with the composer until it is proven.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from gateway.protocol.events import Message
from gateway.protocol.types.core_types import DEFAULT_ROOM
from sidecar.messages.envelope import add_under_envelope, clean_text, envelope_message, join_lines

MAX_WHOLE_MESSAGES = 20  # this many are typed unchanged
MAX_MESSAGES = 100
MIN_MESSAGES, MIN_SPAN_S = 4, 1800.0  # this many over this span are history, not a conversation
MAX_TEXT_CHARS = 8000  # all texts together
MIN_MESSAGE_CHARS = 120  # each text

HEADER_TEXT = "Catch-up: {count} messages have waited for you. Answer once, with what still matters."
CUT_HINT_TEXT = (
    " A text that ends in [+N] goes on for N characters: peer_history with {room}before = its number + 1 and limit = 1 "
    "shows it whole."
)


def needs_digest(messages: Sequence[Message]) -> bool:
    if len(messages) > MAX_WHOLE_MESSAGES:
        return True
    return len(messages) >= MIN_MESSAGES and _span_s(messages) >= MIN_SPAN_S


def _span_s(messages: Sequence[Message]) -> float:
    """Seconds between the oldest and the newest of them."""
    try:
        said = [datetime.fromisoformat(one.timestamp) for one in messages]
    except ValueError:
        return 0.0
    return (max(said) - min(said)).total_seconds()


def digest_text(messages: Sequence[Message], me: str, template: str, under: Mapping[int, str] | None = None) -> str:
    """Envelopes are at the beginnings of lines, as always, because they prove the prompt. `under`: the attachments of a
    message, by its number."""
    texts = {one.seq: text for one, text in zip(messages, _message_texts(messages, me), strict=True)}
    cut = any(texts[one.seq] != one.content for one in messages if texts[one.seq].endswith("]"))
    head = HEADER_TEXT.format(count=len(messages)) + (cut_hint(messages[0].room) if cut else "")
    enveloped = ((one.seq, envelope_message(one, me, texts[one.seq], template)) for one in messages)
    return "\n".join((head, *(add_under_envelope(text, (under or {}).get(number, "")) for number, text in enveloped)))


def cut_hint(room: str) -> str:
    return CUT_HINT_TEXT.format(room="" if room in ("", DEFAULT_ROOM) else f"room = {room}, ")


def _message_texts(messages: Sequence[Message], me: str) -> Iterator[str]:
    contents = [clean_text(one.content) for one in messages]
    whole = _numbers_kept_whole(messages, [len(one) for one in contents], me)
    for place, content in enumerate(contents):
        yield content if place in whole else shorten_text(content)


def shorten_text(text: str) -> str:
    """The beginning as one line, and how many more characters there are."""
    if len(text) <= MIN_MESSAGE_CHARS:
        return text
    return f"{join_lines(text[:MIN_MESSAGE_CHARS]).rstrip()} [+{len(text) - MIN_MESSAGE_CHARS}]"


def _numbers_kept_whole(messages: Sequence[Message], sizes: Sequence[int], me: str) -> set[int]:
    """The newest is always whole. Then come messages that name this agent, which get twice the space, then the rest,
    each from the newest on."""
    newest = max(range(len(messages)), key=lambda place: messages[place].seq)
    whole = {newest, *(place for place, size in enumerate(sizes) if size <= MIN_MESSAGE_CHARS)}
    used = sum(size if place in whole else MIN_MESSAGE_CHARS for place, size in enumerate(sizes))
    named = {place for place, one in enumerate(messages) if _is_named(one, me)}
    for place in sorted(set(range(len(messages))) - whole, key=lambda one: (one not in named, -messages[one].seq)):
        more = sizes[place] - MIN_MESSAGE_CHARS
        if used + more <= (2 * MAX_TEXT_CHARS if place in named else MAX_TEXT_CHARS):
            used += more
            whole.add(place)
    return whole


def _is_named(message: Message, me: str) -> bool:
    return me in (*message.recipients, *message.wakes) or f"@{me}" in message.content.lower()
