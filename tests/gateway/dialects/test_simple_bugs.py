"""What went wrong in the original behind the simple interface, one test for each, so that it does not come back.

The numbers are those of the list of known bugs that the project keeps.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.access.rate_limit import Rate
from tests.support.assembled import Clock, assembled
from tests.support.gateways import TEAM_TOKEN, Gateway, GatewayProcess, gateway_in_process
from tests.support.simple import SimpleClient, simple_client

MINUTES = 60.0


@pytest.fixture
async def team(gateway: Gateway) -> AsyncIterator[SimpleClient]:
    async with simple_client(gateway.url, TEAM_TOKEN) as client:
        yield client


async def agent(team: SimpleClient, name: str) -> dict[str, object] | None:
    found = [one for one in (await team.get("/agents")).body if one["id"] == name]
    return found[0] if found else None


async def contents(team: SimpleClient, inbox: str) -> list[str]:
    answer = await team.get(f"/inbox/{inbox}")
    assert answer.status == 200, answer
    return [one["content"] for one in answer.body]


async def test_1_a_silent_agent_with_an_open_socket_is_alive(tmp_path: Path) -> None:
    clock = Clock()
    async with (
        assembled(tmp_path / "state", clock=clock) as gateway,
        simple_client(gateway.url, TEAM_TOKEN) as team,
    ):
        listening = await team.register("claude")
        await team.register("gemini")
        async with listening.websocket():
            clock.now += 30 * MINUTES
            silent = {name: await agent(team, name) for name in ("claude", "gemini")}
            assert {name: one and one["online"] for name, one in silent.items()} == {"claude": True, "gemini": False}
            await team.say("Human", "still there?")
            assert await contents(team, "gemini") == ["still there?"]


async def test_2_a_forgotten_agent_comes_back_by_using_what_it_has(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with gateway_in_process(state) as first, simple_client(first.url, TEAM_TOKEN) as team:
        await team.register("claude")
        await team.register("gemini")
    async with gateway_in_process(state) as second, simple_client(second.url, TEAM_TOKEN) as team:
        assert (await team.say("claude", "I was never gone")).status == 200
        for name, use in (("claude", team.say("claude", "nor now")), ("gemini", team.get("/inbox/gemini"))):
            await team.delete(f"/agent/{name}")
            assert await agent(team, name) is None
            assert (await use).status == 200
            assert await agent(team, name) is not None


async def test_3_what_is_said_while_a_sidecar_is_away_waits_for_it(team: SimpleClient) -> None:
    claude = await team.register("claude")
    async with claude.websocket() as pushes:
        await team.say("Human", "you hear this", "claude")
        heard = int((await pushes.until_content("you hear this"))[-1]["id"].removeprefix("msg-"))
    await team.say("Human", "you were away", "claude")
    async with claude.websocket(since=heard) as pushes:
        assert (await pushes.next())["content"] == "you were away"
    assert await contents(claude, "claude") == ["you hear this", "you were away"]


@pytest.mark.parametrize(("target", "near"), [("claud", True), ("Claude-1700000000", True), ("nobody", False)])
async def test_4_an_unknown_target_is_an_error_and_says_who_is_near(
    team: SimpleClient, target: str, near: bool
) -> None:
    await team.register("claude")
    for answer in (await team.say("Human", "hello", target), await team.say("Human", f"@{target} hello")):
        assert answer.status == 404
        assert target.lower() in answer.body["error"]
        assert ("@claude" in answer.body.get("nearest", [])) is near
    assert "hello" not in [one["content"] for one in await team.history()]


async def test_4_an_agent_that_names_nobody_real_just_speaks(team: SimpleClient) -> None:
    await team.register("claude")
    assert (await team.say("claude", "@param is the annotation you want")).status == 200
    assert (await team.history())[-1]["content"] == "@param is the annotation you want"


async def test_5_the_human_is_one_member_however_often_it_registers(team: SimpleClient) -> None:
    async with team.websocket():
        for name in ("Human", "human", "Human"):
            answer = await team.post("/register", agentId=name, capabilities=["human"])
            assert (answer.status, answer.body["agentId"]) == (201, "human")
        assert await contents(team, "Human") == []
        await team.register("claude")
        await team.say("claude", "hello")
        await team.say("claude", "hello you", "human")
        assert await contents(team, "Human") == ["hello", "hello you"]
        assert await contents(team, "human") == []
    humans = [one for one in (await team.get("/agents")).body if "human" in one["id"]]
    assert [(one["id"], one["name"], one["queued"]) for one in humans] == [("human", "Human", 0)]


async def test_5_the_humans_own_token_does_not_lock_the_team_out(team: SimpleClient) -> None:
    """It has none: `/register` answers as ever, and the team token goes on speaking for it."""
    answer = await team.post("/register", agentId="Human", capabilities=[])
    assert (answer.status, answer.body) == (201, {"success": True, "agentId": "human"})
    human = await team.register("Human")
    assert (await human.say("Human", "with whatever I was given")).status == 200
    assert (await team.say("Human", "with the team's token")).status == 200
    assert (await team.get("/health")).status == 200


async def test_6_a_direct_message_is_pushed_to_its_two_ends_only(team: SimpleClient) -> None:
    own = {name: await team.register(name) for name in ("claude", "gemini", "codex")}
    async with (
        own["claude"].websocket() as claude,
        own["gemini"].websocket() as gemini,
        own["codex"].websocket() as codex,
        own["codex"].stream() as codex_stream,
    ):
        await own["claude"].say("claude", "between us", "gemini")
        await own["claude"].say("claude", "for all")
        for pushes in (claude, gemini):
            assert [one["content"] for one in await pushes.until_content("for all")] == ["between us", "for all"]
        for pushes in (codex, codex_stream):
            assert [one["content"] for one in await pushes.until_content("for all")] == ["for all"]
    assert "between us" not in [one["content"] for one in await own["codex"].history()]
    assert "between us" not in [one["content"] for one in await own["codex"].history(to="gemini")]


async def test_7_nobody_speaks_for_another(team: SimpleClient) -> None:
    claude = await team.register("claude")
    await team.register("gemini")
    await claude.get("/health")
    refused = [
        (await claude.say("gemini", "forged"), 403),
        (await claude.say("Human", "forged"), 403),
        (await claude.say("SYSTEM", "forged"), 403),
        (await team.say("SYSTEM", "forged"), 400),
        (await team.say("all", "forged"), 400),
        (await team.say("nobody", "forged"), 404),
        (await team.say("alice", "forged"), 409),
        (await team.say("claude", "forged"), 409),
        (await team.post("/agent-output", content="forged"), 400),
        (await team.post("/agent-output", from_="gemini"), 400),
    ]
    assert [(answer.status, wanted) for answer, wanted in refused] == [(wanted, wanted) for _, wanted in refused]
    assert "forged" not in [one["content"] for one in await team.history()]


async def test_7_with_a_token_of_its_own_the_sender_is_stamped(team: SimpleClient) -> None:
    claude = await team.register("claude")
    assert (await claude.post("/message", content="no from at all")).status == 200
    assert [(one["from"], one["content"]) for one in await team.history()][-1] == ("claude", "no from at all")


async def test_8_a_broadcast_is_a_broadcast(team: SimpleClient) -> None:
    await team.register("claude")
    await team.register("gemini")
    await team.post("/mode", mode="debate", topic="", agents=["claude", "gemini"])
    for target in ("broadcast", "all", "@all", "*", "", None):
        await team.say("Human", "to all", target)
    await team.say("Human", "to one", "claude")
    taken = (await team.get("/inbox/gemini")).body
    assert {(one["type"], one["to"], one["turnSignal"]) for one in taken if one["type"] != "system"} == {
        ("broadcast", "broadcast", "turn_wait")
    }
    assert len([one for one in taken if one["content"] == "to all"]) == 6
    shown = await team.history(to="broadcast")
    assert "to one" not in [one["content"] for one in shown]
    assert len([one for one in shown if one["content"] == "to all"]) == 6


async def test_9_the_orchestrator_gets_what_everybody_gets(team: SimpleClient) -> None:
    await team.register("orchestrator")
    await team.register("claude")
    await team.say("claude", "to all of you")
    assert await contents(team, "orchestrator") == ["to all of you"]


async def test_10_mode_set_works_as_a_message(team: SimpleClient) -> None:
    await team.register("orchestrator")
    await team.register("claude")
    answer = await team.say("orchestrator", '@mode.set debate "tabs or spaces" --rounds 2')
    assert (answer.status, answer.body["success"]) == (200, True)
    mode = (await team.get("/mode")).body
    assert (mode["mode"], mode["topic"], mode["maxRounds"]) == ("debate", "tabs or spaces", 2)
    assert (await team.say("orchestrator", '@mode.set freeform ""')).status == 200
    assert (await team.get("/mode")).body["mode"] == "freeform"
    assert (await team.system_texts())[-1] == "Mode: FREEFORM"


async def test_11_polling_and_reading_never_use_up_what_sending_may(tmp_path: Path) -> None:
    async with (
        gateway_in_process(tmp_path / "state", rate=Rate(burst=3, per_second=0.001)) as gateway,
        simple_client(gateway.url, TEAM_TOKEN) as team,
    ):
        await team.register("claude")
        for _ in range(100):
            for path in ("/inbox/claude", "/history", "/agents"):
                assert (await team.get(path)).status == 200
        assert [(await team.say("claude", "text")).status for _ in range(4)] == [200, 200, 200, 429]
        assert (await team.get("/inbox/claude")).status == 200
        assert (await team.post("/register", agentId="gemini")).status == 201
        assert (await team.say("gemini", "I am not the one who flooded")).status == 200


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"mode": "debate", "topic": "t", "agents": ["claude", "nobody"]}, 404),
        ({"mode": "debate", "topic": "t", "agents": "claude"}, 400),
        ({"mode": "debate", "topic": "t", "agents": [1]}, 400),
        ({"mode": "debate", "topic": "t", "agents": []}, 400),
        ({"mode": "debate", "topic": "t", "agents": ["claude"], "rounds": -1}, 400),
        ({"mode": "debate", "topic": "t", "agents": ["claude"], "rounds": 0}, 400),
        ({"mode": "debate", "topic": "t", "agents": ["claude"], "rounds": 10**9}, 400),
        ({"mode": "debate", "topic": "t", "agents": ["claude"], "rounds": "many"}, 400),
        ({"mode": "consensus", "topic": "", "agents": ["claude"]}, 400),
        ({"mode": ["debate"]}, 400),
        ({}, 400),
    ],
)
async def test_12_a_mode_that_cannot_be_is_refused(team: SimpleClient, wish: dict[str, object], status: int) -> None:
    await team.register("claude")
    answer = await team.ask("POST", "/mode", body=wish)
    assert answer.status == status
    assert isinstance(answer.body["error"], str)
    assert (await team.get("/mode")).body["mode"] == "freeform"


async def test_12_without_any_agent_no_turns_begin(team: SimpleClient) -> None:
    assert (await team.post("/mode", mode="debate", topic="t")).status == 400


async def test_13_history_survives_a_restart_and_stopping_is_graceful(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state")
    with process.running():
        async with simple_client(process.url, TEAM_TOKEN) as team:
            await team.register("claude")
            await team.post("/mode", mode="debate", topic="t", agents=["claude"])
            await team.say("Human", "remember this")
            before = await team.history()
            async with team.websocket():
                assert process.stop() == 0
        process.start()
        async with simple_client(process.url, TEAM_TOKEN) as team:
            assert await team.history() == before
            assert (await team.get("/mode")).body["currentTurn"] == "claude"


async def test_30_the_token_is_in_no_log(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state", "--log-level", "debug")
    with process.running():
        async with simple_client(process.url, TEAM_TOKEN) as team:
            claude = await team.register("claude")
            async with team.websocket(), claude.websocket(), team.stream():
                await claude.say("claude", "hello")
            await team.ask("GET", "/history", headers={}, token=TEAM_TOKEN, limit="nonsense")
            await team.ask("GET", "/nothing-here", headers={}, token=TEAM_TOKEN)
            await team.ask("GET", "/health", headers={"X-Auth-Token": "a-wrong-token"})
        process.stop()
    assert "listening" in process.log
    for secret in (TEAM_TOKEN, claude.token, "a-wrong-token"):
        assert secret not in process.log


async def test_who_only_polls_is_told_to_pause_and_to_resume(gateway: Gateway) -> None:
    async with simple_client(gateway.url, gateway.team.token) as team:
        await team.ask("POST", "/register", body={"agentId": "claude"})
        for words in ("/pause", "!^C", "/resume"):
            await team.ask("POST", "/agent-output", body={"from": "Human", "to": "claude", "content": words})
            seen = (await team.get("/inbox/claude")).body
            assert [one["content"] for one in seen] == [words]
        assert (await team.get("/inbox/claude")).body == []


async def test_the_team_token_is_shown_as_nobody_else(team: SimpleClient) -> None:
    """What an earlier version let stand as a display name is not believed either."""
    await team.register("claude")
    for display in ("claude", "SYSTEM", "Сlaude"):
        answer = await team.ask("POST", "/v1/op", body={"op": "hello", "display": display})
        assert (answer.status, answer.body["error"]["code"]) == (400, "reserved_name")
    answer = await team.ask("POST", "/v1/op", body={"op": "hello", "display": "The Boss"})
    assert answer.status == 200
    await team.say("Human", "who am I?")
    assert (await team.history())[-1]["from"] == "Human"
