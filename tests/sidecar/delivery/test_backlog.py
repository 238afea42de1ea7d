"""However many messages wait, only the next ones are loaded, in order and once. Orders and urgent messages go first."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.protocol.events import Control, ControlAction, Receipt
from gateway.protocol.requests.message_requests import Deliveries, Report, Show, Waiting
from gateway.protocol.requests.request import Request
from gateway.protocol.results import WaitingList
from gateway.protocol.types.core_types import Rung, Step
from sidecar.connection.room_reporter import RoomReporter
from sidecar.delivery.backlog import PAGE_DELIVERIES, EarlierRun
from sidecar.evidence.turn_evidence import EvidenceSource, TurnFact, TurnFactKind
from sidecar.messages.duplicate_guard import MessageProgress
from sidecar.messages.inbox import LOAD_BELOW, MAX_LOADED, InboxEntry, MessageQueue
from sidecar.messages.recovery import TurnOutcome
from sidecar.orders.room_orders import RoomOrders
from tests.sidecar.delivery.test_delivery_loop import Scene
from tests.sidecar.delivery.test_welcome import Fetching
from tests.sidecar.memory_room import MemoryRoom
from tests.sidecar.messages.test_inbox import entry


class CountingInbox(MessageQueue):
    looked_at = 0

    def waiting(self) -> list[InboxEntry]:
        found = super().waiting()
        self.looked_at += len(found)
        return found


class Late(Fetching):
    """Pages that were made when they were asked for, and come when `gate` is open."""

    def __init__(self, outbox: RoomReporter) -> None:
        super().__init__(outbox)
        self.gate, self.asked = asyncio.Event(), asyncio.Event()
        self.gate.set()

    async def waiting_after(self, number: int, limit: int) -> WaitingList:
        page = await super().waiting_after(number, limit)
        self.asked.set()
        await self.gate.wait()
        return page


class Desk(Scene):
    """An agent that answers whatever it was given, and a count of what that takes."""

    def __init__(self, folder: Path, past: EarlierRun | None = None) -> None:
        super().__init__(folder)
        self.room.page = 1000
        self.late = Late(self.outbox)
        self.orders = RoomOrders("claude", self.delivery_loop, self.late, past or EarlierRun())
        self.most_here = 0

    def inbox_of(self) -> MessageQueue:
        self.inbox = CountingInbox()
        return self.inbox

    async def welcomed(self) -> None:
        self.orders.welcome(self.room.welcome)
        await self.orders.backlog.fetch_all()

    @contextlib.asynccontextmanager
    async def a_page_on_its_way(self) -> AsyncIterator[None]:
        """Between the request for it and its arrival."""
        self.orders.welcome(self.room.welcome)
        self.late.gate.clear()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.orders.backlog.fetch_all())
            await self.late.asked.wait()
            yield
            self.late.gate.set()

    async def one_turn(self) -> list[int]:
        """One prompt and its answer; the numbers that went in."""
        numbers = await self.one_turn_without_pages()
        await self.orders.backlog.fetch_all()
        return numbers

    async def one_turn_without_pages(self) -> list[int]:
        before = len(self.agent.keys)
        await self.after()
        typed = b"".join(self.agent.keys[before:]).decode().removeprefix("\x1b[200~").partition("\x1b[201~")[0]
        self.most_here = max(self.most_here, len(self.inbox.entries))
        numbers = [one.number for one in self.inbox.in_hand()]
        for fact in (TurnFact(TurnFactKind.PROMPT, typed, "t"), TurnFact(TurnFactKind.ANSWER, "done", "t")):
            self.delivery_loop.fact(fact)
        await self.outbox.flush(self.progress)
        return sorted(numbers)

    def asked(self) -> Counter[type[Request]]:
        return Counter(type(one) for one in self.room.asked)


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def desk(past: EarlierRun | None = None) -> Desk:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(Desk(folder, past))
        return made[-1]

    yield desk
    for one in made:
        one.journal.close()


async def drained(desk: Desk, count: int) -> list[int]:
    taken: list[int] = []
    while len(taken) < count:
        turn = await desk.one_turn()
        assert turn, f"nothing more is typed after {len(taken)} of {count}"
        taken += turn
    return taken


async def test_the_work_of_a_backlog_grows_with_it_and_no_faster(make: Callable[..., Desk]) -> None:
    """Counted, not timed: what is asked of the gateway, and how many entries are looked at, for each message."""
    per_message: list[float] = []
    for count in (300, 900):
        desk = make()
        numbers = [desk.room.say(f"message {number}") for number in range(count)]
        await desk.welcomed()
        assert len(desk.inbox.entries) <= MAX_LOADED
        assert await drained(desk, count) == numbers
        asked = desk.asked()
        assert asked[Waiting] <= count / (PAGE_DELIVERIES / 2) + 3
        assert asked[Show] == 0 and asked[Deliveries] == 1
        assert asked[Report] <= 3 * count
        assert desk.most_here <= MAX_LOADED + PAGE_DELIVERIES
        per_message.append(desk.inbox.looked_at / count)
    assert per_message[1] <= 1.2 * per_message[0]


async def test_holding_a_backlog_reports_the_next_messages_once(make: Callable[..., Desk]) -> None:
    desk = make()
    numbers = [desk.room.say("x") for _ in range(1000)]
    await desk.welcomed()
    desk.delivery_loop.pause(True)
    for _ in range(40):
        await desk.after()
    assert [desk.room.rungs(number) for number in numbers[:LOAD_BELOW]] == [["held"]] * LOAD_BELOW
    assert [desk.room.rungs(number) for number in numbers[MAX_LOADED:]] == [[]] * (1000 - MAX_LOADED)
    assert desk.inbox.count == 1000


async def test_messages_held_before_a_restart_are_not_reported_again(make: Callable[..., Desk]) -> None:
    desk = make()
    numbers = [desk.room.say("x") for _ in range(50)]
    for number in numbers:
        await desk.room.request(Report(message=number, steps=(Step(Rung.HELD, reason="paused"),)), object)
    desk.room.asked.clear()
    await desk.welcomed()
    desk.delivery_loop.pause(True)
    await desk.after()
    assert desk.asked()[Report] == 0


async def test_a_flood_of_messages_stays_at_the_gateway_until_its_turn(make: Callable[..., Desk]) -> None:
    desk = make()
    await desk.welcomed()
    desk.delivery_loop.pause(True)
    numbers = []
    for number in range(400):
        numbers.append(desk.room.say(f"message {number}"))
        desk.orders.message(desk.room.messages[numbers[-1]])
    await desk.after()
    assert len(desk.inbox.entries) == MAX_LOADED and desk.inbox.count == 400
    soon = desk.room.say("soon", priority=9)
    now = desk.room.say("now", urgent=True)
    for number in (soon, now):
        desk.orders.message(desk.room.messages[number])
    assert len(desk.inbox.entries) == MAX_LOADED and desk.inbox.count == 402
    assert await desk.one_turn() == [now], "it passes a pause, and goes alone"
    desk.delivery_loop.pause(False)
    first = await desk.one_turn()
    assert soon in first
    assert sorted([now, *first, *await drained(desk, 401 - len(first))]) == sorted([*numbers, soon, now])


async def test_an_urgent_message_does_not_wait_for_the_pages(make: Callable[..., Desk]) -> None:
    desk = make()
    old = desk.room.say("waits for long")
    async with desk.a_page_on_its_way():
        plain, now = desk.room.say("later"), desk.room.say("now", urgent=True)
        for number in (plain, now):
            desk.orders.message(desk.room.messages[number])
        assert await desk.one_turn_without_pages() == [now]
        await desk.orders.control(Control(99, ControlAction.PAUSE, "alice", ("claude",), ""))
        assert desk.inbox.paused
        desk.delivery_loop.pause(False)
    assert await drained(desk, 2) == [old, plain]


async def test_what_was_taken_back_while_its_page_was_on_its_way_is_not_typed(make: Callable[..., Desk]) -> None:
    desk = make()
    gone, kept = desk.room.say("taken back"), desk.room.say("stays")
    async with desk.a_page_on_its_way():
        step = Step(Rung.CANCELLED, "", "cancelled by alice")
        desk.orders.receipt(Receipt(9, "general", gone, "claude", (step,), ""))
    assert await drained(desk, 1) == [kept]
    assert desk.inbox.get(gone) is None


async def test_a_page_of_another_store_is_ignored(make: Callable[..., Desk]) -> None:
    desk = make()
    desk.room.store_id = "first"
    desk.room.say("in the first house")
    async with desk.a_page_on_its_way():
        desk.room = desk.outbox._room = MemoryRoom("claude")
        desk.room.store_id = "second"
        desk.orders.welcome(desk.room.welcome)
    await desk.orders.backlog.fetch_all()
    assert desk.inbox.waiting() == []
    assert not desk.inbox.more


async def test_what_came_while_the_last_page_was_on_its_way_is_fetched_too(make: Callable[..., Desk]) -> None:
    desk = make()
    first = desk.room.say("first")
    async with desk.a_page_on_its_way():
        second = desk.room.say("second")
        desk.orders.message(desk.room.messages[second])
    assert await drained(desk, 2) == [first, second]


async def test_an_answer_of_an_earlier_run_is_posted_for_all_messages_of_its_turn(make: Callable[..., Desk]) -> None:
    """Also where the room still believes that they wait."""
    numbers = (1, 2)
    outcome = TurnOutcome(numbers, "done")
    past = EarlierRun(dict.fromkeys(numbers, outcome), lambda number: MessageProgress.CONSUMED, numbers)
    desk = make(past)
    assert tuple(desk.room.say("x") for _ in numbers) == numbers
    await desk.welcomed()
    await desk.outbox.flush(desk.progress)
    assert [(one.content, one.reply_to) for one in desk.room.sent] == [("done", 2)]
    assert [desk.room.rungs(number) for number in numbers] == [["answered"], ["answered"]]


@pytest.mark.parametrize(
    ("here", "more", "new", "far"),
    [
        pytest.param(0, False, {}, False, id="nothing waits"),
        pytest.param(5, False, {}, False, id="few wait"),
        pytest.param(5, True, {}, True, id="others come before it"),
        pytest.param(0, True, {}, True, id="what comes first is not known yet"),
        pytest.param(0, True, {"urgent": True}, False, id="urgent, whatever else there is"),
        pytest.param(5, True, {"priority": 9}, False, id="before what is here"),
        pytest.param(MAX_LOADED, False, {}, True, id="full"),
        pytest.param(MAX_LOADED, False, {"priority": 9}, False, id="full, and before others"),
    ],
)
def test_which_messages_are_near_enough_to_be_loaded(here: int, more: bool, new: dict[str, Any], far: bool) -> None:
    inbox = MessageQueue(more=more)
    for number in range(1, here + 1):
        inbox.add(entry(number))
    assert inbox.is_far(entry(here + 1, **new)) is far


def test_a_flood_of_urgent_messages_is_bounded_too() -> None:
    inbox = MessageQueue()
    for number in range(1, MAX_LOADED + 1):
        inbox.add(entry(number, urgent=True))
    assert inbox.is_far(entry(MAX_LOADED + 1, urgent=True))


def test_what_makes_room_is_fetched_again_and_what_was_tried_stays() -> None:
    inbox = MessageQueue()
    for number in range(1, MAX_LOADED + 1):
        inbox.add(entry(number))
    inbox.page_was_read([entry(MAX_LOADED).message], more=False, count=MAX_LOADED)
    inbox.add(entry(900, urgent=True))
    inbox.drop_far_messages()
    assert len(inbox.waiting()) == MAX_LOADED and inbox.more
    assert MAX_LOADED not in inbox.known
    assert inbox.next_page_position() == (0, 1), "it stands before what was read"


async def test_a_transcript_line_is_read_once_for_all_that_waits(make: Callable[..., Desk]) -> None:
    """A digest holds a hundred numbers, and two hundred messages may be here."""
    desk = make()
    numbers = [desk.room.say(f"message {number}") for number in range(PAGE_DELIVERIES)]
    await desk.welcomed()
    await desk.after()
    typed = desk.agent.keys[0].decode().removeprefix("\x1b[200~")
    read = 0

    class Counted(str):
        __slots__ = ()

        def split(self, *args: Any) -> list[str]:
            nonlocal read
            read += 1
            return super().split(*args)

    for source in (EvidenceSource.HOOK, EvidenceSource.TRANSCRIPT):
        desk.delivery_loop.fact(TurnFact(TurnFactKind.PROMPT, Counted(typed), "t", source))
    assert all(one.recorded for one in desk.inbox.in_hand())
    assert len(desk.inbox.in_hand()) == len(numbers)
    assert read <= 6
