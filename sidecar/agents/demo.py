"""The built-in demo agent, handled like a vendor's agent.

What its screen means is in `rules/demo.toml`; `activity/activity_verdict.py` judges from it what the agent is doing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sidecar.agents.adapter.adapter import (
    Adapter,
    DraftStash,
    LaunchContext,
    LaunchMethod,
    LaunchPlan,
    SubmitMethod,
    TranscriptFormat,
    load_built_in_rules,
    program_name,
)
from sidecar.agents.adapter.session_files import has_line_with
from sidecar.evidence.turn_evidence import EvidenceSource, ToolUse, TurnFact, TurnFactKind

_FACT_KIND_BY_TYPE = {
    "user": TurnFactKind.PROMPT,
    "assistant": TurnFactKind.ANSWER,
    "interrupted": TurnFactKind.INTERRUPTED,
    "error": TurnFactKind.FAILED,
}


def _is_for(command: Sequence[str]) -> bool:
    return program_name(command) == "demo_agent" or "sidecar.demo_agent" in command


def _plan_launch(command: Sequence[str], place: LaunchContext) -> LaunchPlan:
    """A conversation is a file that is named after its session."""
    transcript = _transcript_path(place, place.session)
    return LaunchPlan(tuple(command), env={"DEMO_AGENT_TRANSCRIPT": str(transcript)}, transcript=transcript)


def _transcript_path(place: LaunchContext, session: str) -> Path:
    return place.private / f"demo-{session}.jsonl"


def _session_in(path: Path) -> str:
    return path.stem.removeprefix("demo-")


def _resume_command(command: Sequence[str], session: str) -> tuple[str, ...]:
    """The session, and so the file, is the earlier one again."""
    return (*(word for word in command if word != "--resume"), "--resume")


def _is_written(session: str, place: LaunchContext) -> bool:
    return has_line_with(_transcript_path(place, session), '"type": "user"')


def _parse_transcript_line(entry: Mapping[str, object]) -> TurnFact | None:
    kind = _FACT_KIND_BY_TYPE.get(str(entry.get("type")))
    return TurnFact(kind, str(entry.get("text") or ""), source=EvidenceSource.TRANSCRIPT) if kind else None


def _read_tool(entry: Mapping[str, object]) -> ToolUse | None:
    path = entry.get("text") if entry.get("type") == "edit" else None
    return ToolUse("Edit", (path,), written=True) if isinstance(path, str) else None


ADAPTER = Adapter(
    name="demo",
    rules=load_built_in_rules("demo"),
    launching=LaunchMethod(_is_for, launch=_plan_launch, resumed=_resume_command, is_written=_is_written),
    submit=SubmitMethod(pause=0.15, collapses_from=(1000, 4)),
    stash=DraftStash(b"\x13", undo=b"\x13", rows=1000),
    transcript=TranscriptFormat(_parse_transcript_line, session=_session_in, tool=_read_tool),
)
