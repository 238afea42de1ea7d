"""Stop orders: whether the key is pressed, which processes are ended, and what the sender is told."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.protocol.events import ControlAction
from gateway.protocol.requests.approval_requests import CloseAsk, OpenAsk
from gateway.protocol.requests.request import Request
from gateway.protocol.types.core_types import Activity, Rung
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.agents import REGISTRY
from sidecar.delivery.stop_rules import (
    ASKS_TEXT,
    DIALOG_TEXT,
    ENDED_TEXT,
    IDLE_TEXT,
    STARTING_TEXT,
    STILL_WORKING_TEXT,
    UNSEEN_TEXT,
    StopOrder,
    StopRefusal,
    decided,
)
from sidecar.evidence.turn_evidence import TurnFact, TurnFactKind
from sidecar.orders.stop_order import KEY_INTERVAL_S, AgentStopper, find_left_running
from sidecar.supervision.process_table import ProcessInfo, age_of_process, find_process
from tests.fakes.retry import retry_until
from tests.sidecar.memory_room import MemoryRoom
from tests.sidecar.pictures import moment
from tests.sidecar.sidecar_terminal import sidecar_in_terminal

A = Activity
PLAIN = StopOrder("root", 8)
MAY = StopOrder("root", 8, may_refuse=True)
ONE_OF_MANY = StopOrder("root", 8, alone=False)
MAY_OF_MANY = StopOrder("root", 8, alone=False, may_refuse=True)

TABLE: list[tuple[Activity, StopOrder, StopRefusal | None]] = [
    (A.BUSY, PLAIN, None),
    (A.BUSY, ONE_OF_MANY, None),
    (A.ASKING, PLAIN, StopRefusal(DIALOG_TEXT)),
    (A.ASKING, ONE_OF_MANY, StopRefusal(DIALOG_TEXT)),
    (A.ASKING, MAY, None),
    (A.ASKING, MAY_OF_MANY, StopRefusal(ASKS_TEXT)),
    (A.UNKNOWN, PLAIN, StopRefusal(UNSEEN_TEXT)),
    (A.UNKNOWN, MAY, None),
    (A.IDLE, MAY, StopRefusal(IDLE_TEXT)),
    (A.IDLE, ONE_OF_MANY, StopRefusal(IDLE_TEXT, told=False)),
    (A.ERROR, PLAIN, StopRefusal(IDLE_TEXT)),
    (A.STARTING, MAY, StopRefusal(STARTING_TEXT)),
    (A.GONE, MAY, StopRefusal(ENDED_TEXT)),
]


@pytest.mark.parametrize(("activity", "order", "said"), TABLE)
def test_when_the_key_is_pressed(activity: Activity, order: StopOrder, said: StopRefusal | None) -> None:
    assert decided(activity, order) == said


def test_each_activity_is_decided() -> None:
    assert {activity for activity, _, _ in TABLE} == set(Activity)


@pytest.mark.parametrize(
    ("ages", "left"),
    [
        ({2: 100.0, 3: 100.0, 4: 1.0, 5: 0.5}, {4, 5}),
        ({2: 100.0, 3: 1.0, 4: 1.0, 5: 0.5}, {3, 4, 5}),
        ({2: 100.0, 3: 100.0, 4: 100.0, 5: 100.0}, set()),
        ({2: 100.0, 3: 100.0, 4: 1.0, 5: 0.1}, {4, 5}),
        ({2: 100.0, 3: 100.0, 4: 0.1, 5: 0.1}, set()),
    ],
    ids=[
        "a tool and its child",
        "all of a tool",
        "what runs longer than the turn",
        "what a tool started after the key",
        "a tool of the next turn",
    ],
)
def test_processes_younger_than_the_turn_were_left_by_it(ages: dict[int, float], left: set[int]) -> None:
    """1 is the agent, 9 is somebody else's."""
    parents = {1: 0, 2: 1, 3: 1, 4: 3, 5: 4, 9: 0}
    there: Collection[ProcessInfo] = [ProcessInfo(pid, parent, pid, 1, "0") for pid, parent in parents.items()]
    found = find_left_running(1, there, lambda one: ages.get(one.pid, 0.0), 2.0, 0.3)
    assert {one.pid for one in found} == left


def test_the_age_of_a_process_is_in_seconds() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        found = find_process(child.pid)
        assert found is not None and -1 < age_of_process(found) < 60
        child.kill()


