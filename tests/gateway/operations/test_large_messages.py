"""The largest messages come through whole, and no page of them is larger than a client takes."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from gateway.client import Client
from gateway.client.transport_errors import MAX_FRAME_BYTES
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Events, Hello
from gateway.protocol.requests.message_requests import History
from gateway.protocol.results import EventPage, MessageList
from gateway.protocol.types.core_types import MAX_CONTENT_BYTES
from gateway.store import MAX_PAGE_BYTES
from tests.support.gateways import gateway_in_process

MANY = MAX_PAGE_BYTES // MAX_CONTENT_BYTES + 8


async def test_they_come_through_in_pages_that_fit(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path) as gateway, Client(gateway.operator, Hello()) as alice:
        text = "x" * MAX_CONTENT_BYTES
        seqs = [(await alice.send(text)).seq for _ in range(MANY)]
        newest = await alice.request(History(limit=1000), MessageList)
        assert newest.more and len(newest.messages) == MAX_PAGE_BYTES // (len(text) + 300)
        assert [one.seq for one in newest.messages] == seqs[::-1][: len(newest.messages)]
        assert len(msgspec.json.encode(newest)) <= MAX_PAGE_BYTES < MAX_FRAME_BYTES
        since, found = seqs[0] - 1, list[int]()
        while len(found) < MANY:
            page = await alice.request(Events(since=since, limit=1000), EventPage)
            assert sum(len(bytes(event)) for event in page.events) <= MAX_PAGE_BYTES
            found += [msgspec.json.decode(bytes(event))["seq"] for event in page.events]
            since = page.until
        assert found == seqs
        async with Client(gateway.operator, Hello(since=seqs[0] - 1, echo=True)) as late:
            replayed = [event.seq async for event in _messages(late, MANY)]
        assert replayed == seqs


async def _messages(client: Client, count: int) -> AsyncIterator[Message]:
    async for event in client.events():
        if isinstance(event, Message):
            assert len(event.content) == MAX_CONTENT_BYTES
            count -= 1
            yield event
        if not count:
            return
