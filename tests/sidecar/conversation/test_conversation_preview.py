"""What `up --dry-run` is told of each kind of agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.agents import agent_for
from sidecar.agents.adapter.adapter import LaunchContext
from sidecar.conversation.conversation_preview import ForeseenConversation, foresee_conversation
from sidecar.conversation.conversation_recorder import ConversationKeeper


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("claude", "resumed"),
        ("claude --model opus", "resumed"),
        ("claude --resume", "command"),
        ("claude --worktree", "command"),
        ("codex", "resumed"),
        ("codex resume --last", "command"),
        ("gemini", "resumed"),
        ("gemini --resume latest", "command"),
        ("qwen", "resumed"),
        ("opencode", "unseen"),
        ("opencode --continue", "command"),
        ("python -m sidecar.demo_agent", "resumed"),
        ("copilot", "resumed"),
        ("pi", "unseen"),
        ("cline", "resumed"),
        ("cline --id one", "command"),
        ("vibe", "resumed"),
        ("vibe --continue", "command"),
        ("bash", "never"),
    ],
)
def test_each_kind_and_command(command: str, expected: str, tmp_path: Path) -> None:
    words = tuple(command.split())
    agent = agent_for(words)
    place = LaunchContext(tmp_path, tmp_path, "", "", {"HOME": str(tmp_path)})
    keeper = ConversationKeeper(agent, place, lambda: 1_796_040_000.0)
    keeper.note_session("one")
    keeper.note_turn("one", is_written=True)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    found = foresee_conversation(agent, words, place, fresh=False)
    if expected in ("resumed", "unseen"):  # unseen: whether the vendor still has it is not known before the start
        time = "2026-11-30T12:00:00Z"
        assert found == ForeseenConversation("resumed", "one", time, time, is_missing=expected == "resumed")
        assert foresee_conversation(agent, words, place, fresh=True) == ForeseenConversation("new")
    else:
        assert found.start == expected
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
