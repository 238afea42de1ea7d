"""A room by invitation: every operation, each kind of member. What may not be known is refused as what is absent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from gateway.access.permissions import Actor
from gateway.client import Client, Endpoint
from gateway.operations.dispatch import run_operation
from gateway.operations.operation_table import OPERATION_BY_REQUEST
from gateway.protocol import codec
from gateway.protocol.errors import GroupChatError, UnknownRoom
from gateway.protocol.events import Control, Message, RoomAction, RoomEvent
from gateway.protocol.requests import decision_requests as d
from gateway.protocol.requests import mark_requests as k
from gateway.protocol.requests import mode_requests as m
from gateway.protocol.requests import session_requests as s
from gateway.protocol.requests import shared_document_requests as c
from gateway.protocol.requests.agent_requests import (
    Continue,
    Keys,
    Pause,
    PressTerminalKey,
    ReportWrites,
    Restart,
    Resume,
    SetActivity,
    SetCondition,
    SetConversation,
    SetFolder,
    SetWork,
    Share,
    ShowPartialText,
    ShowTerminal,
    Stop,
    Timeline,
    UnwatchTerminal,
    WatchTerminal,
    WhySilent,
)
from gateway.protocol.requests.approval_requests import AnswerAsk, Asks, CloseAsk, EndedAsks, OpenAsk
from gateway.protocol.requests.connection_requests import (
    Bye,
    CloseLanPage,
    Events,
    Hello,
    OpenLanPage,
    Ping,
    Stats,
    Status,
)
from gateway.protocol.requests.member_requests import (
    BeginPairing,
    CreateHands,
    CreateLink,
    CreateToken,
    KeyRecords,
    Members,
    PublishKey,
    Register,
    RemoveMember,
    RevokeKey,
    RevokeToken,
    RotateToken,
    SetRole,
    Tokens,
    WhoAmI,
)
from gateway.protocol.requests.message_requests import (
    Cancel,
    Deliveries,
    History,
    Poll,
    Recall,
    Receipts,
    Report,
    Retry,
    Search,
    Send,
    Show,
    Waiting,
)
from gateway.protocol.requests.request import Request
from gateway.protocol.requests.room_requests import (
    AdmitToRoomKey,
    CreateRoom,
    Invite,
    Join,
    Kick,
    Leave,
    RemoveRoom,
    RoomKeys,
    RoomRetention,
    Rooms,
    SetRetention,
    SetRoomKey,
    SetTopic,
)
from gateway.protocol.results import Done, EventPage, Story, WaitingList
from gateway.protocol.tool_calls import tool_call_requests as t
from gateway.protocol.types.core_types import MemberKind, Rung, Scope, Step
from tests.support.gateways import Gateway

LAB, NOWHERE, LATE = "lab", "zzz", "quince"
TEAM = Actor("human", MemberKind.HUMAN, team=True)
SCOPES = {"olga": (Scope.OBSERVER,), "root": (Scope.ADMIN,)}
INSIDE = ("ann", "ben")  # who made the room, and a member
READERS = (*INSIDE, "human", "olga", "root")  # and the team token, an observer, an administrator
LET_IN = ("ivy", "fay")  # invited and never came; left
STRANGERS = ("kit", "eve")  # put out; never heard of it


class Scene:
    """Ann's room, and what is in it: a message, a session, a decision, a document, a mode."""

    def __init__(self, gateway: Gateway) -> None:
        self.hub = gateway.hub
        names = (*INSIDE, *LET_IN, *STRANGERS, "olga", "root")
        kinds = {"ben": MemberKind.AGENT}
        self.actors = {
            one: Actor(one, kinds.get(one, MemberKind.HUMAN), frozenset(SCOPES.get(one, ()))) for one in names
        }
        self.actors["human"] = TEAM
        self.message = self.late = 0

    async def do(self, name: str, request: Request) -> Any:
        return await run_operation(self.hub, self.actors[name], request)

    async def furnish(self) -> None:
        await self.do("ann", CreateRoom(room=LAB, topic="secret topic", invite_only=True))
        for name in ("ben", *LET_IN, "kit"):
            await self.do("ann", Invite(room=LAB, member=name))
        for name in ("ben", "fay", "kit"):
            await self.do(name, Join(room=LAB))
        self.message = (await self.do("kit", Send(content="what was said before", room=LAB))).seq
        await self.do("fay", Leave(room=LAB))
        await self.do("ann", Kick(room=LAB, member="kit"))
        self.late = (await self.do("ann", Send(content=LATE, room=LAB))).seq
        await self.do("ann", s.OpenSession(session="q3", room=LAB, goal="secret goal"))
        await self.do("ann", d.Propose(question=f"secret {LATE}?", room=LAB, voters=("ben",), id="hidden"))
        await self.do("ann", c.PutContext(scope=f"#{LAB}", name="doc", document={"secret": LATE}))

    async def outcome(self, name: str, request: Request) -> tuple[str, ...]:
        """What a member learns: the kind of answer, or the error, without the names that it said itself."""
        try:
            result = await self.do(name, request)
        except GroupChatError as error:
            words = error.message
            for own in (LAB, NOWHERE, "'q3'", "'q9'", "'hidden'", "'absent'", str(self.late), str(NEVER)):
                words = words.replace(own, "*")
            return (error.code, words, *error.nearest)
        return ("ok", type(result).__name__)


