"""What to run, as whom, where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.client.process.process_limits import Inherited
from sidecar.agents import Agent
from sidecar.messages.envelope import ENVELOPE


@dataclass(frozen=True)
class Plan:
    """`folder` is ours alone; `interrupts`: an urgent message first ends the turn that is under way; `session` is the
    earlier conversation that `command` goes on with, if any; `inherited`: how this process was started, and the agent
    is to be too."""

    name: str
    agent: Agent
    command: tuple[str, ...]
    project: Path
    folder: Path
    env: Mapping[str, str]
    interrupts: bool = False
    envelope: str = ENVELOPE
    session: str = ""
    inherited: Inherited | None = None
