"""The file in which an agent reports its state. It is read only at a look, and only after a change."""

from __future__ import annotations

from sidecar.agents import Adapter
from sidecar.agents.adapter.adapter import RunningAgent
from sidecar.evidence.turn_evidence import Evidence, EvidenceSource


class StatusFile:
    """A file that was written before this run, or that is half written, is not evidence."""

    def __init__(self, agent: Adapter, child: RunningAgent) -> None:
        self._status = agent.status
        self._path = agent.status.path(child) if agent.status else None
        self._started, self._seen = child.started, 0

    def read_if_changed(self, now: float) -> Evidence | None:
        if self._status is None or self._path is None:
            return None
        try:
            written = self._path.stat().st_mtime_ns
            if written == self._seen or written < self._started * 1e9:
                return None
            status = self._status.read(self._path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            return None
        if not status:
            return None
        self._seen = written
        return Evidence(EvidenceSource.STATUS, status, now)
