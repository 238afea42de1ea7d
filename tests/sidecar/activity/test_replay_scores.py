"""Recordings of real agents watched in virtual time, and what may go wrong with each.

Away from labelled changes everything must be right; next to them the agents' own signals are late. `STRICT` is the
share of all time in percent that each may be wrong in, as measured: what exceeds it reads worse than before. It is
high where a recording is short and full of changes: Claude tells of an end 60 ms late, Gemini of an error 400 ms.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from sidecar.activity.recording_score import (
    MAX_ASKING_LATE_S,
    MAX_FALSE_IDLE_S,
    MAX_WRONG_PERCENT,
    score_spans,
    states_seen,
    truth_of,
)
from sidecar.agents import REGISTRY
from sidecar.screen.rules import ScreenRules

FOLDER = Path(__file__).parents[2] / "recordings"
PARTIAL = {"claude-misc-dialogs", "claude-draft-stash"}
STRICT = {
    "aider-errors": 0.25,
    "aider-interrupts": 0.24,
    "aider-quotes-100x30": 0.18,
    "aider-quotes-60x20": 0.3,
    "aider-resizes": 0.09,
    "aider-silence": 0.08,
    "claude-197-interrupts": 2.36,
    "claude-197-places": 1.77,
    "claude-197-quotes": 1.27,
    "claude-197-resizes": 1.45,
    "claude-329-busy-stream-7501": 0.59,
    "claude-329-busy-stream": 0.95,
    "claude-329-errors": 2.25,
    "claude-329-first-100x30": 4.06,
    "claude-329-first-60x20": 4.6,
    "claude-329-interrupts": 3.02,
    "claude-329-compacts": 4.85,
    "claude-329-limits": 3.36,
    "claude-329-limits-60x20": 2.39,
    "claude-329-modal-model": 1.07,
    "claude-329-modals-60x20": 7.97,
    "claude-329-permission": 1.3,
    "claude-329-places": 2.15,
    "claude-329-quotes-100x30": 1.94,
    "claude-329-quotes-200x50": 2.34,
    "claude-329-quotes-60x20": 2.4,
    "claude-329-resize": 0.39,
    "claude-329-silence-7501": 0.51,
    "claude-329-silence": 0.56,
    "claude-329-startup-idle": 0.13,
    "claude-329-trust-dialog": 0.96,
    "claude-background-shell": 1.7,
    "claude-busy-stream": 0.16,
    "claude-error": 0.81,
    "claude-interrupt": 1.34,
    "claude-permission": 1.3,
    "claude-startup-idle": 0.06,
    "claude-tool-run": 0.45,
    "cline-errors": 0.37,
    "cline-interrupts": 0.79,
    "cline-limits": 0.07,
    "cline-limits-60x20": 0.05,
    "cline-quotes-100x30": 0.25,
    "cline-quotes-60x20": 0.37,
    "cline-resizes": 0.24,
    "cline-silence": 0.12,
    "codex-approval": 0.71,
    "codex-busy-stream": 0.39,
    "codex-error": 0.32,
    "codex-interrupts": 0.99,
    "codex-compacts": 1.33,
    "codex-limits": 1.67,
    "codex-update": 3.19,
    "codex-login-100x30": 0.43,
    "codex-login-60x20": 0.15,
    "codex-modals": 1.2,
    "codex-model-picker": 0.33,
    "codex-places": 0.59,
    "codex-quotes-100x30": 1.08,
    "codex-quotes-200x50": 0.74,
    "codex-quotes-60x20": 0.97,
    "codex-resize": 0.25,
    "codex-silence": 0.39,
    "codex-startup-idle": 0.16,
    "codex-trust-prompt": 0.86,
    "copilot-compacts": 3.1,
    "copilot-errors": 0.93,
    "copilot-interrupts": 1.04,
    "copilot-limits": 0.3,
    "copilot-modals": 0.37,
    "copilot-quotes-100x30": 0.46,
    "copilot-quotes-60x20": 0.74,
    "copilot-resizes": 1.11,
    "copilot-silence": 0.95,
    "copilot-trust-60x20": 2.38,
    "copilot-trust-80x24": 0.21,
    "demo-turns": 0.98,
    "gemini-approval": 1.68,
    "gemini-busy-stream": 0.7,
    "gemini-errors": 5.41,
    "gemini-interrupts": 3.37,
    "gemini-limits": 1.28,
    "gemini-key-60x20": 1.9,
    "gemini-login-100x30": 0.0,
    "gemini-login-60x20": 0.96,
    "gemini-modals": 6.37,
    "gemini-outside-path": 0.69,
    "gemini-places": 1.74,
    "gemini-quotes-100x30": 3.0,
    "gemini-quotes-60x20": 2.94,
    "gemini-resizes": 0.2,
    "gemini-silence": 2.57,
    "gemini-size-60x20": 0.75,
    "gemini-startup-idle": 0.7,
    "gemini-trust-100x30": 5.19,
    "gemini-trust-60x20": 5.26,
    "opencode-compacts": 2.84,
    "opencode-errors": 1.77,
    "opencode-interrupts": 1.91,
    "opencode-limits-60x20": 1.51,
    "opencode-low-100x12": 0.58,
    "opencode-modals": 3.62,
    "opencode-quotes-100x30": 1.83,
    "opencode-quotes-60x20": 2.44,
    "opencode-resizes": 3.72,
    "opencode-silence": 1.61,
    "opencode-update": 1.39,
    "pi-compacts": 2.49,
    "pi-errors": 2.73,
    "pi-interrupts": 2.17,
    "pi-limits": 1.6,
    "pi-modals": 3.22,
    "pi-places": 1.08,
    "pi-quotes-100x30": 1.04,
    "pi-quotes-60x20": 0.84,
    "pi-resizes": 0.96,
    "pi-silence": 0.13,
    "qwen-compacts": 0.38,
    "qwen-errors": 0.3,
    "qwen-interrupts": 1.1,
    "qwen-limits": 0.12,
    "qwen-modals": 2.22,
    "qwen-quotes-100x30": 0.15,
    "qwen-quotes-60x20": 1.21,
    "qwen-resizes": 0.26,
    "qwen-silence": 0.64,
    "vibe-errors": 0.79,
    "vibe-interrupts": 0.62,
    "vibe-limits": 0.67,
    "vibe-modals": 0.81,
    "vibe-quotes-100x30": 0.69,
    "vibe-quotes-60x20": 0.74,
    "vibe-resizes": 0.79,
    "vibe-silence": 0.26,
    "vibe-trust-60x20": 0.28,
    "vibe-trust-80x24": 0.18,
}
NAMES = sorted(path.stem for path in FOLDER.glob("*.cast"))


def truth(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", [name for name in NAMES if name not in PARTIAL])
def test_a_recording_is_read_right(name: str) -> None:
    path = FOLDER / f"{name}.cast"
    found = score_spans(truth_of(path), states_seen(path, REGISTRY[str(truth(name)["cli"])]))
    assert found.outside <= MAX_WRONG_PERCENT
    assert found.false_idle <= MAX_FALSE_IDLE_S
    assert found.asking_late <= MAX_ASKING_LATE_S
    assert found.strict <= STRICT[name] + 0.1


def test_every_recording_has_its_allowance() -> None:
    assert set(NAMES) == set(STRICT) | PARTIAL


def rules_with_a_box() -> list[ScreenRules]:
    return [agent.rules for agent in REGISTRY.values() if agent.rules.box and not agent.rules.experimental]


@pytest.mark.parametrize("rules", rules_with_a_box(), ids=lambda rules: rules.agent)
def test_every_agent_has_recordings_of_idle_busy_and_asking(rules: ScreenRules) -> None:
    mine = [data for data in map(truth, NAMES) if data["cli"] == rules.agent]
    states = {state for data in mine for _, state in data["states"]}
    assert {"idle", "busy", "approval"} <= states
    assert {str(data["version"]) for data in mine} <= set(rules.versions)
