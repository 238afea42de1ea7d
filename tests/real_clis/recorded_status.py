"""The status file of a CLI that runs without a sidecar, and what was read in it, for a recording."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from sidecar.agents import Adapter
from sidecar.agents.adapter.adapter import LaunchContext, RunningAgent
from sidecar.evidence.turn_evidence import Evidence
from sidecar.evidence_sources.status_file import StatusFile
from tests.fakes.terminal import Terminal


class RecordedStatus(StatusFile):
    """`note` is called with each state that was read."""

    def __init__(self, agent: Adapter, child: RunningAgent, note: Callable[[Evidence], None]) -> None:
        super().__init__(agent, child)
        self._note = note

    def read_if_changed(self, now: float) -> Evidence | None:
        found = super().read_if_changed(now)
        if found is not None:
            self._note(found)
        return found


def recorded_status(agent: Adapter, terminal: Terminal, note: Callable[[Evidence], None]) -> RecordedStatus | None:
    """None for an agent whose screen and title tell enough: its file is read only now and then."""
    if agent.status is None or not agent.status.look_interval_s:
        return None
    work = Path(terminal.process.launch_dir)
    place = LaunchContext(work, work, "", "", dict(terminal.process.env))
    return RecordedStatus(agent, RunningAgent(place, terminal.process.pid, time.time()), note)