class FakeTarget:
    def __init__(self, activity: Activity) -> None:
        self.activity, self.pressed, self.told, self.now = activity, list[str](), list[str](), 100.0

    def look(self) -> AgentSnapshot:
        self.now += 0.3
        return moment(self.activity)

    def end_turn(self, how: str) -> None:
        self.pressed.append(how)

    def tell(self, name: str, text: str, number: int) -> None:
        self.told.append(f"{name}: {text}")

    def clock(self) -> float:
        self.now += 0.1
        return self.now


@contextlib.asynccontextmanager
async def running(target: FakeTarget, agent: str = "claude") -> AsyncIterator[AgentStopper]:
    stop = AgentStopper(agent, REGISTRY[agent], target, 1, target.clock)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(stop.run(), name="stop")
        yield stop
        task.cancel()


async def test_a_key_without_effect_is_reported_and_not_pressed_again() -> None:
    """What the agent had queued has begun perhaps."""
    target = FakeTarget(A.BUSY)
    async with running(target) as stop:
        stop.order(PLAIN)
        await retry_until(lambda: target.told)
    assert target.pressed == ["by root"]
    assert target.told == [f"root: claude was not stopped: {STILL_WORKING_TEXT}."]


@pytest.mark.parametrize(("agent", "presses"), [("pi", 2), ("claude", 1)])
async def test_a_key_that_only_denies_a_dialog_is_pressed_again_when_the_turn_goes_on(agent: str, presses: int) -> None:
    target = FakeTarget(A.ASKING)
    async with running(target, agent) as stop:
        stop.order(MAY)
        assert target.pressed == ["by root"]
        target.activity = A.BUSY
        await retry_until(lambda: target.told)
    assert target.pressed == ["by root"] * presses


async def test_a_dialog_that_took_no_key_gets_another_one() -> None:
    """It was drawn just before."""
    target = FakeTarget(A.ASKING)
    async with running(target, "vibe") as stop:
        stop.order(MAY)
        await retry_until(lambda: len(target.pressed) >= 2)
        stop.observe(moment(A.IDLE))
        await retry_until(lambda: stop.at_rest)
    assert target.told == []


async def test_two_orders_at_once_are_one_key() -> None:
    """Two of it open another dialog of some agents, where nobody asked for one."""
    target = FakeTarget(A.BUSY)
    stop = AgentStopper("claude", REGISTRY["claude"], target, 1, target.clock)
    stop.order(PLAIN)
    stop.order(StopOrder("alice", 9))
    assert target.pressed == ["by root"]
    target.now += KEY_INTERVAL_S
    stop.order(StopOrder("alice", 10))
    assert target.pressed == ["by root", "by alice"]


async def test_a_second_key_that_would_end_the_agent_waits_also_in_its_next_turn() -> None:
    target = FakeTarget(A.BUSY)
    stop = AgentStopper("aider", REGISTRY["aider"], target, 1, target.clock)
    assert stop.order(PLAIN)
    stop.observe(moment(A.IDLE))
    assert not stop.order(StopOrder("alice", 9))
    assert target.pressed == ["by root"]
    target.now += 10
    await retry_until(lambda: target.pressed == ["by root", "by alice"])


@pytest.mark.parametrize("over", ["calm", "fact"])
async def test_a_turn_that_is_over_is_not_complained_of(over: str) -> None:
    target = FakeTarget(A.BUSY)
    async with running(target) as stop:
        stop.order(PLAIN)
        stop.observe(moment(A.IDLE)) if over == "calm" else stop.fact(TurnFact(TurnFactKind.INTERRUPTED))
        stop.order(PLAIN)
        stop.fact(TurnFact(TurnFactKind.PROMPT, "next"))
        await retry_until(lambda: stop.at_rest)
    assert (target.pressed, target.told) == (["by root"] * 2, [])


async def test_a_stop_ends_the_turn_and_what_waits_comes_next(tmp_path: Path) -> None:
    room = MemoryRoom("claude")
    async with sidecar_in_terminal(tmp_path, room=room) as pane:
        first = room.say("silent 60")
        await pane.is_("busy")
        waiting = [room.say(text) for text in ("one", "two")]
        pane.type("half a thought")
        await pane.shows("half a thought")
        room.order(ControlAction.KEYS, text="stop")
        await pane.reaches(first, "failed")
        assert room.reasons(first)[-1] == "interrupted by alice"
        for number in waiting:
            await pane.reaches(number, "answered", 30)
        await pane.shows("half a thought")
        assert first not in room.replies


