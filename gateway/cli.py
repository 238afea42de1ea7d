"""`groupchat-gateway`: the verbs that own the rooms: serve, token, doctor, export, import."""

from __future__ import annotations

import asyncio
import getpass
import os
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from gateway.access.rate_limit import Rate
from gateway.agent_control.approvals import REMIND_AFTER
from gateway.client import Client, Endpoint, find_endpoint, state_folder
from gateway.client.console.cli_options import (
    CafileOption,
    Context,
    FingerprintOption,
    GatewayOption,
    JsonOption,
    StateOption,
    fail,
    run,
)
from gateway.client.console.console_output import say, show_json, show_table, uncaught_shown
from gateway.client.discovery.endpoint import DEFAULT_PORT
from gateway.client.discovery.running_gateway import Running, is_owned
from gateway.client.pages import whole
from gateway.client.process import process_limits
from gateway.maintenance import doctor, export_import
from gateway.operations.dispatch import perform
from gateway.protocol.errors import BadRequest, GroupChatError
from gateway.protocol.loop_limits import Limits
from gateway.protocol.requests import CreateToken, Request, RevokeToken, RotateToken, Tokens
from gateway.protocol.results import Done, TokenInfo, TokenList, TokenMade
from gateway.protocol.types import MemberKind, Scope
from gateway.rooms.operator_name import operator_of
from gateway.runtime.hub import GUEST_RATE
from gateway.server import log_setup, server
from gateway.server.config import Config
from gateway.server.listeners import DIALECTS, listen_at
from gateway.server.own_tokens import system_actor
from gateway.server.startup import open_hub
from gateway.server.supervisor_link import leash_in
from gateway.turns.engine import Patience

T = TypeVar("T")
LIMITS = Limits()

app = typer.Typer(
    name="groupchat-gateway", help=__doc__, no_args_is_help=True, add_completion=False, rich_markup_mode="markdown"
)
token_app = typer.Typer(help="Tokens: one for each member, shown once, revocable.", no_args_is_help=True)
app.add_typer(token_app, name="token")


@app.command(
    epilog="Example: `groupchat serve --port 8765`, or for other machines `groupchat serve --host 0.0.0.0 "
    "--cert cert.pem --key key.pem`."
)
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, envvar="CSP_PORT", help="0 takes any free port.")
    ] = DEFAULT_PORT,
    state: StateOption = None,
    store: Annotated[str, typer.Option(metavar="URL", help="Where the log is kept: sqlite:PATH.")] = "",
    cert: Annotated[str | None, typer.Option(metavar="FILE", help="TLS certificate (PEM).")] = None,
    key: Annotated[str | None, typer.Option(metavar="FILE", help="The certificate's key (PEM).")] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Allow another address without TLS.")] = False,
    allow_host: Annotated[list[str] | None, typer.Option(help="A further host name browsers may use.")] = None,
    burst: Annotated[float, typer.Option(help="Messages a member may send at once.")] = 100,
    rate: Annotated[float, typer.Option(help="Messages a second after that; 0 for no limit.")] = 50,
    guest_burst: Annotated[float, typer.Option(help="The same for a client of AgentChat.")] = GUEST_RATE.burst,
    guest_rate: Annotated[float, typer.Option(help="And a second after that.")] = GUEST_RATE.per_second,
    remind_asks: Annotated[
        float, typer.Option(min=1, help="Seconds after which a waiting question of an agent is announced again.")
    ] = REMIND_AFTER,
    max_hops: Annotated[
        int, typer.Option(min=0, envvar="GROUPCHAT_MAX_HOPS", help="Answers of agents to each other without a person.")
    ] = LIMITS.max_hops,
    max_pair: Annotated[
        int, typer.Option(min=0, envvar="GROUPCHAT_MAX_PAIR", help="Messages a minute between two agents, by name.")
    ] = LIMITS.max_pair,
    max_wakes: Annotated[
        int, typer.Option(min=0, envvar="GROUPCHAT_MAX_WAKES", help="Times an hour that agents may wake one of them.")
    ] = LIMITS.max_wakes,
    max_repeats: Annotated[
        int, typer.Option(min=0, envvar="GROUPCHAT_MAX_REPEATS", help="Times that an agent may say nearly the same.")
    ] = LIMITS.max_repeats,
    max_tokens: Annotated[
        int, typer.Option(min=0, envvar="GROUPCHAT_MAX_TOKENS", help="Tokens an hour, then agents wake it no more.")
    ] = LIMITS.max_tokens,
    listen: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DIALECT=[HOST:]PORT",
            envvar="GROUPCHAT_LISTEN",
            help=f"Another door, for clients of another system: {', '.join(DIALECTS)}. May be repeated.",
        ),
    ] = None,
    modes: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A folder with modes of your own, one TOML file each.")
    ] = None,
    agents: Annotated[str, typer.Option(hidden=True, help="Names that the operator leaves to the team's agents.")] = "",
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    log_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Log there, at most 10 MB and as much of the one before.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Keep the rooms: run the gateway until it is told to stop."""
    process_limits.raise_descriptor_limit()
    operator = operator_of(os.environ, _login())
    try:
        log_setup.configure(log_level, log_file)
        config = Config(
            state=state_folder(os.environ, state),
            host=host,
            port=port,
            store=store,
            operator=operator.name,
            operator_chosen=operator.chosen,
            agents=tuple(agents.split(",")) if agents else (),
            team_token=os.environ.get("CSP_AUTH_TOKEN") or None,
            cert=cert,
            key=key,
            insecure=insecure,
            allow_hosts=tuple(name.lower() for name in allow_host or ()),
            rate=Rate(burst, rate),
            guest_rate=Rate(guest_burst, guest_rate),
            patience=_patience(),
            remind_asks=remind_asks,
            limits=Limits(max_hops, max_pair, max_wakes, max_repeats, max_tokens),
            listen=tuple(listen_at(text) for text in listen or ()),
            modes=modes,
        )
    except GroupChatError as error:
        fail(error, as_json=as_json)
    run(lambda: _serve(config, as_json), as_json=as_json)


async def _serve(config: Config, as_json: bool) -> None:
    started: asyncio.Future[Running] = asyncio.get_running_loop().create_future()
    started.add_done_callback(lambda done: _announce(done.result(), config, as_json))
    leash = leash_in(os.environ)
    config = replace(config, waits_for_port=leash.death is not None)
    await server.serve(config, started, leash=leash)


def _announce(found: Running, config: Config, as_json: bool) -> None:
    if as_json:
        shown = {"url": found.url, "state": str(config.state), "operator": found.operator}
        show_json({**shown, "listeners": found.listeners} if found.listeners else shown)
        return
    say(f"The gateway listens at {found.url}; state and tokens are in {config.state}.")
    for dialect, url in found.listeners.items():
        say(f"It speaks {dialect} at {url}.")


def _offline(state: Path) -> Config:
    """For work in the folder of a gateway that does not run."""
    operator = operator_of(os.environ, _login())
    return Config(state=state, operator=operator.name, operator_chosen=operator.chosen)


def _login() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "operator"


def _patience() -> Patience:
    """The turn times of the specification's variables, in milliseconds there."""
    warn, timeout = os.environ.get("CSP_TURN_WARN_MS"), os.environ.get("CSP_TURN_TIMEOUT_MS")
    try:
        return Patience(int(warn) / 1000 if warn else 90.0, int(timeout) / 1000 if timeout else 120.0)
    except ValueError:
        raise BadRequest("CSP_TURN_WARN_MS and CSP_TURN_TIMEOUT_MS must be whole milliseconds.") from None


