"""The tokens in the gateway's own state folder: the team token, the operator's token, and those of its own programs."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

from gateway.access.permissions import Actor
from gateway.client.discovery.token_files import read_secret, read_token, team_token_file, token_file
from gateway.files.private_files import write_private
from gateway.operations import dispatch
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.results import TokenMade
from gateway.protocol.types.core_types import SYSTEM_NAME, MemberKind, Scope
from gateway.rooms import member_tokens
from gateway.rooms.operator_name import OperatorName, settle_operator_name
from gateway.runtime.config import Config
from gateway.runtime.hub import Hub
from gateway.server.state_folder import token_migration


def team_token(config: Config) -> str:
    """The team token: the given one, else that of the last start, else a new one."""
    token_migration.move_token_of_member_team(config.state)
    path = team_token_file(config.state)
    kept = read_secret(path)
    token = config.team_token or kept or secrets.token_urlsafe(32)
    if token != kept:
        write_private(path, token + "\n")
    return token


def system_actor() -> Actor:
    """The gateway itself, as the author of changes in its own state folder."""
    return Actor(SYSTEM_NAME, MemberKind.SYSTEM, frozenset(Scope))


async def ensure_operator_token(hub: Hub, config: Config) -> None:
    """The local person's token, in a file that only that person can read."""
    name = settle_operator(hub, config)
    await ensure_token(hub, config.state, CreateToken(name=name, kind=MemberKind.HUMAN, scopes=tuple(Scope)))


def settle_operator(hub: Hub, config: Config) -> str:
    return settle_operator_name(OperatorName(config.operator, config.operator_chosen), hub.state, config.agents)


async def ensure_token(hub: Hub, state: Path, wish: CreateToken) -> str:
    """The valid token from its file, or a new one."""
    kept = read_token(state, wish.name, wish.kind)
    if kept is not None:
        with contextlib.suppress(GroupChatError):
            actor = member_tokens.identify(hub.state, kept, hub.now)
            if (actor.name, actor.kind) == (wish.name, wish.kind):
                return kept
    made = await dispatch.run_operation(hub, system_actor(), wish)
    assert isinstance(made, TokenMade)
    write_private(token_file(state, wish.name, wish.kind), made.token + "\n")
    return made.token
