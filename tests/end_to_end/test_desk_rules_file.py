"""A team in a real tmux with agents that are known by a rules file in the project alone."""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.end_to_end.desk_session import Session, a_session
from tests.fakes import repl

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

RULES = f"""
agent = "mine"
[launch]
command = ["{sys.executable}", "-u", "{repl.__file__}", "{{private}}/talk.jsonl"]
[marks]
prompt = '^mine> $'
busy = '^working'
dialog = '\\[y/n\\] $'
[transcript]
file = "{{private}}/talk.jsonl"
[[transcript.lines]]
is = "prompt"
where = {{ type = "user" }}
text = "text"
[[transcript.lines]]
is = "answer"
where = {{ type = "assistant" }}
text = "message.content"
"""


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[Session]:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "mine.toml").write_text(RULES)
    (tmp_path / "team.toml").write_text('[[agents]]\nname = "mine"\n')
    async with a_session(tmp_path) as one:
        yield one


async def test_agents_that_are_known_by_a_file_alone_are_talked_to(session: Session) -> None:
    up = session.groupchat("up", "--detach", "--json", "--port", "0")
    assert (up.code, "rules/mine.toml" in up.error["message"]) == (1, True)
    up = session.groupchat("up", "--detach", "--json", "--port", "0", "--yes")
    assert (up.code, up.json["agents"], up.json["problems"]) == (0, ["mine"], {})
    await a_message_waits_until_it_is_idle_and_is_answered(session)
    await nothing_is_typed_into_its_dialog(session)
    await others_of_its_kind_are_added_and_started_again(session)


async def a_message_waits_until_it_is_idle_and_is_answered(session: Session) -> None:
    hold = session.folder / "hold"
    hold.touch()
    session.say("@mine one")
    await session.shows("working...", name="mine")
    session.say("@mine two")
    await session.shows("· mine held because busy")
    assert "two" not in session.text("mine")
    hold.unlink()
    await session.until(lambda: [text[-3:] for text in session.said_by("mine")] == ["one", "two"])
    assert session.said_by("mine")[0].startswith("heard: [alice -> mine #")


async def nothing_is_typed_into_its_dialog(session: Session) -> None:
    session.say("@mine delete it")
    await session.shows("Delete it? [y/n]", name="mine")
    session.say("@mine y")
    await session.shows("· mine held because asking")
    assert session.text("mine").rstrip().endswith("Delete it? [y/n]")
    session.type("n", name="mine")
    session.press("Enter", name="mine")
    await session.until(lambda: session.said_by("mine")[2:3] == ["you chose n"])
    await session.until(lambda: session.said_by("mine")[3:] and session.said_by("mine")[3].endswith(" y"))


async def others_of_its_kind_are_added_and_started_again(session: Session) -> None:
    added = session.groupchat("add", "calc", "--agent", "mine", "--json")
    assert (added.code, added.json) == (0, {"agents": ["calc"], "problems": {}})
    unknown = session.groupchat("add", "dora", "--json")
    assert "What starts dora?" in unknown.error["message"]
    assert session.groupchat("restart", "calc").code == 0
    session.say("@calc three")
    await session.until(lambda: [text[-5:] for text in session.said_by("calc")] == ["three"])
    session.press("C-d", name="calc")
    await session.until(lambda: session.panes("#{pane_dead}")["calc"] == "1", "calc")