@token_app.command(
    "create", epilog="Example: `groupchat token create bob --kind human --scope observer --expires 30d`."
)
def create_token(
    name: str,
    kind: Annotated[MemberKind, typer.Option()] = MemberKind.AGENT,
    role: Annotated[str | None, typer.Option(help="Such as coder or reviewer.")] = None,
    scope: Annotated[
        list[str] | None, typer.Option(help="observer, approver, admin; repeat or separate by comma.")
    ] = None,
    expires: Annotated[str | None, typer.Option(metavar="30d", help="A time such as 90s, 12h, 30d.")] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="It reads what its member may, and changes nothing.")
    ] = False,
    gateway: GatewayOption = None,
    state: StateOption = None,
    cafile: CafileOption = None,
    fingerprint: FingerprintOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a member, or another token for one. The token is shown once."""
    context = Context(gateway, state, cafile, fingerprint)
    scopes = tuple(_scope(word) for text in scope or () for word in text.split(","))
    wish = CreateToken(
        name=name, kind=kind, role=role, scopes=scopes, expires_in=_seconds(expires), read_only=read_only
    )
    made = run(lambda: _administer(context, wish, TokenMade), as_json=as_json)
    if as_json:
        show_json({"name": made.name, "token": made.token, "expires": made.expires})
    else:
        say(made.token)


def _scope(word: str) -> Scope:
    try:
        return Scope(word.strip().lower())
    except ValueError:
        raise typer.BadParameter(f"{word!r} is not a scope; use {', '.join(Scope)}.") from None


def _seconds(text: str | None) -> float | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text.strip().lower())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a time; write 90s, 15m, 12h, 30d or 4w.")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[match[2]]


@token_app.command("list")
def list_tokens(gateway: GatewayOption = None, state: StateOption = None, as_json: JsonOption = False) -> None:
    """Every token by its member, never its secret."""
    context = Context(gateway, state)
    found = run(lambda: whole(partial(_administer, context), Tokens(), TokenList), as_json=as_json)
    if as_json:
        show_json(found)
        return
    columns = ("member", "id", "scopes", "created", "expires", "")
    show_table((_token_row(one) for one in found.tokens), columns=columns)


def _token_row(one: TokenInfo) -> tuple[str, ...]:
    scopes = " ".join([*one.scopes, *["(its tools)"] * one.hands, *["read-only"] * one.read_only])
    return one.name, one.id, scopes, one.created, one.expires or "never", "ended" if one.revoked else ""


@token_app.command("revoke")
def revoke_token(
    name: Annotated[str, typer.Argument(help="A member's name for all its tokens, or one token's id.")],
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """End a member's tokens at once."""
    run(lambda: _administer(Context(gateway, state), RevokeToken(name=name), Done), as_json=as_json)
    show_json({"revoked": name}) if as_json else say(f"The tokens of {name} are revoked.")


