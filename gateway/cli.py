"""`groupchat-gateway`: run the gateway, and manage its tokens and its data.

Examples:
  groupchat-gateway serve --port 8765
  groupchat-gateway token create bob --kind human
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from gateway.command_line.application import CommandLine, Verb, run_program
from gateway.command_line.common_options import ALONE, AT_A_SERVER, FOLDER, given, program
from gateway.command_line.option_values import parse_duration
from gateway.console.client_options import ClientOptions
from gateway.console.console_output import print_json, print_lines, print_table, show_done
from gateway.console.login_name import login_name
from gateway.console.progress_bar import progress_bar
from gateway.console.run_command import fail, run
from gateway.dialect_commands import agentchat_verbs, skynet_verbs
from gateway.maintenance.deploy import deploy_verb
from gateway.maintenance.service import service_verbs
from gateway.maintenance.snapshots import snapshot_verbs
from gateway.process_basics import process_hardening
from gateway.protocol.errors import BadRequest, GroupChatError
from gateway.protocol.text.printable_text import local_time_text
from gateway.protocol.types.core_types import MemberKind, Scope
from gateway.server.config_options import OPTIONS, default_of

if TYPE_CHECKING:
    from gateway.client.discovery.running_gateway import RunningGateway
    from gateway.protocol.requests.member_requests import CreateToken
    from gateway.protocol.requests.request import Request
    from gateway.protocol.results import TokenInfo
    from gateway.runtime.config import Config

T = TypeVar("T")


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


def serve(
    ctx: typer.Context,
    host: Annotated[str, option("host")] = default_of("host"),
    port: Annotated[int, option("port")] = default_of("port"),
    store: Annotated[str, option("store")] = default_of("store"),
    store_password_file: Annotated[Path | None, option("store_password_file")] = None,
    advertise: Annotated[str, option("advertise")] = default_of("advertise"),
    accept_loss: Annotated[bool, option("accept_loss", "--accept-loss")] = default_of("accept_loss"),
    store_replicas: Annotated[int, option("store_replicas")] = default_of("store_replicas"),
    redis_mirror: Annotated[bool, option("redis_mirror", "--redis-mirror")] = default_of("redis_mirror"),
    cert: Annotated[str | None, option("cert")] = default_of("cert"),
    key: Annotated[str | None, option("key")] = default_of("key"),
    insecure: Annotated[bool, option("insecure", "--insecure")] = default_of("insecure"),
    allow_host: Annotated[list[str] | None, option("allow_host")] = None,
    burst: Annotated[float, option("burst")] = default_of("burst"),
    rate: Annotated[float, option("rate")] = default_of("rate"),
    guest_burst: Annotated[float, option("guest_burst")] = default_of("guest_burst"),
    guest_rate: Annotated[float, option("guest_rate")] = default_of("guest_rate"),
    remind_asks: Annotated[float, option("remind_asks")] = default_of("remind_asks"),
    collision_window: Annotated[float, option("collision_window")] = default_of("collision_window"),
    max_hops: Annotated[int, option("max_hops")] = default_of("max_hops"),
    max_pair: Annotated[int, option("max_pair")] = default_of("max_pair"),
    max_wakes: Annotated[int, option("max_wakes")] = default_of("max_wakes"),
    max_repeats: Annotated[int, option("max_repeats")] = default_of("max_repeats"),
    max_tokens: Annotated[int, option("max_tokens")] = default_of("max_tokens"),
    listen: Annotated[list[str] | None, option("listen")] = None,
    server_name: Annotated[str, option("server_name", "--name", "-n")] = default_of("server_name"),
    modes: Annotated[Path | None, option("modes")] = None,
    skynet_config: Annotated[Path | None, option("skynet_config")] = None,
    jwt: Annotated[Path | None, option("jwt")] = None,
    snapshots: Annotated[Path | None, option("snapshots")] = None,
    every: Annotated[str, option("every")] = "1h",
    keep: Annotated[int, option("keep")] = default_of("keep"),
    embed: Annotated[str, option("embed")] = default_of("embed"),
    embed_model: Annotated[str, option("embed_model")] = default_of("embed_model"),
    seal: Annotated[Path | None, option("seal")] = None,
    agents: Annotated[str, option("agents", hidden=True)] = "",
    log_level: Annotated[str, typer.Option(metavar="LEVEL", help="Log level: debug, info, warning or error.")] = "info",
    log_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Log to this file, at most two times 10 MB (default: stderr)."),
    ] = None,
) -> None:
    """Run the gateway.

    It serves until it is stopped. Tokens and messages are in the state folder.

    Examples:
      groupchat serve --port 8765
      groupchat serve --host 0.0.0.0 --cert cert.pem --key key.pem
    """
    values = dict(locals())
    from gateway.client import state_folder
    from gateway.server import log_setup
    from gateway.server.config_options import config_from

    context = given(ctx)
    process_hardening.raise_descriptor_limit()
    try:
        log_setup.configure_logging(log_level, log_file)
        config = config_from(state_folder(os.environ, context.state), values, os.environ, login_name())
    except GroupChatError as error:
        fail(error, as_json=context.as_json)
    run(lambda: _run_gateway(config, context.as_json), as_json=context.as_json)


async def _run_gateway(config: Config, as_json: bool) -> None:
    import asyncio

    from gateway.server import gateway_process
    from gateway.server.supervisor_link import gateway_link_from

    started: asyncio.Future[RunningGateway] = asyncio.get_running_loop().create_future()
    started.add_done_callback(lambda done: _tell_started(done.result(), config, as_json))
    supervisor_link = gateway_link_from(os.environ)
    config = replace(config, waits_for_port=supervisor_link.death is not None)
    await gateway_process.serve_gateway(config, started, supervisor_link=supervisor_link)


def _tell_started(found: RunningGateway, config: Config, as_json: bool) -> None:
    """The gateway goes on where nobody can read this."""
    with contextlib.suppress(typer.Exit):
        _print_started(found, config, as_json)


def _print_started(found: RunningGateway, config: Config, as_json: bool) -> None:
    if as_json:
        shown = {"url": found.url, "state": str(config.state), "operator": found.operator}
        print_json({**shown, "listeners": found.listeners} if found.listeners else shown)
        return
    print_lines(f"The gateway listens at {found.url}; state and tokens are in {config.state}.")
    for dialect, url in found.listeners.items():
        print_lines(f"It speaks {dialect} at {url}.")


def create_token(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The member, new or known.")],
    kind: Annotated[MemberKind, typer.Option(help="The kind of a new member.")] = MemberKind.AGENT,
    role: Annotated[
        str | None, typer.Option(metavar="ROLE", help="Its role, such as coder or reviewer (default: none).")
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="SCOPE", help="observer, approver or admin (default: none). Repeatable, or with commas."),
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="Such as 90s, 12h or 30d (default: never).")
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="The token can read what its member may read, and change nothing.")
    ] = False,
    jwt: Annotated[
        bool,
        typer.Option(
            "--jwt", help="A token of a trial issuer, to try `serve --jwt` with; it is made in the state folder."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the token alone.")] = False,
) -> None:
    """Create a member with a token, or a further token. It is shown once.

    What its holder types is printed on stderr.

    Examples:
      groupchat token create bob --kind human --scope observer --expires 30d
      groupchat token create board --kind tool --read-only
      groupchat token create ann --kind human --jwt
    """
    from gateway.protocol.requests.member_requests import CreateToken
    from gateway.protocol.results import TokenMade

    context = given(ctx)
    scopes = tuple(_parse_scope(word) for text in scope or () for word in text.split(","))
    wish = CreateToken(
        name=name, kind=kind, role=role, scopes=scopes, expires_in=parse_duration(expires), read_only=read_only
    )
    if jwt and (wish.read_only or wish.role):
        fail(BadRequest("--jwt makes no read-only token and gives no role."), as_json=context.as_json)
    if jwt:
        _show_trial_token(context, wish, quiet=quiet)
        return
    made = run(lambda: _run_admin_request(context, wish, TokenMade), as_json=context.as_json)
    show_done({"name": made.name, "token": made.token, "expires": made.expires}, made.token, context.as_json)
    if not (quiet or context.as_json):
        from gateway.token_instructions import instruction_lines

        print_lines(*instruction_lines(made.name, kind, *_address_of(context)), err=True)


def _show_trial_token(context: ClientOptions, wish: CreateToken, *, quiet: bool) -> None:
    import time

    from gateway.client import state_folder
    from gateway.server.identity.trial_issuer import create_trial_token, ensure_trial_issuer

    folder = state_folder(os.environ, context.state)
    token = create_trial_token(folder, wish, time.time())
    settings = ensure_trial_issuer(folder)
    show_done({"name": wish.name, "token": token, "settings": str(settings)}, token, context.as_json)
    if not (quiet or context.as_json):
        print_lines(f"It is valid at a gateway that was started with: groupchat serve --jwt {settings}", err=True)


def _address_of(context: ClientOptions) -> tuple[str, str]:
    """The gateway's address and its certificate's fingerprint; empty if none runs."""
    from gateway.client.discovery.running_gateway import read_live_gateway

    if context.named_gateway:
        return context.named_gateway, context.fingerprint or os.environ.get("GROUPCHAT_FINGERPRINT", "")
    found = read_live_gateway(context.folder)
    return (found.url, found.fingerprint or "") if found else ("", "")


def _parse_scope(word: str) -> Scope:
    try:
        return Scope(word.strip().lower())
    except ValueError:
        raise typer.BadParameter(f"{word!r} is not a scope; use {', '.join(Scope)}.") from None


def list_tokens(ctx: typer.Context) -> None:
    """List the tokens of each member, without their secrets.

    Example:
      groupchat token list
    """
    from gateway.client.paged_requests import fetch_all_pages
    from gateway.protocol.requests.member_requests import Tokens
    from gateway.protocol.results import TokenList

    context = given(ctx)
    found = run(
        lambda: fetch_all_pages(partial(_run_admin_request, context), Tokens(), TokenList), as_json=context.as_json
    )
    if context.as_json:
        print_json(found)
        return
    columns = ("member", "id", "state", "created", "expires", "scopes", "used by")
    print_table((_token_row(one) for one in found.tokens), columns=columns, nothing="No tokens.")


def _token_row(one: TokenInfo) -> tuple[str, ...]:
    scopes = " ".join([*one.scopes, *["(its tools)"] * one.is_tools_token, *["read-only"] * one.read_only])
    state = "revoked" if one.revoked else "valid"
    expires = _minute_of(one.expires or "never")
    return one.name, one.id, state, _minute_of(one.created), expires, scopes, _use_of(one)


def _use_of(one: TokenInfo) -> str:
    """What a device or a link is for, and when the device was last connected."""
    if one.room:
        return f"link to #{one.room}" + (f", thread {one.thread}" if one.thread else "")
    seen = f", seen {_minute_of(one.last_seen)}" if one.last_seen else ""
    return f"browser {one.device}{seen}" if one.device else ""


def _minute_of(stamp: str) -> str:
    """The local date and time; words stay as they are."""
    return local_time_text(stamp, "%Y-%m-%d %H:%M", stamp)


def revoke_token(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A member, for all its tokens, or the id of one token.")],
) -> None:
    """Revoke the tokens of a member, or one token, at once.

    Example:
      groupchat token revoke bob
    """
    from gateway.protocol.requests.member_requests import RevokeToken
    from gateway.protocol.results import Done

    context = given(ctx)
    run(lambda: _run_admin_request(context, RevokeToken(name=name), Done), as_json=context.as_json)
    show_done({"revoked": name}, f"The tokens of {name} are revoked.", context.as_json)


def rotate_token(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The member.")],
    grace: Annotated[str, typer.Option(metavar="TIME", help="How long the old token stays valid.")] = "1h",
) -> None:
    """Create a new token for a member; the old one ends after a grace period.

    Example:
      groupchat token rotate bob --grace 10m
    """
    from gateway.protocol.requests.member_requests import RotateToken
    from gateway.protocol.results import TokenMade

    context = given(ctx)
    wish = RotateToken(name=name, grace=parse_duration(grace) or 0)
    made = run(lambda: _run_admin_request(context, wish, TokenMade), as_json=context.as_json)
    show_done(made, made.token, context.as_json)


async def _run_admin_request(context: ClientOptions, request: Request, kind: type[T]) -> T:
    """Ask the running gateway; if none runs on this state folder, do it in the folder itself."""
    from gateway.client import Client, state_folder
    from gateway.client.discovery.running_gateway import has_live_gateway

    folder = state_folder(os.environ, context.state)
    if context.named_gateway or has_live_gateway(folder):
        async with Client(context.endpoint()) as client:
            return await client.request(request, kind)
    return await _administer_offline(folder, request, kind)


def _log_warnings() -> None:
    """Of the gateway's own modules, where a verb runs them in this process."""
    from gateway.server import log_setup

    log_setup.configure_logging("warning")


