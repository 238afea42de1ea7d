"""Members with keys at a real gateway: what they send is sealed or signed, and only those who may read it do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.client import Client, new_id
from gateway.client.timeouts import NO_LIMIT_S, Timeouts
from gateway.encryption.key_storage.member_memory import ChainedMessage
from gateway.encryption.member_client.checked_messages import MessageProof
from gateway.encryption.member_client.sealed_client import SealedClient
from gateway.encryption.refusals import SealingRefused
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import Forbidden, TimedOut, UnknownRoom
from gateway.protocol.events import Message
from gateway.protocol.requests.message_requests import History, Send
from gateway.protocol.requests.room_requests import Invite, Join, Kick, Leave
from gateway.protocol.results import Accepted, Done, MessageList
from gateway.protocol.types.core_types import MemberKind, Part
from tests.fakes.retry import retry_until
from tests.support.gateways import Gateway
from tests.support.lying_gateway import LyingGateway
from tests.support.sealed_members import SealedMember, connected, give_key, renew_key, replace_key

SECRET = "the launch code is 0000"
HUMAN = MemberKind.HUMAN


@pytest.fixture
async def people(gateway: Gateway, tmp_path: Path) -> AsyncIterator[dict[str, SealedMember]]:
    """ann, ben and cyd, each on a machine of their own, with keys."""
    async with AsyncExitStack() as stack:
        found = {}
        for name in ("ann", "ben", "cyd"):
            state = tmp_path / name
            give_key(state, name)
            found[name] = await stack.enter_async_context(connected(await gateway.member(name, HUMAN), state, name))
        yield found


async def vault_of(people: dict[str, SealedMember], *members: str) -> None:
    """A sealed room of ann's with these members."""
    ann = people["ann"].client
    await ann.create_sealed_room("vault")
    for name in members:
        await ann.admit("vault", name)
        await people[name].client.request(Join(room="vault"), Done)
    await ann.rotate_room_key("vault")


def said_at_gateway(gateway: Gateway) -> bytes:
    """Everything that the gateway has on its disk."""
    files = [path for path in gateway.config.state.rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in files)


async def test_a_sealed_direct_message_is_read_by_its_ends_alone(
    gateway: Gateway, people: dict[str, SealedMember]
) -> None:
    ann, ben = people["ann"], people["ben"]
    sent = await ann.client.send_sealed(Send(content=SECRET, to=("@ben",), parts=(Part("quote", text="a part"),)))
    message = await ben.message(sent.seq)
    assert (message.content, message.parts) == (SECRET, (Part("quote", text="a part"),))
    assert (message.check.proof, message.check.was_sealed) == (MessageProof.SIGNED, True)
    assert [one.content for one in await ann.history("general")] == [SECRET]
    assert SECRET.encode() not in said_at_gateway(gateway)


async def test_an_answer_to_a_sealed_message_is_sealed_by_itself(people: dict[str, SealedMember]) -> None:
    ann, ben = people["ann"], people["ben"]
    sent = await ann.client.send_sealed(Send(content=SECRET, to=("@ben",)))
    answer = await ben.client.send("understood", to=("@ann",), reply_to=sent.seq)
    message = await ann.message(answer.seq)
    assert (message.content, message.check.was_sealed, message.reply_to) == ("understood", True, sent.seq)
    with pytest.raises(SealingRefused, match="names who may read it"):
        await ben.client.send("to all", reply_to=sent.seq)


async def test_what_is_not_sealed_is_signed(people: dict[str, SealedMember]) -> None:
    ann, ben = people["ann"], people["ben"]
    first = await ann.client.send("good morning")
    second = await ann.client.send("and to you", to=("@ben",), wakes=())
    for seq in (first.seq, second.seq):
        message = await ben.message(seq)
        assert (message.check.proof, message.check.was_sealed, message.check.notes) == (MessageProof.SIGNED, False, ())


async def test_a_member_without_a_key_is_as_before(
    gateway: Gateway, people: dict[str, SealedMember], tmp_path: Path
) -> None:
    async with connected(await gateway.member("dan", HUMAN), tmp_path / "dan", "dan") as dan:
        assert dan.client.machine is None
        sent = await dan.client.send("hello")
        message = await people["ann"].message(sent.seq)
        assert message.check.proof is MessageProof.UNSIGNED
        with pytest.raises(SealingRefused, match="no key for dan"):
            await people["ann"].client.send_sealed(Send(content=SECRET, to=("@dan",)))
        with pytest.raises(SealingRefused, match="no key of yours"):
            await dan.client.send_sealed(Send(content=SECRET, to=("@ann",)))


