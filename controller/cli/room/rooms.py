"""Create, name, mute and remove rooms, join and leave them, invite members and put them out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.room.run_request import merge_options, run_request, run_with_client
from gateway.console.console_output import show_done
from gateway.console.progress_bar import progress_bar
from gateway.console.run_command import run
from gateway.protocol.requests.mark_requests import Mute
from gateway.protocol.requests.request import Request
from gateway.protocol.requests.room_requests import Kick, RemoveRoom, SetRetention, SetTopic
from gateway.protocol.results import Done

if TYPE_CHECKING:
    pass

HELP = """List the rooms. Create, join or leave one.

Examples:
  groupchat rooms
  groupchat rooms --create lab --topic "the experiment" --invite-only
  groupchat rooms --create vault --sealed
  groupchat rooms invite lab claude
"""

RoomArgument = Annotated[str, typer.Argument(metavar="ROOM", help="The room.")]
MemberArgument = Annotated[str, typer.Argument(metavar="NAME", help="The member.")]


def rooms(
    ctx: typer.Context,
    create: Annotated[str | None, typer.Option(metavar="NAME", help="Create a room and join it.")] = None,
    topic: Annotated[str, typer.Option(metavar="TEXT", help="The topic of the new room.")] = "",
    invite_only: Annotated[
        bool, typer.Option("--invite-only", help="Only invited members can join the new room.")
    ] = False,
    sealed: Annotated[
        bool, typer.Option("--sealed", help="Only the machines of its members can read the new room, for ever.")
    ] = False,
    join: Annotated[str | None, typer.Option(metavar="NAME", help="Join a room.")] = None,
    leave: Annotated[str | None, typer.Option(metavar="NAME", help="Leave a room.")] = None,
) -> None:
    if ctx.invoked_subcommand is not None:
        return
    from controller.output import command_output
    from controller.requests import command_requests

    context = merge_options(ctx)
    wish = command_requests.RoomOptions(create, topic, invite_only, sealed, join, leave)
    command_output.print_rooms(
        run(lambda: command_requests.change_and_fetch_rooms(context, wish), as_json=context.as_json), context.as_json
    )


def invite(
    ctx: typer.Context,
    room: RoomArgument,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="The members.")],
    may_admit: Annotated[
        bool, typer.Option("--may-admit", help="To a sealed room: they may admit others, too.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="To a sealed room: do not ask about keys that nobody has compared.")
    ] = False,
) -> None:
    """Take agents into a room at once, or let people join it.

    People need this for an invite-only room, and to come back after `groupchat rooms kick`. To a sealed room they are
    admitted: they get its next key. You are asked first if you have not compared the fingerprints of their keys.

    Examples:
      groupchat rooms invite lab bob
      groupchat rooms invite lab claude codex
      groupchat rooms invite vault bob --may-admit
    """
    from controller.requests.encryption import admission_question

    context = merge_options(ctx)
    wish = admission_question.InviteOptions(room.removeprefix("#"), tuple(names), may_admit, yes)
    invited = run_with_client(
        context, lambda client: admission_question.invite_all(client, context, wish), sealing=True
    )
    show_done(invited.done, invited.words, context.as_json)


def kick(ctx: typer.Context, room: RoomArgument, name: MemberArgument) -> None:
    """Put a member out of a room that you created, or withdraw its invitation.

    It can join again only after a new invitation.

    Example:
      groupchat rooms kick lab bob
    """
    _change(ctx, Kick(room=room, member=name), f"{name} is out of {room}.")


def change_topic(
    ctx: typer.Context,
    room: RoomArgument,
    words: Annotated[list[str], typer.Argument(metavar="TEXT", help="The new topic.")],
) -> None:
    """Set the topic of a room. `groupchat rooms` shows it.

    Example:
      groupchat rooms topic lab "the experiment"
    """
    _change(ctx, SetTopic(room=room, topic=" ".join(words)), f"The topic of {room} is set.")


def set_room(
    ctx: typer.Context,
    room: RoomArgument,
    keep: Annotated[
        str,
        typer.Option(metavar="KEEP", help="How long messages stay: 90d, 12h, a number of messages, or forever."),
    ],
) -> None:
    """Set how long a room keeps its messages. Older ones are removed, for good.

    It waits until they are gone. Ctrl-C ends only the waiting.

    Examples:
      groupchat rooms set general --keep 90d
      groupchat rooms set lab --keep 100000
      groupchat rooms set general --keep forever
    """
    from controller.requests.long_work import removed_messages

    context = merge_options(ctx)
    _change_quietly(ctx, SetRetention(room=room, keep=keep))
    with progress_bar("retention", "numbers", as_json=context.as_json) as bar:
        done = run_with_client(context, lambda client: removed_messages(client, room, bar))
    cut = f" The messages up to #{done.cut} are removed." if done.cut else ""
    kept = f"{int(done.keep):,} messages" if done.keep.isdigit() else done.keep
    words = f"{room} keeps its last {kept}.{cut}" if done.keep else f"{room} keeps all its messages.{cut}"
    show_done(done, words, context.as_json)


def mute(ctx: typer.Context, room: RoomArgument) -> None:
    """Mute a room for yourself: no bell, no notification and no unread count in your chats.

    Messages are delivered as before.

    Example:
      groupchat mute lab
    """
    _change(ctx, Mute(room=room, on=True), f"{room} is muted for you.")


def unmute(ctx: typer.Context, room: RoomArgument) -> None:
    """End the muting of a room.

    Example:
      groupchat unmute lab
    """
    _change(ctx, Mute(room=room, on=False), f"{room} is no longer muted for you.")


def remove_room(ctx: typer.Context, room: RoomArgument) -> None:
    """Remove a room that you created, for good.

    Its messages stay readable for those who could read them.

    Example:
      groupchat rooms rm lab
    """
    _change(ctx, RemoveRoom(room=room), f"The room {room} is removed.")


def _change_quietly(ctx: typer.Context, request: Request) -> None:
    run_request(merge_options(ctx), request, Done)


def _change(ctx: typer.Context, request: Request, words: str) -> None:
    context = merge_options(ctx)
    show_done(run_request(context, request, Done), words, context.as_json)
