"""Signals for readers that wait for news: of an inbox, by member, or of the log."""

from __future__ import annotations

import asyncio
import contextlib


class ReaderSignals:
    def __init__(self) -> None:
        self._news = asyncio.Event()
        self._mail: dict[str, asyncio.Event] = {}

    def delivery_signal(self, name: str) -> asyncio.Event:
        """Set when something about the deliveries to or from a member changes."""
        return self._mail.setdefault(name, asyncio.Event())

    @property
    def anybody_waits_for_mail(self) -> bool:
        return bool(self._mail)

    def wake(self, name: str) -> None:
        if (waiting := self._mail.pop(name, None)) is not None:
            waiting.set()

    def wake_all(self) -> None:
        for name in list(self._mail):
            self.wake(name)

    def announce_news(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def news(self, seconds: float) -> None:
        """Wait until the next commit, or until the timeout."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
