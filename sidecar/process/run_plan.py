"""What to run, as whom, where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.client.process.process_limits import InheritedLimits
from sidecar.agents import Adapter
from sidecar.messages.envelope import DEFAULT_ENVELOPE


@dataclass(frozen=True)
class RunPlan:
    """`folder` is ours alone; `interrupts`: an urgent message first ends the turn that is under way; `session` is the
    earlier conversation that `command` goes on with, if any; `inherited`: how this process was started, and the agent
    is to be too."""

    name: str
    agent: Adapter
    command: tuple[str, ...]
    project: Path
    folder: Path
    env: Mapping[str, str]
    interrupts: bool = False
    envelope: str = DEFAULT_ENVELOPE
    session: str = ""
    inherited: InheritedLimits | None = None
