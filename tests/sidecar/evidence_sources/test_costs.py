"""The token cost of a turn from transcripts: each call counts once, however often it is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sidecar.agents import REGISTRY
from sidecar.evidence.turn_evidence import TokenCost
from sidecar.evidence_sources.transcript import TranscriptTail
from tests.sidecar.capabilities import transcript_of


def claude(tokens: int, call: str = "msg_1", **usage: int) -> dict[str, Any]:
    message = {"id": call, "content": [], "usage": {"input_tokens": 100, "output_tokens": tokens, **usage}}
    return {"type": "assistant", "message": message}


def codex(**usage: int) -> dict[str, Any]:
    payload = {"turn_id": "t", "response_id": "resp_1", "usage": usage}
    return {"type": "token_usage_record", "payload": payload}


@pytest.mark.parametrize(
    ("agent", "entry", "cost"),
    [
        ("claude", claude(42), TokenCost("msg_1", 142)),
        ("claude", claude(42, cache_creation_input_tokens=8, cache_read_input_tokens=9000), TokenCost("msg_1", 150)),
        ("claude", {"type": "user", "message": {"content": "usage"}}, None),
        ("claude", claude(42) | {"message": "usage"}, None),
        ("codex", codex(input_tokens=100, cached_input_tokens=60, output_tokens=20), TokenCost("t resp_1", 60)),
        ("codex", codex(), TokenCost("t resp_1", 0)),
        ("codex", codex() | {"type": "event_msg"}, None),
        ("codex", codex() | {"payload": []}, None),
        ("gemini", {"type": "gemini", "id": "g", "tokens": {"total": 110, "cached": 30}}, TokenCost("g", 80)),
        ("gemini", {"type": "gemini", "id": "g", "tokens": {"total": True, "cached": "x"}}, TokenCost("g", 0)),
        ("gemini", {"type": "user", "id": "g", "tokens": {"total": 110}}, None),
        ("demo", {"type": "assistant", "tokens": {"total": 110}}, None),
    ],
)
def test_the_cost_in_a_line(agent: str, entry: dict[str, Any], cost: TokenCost | None) -> None:
    assert transcript_of(REGISTRY[agent]).cost(entry) == cost


def test_a_call_counts_once_and_the_past_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps(claude(9000, "earlier")) + "\n")
    tail = TranscriptTail(REGISTRY["claude"], None)
    tail.follow(path)
    assert tail.spent() == 0
    with path.open("a") as file:
        for entry in (claude(1), claude(42), claude(42), claude(10, "msg_2")):
            file.write(json.dumps(entry) + "\n")
    tail.new()
    assert (tail.spent(), tail.spent()) == (142 + 110, 0)
    tail.close()
