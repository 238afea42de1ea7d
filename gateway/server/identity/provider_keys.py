"""The keys of one issuer: fetched or read, kept, and looked at again for an unknown `kid` or when they are old.

There is one fetch at a time, and a pause after each. A fetch that hangs or lies leaves the former keys in force for a
day.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import structlog

from gateway.access.provider_tokens import KeySet, parse_key_set
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import GroupChatError, Unavailable
from gateway.server.identity.identity_file import read_bounded

log = structlog.get_logger("gateway.server.identity")

FETCH_TIMEOUT_S = 5.0
MAX_KEY_SET_BYTES = 64 * 1024
CHUNK_BYTES = 8 * 1024
FETCH_PAUSE_S = 30.0  # between two looks at the keys of an issuer, whatever tokens come
MAX_KEY_AGE_S = 24 * 3600.0
MAX_WAITING = 200  # requests that wait for one fetch


class ProviderKeys:
    def __init__(
        self,
        issuer: str,
        source: str | Path,
        algorithms: frozenset[str],
        refresh: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer, self._source, self._algorithms, self._refresh = issuer, source, algorithms, refresh
        self._clock = clock
        self._keys: KeySet | None = None
        self._fetched = self._tried = float("-inf")
        self._fetching: asyncio.Task[None] | None = None
        self._waiting = 0
        self.fetches = 0

    async def find(self, kid: str | None) -> KeySet:
        """The keys in force. For an unknown `kid` they are looked at again, if that was not done a moment ago."""
        if self._keys is None or self._age() > MAX_KEY_AGE_S or self._keys.find(kid) is None:
            await self._look_again()
        elif self._age() > self._refresh:
            self._begin()
        if self._keys is None or self._age() > MAX_KEY_AGE_S:
            raise Unavailable(
                f"The keys of {self._issuer} cannot be had now, so its tokens cannot be checked. Try again.",
                retry_after=FETCH_PAUSE_S,
            )
        return self._keys

    async def stop(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    def _age(self) -> float:
        return self._clock() - self._fetched

    async def _look_again(self) -> None:
        self._begin()
        if self._fetching is None:
            return
        if self._waiting >= MAX_WAITING:
            raise Unavailable(f"Too many requests wait for the keys of {self._issuer}. Try again.", retry_after=1)
        self._waiting += 1
        try:
            await asyncio.wait([self._fetching])
        finally:
            self._waiting -= 1

    def _begin(self) -> None:
        """Begin a fetch, unless one is under way or has just ended."""
        if self._fetching is None and self._clock() - self._tried >= FETCH_PAUSE_S:
            self._tried = self._clock()
            self._fetching = spawn(self._fetch(), "keys of an identity provider")

    async def _fetch(self) -> None:
        self.fetches += 1
        try:
            document = await _document_of(self._source)
            keys = await asyncio.to_thread(parse_key_set, document, self._algorithms)
        except (GroupChatError, aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            why = error.message if isinstance(error, GroupChatError) else f"{type(error).__name__}: {error}"
            log.warning("! the keys of an issuer cannot be had", issuer=self._issuer, error=why)
        else:
            self._keys, self._fetched = keys, self._clock()
            log.info("= keys of an issuer", issuer=self._issuer, keys=len(keys.keys), left_out=keys.left_out)
        finally:
            self._fetching = None


async def _document_of(source: str | Path) -> bytes:
    if isinstance(source, Path):
        return await asyncio.to_thread(read_bounded, source, MAX_KEY_SET_BYTES)
    return await fetch_document(source)


async def fetch_document(url: str) -> bytes:
    """The document there, whole, in bounded time and size. No redirect is followed: it could lead to an address that
    was not allowed. Nothing is unpacked."""
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=FETCH_TIMEOUT_S), auto_decompress=False) as session,
        session.get(url, headers=headers, allow_redirects=False) as answer,
    ):
        if answer.status != 200 or answer.headers.get("Content-Encoding", "identity") != "identity":
            raise Unavailable(f"it answers with the status {answer.status}, or with a packed document")
        found = bytearray()
        async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
            found += chunk
            if len(found) > MAX_KEY_SET_BYTES:
                raise Unavailable(f"the key set has more than {MAX_KEY_SET_BYTES} bytes")
        return bytes(found)
