"""Large work is done beside the loop, one piece at a time and fairly; what is small is done at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import pytest

from gateway.access.permissions import Actor
from gateway.client import Client
from gateway.operations.dispatch import run_operation
from gateway.protocol import codec
from gateway.protocol.errors import TooLarge
from gateway.protocol.requests.message_requests import History, Search, Send
from gateway.protocol.requests.shared_document_requests import ContextChanges, GetContext, MergeContext, PutContext
from gateway.protocol.results import ContextDocument, ContextSaved
from gateway.protocol.types.core_types import MemberKind
from gateway.runtime.worker_thread import LARGE_DOCUMENT_BYTES, WorkerThread
from tests.support.gateways import TEAM_TOKEN, Gateway
from tests.support.simple import simple_client

T = TypeVar("T")
ITEMS = [f"item {number}" for number in range(20_000)]


@pytest.fixture
async def aside() -> AsyncIterator[WorkerThread]:
    one = WorkerThread()
    yield one
    one.close()


async def test_what_is_small_is_done_at_once_and_what_is_large_elsewhere(aside: WorkerThread) -> None:
    here = threading.get_ident()
    assert await aside.run("ann", LARGE_DOCUMENT_BYTES - 1, threading.get_ident) == here
    assert await aside.run("ann", LARGE_DOCUMENT_BYTES, threading.get_ident) != here


async def test_who_asks_for_much_waits_for_its_own(aside: WorkerThread) -> None:
    done: list[str] = []
    gate = threading.Event()

    async def piece(member: str, number: int) -> None:
        def work() -> None:
            gate.wait(10)
            done.append(f"{member}{number}")

        await aside.run(member, LARGE_DOCUMENT_BYTES, work)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(piece("ann", number))
        await asyncio.sleep(0)
        group.create_task(piece("ben", 0))
        await asyncio.sleep(0)
        gate.set()
    assert done[:2] == ["ann0", "ben0"] and done[2:] == ["ann1", "ann2", "ann3"]


async def test_an_error_is_the_askers_and_the_next_is_done(aside: WorkerThread) -> None:
    def fails() -> None:
        raise ValueError("not this one")

    with pytest.raises(ValueError, match="not this one"):
        await aside.run("ann", LARGE_DOCUMENT_BYTES, fails)
    assert await aside.run("ann", LARGE_DOCUMENT_BYTES, lambda: 7) == 7
    assert not aside._turns


class Noting(WorkerThread):
    """Which pieces were large."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    async def run(self, member: str, size: int, work: Callable[[], T]) -> T:
        self.sizes.append(size)
        return await super().run(member, size, work)


async def test_large_documents_pages_and_frames_are_none_of_the_loops_business(gateway: Gateway) -> None:
    hub, noting = gateway.hub, Noting()
    hub.aside.close()
    hub.aside = noting
    ann = Actor("ann", MemberKind.HUMAN)
    endpoint = await gateway.member("ann", MemberKind.HUMAN)

    async def large(request: Any) -> bool:
        noting.sizes.clear()
        await run_operation(hub, ann, request)
        return max(noting.sizes) >= LARGE_DOCUMENT_BYTES

    document = {"list": ITEMS}
    assert await large(PutContext(scope="global", name="big", document=document))
    assert await large(MergeContext(scope="global", name="big", patch={"list": ["one more"]}))
    for _ in range(5):
        await run_operation(hub, ann, Send(content="word " * 10_000))
    assert await large(History())
    assert await large(Search(query="word"))
    async with Client(endpoint) as client:
        noting.sizes.clear()
        await client.request(PutContext(scope="global", name="other", document=document), ContextSaved)
        assert sum(size >= LARGE_DOCUMENT_BYTES for size in noting.sizes) == 2, "the frame, and the document"
        found = await client.request(GetContext(scope="global", name="big"), ContextDocument)
        assert found.document == {"list": [*ITEMS, "one more"]}
        earlier = await client.request(GetContext(scope="global", name="big", version=1), ContextDocument)
        assert earlier.document == document
    noting.sizes.clear()
    await run_operation(hub, ann, ContextChanges(scope="global", name="big"))
    assert noting.sizes


NESTED = b"[" * 10
FRAMES = [
    pytest.param(b'{"op":"ping","n":1}', True, id="small"),
    pytest.param(b'{"op":"send","n":1,"content":"%s"}' % (b"[{," * 20_000), True, id="a text full of brackets"),
    pytest.param(b'{"a":[%s]}' % b",".join([b"1"] * 500_000), True, id="many numbers"),
    pytest.param(b'{"a":[%s]}' % b",".join([b"[]"] * 99_998), True, id="as many lists as may be"),
    pytest.param(b'{"a":[%s]}' % b",".join([b"[]"] * 100_001), False, id="one list too many"),
    pytest.param(b'{"a":[%s]}' % b",".join([b'{"a":{}}'] * 50_001), False, id="too many objects"),
]


@pytest.mark.parametrize(("frame", "bearable"), FRAMES)
def test_what_would_take_long_to_take_apart_is_refused_unseen(frame: bytes, bearable: bool) -> None:
    for data in (frame, frame.decode()):
        if bearable:
            codec.check_decoding_cost(data)
        else:
            with pytest.raises(TooLarge, match="lists and objects"):
                codec.check_decoding_cost(data)


async def test_it_is_refused_by_every_interface(gateway: Gateway) -> None:
    document: dict[str, list[object]] = {"a": [[] for _ in range(100_001)]}
    async with Client(gateway.operator) as alice, simple_client(gateway.url, TEAM_TOKEN) as team:
        with pytest.raises(TooLarge):
            await alice.request(PutContext(scope="global", document=document), ContextSaved)
        answers = [
            await team.ask("PUT", "/v1/contexts/global/main", body={"document": document}),
            await team.ask("POST", "/v1/op", body={"op": "context.put", "scope": "global", "document": document}),
            await team.ask("POST", "/agent-output", body={"from": "Human", "content": "x", "parts": document["a"]}),
        ]
    assert [one.status for one in answers] == [413, 413, 413]
