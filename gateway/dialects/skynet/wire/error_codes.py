"""Errors as Skynet's clients read them: an error frame on a WebSocket, an error body over HTTP. Pure."""

from __future__ import annotations

from typing import Any

from gateway.api import stream_frames
from gateway.protocol import codec
from gateway.protocol.errors import BadRequest, GroupChatError, TooLarge

INVALID = "MESSAGE_ERROR"  # the frame itself is wrong
REFUSED = "HANDLING_ERROR"  # the frame is well-formed, and cannot be carried out
UNPROCESSABLE = 422
INVALID_ERRORS = (BadRequest, TooLarge)


def frame_code_of(error: GroupChatError) -> str:
    return INVALID if isinstance(error, INVALID_ERRORS) else REFUSED


def skynet_error_frame(error: GroupChatError, now: str, message_id: str | None = None) -> bytes:
    """`details` is not in Skynet's specification: which message is meant, and our own stable code."""
    data = {
        "error": error.message,
        "error_code": frame_code_of(error),
        "timestamp": now,
        "details": {"code": error.code, **_more(error), **({"message_id": message_id} if message_id else {})},
    }
    return stream_frames.encode_websocket_text(codec.encode({"type": "error", "data": data}))


def error_body(error: GroupChatError, now: str, status: int | None = None) -> dict[str, Any]:
    return {
        "error": error.message,
        "error_code": f"HTTP_{status or error.status}",
        "details": {"code": error.code, **_more(error)},
        "timestamp": now,
    }


def _more(error: GroupChatError) -> dict[str, Any]:
    more: dict[str, Any] = {}
    if error.nearest:
        more["nearest"] = error.nearest
    if error.retry_after is not None:
        more["retry_after"] = error.retry_after
    return more
