"""The JSON shapes and in-band commands of the simple interface. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gateway.api import stream_frames
from gateway.model.rule_context import RuleContext
from gateway.model.state import GatewayState
from gateway.protocol import codec
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import Control, ControlAction, Message
from gateway.protocol.text import inline_commands
from gateway.protocol.text.printable_text import readable_content
from gateway.protocol.types.core_types import STOP_KEY, SYSTEM_NAME, MessageKind
from gateway.push.event_broadcaster import OutgoingEvent, Renderer
from gateway.rooms.members import TEAM_PERSON_DISPLAY, TEAM_PERSON_NAME
from gateway.turns.engine import Floor

BROADCAST = "broadcast"
CONTROL_WORDS = {
    "/pause": "pause",
    "/resume": "resume",
    "csp_ctrl:pause": "pause",
    "csp_ctrl:resume": "resume",
}
_KEY_ORDER = re.compile(r"!\s*(\^[A-Za-z\[\\]|esc(?:ape)?|ctrl-[a-z]|stop)\s*", re.IGNORECASE)
_INTERRUPT_MARK = re.compile(r"!!(?=[^\s!=])")
_WORKING_COMMAND = re.compile(r"@?working\b[ \t]*(.*)", re.IGNORECASE | re.DOTALL)
_MODE_SET_COMMAND = re.compile(
    re.escape(inline_commands.MODE_SET_COMMAND) + r'\s+(\w+)\s+"([^"]*)"(?:\s+--rounds\s+(-?\d+))?\s*'
)
_SEND_COMMAND = re.compile(re.escape(inline_commands.SEND_COMMAND) + r"([A-Za-z0-9_.-]+)\s+(.+)", re.DOTALL)
_ALLOWED_TO_ORCHESTRATOR = (
    _MODE_SET_COMMAND,
    re.compile(re.escape(inline_commands.MODE_STATUS_COMMAND) + r"\s*"),
    _SEND_COMMAND,
    re.compile(re.escape(inline_commands.TO_EVERYONE) + r"\s+.+", re.DOTALL),
    re.compile(re.escape(inline_commands.QUERY_LOG_COMMAND) + r"(?:\s+\d+)?\s*"),
    re.compile(re.escape(inline_commands.NOOP) + r"\s*"),
)


@dataclass(frozen=True)
class TextMessage:
    """A message to `to` (None: everyone)."""

    to: str | None
    content: str
    urgent: bool = False
    interrupt: bool = False

    @property
    def whole(self) -> str:
        """The text with the marks that it began with."""
        return "!" * (self.urgent + self.interrupt) + self.content


@dataclass(frozen=True)
class ControlOrder:
    """Pause, resume, or keys for a member (None: all agents)."""

    action: str
    to: str | None
    keys: str = ""


@dataclass(frozen=True)
class WorkingOrder:
    note: str


@dataclass(frozen=True)
class ModeOrder:
    mode: str
    topic: str
    rounds: int


@dataclass(frozen=True)
class ModeStatusQuery:
    """A question for the state of the mode, answered only to the asker."""


@dataclass(frozen=True)
class NoOperation:
    pass


PostMeaning = TextMessage | ControlOrder | WorkingOrder | ModeOrder | ModeStatusQuery | NoOperation
EXACT_COMMANDS: dict[str, PostMeaning] = {
    inline_commands.NOOP: NoOperation(),
    inline_commands.MODE_STATUS_COMMAND: ModeStatusQuery(),
}


def parse_post(content: str, to: str | None) -> PostMeaning:  # noqa: PLR0911 - one line per word
    """Parse a posted body: most are messages, some bodies as a whole are commands."""
    word = content.strip()
    if (whole := EXACT_COMMANDS.get(word)) is not None:
        return whole
    if word.lower() in CONTROL_WORDS:
        return ControlOrder(CONTROL_WORDS[word.lower()], to)
    if match := _KEY_ORDER.fullmatch(word):
        return ControlOrder("keys", to, STOP_KEY if match[1].lower() == STOP_KEY else match[1])
    if match := _MODE_SET_COMMAND.fullmatch(word):
        return ModeOrder(match[1], match[2], int((match[3] or "3")[:9]))
    if match := _SEND_COMMAND.fullmatch(word):
        return TextMessage(match[1], match[2])
    if match := _WORKING_COMMAND.fullmatch(word):
        return WorkingOrder(match[1].strip()) if inline_commands.begins_with_working(word) else TextMessage(to, content)
    return _parse_text(content, to)


def _parse_text(content: str, to: str | None) -> TextMessage:
    if match := _INTERRUPT_MARK.match(content):
        return TextMessage(to, content[match.end() :], urgent=True, interrupt=True)
    urgent = len(content) > 1 and content[0] == "!" and not content[1].isspace()
    return TextMessage(to, content[1:] if urgent else content, urgent=urgent)


def is_allowed_to_orchestrator(content: str) -> bool:
    return any(pattern.fullmatch(content.strip()) for pattern in _ALLOWED_TO_ORCHESTRATOR)


def shown_name(state: GatewayState, name: str) -> str:
    """The displayed name. Simple clients call the human of the team `Human` and the gateway `SYSTEM`. A display name is
    never used: these clients identify a speaker by nothing else."""
    if name == SYSTEM_NAME:
        return "SYSTEM"
    record = state.members.get(name)
    return TEAM_PERSON_DISPLAY if name == TEAM_PERSON_NAME and record is not None and record.by_team else name


def message_fields(state: GatewayState, message: Message, reader: str | None, floor: Floor) -> dict[str, Any]:
    """A message in the form of /inbox and /history."""
    target = BROADCAST if not message.recipients else ",".join(message.recipients)
    kind = "direct" if message.recipients else BROADCAST
    from_gateway = message.from_ == SYSTEM_NAME and (
        message.kind is MessageKind.SYSTEM or not _is_prompt_for(message, reader)
    )
    return {
        "id": f"msg-{message.seq}",
        "timestamp": message.timestamp,
        "from": shown_name(state, message.from_),
        "to": target,
        "content": "!" * (message.urgent + message.interrupt) + _content_for_reader(message, reader),
        "type": "system" if from_gateway else kind,
        "turnSignal": turn_signal(floor, reader),
        "currentTurn": floor.current,
    }


def _content_for_reader(message: Message, reader: str | None) -> str:
    """The content for this reader. Everyone but the speaker gets only the first line of a turn prompt: whose turn it
    is."""
    if message.from_ == SYSTEM_NAME and message.kind is MessageKind.TASK and not _is_prompt_for(message, reader):
        return message.content.partition("\n")[0]
    return readable_content(message)


def _is_prompt_for(message: Message, reader: str | None) -> bool:
    """Whether the message gives this reader the turn: the speaker is its first recipient."""
    return reader in message.deliveries[:1]


def control_message_fields(order: str, name: str, rule_context: RuleContext) -> dict[str, Any]:
    """A control command in the form of /inbox, for clients that look for it among messages."""
    return {
        "id": f"ctrl-{int(rule_context.now * 1000)}",
        "timestamp": rule_context.stamp,
        "from": SYSTEM_NAME.upper(),
        "to": name,
        "content": order,
        "type": "direct",
        "turnSignal": None,
        "currentTurn": None,
    }


def turn_signal(floor: Floor, reader: str | None) -> str | None:
    if floor.current is None or reader is None:
        return None
    return "your_turn" if reader == floor.current else "turn_wait"


def push_payloads(state: GatewayState, outgoing: OutgoingEvent) -> Iterator[bytes]:
    """An event in the form of /ws and /events: one payload per recipient, since simple clients compare `to` with their
    own name."""
    event = outgoing.event
    floor = state.floor(event.room) if isinstance(event, Message) else Floor()
    match event:
        case Message():
            kind = "system" if event.from_ == SYSTEM_NAME else "message"
            for target in event.recipients or (BROADCAST,):
                reader = None if target == BROADCAST else target
                body = message_fields(state, event, reader, floor)
                yield codec.encode({**body, "to": target, "type": kind})
        case Control(action=ControlAction.PAUSE | ControlAction.RESUME | ControlAction.KEYS):
            words = f"!{event.text}" if event.action is ControlAction.KEYS else f"/{event.action}"
            for target in event.to:
                yield codec.encode(
                    {
                        "type": "message",
                        "id": f"msg-{event.seq}",
                        "from": shown_name(state, event.from_),
                        "to": target,
                        "content": words,
                        "timestamp": event.timestamp,
                    }
                )


def websocket_renderer(state: GatewayState) -> Renderer:
    def render(outgoing: OutgoingEvent) -> bytes | None:
        return _join_payloads(
            stream_frames.encode_websocket_text(payload) for payload in push_payloads(state, outgoing)
        )

    return render


def stream_renderer(state: GatewayState) -> Renderer:
    def render(outgoing: OutgoingEvent) -> bytes | None:
        seq = outgoing.record.seq
        return _join_payloads(
            stream_frames.encode_http_chunk(stream_frames.encode_sse_event(one, seq=seq))
            for one in push_payloads(state, outgoing)
        )

    return render


def _join_payloads(pieces: Iterable[bytes]) -> bytes | None:
    return b"".join(pieces) or None


def orchestration_fields(floor: Floor) -> dict[str, Any]:
    """The state of the turns. `round` counts from 0: existing clients add 1 when they show it."""
    return {
        "mode": floor.name,
        "topic": floor.topic,
        "round": finished_rounds(floor),
        "maxRounds": floor.rounds,
        "turnOrder": list(floor.order),
        "currentTurnIndex": floor.index,
        "lastTurnChange": int(floor.since * 1000),
        "warningIssued": floor.warned,
    }


def finished_rounds(floor: Floor) -> int:
    return max(0, floor.round - 1)


def status_line(floor: Floor) -> str:
    """The answer to `@mode.status`, in one line."""
    if not floor.running:
        return "[CSP: mode freeform]"
    topic = " ".join(floor.topic.split())
    about = f", topic: {topic}" if topic else ""
    return f"[CSP: mode {floor.name}, round {floor.round}/{floor.rounds}, turn: {floor.speaker}{about}]"


def error_fields(error: GroupChatError) -> dict[str, Any]:
    """The simple clients read `error` as a sentence."""
    sentence = "Invalid authentication token" if error.status == 401 else error.message
    body: dict[str, Any] = {"error": sentence, "code": error.code}
    if error.nearest:
        body["nearest"] = list(error.nearest)
    return body
