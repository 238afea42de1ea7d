"""The simple interface's shapes and in-band words. Pure: values in, values out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gateway.api import frames
from gateway.model.log_events import Clerk
from gateway.model.state import House
from gateway.protocol import codec
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import Control, ControlAction, Message
from gateway.protocol.text import inline_commands as commands
from gateway.protocol.types import STOP_KEY, SYSTEM, MessageKind
from gateway.push.broadcaster import Renderer, Sheet
from gateway.rooms.members import TEAM_MEMBER, TEAM_MEMBER_DISPLAY
from gateway.turns.engine import Floor

BROADCAST = "broadcast"
CONTROL_WORDS = {
    "/pause": "pause",
    "/resume": "resume",
    "csp_ctrl:pause": "pause",
    "csp_ctrl:resume": "resume",
}
_KEYS = re.compile(r"!\s*(\^[A-Za-z\[\\]|esc(?:ape)?|ctrl-[a-z]|stop)\s*", re.IGNORECASE)
_INTERRUPTS = re.compile(r"!!(?=[^\s!=])")
_WORKING = re.compile(r"@?working\b[ \t]*(.*)", re.IGNORECASE | re.DOTALL)
_MODE_SET = re.compile(re.escape(commands.MODE_SET) + r'\s+(\w+)\s+"([^"]*)"(?:\s+--rounds\s+(-?\d+))?\s*')
_SEND = re.compile(re.escape(commands.TO_ONE) + r"([A-Za-z0-9_.-]+)\s+(.+)", re.DOTALL)
_ALLOWED_TO_ORCHESTRATOR = (
    _MODE_SET,
    re.compile(re.escape(commands.MODE_STATUS) + r"\s*"),
    _SEND,
    re.compile(re.escape(commands.TO_EVERYONE) + r"\s+.+", re.DOTALL),
    re.compile(re.escape(commands.QUERY_LOG) + r"(?:\s+\d+)?\s*"),
    re.compile(re.escape(commands.NOTHING) + r"\s*"),
)


@dataclass(frozen=True)
class Text:
    """Something to say to `to` (None: everyone)."""

    to: str | None
    content: str
    urgent: bool = False
    interrupt: bool = False

    @property
    def whole(self) -> str:
        """With the marks that it began with."""
        return "!" * (self.urgent + self.interrupt) + self.content


@dataclass(frozen=True)
class Order:
    """Pause, resume, or keys for a member (None: all agents)."""

    action: str
    to: str | None
    keys: str = ""


@dataclass(frozen=True)
class Working:
    note: str


@dataclass(frozen=True)
class SetMode:
    mode: str
    topic: str
    rounds: int


@dataclass(frozen=True)
class Status:
    """Where the mode stands: told to whoever asks, and to nobody else."""


@dataclass(frozen=True)
class Nothing:
    pass


Meant = Text | Order | Working | SetMode | Status | Nothing
WHOLE: dict[str, Meant] = {commands.NOTHING: Nothing(), commands.MODE_STATUS: Status()}


def meaning(content: str, to: str | None) -> Meant:  # noqa: PLR0911 - one line per word
    """What a posted body asks for: most are text, a few whole bodies are control."""
    word = content.strip()
    if (whole := WHOLE.get(word)) is not None:
        return whole
    if word.lower() in CONTROL_WORDS:
        return Order(CONTROL_WORDS[word.lower()], to)
    if match := _KEYS.fullmatch(word):
        return Order("keys", to, STOP_KEY if match[1].lower() == STOP_KEY else match[1])
    if match := _MODE_SET.fullmatch(word):
        return SetMode(match[1], match[2], int((match[3] or "3")[:9]))
    if match := _SEND.fullmatch(word):
        return Text(match[1], match[2])
    if match := _WORKING.fullmatch(word):
        return Working(match[1].strip()) if commands.begins_with_working(word) else Text(to, content)
    return _text(content, to)


def _text(content: str, to: str | None) -> Text:
    if match := _INTERRUPTS.match(content):
        return Text(to, content[match.end() :], urgent=True, interrupt=True)
    urgent = len(content) > 1 and content[0] == "!" and not content[1].isspace()
    return Text(to, content[1:] if urgent else content, urgent=urgent)


def allowed_to_orchestrator(content: str) -> bool:
    return any(pattern.fullmatch(content.strip()) for pattern in _ALLOWED_TO_ORCHESTRATOR)


def shown_name(house: House, name: str) -> str:
    """`Human` is what the simple clients call the human of the team; the gateway itself is `SYSTEM` to them. What a
    member calls itself is not believed: simple clients know nothing else of who is speaking."""
    if name == SYSTEM:
        return "SYSTEM"
    record = house.members.get(name)
    return TEAM_MEMBER_DISPLAY if name == TEAM_MEMBER and record is not None and record.by_team else name


def listed(house: House, message: Message, reader: str | None, floor: Floor) -> dict[str, Any]:
    """A message as /inbox and /history give it."""
    target = BROADCAST if not message.recipients else ",".join(message.recipients)
    kind = "direct" if message.recipients else BROADCAST
    of_the_house = message.from_ == SYSTEM and (message.kind is MessageKind.SYSTEM or not _is_prompted(message, reader))
    return {
        "id": f"msg-{message.seq}",
        "timestamp": message.timestamp,
        "from": shown_name(house, message.from_),
        "to": target,
        "content": "!" * (message.urgent + message.interrupt) + _shown(message, reader),
        "type": "system" if of_the_house else kind,
        "turnSignal": turn_signal(floor, reader),
        "currentTurn": floor.current,
    }


def _shown(message: Message, reader: str | None) -> str:
    """Of a turn prompt all but its speaker need only to know whose turn it is: its first line."""
    if message.from_ == SYSTEM and message.kind is MessageKind.TASK and not _is_prompted(message, reader):
        return message.content.partition("\n")[0]
    return message.content


def _is_prompted(message: Message, reader: str | None) -> bool:
    """Who is given the turn comes first among those who read of it."""
    return reader in message.deliveries[:1]


def ordered(order: str, name: str, clerk: Clerk) -> dict[str, Any]:
    """A control word as /inbox gives it, to clients that look for it in messages."""
    return {
        "id": f"ctrl-{int(clerk.now * 1000)}",
        "timestamp": clerk.stamp,
        "from": SYSTEM.upper(),
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


def pushed(house: House, sheet: Sheet) -> Iterator[bytes]:
    """An event as /ws and /events push it: one per recipient, since simple clients compare `to` with their name."""
    event = sheet.event
    floor = house.floor(event.room) if isinstance(event, Message) else Floor()
    match event:
        case Message():
            kind = "system" if event.from_ == SYSTEM else "message"
            for target in event.recipients or (BROADCAST,):
                reader = None if target == BROADCAST else target
                body = listed(house, event, reader, floor)
                yield codec.encode({**body, "to": target, "type": kind})
        case Control(action=ControlAction.PAUSE | ControlAction.RESUME | ControlAction.KEYS):
            words = f"!{event.text}" if event.action is ControlAction.KEYS else f"/{event.action}"
            for target in event.to:
                yield codec.encode(
                    {
                        "type": "message",
                        "id": f"msg-{event.seq}",
                        "from": shown_name(house, event.from_),
                        "to": target,
                        "content": words,
                        "timestamp": event.timestamp,
                    }
                )


def on_websocket(house: House) -> Renderer:
    def render(sheet: Sheet) -> bytes | None:
        return _joined(frames.websocket_text(payload) for payload in pushed(house, sheet))

    return render


def on_stream(house: House) -> Renderer:
    def render(sheet: Sheet) -> bytes | None:
        seq = sheet.record.seq
        return _joined(frames.http_chunk(frames.sse_event(one, seq=seq)) for one in pushed(house, sheet))

    return render


def _joined(pieces: Iterable[bytes]) -> bytes | None:
    return b"".join(pieces) or None


def orchestration(floor: Floor) -> dict[str, Any]:
    """`round` counts from 0: the existing clients add 1 where they show it."""
    return {
        "mode": floor.name,
        "topic": floor.topic,
        "round": rounds_done(floor),
        "maxRounds": floor.rounds,
        "turnOrder": list(floor.order),
        "currentTurnIndex": floor.index,
        "lastTurnChange": int(floor.since * 1000),
        "warningIssued": floor.warned,
    }


def rounds_done(floor: Floor) -> int:
    return max(0, floor.round - 1)


def status(floor: Floor) -> str:
    """The answer to `@mode.status`, in one line."""
    if not floor.running:
        return "[CSP: mode freeform]"
    topic = " ".join(floor.topic.split())
    about = f", topic: {topic}" if topic else ""
    return f"[CSP: mode {floor.name}, round {floor.round}/{floor.rounds}, turn: {floor.speaker}{about}]"


def simple_error(error: GroupChatError) -> dict[str, Any]:
    """The simple clients read `error` as a sentence."""
    sentence = "Invalid authentication token" if error.status == 401 else error.message
    body: dict[str, Any] = {"error": sentence, "code": error.code}
    if error.nearest:
        body["nearest"] = list(error.nearest)
    return body
