"""Makes a read-only link to a room or a thread."""

from __future__ import annotations

from typing import Annotated

import typer

from controller.cli.room.run_request import merge_options, run_request
from gateway.command_line.option_values import parse_duration
from gateway.console.console_output import print_json, print_lines
from gateway.protocol.requests.member_requests import CreateLink
from gateway.protocol.results import LinkMade
from gateway.protocol.text.printable_text import local_time_text

LINK = "link"


def share_link(
    ctx: typer.Context,
    room: Annotated[str, typer.Argument(metavar="ROOM", help="A room that you are in.")],
    thread: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Only the thread of this message (default: the whole room).")
    ] = None,
    lasts: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long it holds, such as 30m, 2h or 7d; at most 30d.")
    ] = "2h",
    address: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Where the reader reaches the gateway, if not at its own address."),
    ] = None,
) -> None:
    """Make a read-only link to one room or one thread.

    Whoever has it reads the messages in a browser, and nothing else: no direct messages, no list of members.

    Examples:
      groupchat share-link general --for 2h
      groupchat share-link lab --thread 812 --for 1d --address https://room.example
    """
    from controller.requests.browser_pairing import page_address

    context = merge_options(ctx)
    wish = CreateLink(room=room, expires_in=parse_duration(lasts) or 0, thread=thread)
    made = run_request(context, wish, LinkMade)
    shown = page_address(address or context.endpoint().url, LINK, link_text(made))
    if context.as_json:
        print_json({"url": shown, "id": made.id, "room": made.room, "thread": made.thread, "expires": made.expires})
        return
    what = f"the thread of message {made.thread} in #{made.room}" if made.thread else f"#{made.room}"
    until = local_time_text(made.expires, "%Y-%m-%d %H:%M", made.expires)
    print_lines(
        shown,
        f"Whoever has it reads {what} until {until}. `groupchat token revoke {made.id}` ends it at any time.",
    )


def link_text(made: LinkMade) -> str:
    """What stands behind the # of the address. The page must know of a thread, because it may read nothing else."""
    return ".".join((made.id, made.secret, *((str(made.thread),) if made.thread else ())))
