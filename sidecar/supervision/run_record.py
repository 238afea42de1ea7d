"""The record of a run on disk, so that a cleanup after a crash knows what is still alive. Standard library only."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

RUN_FILE = "run.json"
MARK_VARIABLE = "GROUPCHAT_RUN"


class RunRecord(NamedTuple):
    """One run of an agent. `mark` is in the environment of all its processes. `pid` leads its process group, and is 0
    until it is known. `started` is the start time as the system reports it; `boot` identifies the boot."""

    mark: str
    boot: str
    pid: int
    started: str
    command: tuple[str, ...]

    def as_text(self) -> str:
        return json.dumps(self._asdict(), ensure_ascii=False)


def read_run(folder: Path) -> RunRecord | None:
    """The record of a run that did not end cleanly. A record that cannot be read belongs to nobody."""
    try:
        found = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
        fields = (str(found["mark"]), str(found["boot"]), int(found["pid"]), str(found["started"]))
        return RunRecord(*fields, tuple(map(str, found["command"])))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def forget_run(folder: Path, mark: str) -> None:
    """Delete the record only if it is still this run's. A successor may have written its own."""
    run = read_run(folder)
    if run is None or run.mark == mark:
        try:
            os.unlink(folder / RUN_FILE)
        except FileNotFoundError:
            return