async def _administer_offline(folder: Path, request: Request, kind: type[T]) -> T:
    from gateway.operations.dispatch import run_operation
    from gateway.server.config_options import offline_config
    from gateway.server.state_folder.open_hub import open_hub
    from gateway.server.state_folder.startup_tokens import system_actor

    _log_warnings()
    async with open_hub(offline_config(folder, os.environ, login_name())) as hub:
        result = await run_operation(hub, system_actor(), request)
        assert isinstance(result, kind)
        return result


def doctor(ctx: typer.Context) -> None:
    """Check the installation and suggest fixes.

    The exit code is 1 if something must be fixed.

    Example:
      groupchat doctor
    """
    from gateway.client import state_folder
    from gateway.maintenance.doctor import check_installation

    context = given(ctx)
    _log_warnings()
    findings = run(lambda: check_installation(state_folder(os.environ, context.state)), as_json=context.as_json)
    if context.as_json:
        print_json({"ok": all(one.ok for one in findings), "findings": findings})
    else:
        for one in findings:
            print_lines(
                f"{'ok  ' if one.ok else 'FAIL'}  {one.what}: {one.found}",
                *([f"      {one.remedy}"] * bool(one.remedy)),
            )
    raise typer.Exit(0 if all(one.ok for one in findings) else 1)


