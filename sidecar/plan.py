"""What to run, as whom, where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sidecar.agents import Agent


@dataclass(frozen=True)
class Plan:
    """`folder` is ours alone; `interrupts`: an urgent message first ends the turn that is under way."""

    name: str
    agent: Agent
    command: tuple[str, ...]
    project: Path
    folder: Path
    env: Mapping[str, str]
    interrupts: bool = False
