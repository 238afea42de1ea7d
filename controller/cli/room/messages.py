"""Sending and reading messages: send, chat, listen, history, search, recall, receipts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.room.run_request import announce_team, merge_options, run_with_client
from gateway.console.client_options import ClientOptions
from gateway.console.console_output import print_lines, show_done
from gateway.console.progress_bar import progress_bar
from gateway.console.run_command import fail, run
from gateway.protocol.errors import BadRequest
from gateway.protocol.types.core_types import DEFAULT_ROOM, canonical_room_name

if TYPE_CHECKING:
    from controller.chat_commands.command_table import KeyPress, StopRequest
    from controller.requests import command_requests

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
        typer.Option("--id", metavar="ID", help="Your own id: sending again with it posts nothing new."),
    ] = None,
    wakes: Annotated[
        list[str] | None,
        typer.Option(
            "--wakes", "--to-public", metavar="NAME", help="Everyone reads it, only this member is woken. Repeatable."
        ),
    ] = None,
    sealed: Annotated[
        bool, typer.Option("--sealed", help="Only the members you name can read it; it is refused if one has no key.")
    ] = False,
    quote: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE[:FROM-TO]", help="Attach a file, or lines of one: a.py:42-58. Repeatable."),
    ] = None,
) -> None:
    """Send a message to everyone in the room, or to the members you name with @.

    Examples:
      groupchat send "good morning"
      groupchat send @claude "review src/app.py" --wait-reply
      groupchat send --wakes claude "which disk is it?"
      groupchat send @claude look --quote src/app.py:42-58
      git diff | groupchat send @claude -
      groupchat send --sealed @bob "the address is ..."
    """
    from controller.chat_commands.command_table import parse_urgent_key
    from controller.requests import command_requests
    from gateway.console.standard_streams import read_input
    from gateway.protocol.text.addressing import parse_line

    text = read_input() if words[-1:] == ["-"] else None
    line = " ".join([*words[:-1], text] if text is not None else words)
    keys = None if quote else parse_urgent_key(parse_line(line))
    context = merge_options(ctx)
    if keys:
        _act(context, keys)
        return
    from controller.output import command_output
    from controller.requests.file_attachments import quote_files

    wait = timeout if wait_reply else None

    async def sending() -> tuple[command_requests.SentMessage, str]:
        team = announce_team(context)
        parts = quote_files(quote or (), Path.cwd())
        return await command_requests.send_text(
            context,
            command_requests.SendOptions(
                line, room, urgent, reply_to, message_id, wait, parts, tuple(wakes or ()), sealed
            ),
        ), team

    command_output.print_sent(*run(sending, as_json=context.as_json), context.as_json)


def _act(context: ClientOptions, keys: StopRequest | KeyPress) -> None:
    """The line means keys, or that an agent must stop."""
    from controller.chat_commands.command_table import StopRequest
    from controller.cli.room import agent_orders
    from controller.output import command_output
    from controller.requests import command_requests

    if isinstance(keys, StopRequest):
        agent_orders.send_stop_order(context, keys)
        return
    names = run(lambda: command_requests.press_named_keys(context, keys), as_json=context.as_json)
    command_output.print_pressed(keys.keys, names, context.as_json)


def chat(
    ctx: typer.Context,
    room: Annotated[str, typer.Option(metavar="ROOM", help="Open this room (default: general).")] = DEFAULT_ROOM,
    plain: Annotated[
        bool, typer.Option("--plain", help="Print lines instead of a screen, for screen readers and dumb terminals.")
    ] = False,
) -> None:
    """Open the chat in this terminal.

    Examples:
      groupchat chat
      groupchat chat --plain --room design
    """
    import sys

    context = merge_options(ctx)
    if not plain and not (sys.stdin.isatty() and sys.stdout.isatty()):
        why = "The chat needs a terminal. Elsewhere, `groupchat listen` reads and `groupchat send` writes."
        fail(BadRequest(why), as_json=context.as_json)
    from controller.chat.main import run_chat

    run(lambda: run_chat(context, canonical_room_name(room.removeprefix("#")), plain=plain), as_json=context.as_json)


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
    from controller.requests import command_requests

    context = merge_options(ctx)
    wish = command_requests.ListenOptions(since, room, receipts, count)
    run(lambda: command_requests.watch_events(context, wish, Stream(context.as_json)), as_json=context.as_json)


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
    from controller.output import mark_output
    from controller.requests import command_requests

    context, wish = merge_options(ctx), command_requests.history_request(room, limit, before, from_, to)
    found, marks = run(lambda: command_requests.fetch_messages(context, wish), as_json=context.as_json)
    mark_output.print_messages(found, marks, context.as_json, "There are more messages; use --before and --limit.")


def search(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(help="What to find; quote a phrase.")],
    room: Annotated[str | None, typer.Option(metavar="ROOM", help="Only this room (default: all your rooms).")] = None,
    from_: FromOption = None,
    limit: LimitOption = 20,
) -> None:
    """Find messages that contain all words.

    The gateway cannot read sealed messages. If your key is on this machine, the last ones of each room are opened and
    searched here.

    Examples:
      groupchat search disk full
      groupchat search '"disk full"' --from claude
    """
    from controller.output import mark_output
    from controller.requests import command_requests

    context, wish = merge_options(ctx), command_requests.search_request(" ".join(words), room, from_, limit)
    found, marks = run(lambda: command_requests.fetch_found_messages(context, wish), as_json=context.as_json)
    rest = "There are more messages; use --limit."
    mark_output.print_messages(found.messages, marks, context.as_json, rest)
    if found.remark:
        print_lines(found.remark, dim=True, err=True)


def recall(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="QUESTION", help="What you want to know, in your words.")
    ] = None,
    room: Annotated[str | None, typer.Option(metavar="ROOM", help="Only this room (default: all your rooms).")] = None,
    budget: Annotated[
        int, typer.Option(metavar="TOKENS", min=50, max=100_000, help="At most about this many tokens of text.")
    ] = 2000,
    wait: Annotated[
        bool, typer.Option("--wait", help="First wait until the embedding model has read every message.")
    ] = False,
) -> None:
    """Find the earlier messages that answer a question, threads together.

    With --wait no question is needed. Ctrl-C ends only the waiting.

    Examples:
      groupchat recall "why did we drop the cache?"
      groupchat recall "what did bob say about backups" --room ops
      groupchat recall "release date" --budget 500 --json
      groupchat recall --wait
    """
    from controller.output import command_output
    from controller.requests import command_requests

    context, question = merge_options(ctx), " ".join(words or ())
    if wait:
        _wait_for_vectors(context, is_told=not question)
        if not question:
            return
    elif not question:
        fail(BadRequest("Give the question, as you would ask it."), as_json=context.as_json)
    found = run(lambda: command_requests.recall_passages(context, question, room, budget), as_json=context.as_json)
    command_output.print_recalled(found, context.as_json)


def _wait_for_vectors(context: ClientOptions, *, is_told: bool) -> None:
    from controller.requests.long_work import embedded_messages

    with progress_bar("embedding", "messages", as_json=context.as_json) as bar:
        done = run_with_client(context, lambda client: embedded_messages(client, bar))
    if is_told:
        show_done(done, f"The embedding model has read every message: {done.made:,} have a vector.", context.as_json)


def receipts(
    ctx: typer.Context,
    message: Annotated[
        int | None, typer.Argument(min=1, help="The number of a message (default: your last one in the room).")
    ] = None,
    room: RoomOption = None,
) -> None:
    """Print the delivery steps of a message, per recipient. Without a number: of your last message.

    Examples:
      groupchat receipts
      groupchat receipts 42
    """
    from controller.output import command_output
    from controller.requests import command_requests

    context = merge_options(ctx)
    command_output.print_story(
        run(lambda: command_requests.fetch_story(context, message, room), as_json=context.as_json), context.as_json
    )
