"""Orders for the terminal: keys by name, a restart, and refused orders."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Control, ControlAction
from gateway.protocol.requests.message_requests import Show
from gateway.protocol.requests.request import Request
from gateway.protocol.results import DeliveryList, MessageDetail, WaitingList
from gateway.protocol.types.core_types import Activity
from gateway.protocol.types.key_names import key_bytes
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.delivery.backlog import EarlierRun
from sidecar.delivery.stop_rules import DIALOG_TEXT, StopOrder
from sidecar.messages.sealed_turns import SealedPlace, SealedTurn
from sidecar.orders import key_rules
from sidecar.orders.key_rules import PERSON_TYPES_TEXT
from sidecar.orders.room_orders import MISSED_TEXT, SEALED_KEYS_TEXT, RoomOrders
from tests.fakes.retry import retry_until
from tests.sidecar.delivery.test_delivery_loop import Scene
from tests.sidecar.memory_room import MemoryRoom
from tests.sidecar.ordered_keys import careful_key
from tests.sidecar.pictures import moment
from tests.sidecar.sidecar_terminal import sidecar_in_terminal

T = TypeVar("T")


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("^C", [b"\x03"]),
        ("c-u", [b"\x15"]),
        ("esc esc", [b"\x1b", b"\x1b"]),
        ("1 Enter", [b"1", b"\r"]),
        ("Down", [b"\x1b[B"]),
    ],
)
def test_keys_by_name(text: str, keys: list[bytes]) -> None:
    assert key_bytes(text) == keys


@pytest.mark.parametrize("text", ["hyper-x", "^ß", "c-ŉ", "c-", "^1"])  # "ß" has two letters in capitals
def test_an_unknown_key_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="is not a key"):
        key_bytes(text)


class FakeTarget:
    def __init__(self, activity: Activity = Activity.IDLE) -> None:
        self.done: list[object] = []
        self.told: list[tuple[str, str]] = []
        self._moment = moment(activity)
        self.since_key, self.question = float("inf"), ""

    async def fetch(self, number: int) -> MessageDetail | None:
        raise AssertionError(number)

    async def begun_after(self, number: int) -> DeliveryList:
        raise AssertionError(number)

    async def waiting_after(self, number: int, limit: int) -> WaitingList:
        raise AssertionError(number)

    def press(self, keys: Sequence[bytes], by: str) -> None:
        self.done += keys

    def restart(self) -> None:
        self.done.append("restart")

    def stop_turn(self, order: StopOrder) -> None:
        self.done.append(order)

    def tell(self, name: str, text: str, number: int) -> None:
        self.told.append((name, text))

    def look(self) -> AgentSnapshot:
        return self._moment

    def since_person(self) -> float:
        return self.since_key

    def shows_question(self, digest: str) -> bool:
        return digest == self.question


def order(action: ControlAction, text: str = "", number: int = 8, *, may: bool = False) -> Control:
    """With a time that another machine's clock gave."""
    return Control(number, action, "alice", ("claude",), "2001-01-01T00:00:00.000Z", text=text, may_approve=may)


async def ordered(folder: Path, target: FakeTarget, control: Control) -> None:
    scene = Scene(folder)
    orders = RoomOrders("claude", scene.delivery_loop, target, EarlierRun())
    orders.mark_connected(7)
    await orders.control(control)
    scene.journal.close()


@pytest.mark.parametrize(
    ("control", "activity", "done"),
    [
        (order(ControlAction.KEYS, "^C 1"), Activity.IDLE, [b"\x03", b"1"]),
        (order(ControlAction.KEYS, "1", may=True), Activity.ASKING, [b"1"]),
        (order(ControlAction.RESTART), Activity.ASKING, ["restart"]),
        (order(ControlAction.KEYS, "stop"), Activity.ASKING, [StopOrder("alice", 8)]),
        (order(ControlAction.KEYS, "stop", may=True), Activity.IDLE, [StopOrder("alice", 8, may_refuse=True)]),
    ],
)
async def test_a_new_order_is_carried_out_whatever_the_clocks_say(
    tmp_path: Path, control: Control, activity: Activity, done: list[object]
) -> None:
    target = FakeTarget(activity)
    await ordered(tmp_path, target, control)
    assert (target.done, target.told) == (done, [])


