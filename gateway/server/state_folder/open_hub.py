"""Opens a hub on a state folder: locks, store, tokens."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial

from gateway.access import tokens
from gateway.protocol.errors import GroupChatError
from gateway.runtime import departed_member_deliveries, mode_files
from gateway.runtime.config import Config
from gateway.runtime.hub import Hub
from gateway.server.state_folder import start_errors, token_migration
from gateway.server.state_folder.open_store import database_of, open_store, remember_store
from gateway.server.state_folder.startup_tokens import ensure_operator_token, team_token
from gateway.server.state_folder.state_lock import lock_database, lock_state_folder
from gateway.store import Store


@contextlib.asynccontextmanager
async def open_hub(config: Config, store: Callable[[Config], Store] = open_store) -> AsyncIterator[Hub]:
    """A hub on the state folder, with its operator's token. The server uses it, and so do commands that work on a
    gateway that is not running."""
    async with contextlib.AsyncExitStack() as stack:
        with start_errors.explain_start_errors(config.state):
            stack.enter_context(lock_state_folder(config.state))
            stack.enter_context(lock_database(database_of(config)))
            digest = tokens.token_digest(team_token(config))
            hub = Hub(store(config), add_modes(config), team_digest=digest)
            hub.role.begins.append(partial(_settle, hub, config))
            await _start(hub)
            stack.push_async_callback(hub.stop)
            remember_store(config)
        yield hub


async def _settle(hub: Hub, config: Config) -> None:
    """What a gateway that begins to decide brings in order."""
    await settle_own_tokens(hub, config)
    await departed_member_deliveries.end_deliveries_of_departed(hub)
    hub.scheduler.add_errand("token", partial(departed_member_deliveries.end_deliveries_of_expired, hub))
    hub.scheduler.schedule("token")


async def settle_own_tokens(hub: Hub, config: Config) -> None:
    token_migration.move_tokens_to_kind_folders(hub, config.state)
    await ensure_operator_token(hub, config)


async def _start(hub: Hub) -> None:
    """A start that fails ends what it has begun and lets go of the store, so that the next one need not wait for it."""
    try:
        await hub.start()
    except BaseException:
        with contextlib.suppress(GroupChatError):
            await hub.stop()
        raise


def add_modes(config: Config) -> Config:
    """The config with the turn modes that rooms may use: the built-in ones and those of the team's folder."""
    modes = mode_files.modes_with_team_folder(config.modes_folder)
    return replace(config, rules=replace(config.rules, modes=modes))
