"""Members with keys on machines of their own (state folders), connected by the client that seals and opens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.client import Endpoint
from gateway.encryption.key_storage.key_files import encode_key_file, list_keys, store_key
from gateway.encryption.member_client.checked_messages import CheckedMessage, SealingNotice
from gateway.encryption.member_client.member_machine import open_member_machine
from gateway.encryption.member_client.sealed_client import SealedClient
from gateway.encryption.member_keys.private_keys import draw_keys, renew_keys
from gateway.process_basics.tasks import spawn
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import History
from gateway.protocol.results import MessageList

WAIT_S = 60.0


def give_key(state: Path, name: str) -> None:
    """A first key without a passphrase."""
    store_key(state, encode_key_file(draw_keys(name, 1_700_000_000), None))


def renew_key(state: Path, name: str) -> None:
    newest = list_keys(state, name)[-1].unlock()
    store_key(state, encode_key_file(renew_keys(newest, 1_700_000_001), None))


def replace_key(state: Path, name: str) -> None:
    """Another key of the next version that nobody vouches for, as after a loss."""
    version = list_keys(state, name)[-1].published.record.version + 1
    store_key(state, encode_key_file(draw_keys(name, 1_700_000_001, version), None))


@dataclass
class SealedMember:
    """A connected member, and everything that it has been shown."""

    name: str
    state: Path
    client: SealedClient
    heard: list[Any] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        async for event in self.client.events():
            self.heard.append(event)
            self._news.set()

    async def until(self, wanted: Any) -> Any:
        """The first thing heard for which `wanted` is true."""
        async with asyncio.timeout(WAIT_S):
            while True:
                self._news.clear()
                for one in self.heard:
                    if wanted(one):
                        return one
                await self._news.wait()

    async def message(self, seq: int) -> CheckedMessage:
        found = await self.until(lambda one: isinstance(one, Message) and one.seq == seq)
        assert isinstance(found, CheckedMessage)
        return found

    async def said(self, text: str) -> CheckedMessage:
        found = await self.until(lambda one: isinstance(one, Message) and one.content == text)
        assert isinstance(found, CheckedMessage)
        return found

    async def notice(self, part: str) -> SealingNotice:
        found = await self.until(lambda one: isinstance(one, SealingNotice) and part in one.text)
        assert isinstance(found, SealingNotice)
        return found

    @property
    def notices(self) -> list[str]:
        return [one.text for one in self.client.notices]

    async def history(self, room: str) -> list[CheckedMessage]:
        page = await self.client.request(History(room=room, limit=200), MessageList)
        return [one for one in reversed(page.messages) if isinstance(one, CheckedMessage)]


@asynccontextmanager
async def connected(
    endpoint: Endpoint, state: Path, name: str, hello: Hello | None = None, **options: Any
) -> AsyncIterator[SealedMember]:
    """This member, listening. Its key, if it has one, lies in its state folder."""

    def unlock(member: str) -> Any:
        return open_member_machine(state, member)

    async with SealedClient(endpoint, hello or Hello(), unlock=unlock, **options) as client:
        member = SealedMember(name, state, client)
        listening = spawn(member.listen(), "listening")
        try:
            yield member
        finally:
            listening.cancel()
            await asyncio.wait([listening])
