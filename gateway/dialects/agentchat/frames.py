"""The frames of AgentChat. Pure: values in, values out."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import msgspec

from gateway.api import stream_frames
from gateway.dialects.agentchat import name_mapping
from gateway.dialects.message_conversion import milliseconds, plain_text
from gateway.model.state import GatewayState
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
from gateway.protocol.text.attachments import context_for_readers
from gateway.protocol.types.core_types import Signed
from gateway.push.event_broadcaster import OutgoingEvent, Renderer

MAX_CONTENT_CHARS = 4096
MAX_REPLAYED_MESSAGES = 20
NULL_JSON = msgspec.Raw(b"null")


class IdentifyRequest(msgspec.Struct, tag_field="type", tag="IDENTIFY"):
    name: str
    pubkey: str | None = None


class ProveRequest(msgspec.Struct, tag_field="type", tag="PROVE"):
    """The answer to a challenge, from clients that can give one. Not part of protocol 0.3."""

    sig: str


class JoinRequest(msgspec.Struct, tag_field="type", tag="JOIN"):
    channel: str


class LeaveRequest(msgspec.Struct, tag_field="type", tag="LEAVE"):
    channel: str


class MessageRequest(msgspec.Struct, tag_field="type", tag="MSG"):
    """`ts` is signed if there is a signature, so its digits are kept as they came."""

    to: str
    content: str
    sig: str | None = None
    ts: msgspec.Raw = NULL_JSON


class ListChannelsRequest(msgspec.Struct, tag_field="type", tag="LIST_CHANNELS"):
    pass


class ListAgentsRequest(msgspec.Struct, tag_field="type", tag="LIST_AGENTS"):
    channel: str


class CreateChannelRequest(msgspec.Struct, tag_field="type", tag="CREATE_CHANNEL"):
    channel: str
    invite_only: bool | None = None


class InviteRequest(msgspec.Struct, tag_field="type", tag="INVITE"):
    channel: str
    agent: str


class PingRequest(msgspec.Struct, tag_field="type", tag="PING"):
    pass


class ProposeRequest(msgspec.Struct, tag_field="type", tag="PROPOSAL"):
    """Numbers keep their digits, because they are signed. `expires` is in seconds from now."""

    to: str
    task: str
    sig: str | None = None
    amount: msgspec.Raw = NULL_JSON
    currency: str | None = None
    payment_code: str | None = None
    terms: str | None = None
    expires: msgspec.Raw = NULL_JSON


class AcceptRequest(msgspec.Struct, tag_field="type", tag="ACCEPT"):
    proposal_id: str
    sig: str | None = None
    payment_code: str | None = None


class RejectRequest(msgspec.Struct, tag_field="type", tag="REJECT"):
    proposal_id: str
    sig: str | None = None
    reason: str | None = None


class CompleteRequest(msgspec.Struct, tag_field="type", tag="COMPLETE"):
    proposal_id: str
    sig: str | None = None
    proof: str | None = None


class DisputeRequest(msgspec.Struct, tag_field="type", tag="DISPUTE"):
    proposal_id: str
    reason: str
    sig: str | None = None


ProposalAnswer = AcceptRequest | RejectRequest | CompleteRequest | DisputeRequest
QueryRequest = PingRequest | ListChannelsRequest | ListAgentsRequest
AgentChatFrame = (
    QueryRequest
    | IdentifyRequest
    | ProveRequest
    | JoinRequest
    | LeaveRequest
    | MessageRequest
    | CreateChannelRequest
    | InviteRequest
    | ProposeRequest
    | ProposalAnswer
)
_decoder: msgspec.json.Decoder[AgentChatFrame] = msgspec.json.Decoder(AgentChatFrame)


def decode_client_frame(data: str | bytes) -> AgentChatFrame:
    """Decode a client's frame, or raise an error that says what is wrong."""
    codec.check_decoding_cost(data)
    try:
        return _decoder.decode(data)
    except msgspec.ValidationError as error:
        raise BadRequest(f"This frame is invalid: {error}.") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise BadRequest("This is not valid JSON.") from None


# errors


