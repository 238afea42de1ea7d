"""Turns an answer into replies for the room. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from gateway.protocol.events import Message
from gateway.protocol.text.code_fences import outside_code
from gateway.protocol.types.core_types import MAX_CONTENT_BYTES, SYSTEM_NAME, FloorView
from sidecar.messages.sealed_turns import is_sealed

_ADDRESSED_LINE = re.compile(r"@([A-Za-z0-9_][A-Za-z0-9_.-]*)[,:]?\s+(\S.*)")
_CUT_MARK = "\n[...]"


@dataclass(frozen=True)
class Reply:
    """`id` makes a repeated send harmless. `answers` are all messages that it answers; the last of them is `reply_to`.
    `is_answer`: those messages wait for it; a line for another member is none. `tokens` is what the agent has used
    since the last reply, as far as its transcript shows. `sealed`: it may not leave this machine in plain text."""

    content: str
    to: tuple[str, ...]
    room: str
    reply_to: int | None
    id: str
    answers: tuple[int, ...] = ()
    tokens: int = 0
    is_answer: bool = False
    sealed: bool = False

    @property
    def settled(self) -> tuple[int, ...]:
        """The messages that end with it."""
        if not self.is_answer or self.reply_to is None:
            return ()
        return self.answers or (self.reply_to,)


def replies_from_answer(me: str, messages: Sequence[Message], answer: str, names: Collection[str]) -> list[Reply]:
    """The answer to the messages of one audience goes back to where they came from. Lines that begin with a known
    `@name` also go to that member."""
    text = cut_to_bytes(answer.replace("\x00", ""))
    if not text.strip() or expects_no_answer(messages[-1]):
        return []
    last, key = messages[-1], f"{me}-{messages[-1].seq}"
    back = (f"@{last.from_}",) if last.recipients else ()
    answers = tuple(one.seq for one in messages) if len(messages) > 1 else ()
    sealed = any(map(is_sealed, messages))
    found = [Reply(text, back, last.room, last.seq, f"reply-{key}", answers, is_answer=True, sealed=sealed)]
    for number, (name, line) in enumerate(addressed_lines(text)):
        if name in names and name not in (me, last.from_):
            found.append(Reply(line, (f"@{name}",), last.room, last.seq, f"line-{key}-{number}", sealed=sealed))
    return found


def expects_no_answer(message: Message) -> bool:
    """The gateway sent it to this member alone, so nobody would read an answer."""
    return message.from_ == SYSTEM_NAME and bool(message.recipients)


WITHHELD_FOR_DIRECT_TEXT = (
    "[answered together with a direct message; the answer went to its sender alone. Ask again to hear it.]"
)
WITHHELD_FROM_ALL_TEXT = "[answered together with messages of others who may not read this. Ask again to hear it.]"
WITHHELD_FOR_ROOM_TEXT = (
    "[answered together with a message in another room; the answer is there. Ask again to hear it.]"
)


def withheld_reply(me: str, messages: Sequence[Message], text: str) -> Reply:
    """For members whose messages shared a turn with a direct message or with a message in another room. They may not be
    allowed to see its answer."""
    last = messages[-1]
    back = (f"@{last.from_}",) if last.recipients else ()
    answers = tuple(one.seq for one in messages)
    sealed = any(map(is_sealed, messages))
    return Reply(text, back, last.room, last.seq, f"reply-{me}-{last.seq}", answers, is_answer=True, sealed=sealed)


def reply_without_request(me: str, text: str, turn: str) -> Reply | None:
    """What the agent said in a turn that nobody in the room asked for. It goes to everyone."""
    text = cut_to_bytes(text.replace("\x00", ""))
    if not text.strip():
        return None
    key = turn or hashlib.sha256(text.encode()).hexdigest()[:24]
    return Reply(text, (), "", None, f"said-{me}-{key}"[:128])


def addressed_lines(text: str) -> Iterator[tuple[str, str]]:
    """`@name text` at the beginning of a line, outside code fences."""
    for line in outside_code(text.split("\n")):
        if match := _ADDRESSED_LINE.match(line):
            yield match[1].lower().rstrip(".-"), match[2]


UNSEALED_LINE_TEXT = "[What I wrote to you in answer to #{number} was not sent, because it cannot be sealed: {why}]"
KEPT_ANSWER_TEXT = "the answer was not sent, because it cannot be sealed: {why}"


def unsealed_line_notice(reply: Reply, why: str) -> Reply:
    """Says in plain text, and without its content, that a line for another member could not be sealed."""
    text = UNSEALED_LINE_TEXT.format(number=reply.reply_to or "", why=why.rstrip("."))
    return Reply(text, reply.to, reply.room, None, f"unsealed-{reply.id}"[:128])


def mode_status_reply(floor: FloorView) -> str:
    """The answer to `@mode.status`."""
    if not floor.speaker:
        return f"mode {floor.mode}"
    rounds = f", round {floor.round} of {floor.rounds}" if floor.rounds > 1 else ""
    return f"mode {floor.mode}, {floor.phase}{rounds}; {floor.speaker} has the turn"


def cut_to_bytes(text: str, limit: int = MAX_CONTENT_BYTES) -> str:
    """At most as many bytes as the room accepts, cut visibly and never inside a character."""
    data = text.encode(errors="replace")
    if len(data) <= limit:
        return data.decode()
    return data[: limit - len(_CUT_MARK)].decode(errors="ignore") + _CUT_MARK
