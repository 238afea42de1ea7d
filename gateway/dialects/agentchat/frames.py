"""The frames of AgentChat. Pure: values in, values out."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.api import frames
from gateway.dialects.agentchat import names
from gateway.dialects.common_text import milliseconds, plain_text
from gateway.model.state import House
from gateway.protocol import codec
from gateway.protocol.errors import (
    BadRequest,
    Forbidden,
    GroupChatError,
    InvalidName,
    NotFound,
    RateLimited,
    RoomExists,
    Unauthorized,
    UnknownRoom,
)
from gateway.protocol.events import Message, RoomEvent
from gateway.protocol.types import Signed
from gateway.push.broadcaster import Renderer, Sheet

MOST_CONTENT = 4096
MOST_REPLAYED = 20
SERVER = "llm-groupchat"
NULL = msgspec.Raw(b"null")


class Identify(msgspec.Struct, tag_field="type", tag="IDENTIFY"):
    name: str
    pubkey: str | None = None


class Prove(msgspec.Struct, tag_field="type", tag="PROVE"):
    """Not of 0.3: the answer to a challenge, by those who can give one."""

    sig: str


class Join(msgspec.Struct, tag_field="type", tag="JOIN"):
    channel: str


class Leave(msgspec.Struct, tag_field="type", tag="LEAVE"):
    channel: str


class Say(msgspec.Struct, tag_field="type", tag="MSG"):
    """`ts` matters where there is a signature: it is signed, so its digits are kept as they came."""

    to: str
    content: str
    sig: str | None = None
    ts: msgspec.Raw = NULL


class ListChannels(msgspec.Struct, tag_field="type", tag="LIST_CHANNELS"):
    pass


class ListAgents(msgspec.Struct, tag_field="type", tag="LIST_AGENTS"):
    channel: str


class CreateChannel(msgspec.Struct, tag_field="type", tag="CREATE_CHANNEL"):
    channel: str
    invite_only: bool | None = None


class Invite(msgspec.Struct, tag_field="type", tag="INVITE"):
    channel: str
    agent: str


class Ping(msgspec.Struct, tag_field="type", tag="PING"):
    pass


class Propose(msgspec.Struct, tag_field="type", tag="PROPOSAL"):
    """Numbers are kept as they came: their digits are signed. `expires` is in seconds from now."""

    to: str
    task: str
    sig: str | None = None
    amount: msgspec.Raw = NULL
    currency: str | None = None
    payment_code: str | None = None
    terms: str | None = None
    expires: msgspec.Raw = NULL


class Accept(msgspec.Struct, tag_field="type", tag="ACCEPT"):
    proposal_id: str
    sig: str | None = None
    payment_code: str | None = None


class Reject(msgspec.Struct, tag_field="type", tag="REJECT"):
    proposal_id: str
    sig: str | None = None
    reason: str | None = None


class Complete(msgspec.Struct, tag_field="type", tag="COMPLETE"):
    proposal_id: str
    sig: str | None = None
    proof: str | None = None


class Dispute(msgspec.Struct, tag_field="type", tag="DISPUTE"):
    proposal_id: str
    reason: str
    sig: str | None = None


Answer = Accept | Reject | Complete | Dispute
Asking = Ping | ListChannels | ListAgents
Frame = Asking | Identify | Prove | Join | Leave | Say | CreateChannel | Invite | Propose | Answer
_decoder: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)


def frame_of(data: str | bytes) -> Frame:
    """What a client said, or a sentence about what is wrong with it."""
    try:
        return _decoder.decode(data)
    except msgspec.ValidationError as error:
        raise BadRequest(f"This is not a frame of this protocol: {error}.") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise BadRequest("This is not JSON.") from None


# errors


class SignatureRequired(BadRequest):
    """Only who has a key can do this."""


class InvalidProposal(BadRequest):
    """Its one message is the name of the cause, as the existing clients show it."""


CODES: dict[type[GroupChatError], str] = {
    GroupChatError: "INVALID_MSG",
    InvalidName: "INVALID_NAME",
    Unauthorized: "AUTH_REQUIRED",
    Forbidden: "NOT_INVITED",
    NotFound: "AGENT_NOT_FOUND",
    UnknownRoom: "CHANNEL_NOT_FOUND",
    RoomExists: "CHANNEL_EXISTS",
    RateLimited: "RATE_LIMITED",
    SignatureRequired: "SIGNATURE_REQUIRED",
    InvalidProposal: "INVALID_PROPOSAL",
}


def code_of(error: GroupChatError) -> str:
    return next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)


# what the gateway says


def frame(kind: str, ts: int, **fields: Any) -> bytes:
    return frames.websocket_text(codec.encode({"type": kind, "ts": ts, **fields}))


def refusal(error: GroupChatError, ts: int, **more: Any) -> bytes:
    return frame("ERROR", ts, code=code_of(error), message=error.message, **more)


def said(house: House, message: Message, to: str, **more: Any) -> bytes:
    """A message as its readers see it; a signed one exactly as it was signed, or nobody could check it."""
    body = {"to": to, "content": _content(message), "ts": milliseconds(message.timestamp)}
    if message.signed is not None and (signed := _as_signed(message.signed, message.content)):
        body = {**signed, "sig": message.signed.signature}
    return frame("MSG", **{**body, "from": names.at(house, message.from_), **more})


def _content(message: Message) -> str:
    return plain_text(message) or codec.encode(message.context).decode()


def direct(house: House, message: Message, reader: str) -> bytes:
    """What is said between two, for either end."""
    to = reader if reader in message.recipients else message.recipients[0]
    return said(house, message, names.at(house, to))


def invitation(house: House, event: RoomEvent, guest: str) -> bytes:
    content = f"You have been invited to {names.channel_of(event.room)}"
    by, to = names.at(house, event.by), names.at(house, guest)
    return frame("MSG", milliseconds(event.timestamp), **{"from": by, "to": to, "content": content})


def in_channel(house: House) -> Renderer:
    """What is said to everyone in a room, as all see it who call the channel by its usual name."""

    def render(sheet: Sheet) -> bytes | None:
        event = sheet.event
        return said(house, event, names.channel_of(event.room)) if isinstance(event, Message) else None

    return render


def agents(house: House, members: Sequence[str]) -> list[str]:
    return [names.at(house, name) for name in members]


# signatures


def signing_text(to: str, content: str, ts: str) -> bytes:
    """The bytes that a client signs of a message: this object as JavaScript writes it."""
    return f'{{"to":{_quoted(to)},"content":{_quoted(content)},"ts":{ts}}}'.encode()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def proof_text(agent: str, challenge: str) -> bytes:
    """The bytes that prove a key, made so that nothing else that is signed here can be taken for them."""
    return f"PROVE|{agent}|{challenge}".encode()


def signed_message(frame: Say, pem: str) -> Signed:
    ts = bytes(frame.ts).decode()
    if not ts.isdigit() or len(ts) > 16:
        raise BadRequest("A signed message needs the time it was signed with: `ts`, in whole milliseconds.")
    payload = signing_text(frame.to, frame.content, ts)
    return Signed(base64.b64encode(payload).decode(), frame.sig or "", pem)


def _as_signed(signed: Signed, content: str) -> dict[str, Any] | None:
    """The fields as they were signed; None for a signature that was made over something else."""
    try:
        payload = base64.b64decode(signed.payload)
        fields = msgspec.json.decode(payload, type=dict[str, str | int])
    except (ValueError, msgspec.DecodeError):
        return None
    if fields.keys() != {"to", "content", "ts"} or fields["content"] != content:
        return None
    rebuilt = signing_text(str(fields["to"]), content, str(fields["ts"]))
    return fields if rebuilt == payload else None
