"""A team whose person has a key with a passphrase: the chat's pane asks for it, and nothing waits for the answer."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.end_to_end.desk_session import Session, a_session

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
PASSPHRASE = "correct horse battery"


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[Session]:
    async with a_session(tmp_path) as one:
        secret = tmp_path / "passphrase"
        secret.touch(mode=0o600)
        secret.write_text(PASSPHRASE + "\n")
        made = one.groupchat("key", "new", "alice", "--passphrase-file", str(secret))
        assert made.code == 0, made
        yield one


async def test_the_pane_of_the_chat_asks_for_the_passphrase(session: Session) -> None:
    up = session.up()  # without a terminal, and without an answer
    assert up["problems"] == {}
    await session.shows("Passphrase of alice's key, version 1 (Enter: go on without it)")
    session.say("wrong")
    await session.shows("The passphrase is wrong")
    session.say(PASSPHRASE)
    await session.shows("alice >", "ada coder")
    assert PASSPHRASE not in session.text()
    session.say("/create vault --sealed")
    await session.shows("▣#vault")
    session.say("only for my eyes")
    await session.shows("▣✓", "only for my eyes")
    assert "only for my eyes" not in session.said_by("alice")


async def test_enter_goes_on_and_the_chat_says_what_stays_closed(session: Session) -> None:
    session.up()
    await session.shows("go on without it")
    session.press("Enter")
    await session.shows("alice >", "! alice's key stays locked.")


async def test_a_file_answers_in_the_place_of_the_person(session: Session) -> None:
    session.env["GROUPCHAT_PASSPHRASE_FILE"] = str(session.folder / "passphrase")
    session.up()
    await session.shows("alice >", "ada coder")
    session.say("/create vault --sealed")
    await session.shows("▣#vault")
    for name in ("ada", "ben", "cleo"):
        assert "PASSPHRASE" not in session.tmux("show-environment", "-t", session.name)
        assert "Passphrase" not in session.text(name)
