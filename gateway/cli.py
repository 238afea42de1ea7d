"""`groupchat-gateway`: the verbs that own the rooms: serve, token, doctor, export, import."""

from __future__ import annotations

import asyncio
import getpass
import os
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from gateway.client import Client, Endpoint, find_endpoint, state_folder
from gateway.client.console.cli_options import (
    CafileOption,
    ClientOptions,
    FingerprintOption,
    GatewayOption,
    JsonOption,
    StateOption,
    fail,
    run,
)
from gateway.client.console.console_output import print_json, print_lines, print_table, print_uncaught_errors
from gateway.client.discovery.running_gateway import RunningGateway, has_live_gateway
from gateway.client.paged_requests import fetch_all_pages
from gateway.client.process import process_limits
from gateway.maintenance import doctor, export_import
from gateway.operations.dispatch import run_operation
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests import CreateToken, Request, RevokeToken, RotateToken, Tokens
from gateway.protocol.results import Done, TokenInfo, TokenList, TokenMade
from gateway.protocol.types import MemberKind, Scope
from gateway.runtime.config import Config
from gateway.server import log_setup, server
from gateway.server.config_options import OPTIONS, config_from, default_of, offline_config
from gateway.server.own_tokens import system_actor
from gateway.server.startup import open_hub
from gateway.server.supervisor_link import gateway_link_from

T = TypeVar("T")

app = typer.Typer(
    name="groupchat-gateway", help=__doc__, no_args_is_help=True, add_completion=False, rich_markup_mode="markdown"
)
token_app = typer.Typer(help="Tokens: one for each member, shown once, revocable.", no_args_is_help=True)
app.add_typer(token_app, name="token")


def option(name: str, *flags: str, hidden: bool = False) -> Any:
    """An option of `serve` as `config_options` has it."""
    one = OPTIONS[name]
    return typer.Option(
        *flags,
        help=one.meaning,
        min=one.least,
        max=one.most,
        envvar=one.variable,
        metavar=one.metavar,
        hidden=hidden,
    )


