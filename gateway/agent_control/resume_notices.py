"""Decides what a room is told when an agent has come back to its conversation, or could not. Pure."""

from __future__ import annotations

from datetime import datetime

from gateway.model import system_messages
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit
from gateway.model.state import GatewayState
from gateway.protocol.requests.agent_requests import SetConversation
from gateway.protocol.types.agent_conditions import end_text
from gateway.protocol.types.conversation_starts import ConversationStart
from gateway.protocol.types.core_types import DEFAULT_ROOM
from gateway.protocol.types.timestamps import check_timestamp

REPEATED_WITHIN_S = 5.0


def check_report(report: SetConversation) -> None:
    if report.since:
        check_timestamp(report.since, "begin of a conversation")


def report_key(report: SetConversation) -> str:
    """What tells one return from another."""
    return f"{report.start} {report.session} {report.since}"


def return_notices(
    state: GatewayState, name: str, report: SetConversation, rule_context: RuleContext, now: float
) -> tuple[EventToCommit, ...]:
    """The notice to one of the agent's rooms, which wakes nobody. A new conversation is nothing to tell; nor is a
    report that was repeated because its result was lost."""
    told, told_at = state.live[name].told_return
    if told == report_key(report) and now - told_at < REPEATED_WITHIN_S:
        return ()
    rooms = sorted(state.rooms_of[name], key=lambda room: (room != DEFAULT_ROOM, room))
    if not report.announce or report.start is ConversationStart.NEW or not rooms:
        return ()
    text = return_text(name, report, datetime.fromisoformat(rule_context.stamp).astimezone())
    context = {"conversation": {"member": name, "start": str(report.start), "since": report.since}}
    return (system_messages.room_notice(rooms[0], text, rule_context, context),)


def return_text(name: str, report: SetConversation, now: datetime) -> str:
    """In the time zone of `now`."""
    since = datetime.fromisoformat(report.since).astimezone(now.tzinfo) if report.since else None
    which = f"its conversation of {end_text(since, now)}" if since is not None else "its earlier conversation"
    if report.start is ConversationStart.RESUMED:
        return f"{name} is back in {which}."
    why = f" ({report.why.rstrip('.')})" if report.why else ""
    kept = f" The id of the earlier one is {report.session}." if report.session else ""
    return f"{name} could not come back to {which}{why}, and begins a new one.{kept}"