async def test_members_of_a_sealed_room_read_it(gateway: Gateway, people: dict[str, SealedMember]) -> None:
    ann, ben, cyd = people.values()
    await vault_of(people, "ben", "cyd")
    for writer in (ann, ben, cyd):
        sent = await writer.client.send(f"{SECRET} by {writer.name}", room="vault")
        for reader in [one for one in (ann, ben, cyd) if one is not writer]:
            message = await reader.message(sent.seq)
            assert message.content == f"{SECRET} by {writer.name}"
            assert (message.check.was_sealed, message.check.notes) == (True, ())
    assert [one.content for one in await ann.history("vault") if one.kind != "system"] == [
        f"{SECRET} by {name}" for name in people
    ]
    assert SECRET.encode() not in said_at_gateway(gateway)


async def test_who_was_put_out_reads_nothing_that_follows(people: dict[str, SealedMember]) -> None:
    ann, ben, cyd = people.values()
    await vault_of(people, "ben", "cyd")
    before = await ben.client.send("before", room="vault")
    assert (await cyd.message(before.seq)).content == "before"
    await ann.client.request(Kick(room="vault", member="cyd"), Done)
    after = await ben.client.send("after", room="vault")
    assert (await ann.message(after.seq)).content == "after"
    assert "cyd does not read #vault any more." in [*ann.notices, *ben.notices]
    assert cyd.client.readers_of("vault") == ("ann", "ben", "cyd")  # of the key before
    assert ann.client.readers_of("vault") == ("ann", "ben")
    assert "after" not in [getattr(one, "content", "") for one in cyd.heard]
    with pytest.raises(UnknownRoom):
        await cyd.client.send("may I?", room="vault")


async def test_a_newcomer_reads_what_follows_and_is_announced(people: dict[str, SealedMember]) -> None:
    ann, ben, cyd = people.values()
    await vault_of(people, "ben")
    old = await ben.client.send("old", room="vault")
    await ann.client.admit("vault", "cyd")
    await cyd.client.request(Join(room="vault"), Done)
    new = await ben.client.send("new", room="vault")
    assert (await cyd.message(new.seq)).content == "new"
    found = {one.seq: one for one in await cyd.history("vault")}
    assert found[old.seq].check.proof is MessageProof.UNREADABLE
    assert "has no key of version" in found[old.seq].content
    for who in (ann, ben):
        assert (await who.notice("cyd reads #vault from now on")).loud


async def test_somebody_whom_no_member_admitted_is_a_ghost(people: dict[str, SealedMember]) -> None:
    ann, ben, cyd = people.values()
    await vault_of(people, "ben")
    await ben.client.request(Invite(room="vault", member="cyd"), Done)
    await cyd.client.request(Join(room="vault"), Done)
    sent = await ann.client.send("still between us", room="vault")
    assert (await ben.message(sent.seq)).content == "still between us"
    assert (await cyd.message(sent.seq)).check.proof is MessageProof.UNREADABLE
    assert (await ann.notice("cyd is in #vault by the gateway's word alone")).loud
    with pytest.raises(SealingRefused, match="may not admit"):
        await ben.client.admit("vault", "cyd")
    with pytest.raises(SealingRefused, match="cyd may not read #vault"):
        await ben.client.send("a word with you", to=("@cyd",), room="vault")
    order = await cyd.client.send_sealed(Send(content="tell me all", to=("@ben",), room="vault"))
    shown = await ben.message(order.seq)
    assert shown.check.proof is MessageProof.WRONG
    assert "no member has admitted cyd here" in shown.content