def export_room(
    ctx: typer.Context,
    room: Annotated[str, typer.Argument(metavar="ROOM", help="The room.")] = "general",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to this file (default: stdout).")
    ] = None,
) -> None:
    """Write a room as JSON lines.

    The first line describes the room; each further line is one event.

    Examples:
      groupchat export general > general.jsonl
      groupchat export lab --output lab.jsonl
    """
    from gateway.client import Endpoint
    from gateway.maintenance import export_import

    context = given(ctx)

    async def endpoint() -> Endpoint:
        return context.endpoint()

    _log_warnings()
    found = run(endpoint, as_json=context.as_json)

    async def export() -> int:
        with progress_bar("export", "events", as_json=context.as_json) as bar:
            return await export_import.export_to_file(found, room, output, bar)

    count = run(export, as_json=context.as_json)
    print_lines(f"{count} events of {room} written.", err=True)


def import_room(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", exists=True, dir_okay=False, help="An exported room, or an archive (zip) of agentchattr."
        ),
    ],
    room: Annotated[
        str | None, typer.Option(metavar="ROOM", help="Import into this room (default: the room of the export).")
    ] = None,
) -> None:
    """Read an exported room, or an archive of agentchattr, into this state folder.

    The gateway must not be running. A second import of the same file changes nothing, and goes on with one that was
    stopped.

    Examples:
      groupchat import general.jsonl
      groupchat import agentchattr-export-20270301-101500.zip
    """
    from gateway.client import state_folder
    from gateway.maintenance import export_import
    from gateway.server.config_options import offline_config

    context = given(ctx)
    _log_warnings()
    config = offline_config(state_folder(os.environ, context.state), os.environ, login_name())

    async def read() -> export_import.Imported:
        with progress_bar("import", "bytes", as_json=context.as_json) as bar:
            return await export_import.import_from_file(config, file, room, bar)

    stopped = "Stopped. What was imported is there; the same command goes on with the rest."
    done = run(read, as_json=context.as_json, when_stopped=stopped)
    show_done(done, f"{done.imported} messages imported into {done.room}; {done.known} were there.", context.as_json)


