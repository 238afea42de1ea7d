"""The MCP sessions of the agent, as they were begun. A gateway that was started anew knows none of them, and not every
CLI begins another one: its tools would be broken until it ends. So the proxy begins it again in the agent's place."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

SESSION_HEADER = "mcp-session-id"
INITIALIZED = b'{"jsonrpc": "2.0", "method": "notifications/initialized"}'
MAX_SESSIONS = 16  # an agent has one or two; the oldest one is forgotten


class _Message(msgspec.Struct):
    method: str = ""


@dataclass
class _Session:
    request: bytes  # the one that has begun it
    name: str  # for the gateway that runs now


@dataclass
class ToolSessions:
    _by_name: dict[str, _Session] = field(default_factory=dict)

    def note_begun(self, name: str, request: bytes) -> None:
        self._by_name[name] = _Session(request, name)
        while len(self._by_name) > MAX_SESSIONS:
            del self._by_name[next(iter(self._by_name))]

    def note_begun_again(self, name: str, name_now: str) -> None:
        if name in self._by_name:
            self._by_name[name].name = name_now

    def forget(self, name: str) -> None:
        self._by_name.pop(name, None)

    def name_now(self, name: str) -> str:
        """What the gateway calls the session that the agent knows by this name."""
        return self._by_name[name].name if name in self._by_name else name

    def request_of(self, name: str) -> bytes | None:
        """The request that has begun the session, if we have seen it."""
        return self._by_name[name].request if name in self._by_name else None


def is_initialize(body: bytes | None) -> bool:
    try:
        return msgspec.json.decode(body or b"", type=_Message).method == "initialize"
    except msgspec.DecodeError:  # a batch, or no JSON: the gateway answers it
        return False
