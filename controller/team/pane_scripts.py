"""The small script that runs in a pane, readable for a person. Pure: this builds the text; the launcher writes it.

It holds only paths and settings, and is private; a token is read from its file when the script runs.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from controller.team.team import AgentSpec
from gateway.client.discovery.endpoint import check_url
from gateway.client.discovery.token_files import folder_name_of_url, token_file
from gateway.console.client_options import PASSPHRASE_VARIABLE
from gateway.protocol.types.core_types import MemberKind

CHAT_TOKEN_FILE = Path("chat") / "token"
CHAT_SETTINGS_FILE = Path("chat") / "settings.json"
CHAT_OPEN_FILE = Path("chat") / "open"


@dataclass(frozen=True)
class PaneEnvironment:
    """What all panes of a team share: our program, the state folder, a gateway that runs elsewhere."""

    python: str
    state: Path
    gateway: str = ""
    options: tuple[str, ...] = ()


def agent_script(environment: PaneEnvironment, agent: AgentSpec) -> str:
    return _script_text(
        agent.name,
        _environment_lines(environment, _token_path(environment, agent), dict(agent.env)),
        Path(agent.project),
        _connect_words(environment, agent) if agent.connector else _join_words(environment, agent),
    )


def _connect_words(environment: PaneEnvironment, agent: AgentSpec) -> tuple[str, ...]:
    role = ("--role", agent.role) if agent.role else ()
    return (environment.python, "-P", "-m", "sidecar.cli", "connect", agent.name, *role, *agent.connector)


def _join_words(environment: PaneEnvironment, agent: AgentSpec) -> tuple[str, ...]:
    given = {"--role": agent.role, "--agent": agent.agent, "--restart": agent.restart}
    options = [word for option, value in given.items() if value for word in (option, value)]
    options += ["--interrupt"] if agent.interrupt else []
    options += ["--on-limit", agent.on_limit] if agent.on_limit != "hold" else []
    sidecar = (environment.python, "-P", "-m", "sidecar.cli", "join", agent.name)
    return (*sidecar, *options, *environment.options, "--", *agent.command)


def _token_path(environment: PaneEnvironment, agent: AgentSpec) -> Path:
    elsewhere = folder_name_of_url(check_url(environment.gateway)) if environment.gateway else ""
    return token_file(environment.state, agent.name, MemberKind.AGENT, elsewhere)


def chat_script(
    environment: PaneEnvironment, session: str, socket: str | None, folder: Path, passphrase_file: str = ""
) -> str:
    """The script of the chat. The chat waits for the gateway if it starts before it. Only the chat learns where the
    passphrase of the person's key lies, if it lies in a file."""
    lines = [
        *_environment_lines(environment, environment.state / CHAT_TOKEN_FILE, {}),
        _export_line("GROUPCHAT_SESSION", session),
        *([_export_line("GROUPCHAT_SOCKET", socket)] if socket else []),
        *([_export_line(PASSPHRASE_VARIABLE, passphrase_file)] if passphrase_file else []),
    ]
    return _script_text("the chat", lines, folder, (environment.python, "-P", "-m", "controller.chat.main"))


def _environment_lines(environment: PaneEnvironment, token: Path, own: Mapping[str, str]) -> list[str]:
    lines = ["unset CSP_AUTH_TOKEN CSP_GATEWAY_URL", _export_line("GROUPCHAT_STATE", str(environment.state))]
    if environment.gateway:
        read = f"CSP_AUTH_TOKEN=$(cat {shlex.quote(str(token))}); export CSP_AUTH_TOKEN"
        lines += [_export_line("CSP_GATEWAY_URL", environment.gateway), read]
    return [*lines, *(_export_line(key, value) for key, value in own.items())]


def _export_line(name: str, value: str) -> str:
    return f"export {name}={shlex.quote(value)}"


def _script_text(name: str, environment: list[str], folder: Path, command: tuple[str, ...]) -> str:
    lines = ["#!/bin/sh", f"# What runs in the pane of {name}; written anew by each `groupchat up`.", *environment]
    return "\n".join([*lines, f"cd {shlex.quote(str(folder))} || exit 1", f"exec {shlex.join(command)}", ""])