class SignatureRequired(BadRequest):
    """Only a client with a key can do this."""


class InvalidProposal(BadRequest):
    """The error's message is the name of the cause, as existing clients show it."""


CODE_BY_ERROR: dict[type[GroupChatError], str] = {
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


def error_code_of(error: GroupChatError) -> str:
    return next(CODE_BY_ERROR[kind] for kind in type(error).__mro__ if kind in CODE_BY_ERROR)


# frames from the gateway


def encode_reply(kind: str, ts: int, **fields: Any) -> bytes:
    return stream_frames.encode_websocket_text(codec.encode({"type": kind, "ts": ts, **fields}))


def error_frame(error: GroupChatError, ts: int, **more: Any) -> bytes:
    return encode_reply("ERROR", ts, code=error_code_of(error), message=error.message, **more)


def channel_message_frame(state: GatewayState, message: Message, to: str, **more: Any) -> bytes:
    """A channel message as its readers see it; a signed one exactly as it was signed, so that they can verify it."""
    body = {"to": to, "content": _content_text(message), "ts": milliseconds(message.timestamp)}
    if message.signed is not None and (signed := _signed_fields(message.signed, message.content)):
        body = {**signed, "sig": message.signed.signature}
    return encode_reply("MSG", **{**body, "from": name_mapping.at_id(state, message.from_), **more})


def _content_text(message: Message) -> str:
    return plain_text(message) or codec.encode(context_for_readers(message)).decode()


def direct_message_frame(state: GatewayState, message: Message, reader: str) -> bytes:
    """A direct message, for its sender or its recipient."""
    to = reader if reader in message.recipients else message.recipients[0]
    return channel_message_frame(state, message, name_mapping.at_id(state, to))


def invitation_frame(state: GatewayState, event: RoomEvent, guest: str) -> bytes:
    content = f"You have been invited to {name_mapping.channel_of_room(event.room)}"
    by, to = name_mapping.at_id(state, event.by), name_mapping.at_id(state, guest)
    return encode_reply("MSG", milliseconds(event.timestamp), **{"from": by, "to": to, "content": content})


def channel_renderer(state: GatewayState) -> Renderer:
    """A renderer of messages to everyone in a room, shared by all clients that use the channel's usual name."""

    def render(outgoing: OutgoingEvent) -> bytes | None:
        event = outgoing.event
        return (
            channel_message_frame(state, event, name_mapping.channel_of_room(event.room))
            if isinstance(event, Message)
            else None
        )

    return render


def agent_ids(state: GatewayState, members: Sequence[str]) -> list[str]:
    return [name_mapping.at_id(state, name) for name in members]


# signatures


def text_to_sign(to: str, content: str, ts: str) -> bytes:
    """The bytes that a client signs for a message: this object as JavaScript serialises it."""
    return f'{{"to":{_javascript_quoted(to)},"content":{_javascript_quoted(content)},"ts":{ts}}}'.encode()


def _javascript_quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def text_to_prove(agent: str, challenge: str) -> bytes:
    """The bytes that are signed to prove a key. No other signed text can be mistaken for them."""
    return f"PROVE|{agent}|{challenge}".encode()


def signed_message(frame: MessageRequest, pem: str) -> Signed:
    ts = bytes(frame.ts).decode()
    if not ts.isdigit() or len(ts) > 16:
        raise BadRequest("A signed message needs `ts`, the time of signing in whole milliseconds.")
    payload = text_to_sign(frame.to, frame.content, ts)
    return Signed(base64.b64encode(payload).decode(), frame.sig or "", pem)


def _signed_fields(signed: Signed, content: str) -> dict[str, Any] | None:
    """The fields as they were signed; None if the signature covers something else."""
    try:
        payload = base64.b64decode(signed.payload)
        fields = msgspec.json.decode(payload, type=dict[str, str | int])
    except (ValueError, msgspec.DecodeError):
        return None
    if fields.keys() != {"to", "content", "ts"} or fields["content"] != content:
        return None
    rebuilt = text_to_sign(str(fields["to"]), content, str(fields["ts"]))
    return fields if rebuilt == payload else None
