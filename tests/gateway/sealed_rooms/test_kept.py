"""What is sealed survives: a restart, an export with an import, several gateways on one log, and a takeover."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from gateway.client import Client
from gateway.maintenance.export_import import Imported, export_to_file, import_from_file
from gateway.protocol.errors import Conflict, StaleRoomKey, Unavailable
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateToken, KeyRecords, PublishKey
from gateway.protocol.requests.message_requests import History, NewRoomKey, Send
from gateway.protocol.requests.room_requests import AdmitToRoomKey, CreateRoom, Invite, RoomKeys, Rooms, SetRoomKey
from gateway.protocol.results import Accepted, Done, KeyRecordList, MessageList, RoomKeyList, RoomList, TokenMade
from gateway.protocol.types.core_types import MemberKind, Scope, Signed
from tests.fakes.retry import retry_until_awaited
from tests.support.gateways import config_for, gateway_in_process
from tests.support.redis_rooms import gateways_on
from tests.support.redis_server import RedisServer, need_redis
from tests.support.sealed_rooms import ADMISSION, NOTICE, RECORD, sealed

SIGNED = Signed("YQ==", "c2ln", "groupchat alice 1")


async def fill(client: Client) -> None:
    """A sealed room with two keys, a message under each, an invited member with an admission; and published keys."""
    await client.request(PublishKey(record=RECORD, version=1), Done)
    await client.request(CreateRoom(room="vault", sealed=True), Done)
    await client.request(SetRoomKey(room="vault", version=1, notice=NOTICE), Done)
    await client.request(Send(content="", room="vault", sealed=sealed(1), id="one"), Accepted)
    second = Send(content="", room="vault", sealed=sealed(2), id="two", new_key=NewRoomKey(2, NOTICE))
    await client.request(second, Accepted)
    await client.request(CreateToken(name="dot", kind=MemberKind.HUMAN), TokenMade)
    await client.request(Invite(room="vault", member="dot"), Done)
    await client.request(AdmitToRoomKey(room="vault", member="dot", admission=ADMISSION), Done)


async def check(client: Client, *, due: bool = False) -> None:
    room = next(one for one in (await client.request(Rooms(), RoomList)).rooms if one.name == "vault")
    assert (room.sealed, room.invite_only, room.room_key, room.key_due) == (True, True, 2, due)
    listed = await client.request(RoomKeys(room="vault"), RoomKeyList)
    assert [(one.version, one.by, one.notice) for one in listed.keys] == [(1, "alice", NOTICE), (2, "alice", NOTICE)]
    assert (listed.version, listed.key_due, listed.admissions) == (2, due, () if due else (ADMISSION,))
    for limit, after, versions in ((1, 0, [1]), (1, 1, [2]), (5, 2, [])):
        page = await client.request(RoomKeys(room="vault", limit=limit, after=after), RoomKeyList)
        assert ([one.version for one in page.keys], page.more) == (versions, versions == [1])
    said = await client.request(History(room="vault"), MessageList)
    assert [one.sealed for one in said.messages if one.from_ == "alice"] == [sealed(2), sealed(1)]


async def check_keys(client: Client) -> None:
    listed = await client.request(KeyRecords(), KeyRecordList)
    assert [(one.member, one.records) for one in listed.keys] == [("alice", (RECORD,))]
    with pytest.raises(StaleRoomKey):
        await client.request(SetRoomKey(room="vault", version=2, notice=NOTICE), Done)


async def test_a_restart(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state") as gateway, Client(gateway.operator, Hello()) as alice:
        await fill(alice)
    async with gateway_in_process(tmp_path / "state") as gateway, Client(gateway.operator, Hello()) as alice:
        await check(alice)
        await check_keys(alice)


async def test_an_export_and_its_import(tmp_path: Path) -> None:
    """Boxes, signatures, notices and the writers' keys are in the file as they are. Who is in the imported room may be
    others, so its key is due."""
    file, elsewhere = tmp_path / "vault.jsonl", tmp_path / "elsewhere"
    async with gateway_in_process(tmp_path / "state") as gateway, Client(gateway.operator, Hello()) as alice:
        await fill(alice)
        await export_to_file(gateway.operator, "vault", file)
        await alice.request(Send(content="plain and signed", signed=SIGNED), Accepted)
        await export_to_file(gateway.operator, "general", tmp_path / "general.jsonl")
    lines = [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
    assert lines[0]["room"]["sealed"] is True
    assert [one["record"] for one in lines if one.get("ev") == "key"] == [RECORD]
    plain = [msgspec.json.decode(line) for line in (tmp_path / "general.jsonl").read_bytes().splitlines()]
    assert [one["signed"] for one in plain if "signed" in one] == [msgspec.to_builtins(SIGNED)]
    config = config_for(elsewhere)
    assert await import_from_file(config, file, None) == Imported("vault", 2, 0)
    assert await import_from_file(config, file, None) == Imported("vault", 0, 2)
    assert await import_from_file(config, tmp_path / "general.jsonl", "annals") == Imported("annals", 2, 0)
    with pytest.raises(Conflict, match="not sealed here, unlike the room of the export"):
        await import_from_file(config, file, "annals")
    async with gateway_in_process(elsewhere) as gateway:
        admin = await gateway.member("alice", MemberKind.HUMAN, Scope.ADMIN)
        async with Client(admin, Hello(rooms=("general", "vault"))) as alice:
            await check(alice, due=True)
            kept = (await alice.request(History(room="annals"), MessageList)).messages
            assert [one.signed for one in kept if one.from_ == "alice"] == [SIGNED]


@pytest.mark.slow
async def test_several_gateways_and_a_takeover(tmp_path: Path) -> None:
    """Through a follower, at the decider, and after the follower has taken over."""
    need_redis()
    with RedisServer(tmp_path / "redis").running() as server, gateways_on(server, tmp_path, "first", "second") as pair:
        first, second = pair
        async with Client(second.operator, Hello(), patient=True) as alice:
            await fill(alice)
            await check(alice)
            await check_keys(alice)
        async with Client(first.operator, Hello(), patient=True) as alice:
            await check(alice)
        first.kill()
        async with Client(second.operator, Hello(), patient=True) as alice:

            async def decides() -> bool:
                try:
                    await check_keys(alice)
                except Unavailable:
                    return False
                return True

            await retry_until_awaited(decides)
            await check(alice)
