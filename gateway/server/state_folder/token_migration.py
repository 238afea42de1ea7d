"""Moves the token files of an older version into the folder of their kind, once, when the gateway starts."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from gateway.access.permissions import Actor
from gateway.client.discovery.token_files import TEAM_TOKEN, TOKENS_FOLDER, read_secret, team_token_file, token_file
from gateway.files.private_files import make_private_folder, write_private
from gateway.protocol.errors import GroupChatError
from gateway.rooms import member_tokens
from gateway.runtime.hub import Hub

OLD_SUFFIX = ".old"
log = structlog.get_logger("gateway.server.state_folder.token_migration")


def move_token_of_member_team(state: Path) -> None:
    """Move the token of a member called `team` out of the team token's file. The two kinds of token differ in form."""
    path = team_token_file(state)
    found = read_secret(path)
    if found is not None and found.startswith("gc_"):
        path.rename(path.with_name(TEAM_TOKEN + OLD_SUFFIX))


@dataclass(frozen=True)
class PutAside:
    """A token file that was moved aside, and the member of the token."""

    path: Path
    actor: Actor
    token: str = field(repr=False)


def move_tokens_to_kind_folders(hub: Hub, state: Path) -> None:
    """Move each token to the folder of its member's kind; an unknown token stays. All files are moved aside first,
    because one may have the name of such a folder."""
    folder = make_private_folder(state / TOKENS_FOLDER)
    found: list[PutAside] = []
    for path in [one for one in folder.iterdir() if one.is_file() and one.name != TEAM_TOKEN]:
        if (token := read_secret(path)) is not None:
            with contextlib.suppress(GroupChatError):
                actor = member_tokens.identify(hub.state, token, hub.now)
                aside = path.rename(path.with_name(path.name.removesuffix(OLD_SUFFIX) + OLD_SUFFIX))
                found.append(PutAside(aside, actor, token))
    for one in found:
        place = token_file(state, one.actor.name, one.actor.kind)
        if not place.exists():
            write_private(place, one.token + "\n")
        one.path.unlink()
        log.info("= moved a token to the folder of its kind", member=one.actor.name, kind=str(one.actor.kind))
