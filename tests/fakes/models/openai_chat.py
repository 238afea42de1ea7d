"""OpenAI Chat Completions, as far as Qwen Code and Copilot use it."""

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

from tests.fakes.models.script import TITLE, Asked, Json, Kind, Pause, Reply, ToolCall

_NOT_THE_USER = ("<system-reminder>",)
_SUGGESTS = "[SUGGESTION MODE:"  # it asks what its user may want to say next
_TIME = re.compile(r"\A<current_datetime>[^<\n]*</current_datetime>\n\n")  # Copilot puts it before each prompt


class OpenAIChat:
    def read(self, method: str, path: str, body: Json) -> Asked:
        if method != "POST" or path != "/v1/chat/completions":
            return Asked(Kind.UNKNOWN)
        stream = bool(body.get("stream"))
        messages = [one for one in body.get("messages", []) if one["role"] != "system"]
        if not stream or not body.get("tools") or any(_SUGGESTS in text for text in _texts(messages[-1:])):
            return Asked(Kind.SIDE, side_answer=TITLE, stream=stream)
        if messages and messages[-1]["role"] == "tool":
            return Asked(Kind.CONTINUATION, spoken=tuple(_texts(messages)))
        return Asked(Kind.TURN, tuple(_texts(messages[-1:])), tuple(_texts(messages)))

    def frames(self, reply: Reply, body: Json) -> Iterator[bytes | Pause]:
        yield _frame(body, {"role": "assistant", "content": ""})
        for piece in reply.pieces():
            yield Pause.SHARE
            yield _frame(body, {"content": piece})
        if reply.tool:
            yield _frame(body, {"tool_calls": [_call(reply.tool)]})
        yield _frame(body, {}, finish="tool_calls" if reply.tool else "stop")
        yield f"data: {json.dumps(_chunk(body, []) | {'usage': _usage(reply)})}\n\n".encode()
        yield b"data: [DONE]\n\n"

    def plain(self, reply: Reply, body: Json) -> dict[str, Any]:
        message = {"role": "assistant", "content": reply.text}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        return _chunk(body, choices) | {"object": "chat.completion", "usage": _usage(reply)}

    def error(self, status: int) -> Json:
        return {"error": {"message": f"scripted {status}", "type": "scripted", "code": str(status)}}


def _usage(reply: Reply) -> Json:
    return {"prompt_tokens": reply.tokens, "completion_tokens": 20, "total_tokens": reply.tokens + 20}


def _texts(messages: list[Json]) -> Iterator[str]:
    """What the user wrote. A prompt without an answer and the next one are parts of one message; what the CLI adds by
    itself is a part, too."""
    for message in messages:
        content = message["content"] if message["role"] == "user" else []
        parts = [content] if isinstance(content, str) else [part.get("text", "") for part in content]
        written = (_TIME.sub("", part) for part in parts)
        yield from (part for part in written if part and not part.lstrip().startswith(_NOT_THE_USER))


def _frame(body: Json, delta: Json, finish: str | None = None) -> bytes:
    chunk = _chunk(body, [{"index": 0, "delta": delta, "finish_reason": finish}])
    return f"data: {json.dumps(chunk)}\n\n".encode()


def _chunk(body: Json, choices: list[dict[str, Any]]) -> dict[str, Any]:
    known = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_790_000_000}
    return known | {"model": body.get("model", "fake"), "choices": choices}


def _call(tool: ToolCall) -> dict[str, Any]:
    function = {"name": tool.name, "arguments": json.dumps(tool.arguments)}
    return {"index": 0, "id": f"call_{uuid.uuid4().hex}", "type": "function", "function": function}
