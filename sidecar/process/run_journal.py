"""What a run writes down as it goes: its process, for whoever cleans up after a crash, and its conversation."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.client import write_private
from sidecar.agents import Agent
from sidecar.process.process_table import boot_id, process
from sidecar.process.run_record import FILE, MARK, Run, forget_run

CONVERSATION = "conversation.json"


class Diary:
    """`begins` before the agent runs, `began` once it does: in between, its mark alone tells it."""

    def __init__(self, folder: Path, agent: str) -> None:
        self._folder, self._agent = folder, agent
        self._run = Run(str(uuid.uuid4()), boot_id(), 0, "", ())
        self._session = ""

    def begins(self, command: Sequence[str]) -> Mapping[str, str]:
        """What the agent's environment must hold."""
        self._write(self._run._replace(command=tuple(command)))
        return {MARK: self._run.mark}

    def began(self, pid: int) -> None:
        found = process(pid)
        if found is not None:
            self._write(self._run._replace(pid=pid, started=found.started))

    def _write(self, run: Run) -> None:
        self._run = run
        write_private(self._folder / FILE, run.as_text())

    def session(self, name: str) -> None:
        """The vendor's name for the conversation, as it becomes known or changes. It outlives the run."""
        if name and name != self._session:
            self._session = name
            write_private(self._folder / CONVERSATION, json.dumps({"agent": self._agent, "session": name}))

    def ended(self) -> None:
        """Nothing is left to clean up."""
        forget_run(self._folder, self._run.mark)


def resumed(folder: Path, agent: Agent, command: Sequence[str]) -> tuple[tuple[str, ...], str] | None:
    """The command that goes on with the last conversation, and that one's name; None if there is nothing to go on
    with."""
    try:
        found = json.loads((folder / CONVERSATION).read_text(encoding="utf-8"))
        kind, session = found["agent"], str(found["session"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    going_on = agent.launching.resumed(command, session) if kind == agent.name else None
    return (going_on, session) if going_on else None