async def test_an_idle_agent_is_left_alone_and_says_so(tmp_path: Path) -> None:
    room = MemoryRoom("claude")
    async with sidecar_in_terminal(tmp_path, room=room) as pane:
        await pane.is_("idle")
        pane.type("half a thought")
        await pane.shows("half a thought")
        room.order(ControlAction.KEYS, text="stop")
        await retry_until(lambda: room.sent, describe=pane.describe)
        assert [(one.to, one.content) for one in room.sent] == [(("@alice",), f"claude was not stopped: {IDLE_TEXT}.")]
        await pane.shows("half a thought")


async def test_a_stop_during_a_dialog_denies_it_if_the_sender_may(tmp_path: Path) -> None:
    room = MemoryRoom("claude")
    async with sidecar_in_terminal(tmp_path, room=room) as pane:
        number = room.say("ask")
        await retry_until(lambda: asks(room, OpenAsk), describe=pane.describe)
        room.order(ControlAction.KEYS, text="stop")
        await retry_until(lambda: room.sent, describe=pane.describe)
        assert room.sent[0].content == f"claude was not stopped: {DIALOG_TEXT}."
        room.order(ControlAction.KEYS, text="stop", may_approve=True)
        await pane.reaches(number, "failed")
        assert room.reasons(number)[-1] == "interrupted by alice"
        await retry_until(lambda: asks(room, CloseAsk), describe=pane.describe)
        assert asks(room, CloseAsk)[-1].reason == "refused by alice, who ended its turn"


T = TypeVar("T", bound=Request)


def asks(room: MemoryRoom, kind: type[T]) -> list[T]:
    return [one for one in room.asked if isinstance(one, kind)]


async def test_a_message_that_interrupts_is_delivered_after_it(tmp_path: Path) -> None:
    room = MemoryRoom("claude")
    async with sidecar_in_terminal(tmp_path, room=room) as pane:
        first = room.say("silent 60")
        await pane.is_("busy")
        second = room.say("say the other file", urgent=True, interrupt=True)
        await pane.reaches(second, "answered")
        assert room.steps[first][-1].rung is Rung.FAILED
        assert room.reasons(first)[-1] == "interrupted by alice"
        assert room.replies == {second: "the other file"}


PROGRAM = """
import time
while True:
    line = input("> ")
    if "wait" in line:
        print("now:", input())
"""


@pytest.mark.parametrize("share", ["none", "replies"])
async def test_urgent_messages_go_to_a_plain_program_at_once(share: str, tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path, (sys.executable, "-u", "-c", PROGRAM), agent="generic") as pane:
        await pane.is_("idle")
        pane.room.order(ControlAction.SHARE, text=share)
        first = pane.room.say("wait")
        await pane.reaches(first, "submitted")
        await pane.is_("busy")
        await pane.reaches(pane.room.say("later"), "held")
        urgent = pane.room.say("go on", urgent=True)
        await pane.shows("now: [alice -> claude")
        if share == "replies":
            await pane.reaches(first, "answered")
            await pane.reaches(urgent, "answered")
            assert pane.room.sent[0].context == {"answers": [first, urgent]}


async def test_urgent_messages_go_to_the_program_that_a_shell_runs(tmp_path: Path) -> None:
    env = {"PS1": "$ ", "INPUTRC": "/dev/null"}
    async with sidecar_in_terminal(tmp_path, ("bash", "--norc", "--noprofile"), agent="generic", env=env) as pane:
        await pane.is_("idle")
        pane.type("cat\r")
        await pane.is_("busy")
        pane.room.say("go on", urgent=True)
        await retry_until(lambda: pane.text.count("go on") >= 2, describe=pane.describe)


async def test_a_stop_interrupts_the_program_that_a_shell_runs(tmp_path: Path) -> None:
    env = {"PS1": "$ ", "INPUTRC": "/dev/null"}
    async with sidecar_in_terminal(tmp_path, ("bash", "--norc", "--noprofile"), agent="generic", env=env) as pane:
        await pane.is_("idle")
        pane.type("sh -c 'echo rea\"\"dy; exec sleep 600'\r")
        await pane.shows("ready")  # the shell is at work already while it still begins the program
        await pane.is_("busy")
        pane.room.order(ControlAction.KEYS, text="stop")
        await pane.is_("idle")