@pytest.mark.parametrize(
    ("control", "activity", "told"),
    [
        (order(ControlAction.KEYS, "1", number=7), Activity.IDLE, f"claude was given no keys: {MISSED_TEXT}"),
        (order(ControlAction.RESTART, number=7), Activity.IDLE, f"claude was not started again: {MISSED_TEXT}"),
        (order(ControlAction.KEYS, "stop", number=7), Activity.BUSY, f"claude was not stopped: {MISSED_TEXT}"),
        (order(ControlAction.KEYS, "1"), Activity.ASKING, f"claude was given no keys: {DIALOG_TEXT}"),
        (order(ControlAction.KEYS, "hyper-x"), Activity.IDLE, "claude was given no keys: 'hyper-x' is not a key"),
    ],
)
async def test_the_sender_of_a_refused_order_is_told_why(
    tmp_path: Path, control: Control, activity: Activity, told: str
) -> None:
    target = FakeTarget(activity)
    await ordered(tmp_path, target, control)
    ((name, text),) = target.told
    assert target.done == []
    assert name == "alice" and text.startswith(told)


async def test_a_key_waits_for_nobody_who_types(tmp_path: Path) -> None:
    target = FakeTarget()
    target.since_key = 0.5
    await ordered(tmp_path, target, careful_key())
    assert (target.done, target.told) == ([], [("alice", f"claude was given no keys: {PERSON_TYPES_TEXT}")])


async def test_ordered_keys_do_not_count_as_a_persons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three keys from afar go in one after the other; a key at the terminal keeps the next one out."""
    monkeypatch.setattr(key_rules, "TYPING_PAUSE_S", 600.0)  # however long the agent takes to show the key
    room = MemoryRoom("claude")
    async with sidecar_in_terminal(tmp_path, room=room) as pane:
        await pane.is_("idle")
        for key in ("space", "space", "backspace"):
            room.order(ControlAction.KEYS, text=key, careful=True)
        room.order(ControlAction.KEYS, text="x y", careful=True)
        await pane.shows("xy")
        pane.type("z")
        await pane.shows("xyz")
        room.order(ControlAction.KEYS, text="a", careful=True)
        await retry_until(
            lambda: [one for one in room.sent if PERSON_TYPES_TEXT in one.content], describe=pane.describe
        )
        assert "xyza" not in pane.text


async def test_text_typed_by_an_order_counts_as_a_persons_draft(tmp_path: Path) -> None:
    room = MemoryRoom("claude")
    async with sidecar_in_terminal(tmp_path, room=room) as pane:
        await pane.reaches(room.say("first"), "answered")
        await pane.is_("idle")
        room.order(ControlAction.KEYS, text="h i")
        await pane.shows("› hi")
        number = room.say("hello")
        await retry_until(lambda: room.rungs(number), describe=pane.describe)
        assert (room.rungs(number)[0], room.reasons(number)[0]) == ("held", "draft")
        await pane.reaches(number, "answered")
        await pane.shows("› hi")


class Failing(MemoryRoom):
    async def request(self, request: Request, result_type: type[T]) -> T:
        if isinstance(request, Show):
            raise RuntimeError("a bad event")
        return await super().request(request, result_type)


async def test_an_event_that_fails_takes_back_no_pause(tmp_path: Path) -> None:
    room = Failing("claude")
    async with sidecar_in_terminal(tmp_path, room=room) as pane:
        await pane.is_("idle")
        room.order(ControlAction.PAUSE)
        room.order(ControlAction.RETRY, message=99)
        room.order(ControlAction.KEYS, text="h i")
        await pane.shows("› hi")
        number = room.say("hello")
        await retry_until(lambda: room.rungs(number), describe=pane.describe)
        assert (room.rungs(number), room.reasons(number)) == (["held"], ["paused"])
        room.order(ControlAction.KEYS, text="!")
        await pane.shows("› hi!")
        assert room.rungs(number) == ["held"]


@pytest.mark.parametrize(
    ("text", "pressed"), [("1", []), ("Enter", []), ("^C", []), ("stop", [StopOrder("alice", 8, may_refuse=True)])]
)
async def test_no_key_of_the_room_is_pressed_in_a_sealed_turn(tmp_path: Path, text: str, pressed: list[object]) -> None:
    """The gateway could have made the order up. It may end the turn, which approves nothing."""
    scene, target = Scene(tmp_path), FakeTarget(Activity.IDLE)
    turn = SealedTurn(SealedPlace("lab"), True)
    orders = RoomOrders("claude", scene.delivery_loop, target, EarlierRun(), sealed_turn=turn)
    orders.mark_connected(7)
    await orders.control(order(ControlAction.KEYS, text, may=True))
    assert target.done == pressed
    assert [text for _, text in target.told] == [f"claude was given no keys: {SEALED_KEYS_TEXT}"] * (not pressed)
    turn.place = None
    await orders.control(order(ControlAction.KEYS, "1", may=True))
    assert target.done == [*pressed, b"1"]
    scene.journal.close()
