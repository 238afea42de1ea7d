"""Sending and reading messages: send, chat, listen, history, search, receipts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.run_request import announce_team, merge_options
from gateway.client.console.cli_options import ClientOptions, run

if TYPE_CHECKING:
    from controller.commands.command_table import KeyPress, StopRequest
    from controller.requests import send_and_wait

RoomOption = Annotated[str | None, typer.Option(metavar="ROOM", help="Read this room (default: general).")]
FromOption = Annotated[str | None, typer.Option("--from", metavar="NAME", help="Only messages from this member.")]
LimitOption = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="At most this many messages.")]


def send(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(help="@names, then the text; `-` reads the text from stdin.")],
    room: Annotated[str | None, typer.Option(metavar="ROOM", help="Send to this room (default: general).")] = None,
    wait_reply: Annotated[bool, typer.Option("--wait-reply", help="Wait for the answer and print it.")] = False,
    timeout: Annotated[float, typer.Option(metavar="SECONDS", help="How long --wait-reply waits.")] = 600,
    urgent: Annotated[bool, typer.Option("--urgent", help="Deliver at once, even to a busy agent.")] = False,
    reply_to: Annotated[int | None, typer.Option(metavar="N", help="The number of the message this answers.")] = None,
    message_id: Annotated[
        str | None,
        typer.Option("--id", metavar="ID", help="Your own id: a second send with it is not a second message."),
    ] = None,
    quote: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE[:FROM-TO]", help="Attach a file, or lines of one: a.py:42-58. Repeatable."),
    ] = None,
) -> None:
    """Send a message to everyone in the room, or to the members you name with @.

    Examples:
      groupchat send "good morning"
      groupchat send @claude "review src/app.py" --wait-reply
      groupchat send @claude look --quote src/app.py:42-58
      git diff | groupchat send @claude -
    """
    import sys

    from controller.commands.command_table import parse_urgent_key
    from gateway.protocol.text.addressing import parse_line

    text = sys.stdin.read() if words[-1:] == ["-"] else None
    line = " ".join([*words[:-1], text] if text is not None else words)
    keys = None if quote else parse_urgent_key(parse_line(line))
    context = merge_options(ctx)
    if keys:
        _act(context, keys)
        return
    from controller.output import command_output
    from controller.requests import send_and_wait
    from controller.requests.file_quotes import quote_files

    wait = timeout if wait_reply else None

    async def sending() -> tuple[send_and_wait.SentMessage, str]:
        team = announce_team(context)
        parts = quote_files(quote or (), Path.cwd())
        return await send_and_wait.send_text(
            context, send_and_wait.SendOptions(line, room, urgent, reply_to, message_id, wait, parts)
        ), team

    command_output.print_sent(*run(sending, as_json=context.as_json), context.as_json)


def _act(context: ClientOptions, keys: StopRequest | KeyPress) -> None:
    """The line means keys, or that an agent must stop."""
    from controller.cli import agents
    from controller.commands.command_table import StopRequest
    from controller.output import command_output
    from controller.requests import send_and_wait

    if isinstance(keys, StopRequest):
        agents.send_stop_order(context, keys)
        return
    names = run(lambda: send_and_wait.press_named_keys(context, keys), as_json=context.as_json)
    command_output.print_pressed(keys.keys, names, context.as_json)


def chat(ctx: typer.Context) -> None:
    """Open the chat in this terminal.

    Example:
      groupchat chat
    """
    from controller.chat.main import run_chat

    context = merge_options(ctx)
    run(lambda: run_chat(context), as_json=context.as_json)


def listen(
    ctx: typer.Context,
    since: Annotated[
        int | None,
        typer.Option(metavar="N", help="Start after message N; 0 is the beginning (default: only new messages)."),
    ] = None,
    room: Annotated[str | None, typer.Option(metavar="ROOM", help="Only this room (default: all your rooms).")] = None,
    receipts: Annotated[bool, typer.Option("--receipts", help="Print receipts, too.")] = False,
    count: Annotated[int, typer.Option(metavar="N", help="Stop after N messages; 0 never stops.")] = 0,
) -> None:
    """Print events as they happen: messages, questions, decisions, joins.

    Examples:
      groupchat listen
      groupchat listen --since 0 --json | jq .content
    """
    from controller.output.event_lines import Stream
    from controller.requests import send_and_wait

    context = merge_options(ctx)
    wish = send_and_wait.ListenOptions(since, room, receipts, count)
    run(lambda: send_and_wait.watch_events(context, wish, Stream(context.as_json)), as_json=context.as_json)


def history(
    ctx: typer.Context,
    room: RoomOption = None,
    limit: LimitOption = 50,
    before: Annotated[int | None, typer.Option(metavar="N", help="Only messages before number N.")] = None,
    from_: FromOption = None,
    to: Annotated[str | None, typer.Option("--to", metavar="NAME", help="Only messages to this member.")] = None,
) -> None:
    """Print the messages of a room, oldest first.

    Examples:
      groupchat history -n 20
      groupchat history --from claude --json
    """
    from controller.requests import send_and_wait

    _messages(ctx, send_and_wait.history_request(room, limit, before, from_, to))


def search(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(help="What to find; quote a phrase.")],
    room: Annotated[str | None, typer.Option(metavar="ROOM", help="Only this room (default: all your rooms).")] = None,
    from_: FromOption = None,
    limit: LimitOption = 20,
) -> None:
    """Find messages that contain all words.

    Examples:
      groupchat search disk full
      groupchat search '"disk full"' --from claude
    """
    from controller.requests import send_and_wait

    _messages(ctx, send_and_wait.search_request(" ".join(words), room, from_, limit))


def _messages(ctx: typer.Context, wish: send_and_wait.Reading) -> None:
    from controller.output import command_output
    from controller.requests import send_and_wait

    context = merge_options(ctx)
    command_output.print_messages(
        run(lambda: send_and_wait.fetch_messages(context, wish), as_json=context.as_json), context.as_json
    )


def receipts(ctx: typer.Context, message: Annotated[int, typer.Argument(help="The number of a message.")]) -> None:
    """Print the delivery steps of one message, per recipient.

    Example:
      groupchat receipts 42
    """
    from controller.output import command_output
    from controller.requests import send_and_wait

    context = merge_options(ctx)
    command_output.print_story(
        run(lambda: send_and_wait.fetch_story(context, message), as_json=context.as_json), context.as_json
    )