@token_app.command("rotate")
def rotate_token(
    name: str,
    grace: Annotated[str, typer.Option(help="How long the old token stays valid.")] = "1h",
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """A new token for a member; the old one ends after a grace period."""
    wish = RotateToken(name=name, grace=_seconds(grace) or 0)
    made = run(lambda: _administer(Context(gateway, state), wish, TokenMade), as_json=as_json)
    show_json(made) if as_json else say(made.token)


async def _administer(context: Context, request: Request, kind: type[T]) -> T:
    """Ask the running gateway; if none runs on this state folder, do it in the folder itself."""
    folder = state_folder(os.environ, context.state)
    if context.gateway or os.environ.get("CSP_GATEWAY_URL") or is_owned(folder):
        async with Client(context.endpoint()) as client:
            return await client.request(request, kind)
    config = _offline(folder)
    async with open_hub(config) as hub:
        result = await perform(hub, system_actor(), request)
        assert isinstance(result, kind)
        return result


@app.command("doctor")
def doctor_command(state: StateOption = None, as_json: JsonOption = False) -> None:
    """Look whether everything is in place, and say how to mend what is not."""
    findings = run(lambda: doctor.examine(state_folder(os.environ, state)), as_json=as_json)
    if as_json:
        show_json({"ok": all(one.ok for one in findings), "findings": findings})
    else:
        for one in findings:
            say(
                f"{'ok  ' if one.ok else 'FAIL'}  {one.what}: {one.found}",
                *([f"      {one.remedy}"] * bool(one.remedy)),
            )
    raise typer.Exit(0 if all(one.ok for one in findings) else 1)


@app.command("export", epilog="Example: `groupchat export general > general.jsonl`.")
def export_room(
    room: Annotated[str, typer.Argument()] = "general",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file instead of standard output.")] = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a whole room as JSON lines: its head, then every event in order."""
    endpoint = run(lambda: _endpoint(gateway, state), as_json=as_json)
    count = run(lambda: export_import.write_room(endpoint, room, output), as_json=as_json)
    say(f"{count} events of {room} written.", err=True)


async def _endpoint(gateway: str | None, state: str | None) -> Endpoint:
    return find_endpoint(os.environ, gateway=gateway, state=state)


@app.command("import", epilog="The gateway must not be running. Importing twice does not double anything.")
def import_room(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    room: Annotated[str | None, typer.Option(help="Into a room of this name instead of its own.")] = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a room that was written by export into this state folder."""
    done = run(lambda: export_import.read_room(_offline(state_folder(os.environ, state)), file, room), as_json=as_json)
    show_json(done) if as_json else say(f"{done.imported} messages imported into {done.room}, {done.known} were there.")


@app.command(
    "mcp",
    epilog="Example, for a client that starts its servers itself: `groupchat mcp --as desktop`. Others connect to the "
    "gateway's /mcp or /sse with a token.",
)
def mcp_command(
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Who speaks through it; made as an agent on first use.")
    ] = None,
    project: Annotated[Path, typer.Option(help="The folder whose files may be shown.")] = Path("."),
    patience: Annotated[
        float, typer.Option(metavar="SECONDS", min=20, help="When the client gives up on a tool; waits end before.")
    ] = 60,
    socket: Annotated[
        Path | None, typer.Option(metavar="FILE", hidden=True, help="Serve HTTP there, for the gateway.")
    ] = None,
    through: Annotated[Path | None, typer.Option(metavar="FILE", hidden=True, help="The gateway's own socket.")] = None,
    gateway: GatewayOption = None,
    state: StateOption = None,
    cafile: CafileOption = None,
    fingerprint: FingerprintOption = None,
) -> None:
    """The room's tools over the Model Context Protocol, on standard input and output."""
    from gateway.mcp import startup  # noqa: PLC0415 - the SDK takes half a second to import

    context = Context(gateway, state, cafile, fingerprint)
    run(
        lambda: startup.behind(context, socket, through) if socket else startup.beside(context, name, project, patience)
    )


def main() -> None:
    process_limits.keep_private()
    process_limits.hide_memory()
    log_setup.configure("warning")
    with uncaught_shown():
        app(prog_name=os.environ.get("GROUPCHAT_PROG", "groupchat-gateway"))


if __name__ == "__main__":
    main()
