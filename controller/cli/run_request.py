"""What the commands have in common: options before or after the verb, one connection, one question, one answer."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import typer

from controller.output.team_text import tell_remark, tell_team
from gateway.client import Client
from gateway.client.console.cli_options import Context, run
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests import Request

T = TypeVar("T")


def chosen(ctx: typer.Context, found: Context) -> Context:
    """With the options before the verb. Where the team is in doubt, that is said."""
    base: Context = ctx.obj
    context = Context(found.gateway or base.gateway, found.state or base.state, base.cafile, base.fingerprint)
    if not context.named_gateway:
        with contextlib.suppress(GroupChatError):  # it is told again when the gateway is looked for
            tell_remark(context.team())
    return context


def said_team(context: Context, *, quiet: bool) -> str:
    """The name of the team that is meant; said to a person where it is not the default one. A gateway that is named is
    meant by itself."""
    if context.named_gateway:
        return ""
    choice = context.team()
    if not quiet:
        tell_team(choice)
    return choice.name


def asked(ctx: typer.Context, found: Context, work: Callable[[Client], Awaitable[T]], as_json: bool) -> T:
    context = chosen(ctx, found)

    async def connected() -> T:
        async with Client(context.endpoint()) as client:
            return await work(client)

    return run(connected, as_json=as_json)


def answered(ctx: typer.Context, found: Context, request: Request, kind: type[T], as_json: bool) -> T:
    return asked(ctx, found, lambda client: client.request(request, kind), as_json)
