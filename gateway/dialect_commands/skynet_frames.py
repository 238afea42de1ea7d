"""What a Skynet server sends: frames of its WebSocket and answers of its REST interface. Pure, and lenient: the server
may be of any version, so what is missing gets a default, and what is unknown is passed on.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from gateway.protocol.errors import ERROR_BY_CODE, ErrorBody, GroupChatError, error_from_body

T = TypeVar("T")
Json = dict[str, Any]
CODE_BY_STATUS = {error.status: code for code, error in reversed(ERROR_BY_CODE.items())} | {422: "bad_request"}
MAX_QUOTED_CHARS = 200


class ReceivedPayload(msgspec.Struct, frozen=True):
    content: Any = None
    context: Json = {}
    meta: Json = {}


class ReceivedMessage(msgspec.Struct, frozen=True):
    """A message. `fields` is all of it, as it came."""

    from_agent: str = "unknown"
    to_agent: str | None = None
    type: str = "unknown"
    channel: str = ""
    id: str = ""
    payload: ReceivedPayload = ReceivedPayload()
    timestamp: str = ""
    fields: Json = {}


class ReceivedControl(msgspec.Struct, frozen=True):
    action: str = ""
    params: Json = {}


class ReceivedError(msgspec.Struct, frozen=True):
    error: str = ""
    error_code: str = ""


class UnreadableFrame(msgspec.Struct, frozen=True):
    why: str


ReceivedFrame = ReceivedMessage | ReceivedControl | ReceivedError | UnreadableFrame


class _Frame(msgspec.Struct):
    type: str
    data: Json = {}


def decode_server_frame(data: str | bytes) -> ReceivedFrame:
    try:
        frame = msgspec.json.decode(data, type=_Frame)
        match frame.type:
            case "mcp_message":
                return msgspec.structs.replace(msgspec.convert(frame.data, ReceivedMessage), fields=frame.data)
            case "control":
                return msgspec.convert(frame.data, ReceivedControl)
            case "error":
                return msgspec.convert(frame.data, ReceivedError)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        return UnreadableFrame(str(error)[:MAX_QUOTED_CHARS])
    return UnreadableFrame(f"its type is {frame.type[:MAX_QUOTED_CHARS]!r}")


class ListedAgent(msgspec.Struct, frozen=True):
    """An agent in the list. `metadata` is free; our gateway puts there when it last heard of the agent."""

    agent_id: str
    agent_type: str = ""
    priority: int = 0
    channels: list[str] = []
    message_count: int = 0
    connected_at: str | None = None
    metadata: Json = {}


class AgentList(msgspec.Struct, frozen=True):
    total: int = 0
    agents: list[ListedAgent] = []


class SendOutcome(msgspec.Struct, frozen=True):
    success: bool = False
    message_id: str | None = None
    recipients: list[str] = []
    error: str | None = None


class ContextOutcome(msgspec.Struct, frozen=True):
    success: bool = False
    context: Json | None = None
    error: str | None = None


class _Details(msgspec.Struct):
    code: str = ""
    nearest: tuple[str, ...] = ()
    retry_after: float | None = None


class _OurError(msgspec.Struct):
    error: str
    details: _Details | None = None


def error_of_answer(status: int, body: bytes) -> GroupChatError:
    """The error in an answer: ours has a stable code, that of the original server a sentence, a proxy's neither."""
    code = CODE_BY_STATUS.get(status, "unavailable" if status >= 500 else "bad_request")
    try:
        found = msgspec.json.decode(body, type=_OurError)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        quoted = body[:MAX_QUOTED_CHARS].decode(errors="replace")
        return error_from_body(ErrorBody(code, f"The server answered with HTTP {status}: {quoted!r}."))
    details = found.details or _Details()
    return error_from_body(ErrorBody(details.code or code, found.error, details.nearest, details.retry_after))


def with_zone(stamp: str) -> str:
    """The original server writes UTC without saying so."""
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return stamp
    return stamp if moment.tzinfo is not None else moment.replace(tzinfo=UTC).isoformat()
