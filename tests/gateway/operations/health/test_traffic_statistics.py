"""What is counted of a running gateway, who sees it, and that a restart begins anew."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.operations.health import traffic_statistics
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests.connection_requests import Hello, Stats
from gateway.protocol.requests.member_requests import CreateToken, WhoAmI
from gateway.protocol.requests.message_requests import Cancel, Poll, Report, Send
from gateway.protocol.results import Accepted, Done, Identity, Inbox, Statistics, TokenMade, TrafficFigures
from gateway.protocol.types.core_types import MemberKind, Rung, Scope, Step
from gateway.statistics.prometheus_page import Shows
from gateway.statistics.traffic import TrafficTable
from tests.fakes.retry import retry_until
from tests.support.gateways import TEAM_TOKEN, Gateway, GatewayProcess
from tests.support.simple import simple_client


async def stats(client: Client) -> Statistics:
    return await client.request(Stats(), Statistics)


def row(found: Statistics, name: str) -> TrafficFigures:
    return next(one.traffic for one in found.members if one.name == name)


async def test_messages_count_for_their_sender_once(gateway: Gateway) -> None:
    async with Client(gateway.operator) as alice:
        first = await alice.request(Send(content="one", id="m1"), Accepted)
        again = await alice.request(Send(content="one", id="m1"), Accepted)
        await alice.send("two")
        found = await stats(alice)
    assert (again.seq, again.duplicate) == (first.seq, True)
    assert (row(found, "alice").sent, found.total.sent) == (2, 2)
    assert row(found, "alice").sent_per_second > 0


HANDOVERS: list[tuple[str, tuple[Rung, ...], dict[str, int]]] = [
    ("taken", (Rung.TYPED, Rung.SUBMITTED, Rung.ACCEPTED), {"taken": 1}),
    ("taken at once and seen", (Rung.ACCEPTED, Rung.SEEN, Rung.ANSWERED), {"taken": 1}),
    ("not yet", (Rung.HELD,), {"waiting": 1}),
    ("failed", (Rung.TYPED, Rung.FAILED), {"failed": 1}),
    ("taken, and its turn was lost", (Rung.ACCEPTED, Rung.FAILED), {"taken": 1, "failed": 1}),
]


@pytest.mark.parametrize(("rungs", "counted"), [one[1:] for one in HANDOVERS], ids=[one[0] for one in HANDOVERS])
async def test_a_delivery_ends_once(gateway: Gateway, rungs: tuple[Rung, ...], counted: dict[str, int]) -> None:
    """Each rung is reported by itself, as a sidecar does."""
    claude = await gateway.member("claude")
    async with Client(gateway.operator) as alice, Client(claude, Hello(inbox=True)) as agent:
        sent = await alice.send("hello", to="@claude")
        for rung in rungs:
            await agent.request(Report(message=sent.seq, steps=(Step(rung),)), Done)
        found = await stats(alice)
    for seen in (row(found, "claude"), found.total):
        ends = {name: getattr(seen, name) for name in ("taken", "failed", "expired", "cancelled", "waiting")}
        assert {name: count for name, count in ends.items() if count} == counted
        assert seen.latency.count == counted.get("taken", 0)
        assert (seen.latency.p50 is not None) == bool(counted.get("taken"))


async def test_every_way_of_taking_and_ending_a_message_is_counted(gateway: Gateway) -> None:
    """A poll, an answer without a report, a message past its ttl, and a cancelled one."""
    poller, answerer = await gateway.member("poller"), await gateway.member("answerer")
    async with (
        Client(gateway.operator) as alice,
        Client(poller, Hello(inbox=True)) as polls,
        Client(answerer, Hello(inbox=True)) as answers,
    ):
        await alice.send("take it", to="@poller")
        assert len((await polls.request(Poll(), Inbox)).messages) == 1
        asked = await alice.send("answer it", to="@answerer")
        await answers.send("I do", reply_to=asked.seq)
        withdrawn = await alice.send("no, wait", to="@answerer")
        await alice.request(Cancel(message=withdrawn.seq), Done)
        await alice.send("quickly", to="@answerer", ttl=0.2)

        async def expired() -> bool:
            return row(await stats(alice), "answerer").expired == 1

        async with asyncio.timeout(60):
            while not await expired():
                await asyncio.sleep(0.05)
        found = await stats(alice)
    assert (row(found, "poller").taken, row(found, "answerer").taken, row(found, "answerer").cancelled) == (1, 1, 1)
    assert (found.total.taken, found.total.cancelled, found.total.expired) == (2, 1, 1)
    assert row(found, "poller").latency.count == row(found, "answerer").latency.count == 1


async def test_refused_requests_count_for_their_member_on_every_interface(gateway: Gateway) -> None:
    claude = await gateway.member("claude")
    async with Client(claude) as agent:
        with pytest.raises(GroupChatError):
            await agent.send("hello", to="@nobody")
    async with simple_client(gateway.url, claude.token) as rest:
        assert (await rest.get("/v1/messages", limit="x")).status == 400
        assert (await rest.post("/agent-output", content="hi", to="@nobody")).status >= 400
    async with simple_client(gateway.url, "wrong") as stranger:
        assert (await stranger.get("/v1/ping")).status == 401
    async with Client(gateway.operator) as alice:
        found = await stats(alice)
    assert row(found, "claude").refused == 3
    assert 0 < row(found, "claude").error_rate <= 1
    assert found.total.refused == 4, "a caller without a token is nobody's"


async def test_connected_members_are_counted_by_kind(gateway: Gateway) -> None:
    claude, bob = await gateway.member("claude"), await gateway.member("bob", MemberKind.HUMAN)
    async with Client(gateway.operator) as alice:
        async with Client(claude), Client(claude), Client(bob):
            seen = await stats(alice)
        await retry_until(lambda: len(gateway.hub.broadcaster) == 1)
        after = await stats(alice)
    assert seen.connected == {"human": 2, "agent": 1, "tool": 0}
    assert after.connected == {"human": 1, "agent": 0, "tool": 0}
    assert {one.name: one.connected for one in after.members} == {"alice": True, "system": False}


SEES_ALL = [
    ("alice", True),
    ("team", True),
    ("bob", True),
    ("olga", True),
    ("adam", True),
    ("reader", True),
    ("claude", False),
    ("tom", False),
    ("arthur", False),
]


async def test_who_sees_everyones_figures(gateway: Gateway) -> None:
    made = {
        "bob": await gateway.member("bob", MemberKind.HUMAN),
        "olga": await gateway.member("olga", MemberKind.AGENT, Scope.OBSERVER),
        "adam": await gateway.member("adam", MemberKind.AGENT, Scope.ADMIN),
        "claude": await gateway.member("claude"),
        "tom": await gateway.member("tom", MemberKind.TOOL),
        "arthur": await gateway.member("arthur", MemberKind.AGENT, Scope.APPROVER),
    }
    tokens = {name: one.token for name, one in made.items()}
    async with Client(gateway.operator) as alice:
        wish = CreateToken(name="reader", kind=MemberKind.TOOL, read_only=True)
        tokens |= {"reader": (await alice.request(wish, TokenMade)).token, "alice": gateway.operator.token}
        await alice.send("hello")
    tokens["team"] = TEAM_TOKEN
    for name, sees_all in SEES_ALL:
        async with simple_client(gateway.url, tokens[name]) as client:
            await client.get("/v1/me")
            answers = [(await client.get(path)).body for path in ("/stats", "/v1/stats")]
        for found in answers:
            names = {one["name"] for one in found["members"]}
            assert ("alice" in names) is sees_all, name
            assert ("others" in found) is sees_all, name
            assert sees_all or names == {name}, name
            assert found["total"]["sent"] == 1, "the total is for everyone"


async def test_an_agents_tools_get_none(gateway: Gateway) -> None:
    async with simple_client(gateway.url, (await gateway.member("claude")).token) as claude:
        hands = (await claude.post("/v1/me/hands")).body["token"]
    async with simple_client(gateway.url, hands) as tools:
        answers = [await tools.get(path) for path in ("/stats", "/v1/stats", "/metrics")]
    assert [one.status for one in answers] == [403, 403, 403]


async def test_a_restart_counts_anew_and_what_waits_is_still_there(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state")
    seen: list[Statistics] = []
    for _ in range(2):
        with process.running():
            async with Client(process.operator) as alice:
                if not seen:
                    bob = await alice.request(CreateToken(name="bob"), TokenMade)
                    async with simple_client(process.url, bob.token) as polls:
                        await polls.ask("POST", "/v1/hello", body={"inbox": True})
                    await alice.send("wait for me", to="@bob")
                await alice.request(WhoAmI(), Identity)
                seen.append(await stats(alice))
            process.stop()
    before, after = seen
    assert (before.total.sent, before.total.waiting) == (1, 1)
    assert (after.total.sent, after.total.taken, after.total.waiting) == (0, 0, 1)
    assert after.since > before.since
    assert after.uptime < 60


async def test_a_member_that_has_done_nothing_has_a_row_while_messages_wait_for_it(gateway: Gateway) -> None:
    sleeper = await gateway.member("sleeper")
    async with simple_client(gateway.url, sleeper.token) as client:
        await client.ask("POST", "/v1/hello", body={"inbox": True})
    gateway.hub.metrics.traffic = TrafficTable()  # as after a restart
    async with Client(gateway.operator) as alice:
        await alice.send("wake up", to="@sleeper")
        found = await stats(alice)
        gateway.hub.metrics.traffic.limit = 1
        full = await stats(alice)
    assert found.others is not None
    assert full.others is not None
    assert (row(found, "sleeper").waiting, found.others.waiting) == (1, 0)
    assert ([one.name for one in full.members], full.others.waiting) == (["alice"], 1)
    assert (
        'groupchat_member_queue_depth{member="(others)"} 1'
        in traffic_statistics.metrics_page(gateway.hub, Shows()).decode()
    )
