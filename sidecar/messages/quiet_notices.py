"""What an agent should know, but is not woken for: it is typed below the agent's next message. Pure.

Such a notice is a message of `system` to the room that names the agent in its `context`. Only the gateway sends these.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.protocol.events import Message
from gateway.protocol.types.core_types import SYSTEM_NAME, MessageKind
from sidecar.messages.envelope import clean_text, join_lines
from sidecar.messages.envelope_escaping import escape_inside_line

MAX_NOTICES = 5
MAX_NOTICE_CHARS = 500


def notice_for(me: str, message: Message) -> str:
    """The text of the notice, if the message is one for this agent."""
    if message.from_ != SYSTEM_NAME or message.kind is not MessageKind.SYSTEM or not message.context:
        return ""
    collision = message.context.get("collision")
    agents = collision.get("agents") if isinstance(collision, dict) else None
    return message.content if isinstance(agents, list) and me in agents else ""


def notice_line(me: str, notice: str) -> str:
    """Content cannot begin with such a bracket: in a message it gets a backslash."""
    text = join_lines(clean_text(notice[:MAX_NOTICE_CHARS]))
    return f"[system -> {me}] {escape_inside_line(text)}"


class QuietNotices:
    """The newest notices that the agent has not got yet."""

    def __init__(self) -> None:
        self._waiting: list[str] = []

    def add(self, notice: str) -> None:
        self._waiting = [*(one for one in self._waiting if one != notice), notice][-MAX_NOTICES:]

    @property
    def waiting(self) -> tuple[str, ...]:
        return tuple(self._waiting)

    def told(self, notices: Sequence[str]) -> None:
        self._waiting = [one for one in self._waiting if one not in notices]
