"""Commands for users of AgentChat.

`groupchat serve --listen agentchat=6667` runs the server for its clients.

Example:
  groupchat agentchat identity --generate --name scout
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.command_line.common_options import given
from gateway.console.console_output import print_document, print_json, print_lines
from gateway.console.run_command import run

if TYPE_CHECKING:
    from gateway.dialect_commands.agentchat_identity_file import IdentityFile


def agent_identity(
    ctx: typer.Context,
    generate: Annotated[bool, typer.Option("--generate", "-g", help="Make a new key pair.")] = False,
    show: Annotated[bool, typer.Option("--show", "-s", help="Print its name and id (the default).")] = False,
    export: Annotated[bool, typer.Option("--export", "-e", help="Print the public part as JSON, to share it.")] = False,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", metavar="FILE", help="The file (default: ~/.agentchat/identity.json)."),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", "-n", metavar="NAME", help="The agent's name, for --generate.")
    ] = "agent",
    force: Annotated[bool, typer.Option("--force", help="Replace the identity that is in the file.")] = False,
) -> None:
    """Make, show or export the key pair that identifies an agent of AgentChat.

    The file is the one that AgentChat itself reads. Whoever can read it can be this agent, so only you can.

    Examples:
      groupchat agentchat identity --generate --name scout
      groupchat agentchat identity --show
      groupchat agentchat identity --export > scout.json
    """
    from gateway.dialect_commands import agentchat_identity_file

    if generate + show + export > 1:
        raise typer.BadParameter("--generate, --show and --export exclude each other.", ctx=ctx)
    path = Path(os.path.expanduser(file or agentchat_identity_file.DEFAULT_IDENTITY_FILE))
    as_json = given(ctx).as_json

    async def answering() -> None:
        if generate:
            _print_identity(_generated(path, name, force), path, as_json, made=True)
        elif export:
            print_document(_pretty(agentchat_identity_file.read_identity(path)))
        else:
            _print_identity(agentchat_identity_file.read_identity(path), path, as_json)

    run(answering, as_json=as_json)


def _generated(path: Path, name: str, force: bool) -> IdentityFile:
    from gateway.dialect_commands import agentchat_identity_file
    from gateway.dialects.agentchat.name_mapping import check_name
    from gateway.protocol.errors import Conflict

    check_name(name)
    if os.path.lexists(path) and not force:
        raise Conflict(f"There is an identity in {path}. --force replaces it; its key is then lost.")
    made = agentchat_identity_file.new_identity(
        name, datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    )
    agentchat_identity_file.write_identity(path, made)
    return made


def _pretty(found: IdentityFile) -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(found.shared)).decode()


def _print_identity(found: IdentityFile, path: Path, as_json: bool, made: bool = False) -> None:
    if as_json:
        print_json(
            {
                "name": found.name,
                "agent_id": found.agent_id,
                "fingerprint": found.fingerprint,
                "created": found.created,
                "file": str(path),
            }
        )
        return
    print_lines(
        *(["A new identity is written."] if made else []),
        f"Name:         {found.name}",
        f"Agent id:     {found.agent_id}",
        f"Fingerprint:  {found.fingerprint}",
        f"Created:      {found.created}",
        f"File:         {path}",
    )
