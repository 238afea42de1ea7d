"""The frames that clients of Skynet Linker send, and their validation. Pure: bytes in, values or errors out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gateway.dialects.skynet.name_mapping import MAX_CHANNEL_CHARS, MAX_ID_CHARS
from gateway.dialects.skynet.wire.validation_errors import AllowedNames, explain_error
from gateway.protocol import codec
from gateway.protocol.errors import BadJson, BadRequest

AgentId = Annotated[str, Meta(min_length=1, max_length=MAX_ID_CHARS, pattern="^[a-zA-Z0-9_-]+$")]
MessageId = Annotated[str, Meta(min_length=1, max_length=128)]
Channel = Annotated[str, Meta(min_length=1, max_length=MAX_CHANNEL_CHARS)]
MessageType = Literal["task", "reply", "context_update", "broadcast", "heartbeat", "ack", "error"]
Strategy = Literal["all", "round_robin", "priority", "load"]

MESSAGE_TYPES: tuple[str, ...] = get_args(MessageType)
STRATEGIES: tuple[str, ...] = get_args(Strategy)

T = TypeVar("T")

DEFAULT_TTL_S = 3600
MAX_TTL_S = 86_400
TYPES_WITH_TARGET = ("task", "reply", "ack")


class KnownContext(msgspec.Struct):
    """The fields of `payload.context` that have a meaning; others are passed on. `agent_type` with a `strategy` sends
    the message to one agent of that type instead of to a named one."""

    session_id: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    parent_message_id: Annotated[str, Meta(max_length=128)] | None = None
    priority: Annotated[int, Meta(ge=1, le=10)] | None = None
    tags: list[str] | None = None
    agent_type: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    strategy: Strategy | None = None


class KnownMeta(msgspec.Struct):
    """The fields of `payload.meta` that have a meaning; others are passed on."""

    timestamp: str | None = None
    ttl: Annotated[int, Meta(ge=0, le=MAX_TTL_S)] | None = None
    requires_ack: bool | None = None
    retry_count: Annotated[int, Meta(ge=0)] | None = None


class Payload(msgspec.Struct, forbid_unknown_fields=True):
    content: Any
    context: dict[str, Any]
    meta: dict[str, Any]


class WireMessage(msgspec.Struct, forbid_unknown_fields=True):
    """A message as its sender wrote it. The gateway stamps the sender, so `from_agent` is checked and not believed."""

    id: MessageId
    from_agent: AgentId
    type: MessageType
    channel: Channel
    payload: Payload
    timestamp: str
    trace_id: MessageId
    to_agent: AgentId | None = None
    parent_id: Annotated[str, Meta(max_length=128)] | None = None
    encrypted: bool = False
    signature: str | None = None

    @property
    def known_context(self) -> KnownContext:
        return _known(self.payload.context, KnownContext, "payload.context")

    @property
    def known_meta(self) -> KnownMeta:
        return _known(self.payload.meta, KnownMeta, "payload.meta")


class ControlParams(msgspec.Struct):
    """Parameters of a control action. Others than these are ignored."""

    channel: Channel | UnsetType = UNSET


class ControlData(msgspec.Struct):
    action: str
    params: ControlParams = msgspec.field(default_factory=ControlParams)


class McpMessageFrame(msgspec.Struct, tag_field="type", tag="mcp_message"):
    data: WireMessage


class ControlFrame(msgspec.Struct, tag_field="type", tag="control"):
    data: ControlData


FRAME_NAMES = AllowedNames(
    fields={"data": WireMessage.__struct_fields__, "data.payload": Payload.__struct_fields__},
    values={"type": ("mcp_message", "control"), "data.type": MESSAGE_TYPES},
)
CONTEXT_NAMES = AllowedNames(fields={}, values={"strategy": STRATEGIES})
SkynetFrame = McpMessageFrame | ControlFrame
_decoder: msgspec.json.Decoder[SkynetFrame] = msgspec.json.Decoder(SkynetFrame)


class _Numbered(msgspec.Struct):
    id: Any = None


class _IdOfFrame(msgspec.Struct):
    data: _Numbered = msgspec.field(default_factory=_Numbered)


def decode_skynet_frame(data: str | bytes) -> SkynetFrame:
    """Decode a client's frame, or raise an error that says what is wrong."""
    codec.check_decoding_cost(data)
    try:
        frame = _decoder.decode(data)
    except msgspec.ValidationError as error:
        raise BadRequest(explain_error(str(error), FRAME_NAMES) or f"This frame is invalid: {error}.") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise BadJson("This is not valid JSON.") from None
    if isinstance(frame, McpMessageFrame):
        check_wire_message(frame.data)
    return frame


def id_of_frame(data: str | bytes) -> str | None:
    """The id of the message in a frame that is invalid otherwise, so that its error names it."""
    try:
        found = msgspec.json.decode(data, type=_IdOfFrame).data.id
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return found[:128] if isinstance(found, str) else None


def check_wire_message(message: WireMessage) -> None:
    """What the structure alone does not say."""
    context = message.known_context
    check_iso(message.timestamp, "timestamp")
    if (stamp := message.known_meta.timestamp) is not None:
        check_iso(stamp, "payload.meta.timestamp")
    if context.strategy is not None and context.agent_type is None:
        raise BadRequest("`payload.context.strategy` needs `payload.context.agent_type` beside it.")
    if message.to_agent is not None and context.agent_type is not None and context.strategy is not None:
        raise BadRequest("Give either `to_agent` or `payload.context.agent_type` with a strategy, not both.")
    has_target = message.to_agent is not None or context.strategy is not None
    if message.type == "broadcast" and has_target:
        raise BadRequest("A `broadcast` has no `to_agent`. Send a `task`, or leave it out.")
    if message.type in TYPES_WITH_TARGET and not has_target:
        raise BadRequest(f"A message of the type `{message.type}` needs `to_agent`.")
    if message.encrypted:
        raise BadRequest(
            "This gateway has no key, and does not pass on a payload that it cannot show to the people in the room. "
            "Send it unencrypted. Sealed rooms come with a later version."
        )


def check_iso(stamp: str, where: str) -> str:
    try:
        datetime.fromisoformat(stamp)
    except ValueError:
        raise BadRequest(f"`{where}` must be an ISO 8601 time, not {stamp[:40]!r}.") from None
    return stamp


def _known(fields: dict[str, Any], kind: type[T], where: str) -> T:
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        sentence = explain_error(str(error), CONTEXT_NAMES, where)
        raise BadRequest(sentence or f"`{where}` is invalid: {error}.") from None
