"""Anthropic Messages, as far as Claude Code uses it."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

from tests.fakes.models.script import TITLE, Asked, Json, Kind, Pause, Reply

_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_NOT_THE_USER = ("<system-reminder>", "[Request interrupted by user")


class Anthropic:
    def read(self, method: str, path: str, body: Json) -> Asked:
        if method == "HEAD":
            return Asked(Kind.PROBE)
        if method != "POST" or path != "/v1/messages":
            return Asked(Kind.UNKNOWN)
        stream = bool(body.get("stream"))
        if not body.get("tools"):
            wants_title = "format" in body.get("output_config", {})
            return Asked(Kind.SIDE, side_answer=TITLE if wants_title else "ok", stream=stream)
        blocks = _last_user_blocks(body)
        written = _written(blocks)
        if not written and any(block["type"] == "tool_result" for block in blocks):
            return Asked(Kind.CONTINUATION, spoken=_spoken(body), stream=stream)
        return Asked(Kind.TURN, written, _spoken(body), stream=stream)

    def frames(self, reply: Reply, body: Json) -> Iterator[bytes | Pause]:
        message = self.plain(Reply("", tokens=reply.tokens), body) | {"content": [], "stop_reason": None}
        yield _frame("message_start", message=message)
        yield _frame("content_block_start", index=0, content_block={"type": "text", "text": ""})
        for piece in reply.pieces():
            yield Pause.SHARE
            yield _frame("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
        yield _frame("content_block_stop", index=0)
        if reply.tool:
            call = {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex}", "name": reply.tool.name, "input": {}}
            arguments = {"type": "input_json_delta", "partial_json": json.dumps(reply.tool.arguments)}
            yield _frame("content_block_start", index=1, content_block=call)
            yield _frame("content_block_delta", index=1, delta=arguments)
            yield _frame("content_block_stop", index=1)
        delta = {"stop_reason": "tool_use" if reply.tool else "end_turn", "stop_sequence": None}
        yield _frame("message_delta", delta=delta, usage={"output_tokens": 42})
        yield _frame("message_stop")

    def plain(self, reply: Reply, body: Json) -> dict[str, Any]:
        return {
            "id": f"msg_{uuid.uuid4().hex}",
            "type": "message",
            "role": "assistant",
            "model": body.get("model", "fake"),
            "content": [{"type": "text", "text": reply.text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {
                "input_tokens": reply.tokens,
                "output_tokens": 1,
                "cache_creation_input_tokens": 0,
                "cache_read_input_tokens": 0,
            },
        }

    def error(self, status: int) -> Json:
        kind = _ERRORS.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": f"scripted {status}"}}


def _frame(event: str, **data: object) -> bytes:
    return f"event: {event}\ndata: {json.dumps({'type': event, **data})}\n\n".encode()


def _last_user_blocks(body: Json) -> list[Json]:
    users = [message for message in body.get("messages", []) if message["role"] == "user"]
    return _blocks(users[-1]) if users else []


def _blocks(message: Json) -> list[Json]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _written(blocks: list[Json]) -> tuple[str, ...]:
    texts = (block["text"] for block in blocks if block["type"] == "text")
    return tuple(text for text in texts if not text.lstrip().startswith(_NOT_THE_USER))


def _spoken(body: Json) -> tuple[str, ...]:
    """A prompt that was typed while a tool ran has the role `system`."""
    heard = (message for message in body.get("messages", []) if message["role"] in ("user", "system"))
    return tuple(text for message in heard for text in _written(_blocks(message)))
