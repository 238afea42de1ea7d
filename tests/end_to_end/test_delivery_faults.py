"""Kill each process in each delivery state, with another message behind it: none is lost, none is delivered twice."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random

import pytest

from benchmarks.delivery_cast import PLAYERS, Manner
from benchmarks.delivery_person import Person
from benchmarks.delivery_scenes import RUNGS, SLOW, Scene, Sent, killed_at
from benchmarks.delivery_stage import Stage, staged
from benchmarks.delivery_texts import Texts
from benchmarks.delivery_verdict import Fate, judge
from gateway.protocol.types.core_types import Rung
from tests.fakes.retry import retry_until

# Accepted only after a while, so that a kill can hit the time between paste and Enter.
SLOW_TO_SHOW = replace(PLAYERS["demo"], own_env={"DEMO_AGENT_TRAPS": "slow-echo"})
BEFORE_ENTER = (Rung.QUEUED, Rung.HELD, Rung.TYPED)

pytestmark = pytest.mark.slow


@asynccontextmanager
async def scene_with_demo(folder: Path) -> AsyncIterator[Scene]:
    async with staged(SLOW_TO_SHOW, folder / "stage", seed=1) as stage:
        chance = Random(str(folder))
        yield Scene(stage, Person(stage, chance), Texts(chance, "demo", "canary"), chance, patience=SLOW)


def fates(scene: Scene) -> list[Fate]:
    stage = scene.stage
    truth = stage.oracle.look()
    found = [judge(stage.player, one.number, one.content, stage.room.of(one.number), truth) for one in scene.sent]
    assert [one for one in found if one.replied is False] == [], stage.describe()
    return [one.fate for one in found]


async def busy_for_a_moment(scene: Scene) -> None:
    """So that a message is `held`."""
    first = await scene.say(manner=Manner(seconds=0.6))
    await scene.seen(first)


@pytest.mark.parametrize("rungs", [RUNGS[:4], RUNGS[4:]], ids=["until-sent", "once-sent"])
@pytest.mark.parametrize("victim", ["sidecar", "agent"])
async def test_killed_at_each_rung(victim: str, rungs: tuple[Rung, ...], tmp_path: Path) -> None:
    """One after another behind the same supervisor. Four each, because it waits twice as long before each restart."""
    async with scene_with_demo(tmp_path) as scene:
        kill = scene.stage.kill_sidecar if victim == "sidecar" else scene.stage.kill_agent
        checked: list[Sent] = []
        for rung in rungs:
            found = await fates_after(scene, rung, partial(killed_at, scene, rung=rung, kill=kill))
            checked += scene.sent[-2:]
            if rung in BEFORE_ENTER:
                assert found[0] in (Fate.EXACT, Fate.FAILED), rung
                assert found[1] is Fate.EXACT, rung
            else:
                assert {*found} <= {Fate.EXACT, Fate.FAILED}, rung
        late = [fate for one, fate in zip(scene.sent, fates(scene), strict=True) if one in checked]
        assert {*late} <= {Fate.EXACT, Fate.FAILED}, "a later kill has delivered none of them again"


async def test_the_gateway_is_killed_at_each_rung(tmp_path: Path) -> None:
    """One after another with the same sidecar, which stays."""
    async with scene_with_demo(tmp_path) as scene:
        sidecar = scene.stage.pane.process.pid
        for rung in RUNGS:
            kill = partial(_gateway_killed_at, scene, rung)
            assert (rung, await fates_after(scene, rung, kill)) == (rung, [Fate.EXACT, Fate.EXACT])
        assert scene.stage.pane.process.pid == sidecar and scene.stage.starts == 1


async def fates_after(scene: Scene, rung: Rung, kill: Callable[[Sent], Awaitable[None]]) -> list[Fate]:
    """What became of two messages, the first of which reaches the rung at which `kill` strikes."""
    if rung is Rung.HELD:
        await busy_for_a_moment(scene)
    begun = len(scene.sent)
    first = await scene.say(manner=Manner(seconds=0.6))
    await scene.say()
    await kill(first)
    assert await scene.ends(), f"{scene.stage.describe()}\n{story(scene.stage, first.number)}"
    return fates(scene)[begun:]


async def _gateway_killed_at(scene: Scene, rung: Rung, first: Sent) -> None:
    story_of = scene.stage.room.of(first.number)
    later = RUNGS[RUNGS.index(rung) :]
    await retry_until(lambda: rung is Rung.QUEUED or story_of.has(*later), SLOW)
    await scene.stage.kill_gateway(away=0.3)


def story(stage: Stage, number: int) -> str:
    return "\n".join(f"{step.rung} {step.reason}" for step in stage.room.of(number).steps)
