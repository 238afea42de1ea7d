"""What `up --dry-run` prints, within 80 columns where names allow it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from controller.cli.team.preview_text import UNKNOWN_TEXT, agent_lines, preview_lines
from controller.team.preflight import ExpectedConversation
from controller.workspace.startup.start_preview import RUNS, STARTS, AgentPreview, StartPreview

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
HOME = Path("/home/alice")
ID = "7fd9eeea-d69e-4513-8ddc-9eeaed82c061"
YESTERDAY, TODAY, TOMORROW = "2026-11-29T14:02:00Z", "2026-11-30T11:58:00Z", "2026-12-01T09:00:00Z"


@pytest.mark.parametrize(
    ("begins", "lines"),
    [
        (None, [UNKNOWN_TEXT]),
        (ExpectedConversation("new"), ["begins a new conversation"]),
        (
            ExpectedConversation("resumed", ID, YESTERDAY, TODAY),
            ["comes back to its conversation of Nov 29 14:02, last used 11:58", f"its id is {ID}"],
        ),
        (ExpectedConversation("resumed", ID), ["comes back to its conversation", f"its id is {ID}"]),
        (
            ExpectedConversation("resumed", ID, TOMORROW, TODAY),  # the clock was set back
            ["comes back to its conversation of Dec 1 09:00, last used 11:58", f"its id is {ID}"],
        ),
        (
            ExpectedConversation("resumed", ID, TODAY, TODAY, is_missing=True, moved_from="/home/alice/shop"),
            [
                "comes back to its conversation of 11:58",
                f"its id is {ID}",
                "its project was in ~/shop then",
                "its program does not seem to have that conversation any more; it begins a new one if so",
            ],
        ),
        (
            ExpectedConversation("lost", ID, YESTERDAY),
            [
                "begins a new conversation: its last one of Nov 29 14:02 was not written down",
                f"its id is {ID}",
            ],
        ),
        (
            ExpectedConversation("never"),
            ["begins a new conversation: agents of its kind cannot come back to one"],
        ),
        (ExpectedConversation("command"), ["begins as its own command says"]),
    ],
)
def test_how_an_agent_would_begin(begins: ExpectedConversation | None, lines: list[str]) -> None:
    one = AgentPreview("ada", ("/usr/bin/claude", "--model", "opus"), "/home/alice/shop", STARTS, begins)
    assert list(agent_lines(one, NOW, HOME)) == lines


def test_a_whole_team() -> None:
    ada = AgentPreview("ada", ("/usr/bin/claude", "--model", "my own"), "/home/alice/shop", STARTS)
    ben = AgentPreview("ben", ("codex",), "/srv/api", STARTS, ExpectedConversation("new"))
    cleo = AgentPreview("cleo", ("gemini", "x" * 90), "/home/alice", RUNS)
    assert list(preview_lines(StartPreview("llm-groupchat", True, "http://h:1", (ada, ben, cleo)), NOW, HOME)) == [
        "Nothing was started or changed. This is what `groupchat up` would do:",
        "- the gateway runs already at http://h:1",
        "- the session llm-groupchat runs already",
        "- one after another start ada, ben",
        "ada: claude --model 'my own', in ~/shop",
        f"  {UNKNOWN_TEXT}",
        "ben: codex, in /srv/api",
        "  begins a new conversation",
        f"cleo: gemini {'x' * 52}…, in ~",
        "  runs already, and keeps running",
    ]
    first = list(preview_lines(StartPreview("llm-groupchat", False, "", (cleo,)), NOW, HOME))
    assert first[1:3] == ["- the gateway is started", "- the session llm-groupchat is created"]
