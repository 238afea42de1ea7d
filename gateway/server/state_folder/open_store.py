"""Opens the store that the options name: SQLite, or a log in Redis.

The state folder remembers a Redis, so that commands which work in the folder of a stopped gateway reach the same log,
and no start begins an empty one by mistake.
"""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gateway.files.private_files import check_own_file, make_own_file, read_private, write_private
from gateway.protocol.errors import BadRequest
from gateway.runtime.config import Config
from gateway.store import Store
from gateway.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from gateway.shared_log.redis_connection import RedisConnection
    from gateway.shared_log.redis_store import RedisStore

DATABASE_FILE = "groupchat.db"
COPY_FILE = "copy-of-redis.db"
CHOICE_FILE = "store.json"
SEQUENCE_FILE = "numbers"
GATEWAY_ID_FILE = "gateway-id"
GATEWAY_ID_BYTES = 8
DATABASE_SIDE_SUFFIXES = ("-wal", "-shm", "-journal")  # SQLite opens these files itself
SQLITE_SCHEME = "sqlite:"
REDIS_SCHEMES = ("redis://", "rediss://")


class StoreChoice(msgspec.Struct, frozen=True):
    """The Redis of a state folder, as its file has it: without a password."""

    store: str
    password_file: str | None = None
    accept_loss: bool = False
    replicas: int = 0


def open_store(config: Config, *, may_follow: bool = False) -> Store:
    """With `may_follow`, beside other gateways of the same log; a command that works on the log alone may not."""
    config = with_remembered_store(config)
    return open_redis_store(config, may_follow=may_follow) if is_in_redis(config) else open_sqlite_store(config)


def open_shared_store(config: Config) -> Store:
    return open_store(config, may_follow=True)


def is_in_redis(config: Config) -> bool:
    return config.store.startswith(REDIS_SCHEMES)


def database_of(config: Config) -> Path:
    """The SQLite file: the log itself, or this gateway's copy of it."""
    config = with_remembered_store(config)
    if is_in_redis(config):
        return config.state / COPY_FILE
    if config.store and not config.store.startswith(SQLITE_SCHEME):
        raise BadRequest(
            f"{config.store[:80]!r} is not a valid store. Use sqlite:PATH or redis://HOST:PORT/N, or omit the option."
        )
    if not config.store:
        return config.state / DATABASE_FILE
    return Path(config.store.removeprefix(SQLITE_SCHEME).removeprefix("//"))


def open_sqlite_store(config: Config) -> Store:
    path = _own_database(config)
    check_own_file(config.state / SEQUENCE_FILE)
    return SqliteStore(path, synchronous=config.synchronous, given=config.state / SEQUENCE_FILE)


def open_redis_store(config: Config, *, may_follow: bool = False) -> Store:
    return _redis_store(config, _own_database(config), _gateway_id(config.state), may_follow=may_follow)


def connect_mirror(config: Config) -> RedisConnection:
    """A connection of its own to the Redis of the log."""
    config = with_remembered_store(config)
    if not is_in_redis(config):
        raise BadRequest("--redis-mirror needs a log in Redis. Give --store redis://HOST:PORT/N, or omit the option.")
    from gateway.shared_log.redis_address import parse_redis_address
    from gateway.shared_log.redis_connection import RedisConnection

    return RedisConnection(parse_redis_address(config.store).with_password(_password_of(config)))


async def check_redis(config: Config) -> str:
    """What the Redis of this config promises. Raises why a gateway could not start there. Changes nothing."""
    store = _redis_store(config, database_of(config), "doctor")
    try:
        await store.check_server()
        return store.describe()
    finally:
        await store.close()


def _redis_store(config: Config, copy: Path, gateway: str, *, may_follow: bool = False) -> RedisStore:
    """The library is imported only here, so that a gateway on SQLite needs neither it nor the time."""
    try:
        from gateway.shared_log.redis_address import parse_redis_address
        from gateway.shared_log.redis_store import RedisStore
        from gateway.shared_log.server_promises import Demands
    except ModuleNotFoundError as error:
        if error.name != "redis":
            raise
        raise BadRequest(
            "A store in Redis needs the Python package redis. Install it with `pip install 'llm-groupchat[redis]'`."
        ) from None
    address = parse_redis_address(config.store).with_password(_password_of(config))
    demands = Demands(config.accept_loss, config.store_replicas)
    return RedisStore(address, copy, gateway, demands, may_follow=may_follow)


def with_remembered_store(config: Config) -> Config:
    """Without `--store`, that of the last start, if it was a Redis."""
    if config.store or (choice := read_store_choice(config.state)) is None:
        return config
    file = None if choice.password_file is None else Path(choice.password_file)
    return replace(
        config,
        store=choice.store,
        store_password_file=config.store_password_file or file,
        accept_loss=config.accept_loss or choice.accept_loss,
        store_replicas=config.store_replicas or choice.replicas,
    )


def read_store_choice(state: Path) -> StoreChoice | None:
    path = state / CHOICE_FILE
    try:
        return msgspec.json.decode(read_private(path), type=StoreChoice)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise BadRequest(f"{path} cannot be read ({error}). Name the store with --store.") from None


def remember_store(config: Config) -> None:
    """After a start: the Redis in use, or that there is none."""
    config = with_remembered_store(config)
    path = config.state / CHOICE_FILE
    if not is_in_redis(config):
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        return
    file = config.store_password_file
    choice = StoreChoice(
        config.store, None if file is None else str(file.absolute()), config.accept_loss, config.store_replicas
    )
    if choice != read_store_choice(config.state):
        write_private(path, msgspec.json.encode(choice).decode())


def _own_database(config: Config) -> Path:
    path = database_of(config)
    make_own_file(path)
    if path.stat().st_nlink > 1:
        raise BadRequest(
            f"{path} has a second name (a hard link), under which another gateway could write to it unseen. "
            "Copy it, and keep one gateway to each copy."
        )
    for suffix in DATABASE_SIDE_SUFFIXES:
        check_own_file(path.with_name(path.name + suffix))
    return path


def _gateway_id(state: Path) -> str:
    """The id of this state folder among the gateways of a log."""
    path = state / GATEWAY_ID_FILE
    try:
        return read_private(path).decode().strip()
    except FileNotFoundError:
        made = secrets.token_hex(GATEWAY_ID_BYTES)
        write_private(path, made + "\n")
        return made


def _password_of(config: Config) -> str | None:
    if config.store_password_file is None:
        return config.store_password
    try:
        return config.store_password_file.read_text().strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"The password of the Redis cannot be read: {error}. See --store-password-file.") from None
