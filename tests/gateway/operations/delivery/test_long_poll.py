"""Waiting for what comes into an inbox: answered at once, taken once, and told where waiting is of no use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import pytest

from gateway.access.permissions import Actor
from gateway.client import Client, Endpoint, HttpClient
from gateway.operations.delivery.inbox_operations import plan_hand_over, waiting_messages
from gateway.operations.delivery.long_poll import find_wait_circle
from gateway.operations.dispatch import run_operation
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import Forbidden, GroupChatError, Unauthorized, WrongRung
from gateway.protocol.requests.agent_requests import Keys, SetActivity
from gateway.protocol.requests.approval_requests import OpenAsk
from gateway.protocol.requests.connection_requests import Bye, Hello, Ping
from gateway.protocol.requests.member_requests import CreateHands, Members, RevokeToken, SetRole
from gateway.protocol.requests.message_requests import Cancel, History, Poll, Report, Retry, Send, Show
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Accepted, Done, Inbox, MessageDetail, MessageList, Result, TokenMade
from gateway.protocol.types.core_types import Activity, MemberKind, Rung, Step
from gateway.store import InboxQuery, LogEntry
from tests.fakes.retry import retry_until
from tests.support.gateways import Gateway

T = TypeVar("T")


@pytest.mark.parametrize(
    ("waits", "start", "circle"),
    [
        ({}, "a", ()),
        ({"a": ["b"]}, "a", ()),
        ({"a": ["b"], "b": []}, "a", ()),
        ({"a": ["b"], "b": ["a"]}, "a", ("a", "b")),
        ({"a": ["b"], "b": ["a"]}, "b", ("b", "a")),
        ({"a": ["b"], "b": ["c"], "c": ["a"]}, "a", ("a", "b", "c")),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, "a", ()),
        ({"a": ["b", "c"], "b": [], "c": ["a"]}, "a", ("a", "c")),
    ],
)
def test_who_waits_for_each_other(waits: dict[str, list[str]], start: str, circle: tuple[str, ...]) -> None:
    assert find_wait_circle(waits, start) == circle


class Asker:
    """Asks as a member, without a stream."""

    def __init__(self, gateway: Gateway, name: str) -> None:
        self._gateway, self.name = gateway, name
        self._actor = Actor(name, MemberKind.AGENT)

    async def ask(self, request: Request, kind: type[T]) -> T:
        found = await run_operation(self._gateway.hub, self._actor, request)
        assert isinstance(found, kind)
        return found

    async def poll(self, **fields: object) -> Inbox:
        return await self.ask(Poll(**fields), Inbox)  # type: ignore[arg-type]

    async def say(self, content: str, *to: str, reply_to: int | None = None) -> int:
        return (await self.ask(Send(content=content, to=to, reply_to=reply_to), Accepted)).seq

    def waits(self) -> bool:
        return bool(self._gateway.hub.state.live[self.name].waits)


@pytest.fixture
async def pair(gateway: Gateway) -> tuple[Asker, Asker]:
    for name in ("ada", "ben"):
        await gateway.member(name)
    return Asker(gateway, "ada"), Asker(gateway, "ben")


def said(inbox: Inbox) -> list[str]:
    return [one.content for one in inbox.messages]


async def test_a_wait_ends_with_the_first_message(pair: tuple[Asker, Asker]) -> None:
    ada, ben = pair
    waiting = asyncio.gather(ada.poll(wait=60), return_exceptions=False)
    await retry_until(ada.waits)
    await ben.say("to all but ada's inbox", "@ben")
    await ben.say("hello", "@ada")
    (found,) = await asyncio.wait_for(waiting, 60)
    assert said(found) == ["hello"]
    assert said(await ada.poll()) == []


async def test_it_picks_by_sender_and_by_what_is_answered(gateway: Gateway, pair: tuple[Asker, Asker]) -> None:
    ada, ben = pair
    await gateway.member("cleo")
    cleo = Asker(gateway, "cleo")
    question = await ada.say("how much?", "@ben")
    await cleo.say("news", "@ada")
    assert said(await ada.poll(wait=0.05, reply_to=question)) == []
    assert said(await ada.poll(wait=0.05, from_=("@ben",))) == []
    answer = asyncio.gather(ada.poll(wait=60, reply_to=question))
    await retry_until(ada.waits)
    await ben.say("by the way", "@ada")
    await ben.say("seven", "@ada", reply_to=question)
    assert said((await asyncio.wait_for(answer, 60))[0]) == ["seven"]
    assert said(await ada.poll()) == ["news", "by the way"]


async def test_who_waits_for_whom_is_told(pair: tuple[Asker, Asker]) -> None:
    ada, ben = pair
    first = asyncio.gather(ada.poll(wait=60, from_=("ben",)))
    await retry_until(ada.waits)
    assert (await asyncio.wait_for(ben.poll(wait=60, from_=("ada",)), 30)).circle == ("ben", "ada")
    await ben.say("so I speak", "@ada")
    assert said((await asyncio.wait_for(first, 60))[0]) == ["so I speak"]


async def test_a_message_that_reached_nobody_has_no_answer(pair: tuple[Asker, Asker]) -> None:
    ada, ben = pair
    question = await ada.say("how much?", "@ben")
    waiting = asyncio.gather(ada.poll(wait=60, reply_to=question))
    await retry_until(ada.waits)
    await ben.ask(Report(message=question, steps=(Step(Rung.FAILED, reason="turn lost"),)), Done)
    (found,) = await asyncio.wait_for(waiting, 60)
    assert [(one.member, one.rung, one.reason) for one in found.undelivered] == [("ben", Rung.FAILED, "turn lost")]


async def test_who_goes_away_takes_nothing(pair: tuple[Asker, Asker]) -> None:
    ada, ben = pair
    waiting = asyncio.gather(ada.poll(wait=60))
    await retry_until(ada.waits)
    waiting.cancel()
    await retry_until(lambda: not ada.waits())
    await ben.say("hello", "@ada")
    assert said(await ada.poll()) == ["hello"]


async def test_two_readers_share_and_never_double(pair: tuple[Asker, Asker]) -> None:
    ada, ben = pair
    numbers = [str(number) for number in range(20)]
    readers = asyncio.gather(*(ada.poll(wait=60, limit=1) for _ in numbers))
    await retry_until(ada.waits)
    for number in numbers:
        await ben.say(number, "@ada")
    found = [content for inbox in await asyncio.wait_for(readers, 60) for content in said(inbox)]
    assert sorted(found, key=int) == numbers


async def test_what_a_sidecar_types_is_not_handed_over_and_the_reverse(pair: tuple[Asker, Asker]) -> None:
    ada, ben = pair
    typed, taken = await ben.say("one", "@ada"), await ben.say("two", "@ada")
    await ada.ask(Report(message=typed, steps=(Step(Rung.TYPED),)), Done)
    assert said(await ada.poll()) == ["two"]
    for rung in (Rung.HELD, Rung.TYPED):
        with pytest.raises(WrongRung):
            await ada.ask(Report(message=taken, steps=(Step(rung),)), Done)
    (delivery,) = (await ben.ask(Show(message=taken), MessageDetail)).deliveries
    assert (delivery.rung, delivery.reason) == (Rung.ACCEPTED, "taken by the member itself")


@asynccontextmanager
async def commits_held_back(gateway: Gateway) -> AsyncIterator[Brake]:
    """No commit is made until it is released, at the latest at the end."""
    brake, store = Brake(gateway.hub.store.append), gateway.hub.store
    store.append = brake.append  # type: ignore[method-assign]
    try:
        yield brake
    finally:
        brake.released.set()


class Brake:
    def __init__(self, append: Callable[[Sequence[LogEntry]], Awaitable[list[int]]]) -> None:
        self.reached, self.released = asyncio.Event(), asyncio.Event()
        self._append = append

    async def append(self, batch: Sequence[LogEntry]) -> list[int]:
        self.reached.set()
        await self.released.wait()
        return await self._append(batch)


@pytest.fixture
async def cancelled(pair: tuple[Asker, Asker]) -> int:
    """A message to ada that she never got."""
    ada, ben = pair
    await ada.poll()
    number = await ben.say("hello", "@ada")
    await ben.ask(Cancel(message=number), Done)
    return number


async def test_a_reader_that_is_woken_early_still_gets_what_is_stored_later(
    gateway: Gateway, pair: tuple[Asker, Asker], cancelled: int
) -> None:
    (ada, _), found = pair, list[bool]()
    plain = gateway.hub.store.inbox

    async def noted(query: InboxQuery) -> Any:
        page = await plain(query)
        found.append(bool(page[0]))
        return page

    gateway.hub.store.inbox = noted  # type: ignore[method-assign]
    waiting = spawn(ada.poll(wait=60), "wait for mail")
    await retry_until(ada.waits)
    async with Client(gateway.operator) as alice, commits_held_back(gateway) as brake:
        woken = gateway.hub.wakeups.delivery_signal("ada")
        retried = spawn(alice.request(Retry(message=cancelled, member="ada"), Done), "retry")
        await asyncio.wait_for(brake.reached.wait(), 60)
        if not woken.is_set():
            gateway.hub.wakeups.wake("ada")
        await retry_until(lambda: len(found) == 2)
        assert found == [False, False]
        brake.released.set()
        await retried
        assert said(await asyncio.wait_for(waiting, 60)) == ["hello"]


async def test_a_reader_is_woken_only_after_the_commit(gateway: Gateway, cancelled: int) -> None:
    async with Client(gateway.operator) as alice, commits_held_back(gateway) as brake:
        woken = gateway.hub.wakeups.delivery_signal("ada")
        retried = spawn(alice.request(Retry(message=cancelled, member="ada"), Done), "retry")
        await asyncio.wait_for(brake.reached.wait(), 60)
        assert not woken.is_set()
        brake.released.set()
        await retried
        assert woken.is_set()


# the token for an agent's tools


async def hands_of(gateway: Gateway, name: str) -> tuple[Endpoint, Endpoint]:
    own = await gateway.member(name)
    async with Client(own) as client:
        made = await client.request(CreateHands(), TokenMade)
    return own, Endpoint(gateway.url, made.token)


async def status_of(endpoint: Endpoint, request: Request) -> int:
    async with HttpClient(endpoint) as direct:
        try:
            await direct.ask(request, Result)
        except GroupChatError as error:
            return error.status
    return 200


async def test_tools_speak_as_the_member_and_vouch_for_nothing(gateway: Gateway) -> None:
    _, hands = await hands_of(gateway, "ada")
    await gateway.member("ben")
    told = [
        (Send(content="hello", to=("@ben",)), 200),
        (Poll(), 200),
        (SetRole(member="ada", role="critic"), 200),
        (Members(), 200),
        (Report(message=1, steps=(Step(Rung.SEEN),)), 403),
        (SetActivity(activity=Activity.IDLE), 403),
        (OpenAsk(digest="12345678", question="?"), 403),
        (Bye(), 403),
        (CreateHands(), 403),
        (SetRole(member="ben", role="critic"), 403),
        (Keys(member="ben", keys="^C"), 403),
    ]
    for request, status in told:
        assert await status_of(hands, request) == status, request
    with pytest.raises(Forbidden):
        async with Client(hands):
            pass


async def test_a_new_token_for_tools_ends_the_one_before(gateway: Gateway) -> None:
    own, first = await hands_of(gateway, "ada")
    async with Client(own) as client:
        second = await client.request(CreateHands(), TokenMade)
    assert await status_of(first, Ping()) == 401
    assert await status_of(Endpoint(gateway.url, second.token), Ping()) == 200
    async with Client(own):
        pass
    async with Client(gateway.operator) as alice:
        await alice.request(RevokeToken(name="ada"), Done)
    assert await status_of(Endpoint(gateway.url, second.token), Ping()) == 401
    with pytest.raises(Unauthorized):
        async with Client(own):
            pass


async def test_an_answer_is_found_however_much_waits(gateway: Gateway, pair: tuple[Asker, Asker]) -> None:
    ada, ben = pair
    await ada.poll()
    number = await ada.say("what do you think?", "@ben")
    store, reads = gateway.hub.store, 0
    plain = store.inbox

    async def counted(query: InboxQuery) -> Any:
        nonlocal reads
        reads += 1
        return await plain(query)

    await asyncio.gather(*(ben.say(f"something else {one}", "@ada") for one in range(1200)))
    answer = await ben.say("fine", "@ada", reply_to=number)
    store.inbox = counted  # type: ignore[method-assign]
    found = await ada.poll(reply_to=number)
    assert [one.seq for one in found.messages] == [answer]
    assert reads == 1
    assert len((await ada.poll(limit=1000)).messages) == 1000
    assert reads == 2


async def test_a_message_taken_before_its_commit_is_told_stays_taken(
    gateway: Gateway, pair: tuple[Asker, Asker]
) -> None:
    """A reader of the store sees what is committed before the loop hears of the commit."""
    ada, ben = pair
    await ada.poll()
    store, taken = gateway.hub.store, list[list[str]]()
    plain = store.append

    async def read_in_between(batch: Sequence[LogEntry]) -> list[int]:
        seqs = await plain(batch)
        if any(one.kind == "message" for one in batch):
            found = await waiting_messages(gateway.hub, Actor("ada", MemberKind.AGENT), 10)
            handed, messages = plan_hand_over(gateway.hub, found, "taken early")
            gateway.hub.carry_out(handed)  # committed after this batch, which is not told yet
            taken.append([one.content for one in messages])
        return seqs

    store.append = read_in_between  # type: ignore[method-assign]
    await ben.say("once", "@ada")
    assert taken == [["once"]]
    assert said(await ada.poll()) == []
    assert gateway.hub.state.queued["ada"] == 0


async def test_an_acknowledgement_is_in_a_tools_inbox_and_wakes_no_agent(gateway: Gateway) -> None:
    for name in ("ada", "ben"):
        await gateway.member(name)
    endpoint = await gateway.member("tool", MemberKind.TOOL)
    async with Client(endpoint, Hello(inbox=True)):
        pass
    ben, tool = Asker(gateway, "ben"), Asker(gateway, "tool")
    for sender, acks in ((tool, ["Acknowledged message {}."]), (Asker(gateway, "ada"), [])):
        request = Send(content="do it", to="@ben", ack_wanted=True)
        number = (await sender.ask(request, Accepted)).seq
        assert [one.seq for one in (await ben.poll()).messages] == [number]
        found = (await sender.poll()).messages
        assert [one.content for one in found] == [one.format(number) for one in acks]
        assert [(one.from_, one.kind, one.reply_to) for one in found] == [("ben", "ack", number)] * len(acks)
        said = await sender.ask(History(from_="ben", limit=1), MessageList)
        assert said.messages[0].reply_to == number
