"""What a Skynet client asks for when it connects: the query of `/ws`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.dialects.skynet import name_mapping
from gateway.dialects.skynet.name_mapping import DEFAULT_CHANNEL, DEFAULT_TYPE, MONITOR_TYPE
from gateway.protocol.errors import BadRequest

MAX_CHANNELS = 100
MAX_TYPE_CHARS = 64
PRIORITIES = tuple(map(str, range(1, 11)))


@dataclass(frozen=True)
class ConnectOptions:
    agent_id: str
    agent_type: str = DEFAULT_TYPE
    channels: tuple[str, ...] = (DEFAULT_CHANNEL,)
    priority: int | None = None

    @property
    def watches(self) -> bool:
        """A monitor reads and is not written to."""
        return self.agent_type.lower() == MONITOR_TYPE


def connect_options_of(query: Mapping[str, str]) -> ConnectOptions:
    if "agent_id" not in query:
        raise BadRequest("`agent_id` is missing. Connect to /ws?agent_id=YOUR_ID.")
    channels = tuple(one.strip() for one in query.get("channels", "").split(",") if one.strip())
    if len(channels) > MAX_CHANNELS:
        raise BadRequest(f"`channels` names {len(channels)} channels; the maximum is {MAX_CHANNELS}.")
    return ConnectOptions(
        name_mapping.check_agent_id(query["agent_id"]),
        _type_of(query.get("agent_type", "")),
        tuple(dict.fromkeys(name_mapping.check_channel_name(one) for one in channels)) or (DEFAULT_CHANNEL,),
        _priority_of(query["priority"]) if "priority" in query else None,
    )


def _type_of(text: str) -> str:
    wanted = text.strip() or DEFAULT_TYPE
    if len(wanted) > MAX_TYPE_CHARS or not wanted.isprintable():
        raise BadRequest(f"`agent_type` must be at most {MAX_TYPE_CHARS} printable characters.")
    return wanted


def _priority_of(text: str) -> int:
    if text not in PRIORITIES:
        raise BadRequest(f"`priority` must be a whole number from 1 to 10, not {text[:20]!r}.")
    return int(text)
