"""Decisions and sessions with a gateway around them: every interface, time, kill -9, a store that fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gateway.client import Client, Endpoint
from gateway.protocol.errors import GroupChatError, NotFound, StorageFull
from gateway.protocol.events import DecisionEvent, Message, SessionEvent
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.decision_requests import AnswerDecision, CloseDecision, Decisions, Propose, ShowDecision
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.requests.message_requests import Poll, Send
from gateway.protocol.requests.room_requests import Leave
from gateway.protocol.requests.session_requests import CloseSession, OpenSession, SessionMessages, ShowSession
from gateway.protocol.requests.shared_document_requests import PutContext
from gateway.protocol.results import (
    Accepted,
    ContextSaved,
    DecisionList,
    DecisionView,
    Done,
    Inbox,
    MessageList,
    SessionDetail,
    SessionView,
    TokenMade,
)
from gateway.protocol.types.core_types import MemberKind, MessageKind
from gateway.protocol.types.decision_types import Decision, DecisionAction, DecisionState
from tests.support.assembled import StumblingStore, assembled
from tests.support.gateways import Gateway, GatewayProcess
from tests.support.simple import SimpleClient, simple_client

S = DecisionState
T = TypeVar("T")


@pytest.fixture
async def rest(gateway: Gateway) -> AsyncIterator[SimpleClient]:
    async with simple_client(gateway.url, gateway.operator.token) as client:
        yield client


async def with_voters(client: Client, endpoint_of: str, *names: str) -> list[Endpoint]:
    """Agents with an inbox."""
    found = []
    for name in names:
        made = await client.request(CreateToken(name=name), TokenMade)
        found.append(Endpoint(endpoint_of, made.token))
        async with Client(found[-1], Hello(inbox=True)):
            pass
    return found


async def propose(client: Client, **fields: Any) -> Decision:
    asked = Propose(**{"question": "Which database?", "options": ("Postgres", "SQLite"), **fields})
    return (await client.request(asked, DecisionView)).decision


async def vote(client: Client, decision: Decision, choice: str) -> Decision:
    return (await client.request(AnswerDecision(decision=decision.id, choice=choice), DecisionView)).decision


async def until(client: Client, kind: type[T], check: Callable[[T], bool]) -> T:
    """The first event of this kind that is the one."""
    async with asyncio.timeout(60):
        async for event in client.events():
            if isinstance(event, kind) and check(event):
                return event
    raise AssertionError("the stream ended")


async def shown(client: Client, decision: Decision) -> Decision:
    return (await client.request(ShowDecision(decision=decision.id), DecisionView)).decision


async def test_a_vote_of_a_room_from_question_to_result(gateway: Gateway) -> None:
    async with Client(gateway.operator) as alice:
        ada, ben = await with_voters(alice, gateway.url, "ada", "ben")
        decision = await propose(alice)
        async with Client(ada, Hello(inbox=True)) as one, Client(ben, Hello(inbox=True)) as other:
            (asked,) = (await one.request(Poll(), Inbox)).messages
            assert (asked.from_, asked.kind, asked.seq) == ("alice", MessageKind.TASK, decision.asked)
            await one.request(Send(content="VOTE: SQLite because it is one file", reply_to=asked.seq), Accepted)
            assert (await vote(other, decision, "sqlite")).state is S.DECIDED
        for action in DecisionAction:
            await until(alice, DecisionEvent, lambda one, action=action: one.action is action)  # type: ignore[misc]
        result = await until(alice, Message, lambda one: one.from_ == "system" and one.reply_to == decision.asked)
        assert result.content.splitlines() == [
            f"Decided: SQLite by 2 of 2 (majority). {decision.id}: Which database?",
            "- ada: SQLite, because it is one file",
            "- ben: SQLite",
        ]


async def test_over_rest(rest: SimpleClient, gateway: Gateway) -> None:
    await gateway.member("ben")
    made = await rest.ask("POST", "/v1/decisions", body={"question": "Go on?", "voters": ["ben", "alice"]})
    key = made.body["decision"]["id"]
    assert [one["id"] for one in (await rest.get("/v1/decisions")).body["decisions"]] == [key]
    wrong = await rest.ask("POST", f"/v1/decisions/{key}/answer", body={"choice": "maybe"})
    assert (wrong.status, wrong.body["error"]["code"]) == (400, "bad_request")
    voted = await rest.ask("POST", f"/v1/decisions/{key}/answer", body={"choice": "yes"})
    assert voted.status == 200, voted.body
    assert voted.body["decision"]["answers"][0]["choice"] == "yes"
    ended = await rest.ask("POST", f"/v1/decisions/{key}/close", body={})
    assert ended.body["decision"]["result"] == "Decided: yes by 1 of 2 (majority); ben did not vote."
    assert (await rest.get(f"/v1/decisions/{key}")).body["decision"]["state"] == "decided"
    assert (await rest.get("/v1/decisions/d-999999")).status == 404


async def test_time_ends_it(gateway: Gateway) -> None:
    async with Client(gateway.operator) as alice:
        await with_voters(alice, gateway.url, "ada", "ben")
        decision = await propose(alice, expires_in=0.2)
        event = await until(alice, DecisionEvent, lambda one: one.action is DecisionAction.CLOSED)
        assert event.decision.result == "Time is over: nobody answered."
        with pytest.raises(GroupChatError, match="already expired"):
            await alice.request(CloseDecision(decision=decision.id), DecisionView)


async def test_what_two_agree_on_is_theirs(gateway: Gateway) -> None:
    async with Client(gateway.operator) as alice:
        ada, ben = await with_voters(alice, gateway.url, "ada", "ben")
        async with Client(ada) as one, Client(ben) as other:
            proposal = await propose(one, to="@alice", options=())
            with pytest.raises(NotFound):
                await shown(other, proposal)
            await alice.request(AnswerDecision(decision=proposal.id, choice="yes"), DecisionView)
            await alice.send("that was all")
            first = await until(other, Message, lambda one: True)
            assert first.content == "that was all", "nothing of it came to anybody else"
            assert (await shown(one, proposal)).state is S.ACCEPTED


async def test_it_outlives_the_gateway(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state")
    with process.running():
        async with Client(process.operator) as alice:
            ada, ben, _ = await with_voters(alice, process.url, "ada", "ben", "cleo")
            decision = await propose(alice)
            late = await propose(alice, expires_in=0.5)
            async with Client(ada) as one:
                await vote(one, decision, "SQLite")
        process.kill()
        process.start()
        async with Client(process.operator) as alice:
            assert [one.choice for one in (await shown(alice, decision)).answers] == ["SQLite"]
            assert [one.id for one in alice.welcome.decisions if one.id == decision.id] == [decision.id]
            async with Client(ben) as other:
                ended = await vote(other, decision, "SQLite")
            assert (ended.state, ended.outcome) == (S.DECIDED, "SQLite")
        async with Client(process.operator, Hello(since=0)) as watching:
            last = await until(watching, DecisionEvent, lambda one: one.decision.id == late.id and one.decision.over)
            assert last.decision.state is S.EXPIRED
        process.kill()
        process.start()
        async with Client(process.operator) as alice:
            assert (await shown(alice, decision)) == ended
            listed = await alice.request(Decisions(all=True), DecisionList)
            assert {one.id for one in listed.decisions} == {decision.id, late.id}
            with pytest.raises(GroupChatError, match="already decided"):
                async with Client(ada) as one:
                    await vote(one, decision, "Postgres")


async def test_what_memory_forgot_is_still_shown(gateway: Gateway) -> None:
    async with Client(gateway.operator) as alice:
        await with_voters(alice, gateway.url, "ada")
        decision = await propose(alice)
        ended = (await alice.request(CloseDecision(decision=decision.id, cancel=True), DecisionView)).decision
        del gateway.hub.state.decisions[decision.id]
        assert await shown(alice, decision) == ended


async def test_a_vote_that_could_not_be_stored_was_not_given(tmp_path: Path) -> None:
    store = StumblingStore(tmp_path / "log.db")
    async with assembled(tmp_path, store=store) as gateway, Client(gateway.operator) as alice:
        ada, _ = await with_voters(alice, gateway.url, "ada", "ben")
        decision = await propose(alice)
        async with Client(ada) as one:
            store.stumble = lambda: StorageFull("The disk is full.")
            with pytest.raises(StorageFull):
                await vote(one, decision, "SQLite")
            store.stumble = None
            assert (await shown(alice, decision)).answers == ()
            assert len((await vote(one, decision, "SQLite")).answers) == 1


# sessions


async def test_a_session_and_all_that_belongs_to_it(gateway: Gateway) -> None:
    ben = await gateway.member("ben")
    async with Client(gateway.operator) as alice, Client(ben) as other:
        await alice.send("before")
        opened = OpenSession(session="storage", goal="choose", participants=("ben",), deadline_in=3600)
        session = (await alice.request(opened, SessionView)).session
        await other.send("I say SQLite.")
        decision = await propose(alice, voters=("ben",))
        await vote(other, decision, "SQLite")
        for name in ("storage", "storage.notes", "other"):
            await alice.request(PutContext(scope="#general", name=name, document={"a": 1}), ContextSaved)
        await alice.request(CloseSession(session="storage", closing="SQLite."), SessionView)
        await alice.send("after")
        found = await alice.request(ShowSession(session="storage"), SessionDetail)
        assert found.session.number == session.number and found.session.closing == "SQLite."
        assert [(one.id, one.outcome) for one in found.decisions] == [(decision.id, "SQLite")]
        assert [one.name for one in found.contexts] == ["other", "storage", "storage.notes"]
        said = await alice.request(SessionMessages(session="storage"), MessageList)
        texts = [one.content.partition("\n")[0] for one in said.messages]
        result = f"Decided: SQLite by 1 of 1 (majority). {decision.id}: Which database?"
        assert texts == ["I say SQLite.", "Which database?", result]
        first = await alice.request(SessionMessages(session="storage", limit=1), MessageList)
        assert (len(first.messages), first.more) == (1, True)
        rest = await alice.request(SessionMessages(session="storage", after=first.messages[-1].seq), MessageList)
        assert [one.seq for one in rest.messages] == [one.seq for one in said.messages[1:]]


async def test_a_deadline_outlives_the_gateway(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state")
    with process.running():
        async with Client(process.operator) as alice:
            await alice.request(OpenSession(session="storage", deadline_in=0.7), SessionView)
        process.kill()
        process.start()
        async with Client(process.operator, Hello(since=0)) as alice, asyncio.timeout(60):
            assert [one.name for one in alice.welcome.sessions] == ["storage"]
            seen: list[str] = []
            async for event in alice.events():
                if isinstance(event, SessionEvent):
                    seen.append(str(event.action))
                if isinstance(event, Message) and event.from_ == "system" and "deadline" in event.content:
                    break
            assert seen == ["opened", "overdue"]


async def test_a_stranger_hears_of_no_session(gateway: Gateway) -> None:
    ben = await gateway.member("ben", MemberKind.AGENT)
    async with Client(gateway.operator) as alice:
        await alice.request(OpenSession(session="storage"), SessionView)
        async with Client(ben) as other:
            await other.request(Leave(room="general"), Done)
            with pytest.raises(NotFound):
                await other.request(ShowSession(session="storage"), SessionDetail)
