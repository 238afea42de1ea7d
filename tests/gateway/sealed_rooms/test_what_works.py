"""What works in a sealed room, what is refused there and why, and what of it no outsider gets: the table of
docs/design/0018-sealed.md, as far as the gateway decides it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from gateway.access.permissions import Actor
from gateway.client import Client
from gateway.operations.dispatch import run_operation
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import Message
from gateway.protocol.requests.agent_requests import ReportWrites, SetWork
from gateway.protocol.requests.approval_requests import AnswerAsk, Asks, OpenAsk
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.decision_requests import Propose
from gateway.protocol.requests.mark_requests import MarkRead, Mute, Pin, Pins, React, Reactions, Thread
from gateway.protocol.requests.member_requests import CreateLink, Members, PublishKey
from gateway.protocol.requests.message_requests import History, NewRoomKey, Receipts, Search, Send, Show
from gateway.protocol.requests.mode_requests import SetMode
from gateway.protocol.requests.request import Request
from gateway.protocol.requests.room_requests import (
    AdmitToRoomKey,
    CreateRoom,
    Invite,
    Join,
    RemoveRoom,
    RoomKeys,
    Rooms,
    SetRetention,
    SetRoomKey,
    SetTopic,
)
from gateway.protocol.requests.session_requests import OpenSession
from gateway.protocol.requests.shared_document_requests import DeleteContext, MergeContext, PutContext
from gateway.protocol.results import Accepted, AskList, Done, MemberList, MessageList, RoomKeyList
from gateway.protocol.types.agent_work import FileWrite, Work
from gateway.protocol.types.core_types import MemberKind, MessageKind, Option, Part, Scope, SealedContent, Signed
from tests.support.gateways import Gateway
from tests.support.sealed_rooms import BOX, HUMAN, NOTICE, RECORD, Vault, sealed

ROOM, SCOPE = "vault", "#vault"
SIGNED = Signed("YQ==", "c2ln", "groupchat ann 1")


@pytest.fixture
async def said(vault: Vault) -> int:
    return (await vault.say(vault.ann, id="a1")).seq


async def outcome(gateway: Gateway, actor: Actor, request: Request) -> tuple[str, str]:
    try:
        result = await run_operation(gateway.hub, actor, request)
    except GroupChatError as error:
        return error.code, error.message
    return "ok", type(result).__name__


def send(**fields: Any) -> Send:
    return Send(**{"content": "", "room": ROOM, **fields})


# asked by ann, who is in the room and made it
REFUSED: dict[str, tuple[Request, str, str]] = {
    "plain text to everyone": (send(content="hi"), "forbidden", "#vault is sealed. Write there with"),
    "plain text to one": (send(content="hi", to=("@ben",)), "forbidden", "#vault is sealed. Write there with"),
    "signed plain text": (send(content="hi", signed=SIGNED), "forbidden", "#vault is sealed. Write there with"),
    "a topic": (SetTopic(room=ROOM, topic="secret"), "forbidden", "its topic would be readable"),
    "a mode": (SetMode(room=ROOM, mode="debate", topic="x"), "forbidden", "a mode would have to read along"),
    "a decision": (
        Propose(room=ROOM, question="x?", people=True),
        "forbidden",
        "votes of a decision",
    ),
    "a session": (OpenSession(session="s1", room=ROOM), "forbidden", "summary of a session would be readable"),
    "a document": (PutContext(scope=SCOPE, document={"a": 1}), "forbidden", "its shared documents would be readable"),
    "a merge": (MergeContext(scope=SCOPE, patch={"a": 1}), "forbidden", "its shared documents would be readable"),
    "deleting a document": (DeleteContext(scope=SCOPE), "forbidden", "its shared documents would be readable"),
    "a link": (CreateLink(room=ROOM, expires_in=60), "forbidden", "whoever reads by a link has no keys"),
    "inviting a guest": (Invite(room=ROOM, member="guest"), "forbidden", "guest has no token of its own"),
    "text beside a box": (send(content="hi", sealed=sealed()), "bad_request", "inside `sealed`"),
    "parts beside a box": (send(parts=(Part("file", "x"),), sealed=sealed()), "bad_request", "inside `sealed`"),
    "a context beside it": (send(context={"file": "x"}, sealed=sealed()), "bad_request", "not 'file'"),
    "a signature beside it": (send(signed=SIGNED, sealed=sealed()), "bad_request", "Leave out `signed`"),
    "a room in a box": (send(sealed=SealedContent(1, BOX, ROOM)), "bad_request", "Leave out `sealed.room`"),
    "a box that is text": (send(sealed=SealedContent(1, "plain text!")), "invalid_text", "not base64"),
    "an older key": (send(sealed=sealed(9)), "stale_key", "The key of #vault is version 1 now."),
    "everyone with no key": (send(sealed=sealed(0)), "bad_request", "names the room key"),
    "some with a room key": (send(to=("@ben",), sealed=sealed(1)), "bad_request", "sealed to each of them"),
    "a role": (send(to=("@role:coder",), sealed=sealed(0)), "not_found", ""),
    "a role with a member": (
        send(to=("@role:scribe",), sealed=sealed(0)),
        "bad_request",
        "names each of its",
    ),
    "one of a role": (send(to=("@any:scribe",), sealed=sealed(0)), "bad_request", "names each of its"),
    "everyone beside a name": (send(to=("@all", "@ben"), sealed=sealed(0)), "bad_request", "names each of its"),
    "a key that skips": (SetRoomKey(room=ROOM, version=3, notice=NOTICE), "stale_key", "The next one is 2"),
    "a key again": (SetRoomKey(room=ROOM, version=1, notice=NOTICE), "stale_key", "The next one is 2"),
    "a notice of text": (SetRoomKey(room=ROOM, version=2, notice="not base64"), "invalid_text", "not base64"),
    "a key of a plain room": (SetRoomKey(room="general", version=1, notice=NOTICE), "bad_request", "is not sealed"),
    "a new key for another one": (
        send(sealed=sealed(1), new_key=NewRoomKey(2, NOTICE)),
        "bad_request",
        "sealed with that key",
    ),
    "a new key for some": (
        send(to=("@ben",), sealed=sealed(0), new_key=NewRoomKey(2, NOTICE)),
        "bad_request",
        "no `new_key`",
    ),
    "a new key for plain text": (
        Send(content="hi", new_key=NewRoomKey(2, NOTICE)),
        "bad_request",
        "only with a sealed message",
    ),
    "sealed for all of a plain room": (
        Send(content="", sealed=sealed(1)),
        "forbidden",
        "There only a message to named members",
    ),
    "an admission of nobody": (
        AdmitToRoomKey(room=ROOM, member="nobody", admission=BOX),
        "not_found",
        "Nobody here is called",
    ),
    "an admission of text": (AdmitToRoomKey(room=ROOM, member="ben", admission="a b"), "invalid_text", "not base64"),
    "a sealed room with a topic": (CreateRoom(room="den", sealed=True, topic="x"), "bad_request", "has no topic"),
    "a record of text": (PublishKey(record="my key", version=1), "invalid_text", "must be one line"),
    "a record with a blank": (PublishKey(record=f"{RECORD} {RECORD}", version=1), "invalid_text", "must be one line"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_refused(gateway: Gateway, vault: Vault, what: str) -> None:
    await gateway.member("scribe", MemberKind.HUMAN, role="scribe")
    await vault.ann.request(Invite(room=ROOM, member="scribe"), Done)
    await run_operation(gateway.hub, Actor("scribe", HUMAN), Join(room=ROOM))
    await add_guest(gateway)
    before = gateway.hub.state.room_keys[ROOM]
    request, code, words = REFUSED[what]
    found, message = await outcome(gateway, Actor("ann", HUMAN), request)
    assert found == code or (code == "not_found" and found == "unknown_recipient"), message
    assert words in message
    assert gateway.hub.state.room_keys[ROOM] == before


async def add_guest(gateway: Gateway) -> None:
    """A member that another system's interface has registered for a caller without a token."""
    await gateway.member("guest", MemberKind.AGENT)
    members = gateway.hub.state.members
    members["guest"] = msgspec.structs.replace(members["guest"], dialect="skynet")


