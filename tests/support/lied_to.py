"""ann, ben and cyd with keys at one gateway, which lies to ben: it alters what he gets and what he asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.client import Client, Endpoint, new_id
from gateway.encryption.member_client.checked_messages import CheckedMessage, MessageProof, SealingNotice
from gateway.protocol.requests.room_requests import Join
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import MemberKind
from tests.support.gateways import Gateway
from tests.support.lying_gateway import Json, LyingGateway
from tests.support.sealed_members import SealedMember, connected, give_key

ROOM = "vault"


@dataclass
class LiedTo:
    """`lies` stands between ben and the gateway."""

    gateway: Gateway
    folder: Path
    lies: LyingGateway
    filler: Client
    ann: SealedMember
    ben: SealedMember
    cyd: SealedMember
    endpoints: dict[str, Endpoint] = field(default_factory=dict)

    async def open_room(self, *more: str) -> None:
        """A sealed room of ann's with ben, and more members."""
        await self.ann.client.create_sealed_room(ROOM)
        for name in ("ben", *more):
            await self.ann.client.admit(ROOM, name)
            await getattr(self, name).client.request(Join(room=ROOM), Done)
        await self.ann.client.rotate_room_key(ROOM)
        sent = await self.ann.client.send("all are here", room=ROOM)
        for name in ("ben", *more):
            assert (await getattr(self, name).message(sent.seq)).content == "all are here"

    async def say(self, text: str, **fields: object) -> CheckedMessage:
        """Ann says something in the sealed room; ben gets what the gateway makes of it."""
        sent = await self.ann.client.send(text, **{"room": ROOM, **fields})
        return await self.ben.message(sent.seq)

    async def push(self, *events: Json) -> list[int]:
        """Events that the gateway has made up, each in the place of a message that says nothing; their numbers."""
        numbers = []
        for event in events:
            filler = new_id()
            self.lies.invented[filler] = event
            numbers.append((await self.filler.send(filler)).seq)
        return numbers

    async def shown(self, event: Json) -> CheckedMessage:
        """What ben is shown of a message that the gateway has made up."""
        (number,) = await self.push(event)
        return await self.ben.message(number)

    async def loud(self, part: str) -> SealingNotice:
        notice = await self.ben.notice(part)
        assert notice.loud
        return notice


def is_wrong(message: CheckedMessage, part: str = "") -> bool:
    """Whether nothing of the message is shown but a sentence that says why; the sentence has this part."""
    refused = message.check.proof is MessageProof.WRONG and not message.parts and message.context is None
    return refused and part in message.content


@asynccontextmanager
async def lied_to_ben(gateway: Gateway, folder: Path) -> AsyncIterator[LiedTo]:
    lies = LyingGateway()
    async with AsyncExitStack() as stack:
        members, endpoints = {}, {}
        for name in ("ann", "ben", "cyd"):
            give_key(folder / name, name)
            endpoints[name] = await gateway.member(name, MemberKind.HUMAN, role=f"{name}s-role")
            options = lies.options if name == "ben" else {}
            members[name] = await stack.enter_async_context(connected(endpoints[name], folder / name, name, **options))
        filler = await stack.enter_async_context(Client(gateway.operator))
        yield LiedTo(gateway, folder, lies, filler, **members, endpoints=endpoints)
