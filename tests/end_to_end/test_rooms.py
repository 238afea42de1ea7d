"""Agents in several rooms: by the team file, by an invitation, by `add`. Each answer is in the room of its question."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.desk_session import DEMO, Session, a_session, kill_program_of, program_of

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")

TEAM = """
[limits]
max_hops = 3

[[rooms]]
name = "design"
topic = "How it looks"
members = [{members}]

[[agents]]
name = "ada"
command = "{demo} --script script.toml"
rooms = ["design"]

[[agents]]
name = "ben"
command = "{demo} --script script.toml"

[[agents]]
name = "cleo"
command = "{demo} --script script.toml"
"""

SCRIPT = """
[[turn]]
match = "Which colour"
answer = "VOTE: blue because it is calm"

[[turn]]
match = "ping"
answer = "@ada ping\\n@ben ping"
"""


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[Session]:
    async with a_session(tmp_path) as one:
        yield one


def up(session: Session, members: str) -> Any:
    (session.folder / "script.toml").write_text(SCRIPT)
    (session.folder / "team.toml").write_text(TEAM.format(members=members, demo=DEMO))
    done = session.groupchat("up", "--yes", "--detach", "--json", "--port", "0")
    assert (done.code, done.json["problems"]) == (0, {}), done
    return done.json


def members_of(session: Session, room: str) -> list[str]:
    found = {one["name"]: one for one in session.read("/v1/rooms")["rooms"]}
    return [name for name in found[room]["members"] if name != "alice"]


def heard_in(session: Session, room: str) -> list[tuple[str, str]]:
    """Who said what in a room, without the gateway."""
    said = session.read(f"/v1/messages?room={room}&limit=1000")["messages"][::-1]
    return [(one["from"], one["content"]) for one in said if one["from"] != "system"]


def asked(session: Session, *words: str) -> str:
    """What an agent answers."""
    done = session.groupchat("send", *words, "--wait-reply", "--json")
    assert done.code == 0, done
    reply = done.json["reply"]
    return f"{reply['room']}: {reply['content']}"


async def test_agents_in_two_rooms(session: Session) -> None:
    up(session, '"ben"')
    assert members_of(session, "general") == ["ada", "ben", "cleo"]
    assert members_of(session, "design") == ["ada", "ben"]
    each_answer_is_in_the_room_of_its_question(session)
    await what_waited_in_two_rooms_while_the_agent_was_away_is_answered_in_both(session)
    await a_debate_is_held_in_another_room(session)
    await a_vote_is_held_in_another_room(session)
    await the_loop_guard_trips_in_another_room(session)
    the_file_is_changed_while_the_team_runs(session)
    await others_come_in_while_it_runs(session)


def each_answer_is_in_the_room_of_its_question(session: Session) -> None:
    assert asked(session, "@ada say red", "--room", "design") == "design: red"
    assert asked(session, "@ada say blue") == "general: blue"
    pane = session.text("ada")
    assert "[#design alice -> ada #" in pane and "[alice -> ada #" in pane
    outside = session.groupchat("send", "@cleo hello", "--room", "design")
    assert outside.code == 1
    assert "`groupchat rooms invite design cleo`" in outside.err


async def what_waited_in_two_rooms_while_the_agent_was_away_is_answered_in_both(session: Session) -> None:
    assert session.groupchat("pause", "ben").code == 0
    for room, text in (("design", "say one"), ("general", "say two"), ("design", "say three")):
        assert session.groupchat("send", f"@ben {text}", "--room", room).code == 0
    killed = kill_program_of(session.pids()["ben"], "sidecar.demo_agent")
    await session.until(lambda: program_of(session.pids()["ben"], "sidecar.demo_agent") not in (0, killed), "ben")
    assert session.groupchat("resume", "ben").code == 0
    await session.until(lambda: ("ben", "two") in heard_in(session, "general"), "ben")
    await session.until(lambda: [text for name, text in heard_in(session, "design") if name == "ben"] != [], "ben")
    assert not [text for name, text in heard_in(session, "design") if name == "ben" and "two" in text]
    assert [text for name, text in heard_in(session, "general") if name == "ben"] == ["two"]


async def a_debate_is_held_in_another_room(session: Session) -> None:
    begun = session.groupchat("mode", "debate", "red or blue", "--room", "design", "--rounds", "1", "--json")
    assert begun.code == 0, begun
    assert begun.json["floor"]["order"] == ["ada", "ben"]

    def is_over() -> bool:
        said = session.read("/v1/messages?room=design&limit=100")["messages"]
        return any(one["content"] == "DEBATE complete." for one in said)

    await session.until(is_over, "ada")
    mode = session.groupchat("mode", "status", "--room", "design", "--json").json["floor"]["mode"]
    assert mode == "freeform"
    told = [one["content"] for one in session.read("/v1/messages?room=general&limit=100")["messages"]]
    assert not [text for text in told if "debate" in text.lower()], "the other room heard nothing of it"


async def a_vote_is_held_in_another_room(session: Session) -> None:
    words = ("Which colour?", "-o", "red", "-o", "blue", "--room", "design", "--json")
    asked_ = session.groupchat("propose", *words)
    assert asked_.code == 0, asked_

    def result() -> str:
        found = session.groupchat("decisions", "--all", "--json").json["decisions"]
        return next((one.get("result", "") for one in found if one["question"] == "Which colour?"), "")

    await session.until(lambda: result().startswith("Decided: blue by 2 of 2"), "ada")
    assert not [text for _, text in heard_in(session, "general") if "VOTE" in text]


async def the_loop_guard_trips_in_another_room(session: Session) -> None:
    assert session.groupchat("send", "@ada ping", "--room", "design").code == 0

    def notices(room: str) -> list[str]:
        said = session.read(f"/v1/messages?room={room}&limit=100")["messages"]
        return [one["content"] for one in said if one["from"] == "system"]

    await session.until(lambda: any("loop guard" in text.lower() for text in notices("design")), "ada")
    assert not [text for text in notices("general") if "loop guard" in text.lower()]
    assert asked(session, "@ada say still here") == "general: still here"


def the_file_is_changed_while_the_team_runs(session: Session) -> None:
    before = session.pids()
    up(session, '"cleo"')
    assert members_of(session, "design") == ["ada", "cleo"]
    assert session.pids() == before
    assert asked(session, "@cleo say here", "--room", "design") == "design: here"


async def others_come_in_while_it_runs(session: Session) -> None:
    assert session.groupchat("rooms", "invite", "design", "ben").code == 0
    assert members_of(session, "design") == ["ada", "ben", "cleo"]
    assert asked(session, "@ben say back", "--room", "design") == "design: back"
    added = session.groupchat("add", "dora", "--room", "design", "--json", "--", *DEMO.split())
    assert (added.code, added.json) == (0, {"agents": ["dora"], "problems": {}})
    assert asked(session, "@dora say new", "--room", "design") == "design: new"
    missing = session.groupchat("add", "eve", "--room", "desing", "--", *DEMO.split())
    assert missing.code == 1 and "`groupchat rooms --create desing`" in missing.err
    assert "eve" not in session.panes()
