"""Usage limits and the like as real CLIs show them, on their recorded screens and in the errors of their turns."""

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
LIMITED, LOGIN, UPDATE = ConditionKind.LIMITED, ConditionKind.LOGIN, ConditionKind.UPDATE
COMPACTING, CONTEXT = ConditionKind.COMPACTING, ConditionKind.CONTEXT
SHOWN = (
    ("claude-329-limits", LIMITED, rf"Usage limit reached · limit resets {CLOCK}[ap]m"),
    ("claude-329-limits-60x20", LIMITED, rf"Usage limit reached · limit resets {CLOCK}[ap]m"),
    ("codex-limits", LIMITED, rf"You’ve hit your usage limit\. Upgrade to Pro .* or try again at {CLOCK} [AP]M\."),
    ("gemini-limits", LIMITED, r"Usage limit reached for gemini-[\w.-]+"),
    ("claude-329-compacts", COMPACTING, "Compacting conversation"),
    ("claude-329-compacts", CONTEXT, "1% until auto-compact"),
    ("codex-compacts", COMPACTING, "Compacting context"),
    ("codex-update", UPDATE, r"Update available · 0\.169\.0 → 9\.9\.9"),
    ("codex-login-60x20", LOGIN, "Sign in with ChatGPT"),
    ("codex-login-100x30", LOGIN, "Sign in with ChatGPT"),
    ("gemini-login-60x20", LOGIN, "How would you like to authenticate for this project"),
    ("gemini-key-60x20", LOGIN, "Enter Gemini API Key"),
    ("opencode-limits-60x20", LIMITED, r"usage limit reached\."),
    ("opencode-compacts", COMPACTING, "Compaction"),
    ("opencode-update", UPDATE, r"A new release v9\.9\.9 is available"),
    ("opencode-compacts", CONTEXT, r"186\.0K \(93%\)"),
    ("qwen-limits", LIMITED, r"Quota exhausted: Usage quota exceeded\. Your quota will reset at"),
    ("qwen-compacts", COMPACTING, "Compressing chat history"),
    ("pi-compacts", COMPACTING, r"Compacting context\.\.\."),
    ("pi-compacts", CONTEXT, r"8\d\.\d%/200k"),
    ("cline-limits", LIMITED, r"Usage quota exceeded\. Your quota will reset at [\d-]+ [\d:]+ UTC$"),
    ("cline-limits-60x20", LIMITED, r"Usage quota exceeded\. Your quota will reset at [\d-]+ [\d:]+ UTC$"),
    ("copilot-compacts", COMPACTING, "Compacting conversation history"),
)
STILL_SHOWN = {"gemini-limits", "codex-login-60x20", "codex-login-100x30", "gemini-login-60x20", "gemini-key-60x20"}
NOTHING_SHOWN = (
    *("claude-329-quotes-100x30", "claude-329-errors", "claude-329-interrupts", "codex-quotes-100x30"),
    *("codex-error", "codex-interrupts", "gemini-errors", "gemini-approval"),
    *("cline-quotes-100x30", "cline-errors"),
    *("opencode-quotes-100x30", "opencode-errors", "qwen-quotes-100x30", "qwen-errors"),
)
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
    ("opencode", "it tries again at 2026-11-30T17:42:10Z: Rate limited, please wait.", LIMITED),
    ("cline", "Usage quota exceeded. Your quota will reset at 2026-12-01 00:08:20 UTC", LIMITED),
    ("cline", "You exceeded your current quota, please check your plan and billing details.", LIMITED),
    ("cline", "scripted 400", None),
    ("opencode", "You exceeded your current quota, please check your plan and billing details.", LIMITED),
    ("opencode", "Free usage exceeded, subscribe to Go", LIMITED),
    ("opencode", "Your credit balance is too low to access the Anthropic API.", LIMITED),
    ("opencode", "You exceeded your current quota. Please retry in 15.002899939s.", None),
    ("opencode", "Rate limit reached, too many requests", None),
    ("opencode", "Provider is overloaded", None),
    ("opencode", "invalid x-api-key", None),
    ("qwen", "Quota exhausted: Usage quota exceeded. Your quota will reset at 2026-11-30 20:30:24", LIMITED),
    ("qwen", "[API Error: 429 Usage limit reached for 5 hour. Your limit will reset at 2026-11-30 20:30]", LIMITED),
    ("qwen", "429 Free allocated quota exceeded.", LIMITED),
    ("qwen", "429 hour allocated quota exceeded", LIMITED),
    ("qwen", "429 Requests rate limit exceeded, please try again later.", None),
    ("qwen", "[API Error: 401 Incorrect API key provided.]", None),
    ("codex", "unexpected status 401 Unauthorized: scripted 401", None),
    (
        "copilot",
        "Failed to get response from the AI model; retried 5 times (total retry wait time: 54.02 seconds) "
        "Last error: 429 Usage limit reached. Your limit will reset at 2026-11-30 23:45:50 UTC",
        LIMITED,
    ),
    (
        "copilot",
        "Sorry, you've hit a rate limit that restricts the number of Copilot model requests you can make within a "
        "specific time period. Please try again in 58 hours.",
        LIMITED,
    ),
    (
        "copilot",
        "You've reached your weekly rate limit. Please wait for your limit to reset on April 20, 2026 at 2:00 AM",
        LIMITED,
    ),
    ("copilot", "You've hit your global rate limit. Please wait 6 seconds for your limit to reset.", None),
    ("copilot", "Sorry, you have been rate-limited. Please wait 2 minutes before trying again.", None),
    ("copilot", "Failed to get response from the AI model; retried 5 times Last error: 503 busy", None),
    ("pi", "429: Usage quota exceeded. Your quota will reset at 2026-11-30 23:45:50 UTC", LIMITED),
    ("pi", "429: You exceeded your current quota.", LIMITED),
    ("pi", "429: Too many requests", None),
)


def moments(name: str) -> Iterator[AgentSnapshot]:
    with (FOLDER / f"{name}.cast").open(encoding="utf-8") as lines:
        recording = parse_recording(lines)
    return (moment for _, moment in replay_observations(recording, REGISTRY[name.partition("-")[0]]))


def told_in(name: str, kind: ConditionKind) -> list[str]:
    """Each text that is told of a condition, in the order of its first look."""
    found = (one.text for moment in moments(name) for one in moment.reading.conditions if one.kind is kind)
    return list(dict.fromkeys(found))


@pytest.mark.parametrize(("name", "kind", "text"), SHOWN)
def test_a_condition_is_seen_on_a_recorded_screen_and_leaves_it(name: str, kind: ConditionKind, text: str) -> None:
    found = told_in(name, kind)
    assert any(re.match(text, one) for one in found), found
    *_, last = moments(name)
    assert bool(last.reading.conditions) == (name in STILL_SHOWN)


@pytest.mark.parametrize("name", NOTHING_SHOWN)
def test_no_condition_is_seen_where_there_is_none(name: str) -> None:
    assert [one for kind in ConditionKind for one in told_in(name, kind)] == []


@pytest.mark.parametrize(("agent", "text", "kind"), FAILURES)
def test_the_error_of_a_turn_tells_of_a_limit(agent: str, text: str, kind: ConditionKind | None) -> None:
    found = conditions_of_failure(REGISTRY[agent].rules, text)
    assert [one.kind for one in found] == ([kind] if kind else [])
