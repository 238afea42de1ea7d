"""What "accepted" means on this Redis: read from its settings at the start, and refused if a message could be lost.

An accepted message is on disk only if Redis answers after the sync of its append-only file. That is the setting
`appendfsync always`; since Redis 7.0 it holds for every answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.protocol.errors import BadRequest, StorageFailed
from gateway.shared_log.redis_connection import RedisConnection

OLDEST_VERSION = (7, 0)
SETTINGS = ("appendonly", "appendfsync", "maxmemory-policy")


@dataclass(frozen=True)
class RedisServer:
    """`settings` is empty where the server does not let us read them."""

    version: str
    role: str
    is_cluster: bool
    settings: Mapping[str, str]

    @property
    def known_version(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.version.split(".") if part.isdigit())

    def describe(self) -> str:
        losses = [*self.ways_to_lose()]
        synced = "every accepted message is synced to disk" if not losses else "accepted messages may be lost"
        return f"redis {self.version} ({synced})"

    def ways_to_lose(self) -> Iterator[str]:
        """Each setting by which an accepted message may be lost, with the line that changes it."""
        if not self.settings:
            yield (
                "it does not let us read its settings with CONFIG GET; they should be `appendonly yes`, "
                "`appendfsync always` and `maxmemory-policy noeviction`"
            )
            return
        if self.settings["appendonly"] != "yes":
            yield "it keeps its data in memory alone; set `CONFIG SET appendonly yes`"
        elif self.settings["appendfsync"] != "always":
            yield (
                f"it answers before its data is on disk (appendfsync {self.settings['appendfsync']}); set "
                "`CONFIG SET appendfsync always`"
            )
        if (policy := self.settings["maxmemory-policy"]) != "noeviction":
            yield (
                f"it throws data away when its memory is full (maxmemory-policy {policy}); set "
                "`CONFIG SET maxmemory-policy noeviction`"
            )


async def read_server(connection: RedisConnection) -> RedisServer:
    info = _parse_info(await connection.command("INFO"))
    return RedisServer(
        info.get("redis_version", "0"),
        info.get("role", ""),
        info.get("redis_mode", info.get("server_mode", "")) == "cluster",
        await _read_settings(connection),
    )


def check_server(server: RedisServer, where: str, *, accept_loss: bool) -> None:
    if server.known_version < OLDEST_VERSION:
        raise BadRequest(f"The Redis at {where} is {server.version}. Use 7.0 or newer, or Valkey.")
    if server.is_cluster:
        raise BadRequest(f"The Redis at {where} is a Redis Cluster, which is not supported. Use a single Redis.")
    if server.role == "slave":
        raise BadRequest(f"The Redis at {where} is a replica, which takes no writes. Give the address of its master.")
    losses = [*server.ways_to_lose()]
    if losses and not accept_loss:
        raise BadRequest(
            f"The Redis at {where} can lose an accepted message: {'; '.join(losses)} (and the same in its "
            "configuration file). Or give --accept-loss to start nevertheless."
        )


def _parse_info(answer: object) -> dict[str, str]:
    """The library parses INFO into a dict; some proxies send something else."""
    if not isinstance(answer, Mapping):
        return {}
    return {str(name): str(value) for name, value in answer.items()}


async def _read_settings(connection: RedisConnection) -> dict[str, str]:
    found: dict[str, str] = {}
    try:
        for name in SETTINGS:
            answer = await connection.command("CONFIG", "GET", name)
            found |= _parse_setting(answer)
    except StorageFailed:
        return {}
    return found if len(found) == len(SETTINGS) else {}


def _parse_setting(answer: object) -> dict[str, str]:
    if isinstance(answer, Mapping):
        return {_text(name): _text(value) for name, value in answer.items()}
    assert isinstance(answer, list)
    words = [_text(one) for one in answer]
    return dict(zip(words[::2], words[1::2], strict=True))


def _text(word: object) -> str:
    return word.decode() if isinstance(word, bytes) else str(word)
