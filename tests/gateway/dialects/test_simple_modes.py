"""What simple clients are told of a mode: where they poll, where they listen, and with the numbers they expect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.dialects.csp import wire_format as words
from gateway.turns.engine import Floor
from gateway.turns.mode import Mode, Phase
from tests.support.gateways import Gateway
from tests.support.simple import SimpleClient, simple_client


@pytest.fixture
async def team(gateway: Gateway) -> AsyncIterator[SimpleClient]:
    async with simple_client(gateway.url, gateway.team.token) as client:
        for name in ("claude", "gemini"):
            await client.register(name)
        await client.get("/inbox/human")
        yield client


async def inbox(team: SimpleClient, name: str) -> list[tuple[str, str]]:
    return [(one["type"], one["content"].partition("\n")[0]) for one in (await team.get(f"/inbox/{name}")).body]


async def test_the_lines_of_a_mode_are_in_every_inbox_and_on_the_sockets_at_once(team: SimpleClient) -> None:
    lines = ["Mode: DEBATE", "Topic: tabs", "@claude - Your turn."]
    async with team.websocket() as pushes:
        await team.post("/mode", mode="debate", topic="tabs", agents=["claude", "gemini"], rounds=2)
        assert await inbox(team, "gemini") == [("system", one) for one in lines]
        assert await inbox(team, "human") == [("system", one) for one in lines]
        assert [content for _, content in await inbox(team, "claude")] == lines
        pushed = await pushes.until_content(lines[-1])
        assert [(one["type"], one["from"], one["content"]) for one in pushed] == [
            ("system", "SYSTEM", one) for one in lines
        ]
        await team.post("/mode", mode="freeform")
        assert await inbox(team, "gemini") == [("system", "Mode: FREEFORM")]


async def test_rounds_count_from_nought_since_clients_add_one(team: SimpleClient) -> None:
    begun = (await team.post("/mode", mode="debate", topic="t", agents=["claude", "gemini"], rounds=2)).body
    assert (begun["orchestration"]["round"], begun["orchestration"]["maxRounds"]) == (0, 2)
    turns = [(await team.post("/turn/next")).body for _ in range(4)]
    assert [one.get("round") for one in turns] == [0, 1, 1, None]
    assert (await team.get("/mode")).body["round"] == 0


async def test_mode_status_is_answered_to_whoever_asks_alone(team: SimpleClient) -> None:
    await team.post("/mode", mode="debate", topic="tabs", agents=["claude", "gemini"], rounds=2)
    for name in ("claude", "gemini"):
        await inbox(team, name)
    async with team.websocket() as pushes:
        answer = (await team.say("gemini", "@mode.status")).body
        line = "[CSP: mode debate, round 1/2, turn: claude, topic: tabs]"
        assert (answer["success"], answer["orchestration"]["mode"]) == (True, "debate")
        pushed = await pushes.until_content(line)
        assert [(one["type"], one["to"]) for one in pushed] == [("system", "gemini")]
        assert await inbox(team, "gemini") == [("system", line)]
        assert await inbox(team, "claude") == []


async def test_people_that_a_client_lists_as_agents_get_no_turn(team: SimpleClient) -> None:
    """The existing clients begin a mode with all that `/agents` lists."""
    everybody = [one["id"] for one in (await team.get("/agents")).body]
    assert {"human", "alice"} <= set(everybody)
    begun = (await team.post("/mode", mode="debate", topic="t", agents=everybody)).body
    assert begun["orchestration"]["turnOrder"] == ["claude", "gemini"]


async def test_history_since_is_exclusive(team: SimpleClient) -> None:
    await team.say("claude", "one")
    stamp = (await team.history())[-1]["timestamp"]
    assert await team.history(since=stamp) == []


@pytest.mark.parametrize(
    ("floor", "line", "round_"),
    [
        (Floor(), "[CSP: mode freeform]", 0),
        ({"round": 1, "rounds": 3}, "[CSP: mode debate, round 1/3, turn: ada]", 0),
        ({"round": 2, "rounds": 3, "topic": "a\nb"}, "[CSP: mode debate, round 2/3, turn: ada, topic: a b]", 1),
    ],
)
def test_status_in_one_line(floor: Floor | dict[str, Any], line: str, round_: int) -> None:
    mode = Mode("debate", phases=(Phase("turns", "each", "x"),))
    standing = floor if isinstance(floor, Floor) else Floor(mode, speaker="ada", order=("ada",), **floor)
    assert (words.status_line(standing), words.orchestration_fields(standing)["round"]) == (line, round_)


@pytest.mark.parametrize(("said", "key"), [("!stop", "stop"), ("!STOP", "stop"), ("! Stop", "stop"), ("!^C", "^C")])
def test_an_order_to_stop_is_one_however_it_is_written(said: str, key: str) -> None:
    assert words.parse_post(said, "claude") == words.ControlOrder("keys", "claude", key)
