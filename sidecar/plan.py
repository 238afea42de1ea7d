"""What to run, as whom, where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sidecar.agents import Agent
from sidecar.wording import ENVELOPE


@dataclass(frozen=True)
class Plan:
    """`folder` is ours alone; `interrupts`: an urgent message first ends the turn that is under way; `session` is the
    earlier conversation that `command` goes on with, if any."""

    name: str
    agent: Agent
    command: tuple[str, ...]
    project: Path
    folder: Path
    env: Mapping[str, str]
    interrupts: bool = False
    envelope: str = ENVELOPE
    session: str = ""
