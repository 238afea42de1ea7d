"""Decides who is told when two agents write the same file: both agents and the people, by one quiet line. Pure.

The line is a message of `system` to everyone in a room of both. It begins no delivery, so it wakes no agent: a sidecar
adds it to the next message for its agent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from gateway.model import system_messages
from gateway.model.file_writes import EarlierWrite
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit
from gateway.model.state import GatewayState
from gateway.protocol.text.printable_text import printable_line
from gateway.protocol.text.secret_masking import mask_secrets
from gateway.protocol.types.agent_work import FileWrite
from gateway.protocol.types.core_types import DEFAULT_ROOM
from gateway.protocol.types.timestamps import iso_from_seconds

MINUTE_S = 60


def collision_notices(
    state: GatewayState, agent: str, files: Iterable[FileWrite], rule_context: RuleContext
) -> tuple[EventToCommit, ...]:
    """The notices for what this agent has just written."""
    window = rule_context.settings.collision_window
    if not window:
        return ()
    found = (
        (file.name, earlier)
        for file in files
        for earlier in state.writes.note_write(agent, file.key, rule_context.now, window)
    )
    return tuple(
        notice
        for name, earlier in found
        if earlier.agent in state.members and not state.members[earlier.agent].removed
        for notice in _notices(state, agent, printable_line(mask_secrets(name)), earlier, rule_context)
    )


def _notices(
    state: GatewayState, agent: str, file: str, earlier: EarlierWrite, rule_context: RuleContext
) -> Iterator[EventToCommit]:
    text = collision_text(agent, file, earlier, rule_context)
    context = {"collision": {"agents": [earlier.agent, agent], "file": file, "before": iso_from_seconds(earlier.at)}}
    for room in rooms_to_tell(_readable_rooms_of(state, agent), _readable_rooms_of(state, earlier.agent)):
        yield system_messages.room_notice(room, text, rule_context, context)


def _readable_rooms_of(state: GatewayState, agent: str) -> list[str]:
    """A notice names a file, so it goes into no sealed room."""
    return [name for name in state.rooms_of[agent] if not state.rooms[name].sealed]


def rooms_to_tell(rooms: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    """One room of both, or, where they share none, one of each."""
    mine, theirs = _sorted_rooms(rooms), _sorted_rooms(others)
    shared = [room for room in mine if room in theirs]
    return tuple(shared[:1] or (*mine[:1], *theirs[:1]))


def _sorted_rooms(rooms: Iterable[str]) -> list[str]:
    return sorted(rooms, key=lambda room: (room != DEFAULT_ROOM, room))


def collision_text(agent: str, file: str, earlier: EarlierWrite, rule_context: RuleContext) -> str:
    minutes = max(1, round((rule_context.now - earlier.at) / MINUTE_S))
    clock = f"{datetime.fromisoformat(iso_from_seconds(earlier.at)).astimezone():%H:%M}"
    ago = f"{minutes} minute{'' if minutes == 1 else 's'} before, at {clock}"
    return f"{agent} has written {file}, which {earlier.agent} wrote {ago}. They may undo each other's work."
