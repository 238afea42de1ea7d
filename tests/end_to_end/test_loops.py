"""Agents that answer every message with a mention of each other are stopped, reported and continued, whichever process
dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from gateway.client import Client, Endpoint
from gateway.protocol.events import Control, ControlAction, MemberView, Receipt
from gateway.protocol.requests.agent_requests import Continue
from gateway.protocol.requests.connection_requests import Hello, Status
from gateway.protocol.requests.member_requests import CreateToken, Members
from gateway.protocol.requests.message_requests import Poll, Send
from gateway.protocol.results import Accepted, Continued, Health, Inbox, MemberList, TokenMade
from gateway.protocol.types.core_types import MessageKind, Rung
from tests.end_to_end.desk_session import DEMO, Session, a_session
from tests.fakes.retry import retry_until
from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess

PATIENCE = 60.0


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[GatewayProcess]:
    process = GatewayProcess(tmp_path / "state", "--max-hops", "4")
    with process.running():
        yield process


class Pair:
    """ada and ben with an inbox each, and alice."""

    def __init__(self, alice: Client, ada: Client, ben: Client) -> None:
        self.alice, self.agents = alice, {"ada": ada, "ben": ben}

    async def tripped(self) -> tuple[Accepted, ...]:
        """They answer each other until a message is held; returns the last answer."""
        last = await self.alice.send("begin", to="@ada")
        said = []
        for number in range(4):
            me, other = ("ada", "ben") if number % 2 == 0 else ("ben", "ada")
            wish = {"to": f"@{other}", "kind": MessageKind.REPLY, "reply_to": last.seq}
            last = await self.agents[me].send(f"{number} and more", **wish)
            said.append(last)
        assert [bool(one.deliveries) for one in said] == [True, True, True, False]
        return tuple(said)


async def pair_at(gateway: GatewayProcess, stack: AsyncExitStack) -> Pair:
    alice = await stack.enter_async_context(Client(gateway.operator, patient=True))
    clients = []
    for name in ("ada", "ben"):
        made = await alice.request(CreateToken(name=name), TokenMade)
        end = Endpoint(gateway.url, made.token)
        clients.append(await stack.enter_async_context(Client(end, Hello(inbox=True), patient=True)))
    return Pair(alice, *clients)


async def test_a_gateway_that_is_killed_still_knows_who_sleeps_and_wakes_them_once(gateway: GatewayProcess) -> None:
    async with AsyncExitStack() as stack:
        pair = await pair_at(gateway, stack)
        *_, slept = await pair.tripped()
        gateway.kill()
        gateway.start()
        health = await pair.alice.request(Status(), Health)
        assert [(one.room, one.asleep) for one in health.brakes] == [("general", 1)]
        assert health.limits.max_hops == 4
        assert {one.name: one.answers for one in health.costs} == {"ada": 2, "ben": 2}
        assert [one.hops_left for one in await agents(pair)] == [0, 0]
        done = Groupchat(gateway.state, quick=True)("continue", "--json").json
        assert [(one["message"], one["member"]) for one in done["woken"]] == [(slept.seq, "ada")]
        await heard_again(pair.agents["ada"], slept.seq)
        inbox = await pair.agents["ada"].request(Poll(), Inbox)
        assert [one.seq for one in inbox.messages][-1:] == [slept.seq]
        gateway.kill()
        gateway.start()
        assert await pair.alice.request(Continue(), Continued) == Continued(())
        assert (await pair.agents["ada"].request(Poll(), Inbox)).messages == ()
        answer = Send(content="on we go", to="@ben", reply_to=slept.seq, kind=MessageKind.REPLY)
        assert (await pair.agents["ada"].request(answer, Accepted)).deliveries
        assert [one.hops_left for one in await agents(pair)] == [None, None]


async def agents(pair: Pair) -> list[MemberView]:
    found = (await pair.alice.request(Members(), MemberList)).agents
    return [one for one in found if one.name in pair.agents]


async def heard_again(client: Client, number: int) -> None:
    """A delivery, and the order to fetch the held message."""
    missing = {"ladder", "order"}
    async with asyncio.timeout(PATIENCE):
        async for event in client.events():
            if isinstance(event, Receipt) and event.message == number and event.steps[-1].rung is Rung.QUEUED:
                missing.discard("ladder")
            if isinstance(event, Control) and event.action is ControlAction.RETRY and event.message == number:
                missing.discard("order")
            if not missing:
                return


async def test_over_http_only_a_person_may_let_them_go_on(gateway: GatewayProcess) -> None:
    async with AsyncExitStack() as stack:
        pair = await pair_at(gateway, stack)
        *_, slept = await pair.tripped()
        session = await stack.enter_async_context(aiohttp.ClientSession(gateway.url))
        for token, status in ((pair.agents["ada"].endpoint.token, 403), (gateway.operator.token, 200)):
            headers = {"Authorization": f"Bearer {token}"}
            async with session.post("/v1/continue", json={"room": "general"}, headers=headers) as answer:
                assert answer.status == status
                told = await answer.json()
        assert [one["message"] for one in told["woken"]] == [slept.seq]
        words = Groupchat(gateway.state, quick=True)("continue", "#general")
        assert (words.code, words.out.strip()) == (0, "Nothing is held by a loop guard.")


SCRIPT = '[[turn]]\nmatch = ""\nanswer = "@{other} I see what you mean, and what else is there to say of it?"\n'
TEAM = """
[gateway]
port = 0
[limits]
max_hops = 4
"""


async def test_two_agents_in_terminals_stop_by_themselves_and_go_on_when_a_person_says_so(tmp_path: Path) -> None:
    team = TEAM
    for name, other in (("ada", "ben"), ("ben", "ada")):
        script = tmp_path / f"{name}.toml"
        script.write_text(SCRIPT.format(other=other))
        team += f'[[agents]]\nname = "{name}"\ncommand = "{DEMO} --script {script}"\n'
    (tmp_path / "team.toml").write_text(team)
    async with a_session(tmp_path) as session:
        assert session.groupchat("up", "--yes", "--detach").code == 0
        await session.shows("ada", "idle")
        session.say("@ada begin")
        await session.shows("Loop guard: agents have answered each other 4 times", "0 hops left")
        assert between(session) == 4
        session.kill_gateway()
        session.say("/restart gateway")
        session.say("/continue")
        await session.shows("alice lifted the loop guard for all agents. Delivered now:")
        await retry_until(lambda: len(lines(session, "Loop guard")) == 2, PATIENCE * 2)
        assert between(session) == 8
        assert not [one for one in session.messages() if one["from"] in ("ada", "ben") and one["hops"] > 4]


def between(session: Session) -> int:
    """The number of messages between the two."""
    return sum(one["from"] in ("ada", "ben") and one["to"][0] in ("@ada", "@ben") for one in session.messages())


def lines(session: Session, words: str) -> list[str]:
    return [one for one in session.said_by("system") if words in one]
