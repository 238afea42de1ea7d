"""`groupchat`: a group chat for people and native CLI agents.

Its own verbs are the person's; those of the gateway and of the sidecar are handed over to their own programs.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from controller.cli import agents as cli_orders
from controller.cli import context as cli_context
from controller.cli import decisions, members, modes, rooms, session
from controller.cli import team as cli_team
from controller.cli.run_request import chosen, said_team
from controller.commands.command_table import Halt, pressed
from controller.output import command_output
from controller.requests import send_and_wait
from controller.requests.file_quotes import quotes
from controller.workspace import team_status
from gateway.client.console.cli_options import (
    CafileOption,
    Context,
    FingerprintOption,
    GatewayOption,
    JsonOption,
    StateOption,
    run,
)
from gateway.client.console.console_output import uncaught_shown
from gateway.protocol.results import Health
from gateway.protocol.text.addressing import parse_line
from gateway.protocol.types import AskState

HANDED_OVER = {
    **dict.fromkeys(("serve", "token", "doctor", "export", "import", "mcp"), ("groupchat-gateway", "gateway.cli")),
    **dict.fromkeys(("join", "explain", "record", "replay", "skill"), ("groupchat-sidecar", "sidecar.cli")),
}

app = typer.Typer(
    name="groupchat",
    help=__doc__,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    epilog="Also: " + ", ".join(f"`{verb}`" for verb in HANDED_OVER) + ". Each has its own `--help`.",
)


@app.callback()
def common(
    ctx: typer.Context,
    gateway: GatewayOption = None,
    state: StateOption = None,
    cafile: CafileOption = None,
    fingerprint: FingerprintOption = None,
) -> None:
    ctx.obj = Context(gateway, state, cafile, fingerprint)


def _context(ctx: typer.Context, gateway: str | None, state: str | None) -> Context:
    return chosen(ctx, Context(gateway, state))


@app.command(
    context_settings={"ignore_unknown_options": True},
    epilog='Examples: `groupchat send "good morning"`, `groupchat send @claude "review src/app.py" --wait-reply`, '
    "`groupchat send @claude look --quote src/app.py:42-58`, `git diff | groupchat send @claude -`.",
)
def send(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(help="@names, then the text; `-` reads it from standard input.")],
    room: Annotated[str | None, typer.Option(help="Another room than general.")] = None,
    wait_reply: Annotated[bool, typer.Option("--wait-reply", help="Wait for the answer and print it.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait for the answer.")] = 600,
    urgent: Annotated[bool, typer.Option("--urgent", help="Do not wait for idle.")] = False,
    reply_to: Annotated[int | None, typer.Option(help="The number of the message this answers.")] = None,
    message_id: Annotated[str | None, typer.Option("--id", help="Repeating an id does not repeat the message.")] = None,
    quote: Annotated[
        list[str] | None, typer.Option(help="Lines of a file to go with it, as `a.py:42-58`; may be repeated.")
    ] = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say something to the room, or to those named with @."""
    text = sys.stdin.read() if words[-1:] == ["-"] else None
    line = " ".join([*words[:-1], text] if text is not None else words)
    keys = None if quote else pressed(parse_line(line))
    if isinstance(keys, Halt):
        cli_orders.halt(_context(ctx, gateway, state), keys, as_json)
        return
    if keys:
        names = run(lambda: send_and_wait.press(_context(ctx, gateway, state), keys), as_json=as_json)
        command_output.pressed(keys.keys, names, as_json)
        return
    wait, context = timeout if wait_reply else None, _context(ctx, gateway, state)

    async def sending() -> tuple[send_and_wait.Sent, str]:
        team = said_team(context, quiet=as_json)
        parts = quotes(quote or (), Path.cwd())
        return await send_and_wait.send(
            context, send_and_wait.Sending(line, room, urgent, reply_to, message_id, wait, parts)
        ), team

    command_output.sent(*run(sending, as_json=as_json), as_json)