WORKS: dict[str, Any] = {
    "an answer": lambda seq: send(sealed=sealed(), reply_to=seq),
    "a reply by an agent's name": lambda seq: send(sealed=sealed(), wakes=("ben",)),
    "a direct message": lambda seq: send(to=("@ben",), sealed=sealed(0)),
    "a direct message outside": lambda seq: Send(content="", to="@ben @cyd", sealed=sealed(0)),
    "an urgent one": lambda seq: send(sealed=sealed(), urgent=True, ttl=60, priority=9, ack_wanted=True),
    "answers and tokens": lambda seq: send(sealed=sealed(), context={"answers": [seq], "tokens": 7}),
    "a key with its message": lambda seq: send(sealed=sealed(2), new_key=NewRoomKey(2, NOTICE)),
    "a reaction": lambda seq: React(message=seq, sign="ok"),
    "reactions": lambda seq: Reactions(messages=(seq,)),
    "a pin": lambda seq: Pin(message=seq),
    "pins": lambda seq: Pins(room=ROOM),
    "a thread": lambda seq: Thread(message=seq),
    "history": lambda seq: History(room=ROOM),
    "one message": lambda seq: Show(message=seq),
    "its receipts": lambda seq: Receipts(message=seq),
    "a search": lambda seq: Search(query="box", room=ROOM),
    "muting": lambda seq: Mute(room=ROOM),
    "read marks": lambda seq: MarkRead(room=ROOM, message=seq),
    "members": lambda seq: Members(room=ROOM),
    "rooms": lambda seq: Rooms(),
    "keys": lambda seq: RoomKeys(room=ROOM),
    "keeping messages for a time": lambda seq: SetRetention(room=ROOM, keep="90d"),
    "admitting": lambda seq: AdmitToRoomKey(room=ROOM, member="ben", admission=BOX),
    "inviting": lambda seq: Invite(room=ROOM, member="dot"),
}


