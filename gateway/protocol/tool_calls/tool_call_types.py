"""The operations of custom tools, and calls of them. Frozen values, the same on the wire and in the store."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.protocol.types.core_types import Prose

MAX_OPERATIONS = 32  # of one tool
MAX_TIME_LIMIT_S = 600.0
DEFAULT_TIME_LIMIT_S = 30.0

OperationName = Annotated[str, Meta(max_length=64)]
TimeLimit = Annotated[float, Meta(gt=0, le=MAX_TIME_LIMIT_S)]


class CallState(StrEnum):
    """OPEN waits for the tool. It ends as ANSWERED, as FAILED with the tool's own error, as EXPIRED if no answer came
    in time, or as LOST if the tool went away."""

    OPEN = "open"
    ANSWERED = "answered"
    FAILED = "failed"
    EXPIRED = "expired"
    LOST = "lost"


class ToolOperation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One operation of a tool. `parameters` is the JSON schema of its arguments, which are an object. `time_limit`: an
    answer that takes more seconds comes too late."""

    name: OperationName
    about: Annotated[Prose, Meta(max_length=1000)] = ""
    parameters: dict[str, Any] = {}
    time_limit: TimeLimit = DEFAULT_TIME_LIMIT_S


class ToolOffer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The operations that a tool offers. `connected`: it can be called now."""

    tool: str
    operations: tuple[ToolOperation, ...]
    at: str
    connected: bool = False


class CallOfTool(msgspec.Struct, frozen=True, omit_defaults=True):
    """A call. `number` is the seq of the event that began it. An ended call has a `result` or an `error`."""

    number: int
    room: str
    by: str
    tool: str
    operation: str
    at: str
    expires: str
    arguments: dict[str, Any] = {}
    state: CallState = CallState.OPEN
    result: Any = None
    error: str = ""
    ended: str = ""
    id: str = ""

    @property
    def is_open(self) -> bool:
        return self.state is CallState.OPEN
