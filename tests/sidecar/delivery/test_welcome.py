"""What a welcome changes: the first one, one after a lost connection, one of another store."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.protocol.results import DeliveryList, MessageDetail, WaitingList
from gateway.protocol.types.core_types import Rung
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.connection.room_reporter import RoomReporter
from sidecar.delivery.backlog import EarlierRun
from sidecar.evidence.turn_evidence import TurnFact, TurnFactKind
from sidecar.messages.replies import Reply
from sidecar.orders.room_orders import RoomOrders
from tests.sidecar.delivery.test_delivery_loop import Scene, prompt
from tests.sidecar.memory_room import MemoryRoom


class Newcomer(Scene):
    """A scene whose messages come by orders."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.orders = RoomOrders("claude", self.delivery_loop, Fetching(self.outbox), EarlierRun())

    async def welcomed(self, **changes: Any) -> None:
        self.orders.welcome(replace(self.room.welcome, **changes))
        await self.orders.backlog.fetch_all()


class Fetching:
    def __init__(self, outbox: RoomReporter) -> None:
        self._outbox = outbox

    async def fetch(self, number: int) -> MessageDetail | None:
        return await self._outbox.fetch(number)

    async def begun_after(self, number: int) -> DeliveryList:
        return await self._outbox.begun_after(number)

    async def waiting_after(self, number: int, limit: int) -> WaitingList:
        return await self._outbox.waiting_after(number, limit)

    def press(self, keys: object, by: str) -> None:
        raise AssertionError("nobody asked for keys")

    def since_person(self) -> float:
        raise AssertionError("nobody asked for keys")

    def shows_question(self, digest: str) -> bool:
        raise AssertionError("nobody asked for keys")

    def restart(self) -> None:
        raise AssertionError("nobody asked for a restart")

    def stop_turn(self, order: object) -> None:
        raise AssertionError("nobody asked for a stop")

    def tell(self, name: str, text: str, number: int) -> None:
        raise AssertionError(f"nobody is to be told: {text}")

    def look(self) -> AgentSnapshot:
        raise AssertionError("nobody asked for a look")


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Newcomer]:
    one = Newcomer(tmp_path)
    yield one
    one.journal.close()


async def test_the_sidecar_shares_what_the_room_remembers(scene: Newcomer) -> None:
    for kept, share in (("none", "none"), ("all", "all"), ("", "replies")):
        await scene.welcomed(share=kept)
        assert scene.progress.replies.share == share


async def test_all_that_is_open_is_taken_up_however_much_it_is(scene: Newcomer) -> None:
    numbers = [scene.room.say(str(one)) for one in range(8)]
    scene.room.page = 3
    await scene.welcomed()
    assert list(scene.delivery_loop.inbox.entries) == numbers


async def test_a_number_of_another_store_is_another_message(scene: Newcomer) -> None:
    scene.room.store_id = "first"
    number = scene.room.say("hello")
    await scene.welcomed()
    await scene.after()
    await scene.after(prompt(number), TurnFact(TurnFactKind.ANSWER, "hi", "t"))
    assert scene.room.rungs(number)[-1] == "answered"
    scene.outbox.step(number, Rung.FAILED)
    scene.outbox.post_reply(Reply("an answer nobody has heard yet", (), "general", number, "r", (number,)))
    scene.room = scene.outbox._room = MemoryRoom("claude")  # the store was replaced
    scene.room.store_id = "second"
    assert scene.room.say("another first message") == number
    await scene.welcomed()
    await scene.after()
    assert scene.agent.keys[-2:] == [b"\x1b[200~[alice -> claude #1] another first message\x1b[201~", b"\r"]
    assert scene.room.rungs(number) == ["typed", "verified", "submitted"]
    assert scene.room.replies == {None: "an answer nobody has heard yet"}


async def test_the_same_store_again_changes_nothing(scene: Newcomer) -> None:
    scene.room.store_id = "first"
    number = scene.room.say("hello")
    for _ in range(2):
        await scene.welcomed()
        await scene.after()
    assert scene.agent.keys.count(b"\r") == 1
    assert scene.room.rungs(number) == ["typed", "verified", "submitted"]
