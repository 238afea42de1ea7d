"""What an agent reports of its work, and what others see of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.client import Client
from gateway.protocol.errors import Forbidden, InvalidText
from gateway.protocol.events import MemberView, Message, PresenceChanged
from gateway.protocol.requests.agent_requests import ReportWrites, SetWork
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.requests.message_requests import History
from gateway.protocol.requests.room_requests import CreateRoom, Leave
from gateway.protocol.results import Done, MemberList, MessageList
from gateway.protocol.types.agent_work import FileWrite, Work
from tests.support.assembled import assembled
from tests.support.gateways import Gateway

WORK = Work("website", "main", "Edit", "src/a.py", 1200, 48_000)
KEY = "ghp_0123456789abcdefghijABCDEFGHIJ"


async def view_of(alice: Client) -> MemberView:
    found = await alice.request(Members(), MemberList)
    return next(one for one in found.agents if one.name == "claude")


async def test_others_see_it_at_once_and_only_what_has_changed(gateway: Gateway) -> None:
    endpoint = await gateway.member("claude")
    async with Client(gateway.operator, Hello()) as alice, Client(endpoint, Hello(inbox=True)) as claude:
        for work in (WORK, WORK, Work("website")):
            await claude.request(SetWork(work=work), Done)
            assert (await view_of(alice)).work == work
        told: list[Work | None] = []
        async for event in alice.events():
            if isinstance(event, PresenceChanged) and event.member.name == "claude":
                told.append(event.member.work)
                if told[-1] == Work("website"):
                    break
        assert told.count(WORK) <= 2


async def test_a_new_sidecar_begins_with_nothing(gateway: Gateway) -> None:
    endpoint = await gateway.member("claude")
    async with Client(gateway.operator, Hello()) as alice:
        async with Client(endpoint, Hello(inbox=True)) as claude:
            await claude.request(SetWork(work=WORK), Done)
        async with Client(endpoint, Hello(inbox=True)):
            assert (await view_of(alice)).work is None


async def test_a_key_in_a_name_is_masked(gateway: Gateway) -> None:
    endpoint = await gateway.member("claude")
    async with Client(gateway.operator, Hello()) as alice, Client(endpoint, Hello(inbox=True)) as claude:
        work = Work(folder=f"x/{KEY}", branch=f"fix/{KEY}", file=f"notes/{KEY}.txt")
        await claude.request(SetWork(work=work), Done)
        shown = await view_of(alice)
        assert "ghp_" not in repr(shown) and repr(shown.work).count("«masked»") == 3


@pytest.mark.parametrize("field", ["folder", "branch", "tool", "file"])
async def test_a_line_end_is_refused(gateway: Gateway, field: str) -> None:
    async with Client(await gateway.member("claude"), Hello(inbox=True)) as claude:
        with pytest.raises(InvalidText):
            await claude.request(SetWork(work=Work(**{field: "a\nb"})), Done)  # type: ignore[arg-type]


# files that two agents write


def wrote(*keys: str, name: str = "src/a.py") -> ReportWrites:
    return ReportWrites(files=tuple(FileWrite(key * 16, name) for key in keys))


async def told_in(who: Client, room: str = "general") -> list[Message]:
    found = await who.request(History(room=room, limit=50), MessageList)
    return [one for one in found.messages if one.context and "collision" in one.context]


async def test_both_and_the_people_are_told_once_by_a_line_that_wakes_nobody(gateway: Gateway) -> None:
    ada, ben = await gateway.member("ada"), await gateway.member("ben")
    async with (
        Client(gateway.operator, Hello()) as alice,
        Client(ada, Hello(inbox=True)) as one,
        Client(ben, Hello(inbox=True)) as other,
    ):
        await one.request(wrote("a", "b"), Done)
        await other.request(wrote("c"), Done)
        assert await told_in(alice) == []
        for who in (other, one, other):
            await who.request(wrote("a"), Done)
        (line,) = await told_in(alice)
        assert line.content.startswith("ben has written src/a.py, which ada wrote 1 minute before")
        assert line.context is not None and line.context["collision"]["agents"] == ["ada", "ben"]
        assert (line.from_, line.deliveries, line.recipients) == ("system", (), ())
        async for event in one.events():
            if isinstance(event, Message):
                assert event == line
                break


async def test_a_window_of_nothing_tells_nothing(tmp_path: Path) -> None:
    async with assembled(tmp_path, collision_window=0) as gateway:
        ada, ben = await gateway.member("ada"), await gateway.member("ben")
        async with Client(ada, Hello(inbox=True)) as one, Client(ben, Hello(inbox=True)) as other:
            await one.request(wrote("a"), Done)
            await other.request(wrote("a"), Done)
            assert await told_in(one) == []


async def test_agents_of_different_rooms_are_told_in_their_own(gateway: Gateway) -> None:
    ada, ben = await gateway.member("ada"), await gateway.member("ben")
    async with Client(gateway.operator, Hello()) as alice:
        for room in ("lab", "shed"):
            await alice.request(CreateRoom(room=room), Done)
    async with (
        Client(ada, Hello(inbox=True, rooms=("lab",))) as one,
        Client(ben, Hello(inbox=True, rooms=("shed",))) as other,
    ):
        for who in (one, other):
            await who.request(Leave(room="general"), Done)
        await one.request(wrote("a", name=f"{KEY}\u202e.py"), Done)
        await other.request(wrote("a", name=f"{KEY}\u202e.py"), Done)
        for who, room in ((one, "lab"), (other, "shed")):
            (line,) = await told_in(who, room)
            assert "«masked»" in line.content and "ghp_" not in line.content and "\u202e" not in line.content


async def test_only_a_sidecar_reports_what_was_written(gateway: Gateway) -> None:
    async with Client(gateway.operator, Hello()) as alice:
        with pytest.raises(Forbidden):
            await alice.request(wrote("a"), Done)
