"""What to run, under which name, in which folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.process_basics.process_hardening import InheritedLimits
from sidecar.agents import Adapter
from sidecar.conversation.start_choice import NEW, ChosenStart
from sidecar.rules_file.envelope_template import DEFAULT_ENVELOPE


@dataclass(frozen=True)
class RunPlan:
    """`folder` is private to this sidecar. `interrupts`: an urgent message first ends the running turn. `session` is
    the earlier conversation that `command` continues, if any; `start` says more of it. `is_restart`: the supervisor
    started it, so the team never missed it. `inherited`: the process limits as they were before this
    process changed them for itself; the agent gets these. `restart`: the policy by which the
    supervisor starts the agent again. `on_limit`: what follows when a usage limit has ended, `hold` or `resume`."""

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
    restart: str = "crash"
    on_limit: str = "hold"
    start: ChosenStart = NEW
    is_restart: bool = False
