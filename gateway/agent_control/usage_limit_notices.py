"""Decides when a room is told that an agent has reached a limit: once for each limit. Pure."""

from __future__ import annotations

from datetime import datetime

import msgspec

from gateway.model import system_messages
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit
from gateway.model.state import GatewayState
from gateway.protocol.types.agent_conditions import Condition, ConditionKind, condition_text
from gateway.protocol.types.core_types import DEFAULT_ROOM
from gateway.protocol.types.timestamps import check_timestamp, seconds_from_iso

SAME_LIMIT_WITHIN_S = 120.0  # a vendor's countdown, read again, gives nearly the same end


def check_condition(condition: Condition | None) -> None:
    if condition is not None and condition.until:
        check_timestamp(condition.until, "end of a condition")


def limit_notices(
    state: GatewayState, name: str, condition: Condition | None, rule_context: RuleContext
) -> tuple[EventToCommit, ...]:
    """The notice to one of the agent's rooms, if this is a limit that was not told yet. It wakes nobody."""
    told = state.live[name].told_limit
    rooms = sorted(state.rooms_of[name], key=lambda room: (room != DEFAULT_ROOM, room))
    if condition is None or condition.kind is not ConditionKind.LIMITED or not rooms:
        return ()
    if told is not None and is_same_limit(told, condition, state.live[name].condition):
        return ()
    text = limit_text(name, condition, datetime.fromisoformat(rule_context.stamp).astimezone())
    context = {"condition": msgspec.to_builtins(condition)}
    return (system_messages.room_notice(rooms[0], text, rule_context, context),)


def is_same_limit(told: Condition, new: Condition, now: Condition | None) -> bool:
    """Whether the room knows of it. One without an end is known until the sidecar says that it is over."""
    if told.until and new.until:
        return abs(seconds_from_iso(told.until) - seconds_from_iso(new.until)) <= SAME_LIMIT_WITHIN_S
    return not (told.until or new.until) or (now is not None and now.kind is ConditionKind.LIMITED)


def told_limit_after(told: Condition | None, report: Condition | None, *, is_told_now: bool) -> Condition | None:
    """The limit that the room knows of after this report."""
    if report is not None and report.kind is ConditionKind.LIMITED:
        return report if is_told_now else told
    return told if told is not None and told.until else None


def limit_text(name: str, condition: Condition, today: datetime) -> str:
    said = f" ({condition.text})" if condition.text else ""
    return f"{name} is {condition_text(condition, today)}{said}. Messages to it wait."
