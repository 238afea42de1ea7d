"""`groupchat connect`: what a person says on the command line, as a connector that is ready to run."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.command_line.common_options import given
from gateway.process_basics.process_hardening import make_process_private
from gateway.protocol.errors import GroupChatError
from gateway.protocol.types.core_types import canonical_agent_name
from sidecar.errors import SidecarError

if TYPE_CHECKING:
    from sidecar.connectors.connector_run import ConnectorRun
    from sidecar.supervision.supervisor_link import SidecarSupervisorLink

MIN_BUDGET_TOKENS = 500
MAX_INSTRUCTIONS_BYTES = 64 * 1024


@dataclass(frozen=True)
class ConnectWish:
    """The options of `connect` as they were given."""

    name: str
    to: str
    model: str
    base_url: str
    role: str
    system: Path | None
    key_file: Path | None
    budget: int
    answer_tokens: int
    patience: float


def connect(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name in the room.")],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="KIND",
            help="anthropic, openai, gemini, perplexity, openai-compatible, or a connector of another package.",
        ),
    ],
    model: Annotated[str, typer.Option(metavar="M", help="The model (default: one that the vendor offers).")] = "",
    base_url: Annotated[
        str, typer.Option(metavar="URL", help="Another server than the vendor's, such as http://127.0.0.1:8080/v1.")
    ] = "",
    system: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What else the model is told, as text in a file.")
    ] = None,
    role: Annotated[str, typer.Option(metavar="ROLE", help="Its role, such as reviewer (default: none).")] = "",
    key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A file with the key (default: the vendor's variable).")
    ] = None,
    budget: Annotated[
        int, typer.Option(min=MIN_BUDGET_TOKENS, help="The most tokens of the conversation in a request.")
    ] = 16_000,
    answer_tokens: Annotated[int, typer.Option(min=16, help="The most tokens of an answer.")] = 4096,
    patience: Annotated[
        float, typer.Option(min=1.0, help="Seconds without a word of the model before it is asked again.")
    ] = 120.0,
) -> None:
    """Let a model without a terminal take part, by its vendor's API.

    What it may read in the room goes to the vendor, and the roster says so. The key comes from the environment or from
    a file that only you can read, never from the command line. It runs until Ctrl-C.

    Examples:
      groupchat connect ada --to anthropic --role reviewer
      groupchat connect sam --to openai --model gpt-5 --key-file openai.key
      groupchat connect kim --to openai-compatible --base-url http://gpu:8080/v1
    """
    from sidecar.run_files.agent_folder import make_agent_folder
    from sidecar.supervision.supervisor_link import fork_under_supervisor, sidecar_link_from

    context = given(ctx)
    wish = ConnectWish(
        canonical_agent_name(name), to, model, base_url, role, system, key_file, budget, answer_tokens, patience
    )
    os.environ.update(context.as_environment())
    folder = make_agent_folder(os.environ, wish.name)
    options = prepare_connector(wish, folder, context.gateway)
    again = [sys.executable, "-P", "-m", "sidecar.cli", *sys.argv[1:]]
    link = sidecar_link_from(os.environ) or fork_under_supervisor(wish.name, folder, "crash", again)
    make_process_private()
    raise typer.Exit(_run_connected(options, link))


def prepare_connector(wish: ConnectWish, folder: Path, gateway: str | None) -> ConnectorRun:
    """Everything that can be wrong is found before the room hears of it."""
    from sidecar.connectors.connector_interface import ConnectorSettings
    from sidecar.connectors.connector_loop import ConnectorPlan
    from sidecar.connectors.connector_run import ConnectorRun
    from sidecar.connectors.vendors.api_keys import find_key
    from sidecar.connectors.vendors.connector_table import base_url_of, describe_connector, make_connector, reader_text

    known = describe_connector(wish.to)
    base_url = base_url_of(known, wish.base_url, os.environ)
    model = wish.model or known.model
    if known.module and not base_url:
        raise SidecarError(f"Where is the model of {wish.to}? Name its server: --base-url http://127.0.0.1:8080/v1.")
    if known.module and not model:
        raise SidecarError(f"Which model of {wish.to}? Name it: --model NAME.")
    key = find_key(wish.key_file, known.key_variables, os.environ, needed=known.needs_key)
    connector = make_connector(wish.to, ConnectorSettings(model, base_url, key, wish.patience))
    plan = ConnectorPlan(
        me=wish.name,
        role=wish.role,
        own_instructions=_read_instructions(wish.system),
        budget_tokens=wish.budget,
        answer_tokens=wish.answer_tokens,
        patience_s=wish.patience,
        key=key,
    )
    reader = reader_text(wish.to, known, base_url)
    return ConnectorRun(plan, connector, reader, f"{model} at {reader}" if model else reader, folder, gateway)


def _read_instructions(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        with file.expanduser().open(encoding="utf-8") as text:
            return text.read(MAX_INSTRUCTIONS_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        raise SidecarError(f"The instructions in {file} cannot be read: {error}.") from error


def _run_connected(options: ConnectorRun, link: SidecarSupervisorLink) -> int:
    import asyncio

    import structlog

    from sidecar.connectors.connector_run import run_connector
    from sidecar.supervision.supervisor import EXIT_FAILED

    try:
        return asyncio.run(run_connector(options, link, os.environ))
    except (SidecarError, GroupChatError):
        link.report_refusal()
        raise
    except Exception:
        structlog.get_logger("sidecar").exception("the connector failed")
        return EXIT_FAILED