@pytest.fixture
async def scene(gateway: Gateway) -> AsyncIterator[Scene]:
    there = Scene(gateway)
    for name in there.actors:
        if name != "human":
            await gateway.member(name, there.actors[name].kind, *SCOPES.get(name, ()))
    await there.do("human", Hello())
    await there.furnish()
    yield there


NEVER = 9_999_999
Asked = Callable[[Scene, bool], Request]


def in_room(kind: Any, **fields: Any) -> Asked:
    return lambda scene, hidden: kind(room=LAB if hidden else NOWHERE, **fields)


def about(kind: Any, **fields: Any) -> Asked:
    return lambda scene, hidden: kind(message=scene.late if hidden else NEVER, **fields)


def of_session(kind: Any, **fields: Any) -> Asked:
    return lambda scene, hidden: kind(session="q3" if hidden else "q9", **fields)


def of_decision(kind: Any, **fields: Any) -> Asked:
    return lambda scene, hidden: kind(decision="hidden" if hidden else "absent", **fields)


def of_document(kind: Any, **fields: Any) -> Asked:
    return lambda scene, hidden: kind(scope=f"#{LAB if hidden else NOWHERE}", name="doc", **fields)


READS: tuple[Asked, ...] = (
    in_room(k.Pins),
    in_room(History),
    in_room(Search, query=LATE),
    in_room(Members),
    in_room(m.GetMode),
    in_room(d.Decisions),
    in_room(s.Sessions),
)
THINGS: tuple[Asked, ...] = (
    about(Show),
    about(Receipts),
    about(k.Thread),
    of_session(s.ShowSession),
    of_session(s.SessionMessages),
    of_decision(d.ShowDecision),
)
DOCUMENTS: tuple[Asked, ...] = (
    of_document(c.GetContext),
    of_document(c.ContextChanges),
    lambda scene, hidden: c.Contexts(scope=f"#{LAB if hidden else NOWHERE}"),
)
WRITES: tuple[Asked, ...] = (
    in_room(Send, content="x"),
    in_room(ShowPartialText, text="x"),
    in_room(SetTopic, topic="x"),
    in_room(SetRetention, keep="90d"),
    in_room(RoomRetention),
    in_room(Invite, member="eve"),
    in_room(Kick, member="ben"),
    in_room(Join),
    in_room(RoomKeys),
    in_room(SetRoomKey, version=1, notice="bm90aWNl"),
    in_room(AdmitToRoomKey, member="ben", admission="bm90aWNl"),
    in_room(RemoveRoom),
    in_room(Leave),
    in_room(m.SetMode, mode="debate", topic="x"),
    in_room(m.NextTurn),
    in_room(m.ExtendTurn),
    in_room(m.Working),
    in_room(m.EndMode),
    in_room(Continue),
    in_room(d.Propose, question="x?", people=True),
    in_room(s.OpenSession, session="fresh"),
    lambda scene, hidden: Hello(rooms=(LAB if hidden else NOWHERE,)),
    lambda scene, hidden: Send(content="x", reply_to=scene.late if hidden else NEVER),
    lambda scene, hidden: Send(content="x", session="q3" if hidden else "q9"),
    lambda scene, hidden: d.Propose(question="x?", people=True, session="q3" if hidden else "q9"),
    lambda scene, hidden: Poll(reply_to=scene.late if hidden else NEVER),
    about(Report, steps=(Step(Rung.TYPED),)),
    about(Cancel),
    about(Retry, member="ben"),
    about(k.React, sign="ok"),
    about(k.Pin),
    in_room(k.Mute),
    in_room(t.CallTool, tool="calc", operation="add"),
    in_room(k.MarkRead, message=1),
    lambda scene, hidden: k.Reactions(messages=(scene.late if hidden else NEVER,)),
    of_session(s.UpdateSession, goal="x"),
    of_session(s.PauseSession),
    of_session(s.ResumeSession),
    of_session(s.CloseSession, closing="x"),
    of_decision(d.AnswerDecision, choice="yes"),
    of_decision(d.CloseDecision),
    of_document(c.PutContext, document={"x": 1}),
    of_document(c.MergeContext, patch={"x": 1}),
    of_document(c.DeleteContext),
)
LISTS: tuple[Request, ...] = (
    *(
        Hello(),
        Rooms(),
        Members(all=True),
        History(from_="ann"),
        Search(query=LATE),
        Recall(question=LATE),
        Events(limit=1000),
    ),
    *(
        Status(),
        Stats(),
        WhoAmI(),
        Asks(),
        EndedAsks(),
        d.Decisions(all=True),
        s.Sessions(all=True),
        c.Contexts(),
        m.Modes(),
        t.ToolOffers(),
        WhySilent(),
        Timeline(member="ben"),
    ),
)
LEADING = (m.SetMode, m.NextTurn, m.EndMode, m.ExtendTurn)
# These name neither a room nor anything in one. A name that is to be new (`room.create`) must be free, and says so.
OF_THE_HOUSE: tuple[type[Request], ...] = (
    *(CreateRoom, Deliveries, SetRole, Register, SetActivity, Bye, Pause, Resume, Keys, Share),
    Stop,
    *(Restart, OpenAsk, CloseAsk, AnswerAsk, CreateToken, CreateHands, Tokens, RevokeToken),
    *(RotateToken, Ping, Waiting, RemoveMember),
    BeginPairing,
    CreateLink,
    *(t.OfferTools, t.AnswerCall, t.ShowCall),
    *(OpenLanPage, CloseLanPage),
    *(WatchTerminal, UnwatchTerminal, ShowTerminal, PressTerminalKey, SetFolder, SetCondition, SetConversation),
    *(SetWork, ReportWrites),
    *(PublishKey, RevokeKey, KeyRecords),
)


