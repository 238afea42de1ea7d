"""What all commands share: choose the team, connect, send one request, print one answer."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import typer

from controller.output.team_output import print_remark, print_team
from gateway.command_line.common_options import given
from gateway.console.client_options import ClientOptions
from gateway.console.run_command import run
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests.request import Request

if TYPE_CHECKING:
    from gateway.client import Client

T = TypeVar("T")


def merge_options(ctx: typer.Context) -> ClientOptions:
    """The common options. An ambiguous choice of the team is reported."""
    context = given(ctx)
    if not context.named_gateway:
        with contextlib.suppress(GroupChatError):  # it is reported again when the gateway is looked up
            print_remark(context.team())
    return context


def announce_team(context: ClientOptions) -> str:
    """The team's name, printed for a person if it is not the default team. Empty for a gateway that is named
    explicitly."""
    if context.named_gateway:
        return ""
    choice = context.team()
    if not context.as_json:
        print_team(choice)
    return choice.name


def run_with_client(context: ClientOptions, work: Callable[[Client], Awaitable[T]], *, sealing: bool = False) -> T:
    """`sealing`: messages are read or written, so the member's keys are opened if this machine has any."""
    from gateway.client import Client

    async def connected() -> T:
        if sealing:
            from controller.requests.encryption.member_client import KeyAccess, open_member_client

            async with open_member_client(context.endpoint(), KeyAccess.of(context)) as client:
                return await work(client)
        async with Client(context.endpoint()) as client:
            return await work(client)

    return run(connected, as_json=context.as_json)


def run_request(context: ClientOptions, request: Request, kind: type[T], *, sealing: bool = False) -> T:
    return run_with_client(context, lambda client: client.request(request, kind), sealing=sealing)