@pytest.mark.parametrize("what", WORKS)
async def test_what_works(gateway: Gateway, vault: Vault, said: int, what: str) -> None:
    await gateway.member("dot", HUMAN)
    assert (await outcome(gateway, Actor("ann", HUMAN), WORKS[what](said)))[0] == "ok"


OUTSIDERS = {
    "the team token": Actor("human", HUMAN, team=True),
    "an agent's tools": Actor("ben", MemberKind.AGENT, is_tools_token=True),
    "a browser": Actor("ann", HUMAN, device=True),
    "a read-only token": Actor("ann", HUMAN, read_only=True),
    "a guest": Actor("guest", MemberKind.AGENT),
}
NEEDS_KEYS: tuple[Request, ...] = (
    PublishKey(record=RECORD, version=1),
    SetRoomKey(room=ROOM, version=2, notice=NOTICE),
    AdmitToRoomKey(room=ROOM, member="ben", admission=BOX),
    CreateRoom(room="den", sealed=True),
    send(sealed=sealed(2), new_key=NewRoomKey(2, NOTICE)),
)


@pytest.mark.parametrize("who", OUTSIDERS)
async def test_who_can_have_no_keys_changes_none(gateway: Gateway, vault: Vault, who: str) -> None:
    await run_operation(gateway.hub, OUTSIDERS["the team token"], Hello())
    await add_guest(gateway)
    for request in NEEDS_KEYS:
        assert (await outcome(gateway, OUTSIDERS[who], request))[0] in ("forbidden", "unknown_room"), request
    assert gateway.hub.state.room_keys[ROOM].version == 1


async def test_neither_a_guest_nor_the_team_token_comes_in(gateway: Gateway, vault: Vault) -> None:
    await run_operation(gateway.hub, OUTSIDERS["the team token"], Hello())
    await vault.ann.request(Invite(room=ROOM, member="human"), Done)
    for request in (Join(room=ROOM), Hello(rooms=(ROOM,)), send(content="hi"), send(sealed=sealed())):
        assert (await outcome(gateway, OUTSIDERS["the team token"], request))[0] == "forbidden", request


async def test_a_search_finds_nothing_of_what_is_sealed(vault: Vault, said: int) -> None:
    found = await vault.ann.request(Search(query=BOX, room=ROOM), MessageList)
    assert found.messages == ()


async def test_a_plain_room_has_no_keys(vault: Vault) -> None:
    assert await vault.ann.request(RoomKeys(room="general"), RoomKeyList) == RoomKeyList((), sealed=False)


async def test_a_removed_room_stays_removed_and_its_members_keep_its_keys(gateway: Gateway, vault: Vault) -> None:
    await vault.ann.request(RemoveRoom(room=ROOM), Done)
    assert gateway.hub.state.rooms[ROOM].removed and not gateway.hub.state.in_room[ROOM]
    assert [one.version for one in (await vault.ben.request(RoomKeys(room=ROOM), RoomKeyList)).keys] == [1]
    assert (await outcome(gateway, Actor("ben", HUMAN), send(sealed=sealed())))[0] == "unknown_room"


async def test_an_observer_reads_boxes_and_gets_no_key(gateway: Gateway, vault: Vault) -> None:
    async with Client(await gateway.member("olga", HUMAN, Scope.OBSERVER), Hello()) as olga:
        await vault.say(vault.ann, 2, new_key=NewRoomKey(2, NOTICE))
        async for event in olga.events():
            assert type(event).__name__ != "RoomKeyEvent"
            if isinstance(event, Message) and event.sealed:
                assert event.content == ""
                break
        with pytest.raises(GroupChatError, match="Only its members get its keys"):
            await olga.request(RoomKeys(room=ROOM), Done)


# approvals


@pytest.fixture
async def asking(gateway: Gateway, vault: Vault) -> AsyncIterator[Client]:
    end = await gateway.member("bot", MemberKind.AGENT)
    await vault.ann.request(Invite(room=ROOM, member="bot"), Done)
    async with Client(end, Hello(rooms=("general", ROOM))) as bot:
        yield bot


