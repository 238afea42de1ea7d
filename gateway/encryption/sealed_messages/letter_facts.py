"""What a message says of itself to everyone, as facts that are compared with its letter; and the letter of a message
that is about to leave. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.encryption.sealed_messages.letters import LETTER_FORMAT, Letter, StampedFacts
from gateway.protocol.events import Message
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.text.addressing import Everyone, parse_address
from gateway.protocol.types.core_types import is_name

# What the gateway itself must read of a context; the rest of it travels in the letter alone.
OPEN_CONTEXT_FIELDS = ("answers", "tokens")
_TO_ROLES = "@"


@dataclass(frozen=True)
class LetterPlace:
    """Where a letter goes and stands: chat, room, its writer's key and chain."""

    house: str
    room: str
    sender: str
    sender_key: int
    stream: bytes
    counter: int
    previous: bytes


@dataclass(frozen=True)
class LetterSecrecy:
    """Under which key of the room a letter is sealed; `is_plain`: it is only signed."""

    room_key: int = 0
    room_key_id: bytes = b""
    is_plain: bool = False


def addresses_of(to: Sequence[str] | str) -> tuple[str, ...]:
    """Names and other addresses, without `@`; none for everyone."""
    given = to.split() if isinstance(to, str) else to
    parsed = [parse_address(one.strip(",")) for one in given]
    if any(isinstance(one, Everyone) for one in parsed):
        return ()
    return tuple(dict.fromkeys(str(one).removeprefix("@") for one in parsed))


def has_only_names(addresses: Sequence[str]) -> bool:
    return all(is_name(one) for one in addresses)


def conversation_of(room: str, writer: str, names: Sequence[str]) -> str:
    """The conversation that a message belongs to: what everyone reads in a room, or the same people there. All that a
    writer sends to roles there is one conversation: whom it reaches changes, so what is missing cannot be told, but
    what is repeated can."""
    if not has_only_names(names):
        return f"#{room} {_TO_ROLES}"
    people = ",".join(sorted({writer, *names})) if names else ""
    return f"#{room} {people}".rstrip()


def reaches_all_the_same(conversation: str) -> bool:
    """Whether everybody who gets one message of this conversation gets all of them."""
    return not conversation.endswith(f" {_TO_ROLES}")


def stamped_facts(house: str, message: Message) -> StampedFacts:
    return StampedFacts(
        house=house,
        sender=message.from_,
        room=message.room,
        recipients=addresses_of(message.to),
        client_id=message.id,
        reply_to=message.reply_to,
        kind=message.kind,
        wakes=message.wakes,
        replaces=message.replaces,
        interrupt=message.interrupt,
    )


def write_letter(request: Send, place: LetterPlace, secrecy: LetterSecrecy) -> Letter:
    return Letter(
        format=LETTER_FORMAT,
        house=place.house,
        sender=place.sender,
        sender_key=place.sender_key,
        room=place.room,
        recipients=addresses_of(request.to),
        client_id=request.id or "",
        room_key=secrecy.room_key,
        room_key_id=secrecy.room_key_id,
        reply_to=request.reply_to,
        kind=request.kind,
        stream=place.stream,
        counter=place.counter,
        previous=place.previous,
        text=request.content,
        wakes=tuple(one.removeprefix("@").lower() for one in request.wakes),
        parts=request.parts,
        context=_context_text(request.context),
        is_plain=secrecy.is_plain,
        replaces=request.replaces,
        interrupt=request.interrupt,
    )


def open_context(context: dict[str, Any] | None) -> dict[str, Any] | None:
    """What of a context travels beside a sealed letter."""
    kept = {key: value for key, value in (context or {}).items() if key in OPEN_CONTEXT_FIELDS}
    return kept or None


def _context_text(context: dict[str, Any] | None) -> str:
    return "" if context is None else msgspec.json.encode(context).decode()
