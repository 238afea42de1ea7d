"""The scripted answers of a loopback model, and its recorded requests. Pure; the dialects build on this."""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

Json = Mapping[str, Any]


class Pause(Enum):
    """In a stream of frames: wait here for a share of the reply's time."""

    SHARE = "share"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """`namespace` is where Codex looks for a tool of an MCP server."""

    name: str
    arguments: Json
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. A tool call comes after the text; its result is the next request, for the next reply. Where there is
    an `until`, the last word comes when it is set. With another `status` than 200 it is an error, with the `refusal` as
    its body where there is one, and with these `headers`. `tokens` is what the request is said to have had. With
    `breaks_after`, the connection is cut after so many words."""

    text: str = "ACK"
    seconds: float = 0.0
    silence: float = 0.0
    tool: ToolCall | None = None
    status: int = 200
    until: asyncio.Event | None = None
    refusal: Json | None = None
    tokens: int = 100
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks_after: int | None = None

    def pieces(self) -> list[str]:
        return re.findall(r"\s*\S+\s*\Z|\s*\S+", self.text)


class Kind(Enum):
    TURN = "turn"
    CONTINUATION = "continuation"
    SIDE = "side"
    PROBE = "probe"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as the dialect understands it. `texts` is what the user wrote since the model last spoke, each
    message by itself; `spoken` all that the request holds of the user's words, old and new."""

    kind: Kind
    texts: tuple[str, ...] = ()
    spoken: tuple[str, ...] = ()
    side_answer: str = ""
    stream: bool = True


class Dialect(Protocol):
    def read(self, method: str, path: str, body: Json) -> Asked: ...

    def frames(self, reply: Reply, body: Json) -> Iterator[bytes | Pause]: ...

    def plain(self, reply: Reply, body: Json) -> Json: ...

    def error(self, status: int) -> Json: ...


TITLE = json.dumps({"title": "A title"})
