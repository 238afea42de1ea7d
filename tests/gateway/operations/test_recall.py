"""`recall` at a running gateway: what it finds over each interface, and what nobody gets by it."""

from __future__ import annotations

import pytest

from gateway.access.device_credentials import LinkedPlace
from gateway.client import Client, Endpoint, HttpClient
from gateway.protocol.errors import BadRequest, Forbidden
from gateway.protocol.requests.member_requests import CreateHands, CreateToken
from gateway.protocol.requests.message_requests import Recall, Send
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Join
from gateway.protocol.results import Accepted, Done, Recalled, TokenMade
from gateway.protocol.types.core_types import MemberKind, Scope
from gateway.rooms.share_links import narrow_request
from tests.support.gateways import Gateway
from tests.support.simple import simple_client

QUESTION = "Where is the spare key of the archive?"


async def say(client: Client, text: str, to: str | tuple[str, ...] = (), **given: object) -> int:
    return (await client.request(Send(content=text, to=to, **given), Accepted)).seq  # type: ignore[arg-type]


async def recalled(who: Endpoint, question: str = QUESTION, room: str | None = None) -> list[int]:
    async with HttpClient(who) as client:
        found = await client.ask(Recall(question=question, room=room), Recalled)
    return [one.seq for passage in found.passages for one in passage.messages]


async def test_the_thread_that_answers_a_question(gateway: Gateway) -> None:
    ann, ben = await gateway.member("ann"), await gateway.member("ben")
    async with Client(ann) as one, Client(ben) as other:
        asked = await say(one, "Does anybody know where the spare key of the archive is?")
        answer = await say(other, "In the blue tin.", reply_to=asked)
        for number in range(30):
            await say(one, f"Something else, number {number}.")
        found = await one.request(Recall(question=QUESTION, budget=200), Recalled)
    passage = found.passages[0]
    assert [(one.seq, one.from_) for one in passage.messages] == [(asked, "ann"), (answer, "ben")]
    assert passage.messages[1].reply_to == asked and passage.messages[1].text == "In the blue tin."
    assert found.tokens <= 200 and found.vectors is None


async def test_nobody_gets_what_it_may_not_read(gateway: Gateway) -> None:
    ann, ben, eve = [await gateway.member(name) for name in ("ann", "ben", "eve")]
    olga = await gateway.member("olga", MemberKind.TOOL, Scope.OBSERVER)
    async with Client(ann) as one, Client(ben) as other:
        await one.request(CreateRoom(room="vault", invite_only=True), Done)
        await one.request(Invite(room="vault", member="ben"), Done)
        await other.request(Join(room="vault"), Done)
        closed = await say(one, "The spare key of the archive is under the mat.", room="vault")
        direct = await say(one, "The spare key of the archive is in my desk.", to="@ben")
        public = await say(one, "The archive is cold.")
        hidden_answer = await say(other, "I moved it.", to="@ann", reply_to=public)
    assert set(await recalled(eve)) == {public}
    assert {closed, direct, public, hidden_answer} <= set(await recalled(ben))
    assert {closed, direct} <= set(await recalled(olga))
    with pytest.raises(Exception, match="no room"):
        await recalled(eve, room="vault")
    assert closed in await recalled(ben, room="vault")
    assert direct not in await recalled(ben, room="vault")


def test_whoever_reads_by_a_link_recalls_nothing() -> None:
    for place in (LinkedPlace("general"), LinkedPlace("general", thread=3)):
        with pytest.raises(Forbidden):
            narrow_request(place, Recall(question=QUESTION))


async def test_over_http_and_with_bad_questions(gateway: Gateway) -> None:
    ann = await gateway.member("ann")
    async with Client(ann) as one:
        number = await say(one, "The spare key of the archive is lost.")
        for question in ("?!", "--"):
            with pytest.raises(BadRequest, match="no word"):
                await one.request(Recall(question=question), Recalled)
    async with simple_client(gateway.url, ann.token) as client:
        answer = await client.get("/v1/recall?question=where+is+the+key&budget=100")
        assert answer.status == 200 and answer.body["passages"][0]["messages"][0]["seq"] == number
        assert (await client.get("/v1/recall?question=key&budget=1")).status == 400
        assert (await client.get("/v1/recall")).status == 400


async def test_a_read_only_token_and_the_agents_tools_may_recall(gateway: Gateway) -> None:
    ann = await gateway.member("ann")
    async with Client(ann) as one:
        number = await say(one, "The spare key of the archive is lost.")
        request = CreateToken(name="rita", kind=MemberKind.HUMAN, read_only=True)
    await gateway.member("rita", MemberKind.HUMAN)
    async with Client(gateway.operator) as operator:
        made = await operator.request(request, TokenMade)
    assert await recalled(Endpoint(gateway.url, made.token)) == [number]
    async with Client(await gateway.member("bot", MemberKind.AGENT)) as agent:
        hands = await agent.request(CreateHands(), TokenMade)
    assert await recalled(Endpoint(gateway.url, hands.token)) == [number]
