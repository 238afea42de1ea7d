"""OpenAI Chat Completions, as far as aider uses it. It sends no tools: what its model wants to run stands in a fence of
its answer."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.fakes.models.openai_chat import OpenAIChat
from tests.fakes.models.script import Asked, Json, Kind, Pause, Reply

_ADDED_FILES = "I added these files to the chat: "
_OWN_WORDS = (
    "I have *added these files to the chat*",
    "I am not sharing any files",
    "Here are summaries of some files",
)
SIDE_ANSWER = "Change a file"


class AiderChat(OpenAIChat):
    def read(self, method: str, path: str, body: Json) -> Asked:
        if method != "POST" or path != "/v1/chat/completions":
            return Asked(Kind.UNKNOWN)
        if not body.get("stream"):
            return Asked(Kind.SIDE, side_answer=SIDE_ANSWER)
        texts = [one["content"] for one in body.get("messages", []) if one["role"] == "user"]
        texts = [one for one in texts if not one.startswith(_OWN_WORDS)]
        if texts and texts[-1].startswith(_ADDED_FILES):
            return Asked(Kind.CONTINUATION, spoken=tuple(texts))
        return Asked(Kind.TURN, tuple(texts[-1:]), tuple(texts))

    def frames(self, reply: Reply, body: Json) -> Iterator[bytes | Pause]:
        return super().frames(in_words(reply), body)

    def plain(self, reply: Reply, body: Json) -> dict[str, Any]:
        return super().plain(in_words(reply), body)


def in_words(reply: Reply) -> Reply:
    """A call of a tool as aider's models write it."""
    if reply.tool is None:
        return reply
    return replace(reply, text=f"{reply.text}\n\n```bash\n{reply.tool.arguments['command']}\n```\n", tool=None)
