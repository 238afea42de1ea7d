"""Runs the scenes one after the other, judges each, and stores each failure with its details."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from random import Random

import msgspec
from msgspec.structs import replace
from rich.console import Console

from benchmarks import machine
from benchmarks.delivery_person import Person
from benchmarks.delivery_results import Line, add
from benchmarks.delivery_scenes import SCENES, Scene
from benchmarks.delivery_stage import CANARY, STARTING, Stage
from benchmarks.delivery_texts import Texts
from benchmarks.delivery_verdict import Fate, Verdict, digest, judge

ENDS_WITH_GRACE = 20.0
KILLS = 4  # a supervisor waits longer each time; after this many restarts use a new terminal

console = Console(highlight=False, width=220)


class Show:
    def __init__(self, stage: Stage, seed: int, results: Path, evidence: Path) -> None:
        self._stage, self._seed, self._results, self._evidence = stage, seed, results, evidence
        self._run = f"{seed}-{time.time():.0f}"
        self._lines: dict[int, Line] = {}
        self._contents: dict[int, str] = {}
        self._by_hand = self._aborted = self._commands = 0
        self._commit = machine.commit()

    @property
    def lines(self) -> list[Line]:
        return list(self._lines.values())

    async def play(self, number: int, name: str) -> list[Line]:
        """One scene: its messages' lines."""
        stage, chance = self._stage, Random(f"{self._seed}-{number}")
        scene = Scene(stage, Person(stage, chance), Texts(chance, stage.name, f"{CANARY}-{number}"), chance)
        starts = stage.starts
        await stage.agent_pid()
        with suppress(AssertionError):
            await self._played(scene, name)
        ended = await scene.ends()
        made = self._judged(scene, number, name, exits=stage.starts - starts if "killed" not in name else 0)
        if not ended:
            made[0] = replace(made[0], notes=(*made[0].notes, "the scene did not end"))
        self._keep(scene, made)
        add(self._results, [*made, *self._corrections()])
        await self._tidy(scene)
        return made

    @staticmethod
    async def _played(scene: Scene, name: str) -> None:
        try:
            await SCENES[name][0](scene)
        except AssertionError as error:
            scene.notes.append(f"the scene broke off: {str(error).splitlines()[0]}")
            raise

    def _judged(self, scene: Scene, number: int, name: str, exits: int) -> list[Line]:
        truth = self._stage.oracle.look()
        made = []
        for sent in scene.sent:
            verdict = judge(self._stage.player, sent.number, sent.content, self._stage.room.of(sent.number), truth)
            self._contents[sent.number] = sent.content
            made.append(self._line(scene, (number, name), sent.number, verdict))
        if made:
            made[0] = self._whole_scene(scene, made[0], exits)
        self._lines |= {line.number: line for line in made}
        return made

    def _line(self, scene: Scene, where: tuple[int, str], number: int, verdict: Verdict) -> Line:
        content, story = self._contents[number], self._stage.room.of(number)
        begun = next(one.at for one in scene.sent if one.number == number)
        return Line(
            run=self._run,
            seed=self._seed,
            scene=where[0],
            situation=where[1],
            number=number,
            sha=digest(content),
            size=len(content.encode()),
            fate=verdict.fate,
            seen=verdict.seen,
            commit=self._commit,
            replied=verdict.replied,
            why=verdict.why,
            rungs=tuple((str(step.rung), step.reason, round(step.at - begun, 3)) for step in story.steps),
        )

    def _whole_scene(self, scene: Scene, line: Line, exits: int) -> Line:
        """What happened to the agent in this scene, independent of the message."""
        truth = self._stage.oracle.look()
        by_hand, self._by_hand = truth.by_hand[self._by_hand :], len(truth.by_hand)
        aborted, self._aborted = len(truth.aborted) - self._aborted, len(truth.aborted)
        commands, self._commands = len(truth.commands) - self._commands, len(truth.commands)
        canaries = [one for one in self._stage.work.glob(f"{CANARY}*") if one.name != f"{CANARY}-tool"]
        strays = [text for text in by_hand if text not in scene.drafts]
        notes = [*scene.notes, *(f"stray prompt {text[:80]!r}" for text in strays), *map(str, canaries)]
        for one in canaries:
            one.unlink()
        return replace(
            line,
            dialogs=scene.dialogs,
            drafts_kept=scene.drafts_kept,
            drafts_lost=scene.drafts_lost,
            commands=len(canaries) + commands + exits,
            aborted=0 if scene.stopped else aborted,
            strays=len(strays),
            notes=tuple(notes),
        )

    def _corrections(self) -> list[Line]:
        """Check for a copy or a message that arrives later."""
        truth, changed = self._stage.oracle.look(), []
        for number, line in self._lines.items():
            if len(truth.of(number)) != line.seen:
                verdict = judge(self._stage.player, number, self._contents[number], self._stage.room.of(number), truth)
                changed.append(replace(line, fate=verdict.fate, seen=verdict.seen, why=f"{verdict.why} (late)"))
        self._lines |= {line.number: line for line in changed}
        return changed

    # Failures

    def _keep(self, scene: Scene, made: list[Line]) -> None:
        """Store the details of a failure."""
        bad = [line for line in made if is_bad(line)]
        if not bad:
            return
        stage, scene_name = self._stage, f"{bad[0].scene:04}-{bad[0].situation.replace(' ', '-')}"
        folder = self._evidence / f"{stage.name}-{self._run}-{scene_name}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "screen.txt").write_text(stage.describe())
        (folder / "output.bin").write_bytes(stage.pane.output[-200_000:])
        numbers = [sent.number for sent in scene.sent]
        truth = stage.oracle.look()
        told = {
            "lines": [msgspec.to_builtins(line) for line in made],
            "contents": {number: self._contents[number] for number in numbers},
            "heard": [asdict(one) for one in truth.heard if one.number in numbers],
            "answers": [asdict(one) for one in truth.told if set(one.numbers) & set(numbers)],
            "by hand": truth.by_hand[-5:],
            "replies": {number: [reply.content for reply, _ in stage.room.of(number).replies] for number in numbers},
        }
        (folder / "facts.json").write_text(json.dumps(told, indent=1, ensure_ascii=False))
        for path in (stage.private / "sidecar.log", stage.folder / "state.log", *stage.transcripts()):
            if path.exists():
                (folder / path.name).write_bytes(path.read_bytes()[-300_000:])
        for line in bad:
            console.print(
                f"  {line.situation} #{line.number} {line.fate}: {line.why} {' | '.join(line.notes)}", markup=False
            )
        console.print(f"  kept in {folder}", markup=False)

    async def _tidy(self, scene: Scene) -> None:
        """Wait until the agent is idle and its composer empty; restart an agent that is stuck."""
        stage = self._stage
        stage.forget_output()
        scene.person.removes_the_canary()
        await stage.cancel(sent.number for sent in scene.sent)
        patience = ENDS_WITH_GRACE
        if stage.kills >= KILLS:
            await stage.start()
            patience = STARTING
        for _ in range(3):
            try:
                await stage.ready(patience if stage.runs else 0.1)
                return
            except AssertionError:
                await scene.person.gives_up()
                await stage.start()
                patience = STARTING
        raise SystemExit(f"the agent cannot be started any more\n{stage.describe()}")


def is_bad(line: Line) -> bool:
    """A turn that ended with its process has failed visibly, whether or not its request had been sent."""
    fine = (Fate.EXACT, Fate.FAILED, Fate.UNSEEN) if line.situation.endswith("killed") else (Fate.EXACT, Fate.FAILED)
    failed = line.fate not in fine or line.replied is False
    return failed or bool(line.dialogs or line.drafts_lost or line.commands or line.aborted or line.strays)
