"""What stands in the message stream of the chat: messages, cards, and lines that are no messages. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from controller.view.approvals.question_view import QuestionView
from controller.view.state.unfinished_texts import UnfinishedText
from controller.view.state.unsent_messages import OutgoingMessage
from controller.wording.decision_text import DecisionCard
from gateway.protocol.events import (
    MemberAction,
    MemberEvent,
    Message,
    RoomAction,
    RoomEvent,
)
from gateway.protocol.types.core_types import (
    DEFAULT_ROOM,
)

EntryKey = tuple[int, int]


class Tone(Enum):
    QUIET = "quiet"
    GOOD = "good"
    BAD = "bad"
    PLAIN = "plain"


@dataclass(frozen=True)
class Notice:
    """A line that is no message: a join or leave, or the answer of a command."""

    text: str
    timestamp: str = ""
    tone: Tone = Tone.QUIET


StreamEntry = Message | Notice | QuestionView | DecisionCard | UnfinishedText | OutgoingMessage


@dataclass(frozen=True)
class Alert:
    """An event to ring for while the person looks elsewhere."""

    who: str
    text: str
    asks: bool = False


_MEMBER_VERBS = {MemberAction.LEFT: "left", MemberAction.REGISTERED: "joined", MemberAction.RETURNED: "is back"}


def member_notice(event: MemberEvent) -> str:
    """A line for who came or left; empty for a change of the member itself."""
    verb = _MEMBER_VERBS.get(event.action)
    return f"{event.member.name} {verb}" if verb else ""


def room_change_line(event: RoomEvent) -> str:
    """A line for a change of the shown room; empty for one that shows itself."""
    match event.action:
        case RoomAction.TOPIC:
            return f"topic: {event.by}: {event.text}"
        case RoomAction.MODE | RoomAction.TURN:
            return f"{event.action}: {event.text}"
        case RoomAction.JOINED if event.by != event.member and event.room != DEFAULT_ROOM:
            return f"{event.by} brought {event.member} in"
    return ""


def mentions(content: str, name: str) -> bool:
    return f"@{name}" in content.lower() and re.search(rf"@{re.escape(name)}(?![\w-])", content.lower()) is not None
