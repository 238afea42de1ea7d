"""Keep the gateway up without a terminal: as a service of this user, by systemd or launchd.

Agents need their terminals, so a team still starts with `groupchat up`; it uses the gateway that runs.

Examples:
  groupchat service install
  groupchat service install -- --port 9000 --listen skynet
  groupchat service status
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.command_line.common_options import given
from gateway.console.console_output import print_document, print_json, print_lines, print_table, show_done
from gateway.console.run_command import run

if TYPE_CHECKING:
    from gateway.console.client_options import ClientOptions
    from gateway.maintenance.service.service_files import GatewayService
    from gateway.maintenance.service.service_managers import ServiceManager

OptionsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[-- OPTIONS]", help="Options of `groupchat serve`, after `--`.")
]


def _service(context: ClientOptions, options: list[str] | None = None) -> tuple[ServiceManager, GatewayService]:
    from gateway.client import state_folder
    from gateway.maintenance.service.service_files import GatewayService, service_name
    from gateway.maintenance.service.service_managers import manager_of_system

    state = str(state_folder(os.environ, context.state).absolute())
    log = ("--log-file", f"{state}/gateway.log")
    serve = (sys.executable, "-P", "-m", "gateway.cli", "serve", "--state", state, *log, *(options or ()))
    service = GatewayService(service_name(state, str(state_folder({}, None).absolute())), state, serve)
    return manager_of_system(os.environ, Path.home()), service


def service_install(ctx: typer.Context, options: OptionsArgument = None) -> None:
    """Start the gateway as a service: now, and at each login. Run it again to change its options.

    Examples:
      groupchat service install
      groupchat service install -- --port 9000
    """
    from gateway.client.discovery.running_gateway import RunningGateway
    from gateway.maintenance.service.service_start import start_service

    context = given(ctx)

    async def work() -> tuple[RunningGateway, str]:
        return await start_service(*_service(context, options))

    running, note = run(work, as_json=context.as_json)
    words = f"The gateway runs as a service at {running.url}, and starts at each login."
    show_done({"url": running.url, "pid": running.pid, "note": note}, f"{words} {note}".strip(), context.as_json)


def service_uninstall(ctx: typer.Context) -> None:
    """End the service and remove it. No message is lost.

    Example:
      groupchat service uninstall
    """
    context = given(ctx)

    async def work() -> tuple[bool, str]:
        manager, service = _service(context)
        return manager.uninstall(service), service.state

    removed, state = run(work, as_json=context.as_json)
    ended = f"The service has ended and is removed; the messages and tokens in {state} stay."
    show_done({"removed": removed}, ended if removed else f"{state} has no service.", context.as_json)


def service_status(ctx: typer.Context) -> None:
    """Print whether the service is installed, and whether it runs. Exit code 1 if it does not.

    Example:
      groupchat service status
    """
    from gateway.client.discovery.running_gateway import RunningGateway, read_live_gateway
    from gateway.maintenance.service.service_managers import ManagerState

    context = given(ctx)

    async def work() -> tuple[ManagerState, RunningGateway | None, GatewayService]:
        manager, service = _service(context)
        return manager.state(service), read_live_gateway(Path(service.state)), service

    state, running, service = run(work, as_json=context.as_json)
    if context.as_json:
        print_json({"name": service.name, "service": state, "url": running.url if running else None})
    elif not state.installed:
        print_lines(f"{service.state} has no service; `groupchat service install` makes one.")
    else:
        rows = [
            ("service", service.name),
            ("state folder", service.state),
            ("file", state.file),
            ("starts by itself", "yes" if state.starts_by_itself else "no"),
            ("state", state.state or "unknown"),
            ("gateway", running.url if running else "does not run; `groupchat logs gateway` may say why"),
        ]
        print_table(rows)
        print_lines(*([state.note] if state.note else []))
    if not (state.installed and running):
        raise typer.Exit(1)


def service_show(ctx: typer.Context, options: OptionsArgument = None) -> None:
    """Print the file that `install` would write, for another service manager or to read it first.

    Example:
      groupchat service show -- --port 9000
    """
    context = given(ctx)

    async def work() -> str:
        manager, service = _service(context, options)
        return manager.text(service)

    print_document(run(work, as_json=context.as_json).rstrip("\n"))
