"""What "accepted" means on this Redis: read from its settings at the start, and refused if a message could be lost.

An accepted message is on disk only if Redis answers after the sync of its append-only file. That is the setting
`appendfsync always`; since Redis 7.0 it holds for every answer. What else a server offers is tried, because versions
and rights of users differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway.protocol.errors import BadRequest, StorageFailed, Unavailable
from gateway.shared_log.confirmation import Confirmation
from gateway.shared_log.redis_connection import RedisConnection, RedisUnreachable

OLDEST_VERSION = (7, 0)
SETTINGS = ("appendonly", "appendfsync", "maxmemory-policy")
TRIAL_MS = 1


@dataclass(frozen=True)
class Demands:
    """What the operator asks of a Redis: `replicas` is how many of them an accepted message must be on."""

    accept_loss: bool = False
    replicas: int = 0


NO_DEMANDS = Demands()


@dataclass(frozen=True)
class RedisServer:
    """`settings` is empty where the server does not let us read them. `replicas`: how many are connected now.
    `has_wait`, `has_waitaof`: whether these commands may be used."""

    product: str
    version: str
    role: str
    is_cluster: bool
    settings: Mapping[str, str]
    replicas: int = 0
    has_wait: bool = False
    has_waitaof: bool = False

    @property
    def known_version(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.version.split(".") if part.isdigit())

    def describe(self, confirmation: Confirmation) -> str:
        losses = [*self.ways_to_lose()]
        synced = "every accepted message is synced to disk" if not losses else "accepted messages may be lost"
        return f"{self.product} {self.version} ({synced}{confirmation.describe()})"

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
    is_valkey = "valkey_version" in info
    return RedisServer(
        "valkey" if is_valkey else "redis",
        info.get("valkey_version" if is_valkey else "redis_version", "0"),
        info.get("role", ""),
        info.get("redis_mode", info.get("server_mode", "")) == "cluster",
        await _read_settings(connection),
        int(info.get("connected_slaves", "0")),
        await _offers(connection, "WAIT", 0, TRIAL_MS),
        await _offers(connection, "WAITAOF", 0, 0, TRIAL_MS),
    )


async def _offers(connection: RedisConnection, *words: str | int) -> bool:
    """Try a command that asks for nothing, so it is answered at once."""
    try:
        await connection.command(*words)
    except RedisUnreachable:
        raise
    except StorageFailed:
        return False
    return True


def choose_confirmation(server: RedisServer, replicas: int) -> Confirmation:
    """Whoever accepts losses does not wait for a disk."""
    return Confirmation(server.has_waitaof and not any(server.ways_to_lose()), replicas)


def check_server(server: RedisServer, where: str, demands: Demands) -> None:
    if server.known_version < OLDEST_VERSION:
        raise BadRequest(f"The Redis at {where} is {server.version}. Use 7.0 or newer, or Valkey.")
    if server.is_cluster:
        raise BadRequest(f"The Redis at {where} is a Redis Cluster, which is not supported. Use a single Redis.")
    if server.role == "slave":
        raise BadRequest(f"The Redis at {where} is a replica, which takes no writes. Give the address of its master.")
    losses = [*server.ways_to_lose()]
    if losses and not demands.accept_loss:
        raise BadRequest(
            f"The Redis at {where} can lose an accepted message: {'; '.join(losses)} (and the same in its "
            "configuration file). Or give --accept-loss to start nevertheless."
        )
    if demands.replicas and not server.has_wait:
        raise BadRequest(
            f"The Redis at {where} does not let us use WAIT, so --store-replicas cannot be kept. Omit the option."
        )
    if server.replicas < demands.replicas:
        raise Unavailable(
            f"The Redis at {where} has {server.replicas} replicas connected, and --store-replicas asks for "
            f"{demands.replicas}. Connect more, or ask for fewer."
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
