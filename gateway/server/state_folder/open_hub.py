"""Opens a hub on a state folder: locks, store, tokens."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from gateway.access import tokens
from gateway.files.private_files import check_own_file, make_own_file
from gateway.protocol.errors import BadRequest
from gateway.runtime import departed_member_deliveries, mode_files
from gateway.runtime.config import Config
from gateway.runtime.hub import Hub
from gateway.server.state_folder import start_errors, token_migration
from gateway.server.state_folder.startup_tokens import ensure_operator_token, team_token
from gateway.server.state_folder.state_lock import lock_database, lock_state_folder
from gateway.store import Store
from gateway.store.sqlite import SqliteStore

DATABASE_FILE = "groupchat.db"
SEQUENCE_FILE = "numbers"
DATABASE_SIDE_SUFFIXES = ("-wal", "-shm", "-journal")  # SQLite opens these files itself


def database_of(config: Config) -> Path:
    if config.store and not config.store.startswith("sqlite:"):
        raise BadRequest(f"{config.store!r} is not a valid store. Use sqlite:PATH, or omit the option.")
    return (
        Path(config.store.removeprefix("sqlite:").removeprefix("//")) if config.store else config.state / DATABASE_FILE
    )


def open_sqlite_store(config: Config) -> Store:
    path = database_of(config)
    make_own_file(path)
    if path.stat().st_nlink > 1:
        raise BadRequest(
            f"{path} has a second name (a hard link), under which another gateway could write to it unseen. "
            "Copy it, and keep one gateway to each copy."
        )
    for one in (*(path.with_name(path.name + end) for end in DATABASE_SIDE_SUFFIXES), config.state / SEQUENCE_FILE):
        check_own_file(one)
    return SqliteStore(path, synchronous=config.synchronous, given=config.state / SEQUENCE_FILE)


@contextlib.asynccontextmanager
async def open_hub(config: Config, store: Callable[[Config], Store] = open_sqlite_store) -> AsyncIterator[Hub]:
    """A hub on the state folder, with its operator's token. The server uses it, and so do commands that work on a
    gateway that is not running."""
    async with contextlib.AsyncExitStack() as stack:
        with start_errors.explain_start_errors(config.state):
            stack.enter_context(lock_state_folder(config.state))
            stack.enter_context(lock_database(database_of(config)))
            digest = tokens.token_digest(team_token(config))
            hub = Hub(store(config), add_modes(config), team_digest=digest)
            await hub.start()
            stack.push_async_callback(hub.stop)
            token_migration.move_tokens_to_kind_folders(hub, config.state)
            await ensure_operator_token(hub, config)
            await departed_member_deliveries.end_deliveries_of_departed(hub)
            hub.scheduler.add_errand("token", partial(departed_member_deliveries.end_deliveries_of_expired, hub))
            hub.scheduler.schedule("token")
        yield hub


def add_modes(config: Config) -> Config:
    """The config with the turn modes that rooms may use: the built-in ones and those of the team's folder."""
    modes = mode_files.modes_with_team_folder(config.modes_folder)
    return replace(config, rules=replace(config.rules, modes=modes))
