"""What an agent is at, in words."""

from __future__ import annotations

import pytest

from gateway.protocol.types.agent_work import Work, brief_work_text, tokens_text, work_text


@pytest.mark.parametrize(
    ("work", "text", "brief"),
    [
        (None, "", ""),
        (Work(), "", ""),
        (Work(folder="website"), "website", "website"),
        (Work(branch="main"), "main", "main"),
        (Work(folder="website", branch="main", tool="Bash"), "Bash, website on main", "Bash, website on main"),
        (Work(tool="Edit", file="src/a.py"), "Edit src/a.py", "Edit a.py"),
        (Work(tool="mcp__chat__peer_send"), "mcp__chat__peer_send", "peer_send"),
        (Work(turn_tokens=950), "950 tokens", "950 tokens"),
        (Work(turn_tokens=950, day_tokens=950), "950 tokens", "950 tokens"),
        (Work(turn_tokens=1200, day_tokens=48_500), "1.2k tokens, 48k today", "1.2k tokens, 48k today"),
        (Work(day_tokens=48_500), "48k tokens today", "48k tokens today"),
    ],
)
def test_what_is_not_known_is_left_out(work: Work | None, text: str, brief: str) -> None:
    assert (work_text(work), brief_work_text(work)) == (text, brief)


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1k"),
        (1249, "1.2k"),
        (9949, "9.9k"),
        (10_400, "10k"),
        (999_999, "999k"),
        (1_300_000, "1.3M"),
        (20_000_000, "20M"),
    ],
)
def test_tokens_have_two_or_three_digits(tokens: int, text: str) -> None:
    assert tokens_text(tokens) == text
