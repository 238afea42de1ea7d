"""The courier with an agent whose screen the test draws: facts in, steps and keys out."""

import asyncio
from dataclasses import replace

import pytest

from gateway.protocol.nouns import Activity, Composer
from sidecar.agents import REGISTRY
from sidecar.courier import Courier, Me
from sidecar.room import Outbox
from sidecar.signals import Source, Turn, TurnFact
from sidecar.watch import Moment
from sidecar.writer import Writer
from tests.sidecar.memory_room import MemoryRoom
from tests.sidecar.pictures import moment


class Agent:
    """An agent that shows what is pasted and takes Enter; the test may draw something else."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.now = 100.0
        self.drawn: Moment | None = None

    def write(self, data: bytes) -> None:
        self.keys.append(data)

    def look(self) -> Moment:
        typed = self.keys[-1] if self.keys and self.keys[-1] != b"\r" else b""
        text = typed.removeprefix(b"\x1b[200~").removesuffix(b"\x1b[201~").decode()
        return self.drawn or moment(composer=Composer.DRAFT if text else Composer.EMPTY, text=text)

    def since_key(self) -> float:
        return float("inf")

    def since_ready(self) -> float:
        return float("inf")

    def in_foreground(self) -> bool:
        return True

    def entered(self) -> None:
        return


class Scene:
    def __init__(self) -> None:
        self.agent, self.room = Agent(), MemoryRoom("claude")
        self.outbox = Outbox(self.room, lambda: "")
        me = Me("claude", replace(REGISTRY["claude"]), lambda: ("alice", "bob"), lambda: None)
        writer = Writer(self.agent.write, lambda: 0)
        self.courier = Courier(me, self.agent, writer, self.outbox, lambda: self.agent.now)

    async def after(self, *facts: TurnFact) -> None:
        for fact in facts:
            self.courier.fact(fact)
        await self.courier.step()
        await self.outbox.flush()

    async def delivered(self, text: str = "hello") -> int:
        number = self.room.say(text)
        self.courier.receive(self.room.messages[number])
        await self.after()
        return number


@pytest.fixture
async def scene() -> Scene:
    return Scene()


def prompt(number: int, source: Source = Source.HOOK, turn: str = "t") -> TurnFact:
    return TurnFact(Turn.PROMPT, f"[alice -> claude #{number}] hello", turn, source)


async def test_one_paste_and_one_enter(scene: Scene) -> None:
    number = await scene.delivered()
    assert scene.agent.keys == [b"\x1b[200~[alice -> claude #1] hello\x1b[201~", b"\r"]
    await scene.after(prompt(number), TurnFact(Turn.ANSWER, "hi", "t"))
    assert scene.room.rungs(number) == ["typed", "verified", "submitted", "accepted", "answered"]
    assert scene.room.replies == {number: "hi"}


async def test_a_transcript_that_is_read_late_proves_nothing_for_the_next_message(scene: Scene) -> None:
    first = await scene.delivered()
    await scene.after(prompt(first), TurnFact(Turn.ANSWER, "hi", "t"))
    second = await scene.delivered("again")
    stale = TurnFact(Turn.MODEL, "hi", source=Source.TRANSCRIPT)
    await scene.after(prompt(second, turn="u"), prompt(first, Source.TRANSCRIPT), stale)
    assert scene.room.rungs(second)[-1] == "accepted"
    await scene.after(prompt(second, Source.TRANSCRIPT), stale)
    assert scene.room.rungs(second)[-1] == "seen"


async def test_the_same_message_twice_is_typed_once(scene: Scene) -> None:
    number = await scene.delivered()
    scene.courier.receive(scene.room.messages[number])
    await scene.after(prompt(number), TurnFact(Turn.ANSWER, "hi", "t"))
    scene.courier.receive(scene.room.messages[number])
    await scene.after()
    assert scene.agent.keys.count(b"\r") == 1


async def test_the_next_message_waits_for_the_turn_to_end(scene: Scene) -> None:
    first = await scene.delivered()
    second = await scene.delivered("next")
    assert scene.room.reasons(second) == ["turn"]
    await scene.after(prompt(first), TurnFact(Turn.ANSWER, "hi", "t"))
    assert scene.room.rungs(second)[-1] == "submitted"


async def test_a_dialog_that_opens_after_the_paste_gets_no_enter(scene: Scene) -> None:
    number = scene.room.say("hello")
    scene.courier.receive(scene.room.messages[number])
    step = asyncio.get_running_loop().create_task(scene.after())
    while not scene.agent.keys:
        await asyncio.sleep(0)
    scene.agent.drawn = moment(Activity.ASKING, Composer.HIDDEN)
    await step
    assert b"\r" not in scene.agent.keys
    assert scene.room.rungs(number) == ["typed", "held"]


async def test_enter_is_pressed_again_only_while_our_text_stands_there(scene: Scene) -> None:
    number = await scene.delivered()
    ours = "[alice -> claude #1] hello"
    scene.agent.drawn = moment(composer=Composer.DRAFT, text=ours)
    for _ in range(9):
        scene.agent.now += 2
        await scene.after()
    assert scene.agent.keys.count(b"\r") == 3
    assert scene.room.rungs(number)[-1] == "failed"


async def test_an_answer_without_a_hook_comes_from_the_transcript(scene: Scene) -> None:
    number = await scene.delivered()
    record = Source.TRANSCRIPT
    await scene.after(prompt(number, record, ""), TurnFact(Turn.MODEL, "hi", source=record))
    for _ in range(2):
        scene.agent.now += 2
        await scene.after()
    assert scene.room.rungs(number)[-1] == "answered"
    assert scene.room.replies == {number: "hi"}
