"""The situations in which messages arrive. Each scene sends messages, acts as a person or a fault, and records its
observations; other code gives the verdict."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random

from benchmarks.delivery_cast import Manner
from benchmarks.delivery_person import Person
from benchmarks.delivery_stage import OVER, Stage
from benchmarks.delivery_texts import ALIKE, Texts
from gateway.protocol.types.core_types import Rung
from tests.fakes.retry import retry_until

PATIENCE = 30.0
SLOW = 90.0


@dataclass(frozen=True)
class Sent:
    number: int
    content: str
    at: float
    everyone: bool


@dataclass
class Scene:
    """What was sent and observed. `dialogs`: how many were answered by anyone but the person; `drafts`: kept and lost
    ones; `stopped`: answers that somebody asked to stop."""

    stage: Stage
    person: Person
    texts: Texts
    chance: Random
    sent: list[Sent] = field(default_factory=list)
    dialogs: int = 0
    drafts_kept: int = 0
    drafts_lost: int = 0
    drafts: list[str] = field(default_factory=list)
    stopped: int = 0
    notes: list[str] = field(default_factory=list)
    patience: float = PATIENCE

    async def say(self, content: str | None = None, manner: Manner | None = None) -> Sent:
        text = content if content is not None else self.texts.plain()
        everyone = self.chance.random() < 0.3
        begun = time.time()
        number, said = await self.stage.send(text, manner or Manner(), everyone=everyone)
        sent = Sent(number, said, begun, everyone)
        self.sent.append(sent)
        return sent

    async def somewhen(self, low: float, high: float) -> None:
        await asyncio.sleep(self.chance.uniform(low, high))

    def over(self) -> bool:
        return all(self.stage.room.of(one.number).rung in OVER for one in self.sent)

    async def ends(self, seconds: float | None = None) -> bool:
        """Wait until every message has ended and the agent is idle again."""
        limit = self.patience if seconds is None else seconds
        with contextlib.suppress(AssertionError):
            await retry_until(lambda: self.over() and self.stage.is_idle, limit)
            return True
        return False

    async def seen(self, sent: Sent) -> None:
        await retry_until(lambda: self.stage.oracle.look().of(sent.number), self.patience, describe=self.stage.describe)

    async def held(self, sent: Sent, reason: str, seconds: float) -> bool:
        story = self.stage.room.of(sent.number)
        with contextlib.suppress(AssertionError):
            await retry_until(
                lambda: any(one.reason.startswith(reason) for one in story.steps) or story.has(*OVER), seconds
            )
        return not story.has(*OVER) and any(one.reason.startswith(reason) for one in story.steps)


async def idle(scene: Scene) -> None:
    await scene.say(ALIKE if scene.chance.random() < 0.2 else None)


async def busy(scene: Scene) -> None:
    first = await scene.say(manner=Manner(seconds=scene.chance.uniform(0.6, 1.6)))
    await scene.seen(first)
    await scene.somewhen(0, 0.8)
    for _ in range(scene.chance.randint(1, 2)):
        await scene.say()


async def tool(scene: Scene) -> None:
    first = await scene.say(manner=Manner(tool=True, tool_seconds=1.0))
    await _asked(scene, first)
    await asyncio.sleep(0.6)
    await _answer(scene, scene.stage.player.yes)
    await scene.somewhen(0, 0.8)
    await scene.say()


async def approval(scene: Scene) -> None:
    """Messages come while a dialog is open, or as it opens. Sometimes the person says no."""
    first = await scene.say(manner=Manner(tool=True))
    if scene.chance.random() < 0.5:
        await scene.seen(first)
        await scene.say()
    await _asked(scene, first)
    await scene.say()
    await scene.somewhen(0.8, 2.0)
    no = scene.chance.random() < 0.2
    scene.stopped += no
    await _answer(scene, scene.stage.player.no if no else scene.stage.player.yes)


async def _asked(scene: Scene, sent: Sent) -> None:
    await scene.seen(sent)
    await scene.person.is_shown_a_dialog()


async def _answer(scene: Scene, key: str) -> None:
    """Check that nobody answers before the person does."""
    if not scene.person.is_asked or scene.person.ran:
        scene.dialogs += 1
        scene.notes.append("the dialog was answered before the person did")
        return
    await scene.person.answers(key)


async def draft(scene: Scene) -> None:
    text = scene.texts.draft() if scene.chance.random() < 0.75 else scene.texts.rows()
    scene.drafts.append(text)
    if "\n" in text:
        scene.stage.pane.paste(text)
    else:
        await scene.person.types(text, 0.3)
    await scene.person.sees(text)
    if scene.chance.random() < 0.7:
        await asyncio.sleep(1.6)
    sent = await scene.say(manner=Manner(seconds=scene.chance.choice((0.1, 0.8))))
    await _survives(scene, text, sent)


async def typing(scene: Scene) -> None:
    """A message comes while keys are pressed."""
    text = scene.texts.draft()
    scene.drafts.append(text)
    async with asyncio.TaskGroup() as group:
        keys = group.create_task(scene.person.types(text, scene.chance.uniform(0.8, 2.5)), name="keys")
        await scene.somewhen(0, 0.8)
        sent = await scene.say()
        await keys
    await _survives(scene, text, sent)


async def _survives(scene: Scene, text: str, sent: Sent) -> None:
    """The message is delivered or held; the draft is still there afterwards, and the person may submit it."""
    story = scene.stage.room.of(sent.number)
    with contextlib.suppress(AssertionError):
        await retry_until(lambda: story.rung in OVER, 7.0)
    kept = await scene.person.sees(text)
    if kept and ("\n" in text or scene.chance.random() < 0.5):
        kept = await scene.person.submits(text)
    if kept:
        scene.drafts_kept += 1
    else:
        scene.drafts_lost += 1
        scene.notes.append(
            f"the draft {text!r} is not there: {scene.person.composer!r}, "
            f"by hand {scene.stage.oracle.look().by_hand[-2:]}"
        )
    await scene.person.clears()


async def burst(scene: Scene) -> None:
    """Ten in the same moment; sometimes while it is busy."""
    if scene.chance.random() < 0.5:
        await scene.seen(await scene.say(manner=Manner(seconds=0.8)))
    async with asyncio.TaskGroup() as group:
        for _ in range(10):
            group.create_task(scene.say(), name="say")


async def long(scene: Scene) -> None:
    await scene.say(scene.texts.long() if scene.chance.random() < 0.75 else scene.texts.tall())


async def nasty(scene: Scene) -> None:
    for _ in range(scene.chance.randint(1, 2)):
        await scene.say(scene.texts.nasty())


async def errors(scene: Scene) -> None:
    """A failure that the CLI retries, one that it does not, or a stall; another message waits behind it."""
    player, scene.patience = scene.stage.player, SLOW
    kind = scene.chance.random()
    if kind < 0.4 or not player.transient:
        manner = Manner(hopeless=player.hopeless)
    elif kind < 0.75:
        manner = Manner(failures=(scene.chance.choice(player.transient),))
    else:
        manner = Manner(silence=scene.chance.uniform(2, 5))
    await scene.say(manner=manner)
    await scene.somewhen(0, 1.0)
    await scene.say()


async def gateway_killed(scene: Scene) -> None:
    """Kill the gateway at a random moment of a delivery, for a while; one more message is sent meanwhile."""
    scene.patience = SLOW
    await scene.say(manner=Manner(seconds=0.4))
    await scene.somewhen(0, 1.2)
    async with asyncio.TaskGroup() as group:
        group.create_task(scene.stage.kill_gateway(scene.chance.uniform(0.1, 1.5)), name="kill")
        await scene.somewhen(0, 0.5)
        group.create_task(scene.say(), name="say")


RUNGS = (Rung.QUEUED, Rung.HELD, Rung.TYPED, Rung.VERIFIED, Rung.SUBMITTED, Rung.ACCEPTED, Rung.SEEN, Rung.ANSWERED)


async def at_rung(scene: Scene, sent: Sent, rung: Rung) -> None:
    """Wait until the room reports this delivery state or a later one."""
    later = RUNGS[RUNGS.index(rung) :]
    story = scene.stage.room.of(sent.number)
    with contextlib.suppress(AssertionError):
        await retry_until(lambda: rung is Rung.QUEUED or story.has(*later, *OVER), 10)


async def sidecar_killed(scene: Scene) -> None:
    await _killed(scene, scene.stage.kill_sidecar)


async def agent_killed(scene: Scene) -> None:
    await _killed(scene, scene.stage.kill_agent)


async def _killed(scene: Scene, kill: Callable[[], Awaitable[None]]) -> None:
    """Kill in any delivery state of the first message, with a second one behind it."""
    scene.patience = SLOW
    first = await scene.say(manner=Manner(seconds=0.5))
    await scene.say()
    await killed_at(scene, first, scene.chance.choice(RUNGS[:-1]), kill)


async def killed_at(scene: Scene, sent: Sent, rung: Rung, kill: Callable[[], Awaitable[None]]) -> None:
    scene.stopped += 1
    await at_rung(scene, sent, rung)
    await scene.somewhen(0, 0.1)
    dead = await scene.stage.agent_pid()
    await kill()
    await _comes_back(scene, dead)


async def _comes_back(scene: Scene, dead: int | None) -> None:
    """Wait for its supervisor to restart it; if the terminal has ended, join again like a person."""
    stage, until = scene.stage, asyncio.get_running_loop().time() + scene.patience
    while stage.runs and asyncio.get_running_loop().time() < until:
        if await stage.agent_pid() not in (None, dead):
            return
        await asyncio.sleep(0.1)
    scene.notes.append("joined again by hand")
    await stage.start()


Play = Callable[[Scene], Awaitable[None]]

SCENES: dict[str, tuple[Play, float]] = {
    "idle": (idle, 20),
    "busy": (busy, 12),
    "tool": (tool, 7),
    "approval": (approval, 8),
    "draft": (draft, 7),
    "typing": (typing, 7),
    "burst": (burst, 5),
    "long": (long, 6),
    "nasty": (nasty, 18),
    "errors": (errors, 5),
    "gateway killed": (gateway_killed, 4),
    "sidecar killed": (sidecar_killed, 4),
    "agent killed": (agent_killed, 3),
}
