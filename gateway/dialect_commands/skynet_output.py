"""What the Skynet commands print. Text of agents is made printable where it is printed; a line of the monitor holds a
message's content as a quoted string, so that no content can pass for a line of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from gateway.console.console_output import print_document, print_json, print_lines, print_table, show_error
from gateway.dialect_commands.skynet_frames import (
    ContextOutcome,
    Json,
    ListedAgent,
    ReceivedControl,
    ReceivedError,
    ReceivedFrame,
    ReceivedMessage,
    SendOutcome,
    UnreadableFrame,
    with_zone,
)
from gateway.protocol.errors import ErrorBody
from gateway.protocol.text.printable_text import local_moment_text, local_time_text

MAX_MONITOR_CHARS = 300
COLUMNS = ("agent", "type", "priority", "channels", "messages", "last seen")
AWAY = ("away", "offline")
SERVER_ERROR = "server_error"


class FrameOutput:
    """Prints frames as they arrive: messages on standard output, all else on standard error."""

    def __init__(self, as_json: bool, *, monitors: bool) -> None:
        self._as_json, self._monitors = as_json, monitors

    def show(self, frame: ReceivedFrame) -> None:
        match frame:
            case ReceivedMessage():
                self._show_message(frame)
            case ReceivedError():
                self._show_error(frame.error or frame.error_code or "The server reports an error.")
            case UnreadableFrame(why=why):
                self._show_error(f"The server has sent a frame that cannot be read: {why}.")
            case ReceivedControl():
                if text := control_text(frame):
                    self.tell(text)

    def tell(self, text: str) -> None:
        """Say something about the connection, which is not for a program that reads the messages."""
        print_lines(text, err=True, dim=True)

    def _show_message(self, message: ReceivedMessage) -> None:
        today = datetime.now().astimezone().date()
        if self._as_json:
            print_json(message.fields)
        elif self._monitors:
            print_lines(monitor_line(message, today))
        else:
            head = f"{message_head(message, today)}: {message.type}"
            print_lines(f"{head}\n{content_text(message.payload.content)}")

    def _show_error(self, sentence: str) -> None:
        if self._as_json:
            print_json({"error": ErrorBody(SERVER_ERROR, sentence)}, err=True)
        else:
            show_error(sentence)


def monitor_line(message: ReceivedMessage, today: date) -> str:
    content = json.dumps(message.payload.content, ensure_ascii=False)
    short = content if len(content) <= MAX_MONITOR_CHARS else f"{content[:MAX_MONITOR_CHARS]}…"
    return f"{message_head(message, today)}: {message.type} {short}"


def message_head(message: ReceivedMessage, today: date) -> str:
    to = message.to_agent if message.to_agent is not None else f"#{message.channel}"
    return f"[{local_moment_text(with_zone(message.timestamp), today)}] {message.from_agent} → {to}"


def content_text(content: Any) -> str:
    """Text as it is, anything else as JSON."""
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=2)


def control_text(control: ReceivedControl) -> str:
    """What a person should know of a control frame; empty for a heartbeat."""
    match control.action:
        case "connected":
            return f"{control.params.get('message', 'Connected.')}"
        case "subscribed" | "unsubscribed":
            return f"{control.action.capitalize()}: {control.params.get('channel', '')}"
        case "ping" | "pong":
            return ""
    return f"The server says {control.action!r}."


def print_agents(agents: Iterable[ListedAgent], now: datetime) -> None:
    print_table(agent_rows(agents, now), columns=COLUMNS, nothing="There are no agents.")


def agent_rows(agents: Iterable[ListedAgent], now: datetime) -> Iterator[tuple[str, ...]]:
    for one in agents:
        yield (
            one.agent_id,
            one.agent_type,
            str(one.priority),
            ", ".join(one.channels),
            str(one.message_count),
            last_seen_text(one, now),
        )


def last_seen_text(agent: ListedAgent, now: datetime) -> str:
    if agent.connected_at:
        return f"now (since {local_moment_text(with_zone(agent.connected_at), now.date())})"
    if agent.metadata.get("presence") not in AWAY:
        return "now"
    seen = agent.metadata.get("last_seen")
    return ago_text(seen, now) if isinstance(seen, str) else "away"


def ago_text(stamp: str, now: datetime) -> str:
    """`5m ago`; the date for what is long ago."""
    try:
        seconds = max(0, int((now - datetime.fromisoformat(with_zone(stamp))).total_seconds()))
    except (ValueError, OverflowError):
        return "unknown"
    for unit, size, most in (("s", 1, 60), ("m", 60, 3600), ("h", 3600, 86_400), ("d", 86_400, 7 * 86_400)):
        if seconds < most:
            return f"{seconds // size}{unit} ago"
    return local_time_text(with_zone(stamp), "%F")


def sent_text(outcome: SendOutcome, to: str) -> str:
    reached = ", ".join(outcome.recipients) or "nobody at the moment"
    number = f" Its id is {outcome.message_id}." if outcome.message_id else ""
    return f"Sent to {to}: {reached}.{number}" if reached != to else f"Sent to {to}.{number}"


def print_context(found: ContextOutcome, as_json: bool) -> None:
    document: Json = found.context or {}
    print_json(document) if as_json else print_document(json.dumps(document, ensure_ascii=False, indent=2))
