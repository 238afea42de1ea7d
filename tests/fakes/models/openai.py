"""OpenAI Responses, as far as Codex uses it."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

from tests.fakes.models.script import TITLE, Asked, Json, Kind, Pause, Reply, ToolCall

_NOT_THE_USER = ("<environment_context", "<user_instructions", "# AGENTS.md", "<recommended_plugins", "<turn_aborted")


class OpenAI:
    def read(self, method: str, path: str, body: Json) -> Asked:
        if method != "POST" or path != "/v1/responses":
            return Asked(Kind.UNKNOWN)
        if "schema" in body.get("text", {}).get("format", {}):
            return Asked(Kind.SIDE, side_answer=TITLE)
        items = body.get("input", [])
        if items and items[-1].get("type") == "function_call_output":
            return Asked(Kind.CONTINUATION, spoken=tuple(_texts(items)))
        return Asked(Kind.TURN, tuple(_new_texts(items)), tuple(_texts(items)))

    def frames(self, reply: Reply, body: Json) -> Iterator[bytes | Pause]:
        numbers = itertools.count()

        def frame(event: str, **data: object) -> bytes:
            payload = {"type": event, "sequence_number": next(numbers), **data}
            return f"event: {event}\ndata: {json.dumps(payload)}\n\n".encode()

        yield frame("response.created", response=_response(body, "in_progress", []))
        output = [_message(reply.text)]
        where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
        begun = output[0] | {"status": "in_progress", "content": []}
        yield frame("response.output_item.added", output_index=0, item=begun)
        yield frame("response.content_part.added", **where, part=_part(""))
        for piece in reply.pieces():
            yield Pause.SHARE
            yield frame("response.output_text.delta", **where, delta=piece)
        yield frame("response.output_text.done", **where, text=reply.text)
        yield frame("response.output_item.done", output_index=0, item=output[0])
        if reply.tool:
            call = _call(reply.tool)
            output.append(call)
            spoken = {"item_id": "fc_1", "output_index": 1}
            yield frame("response.output_item.added", output_index=1, item=call | {"arguments": ""})
            yield frame("response.function_call_arguments.delta", **spoken, delta=call["arguments"])
            yield frame("response.function_call_arguments.done", **spoken, arguments=call["arguments"])
            yield frame("response.output_item.done", output_index=1, item=call)
        yield frame("response.completed", response=self.plain(reply, body) | {"output": output})

    def plain(self, reply: Reply, body: Json) -> dict[str, Any]:
        usage = {
            "input_tokens": reply.tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 20,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": reply.tokens + 20,
        }
        return _response(body, "completed", [_message(reply.text)]) | {"usage": usage}

    def error(self, status: int) -> Json:
        return {"error": {"message": f"scripted {status}", "type": "scripted", "code": str(status)}}


def _new_texts(items: list[Json]) -> Iterator[str]:
    """The user's texts since the model last spoke."""
    return _texts(list(itertools.takewhile(lambda item: item.get("role") != "assistant", reversed(items)))[::-1])


def _texts(items: list[Json]) -> Iterator[str]:
    users = [item for item in items if item.get("type", "message") == "message" and item.get("role") == "user"]
    for item in users:
        text = "".join(part.get("text", "") for part in item["content"])
        if not text.lstrip().startswith(_NOT_THE_USER):
            yield text


def _response(body: Json, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
    known = {"id": "resp_1", "object": "response", "created_at": 1_790_000_000, "model": body.get("model", "fake")}
    return known | {"status": status, "output": output}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}


def _message(text: str) -> dict[str, Any]:
    return {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [_part(text)],
    }


def _call(tool: ToolCall) -> dict[str, Any]:
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": tool.name, "status": "completed"}
    where = {"namespace": tool.namespace} if tool.namespace else {}
    return call | where | {"arguments": json.dumps(tool.arguments)}
