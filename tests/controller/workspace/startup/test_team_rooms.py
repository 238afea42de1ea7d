"""The rooms of a team file at a real gateway."""

from __future__ import annotations

from pathlib import Path

from controller.team.room_plan import RoomPlan
from controller.team.team import RoomSpec
from controller.workspace.startup.team_rooms import carry_out_room_plan
from gateway.client import Client
from gateway.protocol.requests.room_requests import RemoveRoom, Rooms
from gateway.protocol.results import Done, RoomList
from tests.support.gateways import gateway_in_process

PLAN = RoomPlan(
    create=(RoomSpec("design"), RoomSpec("ops")),
    topics=(("design", "Colours"),),
    take_in=(("design", "ada"), ("ops", "ada")),
    put_out=(("design", "ada"),),
)


async def test_a_room_that_was_removed_stays_removed_and_the_others_are_set_up(tmp_path: Path) -> None:
    told: list[str] = []
    async with gateway_in_process(tmp_path) as gateway:
        await gateway.member("ada")
        async with Client(gateway.operator) as alice:
            await carry_out_room_plan(alice, PLAN, told.append)
            assert not told
            await alice.request(RemoveRoom(room="design"), Done)
            await carry_out_room_plan(alice, PLAN, told.append)
            rooms = {one.name: one for one in (await alice.request(Rooms(), RoomList)).rooms}
    assert told == ["the room design of the team file was removed, and its name cannot be used again"]
    assert "design" not in rooms and "ada" in rooms["ops"].members
