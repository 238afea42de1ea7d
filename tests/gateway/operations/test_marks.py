"""Marks over a real gateway: on disk, over a restart, in threads, and who sees them."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.operations.messages import mark_operations
from gateway.protocol.errors import Conflict, Forbidden, GroupChatError, UnknownMessage
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.mark_requests import Mute, Pin, Pins, React, Reactions, Thread
from gateway.protocol.requests.member_requests import WhoAmI
from gateway.protocol.requests.message_requests import Report, Send, Show, Waiting
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Join, Leave
from gateway.protocol.results import (
    Accepted,
    Done,
    Identity,
    MessageDetail,
    MessageList,
    MessageReactions,
    PinList,
    Reaction,
    ReactionList,
    WaitingList,
)
from gateway.protocol.types.core_types import MemberKind, Rung, Step
from gateway.store.schema import MIGRATIONS
from tests.support.gateways import Gateway, gateway_in_process


async def said(client: Client, content: str, **fields: object) -> int:
    return (await client.request(Send(content=content, **fields), Accepted)).seq  # type: ignore[arg-type]


async def thread(client: Client, number: int, **fields: int) -> list[int]:
    found = await client.request(Thread(message=number, **fields), MessageList)
    return [one.seq for one in found.messages]


async def test_marks_survive_a_restart(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path) as gateway:
        ann = await gateway.member("ann")
        async with Client(ann, Hello()) as client:
            number = await said(client, "look")
            await client.request(React(message=number, sign="👍"), Done)
            await client.request(Pin(message=number), Done)
            await client.request(Mute(room="general"), Done)
    async with (
        gateway_in_process(tmp_path) as gateway,
        Client(replace(gateway.operator, token=ann.token), Hello()) as client,
    ):
        assert client.welcome.muted == ("general",)
        assert (await client.request(WhoAmI(), Identity)).muted == ("general",)
        found = await client.request(Reactions(messages=(number, number + 100)), ReactionList)
        assert found.messages == (MessageReactions(number, (Reaction("👍", ("ann",)),)),)
        pinned = await client.request(Pins(), PinList)
        assert [(one.message.seq, one.by) for one in pinned.pins] == [(number, "ann")] and not pinned.more


async def test_a_thread_is_what_answers_a_message_for_who_may_read_it(gateway: Gateway) -> None:
    ann, ben = await gateway.member("ann"), await gateway.member("ben")
    async with Client(ann, Hello()) as first, Client(ben, Hello()) as second:
        root = await said(first, "a question")
        apart = await said(first, "something else")
        one = await said(second, "an answer", reply_to=root)
        secret = await said(first, "between us", to="@ben", reply_to=one)
        below = await said(second, "public again", reply_to=secret)
        last = await said(first, "thanks for that", reply_to=one)
        everything = [root, one, secret, below, last]
        for number in everything:
            assert await thread(first, number) == everything
        assert await thread(first, apart) == [apart]
        assert await thread(first, root, after=one, limit=2) == [secret, below]
        async with Client(await gateway.member("eve"), Hello()) as eve:
            assert await thread(eve, last) == [root, one, last]
            assert await thread(eve, below) == [below], "the message above it is not for eve"
            with pytest.raises(UnknownMessage):
                await thread(eve, secret)


async def test_who_has_left_a_closed_room_still_reads_what_came_to_it_in_a_thread(gateway: Gateway) -> None:
    ann, ben = await gateway.member("ann"), await gateway.member("ben")
    async with Client(ann, Hello()) as first, Client(ben, Hello(inbox=True)) as second:
        await first.request(CreateRoom(room="den", invite_only=True), Done)
        await first.request(Invite(room="den", member="ben"), Done)
        await second.request(Join(room="den"), Done)
        root = await said(first, "a question", room="den")
        answer = await said(first, "an answer", room="den", reply_to=root)
        await second.request(Leave(room="den"), Done)
        later = await said(first, "without ben", room="den", reply_to=root)
        assert await thread(first, root) == [root, answer, later]
        assert await thread(second, root) == [root, answer]


async def test_threads_of_an_older_database_are_found(tmp_path: Path) -> None:
    """The migration fills in what a message answers."""
    async with gateway_in_process(tmp_path) as gateway, Client(await gateway.member("ann"), Hello()) as client:
        root = await said(client, "a question")
        answer = await said(client, "an answer", reply_to=root)
        plain = await said(client, 'a text with "reply_to" in it')
    path = next(tmp_path.rglob("*.db"))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE log SET about = NULL WHERE kind = 'message'")
        database.executescript(next(one for one in MIGRATIONS if "$.reply_to" in one))
    async with gateway_in_process(tmp_path) as gateway, Client(gateway.operator, Hello()) as client:
        assert await thread(client, root) == [root, answer]
        assert await thread(client, plain) == [plain]


async def test_a_message_is_replaced_while_it_waits(gateway: Gateway) -> None:
    ann, bot = await gateway.member("ann"), await gateway.member("bot", MemberKind.AGENT)
    async with Client(ann, Hello()) as client, Client(bot, Hello(inbox=True)) as agent:
        first = await said(client, "look at a", to="@bot")
        second = await said(client, "look at b", to="@bot", replaces=first)
        shown = await client.request(Show(message=first), MessageDetail)
        assert [(one.rung, one.reason) for one in shown.deliveries] == [(Rung.CANCELLED, f"replaced by #{second}")]
        assert (await client.request(Show(message=second), MessageDetail)).message.replaces == first
        waiting = await agent.request(Waiting(), WaitingList)
        assert [one.seq for one in waiting.messages] == [second]
        await agent.request(Report(message=second, steps=(Step(Rung.TYPED),)), Done)
        with pytest.raises(Conflict, match="bot: typed"):
            await said(client, "look at c", to="@bot", replaces=second)
        with pytest.raises(Forbidden, match="only your own"):
            await said(agent, "mine", replaces=await said(client, "look at d", to="@bot"))


async def test_a_repeated_replacement_is_one(gateway: Gateway) -> None:
    """A client that lost its answer sends the same again."""
    ann, bot = await gateway.member("ann"), await gateway.member("bot", MemberKind.AGENT)
    async with Client(ann, Hello()) as client:
        async with Client(bot, Hello(inbox=True)):
            first = await said(client, "look at a", to="@bot")
        request = Send(content="look at b", to="@bot", replaces=first, id="again")
        made = await client.request(request, Accepted)
        assert (await client.request(request, Accepted)).seq == made.seq


async def test_the_id_of_a_third_message_replaces_nothing(gateway: Gateway) -> None:
    """The log would take the new message for a repeat of the third, and the first would be lost."""
    ann, bot = await gateway.member("ann"), await gateway.member("bot", MemberKind.AGENT)
    async with Client(ann, Hello()) as client, Client(bot, Hello(inbox=True)) as agent:
        first = await said(client, "look at a", to="@bot")
        third = await said(client, "look at z", to="@bot", id="three")
        with pytest.raises(Conflict, match="'three' already"):
            await said(client, "look at b", to="@bot", id="three", replaces=first)
        assert [one.seq for one in (await agent.request(Waiting(), WaitingList)).messages] == [first, third]
        requests = [
            Send(content="look at d", to="@bot", id="four"),
            Send(content="look at e", to="@bot", id="four", replaces=first),
        ]
        made, refused = await asyncio.gather(
            *(client.request(one, Accepted) for one in requests), return_exceptions=True
        )
        assert isinstance(refused, Conflict) and isinstance(made, Accepted), "also while it is on its way to the disk"
        waiting = (await agent.request(Waiting(), WaitingList)).messages
        assert [one.seq for one in waiting] == [first, third, made.seq]


async def test_a_replacement_has_an_id_of_its_own(gateway: Gateway) -> None:
    ann, bot = await gateway.member("ann"), await gateway.member("bot", MemberKind.AGENT)
    async with Client(ann, Hello()) as client, Client(bot, Hello(inbox=True)) as agent:
        first = await said(client, "look at a", to="@bot", id="one")
        with pytest.raises(Conflict, match="its own id"):
            await said(client, "look at b", to="@bot", id="one", replaces=first)
        assert [one.seq for one in (await agent.request(Waiting(), WaitingList)).messages] == [first]


async def test_a_thread_of_many_messages_is_bounded(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mark_operations, "MAX_THREAD_MESSAGES", 4)
    async with Client(await gateway.member("ann"), Hello()) as client:
        root = await said(client, "a question")
        answers = [await said(client, f"answer {one}", reply_to=root) for one in range(6)]
        assert await thread(client, root) == [root, *answers[:3]]


async def test_wakes_speaks_to_one_in_front_of_all(gateway: Gateway) -> None:
    ann = await gateway.member("ann")
    bots = [await gateway.member(name, MemberKind.AGENT) for name in ("bot", "bit")]
    async with AsyncExitStack() as stack:
        client, *agents = [
            await stack.enter_async_context(Client(one, Hello(inbox=one is not ann))) for one in (ann, *bots)
        ]
        sent = await client.request(Send(content="bot, say", wakes=("@Bot",)), Accepted)
        assert [one.member for one in sent.deliveries] == ["bot"]
        seen = await agents[1].request(Show(message=sent.seq), MessageDetail)
        assert seen.message.wakes == ("bot",) and seen.message.recipients == ()
        for wrong in ({"to": "@bit", "wakes": ("bot",)}, {"wakes": ("nobody",)}):
            with pytest.raises(GroupChatError):
                await said(client, "x", **wrong)


async def test_pins_come_in_pages(gateway: Gateway) -> None:
    async with Client(await gateway.member("ann"), Hello()) as client:
        numbers = [await said(client, f"note {one}") for one in range(5)]
        for number in reversed(numbers):
            await client.request(Pin(message=number), Done)
        seen: list[int] = []
        more = True
        while more:
            page = await client.request(Pins(after=seen[-1] if seen else 0, limit=2), PinList)
            seen, more = seen + [one.message.seq for one in page.pins], page.more
        assert seen == numbers[::-1]
