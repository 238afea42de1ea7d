"""Asking the people, proposing and voting, as a client of the tools does it."""

from __future__ import annotations

import asyncio

import pytest

from gateway.client import Client, Endpoint
from gateway.mcp.server import describe_tool
from gateway.mcp.tools import TOOLS
from gateway.protocol.requests.decision_requests import AnswerDecision, Decisions
from gateway.protocol.requests.room_requests import CreateRoom, Leave
from gateway.protocol.results import DecisionList, DecisionView, Done
from tests.fakes.retry import retry_until
from tests.support.gateways import Gateway
from tests.support.mcp_clients import peer

MINE = ("ask_human", "propose", "vote")


@pytest.fixture
async def ada(gateway: Gateway) -> Endpoint:
    return await gateway.member("ada")


@pytest.fixture
async def ben(gateway: Gateway) -> Endpoint:
    return await gateway.member("ben")


def waits(gateway: Gateway, name: str) -> bool:
    return bool(gateway.hub.state.live[name].waits)


async def decide(person: Client, choice: str, reason: str = "") -> None:
    (open_,) = (await person.request(Decisions(), DecisionList)).decisions
    await person.request(AnswerDecision(decision=open_.id, choice=choice, reason=reason), DecisionView)


def test_they_say_much_in_few_words() -> None:
    sizes = [len(describe_tool(TOOLS[name]).model_dump_json(by_alias=True, exclude_none=True)) for name in MINE]
    assert sum(sizes) <= 1600


@pytest.mark.processes
async def test_a_person_answers_while_the_agent_waits(gateway: Gateway, ada: Endpoint) -> None:
    async with Client(gateway.operator) as alice, peer(ada) as one:
        asking = asyncio.gather(one("ask_human", question="Which database?", options=["Postgres", "SQLite with WAL"]))
        await retry_until(lambda: waits(gateway, "ada"))
        await decide(alice, "B", "one file")
        (answer,) = await asyncio.wait_for(asking, 60)
        assert answer.splitlines()[1:] == ["alice:", "| B", "| one file"]
        assert "Decided: B (SQLite with WAL) by alice." in answer
        assert await one("peer_read") == "No new messages.", "it was told once"


@pytest.mark.processes
async def test_an_answer_in_words_comes_whole(gateway: Gateway, ada: Endpoint) -> None:
    long = "\n".join(f"line {number} of what I think" for number in range(40))
    async with Client(gateway.operator) as alice, peer(ada) as one:
        asking = asyncio.gather(one("ask_human", question="What do you think?"))
        await retry_until(lambda: waits(gateway, "ada"))
        await decide(alice, long)
        (answer,) = await asyncio.wait_for(asking, 60)
        assert answer.endswith("\n".join(f"| {line}" for line in long.splitlines()))


@pytest.mark.processes
async def test_a_late_answer_is_not_lost(gateway: Gateway, ada: Endpoint) -> None:
    async with Client(gateway.operator) as alice, peer(ada) as one:
        nothing = await one("ask_human", question="Which?", options=["red", "blue"], timeout=0.2)
        assert nothing.startswith("No answer within 0.2 s. d-") and "reply_to=" in nothing
        number = int(nothing.partition("reply_to=")[2].split()[0])
        waiting = asyncio.gather(one("peer_wait", reply_to=number, timeout=20))
        await retry_until(lambda: waits(gateway, "ada"))
        await decide(alice, "blue")
        (heard,) = await asyncio.wait_for(waiting, 60)
        assert f"answers #{number}" in heard and "| - alice: blue" in heard
        assert await one("peer_read") == "No new messages."


async def test_where_no_person_is_it_stays_open(gateway: Gateway, ada: Endpoint) -> None:
    async with peer(ada) as one:
        answer = await one("ask_human", question="Anybody?", timeout=30)
        assert answer.startswith("No person is connected now. d-")
        async with Client(gateway.operator) as alice:
            await decide(alice, "I am here.")
        assert "| - alice: I am here." in await one("peer_read")


async def test_who_gives_up_waiting_hears_it_later(gateway: Gateway, ada: Endpoint) -> None:
    async with Client(gateway.operator) as alice:
        async with peer(ada) as one:
            asking = asyncio.gather(one("ask_human", question="Which?", timeout=40))
            await retry_until(lambda: waits(gateway, "ada"))
            asking.cancel()
        await retry_until(lambda: not waits(gateway, "ada"))
        await decide(alice, "this one")
    async with peer(ada) as one:
        assert "| - alice: this one" in await one("peer_read")


async def test_it_is_asked_in_the_room_where_the_agent_is(gateway: Gateway, ada: Endpoint) -> None:
    async with Client(ada) as client, peer(ada) as one:
        await client.request(CreateRoom(room="lab"), Done)
        await client.request(Leave(room="general"), Done)
        await one("ask_human", question="Anybody?", timeout=0.1)
        (asked,) = (await client.request(Decisions(), DecisionList)).decisions
        assert asked.room == "lab"


async def test_peers_decide(gateway: Gateway, ada: Endpoint, ben: Endpoint) -> None:
    cleo = await gateway.member("cleo")
    async with peer(ada) as one, peer(ben) as two, peer(cleo) as three:
        asking = asyncio.gather(one("propose", question="Which?", to=["ben", "cleo"], options=["red", "blue"], wait=30))
        await retry_until(lambda: waits(gateway, "ada"))
        open_ = await two("vote")
        key = open_.split()[0]
        assert open_.splitlines() == [f"{key} by ada, majority of ben, cleo, pending: red; blue", "| Which?"]
        assert (
            await two("vote", decision=key, choice="red", reason="warm") == f"Your answer counts. {key} is still open."
        )
        assert "Its options are: red, blue." in await three("vote", decision=key, choice="green")
        ended = await three("vote", decision=key, choice="red")
        assert ended.splitlines() == [
            f"{key}: Decided: red by 2 of 2 (majority).",
            *("ben:", "| red", "| warm"),
            *("cleo:", "| red"),
        ]
        (told,) = await asyncio.wait_for(asking, 60)
        assert told == f"{key} was sent to ben, cleo.\n{ended}"
        assert "is already decided" in await two("vote", decision=key, choice="blue")
        assert await two("vote") == "No open decisions."


async def test_a_proposal_to_one_is_accepted_and_completed(gateway: Gateway, ada: Endpoint, ben: Endpoint) -> None:
    async with peer(ada) as one, peer(ben) as two:
        key = (await one("propose", question="Review it by noon", to="ben")).split()[0]
        assert f"#{gateway.hub.state.decisions[key].asked} ada (agent) to ben" in await two("peer_read")
        assert await two("vote", decision=key, choice="accept") == f"{key}: Accepted by ben.\nben:\n| accept"
        assert "ben (agent) to ada" in await one("peer_read")
        assert (await one("vote", decision=key, choice="complete")).startswith(f"{key}: Completed by ada.")


async def test_what_goes_wrong_is_a_sentence(gateway: Gateway, ada: Endpoint, ben: Endpoint) -> None:
    async with peer(ada) as one:
        for answer, words in (
            (await one("propose", question="x", to="bne"), "Did you mean @ben"),
            (await one("propose", question="x", rule="most"), "Unknown rule"),
            (await one("propose", question=" "), "question is empty"),
            (await one("vote", decision="d-77", choice="a"), "no decision 'd-77'"),
            (await one("ask_human", question="x", options=["only"]), "at least two"),
        ):
            assert answer.startswith("!") and words in answer, answer
