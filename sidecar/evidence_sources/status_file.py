"""The file in which an agent reports its state. It is read only at a look, and only after a change."""

from __future__ import annotations

from pathlib import Path

from sidecar.agents import Adapter
from sidecar.agents.adapter.adapter import RunningAgent
from sidecar.evidence.turn_evidence import Evidence, EvidenceSource
from sidecar.evidence_sources.new_session_detector import ChangedFolder


class StatusFile:
    """A file that was written before this run, or that is half written, is not evidence."""

    def __init__(self, agent: Adapter, child: RunningAgent) -> None:
        self._status, self._child = agent.status, child
        find_folder = agent.status.conversations_in if agent.status else None
        folder = find_folder(child) if find_folder else None
        self._folder, self._path = ChangedFolder(folder), agent.status.path(child) if agent.status else None
        self._seen = 0

    @property
    def look_interval_s(self) -> float:
        """How often it is looked whether the file has changed while the agent does not rest; 0: only at looks."""
        return self._status.look_interval_s if self._status else 0.0

    def has_changed(self) -> bool:
        return self._written() is not None

    def read_if_changed(self, now: float) -> Evidence | None:
        written = self._written()
        if self._status is None or self._path is None or written is None:
            return None
        try:
            status = self._status.read(self._path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            return None
        if not status:
            return None
        self._seen = written
        return Evidence(EvidenceSource.STATUS, status, now)

    def _written(self) -> int | None:
        """When it was written, if it is new."""
        path = self._find()
        try:
            written = path.stat().st_mtime_ns if path else 0
        except OSError:
            return None
        return written if written != self._seen and written >= self._child.started * 1e9 else None

    def _find(self) -> Path | None:
        if self._status and self._folder.is_changed():
            self._path = self._status.path(self._child) or self._path
        return self._path
