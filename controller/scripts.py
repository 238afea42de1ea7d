"""What runs in a pane, as a small script that a person can read. Pure: the text; the launcher writes it.

Only paths and settings stand in it, and it is private; a token is read from its file when the script runs.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from controller.team import AgentSpec


@dataclass(frozen=True)
class House:
    """What all panes of a team share: our own program, the state folder, a gateway that runs elsewhere."""

    python: str
    state: Path
    gateway: str = ""
    options: tuple[str, ...] = ()


def agent_script(house: House, agent: AgentSpec, project: Path) -> str:
    role = ("--role", agent.role) if agent.role else ()
    join = (house.python, "-P", "-m", "sidecar.cli", "join", agent.name, *role, *house.options, "--", *agent.command)
    return _script(agent.name, _environment(house, agent.name, dict(agent.env)), project, join)


def chat_script(house: House, me: str, folder: Path) -> str:
    chat = (house.python, "-P", "-m", "controller.cli", "chat")
    return _script("the chat", _environment(house, me, {}), folder, chat)


def _environment(house: House, name: str, own: Mapping[str, str]) -> list[str]:
    lines = ["unset CSP_AUTH_TOKEN CSP_GATEWAY_URL", _export("GROUPCHAT_STATE", str(house.state))]
    if house.gateway:
        token = shlex.quote(str(house.state / "tokens" / name))
        lines += [_export("CSP_GATEWAY_URL", house.gateway), f"CSP_AUTH_TOKEN=$(cat {token}); export CSP_AUTH_TOKEN"]
    return [*lines, *(_export(key, value) for key, value in own.items())]


def _export(name: str, value: str) -> str:
    return f"export {name}={shlex.quote(value)}"


def _script(name: str, environment: list[str], folder: Path, command: tuple[str, ...]) -> str:
    lines = ["#!/bin/sh", f"# What runs in the pane of {name}; written anew by each `groupchat up`.", *environment]
    return "\n".join([*lines, f"cd {shlex.quote(str(folder))} || exit 1", f"exec {shlex.join(command)}", ""])
