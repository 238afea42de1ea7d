"""The main address of the gateway. After a restart, another process may have taken its port: then the gateway serves
its own programs through its socket, posts a notice in the chat, and takes the port as soon as it is free."""

from __future__ import annotations

import asyncio
import contextlib

import structlog
from aiohttp import web

from gateway.listening.limited_site import LimitedSite
from gateway.model.rule_outcome import RuleOutcome
from gateway.model.system_messages import room_notice
from gateway.process_basics.tasks import spawn
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import DEFAULT_ROOM
from gateway.runtime.hub import Hub
from gateway.server.listeners.dialect_listeners import ListenerSetup

RETRY_DELAY_S = 1.0
log = structlog.get_logger("gateway.server.listeners.main_listener")


class MainListener:
    def __init__(self, runner: web.AppRunner, host: str, port: int, setup: ListenerSetup) -> None:
        self._runner, self._host, self._port, self._setup = runner, host, port, setup
        self._waiting: asyncio.Task[None] | None = None

    async def take(self) -> int:
        """Bind the port. Raises OSError if another process has it."""
        site = LimitedSite(self._runner, self._host, self._port, self._setup.limiter, tls=self._setup.tls)
        try:
            await site.start()
        except OSError:
            await site.stop()
            raise
        return next(int(one[1]) for one in self._runner.addresses if isinstance(one, tuple))

    def take_when_free(self) -> int:
        """Returns the port that it will have; binds it later."""
        self._waiting = spawn(self._retry_until_free(), "main port")
        return self._port

    async def _retry_until_free(self) -> None:
        place = f"{self._host}:{self._port}"
        log.error("! another process listens on the port", place=place)
        await _post_notice(
            self._setup.hub,
            f"Another process listens on {place} now, where this gateway did. Chat and agents go on; tools that "
            "connect there reach that process, and send it their tokens.",
        )
        while True:
            await asyncio.sleep(RETRY_DELAY_S)
            with contextlib.suppress(OSError):
                await self.take()
                break
        log.info("= listens on the port again", place=place)
        await _post_notice(self._setup.hub, f"The gateway listens on {place} again.")

    async def close(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            await asyncio.wait([self._waiting])


async def _post_notice(hub: Hub, text: str) -> None:
    await hub.carry_out(RuleOutcome(Done(), (room_notice(DEFAULT_ROOM, text, hub.rule_context()),)))
