"""A question of an agent in a session of 80x24, from its card to its line in the history."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.end_to_end.desk_session import Session, a_session

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


def active(session: Session) -> dict[str, str]:
    """Whether a pane is in the window that is shown, active there, and as wide as it."""
    return session.panes("#{window_active}#{pane_active}#{==:#{pane_width},#{window_width}}")


async def test_a_card_is_answered_and_stays_through_a_new_start_of_the_chat(tmp_path: Path) -> None:
    async with a_session(tmp_path) as session:
        session.up()
        session.tmux("resize-window", "-t", f"={session.name}:", "-x", "80", "-y", "24")
        await session.shows("● ada coder")
        session.say("@ada ask say DONE-4711")
        await session.shows("ada asks: Do you want to run this?", "F2 to answer: 1 2", "o its terminal")
        session.press("F2")
        await session.shows("press its key")
        session.type("o")
        await session.until(lambda: active(session)["ada"] == "111")
        session.tmux("last-window", "-t", f"={session.name}:")
        assert active(session)["chat"] == "111"
        session.press("F2")
        session.type("2")
        await session.shows("ada asked: Do you want to run this?", "answered: No")
        assert "failed" not in session.text()
        assert session.groupchat("asks").out.strip() == "No open questions."
        assert session.groupchat("restart", "chat").code == 0
        await session.shows("ada asked: Do you want to run this?", "answered: No")