def test_each_operation_is_in_a_table() -> None:
    asked = {type(one(Scene.__new__(Blank), True)) for one in (*READS, *THINGS, *DOCUMENTS, *WRITES)}
    assert asked | {type(one) for one in LISTS} | set(OF_THE_HOUSE) == set(OPERATION_BY_REQUEST)


class Blank(Scene):
    message = late = 1


async def test_a_stranger_cannot_tell_a_closed_room_from_none(scene: Scene) -> None:
    for name in STRANGERS:
        for request in LISTS:
            seen = codec.encode(await scene.do(name, request)).decode()
            for secret in (LATE, "secret", "q3", "hidden", f'"{LAB}"') if name == "eve" else (LATE, "secret goal"):
                assert secret not in seen, (name, request)
    for name in STRANGERS:
        for asked in (*READS, *THINGS, *DOCUMENTS, *WRITES):
            hidden, nothing = asked(scene, True), asked(scene, False)
            assert await scene.outcome(name, hidden) == await scene.outcome(name, nothing), (name, hidden)


async def test_who_may_come_in_knows_the_room_and_reads_nothing_of_it(scene: Scene) -> None:
    for name in LET_IN:
        for asked in (*READS, *DOCUMENTS, in_room(Send, content="x"), in_room(Continue), in_room(m.Working)):
            code, *_ = await scene.outcome(name, asked(scene, True))
            assert code == "forbidden", asked(scene, True)
        for asked in THINGS:
            assert await scene.outcome(name, asked(scene, True)) == await scene.outcome(name, asked(scene, False))
        for request in LISTS:
            seen = codec.encode(await scene.do(name, request)).decode()
            assert not any(secret in seen for secret in (LATE, "secret goal", "hidden")), (name, request)
        (room,) = [one for one in (await scene.do(name, Rooms())).rooms if one.name == LAB]
        assert (room.topic, room.members, room.floor) == ("secret topic", (), None)


