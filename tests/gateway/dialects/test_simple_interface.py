"""The simple interface as documented: each endpoint with its shapes and status codes, seen from outside."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.client import Client
from gateway.protocol.events import Control
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import History
from gateway.protocol.results import MessageList
from gateway.protocol.types.core_types import MemberKind
from gateway.turns.engine import TurnTimeouts
from tests.support.assembled import Clock, assembled
from tests.support.gateways import TEAM_TOKEN, Gateway
from tests.support.simple import SimpleClient, simple_client

EVERY_PATH = [
    ("GET", "/health"),
    ("POST", "/register"),
    ("POST", "/agent-output"),
    ("POST", "/message"),
    ("GET", "/inbox/claude"),
    ("GET", "/agents"),
    ("GET", "/history"),
    ("GET", "/mode"),
    ("POST", "/mode"),
    ("POST", "/turn/next"),
    ("DELETE", "/agent/claude"),
    ("GET", "/ws"),
    ("GET", "/events"),
]


@pytest.fixture
async def team(gateway: Gateway) -> AsyncIterator[SimpleClient]:
    async with simple_client(gateway.url, TEAM_TOKEN) as client:
        yield client


# who is let in


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def closed_door(shared_gateway: Gateway) -> AsyncIterator[SimpleClient]:
    """For what changes nothing, since it is refused."""
    async with simple_client(shared_gateway.url, TEAM_TOKEN) as client:
        yield client


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("method", "path"), EVERY_PATH)
@pytest.mark.parametrize("headers", [{}, {"X-Auth-Token": "wrong"}, {"Authorization": "Bearer wrong"}])
async def test_without_a_valid_token_there_is_nothing(
    closed_door: SimpleClient, method: str, path: str, headers: dict[str, str]
) -> None:
    answer = await closed_door.ask(method, path, data=b"{}" if method == "POST" else None, headers=headers)
    assert (answer.status, answer.body["error"]) == (401, "Invalid authentication token")


async def test_the_token_is_taken_from_header_or_query(team: SimpleClient) -> None:
    for headers in ({"X-Auth-Token": TEAM_TOKEN}, {"Authorization": f"Bearer {TEAM_TOKEN}"}):
        assert (await team.ask("GET", "/health", headers=headers)).status == 200
    assert (await team.ask("GET", "/health", headers={}, token=TEAM_TOKEN)).status == 200


async def test_health(team: SimpleClient) -> None:
    await team.register("claude")
    answer = await team.get("/health")
    assert answer.status == 200
    assert answer.body.keys() == {"status", "agents", "uptime", "commitAge", "queue", "lastError"}
    assert (answer.body["status"], answer.body["agents"]) == ("ok", 1)
    assert 0 <= answer.body["uptime"] < 60


# coming and going


async def test_register_lowers_the_name_and_says_so_in_the_room(team: SimpleClient) -> None:
    answer = await team.post("/register", agentId="Claude", capabilities=["chat"])
    assert (answer.status, answer.body["success"], answer.body["agentId"]) == (201, True, "claude")
    assert "claude joined the conversation" in await team.system_texts()


async def test_a_taken_name_gets_a_number(team: SimpleClient) -> None:
    names = [(await team.post("/register", agentId="claude")).body["agentId"] for _ in range(3)]
    assert names == ["claude", "claude-2", "claude-3"]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", ["", " ", "a b", "a/b", "ä", "system", "SYSTEM", "all", "x" * 65, "-x", "\x00"])
async def test_a_name_that_cannot_be_one(closed_door: SimpleClient, name: str) -> None:
    answer = await closed_door.post("/register", agentId=name)
    assert (answer.status, answer.body["error"]) == (400, "Invalid agent name")


async def test_register_without_a_name(team: SimpleClient) -> None:
    answer = await team.post("/register", capabilities=[])
    assert (answer.status, answer.body["error"]) == (400, "Invalid agent name")


async def test_agents_shows_times_in_milliseconds(team: SimpleClient) -> None:
    begun = int(time.time() * 1000)
    await team.register("claude")
    answer = await team.get("/agents")
    claude = next(one for one in answer.body if one["id"] == "claude")
    assert claude["name"] == "claude"
    assert claude["online"] is True
    assert isinstance(claude["lastSeen"], int)
    assert begun - 1000 <= claude["lastSeen"] <= int(time.time() * 1000) + 1000


async def test_delete_hides_an_agent_once(team: SimpleClient) -> None:
    await team.register("claude")
    assert (await team.delete("/agent/claude")).body == {"success": True}
    assert "claude" not in [one["id"] for one in (await team.get("/agents")).body]
    assert (await team.delete("/agent/claude")).status == 404
    assert (await team.delete("/agent/nobody")).status == 404


# saying and reading


@pytest.mark.parametrize("path", ["/agent-output", "/message"])
async def test_a_message_is_said_and_taken_from_the_inbox_once(team: SimpleClient, path: str) -> None:
    await team.register("claude")
    await team.register("gemini")
    sent = await team.post(path, from_="claude", to="gemini", content="look at this")
    assert (sent.status, sent.body["success"]) == (200, True)
    taken = (await team.get("/inbox/gemini")).body
    assert [(one["from"], one["to"], one["content"], one["type"]) for one in taken] == [
        ("claude", "gemini", "look at this", "direct")
    ]
    assert taken[0]["id"] == sent.body["messageId"]
    assert (taken[0]["turnSignal"], taken[0]["currentTurn"]) == (None, None)
    assert abs(datetime.fromisoformat(taken[0]["timestamp"]).timestamp() - time.time()) < 60
    assert (await team.get("/inbox/gemini")).body == []


async def test_without_a_target_it_is_for_everyone_but_its_author(team: SimpleClient) -> None:
    for name in ("claude", "gemini", "codex"):
        await team.register(name)
    await team.say("claude", "to you all")
    for name in ("gemini", "codex"):
        taken = (await team.get(f"/inbox/{name}")).body
        assert [(one["type"], one["to"], one["content"]) for one in taken] == [("broadcast", "broadcast", "to you all")]
    assert (await team.get("/inbox/claude")).body == []


async def test_two_readers_of_one_inbox_do_not_both_get_a_message(team: SimpleClient) -> None:
    await team.register("claude")
    for number in range(30):
        await team.say("Human", f"number {number}", "claude")
    answers = await asyncio.gather(*(team.get("/inbox/claude") for _ in range(8)))
    taken = [one["content"] for answer in answers for one in answer.body]
    assert sorted(taken) == sorted(f"number {number}" for number in range(30))


async def test_an_unknown_inbox_is_not_found_but_the_humans_is_made(team: SimpleClient) -> None:
    assert (await team.get("/inbox/nobody")).status == 404
    assert (await team.get("/inbox/Human")).body == []
    assert "human" in [one["id"] for one in (await team.get("/agents")).body]
    await team.register("claude")
    await team.say("claude", "hello human", "Human")
    assert [one["content"] for one in (await team.get("/inbox/Human")).body] == ["hello human"]


@pytest.mark.parametrize("body", [{"content": "x"}, {"from": "claude"}, {"from": "claude", "content": ""}, {}])
async def test_from_and_content_are_required(team: SimpleClient, body: dict[str, str]) -> None:
    await team.register("claude")
    for path in ("/message", "/agent-output"):
        answer = await team.ask("POST", path, body=body)
        assert answer.status == 400
        assert isinstance(answer.body["error"], str)


async def test_a_leading_name_addresses(team: SimpleClient) -> None:
    await team.register("claude")
    await team.register("gemini")
    await team.say("Human", "@claude review this")
    assert [one["content"] for one in (await team.get("/inbox/claude")).body] == ["review this"]
    assert (await team.get("/inbox/gemini")).body == []


async def test_history_counts_and_filters(team: SimpleClient) -> None:
    await team.register("claude")
    await team.register("gemini")
    await team.say("claude", "one")
    await team.say("claude", "two", "gemini")
    await team.say("gemini", "three")
    everything = (await team.get("/history")).body
    assert everything["count"] == everything["total"] == len(everything["messages"]) == 5
    last = (await team.get("/history", limit=2)).body
    assert [one["content"] for one in last["messages"]] == ["two", "three"]
    assert (last["count"], last["total"]) == (2, 5)
    assert [one["content"] for one in await team.history(from_="gemini")] == ["three"]
    assert [one["content"] for one in await team.history(to="gemini")] == ["two"]
    assert [one["type"] for one in await team.history(from_="SYSTEM")] == ["system", "system"]


async def test_history_since(team: SimpleClient) -> None:
    await team.register("claude")
    await team.say("claude", "before")
    stamp = (await team.history())[-1]["timestamp"]
    milliseconds = round(datetime.fromisoformat(stamp).timestamp() * 1000)
    assert "before" in [one["content"] for one in await team.history(since=milliseconds - 1)]
    assert await team.history(since=milliseconds) == []
    assert (await team.get("/history", since="yesterday")).status == 400


async def test_history_gives_at_most_a_thousand(team: SimpleClient) -> None:
    await asyncio.gather(*(team.say("Human", f"number {number}") for number in range(1010)))
    for limit, shown in ((1, 1), (1000, 1000), (5000, 1000)):
        answer = (await team.get("/history", limit=limit)).body
        assert (answer["count"], len(answer["messages"])) == (shown, shown)


# pushed


@pytest.mark.parametrize("in_query", [True, False])
async def test_the_socket_pushes_messages_and_notices(team: SimpleClient, in_query: bool) -> None:
    async with team.websocket(in_query=in_query) as pushes:
        await team.register("claude")
        notice = (await pushes.until(lambda one: one["type"] == "system"))[-1]
        assert (notice["from"], notice["content"]) == ("SYSTEM", "claude joined the conversation")
        await team.say("claude", "hello")
        message = await pushes.next()
        assert {"type", "from", "content", "timestamp"} <= message.keys()
        assert (message["type"], message["from"], message["content"]) == ("message", "claude", "hello")
        assert message["to"] == "broadcast"
        await team.say("Human", "only you", "claude")
        direct = await pushes.next()
        assert (direct["type"], direct["from"], direct["to"]) == ("message", "Human", "claude")


async def test_the_event_stream_pushes_and_resumes(team: SimpleClient) -> None:
    await team.register("claude")
    async with team.stream() as events:
        await team.say("claude", "first")
        message = await events.next()
        assert (message["type"], message["from"], message["content"]) == ("message", "claude", "first")
        heard = events.last_id
    await team.say("claude", "while nobody listened")
    async with team.stream(last_event_id=heard) as events:
        await team.say("claude", "live again")
        assert [one["content"] for one in await events.until_content("live again")] == [
            "while nobody listened",
            "live again",
        ]


# modes and turns


async def started(team: SimpleClient, **wish: object) -> dict[str, object]:
    answer = await team.post("/mode", **wish)
    assert answer.status == 200, answer
    body = answer.body
    assert body["success"] is True
    assert isinstance(body["orchestration"], dict)
    return body["orchestration"]


async def test_mode_is_set_and_read(team: SimpleClient) -> None:
    await team.register("claude")
    await team.register("gemini")
    begun = int(time.time() * 1000)
    shape = await started(team, mode="debate", topic="tabs or spaces", agents=["claude", "gemini"], rounds=2)
    assert shape | {"lastTurnChange": 0} == {
        "mode": "debate",
        "topic": "tabs or spaces",
        "round": 0,
        "maxRounds": 2,
        "turnOrder": ["claude", "gemini"],
        "currentTurnIndex": 0,
        "lastTurnChange": 0,
        "warningIssued": False,
    }
    changed = shape["lastTurnChange"]
    assert isinstance(changed, int) and changed >= begun - 1000
    seen = (await team.get("/mode")).body
    assert shape.items() <= seen.items()
    assert (await team.system_texts())[-3:] == ["Mode: DEBATE", "Topic: tabs or spaces", "@claude - Your turn."]


@pytest.mark.parametrize("mode", ["freeform", "debate", "consensus", "autopilot"])
async def test_every_mode_is_known(team: SimpleClient, mode: str) -> None:
    await team.register("claude")
    assert (await started(team, mode=mode, topic="t", agents=["claude"]))["mode"] == mode


async def test_an_unknown_mode(team: SimpleClient) -> None:
    answer = await team.post("/mode", mode="shouting", topic="")
    assert (answer.status, answer.body["error"]) == (400, "Invalid mode")


async def test_turns_go_round_and_end(team: SimpleClient) -> None:
    await team.register("claude")
    await team.register("gemini")
    assert (await team.post("/turn/next")).status == 400
    await started(team, mode="debate", topic="t", agents=["claude", "gemini"], rounds=2)
    turns = [(await team.post("/turn/next")).body for _ in range(4)]
    assert turns[:3] == [
        {"success": True, "currentTurn": "gemini", "round": 0},
        {"success": True, "currentTurn": "claude", "round": 1},
        {"success": True, "currentTurn": "gemini", "round": 1},
    ]
    assert turns[3]["complete"] is True
    assert (await team.system_texts())[-5:] == [
        "@gemini - Your turn.",
        "Round 2",
        "@claude - Your turn.",
        "@gemini - Your turn.",
        "DEBATE complete.",
    ]
    assert (await team.get("/mode")).body["mode"] == "freeform"


async def test_messages_say_whose_turn_it_is(team: SimpleClient) -> None:
    await team.register("claude")
    await team.register("gemini")
    await started(team, mode="debate", topic="t", agents=["claude", "gemini"])
    await team.say("Human", "begin")
    seen = {name: (await team.get(f"/inbox/{name}")).body[-1] for name in ("claude", "gemini")}
    assert {name: one["turnSignal"] for name, one in seen.items()} == {"claude": "your_turn", "gemini": "turn_wait"}
    assert {one["currentTurn"] for one in seen.values()} == {"claude"}


async def test_the_turn_passes_on_after_the_current_agent_has_spoken(team: SimpleClient) -> None:
    await team.register("claude")
    await team.register("gemini")
    await started(team, mode="debate", topic="t", agents=["claude", "gemini"], rounds=2)
    async with team.websocket() as pushes:
        await team.say("gemini", "out of turn")
        await team.say("claude", "my opening")
        heard = await pushes.until_content("@gemini - Your turn.")
        assert [one["content"] for one in heard] == ["out of turn", "my opening", "@gemini - Your turn."]
        await team.say("gemini", "my answer")
        assert [one["content"] for one in await pushes.until_content("@claude - Your turn.")] == [
            "my answer",
            "Round 2",
            "@claude - Your turn.",
        ]


async def test_a_speaker_right_after_a_forced_turn_also_passes_it_on(team: SimpleClient) -> None:
    for name in ("claude", "gemini", "codex"):
        await team.register(name)
    await started(team, mode="debate", topic="t", agents=["claude", "gemini", "codex"])
    async with team.websocket() as pushes:
        await team.say("claude", "done")
        await team.post("/turn/next")
        await team.say("gemini", "quick")
        heard = [one["content"] for one in await pushes.until_content("@codex - Your turn.")]
        assert heard == ["done", "@gemini - Your turn.", "quick", "@codex - Your turn."]


async def test_working_keeps_the_turn(team: SimpleClient) -> None:
    await team.register("claude")
    await team.register("gemini")
    await started(team, mode="debate", topic="t", agents=["claude", "gemini"])
    for word in ("WORKING", "WORKING on the tests", "@working reading"):
        answer = await team.say("claude", word)
        assert (answer.status, answer.body) == (200, {"success": True, "working": True, "updated": True})
    assert (await team.say("gemini", "WORKING")).body["updated"] is False
    assert (await team.get("/mode")).body["currentTurnIndex"] == 0
    assert not [one for one in await team.history() if "WORKING" in one["content"].upper()]


async def test_a_silent_speaker_is_warned_about_and_passed_over(tmp_path: Path) -> None:
    clock, pushed = Clock(), list[dict[str, object]]()
    async with (
        assembled(tmp_path / "state", clock=clock, patience=TurnTimeouts(warn=0.1, timeout=0.3)) as impatient,
        simple_client(impatient.url, TEAM_TOKEN) as team,
        team.websocket() as pushes,
    ):
        await team.register("claude")
        await team.register("gemini")
        await started(team, mode="debate", topic="", agents=["claude", "gemini"], rounds=1)
        for name in ("claude", "gemini"):
            clock.now += 0.2
            pushed += await pushes.until_content(f"[WARNING] @{name} turn has exceeded 0.1s.")
            clock.now += 0.2
            pushed += await pushes.until_content(f"[TIMEOUT] @{name} did not respond. Advancing turn.")
        pushed += await pushes.until_content("DEBATE complete.")
    heard = [one["content"] for one in pushed]
    assert heard[heard.index("@claude - Your turn.") :] == [
        "@claude - Your turn.",
        "[WARNING] @claude turn has exceeded 0.1s.",
        "[TIMEOUT] @claude did not respond. Advancing turn.",
        "@gemini - Your turn.",
        "[WARNING] @gemini turn has exceeded 0.1s.",
        "[TIMEOUT] @gemini did not respond. Advancing turn.",
        "DEBATE complete.",
    ]


def test_the_documented_turn_times() -> None:
    assert TurnTimeouts() == TurnTimeouts(warn=90.0, timeout=120.0)


# words in the band


async def test_noop_says_nothing(team: SimpleClient) -> None:
    await team.register("claude")
    answer = await team.say("claude", "NOOP")
    assert (answer.status, answer.body["success"]) == (200, True)
    assert all(one["type"] == "system" for one in await team.history())


@pytest.mark.parametrize(
    ("word", "pushed", "action"),
    [
        ("/pause", "/pause", "pause"),
        ("csp_ctrl:pause", "/pause", "pause"),
        ("/resume", "/resume", "resume"),
        ("csp_ctrl:resume", "/resume", "resume"),
        ("!^C", "!^C", "keys"),
        ("!stop", "!stop", "keys"),
    ],
)
async def test_control_reaches_the_sidecar_and_is_no_message(
    gateway: Gateway, team: SimpleClient, word: str, pushed: str, action: str
) -> None:
    claude = await gateway.member("claude")
    await gateway.member("gemini")
    async with Client(claude, Hello(inbox=True)) as sidecar, team.websocket() as pushes:
        assert (await team.say("Human", word, "claude")).status == 200
        seen = (await pushes.until(lambda one: one.get("to") == "claude"))[-1]
        assert (seen["type"], seen["from"], seen["content"]) == ("message", "Human", pushed)
        async for event in sidecar.events():
            if isinstance(event, Control):
                assert (str(event.action), event.to, event.from_) == (action, ("claude",), "human")
                assert event.text == (word[1:] if action == "keys" else "")
                break
    assert word not in [one["content"] for one in await team.history()]


async def test_pause_without_a_target_is_for_every_agent(gateway: Gateway, team: SimpleClient) -> None:
    for name in ("claude", "gemini"):
        await gateway.member(name)
    await gateway.member("bob", MemberKind.HUMAN)
    async with team.websocket() as pushes:
        await team.say("Human", "/pause")
        assert [(await pushes.next())["to"] for _ in range(2)] == ["claude", "gemini"]
    assert set(gateway.hub.state.paused) == {"claude", "gemini"}


async def test_a_leading_exclamation_mark_is_urgent(gateway: Gateway, team: SimpleClient) -> None:
    await gateway.member("claude")
    async with team.websocket() as pushes:
        await team.say("Human", "!stop now", "claude")
        assert (await pushes.next())["content"] == "!stop now"
        await team.say("Human", "!!the other file", "claude")
        assert (await pushes.next())["content"] == "!!the other file"
    async with Client(gateway.operator) as alice:
        found = (await alice.request(History(to="claude"), MessageList)).messages
        told = [(one.content, one.urgent, one.interrupt) for one in found]
        assert told == [("the other file", True, True), ("stop now", True, False)]


@pytest.mark.parametrize("content", ["! not urgent", "!", "5 != 6"])
async def test_other_exclamation_marks_are_text(team: SimpleClient, content: str) -> None:
    await team.register("claude")
    await team.say("Human", content, "claude")
    assert (await team.get("/inbox/claude")).body[0]["content"] == content


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ("@all go on", 200),
        ("@send.claude please answer", 200),
        ("@mode.status", 200),
        ("@query.log 20", 200),
        ('@mode.set debate "tabs"', 200),
        ("NOOP", 200),
        ("hello everyone", 400),
        ("rm -rf /", 400),
        ("/pause", 400),
        ("@mode.set debate", 400),
    ],
)
async def test_an_orchestrator_says_only_what_it_may(team: SimpleClient, content: str, status: int) -> None:
    await team.register("claude")
    await team.register("Orchestrator")
    answer = await team.say("orchestrator", content)
    assert answer.status == status
    if status == 400:
        assert answer.body["error"] == "Invalid orchestrator command"
        assert content not in [one["content"] for one in await team.history()]
