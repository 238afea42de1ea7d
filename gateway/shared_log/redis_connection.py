"""The connection to Redis: commands and scripts, and its errors as ours.

The library repeats no command by itself: whether a command may be repeated is for its caller to know. A command that is
sent is waited for, so that no answer is left in the connection for the next command.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, TypeAlias

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    ConnectionError,
    NoScriptError,
    OutOfMemoryError,
    RedisError,
    ResponseError,
    TimeoutError,
)

from gateway.protocol.errors import GroupChatError, StorageFailed, StorageFull
from gateway.shared_log.redis_address import RedisAddress

COMMAND_TIMEOUT_S = 5.0
CONNECT_TIMEOUT_S = 2.0
RESP_VERSION = 2

Word: TypeAlias = str | bytes | int


class RedisUnreachable(StorageFailed):
    """No answer came, so nobody knows whether the command was carried out."""


class RedisConnection:
    def __init__(self, address: RedisAddress) -> None:
        self.address = address
        self._redis: Any = Redis(  # the library has no types for its commands
            host=address.host,
            port=address.port,
            db=address.database,
            username=address.user,
            password=address.password,
            ssl=address.tls,
            socket_timeout=COMMAND_TIMEOUT_S,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            client_name="llm-groupchat",
            protocol=RESP_VERSION,
        )

    async def command(self, *words: Word) -> Any:
        try:
            return await self._redis.execute_command(*words)
        except RedisError as error:
            raise self._translate(error) from error

    async def run_script(self, script: str, keys: Sequence[str], arguments: Sequence[Word]) -> Sequence[bytes]:
        """The answer of a script: a word that says what it did, and more after some words."""
        digest = _digest_of(script)
        try:
            answer = await self._redis.execute_command("EVALSHA", digest, len(keys), *keys, *arguments)
        except NoScriptError:
            answer = await self.command("EVAL", script, len(keys), *keys, *arguments)
        except RedisError as error:
            raise self._translate(error) from error
        assert isinstance(answer, list)
        return answer

    async def run_script_and(
        self, script: str, keys: Sequence[str], arguments: Sequence[Word], commands: Sequence[Sequence[Word]]
    ) -> tuple[Sequence[bytes], Sequence[Any]]:
        """A script, and commands on the same connection that ask about what it wrote, in one round trip. If Redis
        refuses one of those, its answer is the error."""
        if not commands:
            return await self.run_script(script, keys, arguments), ()
        digest = _digest_of(script)
        answer, *others = await self._pipeline(("EVALSHA", digest, len(keys), *keys, *arguments), *commands)
        if isinstance(answer, NoScriptError):
            answer, *others = await self._pipeline(("EVAL", script, len(keys), *keys, *arguments), *commands)
        if isinstance(answer, RedisError):
            raise self._translate(answer) from answer
        return answer, others

    async def write_together(self, commands: Sequence[Sequence[Word]]) -> None:
        """All of these, with no command of anybody else in between."""
        await self._pipeline(*commands, together=True)

    async def _pipeline(self, *commands: Sequence[Word], together: bool = False) -> list[Any]:
        """If they need not be together, the error of one is its answer."""
        pipeline = self._redis.pipeline(transaction=together)
        for words in commands:
            pipeline.execute_command(*words)
        try:
            answers: list[Any] = await pipeline.execute(raise_on_error=together)
        except RedisError as error:
            raise self._translate(error) from error
        return answers

    async def close(self) -> None:
        await self._redis.aclose()

    def _translate(self, error: RedisError) -> GroupChatError:
        match error:
            case AuthenticationError():
                return StorageFailed(
                    f"The Redis at {self.address} refuses the password ({error}). Give the right one with "
                    "--store-password-file FILE or in GROUPCHAT_STORE_PASSWORD."
                )
            case ConnectionError() | TimeoutError():
                return RedisUnreachable(
                    f"The Redis at {self.address} does not answer ({_reason_of(error)}), so it is not known whether "
                    "this was stored. Send it again with the same id: it is stored once."
                )
            case OutOfMemoryError():
                return StorageFull(
                    f"The Redis at {self.address} is out of memory, so nothing of this request was stored. Raise its "
                    "maxmemory and try again."
                )
        return self._refusal(error)

    def _refusal(self, error: RedisError) -> GroupChatError:
        if isinstance(error, ResponseError) and "OOM" in str(error):
            return self._translate(OutOfMemoryError())
        if isinstance(error, ResponseError) and "NOAUTH" in str(error):
            return self._translate(AuthenticationError("it wants one"))
        return StorageFailed(
            f"The Redis at {self.address} refused the command, so nothing of this request was stored ({error})."
        )


def _reason_of(error: RedisError) -> str:
    return str(error).rstrip(".") or type(error).__name__


def _digest_of(script: str) -> str:
    """By which Redis knows a script."""
    return hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
