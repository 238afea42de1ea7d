"""The built-in demo agent: read and served like a vendor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sidecar.agents.adapter.adapter import (
    Agent,
    Launch,
    Launching,
    Place,
    Stash,
    Submit,
    TranscriptFile,
    program,
    rules_of,
)
from sidecar.screen.evidence import Source, Turn, TurnFact

_KINDS = {
    "user": Turn.PROMPT,
    "assistant": Turn.ANSWER,
    "interrupted": Turn.INTERRUPTED,
    "error": Turn.FAILED,
}


def _is_for(command: Sequence[str]) -> bool:
    return program(command) == "demo_agent" or "sidecar.demo_agent" in command


def _launch(command: Sequence[str], place: Place) -> Launch:
    """A conversation is a file, named after its session."""
    transcript = place.private / f"demo-{place.session}.jsonl"
    return Launch(tuple(command), env={"DEMO_AGENT_TRANSCRIPT": str(transcript)}, transcript=transcript)


def _session_in(path: Path) -> str:
    return path.stem.removeprefix("demo-")


def _resumed(command: Sequence[str], session: str) -> tuple[str, ...]:
    """Its place, and so the file, is the earlier one again."""
    return (*(word for word in command if word != "--resume"), "--resume")


def _line(entry: Mapping[str, object]) -> TurnFact | None:
    kind = _KINDS.get(str(entry.get("type")))
    return TurnFact(kind, str(entry.get("text") or ""), source=Source.TRANSCRIPT) if kind else None


AGENT = Agent(
    name="demo",
    rules=rules_of("demo"),
    launching=Launching(_is_for, launch=_launch, resumed=_resumed),
    submit=Submit(pause=0.15, collapses_from=(1000, 4)),
    stash=Stash(b"\x13", undo=b"\x13", rows=1000),
    transcript=TranscriptFile(_line, session=_session_in),
)
