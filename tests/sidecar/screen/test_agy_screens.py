"""Antigravity's screens as public reports describe them. No recording of the program is here: its rules are a start."""

from __future__ import annotations

import json

import pytest

from sidecar.activity.recording_replay import parse_recording, replay_changes
from sidecar.activity.recording_score import state_at
from sidecar.agents import REGISTRY, agent_for
from sidecar.evidence.turn_evidence import TurnFactKind
from tests.sidecar.capabilities import transcript_of

AGY = REGISTRY["agy"]
RULE = "─" * 60
REST = f"> hello\r\n\r\n  Hello.\r\n{RULE}\r\n> \r\n{RULE}\r\n? for shortcuts"
WORK = f"> hello\r\n\r\n⣾ Working...\r\n{RULE}\r\n> \r\n{RULE}\r\nesc to cancel"
NEW_FILE = (
    f"Create file\r\n{RULE}\r\n/shop/a.txt  +1\r\n   1 +  hello\r\nAllow creation of this file?\r\n"
    "> 1. Yes, allow creation\r\n  2. No, deny creation\r\n  ↑/↓ Navigate · tab Amend · f full diff\r\nesc to cancel"
)
APPROVAL = "⚠ Approval Required\r\n  rm -rf build\r\n> Yes, allow\r\n  No, deny access\r\nesc to cancel"
QUOTED = f"  It showed: esc to cancel, and ↑/↓ Navigate.\r\n{RULE}\r\n> \r\n{RULE}\r\n? for shortcuts"


def last_state(*shown: str) -> str:
    """What it is taken for some seconds after the last of these screens."""
    lines = [json.dumps({"version": 2, "width": 80, "height": 24})]
    lines += [json.dumps([3.0 * number + 1, "o", f"\x1b[2J\x1b[H{text}"]) for number, text in enumerate(shown)]
    end = 3.0 * len(shown) + 5
    changes = replay_changes(parse_recording([*lines, json.dumps([end, "o", ""])]), AGY)
    return state_at([(one.t, one.activity) for one in changes], end - 1)


@pytest.mark.parametrize(
    ("screen", "state"),
    [
        (REST, "idle"),
        (WORK, "busy"),
        (NEW_FILE, "asking"),
        (APPROVAL, "asking"),
        (QUOTED, "idle"),
        (f"{WORK}\x1b]7501;state=blocked\x07", "asking"),
        (f"{WORK}\x1b]7501;state=working\x07", "busy"),
    ],
)
def test_a_screen(screen: str, state: str) -> None:
    assert last_state(screen) == state


def test_it_is_idle_again_when_a_turn_has_ended() -> None:
    assert last_state(REST, WORK, REST) == "idle"


@pytest.mark.parametrize("command", ["agy", "/usr/local/bin/agy --continue", "antigravity"])
def test_its_programs(command: str) -> None:
    assert agent_for(command.split()).name == "agy"
    assert agent_for(["agyle"]).name == "generic"


@pytest.mark.parametrize(
    ("step", "kind", "text"),
    [
        (
            {"type": "USER_INPUT", "content": "<USER_REQUEST>\n[alice -> agy #7] Hi\n</USER_REQUEST>"},
            "prompt",
            "#7] Hi",
        ),
        ({"type": "PLANNER_RESPONSE", "content": "Hello.", "step_index": 3}, "answer", "Hello."),
    ],
)
def test_a_step_of_its_transcript(step: dict[str, object], kind: str, text: str) -> None:
    fact = transcript_of(AGY).line(step)
    assert fact is not None
    assert fact.kind is TurnFactKind(kind)
    assert text in fact.text
    assert transcript_of(AGY).line({"type": "TOOL_RESPONSE", "content": "x"}) is None