async def test_a_renewed_key_is_followed_and_another_one_is_not(
    gateway: Gateway, people: dict[str, SealedMember]
) -> None:
    ann, ben = people["ann"], people["ben"]
    renew_key(ben.state, "ben")
    async with connected(ben.client.endpoint, ben.state, "ben") as again:
        await ann.notice("ben has renewed the key")
        sent = await ann.client.send_sealed(Send(content=SECRET, to=("@ben",)))
        assert (await again.message(sent.seq)).content == SECRET
    replace_key(ben.state, "ben")
    async with connected(ben.client.endpoint, ben.state, "ben") as other:
        assert (await ann.notice("THE KEY OF ben HAS CHANGED")).loud
        with pytest.raises(SealingRefused, match="has changed"):
            await ann.client.send_sealed(Send(content=SECRET, to=("@ben",)))
        sent = await other.client.send("it is me")
        message = await ann.message(sent.seq)
        assert message.check.proof is MessageProof.UNSIGNED
        assert "not by a key of ben that is trusted here" in message.check.notes[0]


async def test_a_repeated_request_posts_the_same_bytes_once(people: dict[str, SealedMember]) -> None:
    ann, ben = people["ann"], people["ben"]
    wish = Send(content=SECRET, to=("@ben",), id=new_id())
    first = await ann.client.send_sealed(wish)
    again = await ann.client.send_sealed(wish)
    assert (again.seq, again.duplicate) == (first.seq, True)
    then = await ann.client.send_sealed(Send(content="and this", to=("@ben",)))
    assert (await ben.message(then.seq)).check.notes == ()


async def send_to_ben(client: SealedClient, timeout: float | None) -> Accepted:
    return await client.send_sealed(Send(content=SECRET, to=("@ben",)), timeout=timeout)


async def send_to_vault(client: SealedClient, timeout: float | None) -> Accepted:
    return await client.request(Send(content=SECRET, room="vault"), Accepted, timeout=timeout)


SENDS = [(send_to_ben, "send"), (send_to_vault, "send"), (send_to_vault, "room.keys")]
WaySend = Callable[[SealedClient, "float | None"], Coroutine[Any, Any, Accepted]]


@asynccontextmanager
async def impatient_ann(gateway: Gateway, people: dict[str, SealedMember], lies: LyingGateway) -> AsyncIterator[Any]:
    """Ann's questions have a limit of 0.3 s."""
    await vault_of(people, "ben")
    endpoint = replace(people["ann"].client.endpoint, limits=Timeouts(answers=0.3))
    async with connected(endpoint, people["ann"].state, "ann", **lies.options) as ann:
        yield ann.client


@pytest.mark.parametrize(("send", "stuck"), SENDS)
@pytest.mark.parametrize("timeout", [0.1, None])
async def test_a_message_is_given_up_within_its_limit(
    gateway: Gateway, people: dict[str, SealedMember], send: WaySend, stuck: str, timeout: float | None
) -> None:
    lies = LyingGateway()
    async with impatient_ann(gateway, people, lies) as ann:
        lies.stuck.add(stuck)
        with pytest.raises(TimedOut, match=rf"did not answer `send` within {timeout or 0.3} s"):
            await send(ann, timeout)


@pytest.mark.parametrize(("send", "stuck"), SENDS)
@pytest.mark.parametrize("timeout", [NO_LIMIT_S, 60.0])
async def test_a_message_waits_longer_than_one_question_and_is_posted_once(
    gateway: Gateway, people: dict[str, SealedMember], send: WaySend, stuck: str, timeout: float
) -> None:
    lies = LyingGateway()
    async with impatient_ann(gateway, people, lies) as ann:
        lies.stuck.add(stuck)
        sending = spawn(send(ann, timeout), "sending")
        asked = len(lies.asked)
        await retry_until(lambda: len(lies.asked) > asked + 2)
        lies.stuck.clear()
        sent = await sending
        assert (await people["ben"].message(sent.seq)).content == SECRET
        heard = [one for one in people["ben"].heard if isinstance(one, Message)]
        assert [one.content for one in heard if one.from_ == "ann"] == [SECRET]


async def test_a_message_left_without_an_answer_begins_a_new_stream(people: dict[str, SealedMember]) -> None:
    ann, ben = people["ann"], people["ben"]
    await ann.client.send("one")
    session = ann.client._session
    assert session is not None
    memory = session.link.memory
    stream = memory.stream
    memory.begin(ChainedMessage("lost", "#general", memory.next_place("#general"), b"d" * 32, b"{}"))
    sent = await ann.client.send("two")
    assert memory.stream != stream
    message = await ben.message(sent.seq)
    assert message.check.notes == ("ann writes from a machine, or with a key, that is new here.",)


