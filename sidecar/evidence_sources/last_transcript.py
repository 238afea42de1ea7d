"""Notes the path of a run's transcript for the next run."""

from __future__ import annotations

from pathlib import Path

import structlog

from gateway.files.private_files import write_private
from sidecar.agents import Adapter
from sidecar.evidence.turn_evidence import TurnFact
from sidecar.evidence_sources.transcript import read_facts
from sidecar.run_files.agent_folder import read_line

NOTE = "transcript"
log = structlog.get_logger("sidecar")


def note_down(folder: Path, transcript: Path) -> None:
    """If this fails, the next run only knows less."""
    try:
        write_private(folder / NOTE, str(transcript))
    except OSError as error:
        log.warning("cannot note the transcript's path", error=str(error))


def earlier(agent: Adapter, folder: Path) -> list[TurnFact] | None:
    """The facts in an earlier run's transcript, or None if it is not available."""
    path = read_line(folder / NOTE)
    return read_facts(agent, Path(path)) if path and Path(path).is_file() else None