async def test_members_observers_and_administrators_read_it(scene: Scene) -> None:
    for name in READERS:
        for asked in READS:
            assert (await scene.outcome(name, asked(scene, True)))[0] == "ok", (name, asked(scene, True))
    for name in (*INSIDE, "human", "olga"):
        for asked in (*DOCUMENTS, THINGS[0], *THINGS[2:]):
            assert (await scene.outcome(name, asked(scene, True)))[0] == "ok", (name, asked(scene, True))


async def test_the_team_token_leads_modes_only_where_it_is(scene: Scene) -> None:
    """It reads all rooms; that puts it into none."""
    for asked in WRITES:
        request = asked(scene, True)
        if "room" in request.__struct_fields__ and isinstance(
            request, (m.SetMode, m.NextTurn, m.EndMode, m.ExtendTurn)
        ):
            assert (await scene.outcome("human", request))[0] == "forbidden"
    for name in ("human", "olga"):
        for wish in (
            s.PauseSession(session="q3"),
            s.CloseSession(session="q3"),
            s.UpdateSession(session="q3", goal="x"),
        ):
            assert (await scene.outcome(name, wish))[0] == "forbidden"


async def test_whoever_comes_back_reads_on_and_who_was_put_out_needs_a_new_invitation(scene: Scene) -> None:
    await scene.do("fay", Join(room=LAB))
    assert (await scene.outcome("fay", History(room=LAB)))[0] == "ok"
    with pytest.raises(UnknownRoom):
        await scene.do("kit", Join(room=LAB))
    await scene.do("ben", Invite(room=LAB, member="kit"))
    await scene.do("kit", Join(room=LAB))
    assert (await scene.do("kit", Show(message=scene.late))).message.content == LATE


async def test_only_owners_and_administrators_put_out(scene: Scene) -> None:
    outcomes = {name: (await scene.outcome(name, Kick(room=LAB, member="ben")))[0] for name in ("ben", "olga", "human")}
    assert outcomes == {"ben": "forbidden", "olga": "forbidden", "human": "forbidden"}
    assert (await scene.outcome("ann", Kick(room=LAB, member="eve")))[0] == "conflict"
    assert (await scene.outcome("ann", Kick(room=LAB, member="ann")))[0] == "bad_request"
    assert (await scene.outcome("ann", Kick(room=LAB, member="ivy")))[0] == "ok"
    assert (await scene.outcome("ivy", Join(room=LAB)))[0] == "unknown_room"
    assert (await scene.outcome("root", Kick(room=LAB, member="ben")))[0] == "ok"


async def test_a_public_room_is_read_by_whoever_was_put_out_and_not_entered(scene: Scene) -> None:
    await scene.do("ann", CreateRoom(room="park"))
    await scene.do("eve", Join(room="park"))
    await scene.do("ann", Kick(room="park", member="eve"))
    assert (await scene.outcome("eve", History(room="park")))[0] == "ok"
    for request in (Join(room="park"), Hello(rooms=("park",)), Send(content="x", room="park")):
        assert (await scene.outcome("eve", request))[0] == "forbidden"
    await scene.do("root", Kick(room="general", member="eve"))
    assert (await scene.outcome("eve", Hello()))[0] == "ok", "it is here, though not in that room"
    assert (await scene.do("eve", WhoAmI())).rooms == ()


