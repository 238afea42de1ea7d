"""The tools of the agent that read or send what is sealed: they run here, where the keys are, and not at the gateway.

| tool | |
|---|---|
| `peer_read`, `peer_wait`, `peer_history` | here, as soon as this machine has a key of the agent |
| `peer_send` | here in a sealed room, and in answer to a sealed message; otherwise at the gateway |
| `room_join` | at the gateway |
| any other that names a sealed room | refused: the gateway would have to read its text |
| all others | at the gateway, which has nothing to read of sealed rooms |
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, Protocol, TypeVar

import msgspec

from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import BadRequest, Forbidden, GroupChatError
from gateway.protocol.events import Message
from gateway.protocol.requests.message_requests import Poll, Show
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Inbox, MessageDetail, MessageList
from gateway.protocol.text.printable_text import printable_line, printable_lines
from gateway.protocol.types.core_types import DEFAULT_ROOM, canonical_room_name
from sidecar.connection.sealing import Sealing
from sidecar.messages.sealed_turns import SealedTurn, is_sealed

T = TypeVar("T")
READING_TOOLS = frozenset({"peer_read", "peer_wait", "peer_history"})
SENDING_TOOL, JOINING_TOOL = "peer_send", "room_join"
POLL_SLICE_S = 2.0
EXTRA_WAIT_S = 10.0
REFUSED_TEXT = (
    "{tool} does not work in #{room}: that room is sealed, and the gateway would have to read this. peer_send, "
    "peer_read, peer_wait and peer_history work there."
)
BATCH_TEXT = "Send one call at a time."
_INVALID_REQUEST = -32600


class ToolsRoom(Sealing, Protocol):
    """The sidecar's own connection: `sidecar.connection.room_connection.RoomConnection`."""

    async def request(self, request: Request, kind: type[T], *, timeout: float | None = None) -> T: ...


class _ToolCall(msgspec.Struct, frozen=True):
    name: str
    arguments: dict[str, Any] | None = None


class _Call(msgspec.Struct, frozen=True):
    """A request of JSON-RPC; others than `tools/call` are not for us."""

    method: str
    id: int | str | None = None
    params: msgspec.Raw = msgspec.Raw(b"{}")


class SealedTools:
    """`patience`: how many seconds the agent waits for a tool. `sealed_turn` learns what the agent has read."""

    def __init__(self, room: ToolsRoom, patience: float, sealed_turn: SealedTurn) -> None:
        self._room, self._patience = room, patience
        self._requests = _RoomRequests(room, sealed_turn)

    async def answer(self, body: bytes) -> bytes | None:
        """The answer to this request; None if it is for the gateway."""
        if not self._room.has_key:
            return None
        if body.lstrip().startswith(b"["):
            error = {"code": _INVALID_REQUEST, "message": BATCH_TEXT}
            return msgspec.json.encode({"jsonrpc": "2.0", "id": None, "error": error})
        call = _decoded(body)
        if call is None:
            return None
        number, tool = call
        try:
            text = await self._carry_out(tool)
        except GroupChatError as error:
            return _result(number, printable_line(error.message), failed=True)
        return None if text is None else _result(number, text)

    async def _carry_out(self, tool: _ToolCall) -> str | None:
        if tool.name in READING_TOOLS or (tool.name == SENDING_TOOL and await self._is_sealed_send(tool)):
            return await self._run(tool)
        room = _room_named(tool)
        if room and tool.name not in (SENDING_TOOL, JOINING_TOOL) and self._room.is_sealed_room(room):
            raise Forbidden(REFUSED_TEXT.format(tool=tool.name, room=room))
        return None

    async def _is_sealed_send(self, tool: _ToolCall) -> bool:
        """Whether the gateway must not read this message: it goes to a sealed room, or answers a sealed message."""
        answered = _answered_number(tool)
        if answered is not None:
            detail = await self._room.request(Show(message=answered), MessageDetail)
            if is_sealed(detail.message) or self._room.is_sealed_room(detail.message.room):
                return True
        return self._room.is_sealed_room(_room_named(tool) or DEFAULT_ROOM)

    async def _run(self, tool: _ToolCall) -> str:
        from sidecar.connection.local_tool_run import run_tool_here  # noqa: PLC0415 - what it loads is large

        return await run_tool_here(self._requests, self._patience, tool.name, tool.arguments)


class _RoomRequests:
    """The connection as the tools use it. Messages that were taken for a call whose agent had hung up are not lost: the
    next call gets them."""

    def __init__(self, room: ToolsRoom, sealed_turn: SealedTurn) -> None:
        self._room, self._sealed_turn = room, sealed_turn
        self._left: list[Message] = []

    async def ask(self, request: Request, kind: type[T], *, token: str | None = None, within: float | None = None) -> T:
        result = await self._poll(request) if isinstance(request, Poll) else await self._room.request(request, kind)
        assert isinstance(result, kind)
        self._sealed_turn.note_read(_messages_in(result))
        return result

    async def _poll(self, poll: Poll) -> Inbox:
        """In slices: a wait that nobody waits for any more takes messages for a moment only."""
        loop = asyncio.get_running_loop()
        until = loop.time() + (poll.wait or 0)
        while True:
            if self._left:
                found, self._left = tuple(self._left), []
                return Inbox(found)
            left = max(0.0, until - loop.time())
            inbox = await self._poll_once(msgspec.structs.replace(poll, wait=min(left, POLL_SLICE_S)))
            if inbox.messages or inbox.circle or inbox.undelivered or left <= POLL_SLICE_S:
                return inbox

    async def _poll_once(self, poll: Poll) -> Inbox:
        asked = self._room.request(poll, Inbox, timeout=POLL_SLICE_S + EXTRA_WAIT_S)
        task = spawn(asked, "tools poll")
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(self._keep)
            raise

    def _keep(self, task: asyncio.Task[Inbox]) -> None:
        if not task.cancelled() and task.exception() is None:
            self._left += task.result().messages


def _messages_in(result: object) -> Collection[Message]:
    match result:
        case Inbox() | MessageList():
            return result.messages
        case MessageDetail():
            return (result.message,)
    return ()


def _decoded(body: bytes) -> tuple[int | str | None, _ToolCall] | None:
    """The call of a tool, with the id of its request."""
    try:
        call = msgspec.json.decode(body, type=_Call)
        return (call.id, msgspec.json.decode(call.params, type=_ToolCall)) if call.method == "tools/call" else None
    except msgspec.MsgspecError:  # the gateway answers it
        return None


def _answered_number(tool: _ToolCall) -> int | None:
    """The message that a call answers, read as the gateway would read it: models also write "12" or 12.0."""
    given = (tool.arguments or {}).get("reply_to")
    try:
        number: int | None = msgspec.convert(given, int | None, strict=False)
    except msgspec.ValidationError:
        raise BadRequest("reply_to is the number of a message. Nothing was sent.") from None
    return number


def _room_named(tool: _ToolCall) -> str:
    """The room that a call names, as itself or as the scope of a document."""
    given = tool.arguments or {}
    named = given.get("room") or given.get("scope") or ""
    if not isinstance(named, str) or named.startswith("@"):
        return ""
    try:
        return canonical_room_name(named.removeprefix("#"))
    except GroupChatError:  # the gateway refuses it
        return ""


def _result(number: int | str | None, text: str, *, failed: bool = False) -> bytes:
    """What members wrote is quoted already; here invisible characters are removed."""
    content = [{"type": "text", "text": "\n".join(printable_lines(text))}]
    return msgspec.json.encode({"jsonrpc": "2.0", "id": number, "result": {"content": content, "isError": failed}})
