"""Gemini generateContent and streamGenerateContent, as far as Gemini CLI uses them."""

import json
from collections.abc import Iterator
from typing import Any

from tests.fakes.models.script import Asked, Json, Kind, Pause, Reply

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_SIMPLE = json.dumps({"complexity_reasoning": "x", "complexity_score": 10})


class Gemini:
    def read(self, method: str, path: str, body: Json) -> Asked:
        if method != "POST" or not path.startswith("/v1beta/models/"):
            return Asked(Kind.UNKNOWN)
        if path.endswith(":generateContent"):
            routes = "responseJsonSchema" in body.get("generationConfig", {})
            return Asked(Kind.SIDE, side_answer=_SIMPLE if routes else "A summary", stream=False)
        if not path.endswith(":streamGenerateContent"):
            return Asked(Kind.UNKNOWN)
        parts = body["contents"][-1]["parts"]
        spoken = tuple(text for one in body["contents"] if one.get("role") == "user" for text in _texts(one["parts"]))
        if any("functionResponse" in part for part in parts):
            return Asked(Kind.CONTINUATION, spoken=spoken)
        return Asked(Kind.TURN, tuple(_texts(parts)), spoken)

    def frames(self, reply: Reply, body: Json) -> Iterator[bytes | Pause]:
        for piece in reply.pieces():
            yield Pause.SHARE
            yield _frame(_chunk([{"text": piece}]))
        parts: list[Json] = [{"text": ""}]
        if reply.tool:
            parts = [{"functionCall": {"name": reply.tool.name, "args": reply.tool.arguments}}]
        yield _frame(_chunk(parts, finish="STOP"))

    def plain(self, reply: Reply, body: Json) -> Json:
        return _chunk([{"text": reply.text}], finish="STOP")

    def error(self, status: int) -> Json:
        known = _STATUS.get(status, "UNKNOWN")
        return {"error": {"code": status, "message": f"scripted {status}", "status": known}}


def _texts(parts: list[Json]) -> list[str]:
    texts = [part["text"] for part in parts if "text" in part]
    return [text for text in texts if not text.lstrip().startswith("<session_context>")]


def _chunk(parts: list[Json], finish: str = "") -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    return {
        "candidates": [candidate | ({"finishReason": finish} if finish else {})],
        "modelVersion": "gemini-fake",
        "responseId": "r1",
        "usageMetadata": {"promptTokenCount": 100, "candidatesTokenCount": 10, "totalTokenCount": 110},
    }


def _frame(chunk: Json) -> bytes:
    return f"data: {json.dumps(chunk)}\r\n\r\n".encode()
