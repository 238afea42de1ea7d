"""Watching a terminal through a real gateway; the tests speak for the agent's sidecar."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import websockets
from aiohttp import ClientSession

from gateway.client import Endpoint
from gateway.operations.dispatch import run_operation
from gateway.protocol.requests.member_requests import CreateToken, RevokeToken
from gateway.protocol.results import TokenMade
from gateway.protocol.types.core_types import MemberKind, Scope
from gateway.push.terminal_picture import CONFIRM_TIMEOUT_S
from gateway.server.state_folder.startup_tokens import system_actor
from tests.fakes.retry import retry_until
from tests.gateway.api.test_websocket import Wire, wire_to
from tests.support.gateways import Gateway


def frame(n: int, *rows: tuple[int, str], whole: bool = False, columns: int = 80) -> dict[str, Any]:
    changed = [{"y": y, "runs": [{"text": text}]} for y, text in rows]
    cursor = {"x": 0, "y": 1}
    fields = {"op": "terminal.show", "n": n, "columns": columns, "rows": 24, "changed": changed, "cursor": cursor}
    return {**fields, "whole": whole}


async def watched_sidecar(wire: Wire, *, on: bool = True) -> None:
    assert (await wire.until(ev="terminal.watched"))[-1]["on"] is on


async def picture(wire: Wire) -> dict[str, Any]:
    return (await wire.until(ev="terminal"))[-1]


def texts(event: dict[str, Any]) -> dict[int, str]:
    return {row["y"]: "".join(run["text"] for run in row["runs"]) for row in event.get("changed", ())}


async def test_the_sidecar_hears_of_the_first_watcher_and_of_the_last(gateway: Gateway) -> None:
    claude = await gateway.member("claude")
    async with wire_to(claude) as agent, wire_to(gateway.operator) as one, wire_to(gateway.operator) as two:
        assert (await agent.ask(**frame(2, (0, "unseen"), whole=True)))["ok"] == {"watched": False}
        answer = await one.ask(op="terminal.watch", n=2, member="claude")
        assert answer["ok"]["state"] == "waiting"
        assert "on its way" in answer["ok"]["text"]
        await watched_sidecar(agent)
        assert (await agent.ask(**frame(3, (0, "a"))))["ok"] == {"watched": True, "whole": True}
        assert (await agent.ask(**frame(4, (0, "a"), (1, "b"), whole=True)))["ok"] == {"watched": True}
        first = await picture(one)
        assert (first["member"], first["columns"], first["rows"], first["whole"]) == ("claude", 80, 24, True)
        assert first["cursor"] == {"x": 0, "y": 1}
        assert texts(first) == {0: "a", 1: "b"}
        assert (await two.ask(op="terminal.watch", n=2, member="@claude"))["ok"] == {
            "member": "claude",
            "state": "live",
        }
        assert texts(await picture(two)) == {0: "a", 1: "b"}
        await agent.ask(**frame(5, (1, "c")))
        for watcher in (one, two):
            later = await picture(watcher)
            assert (texts(later), "whole" in later) == ({1: "c"}, False)
        await one.ask(op="terminal.unwatch", n=3, member="claude")
        await agent.ask(**frame(6, (1, "d")))
        assert texts(await picture(two)) == {1: "d"}
        await two.socket.close()
        await watched_sidecar(agent, on=False)
        assert (await agent.ask(**frame(7, (1, "e"))))["ok"] == {"watched": False}


async def test_a_sidecar_that_comes_learns_that_somebody_watches(gateway: Gateway) -> None:
    claude = await gateway.member("claude")
    async with wire_to(gateway.operator) as person:
        async with wire_to(claude) as agent:
            await person.ask(op="terminal.watch", n=2, member="claude")
            await watched_sidecar(agent)
            await agent.ask(**frame(2, (0, "a"), whole=True))
            await picture(person)
        state = (await person.until(ev="terminal.state"))[-1]
        assert state["state"] == "waiting"
        assert "not connected" in state["text"]
        again = await person.ask(op="terminal.watch", n=3, member="claude")
        assert "not connected" in again["ok"]["text"]
        async with wire_to(claude, hello=False) as agent:
            await agent.say(op="hello", n=1, inbox=True)
            assert (await agent.until(re=1))[-1]["ok"]["watched"] is True
            await agent.ask(**frame(2, (0, "b"), whole=True))
            assert texts(await picture(person)) == {0: "b"}


async def test_a_storm_of_pictures_is_ten_a_second_for_each_watcher(gateway: Gateway) -> None:
    claude = await gateway.member("claude")
    async with wire_to(claude) as agent, wire_to(gateway.operator) as person:
        await person.ask(op="terminal.watch", n=2, member="claude")
        loop = asyncio.get_running_loop()
        seen, begun = list[str](), loop.time()

        async def read() -> None:
            while not seen or seen[-1] != "the end":
                seen.append(texts(await picture(person))[1])

        reading = loop.create_task(read())
        await agent.ask(**frame(2, (1, "0"), whole=True))
        for number in range(400):
            await agent.ask(**frame(3 + number, (1, str(number))))
            await asyncio.sleep(0.002)
        await agent.ask(**frame(500, (1, "the end")))
        await asyncio.wait_for(reading, 60)
        seconds = loop.time() - begun
    assert 2 <= len(seen) <= seconds / 0.1 + 1
    assert len(seen) < 300
    assert [int(one) for one in seen[:-1]] == sorted({int(one) for one in seen[:-1]})


async def test_a_watcher_that_reads_nothing_gets_one_fresh_picture_later(gateway: Gateway) -> None:
    claude = await gateway.member("claude")
    headers = {"Authorization": f"Bearer {gateway.operator.token}"}
    url = gateway.operator.at("/v1/ws", websocket=True)
    async with wire_to(claude) as agent, websockets.connect(url, additional_headers=headers, max_queue=1) as slow:
        for request in ({"op": "hello", "n": 1}, {"op": "terminal.watch", "n": 2, "member": "claude"}):
            await slow.send(json.dumps(request))
        await watched_sidecar(agent)
        (connection,) = gateway.hub.broadcaster.connections_of("alice")
        transport = slow.transport
        transport.pause_reading()
        loop, wide, number = asyncio.get_running_loop(), "x" * 70, 0
        begun = loop.time()
        while loop.time() < begun + 2:  # in which a watcher that reads gets twenty
            rows = [(y, f"{number} {wide}") for y in range(24)]
            await agent.ask(**frame(3 + number, *rows, whole=number == 0))
            number += 1
        assert connection.backlog() < 64 * 1024
        transport.resume_reading()
        wire = Wire(slow)
        pictures = [await picture(wire)]
        while not texts(pictures[-1])[3].startswith(f"{number - 1} "):
            pictures.append(await picture(wire))
        seconds = loop.time() - begun
    assert len(pictures) <= seconds / CONFIRM_TIMEOUT_S + 3


@pytest.mark.parametrize(
    ("kind", "scopes", "read_only", "refusal"),
    [
        pytest.param(MemberKind.HUMAN, (Scope.APPROVER,), False, "", id="an approver"),
        pytest.param(MemberKind.HUMAN, (), False, "(watch a terminal): it requires approver", id="a person"),
        pytest.param(MemberKind.HUMAN, (Scope.ADMIN, Scope.OBSERVER), False, "requires approver", id="an admin"),
        pytest.param(MemberKind.AGENT, (), False, "requires approver", id="an agent"),
        pytest.param(MemberKind.HUMAN, (Scope.OBSERVER,), True, "read-only: it cannot watch a terminal", id="a reader"),
    ],
)
async def test_who_may_watch(
    gateway: Gateway, kind: MemberKind, scopes: tuple[Scope, ...], read_only: bool, refusal: str
) -> None:
    await gateway.member("claude")
    wish = CreateToken(name="bob", kind=kind, scopes=scopes, read_only=read_only)
    made = await run_operation(gateway.hub, system_actor(), wish)
    assert isinstance(made, TokenMade)
    async with wire_to(Endpoint(gateway.url, made.token)) as bob:
        answer = await bob.ask(op="terminal.watch", n=2, member="claude")
    assert answer.get("error", {}).get("code") == ("forbidden" if refusal else None)
    assert refusal in answer.get("error", {}).get("message", "")


@pytest.mark.parametrize(
    ("member", "code", "words"),
    [
        ("alice", "bad_request", "alice is no agent, so it has no terminal here."),
        ("cluade", "not_found", "@claude"),
        ("hidden", "forbidden", "alice is in no room with hidden"),
    ],
)
async def test_whose_terminal_can_be_watched(gateway: Gateway, member: str, code: str, words: str) -> None:
    await gateway.member("claude")
    hidden = await gateway.member("hidden")
    me = await gateway.member("alice2", MemberKind.HUMAN, Scope.APPROVER)
    async with wire_to(hidden) as agent, wire_to(me) as person:
        await agent.ask(op="room.leave", n=2, room="general")
        answer = await person.ask(op="terminal.watch", n=2, member=member)
    assert answer["error"]["code"] == code
    assert words.replace("alice is in", "alice2 is in") in json.dumps(answer["error"])


async def test_an_agent_that_has_left_is_said_to_be_gone(gateway: Gateway) -> None:
    claude = await gateway.member("claude")
    async with wire_to(claude) as agent, wire_to(gateway.operator) as person:
        await agent.ask(op="bye", n=2)
        answer = await person.ask(op="terminal.watch", n=2, member="claude")
    assert (answer["ok"]["state"], "claude has left" in answer["ok"]["text"]) == ("waiting", True)


async def test_it_ends_when_no_room_is_shared_any_more(gateway: Gateway) -> None:
    claude, bob = await gateway.member("claude"), await gateway.member("bob", MemberKind.HUMAN, Scope.APPROVER)
    async with wire_to(claude) as agent, wire_to(bob) as person:
        await person.ask(op="terminal.watch", n=2, member="claude")
        await watched_sidecar(agent)
        await agent.say(op="room.leave", n=2, room="general")
        state = (await person.until(ev="terminal.state"))[-1]
        assert (state["state"], "no room with claude" in state["text"]) == ("ended", True)
        await watched_sidecar(agent, on=False)


async def test_a_revoked_token_ends_it(gateway: Gateway) -> None:
    claude, bob = await gateway.member("claude"), await gateway.member("bob", MemberKind.HUMAN, Scope.APPROVER)
    async with wire_to(claude) as agent, wire_to(bob) as person:
        await person.ask(op="terminal.watch", n=2, member="claude")
        await watched_sidecar(agent)
        await run_operation(gateway.hub, system_actor(), RevokeToken(name="bob"))
        await watched_sidecar(agent, on=False)
        with pytest.raises(websockets.ConnectionClosed):
            await person.until(ev="never")


async def test_over_http_there_is_nothing_to_watch_on(gateway: Gateway) -> None:
    await gateway.member("claude")
    headers = {"Authorization": f"Bearer {gateway.operator.token}"}
    async with ClientSession(headers=headers) as session:
        for action in ("watch", "unwatch"):
            async with session.post(f"{gateway.url}/v1/terminals/claude/{action}") as answer:
                assert answer.status == 400
                assert "over a WebSocket" in (await answer.json())["error"]["message"]


async def test_a_sidecar_may_show_its_terminal_over_http(gateway: Gateway) -> None:
    claude = await gateway.member("claude")
    shown = {"columns": 80, "rows": 24, "whole": True, "changed": [{"y": 0, "runs": [{"text": "a"}]}]}
    async with wire_to(gateway.operator) as person, ClientSession() as session:
        await person.ask(op="terminal.watch", n=2, member="claude")
        place = f"{gateway.url}/v1/me/terminal"
        async with session.put(place, json=shown, headers={"Authorization": f"Bearer {claude.token}"}) as answer:
            assert await answer.json() == {"watched": True}
        assert texts(await picture(person)) == {0: "a"}
        mine = {"Authorization": f"Bearer {gateway.operator.token}"}
        async with session.put(place, json=shown, headers=mine) as refused:
            assert refused.status == 403


async def test_a_watch_ends_with_its_connection(gateway: Gateway) -> None:
    await gateway.member("claude")
    async with wire_to(gateway.operator) as person:
        await person.ask(op="terminal.watch", n=2, member="claude")
        assert gateway.hub.terminals.is_watched("claude")
    await retry_until(lambda: not gateway.hub.terminals.is_watched("claude"))


@pytest.mark.parametrize(
    "text", ["\x1b[2J", "\x00", "a\nb", "\x9b1m", "\u2028"], ids=["escape", "nul", "line", "c1", "ls"]
)
async def test_control_characters_of_a_sidecar_are_refused(gateway: Gateway, text: str) -> None:
    claude = await gateway.member("claude")
    async with wire_to(claude) as agent, wire_to(gateway.operator) as person:
        await person.ask(op="terminal.watch", n=2, member="claude")
        answer = await agent.ask(**frame(2, (0, text), whole=True))
        assert answer["error"]["code"] in ("invalid_text", "bad_json")
        assert (await agent.ask(**frame(3, (0, "fine"), whole=True)))["ok"] == {"watched": True}
        assert texts(await picture(person)) == {0: "fine"}


async def test_no_row_is_stored_or_logged(gateway: Gateway, capfd: pytest.CaptureFixture[str]) -> None:
    claude = await gateway.member("claude")
    async with wire_to(claude) as agent, wire_to(gateway.operator) as person:
        before = gateway.hub.committed_seq
        await person.ask(op="terminal.watch", n=2, member="claude")
        await agent.ask(**frame(2, (0, "s3cret-in-the-terminal"), whole=True))
        assert texts(await picture(person)) == {0: "s3cret-in-the-terminal"}
        await agent.ask(**frame(3, (0, "s3cret-with-a-mistake\x1b")))
        assert gateway.hub.committed_seq == before
    stored = b"".join(one.read_bytes() for one in gateway.config.state.rglob("*") if one.is_file())
    assert b"s3cret" not in stored
    assert "s3cret" not in "".join(capfd.readouterr())
