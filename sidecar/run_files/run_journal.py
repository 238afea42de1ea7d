"""Writes down a run while it happens: its process, for the cleanup after a crash, and its conversation."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.files.private_files import write_private
from sidecar.agents import Adapter
from sidecar.supervision.process_table import boot_id, find_process
from sidecar.supervision.run_record import MARK_VARIABLE, RUN_FILE, RunRecord, forget_run

CONVERSATION_FILE = "conversation.json"


class RunJournal:
    """Writes which run of an agent this is. Call `environment_mark` before the start and `record_start` after it: until
    then the run is known only by the variable in its environment."""

    def __init__(self, folder: Path, agent: str) -> None:
        self._folder, self._agent = folder, agent
        self._run = RunRecord(str(uuid.uuid4()), boot_id(), 0, "", ())
        self._session = ""

    def environment_mark(self, command: Sequence[str]) -> Mapping[str, str]:
        """The variable that the agent's environment must contain."""
        self._write(self._run._replace(command=tuple(command)))
        return {MARK_VARIABLE: self._run.mark}

    def record_start(self, pid: int) -> None:
        found = find_process(pid)
        if found is not None:
            self._write(self._run._replace(pid=pid, started=found.started))

    def _write(self, run: RunRecord) -> None:
        self._run = run
        write_private(self._folder / RUN_FILE, run.as_text())

    def session(self, name: str) -> None:
        """The vendor's id for the conversation, whenever it becomes known or changes. It outlives the run."""
        if name and name != self._session:
            self._session = name
            write_private(self._folder / CONVERSATION_FILE, json.dumps({"agent": self._agent, "session": name}))

    def record_end(self) -> None:
        """Nothing is left to clean up."""
        forget_run(self._folder, self._run.mark)


def resume_command(folder: Path, agent: Adapter, command: Sequence[str]) -> tuple[tuple[str, ...], str] | None:
    """The command that continues the last conversation, and the id of that one. None if there is nothing to
    continue."""
    try:
        found = json.loads((folder / CONVERSATION_FILE).read_text(encoding="utf-8"))
        kind, session = found["agent"], str(found["session"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    going_on = agent.launching.resumed(command, session) if kind == agent.name else None
    return (going_on, session) if going_on else None
