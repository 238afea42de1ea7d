"""What the room learns about a dialog and what an order does to it: the whole sidecar with the demo agent in a real
PTY. Only the room is in memory."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from gateway.protocol.errors import BadRequest, Unavailable
from gateway.protocol.events import Control, ControlAction, Welcome
from gateway.protocol.requests.approval_requests import CloseAsk, OpenAsk
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import Activity, Ask, AskAbout, AskState, Option, PlainAnswer
from sidecar.activity.agent_observer import AgentObserver, AgentSnapshot
from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import HookQuestion
from sidecar.approvals.answer_giver import PRESS_TIMEOUT_S, READ_TIMEOUT_S, REDRAW_TIMEOUT_S
from sidecar.approvals.approval_relay import ApprovalRelay
from sidecar.approvals.approval_rules import NOT_TAKEN_TEXT
from sidecar.approvals.dialog_reporter import announce_ask
from sidecar.approvals.dialog_requests import open_request
from sidecar.approvals.questions.dialog_parser import DialogOption, Question
from sidecar.approvals.sealed_dialogs import SealedDialogs
from sidecar.delivery.terminal_writer import TerminalWriter
from sidecar.screen.rules import Dialog
from tests.fakes.retry import retry_until
from tests.sidecar.memory_room import MemoryRoom
from tests.sidecar.pictures import moment
from tests.sidecar.sidecar_terminal import SidecarTerminal, sidecar_in_terminal

T = TypeVar("T")
OLD = Ask("claude", 5, "0" * 16, "Who was that?", "2026-11-21T10:00:00.000Z")


class Room(MemoryRoom):
    """Numbers asks, and may remember one of an earlier run."""

    asks: tuple[Ask, ...] = ()

    @property
    def welcome(self) -> Welcome:
        return msgspec.structs.replace(super().welcome, asks=self.asks)

    async def request(self, request: Request, result_type: type[T]) -> T:
        if not isinstance(request, OpenAsk):
            return await super().request(request, result_type)
        self.asked.append(request)
        done = Done(100)
        assert isinstance(done, result_type)
        return done

    @property
    def opened(self) -> list[OpenAsk]:
        return [one for one in self.asked if isinstance(one, OpenAsk)]

    @property
    def closed(self) -> list[CloseAsk]:
        return [one for one in self.asked if isinstance(one, CloseAsk)]

    def answer(self, answer: str, digest: str = "", number: int = 100, *, may: bool = True) -> None:
        ask = msgspec.structs.replace(OLD, number=number, digest=digest or self.opened[-1].digest)
        self.order(ControlAction.ANSWER, text=answer, ask=ask, may_approve=may)


async def asked(pane: SidecarTerminal, room: Room) -> OpenAsk:
    await pane.is_("idle")
    room.say("ask say DONE-4711")
    await retry_until(lambda: room.opened, describe=pane.describe)
    return room.opened[-1]


async def test_a_dialog_is_announced_answered_and_closed(tmp_path: Path) -> None:
    room = Room("claude")
    async with sidecar_in_terminal(tmp_path, room=room) as pane:
        ask = await asked(pane, room)
        assert (ask.question, ask.allow, ask.deny) == ("Do you want to run this?", "1", "2")
        room.answer("allow")
        await retry_until(lambda: room.closed, describe=pane.describe)
        assert room.closed == [CloseAsk(ask=100, state=AskState.ANSWERED, reason="1 was pressed")]
        await pane.shows("● DONE-4711")


@pytest.mark.parametrize(
    ("answer", "digest", "number", "may"),
    [
        ("allow", "1" * 16, 100, True),
        ("allow", "", 99, True),
        ("3", "", 100, True),
        ("allow", "", 100, False),
    ],
)
async def test_what_does_not_fit_presses_nothing(
    tmp_path: Path, answer: str, digest: str, number: int, may: bool
) -> None:
    room = Room("claude")
    async with sidecar_in_terminal(tmp_path, room=room) as pane:
        await asked(pane, room)
        room.answer(answer, digest, number, may=may)
        room.answer("2")
        await retry_until(lambda: room.closed, describe=pane.describe)
        assert "Asked: No" in pane.text and pane.text.count("Asked:") == 1
        assert room.closed[0].reason == "2 was pressed"


async def test_asks_of_an_earlier_run_are_withdrawn_and_the_current_one_is_announced_again(tmp_path: Path) -> None:
    room = Room("claude")
    room.asks = (OLD, msgspec.structs.replace(OLD, member="codex", number=6))
    async with sidecar_in_terminal(tmp_path, room=room) as pane:
        ask = await asked(pane, room)
        assert [(one.ask, one.state) for one in room.closed] == [(5, AskState.WITHDRAWN)]
        room.asks = (msgspec.structs.replace(OLD, number=100, digest=ask.digest),)
        room.reconnect()
        await retry_until(lambda: len(room.opened) == 2, describe=pane.describe)
        assert room.opened[1] == ask
        assert len(room.closed) == 1


async def test_a_hook_that_decides_waits_for_the_room_until_its_agent_hangs_up() -> None:
    """One that only tells of a question is answered at once."""
    asking = ApprovalRelay("claude", REGISTRY["claude"], FakeObserver(), None, Room("claude"), lambda: 0.0, print)  # type: ignore[arg-type]
    waiting = asyncio.get_running_loop().create_task(
        dict_of(asking, HookQuestion("Bash", "touch made", decides=True)), name="hook"
    )
    await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    assert await dict_of(asking, HookQuestion("Bash", "touch made")) == {}


async def dict_of(asking: ApprovalRelay, question: HookQuestion) -> dict[str, object]:
    return dict(await asking.handle_hook_question(question))


@pytest.mark.parametrize(
    ("answer", "denied"),
    [("deny", ["alice"]), ("2", ["alice"]), ("allow", []), ("1", [])],
)
async def test_a_denial_by_a_key_is_attributed_to_its_author(answer: str, denied: list[str]) -> None:
    table = Table()
    async with table.running():
        table.shows(SAME)
        await retry_until(lambda: table.room.opened)
        table.answers(10, answer)
        await retry_until(lambda: table.keys)
        await turns_of_the_loop()
        assert table.denied == denied


@pytest.mark.parametrize(("keys", "denied"), [(b"2", 1), (b"\x1b", 1), (b"1", 0), (b"x", 0), (b"", 0)])
async def test_a_denial_at_the_terminal_is_attributed_to_a_person(keys: bytes, denied: int) -> None:
    table = Table()
    table.asking.note_key_pressed(keys)
    assert table.denied == [], "nothing is asked"
    table.shows(SAME)
    table.asking.note_key_pressed(keys)
    assert table.denied == ["a person at its terminal"] * denied


# A dialog that comes again


class Far(Room):
    """Numbers each ask anew, and may be away."""

    def __init__(self, me: str) -> None:
        super().__init__(me)
        self.here = asyncio.Event()
        self.here.set()
        self.broken, self.pauses = False, 0

    async def request(self, request: Request, result_type: type[T]) -> T:
        if self.broken:
            raise Unavailable("away")
        await self.here.wait()
        for _ in range(self.pauses):
            await asyncio.sleep(0)
        if not isinstance(request, OpenAsk):
            return await super().request(request, result_type)
        self.asked.append(request)
        done = Done(9 + len(self.opened))
        assert isinstance(done, result_type)
        return done


class FakeObserver:
    """A screen that shows this dialog, or none."""

    def __init__(self) -> None:
        self.dialog: Dialog | None = None
        self.takes_keys, self.reads_keys = True, True
        self.watch = AgentObserver(REGISTRY["demo"], 80, 24)

    def look(self) -> AgentSnapshot:
        return moment(Activity.ASKING if self.dialog else Activity.IDLE, dialog=self.dialog)

    def since_key(self) -> float:
        return 100.0

    def has_unread_keys(self) -> bool:
        return not self.reads_keys

    def mark_answered(self) -> None:
        """It goes away at once."""
        if self.takes_keys:
            self.dialog = None

    def soon(self, seconds: float) -> None:
        """A test looks by itself."""


SAME = Dialog(
    "Do you want to run this?", ("Yes", "No"), "Do you want to run this?\n  ls -l\n 1. Yes\n 2. No\n\nEsc to cancel"
)


class Table:
    def __init__(self, sealed: SealedDialogs | None = None) -> None:
        self.room, self.observer, self.keys, self.now = Far("claude"), FakeObserver(), list[bytes](), 0.0
        writer = TerminalWriter(self.keys.append, lambda: 0)
        self.denied: list[str] = []
        self.asking = ApprovalRelay(
            "claude", REGISTRY["demo"], self.observer, writer, self.room, self.time, self.denied.append, sealed
        )

    def time(self) -> float:
        self.now += 0.01
        return self.now

    def shows(self, dialog: Dialog | None) -> None:
        self.observer.dialog = dialog
        for _ in range(2):
            self.asking.observe(self.observer.look())
            self.now += 2

    def answers(self, number: int, answer: str = "allow") -> None:
        ask = msgspec.structs.replace(OLD, number=number, digest=self.digest)
        order = Control(50, ControlAction.ANSWER, "alice", ("claude",), "", text=answer, may_approve=True, ask=ask)
        self.asking.order(order)

    def has_pressed(self, times: int) -> bool:
        return len(self.keys) == times

    @property
    def digest(self) -> str:
        return self.room.opened[-1].digest

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        run = asyncio.get_running_loop().create_task(self.asking.run(), name="asks")
        try:
            yield
        finally:
            run.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await run


async def turns_of_the_loop() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_an_answer_to_one_dialog_presses_nothing_in_a_later_one_that_looks_the_same() -> None:
    table = Table()
    async with table.running():
        table.shows(SAME)
        await retry_until(lambda: table.room.opened)
        table.room.broken = True
        table.shows(None)
        table.shows(SAME)
        table.answers(10)
        await turns_of_the_loop()
        assert table.keys == []
        table.room.broken = False
        await retry_until(lambda: len(table.room.opened) == 2)
        await turns_of_the_loop()
        assert [one.ask for one in table.room.closed] == [10]
        assert table.keys == []
        table.answers(11)
        await retry_until(lambda: table.keys == [b"1"])


@pytest.mark.parametrize(("number", "keys"), [(11, [b"1"]), (10, []), (99, [])])
async def test_an_answer_that_overtakes_the_number_of_its_ask_waits_for_it(number: int, keys: list[bytes]) -> None:
    table = Table()
    async with table.running():
        table.shows(SAME)
        await retry_until(lambda: table.room.opened)
        digest = table.digest
        table.shows(None)
        await retry_until(lambda: table.room.closed)
        table.room.here.clear()
        table.shows(SAME)
        table.answers(number)
        await turns_of_the_loop()
        assert (table.keys, table.digest) == ([], digest)
        table.room.here.set()
        await retry_until(lambda: len(table.room.opened) == 2)
        await turns_of_the_loop()
        assert table.keys == keys


async def test_an_answer_waits_also_for_a_dialog_that_came_while_it_waited() -> None:
    """The room has heard of none of them yet, and then of one after the other, each in its time."""
    table = Table()
    table.room.pauses = 5
    async with table.running():
        table.shows(SAME)
        await retry_until(lambda: table.room.opened)
        table.shows(None)
        await retry_until(lambda: table.room.closed)
        table.room.here.clear()
        table.shows(SAME)
        table.answers(12)
        await turns_of_the_loop()
        table.shows(None)
        table.shows(SAME)
        await turns_of_the_loop()
        table.room.here.set()
        await retry_until(lambda: table.keys == [b"1"])


HALF = Dialog(SAME.question, (), "Do you want to run this?\n  ls -l")


@pytest.mark.parametrize("between", [None, HALF])
async def test_an_answer_waits_while_the_dialog_is_drawn_anew(between: Dialog | None) -> None:
    table = Table()
    async with table.running():
        table.shows(SAME)
        await retry_until(lambda: table.room.opened)
        await turns_of_the_loop()
        table.observer.dialog = between
        table.answers(10)
        await turns_of_the_loop()
        assert (table.keys, table.room.closed, len(table.room.opened)) == ([], [], 1)
        table.observer.dialog = SAME
        await retry_until(lambda: table.keys == [b"1"])


async def test_an_answer_to_a_dialog_that_stays_away_presses_nothing() -> None:
    table = Table()
    async with table.running():
        table.shows(SAME)
        await retry_until(lambda: table.room.opened)
        await turns_of_the_loop()
        table.observer.dialog = None
        table.answers(10)
        await turns_of_the_loop()
        table.now += REDRAW_TIMEOUT_S
        await retry_until(lambda: table.room.closed)
        assert (table.room.closed[0].reason, table.keys) == ("the dialog went away", [])


@pytest.mark.parametrize(("reads", "keys"), [(True, [b"1", b"1"]), (False, [b"1"])])
async def test_a_key_is_pressed_again_only_if_the_agent_has_read_the_first(reads: bool, keys: list[bytes]) -> None:
    """A slow agent would find the second one in whatever it shows after the dialog."""
    table = Table()
    table.observer.takes_keys, table.observer.reads_keys = False, reads
    async with table.running():
        table.shows(SAME)
        await retry_until(lambda: table.room.opened)
        table.answers(10)
        for presses in range(1, len(keys) + 1):
            await retry_until(partial(table.has_pressed, presses))
            table.now += PRESS_TIMEOUT_S
        table.now += READ_TIMEOUT_S
        await retry_until(lambda: table.room.opened[-1].reason)
        assert (table.room.opened[-1].reason, table.keys) == (NOT_TAKEN_TEXT, keys)


class OldRoom(Room):
    """A gateway that knows no field of an ask but the first ones."""

    async def request(self, request: Request, result_type: type[T]) -> T:
        if isinstance(request, OpenAsk) and request.about is not AskAbout.TEXT:
            raise BadRequest("Object contains unknown field `about`")
        return await super().request(request, result_type)


async def test_an_older_gateway_gets_only_fields_that_it_accepts() -> None:
    room = OldRoom("claude")
    yes = Option("1", "Yes", PlainAnswer.ALLOW)
    ask = OpenAsk("0" * 16, "q" * 5000, (yes,), allow="1", detail="d" * 50_000, about=AskAbout.COMMAND)
    assert await announce_ask(room, ask) == Done(100)
    (told,) = room.opened
    assert (len(told.question), len(told.detail), told.allow) == (1000, 4000, "1")
    assert told.options == (Option("1", "Yes"),)
    assert "older" in told.reason


@pytest.mark.parametrize(("hook", "how"), [(False, ("1", "3")), (True, ("hook", "hook"))])
def test_the_room_is_told_which_options_plainly_say_yes_and_no(hook: bool, how: tuple[str, str]) -> None:
    choices = (DialogOption("1", "Yes"), DialogOption("2", "Yes, always"), DialogOption("3", "No"))
    told = open_request(Question("0" * 16, "May I?", choices, allow="1", deny="3", hook=hook), "")
    assert [one.means for one in told.options] == [PlainAnswer.ALLOW, None, PlainAnswer.DENY]
    assert (told.allow, told.deny) == how
