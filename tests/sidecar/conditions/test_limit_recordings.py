"""Usage limits as real CLIs show them, on their recorded screens and in the recorded errors of their turns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.protocol.types.agent_conditions import ConditionKind
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.activity.recording_replay import parse_recording, replay_observations
from sidecar.agents import REGISTRY
from sidecar.screen.rules import conditions_of_failure

FOLDER = Path(__file__).parents[2] / "recordings"
CLOCK = r"\d{1,2}:\d\d"
SHOWN = {
    "claude-329-limits": rf"You've hit your 5-hour limit · resets {CLOCK}[ap]m \(UTC\)",
    "claude-329-limits-60x20": rf"You've hit your 5-hour limit · resets {CLOCK}[ap]m \(UTC\)",
    "codex-limits": rf"You’ve hit your usage limit\. Upgrade to Pro .* or try again at {CLOCK} [AP]M\.",
    "gemini-limits": r"Usage limit reached for gemini-[\w.-]+",
}
NOTHING_SHOWN = (
    *("claude-329-quotes-100x30", "claude-329-errors", "claude-329-interrupts", "codex-quotes-100x30"),
    *("codex-error", "codex-interrupts", "gemini-errors", "gemini-approval"),
)
LIMITED, LOGIN = ConditionKind.LIMITED, ConditionKind.LOGIN
FAILURES = (
    ("claude", "You've hit your 5-hour limit · resets 11:09am (UTC)", LIMITED),
    ("claude", "You've hit your weekly limit · resets Dec 4, 11:10am (UTC)", LIMITED),
    ("claude", "API Error: Request rejected (429) · spend limit reached · resets Dec 8, 11:11am (UTC)", LIMITED),
    ("claude", "You're out of usage credits · resets 5pm (UTC)", LIMITED),
    ("claude", "API Error: Request rejected (429) · this may be a temporary capacity issue.", None),
    ("claude", "Please run /login · API Error: 401 scripted 401", None),
    ("claude", "API Error: 500 scripted 500", None),
    ("codex", "You’ve hit your usage limit. Visit https://example.com to purchase more or try again later.", LIMITED),
    ("codex", "You’ve hit your usage limit. To get more access now, send a request to your admin.", LIMITED),
    ("codex", "Quota exceeded. Check your plan and billing details.", LIMITED),
    ("codex", "exceeded retry limit, last status: 429 Too Many Requests", None),
    ("codex", "unexpected status 401 Unauthorized: scripted 401", None),
)


def moments(name: str) -> Iterator[AgentSnapshot]:
    with (FOLDER / f"{name}.cast").open(encoding="utf-8") as lines:
        recording = parse_recording(lines)
    return (moment for _, moment in replay_observations(recording, REGISTRY[name.partition("-")[0]]))


def limits_in(name: str) -> list[str]:
    """Each text that is shown as a limit, in the order of its first look."""
    found = (one.text for moment in moments(name) for one in moment.reading.conditions if one.kind is LIMITED)
    return list(dict.fromkeys(found))


@pytest.mark.parametrize("name", SHOWN)
def test_a_limit_is_seen_on_a_recorded_screen_and_leaves_it(name: str) -> None:
    assert any(re.match(SHOWN[name], text) for text in limits_in(name)), limits_in(name)
    *_, last = moments(name)
    assert bool(last.reading.conditions) == (name == "gemini-limits")  # its dialog still stands


@pytest.mark.parametrize("name", NOTHING_SHOWN)
def test_no_limit_is_seen_where_there_is_none(name: str) -> None:
    assert limits_in(name) == []


@pytest.mark.parametrize(("agent", "text", "kind"), FAILURES)
def test_the_error_of_a_turn_tells_of_a_limit(agent: str, text: str, kind: ConditionKind | None) -> None:
    found = conditions_of_failure(REGISTRY[agent].rules, text)
    assert [one.kind for one in found] == ([kind] if kind else [])
