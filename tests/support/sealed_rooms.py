"""A sealed room at a real gateway, whose members are connected. No box is really sealed: a gateway cannot tell."""

from __future__ import annotations

from typing import Any

from gateway.client import Client
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Join, Rooms, SetRoomKey
from gateway.protocol.results import Accepted, Done, RoomList
from gateway.protocol.types.core_types import MemberKind, Room, SealedContent

RECORD = "groupchat-key-1 kqRuYW1l"
NOTICE, ADMISSION, BOX = "bm90aWNl", "YWRtaXQ=", "Ym94"
HUMAN = MemberKind.HUMAN


def sealed(version: int = 1) -> SealedContent:
    return SealedContent(version, BOX)


class Vault:
    """A sealed room of ann, ben and cyd, each connected, with a first key."""

    def __init__(self, ann: Client, ben: Client, cyd: Client) -> None:
        self.ann, self.ben, self.cyd = ann, ben, cyd

    async def begin(self) -> None:
        await self.ann.request(CreateRoom(room="vault", sealed=True), Done)
        for name, client in (("ben", self.ben), ("cyd", self.cyd)):
            await self.ann.request(Invite(room="vault", member=name), Done)
            await client.request(Join(room="vault"), Done)
        await self.ann.request(SetRoomKey(room="vault", version=1, notice=NOTICE), Done)

    async def say(self, client: Client, version: int = 1, **fields: Any) -> Accepted:
        return await client.request(Send(content="", room="vault", sealed=sealed(version), **fields), Accepted)

    @staticmethod
    def box(version: int) -> SealedContent:
        return sealed(version)

    async def room(self) -> Room:
        found = await self.ann.request(Rooms(), RoomList)
        return next(one for one in found.rooms if one.name == "vault")
