"""Invites members to a room from the shell. To a sealed one they are admitted, after a look at their fingerprints."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

import typer

from controller.requests.encryption.known_keys import read_known_keys, unverified_keys
from controller.requests.invitations import admit_members, invite_members
from controller.wording.invitation_text import admitted_text, invited_text
from controller.wording.key_text import MemberKey, key_rows
from gateway.console.client_options import ClientOptions
from gateway.console.console_output import print_lines
from gateway.protocol.errors import Forbidden
from gateway.protocol.results import Done

if TYPE_CHECKING:
    from gateway.client import Client


class InviteOptions(NamedTuple):
    room: str
    names: tuple[str, ...]
    may_admit: bool = False
    yes: bool = False


class Invited(NamedTuple):
    done: Done
    words: str


async def invite_all(client: Client, context: ClientOptions, wish: InviteOptions) -> Invited:
    if not any(one.name == wish.room and one.sealed for one in client.welcome.rooms):
        done, inside = await invite_members(client, wish.room, wish.names)
        return Invited(done, invited_text(wish.room, wish.names, inside))
    known = read_known_keys(context.folder, client.welcome.you.name)
    if not wish.yes:
        confirm_keys(wish.room, unverified_keys(known, wish.names))
    done = await admit_members(client, wish.room, wish.names, may_admit=wish.may_admit)
    return Invited(done, admitted_text(wish.room, wish.names))


def confirm_keys(room: str, keys: list[MemberKey]) -> None:
    """Show the fingerprints that nobody has compared, and ask."""
    if not keys:
        return
    names = ", ".join(one.name for one in keys)
    print_lines(*(" ".join(row).strip() for key in keys for row in key_rows(key)), err=True)
    if not sys.stdin.isatty():
        raise Forbidden(
            f"The key of {names} is not verified. Compare the fingerprint, then `groupchat key trust`; or say --yes."
        )
    if not typer.confirm(f"Has {names} read this to you, not in this chat? Admit to #{room}?", err=True):
        raise Forbidden("Nobody was admitted.")
