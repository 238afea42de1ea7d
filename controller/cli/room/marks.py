"""What people put on messages, and threads: react, pin, unpin, pins, thread, resend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.room.agent_orders import MessageArgument
from controller.cli.room.run_request import merge_options, run_request, run_with_client
from gateway.console.console_output import show_done
from gateway.protocol.requests.mark_requests import Pin, React, Thread
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import DEFAULT_ROOM

if TYPE_CHECKING:
    from gateway.client import Client
    from gateway.protocol.results import Accepted, MessageList, PinList, ReactionList


def react_to(
    ctx: typer.Context,
    message: MessageArgument,
    sign: Annotated[str, typer.Argument(help="One emoji, or one word of at most 16 characters.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take your sign off again.")] = False,
) -> None:
    """Put a sign on a message. It wakes nobody.

    Examples:
      groupchat react 42 👍
      groupchat react 42 done --remove
    """
    context = merge_options(ctx)
    done = run_request(context, React(message=message, sign=sign, remove=remove), Done)
    words = f"{sign} is {'off' if remove else 'on'} #{message}."
    show_done(done, words, context.as_json)


def pin(ctx: typer.Context, message: MessageArgument) -> None:
    """Pin a message to its room, so that all find it.

    Example:
      groupchat pin 42
    """
    context = merge_options(ctx)
    show_done(run_request(context, Pin(message=message), Done), f"#{message} is pinned.", context.as_json)


def unpin(ctx: typer.Context, message: MessageArgument) -> None:
    """Remove the pin of a message.

    Example:
      groupchat unpin 42
    """
    context = merge_options(ctx)
    done = run_request(context, Pin(message=message, remove=True), Done)
    show_done(done, f"#{message} is no longer pinned.", context.as_json)


def pins(
    ctx: typer.Context,
    room: Annotated[str | None, typer.Argument(metavar="ROOM", help="The room (default: general).")] = None,
) -> None:
    """Print the pinned messages of a room.

    Examples:
      groupchat pins
      groupchat pins lab
    """
    from controller.output import mark_output
    from controller.requests.marked_messages import fetch_pins

    context = merge_options(ctx)

    async def work(client: Client) -> PinList:
        return await fetch_pins(client, room)

    found = run_with_client(context, work, sealing=True)
    mark_output.print_pins(found, room or DEFAULT_ROOM, context.as_json)


def thread(
    ctx: typer.Context,
    message: MessageArgument,
    after: Annotated[int, typer.Option(metavar="N", help="Only messages after number N.")] = 0,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="At most this many messages.")] = 200,
) -> None:
    """Print the thread of a message: the one that began it, and all that answer it.

    Example:
      groupchat thread 42
    """
    from controller.output import mark_output
    from controller.requests.marked_messages import fetch_with_reactions

    context = merge_options(ctx)

    async def work(client: Client) -> tuple[MessageList, ReactionList]:
        return await fetch_with_reactions(client, Thread(message=message, after=after, limit=limit))

    found, marks = run_with_client(context, work, sealing=True)
    mark_output.print_messages(found, marks, context.as_json, "There are more messages; use --after and --limit.")


def resend(
    ctx: typer.Context,
    message: MessageArgument,
    words: Annotated[list[str], typer.Argument(metavar="TEXT", help="The new text. @names address others.")],
) -> None:
    """Take back your message and send another text instead. Nobody may have begun to read it.

    Examples:
      groupchat resend 42 "look at b.py instead"
      groupchat resend 42 @codex "look at b.py instead"
    """
    from controller.requests.marked_messages import send_instead

    context = merge_options(ctx)

    async def work(client: Client) -> Accepted:
        return await send_instead(client, message, " ".join(words))

    done = run_with_client(context, work, sealing=True)
    show_done(done, f"#{done.seq} is sent instead of #{message}.", context.as_json)
