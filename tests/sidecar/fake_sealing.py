"""In place of a client with keys: it marks what it seals, and refuses what it cannot seal."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from gateway.encryption.member_client.checked_messages import CheckedMessage, MessageCheck, MessageProof
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.protocol.events import Control, Message
from gateway.protocol.requests.approval_requests import OpenAsk
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.results import Accepted
from gateway.protocol.types.agent_work import Work
from gateway.protocol.types.core_types import MessageKind, Option
from sidecar.messages.sealed_turns import SealedPlace

SEALED = "sealed:"


def checked(message: Message, proof: MessageProof = MessageProof.SIGNED, *, was_sealed: bool = True) -> CheckedMessage:
    """The message as a client with keys has found it."""
    fields: dict[str, Any] = {name: getattr(message, name) for name in message.__struct_fields__}
    return CheckedMessage(**fields | {"check": MessageCheck(proof, was_sealed)})


def message_of(number: int = 1, room: str = "lab", sender: str = "alice", **fields: Any) -> Message:
    """A message for claude."""
    return Message(number, f"m{number}", room, sender, (), MessageKind.CHAT, "hello", "", **fields)


class FakeSealing:
    """`rooms` are sealed. `refused`: the members whose key may not be used, and why."""

    def __init__(self, *rooms: str) -> None:
        self.rooms = set(rooms)
        self.refused: dict[str, str] = {}
        self.direct: list[Send] = []
        self.works: list[Work] = []
        self.approved: list[tuple[str, str, SealedPlace]] = []  # (digest, answer, place) that somebody has signed
        self.has_key = True

    def is_sealed_room(self, room: str) -> bool:
        return room in self.rooms

    async def send_sealed(self, request: Send) -> Accepted:
        for name in request.to:
            if why := self.refused.get(str(name).removeprefix("@")):
                raise SealingRefused(SealingFault.CHANGED_KEY, why)
        self.direct.append(request)
        return Accepted(len(self.direct))

    async def seal_ask(self, ask: OpenAsk, place: SealedPlace) -> OpenAsk:
        """Only the keys of the options, and whether they mean yes or no, stay readable."""
        self._check(place)
        options = tuple(Option(one.key, "", one.means) for one in ask.options)
        return structs.replace(ask, question=SEALED, options=options, tool="", detail="")

    async def seal_work(self, work: Work, place: SealedPlace) -> Work:
        self._check(place)
        self.works.append(work)
        return Work(folder=SEALED, turn_tokens=work.turn_tokens, day_tokens=work.day_tokens)

    def _check(self, place: SealedPlace) -> None:
        if why := self.refused.get(place.sender or place.room):
            raise SealingRefused(SealingFault.NO_ROOM_KEY, why)

    async def check_answer(self, order: Control, digest: str, place: SealedPlace) -> None:
        if (digest, order.text, place) not in self.approved:
            raise SealingRefused(SealingFault.SIGNATURE, "nobody has signed this answer")
