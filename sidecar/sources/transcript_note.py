"""Where the transcript of the last run is, written down for the next one."""

from __future__ import annotations

from pathlib import Path

import structlog

from gateway.client import write_private
from sidecar.agents import Adapter
from sidecar.process.agent_folder import read_line
from sidecar.screen.evidence import TurnFact
from sidecar.sources.transcript import read_facts

NOTE = "transcript"
log = structlog.get_logger("sidecar")


def note_down(folder: Path, transcript: Path) -> None:
    """For the next run. Without it, that one knows less."""
    try:
        write_private(folder / NOTE, str(transcript))
    except OSError as error:
        log.warning("the transcript's path is not kept", error=str(error))


def earlier(agent: Adapter, folder: Path) -> list[TurnFact] | None:
    """What an earlier run's transcript tells; None if it is not at hand."""
    path = read_line(folder / NOTE)
    return read_facts(agent, Path(path)) if path and Path(path).is_file() else None
