"""What the commands have in common: which team is meant, one connection, one question, one answer."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import typer

from controller.output.team_text import tell_remark, tell_team
from gateway.client.command_line.common_options import given
from gateway.client.console.cli_options import Context, run
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests import Request

if TYPE_CHECKING:
    from gateway.client import Client

T = TypeVar("T")


def chosen(ctx: typer.Context) -> Context:
    """What the common options say. Where it is not plain which team they mean, that is said."""
    context = given(ctx)
    if not context.named_gateway:
        with contextlib.suppress(GroupChatError):  # it is told again when the gateway is looked for
            tell_remark(context.team())
    return context


def said_team(context: Context) -> str:
    """The name of the team that is meant; said to a person where it is not the default one. A gateway that is named is
    meant by itself."""
    if context.named_gateway:
        return ""
    choice = context.team()
    if not context.as_json:
        tell_team(choice)
    return choice.name


def asked(context: Context, work: Callable[[Client], Awaitable[T]]) -> T:
    from gateway.client import Client

    async def connected() -> T:
        async with Client(context.endpoint()) as client:
            return await work(client)

    return run(connected, as_json=context.as_json)


def answered(context: Context, request: Request, kind: type[T]) -> T:
    return asked(context, lambda client: client.request(request, kind))