async def test_putting_out_is_said_and_ends_what_streams_and_waits_tell(gateway: Gateway) -> None:
    tokens = {name: await gateway.member(name, MemberKind.HUMAN) for name in ("ann", "ben", "kit")}
    async with Client(tokens["ann"]) as ann, Client(tokens["ben"]) as ben, Client(tokens["kit"]) as kit:
        await ann.request(CreateRoom(room=LAB, invite_only=True), Done)
        for name, client in (("ben", ben), ("kit", kit)):
            await ann.request(Invite(room=LAB, member=name), Done)
            await client.request(Join(room=LAB), Done)
        since = (await ann.send("now", room=LAB)).seq
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(waiting_for_events(tokens["kit"], since))
            await ann.request(Kick(room=LAB, member="kit"), Done)
            await ann.send(LATE, room=LAB)
            await ann.send("the end")
        told = await until_the_end(ben)
        assert RoomAction.LEFT in [one.action for one in told if isinstance(one, RoomEvent) and one.member == "kit"]
        assert "ann removed kit from the room." in [one.content for one in told if isinstance(one, Message)]
        seen = [one.content for one in await until_the_end(kit) if isinstance(one, Message)]
        assert LATE not in seen and any("removed you from the room lab" in one for one in seen)
        assert LATE not in repr(asking.result())


async def waiting_for_events(endpoint: Endpoint, since: int) -> list[msgspec.Raw]:
    found: list[msgspec.Raw] = []
    async with Client(endpoint) as client:
        while not any(b"the end" in bytes(one) for one in found):
            page = await client.request(Events(since=since, wait=20), EventPage)
            found += page.events
            since = page.until
    return found


async def until_the_end(client: Client) -> list[Any]:
    seen: list[Any] = []
    async for event in client.events():
        seen.append(event)
        if isinstance(event, Message) and event.content == "the end":
            break
    return seen


OUT_OF_THE_ROOM = [
    ("ann", Kick(room=LAB, member="bot"), "ann removed bot from the room lab"),
    ("bot", Leave(room=LAB), "bot left the room lab"),
    ("ann", RemoveRoom(room=LAB), "ann removed the room lab"),
]


@pytest.mark.parametrize(("who", "request_", "why"), OUT_OF_THE_ROOM)
async def test_what_waits_in_a_room_for_who_is_out_of_it_is_taken_back(
    gateway: Gateway, who: str, request_: Request, why: str
) -> None:
    """An agent could read it, and could not answer there."""
    tokens = {
        "ann": await gateway.member("ann", MemberKind.HUMAN),
        "bot": await gateway.member("bot", MemberKind.AGENT),
    }
    async with Client(tokens["ann"], Hello()) as ann, Client(tokens["bot"], Hello(inbox=True)) as bot:
        await ann.request(CreateRoom(room=LAB, invite_only=True), Done)
        await ann.request(Invite(room=LAB, member="bot"), Done)
        there = [(await ann.send(text, to="@bot", room=LAB)).seq for text in ("one", "two", "begun")]
        elsewhere = (await ann.send("stays", to="@bot")).seq
        await bot.request(Report(message=there[2], steps=(Step(Rung.TYPED),)), Done)
        await {"ann": ann, "bot": bot}[who].request(request_, Done)
        waiting = (await bot.request(Waiting(), WaitingList)).messages
        assert [one.seq for one in waiting if one.from_ == "ann"] == [elsewhere]
        stories = [await ann.request(Receipts(message=number), Story) for number in there]
        ends = [(one.rung, one.reason) for story in stories for one in story.deliveries]
        assert ends == [(Rung.CANCELLED, why), (Rung.CANCELLED, why), (Rung.TYPED, "")]
        await ann.send("the end")
        orders = [one.message for one in await until_the_end(bot) if isinstance(one, Control)]
        assert orders == there[:2]