@app.command(epilog="Example: `groupchat listen --since 0 --json | jq .content`.")
def listen(
    ctx: typer.Context,
    since: Annotated[int | None, typer.Option(help="Begin after this number; 0 is everything.")] = None,
    room: Annotated[str | None, typer.Option(help="Only this room.")] = None,
    receipts: Annotated[bool, typer.Option("--receipts", help="Show receipts as well.")] = False,
    count: Annotated[int, typer.Option(help="Stop after so many messages; 0 goes on.")] = 0,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Watch the room as it happens."""
    wish = send_and_wait.Listening(since, room, receipts, count)
    printer = command_output.Stream(as_json)
    run(lambda: send_and_wait.listen(_context(ctx, gateway, state), wish, printer), as_json=as_json)


@app.command()
def agents(
    ctx: typer.Context,
    everyone: Annotated[bool, typer.Option("--all", help="Also those who have left.")] = False,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Who is here, what they are doing, how much waits for them."""
    found = run(lambda: send_and_wait.members(_context(ctx, gateway, state), everyone), as_json=as_json)
    command_output.members(*found, as_json)


@app.command()
def history(
    ctx: typer.Context,
    room: Annotated[str | None, typer.Option(help="Another room than general.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000)] = 50,
    before: Annotated[int | None, typer.Option(help="Only older than this number.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Only by this member.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Only to this member.")] = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """What was said, the newest last."""
    wish = send_and_wait.history_request(room, limit, before, from_, to)
    found = run(lambda: send_and_wait.messages(_context(ctx, gateway, state), wish), as_json=as_json)
    command_output.messages(found, as_json)


@app.command(
    epilog='Example: `groupchat search "disk full"` finds both words; `groupchat search \'"disk full"\'` the phrase.'
)
def search(
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument()],
    room: Annotated[str | None, typer.Option(help="Only in this room.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Only by this member.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000)] = 20,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find messages by their words."""
    wish = send_and_wait.search_request(" ".join(words), room, from_, limit)
    found = run(lambda: send_and_wait.messages(_context(ctx, gateway, state), wish), as_json=as_json)
    command_output.messages(found, as_json)


@app.command()
def receipts(
    ctx: typer.Context,
    message: Annotated[int, typer.Argument(help="A message's number.")],
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """What became of one message, step by step."""
    command_output.story(
        run(lambda: send_and_wait.story(_context(ctx, gateway, state), message), as_json=as_json), as_json
    )


@app.command()
def asks(
    ctx: typer.Context,
    ended: Annotated[int, typer.Option(help="Instead so many of those that have ended.", min=0, max=1000)] = 0,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """The questions of agents that wait for an answer: what they ask for, whole, and who may answer."""
    nothing = ("No question has ended yet.",) if ended else ()
    command_output.asks(
        run(lambda: send_and_wait.asks(_context(ctx, gateway, state), ended), as_json=as_json), as_json, *nothing
    )


DigestOption = Annotated[str | None, typer.Option(help="Only if it is still this question.")]


@app.command(epilog="Example: `groupchat approve claude`, or `groupchat approve claude 2` for its second option.")
def approve(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose question.")],
    option: Annotated[str, typer.Argument(help="An option's key; without it, what plainly means yes.")] = "allow",
    digest: DigestOption = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer an agent's question with yes, or with one of its options."""
    _answer(_context(ctx, gateway, state), send_and_wait.Answering(name, option, digest), as_json)


@app.command(epilog='Example: `groupchat deny claude "use the test database"`.')
def deny(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose question.")],
    words: Annotated[list[str] | None, typer.Argument(help="Why, for the model, where the question takes it.")] = None,
    digest: DigestOption = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer an agent's question with no, and tell the model why."""
    said = " ".join(words or ()).strip()
    _answer(_context(ctx, gateway, state), send_and_wait.Answering(name, "deny", digest, said), as_json)


def _answer(context: Context, given: send_and_wait.Answering, as_json: bool) -> None:
    """The exit status is 1 where the answer did not arrive."""
    done = run(lambda: send_and_wait.answer(context, given), as_json=as_json)
    command_output.answered(done, as_json)
    if done.state is not AskState.ANSWERED:
        raise typer.Exit(1)


@app.command()
def status(
    ctx: typer.Context,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """How the gateway is doing, and the team that was started with it."""
    context = _context(ctx, gateway, state)

    async def looking() -> tuple[Health, team_status.TeamStatus]:
        said_team(context, quiet=as_json)
        return await team_status.look(context)

    command_output.status(*run(looking, as_json=as_json), as_json)


@app.command("chat")
def chat_command(ctx: typer.Context, gateway: GatewayOption = None, state: StateOption = None) -> None:
    """Talk in the room."""
    from controller.chat.main import chat  # noqa: PLC0415  only who opens the chat pays for its toolkit

    run(lambda: chat(_context(ctx, gateway, state)))


app.command("init")(cli_team.init)
app.command("up")(cli_team.up)
app.command("down")(cli_team.down)
app.command("attach")(cli_team.attach)
app.command("teams")(cli_team.teams)
app.command("restart")(cli_team.restart)
app.command("add")(cli_team.add)
app.command("rm")(cli_team.remove)
app.command("logs")(cli_team.logs)
app.command("pause")(cli_orders.pause)
app.command("resume")(cli_orders.resume)
app.command("stop", epilog="Example: `groupchat stop claude`.")(cli_orders.stop)
app.command("continue")(cli_orders.go_on)
app.command("cancel")(cli_orders.cancel)
app.command("retry")(cli_orders.retry)
app.command("share")(cli_orders.share)
app.command("role")(cli_orders.role)
app.command("keys")(cli_orders.keys)

rooms_app = typer.Typer(help=rooms.__doc__)
app.add_typer(rooms_app, name="rooms")
rooms_app.callback(invoke_without_command=True)(rooms.rooms)
rooms_app.command("invite")(rooms.invite)
rooms_app.command("kick")(rooms.kick)
rooms_app.command("rm")(rooms.remove)

members_app = typer.Typer(help=members.__doc__, no_args_is_help=True)
app.add_typer(members_app, name="members")
members_app.command("rm")(members.remove)

mode_app = typer.Typer(help=modes.__doc__, cls=modes.InFewWords)
app.add_typer(mode_app, name="mode")
mode_app.command("set", epilog=modes.EXAMPLE)(modes.set_)
mode_app.command("status")(modes.status)
mode_app.command("next")(modes.next_)
mode_app.command("extend")(modes.extend)
mode_app.command("working")(modes.working)
mode_app.command("end")(modes.end)
mode_app.command("list")(modes.list_)

context_app = typer.Typer(help=cli_context.__doc__, no_args_is_help=True)
app.add_typer(context_app, name="context")
context_app.command("push", epilog=cli_context.PUSH_EXAMPLES)(cli_context.push)
context_app.command("pull")(cli_context.pull)
context_app.command("merge")(cli_context.merge)
context_app.command("diff")(cli_context.diff)
context_app.command("history")(cli_context.history)
context_app.command("list")(cli_context.list_)
context_app.command("delete")(cli_context.delete)
app.command("propose", epilog=decisions.PROPOSE_EXAMPLES)(decisions.propose)
app.command("vote")(decisions.vote)
app.command("decisions")(decisions.decisions)
app.command("decide")(decisions.decide)
session_app = typer.Typer(help=session.__doc__, no_args_is_help=True)
app.add_typer(session_app, name="session")
session_app.command("open")(session.open_)
session_app.command("close")(session.close)
session_app.command("pause")(session.pause)
session_app.command("resume")(session.resume)
session_app.command("list")(session.list_)
session_app.command("show")(session.show)
session_app.command("summary")(session.summary)


def hand_over(verb: str, arguments: list[str]) -> None:
    """Become the program that owns this verb."""
    program, module = HANDED_OVER[verb]
    beside = Path(sys.argv[0]).resolve().with_name(program)
    path = str(beside) if beside.exists() else shutil.which(program)
    command = [path] if path else [sys.executable, "-P", "-m", module]
    os.environ["GROUPCHAT_PROG"] = "groupchat"
    sys.stdout.flush()
    os.execv(command[0], [*command, verb, *arguments])


def main() -> None:
    if len(sys.argv) > 1 and sys.argv[1] in HANDED_OVER:
        hand_over(sys.argv[1], sys.argv[2:])
    with uncaught_shown():
        app(prog_name="groupchat")


if __name__ == "__main__":
    main()