async def test_what_was_missed_while_away_is_not_called_missing(
    gateway: Gateway, people: dict[str, SealedMember], tmp_path: Path
) -> None:
    ann = people["ann"]
    give_key(tmp_path / "eve", "eve")
    endpoint = await gateway.member("eve", HUMAN)
    async with connected(endpoint, tmp_path / "eve", "eve") as eve:
        assert (await eve.message((await ann.client.send("one")).seq)).check.notes == ()
    for text in ("two", "three", "four"):
        await ann.client.send(text)
    async with connected(endpoint, tmp_path / "eve", "eve") as eve:
        assert (await eve.message((await ann.client.send("five")).seq)).check.notes == ()


async def test_a_plain_client_sees_that_something_is_sealed(gateway: Gateway, people: dict[str, SealedMember]) -> None:
    ann = people["ann"]
    async with Client(people["ben"].client.endpoint) as plain:
        await ann.client.send_sealed(Send(content=SECRET, to=("@ben",)))
        page = await plain.request(History(), MessageList)
        assert [(one.content, one.sealed is not None) for one in page.messages] == [("", True)]
        assert isinstance(page.messages[0], Message)


@pytest.mark.parametrize("kind", [Client, partial(SealedClient, unlock=lambda _: None)])
async def test_plain_text_stays_on_a_machine_whose_key_is_not_open(
    people: dict[str, SealedMember], kind: Callable[..., Client]
) -> None:
    """The gateway would refuse it, and would have read it."""
    ann, ben = people["ann"].client, people["ben"].client
    lies = LyingGateway()  # it alters nothing, and shows what arrived
    async with kind(ben.endpoint, wires=[lies.wire]) as closed:
        await vault_of(people, "ben")
        await people["ben"].until(lambda one: ben.is_sealed_room("vault"))
        asked = await ann.send("what is the code?", room="vault")
        await closed.request(History(room="vault"), MessageList)  # so it has heard of the room
        for fields in ({"room": "vault"}, {"room": "#Vault", "to": ("@ann",)}, {"reply_to": asked.seq}):
            with pytest.raises(Forbidden, match=r"sealed.*your key is not open here"):
                await closed.send(SECRET, **fields)
        await closed.send("all may read this")
    assert SECRET not in repr(lies.asked)
    assert "all may read this" in repr(lies.asked)


async def test_an_answer_to_a_sealed_message_does_not_leave_while_the_key_is_closed(
    people: dict[str, SealedMember],
) -> None:
    asked = await people["ann"].client.send_sealed(Send(content="what is the code?", to=("@ben",)))
    lies = LyingGateway()
    async with SealedClient(people["ben"].client.endpoint, unlock=lambda _: None, wires=[lies.wire]) as closed:
        with pytest.raises(SealingRefused, match="answers a sealed message"):
            await closed.send(SECRET, to=("@ann",), room="general", reply_to=asked.seq)
    assert SECRET not in repr(lies.asked)


async def test_who_leaves_a_sealed_room_makes_a_key_due(people: dict[str, SealedMember]) -> None:
    ann, ben, cyd = people.values()
    await vault_of(people, "ben", "cyd")
    await cyd.client.request(Leave(room="vault"), Done)
    sent: Accepted = await ben.client.send("without cyd", room="vault")
    assert (await ann.message(sent.seq)).content == "without cyd"
    assert ann.client.readers_of("vault") == ("ann", "ben")


async def test_a_key_renewed_while_a_program_runs_is_published_and_used(people: dict[str, SealedMember]) -> None:
    ann, ben, _ = people.values()
    await vault_of(people, "ben")
    renew_key(ben.state, "ben")
    sent = await ben.client.send("with the new key", room="vault")
    message = await ann.message(sent.seq)
    assert (message.content, message.check.proof) == ("with the new key", MessageProof.SIGNED)
    assert ben.client.machine is not None
    assert ben.client.machine.newest.record.version == 2
    assert any("ben has renewed the key" in one for one in ann.notices)
    answer = await ann.client.send("to the new key", room="vault")
    assert (await ben.message(answer.seq)).content == "to the new key"


async def test_a_key_taken_away_while_a_program_runs_signs_nothing(people: dict[str, SealedMember]) -> None:
    ben = people["ben"]
    next(ben.state.rglob("key-1.json")).unlink()
    with pytest.raises(SealingRefused, match="not on this machine any more"):
        await ben.client.send("may I?")
