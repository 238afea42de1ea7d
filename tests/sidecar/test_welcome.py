"""What a sidecar makes of a welcome: a first one, one after a lost connection, one of another house."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from gateway.protocol.results import DeliveryList, MessageDetail
from sidecar.orders import Orders, Past
from sidecar.room import Outbox
from sidecar.watch import Moment
from tests.sidecar.test_courier import Scene


class Newcomer(Scene):
    """A scene whose messages come by orders."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.orders = Orders("claude", self.courier, _Fetching(self.outbox), Past())


class _Fetching:
    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def fetch(self, number: int) -> MessageDetail | None:
        return await self._outbox.fetch(number)

    async def open_after(self, number: int) -> DeliveryList:
        return await self._outbox.open_after(number)

    def press(self, keys: object) -> None:
        raise AssertionError("nobody asked for keys")

    def look(self) -> Moment:
        raise AssertionError("nobody asked for a look")


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Newcomer]:
    one = Newcomer(tmp_path)
    yield one
    one.journal.close()


async def test_what_is_shared_is_what_the_room_has_kept(scene: Newcomer) -> None:
    for kept, share in (("none", "none"), ("all", "all"), ("", "replies")):
        await scene.orders.welcome(replace(scene.room.welcome, share=kept))
        assert scene.ledger.share == share


async def test_all_that_is_open_is_taken_up_however_much_it_is(scene: Newcomer) -> None:
    numbers = [scene.room.say(str(one)) for one in range(8)]
    scene.room.page = 3
    await scene.orders.welcome(scene.room.welcome)
    assert list(scene.courier.inbox.entries) == numbers
