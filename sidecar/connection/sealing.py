"""What the sidecar needs of the client that seals and opens (`gateway/encryption/member_client`), and what stands in
its place where this machine has no key of the agent."""

from __future__ import annotations

from typing import Protocol

from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.protocol.events import Control
from gateway.protocol.requests.approval_requests import OpenAsk
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.results import Accepted
from gateway.protocol.types.agent_work import Work
from sidecar.messages.sealed_turns import SealedPlace

NO_OWN_KEY_TEXT = "this machine has no key of the agent"


class Sealing(Protocol):
    """`sidecar.connection.room_connection.RoomConnection` offers it."""

    @property
    def has_key(self) -> bool: ...

    def is_sealed_room(self, room: str) -> bool: ...

    async def send_sealed(self, request: Send) -> Accepted: ...

    async def seal_ask(self, ask: OpenAsk, place: SealedPlace) -> OpenAsk: ...

    async def seal_work(self, work: Work, place: SealedPlace) -> Work: ...

    async def check_answer(self, order: Control, digest: str, place: SealedPlace) -> None: ...


class NoSealing:
    """Nothing is sealed here, so nothing can be; what would have to be is refused."""

    has_key = False

    def is_sealed_room(self, room: str) -> bool:
        return False

    async def send_sealed(self, request: Send) -> Accepted:
        raise no_own_key()

    async def seal_ask(self, ask: OpenAsk, place: SealedPlace) -> OpenAsk:
        raise no_own_key()

    async def seal_work(self, work: Work, place: SealedPlace) -> Work:
        raise no_own_key()

    async def check_answer(self, order: Control, digest: str, place: SealedPlace) -> None:
        raise no_own_key()


NO_SEALING = NoSealing()


def no_own_key() -> SealingRefused:
    return SealingRefused(SealingFault.NO_OWN_KEY, NO_OWN_KEY_TEXT)
