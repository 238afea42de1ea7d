"""Writes down a run while it happens, for the cleanup after a crash."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.files.private_files import write_private
from sidecar.supervision.process_table import boot_id, find_process
from sidecar.supervision.run_record import MARK_VARIABLE, RUN_FILE, RunRecord, forget_run


class RunJournal:
    """Writes which run of an agent this is. Call `environment_mark` before the start and `record_start` after it: until
    then the run is known only by the variable in its environment."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._run = RunRecord(str(uuid.uuid4()), boot_id(), 0, "", ())

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

    def record_end(self) -> None:
        """Nothing is left to clean up."""
        forget_run(self._folder, self._run.mark)