def sealed_ask(version: int = 1, **fields: Any) -> OpenAsk:
    shape = {"question": "", "options": (Option("1", ""),), "allow": "1", "sealed": SealedContent(version, BOX, ROOM)}
    return OpenAsk(digest="12345678", **{**shape, **fields})


async def test_a_sealed_question_is_passed_on_and_its_answer_must_be_signed(
    gateway: Gateway, vault: Vault, asking: Client
) -> None:
    await gateway.member("eva", HUMAN, Scope.APPROVER)
    await vault.ann.request(Invite(room=ROOM, member="eva"), Done)
    eva = Actor("eva", HUMAN, frozenset({Scope.APPROVER}))
    await run_operation(gateway.hub, eva, Join(room=ROOM))
    await asking.request(sealed_ask(), Done)
    (ask,) = (await vault.ann.request(Asks(), AskList)).asks
    assert (ask.question, ask.sealed) == ("", SealedContent(1, BOX, ROOM))
    code, words = await outcome(gateway, eva, AnswerAsk(member="bot", answer="allow"))
    assert (code, "is sealed" in words) == ("forbidden", True)
    signed = AnswerAsk(member="bot", answer="allow", signed=SIGNED)
    code, words = await outcome(gateway, eva, msgspec.structs.replace(signed, answer="deny", words="secret"))
    assert code == "conflict", words
    assert (await outcome(gateway, eva, signed))[0] == "ok"
    async for event in asking.events():
        if getattr(event, "signed", None) is not None:
            assert event.signed == SIGNED  # type: ignore[union-attr]
            break


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (sealed_ask(question="rm -rf?"), "bad_request"),
        (sealed_ask(options=(Option("1", "Yes"),)), "bad_request"),
        (sealed_ask(tool="Bash"), "bad_request"),
        (sealed_ask(detail="rm"), "bad_request"),
        (sealed_ask(2), "stale_key"),
        (sealed_ask(sealed=SealedContent(1, BOX, "nowhere")), "unknown_room"),
        (sealed_ask(sealed=SealedContent(1, "no base64")), "invalid_text"),
    ],
)
async def test_a_sealed_question_that_is_refused(asking: Client, ask: OpenAsk, code: str) -> None:
    with pytest.raises(GroupChatError) as refused:
        await asking.request(ask, Done)
    assert refused.value.code == code


# what an agent is at


async def test_sealed_work_comes_beside_what_can_be_read(vault: Vault, asking: Client) -> None:
    """A client of an earlier version reads no work with a field that it does not know."""
    box = SealedContent(1, BOX, ROOM)
    for work, shown in ((Work(folder="shed", sealed=box), Work(folder="shed")), (Work(sealed=box), None)):
        await asking.request(SetWork(work=work), Done)
        listed = await vault.ann.request(Members(room=ROOM), MemberList)
        bot = next(one for one in listed.agents if one.name == "bot")
        assert (bot.work, bot.sealed_work) == (shown, box)
    with pytest.raises(GroupChatError, match="not base64"):
        await asking.request(SetWork(work=Work(sealed=SealedContent(1, "text!"))), Done)


async def test_a_collision_of_two_agents_names_no_file_in_a_sealed_room(
    gateway: Gateway, vault: Vault, asking: Client
) -> None:
    """They share `general`, too, and what they report of themselves in plain words stays there."""
    other = await gateway.member("bat", MemberKind.AGENT)
    await vault.ann.request(Invite(room=ROOM, member="bat"), Done)
    async with Client(other, Hello(rooms=("general", ROOM))) as bat:
        for one in (asking, bat):
            await one.request(ReportWrites(files=(FileWrite("12345678", "plan.md"),)), Done)
    told = await vault.ann.request(History(room=ROOM), MessageList)
    assert not any("plan.md" in one.content for one in told.messages)
    said = await vault.ann.request(History(room="general"), MessageList)
    assert any("plan.md" in one.content for one in said.messages)


# what is given out is what was given in


async def test_a_signed_answer_that_repeats_what_a_tool_said_is_not_rewritten(gateway: Gateway) -> None:
    await gateway.member("bot", MemberKind.AGENT)
    bot = Actor("bot", MemberKind.AGENT)
    await run_operation(gateway.hub, bot, Hello())
    tools = Actor("bot", MemberKind.AGENT, is_tools_token=True)
    asked = await run_operation(gateway.hub, Actor("alice", HUMAN), Send(content="which?"))
    await run_operation(gateway.hub, tools, Send(content="this one"))
    wish = Send(content="this one", kind=MessageKind.REPLY, reply_to=asked.seq, signed=SIGNED)
    done = await run_operation(gateway.hub, bot, wish)
    assert isinstance(done, Accepted)
    shown = await run_operation(gateway.hub, bot, Show(message=done.seq))
    assert (shown.message.content, shown.message.signed) == ("this one", SIGNED)
