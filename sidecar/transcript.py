"""The agent's own record of the conversation, read as it grows."""

from __future__ import annotations

import json
from pathlib import Path

from sidecar.agents import Agent
from sidecar.signals import TurnFact


class Tail:
    """New facts of a JSONL file that may not exist yet, may be cut off in mid-line, or may be replaced."""

    def __init__(self, agent: Agent, path: Path | None) -> None:
        self._agent = agent
        self.path = path
        self._offset = 0
        self._rest = b""

    def follow(self, path: Path | None, *, fresh: bool = False) -> None:
        """From now on this file: what it already holds belongs to the past, unless it is fresh."""
        if path != self.path:
            self.path, self._offset, self._rest = path, 0, b""
            if not fresh:
                self._read()

    def new(self) -> list[TurnFact]:
        *lines, self._rest = (self._rest + self._read()).split(b"\n")
        facts = (fact_of(self._agent, line) for line in lines)
        return [fact for fact in facts if fact]

    def _read(self) -> bytes:
        if self.path is None:
            return b""
        try:
            with self.path.open("rb") as file:
                if file.seek(0, 2) < self._offset:
                    self._offset, self._rest = 0, b""
                file.seek(self._offset)
                data = file.read()
        except OSError:
            return b""
        self._offset += len(data)
        return data


def fact_of(agent: Agent, line: bytes) -> TurnFact | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return agent.transcript_line(entry) if isinstance(entry, dict) else None