def mcp(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="The member that speaks; it is created as an agent on first use."),
    ] = None,
    project: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder whose files may be shown (default: this one).")
    ] = Path("."),
    patience: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=20, help="When the client gives up on a tool; a wait ends before."),
    ] = 60,
    socket: Annotated[
        Path | None, typer.Option(metavar="FILE", hidden=True, help="Serve HTTP there, for the gateway.")
    ] = None,
    through: Annotated[Path | None, typer.Option(metavar="FILE", hidden=True, help="The gateway's own socket.")] = None,
) -> None:
    """Serve the room's tools over the Model Context Protocol on stdio.

    This is for a client that starts its servers itself. Other clients connect to the gateway's /mcp or /sse with a
    token.

    Example:
      groupchat mcp --as desktop
    """
    from gateway.mcp import startup

    context = given(ctx)
    _log_warnings()
    if socket:
        run(lambda: startup.serve_behind_gateway(context, socket, through), as_json=context.as_json)
    else:
        run(lambda: startup.serve_beside_client(context, name, project, patience), as_json=context.as_json)


TOKEN_HELP = """Create, list, revoke and rotate tokens.

A token belongs to one member and is shown once.

Examples:
  groupchat token create bob --kind human
  groupchat token list
"""

token_app = CommandLine("token", TOKEN_HELP)
token_app.panel(
    "Commands", {"create": create_token, "list": list_tokens, "revoke": revoke_token, "rotate": rotate_token}
)

