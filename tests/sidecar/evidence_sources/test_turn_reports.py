"""What is missing where nothing proves a message, in words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import Adapter
from sidecar.evidence.turn_evidence import EvidenceSource, TurnFact, TurnFactKind
from sidecar.evidence_sources.transcript import TranscriptTail
from sidecar.evidence_sources.turn_reports import TurnReports

CLAUDE, DEMO = REGISTRY["claude"], REGISTRY["demo"]
PROMPT = TurnFact(TurnFactKind.PROMPT, "[alice -> claude #7] hello")
EMPTY_PROMPT = TurnFact(TurnFactKind.PROMPT, "")
WRITTEN = TurnFact(TurnFactKind.MODEL, "so", source=EvidenceSource.TRANSCRIPT)
SUBMITTED_AT = 10.0


@dataclass
class Reported:
    reports: TurnReports
    now: float = 0.0


@contextlib.contextmanager
def reported(agent: Adapter, path: Path | None) -> Iterator[Reported]:
    with contextlib.closing(TranscriptTail(agent, path)) as tail:
        tail.new()
        one = Reported(TurnReports(agent, tail, lambda: one.now))
        yield one


HOOKS: dict[str, tuple[list[tuple[float, str | TurnFact]], str]] = {
    "none ever": ([], "no hook of it has come"),
    "none since": ([(5, "Stop")], "no hook of it has come since"),
    "of another name": (
        [(11, "prompt.sent"), (12, "turn.over")],
        "its hooks (prompt.sent, turn.over) tell of no prompt",
    ),
    "without a name": ([(11, "")], "its hooks (without a name) tell of no prompt"),
    "without the prompt": (
        [(11, "UserPromptSubmit"), (11, EMPTY_PROMPT)],
        "its hooks (UserPromptSubmit) tell of no prompt",
    ),
    "of another prompt": (
        [(11, "UserPromptSubmit"), (11, PROMPT)],
        "its hooks (UserPromptSubmit) tell of another prompt",
    ),
    "with control bytes": ([(11, "\x1b[31mStop\u202e notice")], "its hooks (31mStop) tell of no prompt"),
    "too many": ([(11, f"h{n}") for n in range(90)], "its hooks (h87, h88, h89) tell of no prompt"),
    "each name once": ([(11, "a"), (12, "b"), (13, "a")], "its hooks (a, b) tell of no prompt"),
}


@pytest.mark.parametrize("what", HOOKS)
def test_what_its_hooks_have_told(what: str, tmp_path: Path) -> None:
    told, words = HOOKS[what]
    with reported(CLAUDE, tmp_path / "none.jsonl") as one:
        for at, hook_or_fact in told:
            one.now = at
            if isinstance(hook_or_fact, TurnFact):
                one.reports.note_fact(hook_or_fact)
            else:
                one.reports.note_hook(hook_or_fact)
        assert one.reports.missing_proof(SUBMITTED_AT) == f"{words}; its transcript is not where it was expected"


def test_what_its_transcript_has_told(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    with reported(DEMO, None) as one:
        assert one.reports.missing_proof(SUBMITTED_AT) == "no transcript of it was found"
    with reported(DEMO, path) as one:
        assert one.reports.missing_proof(SUBMITTED_AT) == "its transcript is not where it was expected"
    path.write_text("")
    with reported(DEMO, path) as one:
        assert one.reports.missing_proof(SUBMITTED_AT) == "its transcript shows nothing new that is known"
        one.now = 11
        one.reports.note_fact(WRITTEN)
        assert one.reports.missing_proof(SUBMITTED_AT) == "its transcript shows other things"


def test_as_data(tmp_path: Path) -> None:
    with reported(CLAUDE, tmp_path / "t.jsonl") as one:
        for at, name in ((1.0, "SessionStart"), (2.0, "Stop")):
            one.now = at
            one.reports.note_hook(name)
        one.now = 5.0
        told = one.reports.explain()
    assert told["hooks"] == {"count": 2, "last": "Stop", "age": 3.0, "prompt_age": None}
    assert told["transcript"] == {"path": str(tmp_path / "t.jsonl"), "found": False, "age": None}
    with reported(DEMO, None) as one:
        assert one.reports.explain()["hooks"] is None
