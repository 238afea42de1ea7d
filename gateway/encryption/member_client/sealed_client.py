"""The client of a member with keys: like the plain client, but what leaves is sealed or signed, and what comes is
opened and checked.

Everything is decided elsewhere in this folder; here is only the order of things.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from gateway.client.client import Client, ClientEvent
from gateway.client.discovery.endpoint import Endpoint
from gateway.encryption.member_client.checked_messages import SealingNotice
from gateway.encryption.member_client.member_machine import MemberMachine
from gateway.protocol.events import Control
from gateway.protocol.requests.approval_requests import OpenAsk
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Accepted, Done
from gateway.protocol.types.agent_work import Work

R = TypeVar("R")


class SealedClient(Client):
    """`unlock` gives the keys of the member that the token belongs to; None if this machine has none. It is asked once,
    after the first welcome, and may ask a person for a passphrase."""

    def __init__(
        self,
        endpoint: Endpoint,
        hello: Hello | None = None,
        *,
        unlock: Callable[[str], MemberMachine | None],
        **options: Any,
    ) -> None:
        super().__init__(endpoint, hello, **options)
        self._unlock = unlock
        self.machine: MemberMachine | None = None

    async def request(self, request: Request, kind: type[R], **options: Any) -> R:
        """As the plain client; a message of ours is sealed or signed first, and messages that come are opened."""
        return await super().request(request, kind, **options)

    async def events(self) -> AsyncIterator[ClientEvent | SealingNotice]:
        """As the plain client, with opened messages, and with notices about keys."""
        async for event in super().events():
            yield event

    # what a person does

    async def send_sealed(self, request: Send) -> Accepted:
        """Send a direct message sealed to the members that it names, or refuse: it never leaves in plain text."""
        raise NotImplementedError

    async def create_sealed_room(self, room: str) -> Done:
        """Create a room, and make its first key."""
        raise NotImplementedError

    async def admit(self, room: str, member: str, *, may_admit: bool = False) -> Done:
        """Invite a member to a sealed room, and sign that it may have the room's key."""
        raise NotImplementedError

    def is_sealed_room(self, room: str) -> bool:
        raise NotImplementedError

    # what an agent's sidecar does

    async def seal_ask(self, ask: OpenAsk, room: str) -> OpenAsk:
        """The question of an agent that works in a sealed room, readable to its members alone."""
        raise NotImplementedError

    async def seal_work(self, work: Work, room: str) -> Work:
        """What an agent is at, readable to the members of the sealed room that it works in."""
        raise NotImplementedError

    def check_answer(self, order: Control, digest: str, room: str) -> None:
        """Refuse an answer to a sealed question that no member of the room has signed for exactly this question."""
        raise NotImplementedError