@app.command(
    epilog="Example: `groupchat serve --port 8765`, or for other machines `groupchat serve --host 0.0.0.0 "
    "--cert cert.pem --key key.pem`."
)
def serve(
    host: Annotated[str, option("host")] = default_of("host"),
    port: Annotated[int, option("port")] = default_of("port"),
    state: StateOption = None,
    store: Annotated[str, option("store")] = default_of("store"),
    cert: Annotated[str | None, option("cert")] = default_of("cert"),
    key: Annotated[str | None, option("key")] = default_of("key"),
    insecure: Annotated[bool, option("insecure", "--insecure")] = default_of("insecure"),
    allow_host: Annotated[list[str] | None, option("allow_host")] = None,
    burst: Annotated[float, option("burst")] = default_of("burst"),
    rate: Annotated[float, option("rate")] = default_of("rate"),
    guest_burst: Annotated[float, option("guest_burst")] = default_of("guest_burst"),
    guest_rate: Annotated[float, option("guest_rate")] = default_of("guest_rate"),
    remind_asks: Annotated[float, option("remind_asks")] = default_of("remind_asks"),
    max_hops: Annotated[int, option("max_hops")] = default_of("max_hops"),
    max_pair: Annotated[int, option("max_pair")] = default_of("max_pair"),
    max_wakes: Annotated[int, option("max_wakes")] = default_of("max_wakes"),
    max_repeats: Annotated[int, option("max_repeats")] = default_of("max_repeats"),
    max_tokens: Annotated[int, option("max_tokens")] = default_of("max_tokens"),
    listen: Annotated[list[str] | None, option("listen")] = None,
    modes: Annotated[Path | None, option("modes")] = None,
    agents: Annotated[str, option("agents", hidden=True)] = "",
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    log_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Log there, at most 10 MB and as much of the one before.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Keep the rooms: run the gateway until it is told to stop."""
    given = dict(locals())
    process_limits.raise_descriptor_limit()
    try:
        log_setup.configure_logging(log_level, log_file)
        config = config_from(state_folder(os.environ, state), given, os.environ, _login_name())
    except GroupChatError as error:
        fail(error, as_json=as_json)
    run(lambda: _run_gateway(config, as_json), as_json=as_json)


async def _run_gateway(config: Config, as_json: bool) -> None:
    started: asyncio.Future[RunningGateway] = asyncio.get_running_loop().create_future()
    started.add_done_callback(lambda done: _print_started(done.result(), config, as_json))
    leash = gateway_link_from(os.environ)
    config = replace(config, waits_for_port=leash.death is not None)
    await server.serve_gateway(config, started, leash=leash)


def _print_started(found: RunningGateway, config: Config, as_json: bool) -> None:
    if as_json:
        shown = {"url": found.url, "state": str(config.state), "operator": found.operator}
        print_json({**shown, "listeners": found.listeners} if found.listeners else shown)
        return
    print_lines(f"The gateway listens at {found.url}; state and tokens are in {config.state}.")
    for dialect, url in found.listeners.items():
        print_lines(f"It speaks {dialect} at {url}.")


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "operator"


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
    context = ClientOptions(gateway, state, cafile, fingerprint)
    scopes = tuple(_parse_scope(word) for text in scope or () for word in text.split(","))
    wish = CreateToken(
        name=name, kind=kind, role=role, scopes=scopes, expires_in=_parse_duration(expires), read_only=read_only
    )
    made = run(lambda: _run_admin_request(context, wish, TokenMade), as_json=as_json)
    if as_json:
        print_json({"name": made.name, "token": made.token, "expires": made.expires})
    else:
        print_lines(made.token)


def _parse_scope(word: str) -> Scope:
    try:
        return Scope(word.strip().lower())
    except ValueError:
        raise typer.BadParameter(f"{word!r} is not a scope; use {', '.join(Scope)}.") from None


def _parse_duration(text: str | None) -> float | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text.strip().lower())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a time; write 90s, 15m, 12h, 30d or 4w.")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}[match[2]]


@token_app.command("list")
def list_tokens(gateway: GatewayOption = None, state: StateOption = None, as_json: JsonOption = False) -> None:
    """Every token by its member, never its secret."""
    context = ClientOptions(gateway, state)
    found = run(lambda: fetch_all_pages(partial(_run_admin_request, context), Tokens(), TokenList), as_json=as_json)
    if as_json:
        print_json(found)
        return
    columns = ("member", "id", "scopes", "created", "expires", "")
    print_table((_token_row(one) for one in found.tokens), columns=columns)


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
    run(lambda: _run_admin_request(ClientOptions(gateway, state), RevokeToken(name=name), Done), as_json=as_json)
    print_json({"revoked": name}) if as_json else print_lines(f"The tokens of {name} are revoked.")


@token_app.command("rotate")
def rotate_token(
    name: str,
    grace: Annotated[str, typer.Option(help="How long the old token stays valid.")] = "1h",
    gateway: GatewayOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """A new token for a member; the old one ends after a grace period."""
    wish = RotateToken(name=name, grace=_parse_duration(grace) or 0)
    made = run(lambda: _run_admin_request(ClientOptions(gateway, state), wish, TokenMade), as_json=as_json)
    print_json(made) if as_json else print_lines(made.token)


async def _run_admin_request(context: ClientOptions, request: Request, kind: type[T]) -> T:
    """Ask the running gateway; if none runs on this state folder, do it in the folder itself."""
    folder = state_folder(os.environ, context.state)
    if context.gateway or os.environ.get("CSP_GATEWAY_URL") or has_live_gateway(folder):
        async with Client(context.endpoint()) as client:
            return await client.request(request, kind)
    config = offline_config(folder, os.environ, _login_name())
    async with open_hub(config) as hub:
        result = await run_operation(hub, system_actor(), request)
        assert isinstance(result, kind)
        return result


@app.command("doctor")
def doctor_command(state: StateOption = None, as_json: JsonOption = False) -> None:
    """Look whether everything is in place, and say how to mend what is not."""
    findings = run(lambda: doctor.check_installation(state_folder(os.environ, state)), as_json=as_json)
    if as_json:
        print_json({"ok": all(one.ok for one in findings), "findings": findings})
    else:
        for one in findings:
            print_lines(
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
    count = run(lambda: export_import.export_to_file(endpoint, room, output), as_json=as_json)
    print_lines(f"{count} events of {room} written.", err=True)


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
    config = offline_config(state_folder(os.environ, state), os.environ, _login_name())
    done = run(lambda: export_import.import_from_file(config, file, room), as_json=as_json)
    print_json(done) if as_json else print_lines(
        f"{done.imported} messages imported into {done.room}, {done.known} were there."
    )


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

    context = ClientOptions(gateway, state, cafile, fingerprint)
    run(
        lambda: (
            startup.serve_behind_gateway(context, socket, through)
            if socket
            else startup.serve_beside_client(context, name, project, patience)
        )
    )


def main() -> None:
    process_limits.make_process_private()
    process_limits.hide_memory()
    log_setup.configure_logging("warning")
    with print_uncaught_errors():
        app(prog_name=os.environ.get("GROUPCHAT_PROG", "groupchat-gateway"))


if __name__ == "__main__":
    main()
