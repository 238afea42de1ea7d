"""How long a message takes: without faults, one agent at a time, nothing else running."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from benchmarks.delivery_cast import Manner, Player
from benchmarks.delivery_person import Person
from benchmarks.delivery_scenes import Scene
from benchmarks.delivery_stage import Stage, staged
from benchmarks.delivery_texts import Texts
from benchmarks.delivery_verdict import judge
from benchmarks.figures import Outcome, Row, Spread, Table, Verdict
from gateway.protocol.types.core_types import Rung

REST = 0.4
MAX_TO_MODEL_P95_MS = {"claude": 300, "codex": 200, "gemini": 500}  # the rest is the vendor's own time
MAX_OF_OTHERS_P95_MS = 400


@dataclass
class Times:
    """In seconds, one of each message."""

    to_model: list[float] = field(default_factory=list)
    to_submit: list[float] = field(default_factory=list)
    to_next: list[float] = field(default_factory=list)
    to_room: list[float] = field(default_factory=list)
    exact: int = 0
    all: int = 0


async def measure(player: Player, wanted: int, seed: int) -> Outcome:
    folder = Path(tempfile.mkdtemp(prefix=f"gc-latency-{player.name}-", dir="/var/tmp"))
    times, chance = Times(), Random(seed)
    try:
        async with staged(player, folder, seed) as stage:
            while times.all < wanted:
                scene = Scene(stage, Person(stage, chance), Texts(chance, stage.name, "canary"), chance)
                await asyncio.sleep(REST + chance.random() * 0.3)
                await (_idle if chance.random() < 0.6 else _busy)(scene)
                if not await scene.ends():
                    raise AssertionError(f"a message came to no end\n{stage.describe()}")
                _note(stage, scene, times)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return _outcome(player, times)


async def _idle(scene: Scene) -> None:
    await scene.say()


async def _busy(scene: Scene) -> None:
    """The second message waits until the first turn ends."""
    first = await scene.say(manner=Manner(seconds=0.8))
    await scene.seen(first)
    await scene.somewhen(0.1, 0.4)
    await scene.say()


def _note(stage: Stage, scene: Scene, times: Times) -> None:
    truth, room = stage.oracle.look(), stage.room
    first, later = scene.sent[0], scene.sent[1:]
    times.to_model.append(truth.of(first.number)[0].at - room.accepted[first.number])
    for sent in scene.sent:
        verdict = judge(stage.player, sent.number, sent.content, room.of(sent.number), truth)
        times.exact += verdict.good and verdict.replied is True
        times.all += 1
        times.to_room.append(room.of(sent.number).replies[0][1] - (truth.answers_to(sent.number)[0].ended or 0))
    for sent in later:
        ended = truth.answers_to(first.number)[0].ended or 0
        submitted = next(step.at for step in room.of(sent.number).steps if step.rung is Rung.SUBMITTED)
        times.to_submit.append(submitted - ended)
        times.to_next.append(truth.of(sent.number)[0].at - ended)


def _outcome(player: Player, times: Times) -> Outcome:
    model, submit, room = (Spread.of(one) for one in (times.to_model, times.to_submit, times.to_room))
    rows: tuple[Row, ...] = (
        {
            "from": "accepted by the gateway",
            "to": "the model's request (idle agent)",
            "n": len(times.to_model),
            **model.cells(),
        },
        {
            "from": "last byte of the answer before",
            "to": "next message submitted",
            "n": len(times.to_submit),
            **submit.cells(),
        },
        {
            "from": "last byte of the answer before",
            "to": "the model's next request",
            "n": len(times.to_next),
            **Spread.of(times.to_next).cells(),
        },
        {"from": "last byte of the answer", "to": "the reply in the room", "n": len(times.to_room), **room.cells()},
    )
    share = times.exact / times.all * 100
    most = MAX_TO_MODEL_P95_MS.get(player.name, MAX_OF_OTHERS_P95_MS)
    verdicts = (
        Verdict("idle: accepted to the model's request, p50 ms", model.p50, 250, at_least=False),
        Verdict("idle: accepted to the model's request, p95 ms", model.p95, most, at_least=False),
        Verdict("busy to idle to next message submitted, p95 ms", submit.p95, 350, at_least=False),
        Verdict("model's last byte to the reply in the room, p95 ms", room.p95, 300, at_least=False),
        Verdict("replies exact, %", share, 100),
    )
    title = f"{player.name} {player.version}: times of {times.all} messages, one at a time, no faults"
    return Outcome(f"delivery-{player.name}-latency", (Table(title, rows),), verdicts)
