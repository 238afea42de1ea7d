"""Whether agents can be talked to, however much else happens in the room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from controller.workspace.startup.readiness import BegunAgents, wait_until_ready
from gateway.client import Client
from gateway.protocol.errors import Unavailable
from gateway.protocol.events import MemberView, PresenceChanged, Receipt
from gateway.protocol.requests.agent_requests import SetActivity
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import Activity, MemberKind, Presence
from tests.support.gateways import gateway_in_process

READY = MemberView("claude", MemberKind.AGENT, presence=Presence.ONLINE, activity=Activity.IDLE)


async def test_the_panes_are_not_asked_after_each_event() -> None:
    looked = 0

    async def panes() -> list[Any]:
        nonlocal looked
        looked += 1
        return []

    async def events() -> AsyncIterator[object]:
        for number in range(2000):
            yield Receipt(number, "general", number, "claude", (), "")
        yield PresenceChanged(READY)

    client: Any = SimpleNamespace(welcome=SimpleNamespace(members=()), events=events)
    site: Any = SimpleNamespace(workspace=SimpleNamespace(panes=panes))
    told: list[str] = []
    assert await wait_until_ready(client, site, ["claude"], 30, told.append) == BegunAgents()
    assert told == ["claude is idle"]
    assert looked < 200


@pytest.mark.parametrize("inbox", [True, False])
async def test_a_sidecar_that_comes_again_is_not_taken_for_ready(tmp_path: Any, inbox: bool) -> None:
    """The one before it was killed while its agent was idle."""
    async with gateway_in_process(tmp_path) as gateway:
        me = await gateway.member("claude")
        async with Client(me, Hello(inbox=True)) as first:
            await first.request(SetActivity(activity=Activity.IDLE), Done)
        async with Client(me, Hello(inbox=inbox)), Client(gateway.operator) as alice:
            found = next(one for one in alice.welcome.members if one.name == "claude")
            assert found.presence is Presence.ONLINE
            assert found.activity is (Activity.UNKNOWN if inbox else Activity.IDLE)


async def test_a_gateway_that_goes_ends_the_wait_with_its_own_error() -> None:
    """And with nothing else: a program of a person's prints no traceback of a task."""
    seen: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: seen.append(context))

    async def panes() -> list[Any]:
        return []

    async def events() -> AsyncIterator[object]:
        yield Receipt(1, "general", 1, "claude", (), "")
        raise Unavailable("It is gone.")

    client: Any = SimpleNamespace(welcome=SimpleNamespace(members=()), events=events)
    site: Any = SimpleNamespace(workspace=SimpleNamespace(panes=panes))
    with pytest.raises(Unavailable, match="gone"):
        await wait_until_ready(client, site, ["claude"], 30, print)
    await asyncio.sleep(0)
    assert seen == []