service_app = CommandLine("service", service_verbs.__doc__)
service_app.panel(
    "Commands",
    {
        "install": service_verbs.service_install,
        "uninstall": service_verbs.service_uninstall,
        "status": service_verbs.service_status,
        "show": service_verbs.service_show,
    },
    common=FOLDER,
)

snapshot_app = CommandLine("snapshot", snapshot_verbs.__doc__)
snapshot_app.panel(
    "Commands",
    {"now": snapshot_verbs.take_now, "list": snapshot_verbs.list_all, "verify": snapshot_verbs.verify},
    common=FOLDER,
)

agentchat_app = CommandLine("agentchat", agentchat_verbs.__doc__)
agentchat_app.panel("Commands", {"identity": Verb(agentchat_verbs.agent_identity, common=ALONE)})

skynet_app = CommandLine("skynet", skynet_verbs.__doc__)
skynet_app.panel(
    "Commands",
    {
        "connect": skynet_verbs.skynet_connect,
        "send": skynet_verbs.skynet_send,
        "context": skynet_verbs.skynet_context,
        "agents": skynet_verbs.skynet_agents,
        "monitor": skynet_verbs.skynet_monitor,
    },
    common=AT_A_SERVER,
)
skynet_app.panel(
    "Commands", {"config": skynet_verbs.skynet_config, "version": skynet_verbs.skynet_version}, common=ALONE
)

app = CommandLine("groupchat-gateway", __doc__, callback=program)
app.panel(
    "Operations",
    {
        "serve": Verb(serve, common=FOLDER),
        "token": token_app,
        "service": service_app,
        "deploy": Verb(deploy_verb.deploy, common=ALONE),
        "doctor": Verb(doctor, common=FOLDER),
        "export": export_room,
        "import": Verb(import_room, common=FOLDER),
        "snapshot": snapshot_app,
        "restore": Verb(snapshot_verbs.restore, common=FOLDER),
        "mcp": mcp,
    },
)
app.panel("Other systems", {"skynet": skynet_app, "agentchat": agentchat_app})


def main() -> None:
    process_hardening.make_process_private()
    process_hardening.hide_memory()
    run_program(app, os.environ.get("GROUPCHAT_PROG", "groupchat-gateway"))


if __name__ == "__main__":
    main()
