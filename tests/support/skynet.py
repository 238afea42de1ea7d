"""A gateway with its Skynet clients, for tests."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from gateway.access.permissions import Actor
from gateway.operations.dispatch import run_operation
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.types.core_types import MemberKind
from tests.fakes.skynet_client import SkynetAgent, SkynetRest, skynet_agent, skynet_rest
from tests.support.gateways import Gateway

ALICE = Actor("alice", MemberKind.HUMAN)


class SkynetWorld:
    """A running gateway, its Skynet clients, and a person in the chat."""

    def __init__(self, gateway: Gateway, stack: AsyncExitStack) -> None:
        self.gateway, self.hub = gateway, gateway.hub
        self.url = gateway.listeners["skynet"]
        self._stack = stack

    async def agent(self, agent_id: str, path: str = "/ws", **query: Any) -> SkynetAgent:
        return await self._stack.enter_async_context(skynet_agent(self.url, agent_id, path, **query))

    async def rest(self) -> SkynetRest:
        return await self._stack.enter_async_context(skynet_rest(self.url))

    async def person(self) -> Actor:
        """alice, connected to the chat."""
        await run_operation(self.hub, ALICE, Hello())
        return ALICE

    async def do(self, actor: Actor, request: Any) -> Any:
        return await run_operation(self.hub, actor, request)
