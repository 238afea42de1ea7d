"""Runs the scenes one after the other, judges each question, and stores each failure with its details."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random

import msgspec

from benchmarks import machine
from benchmarks.approvals_questions import About, Ground, question, shapes
from benchmarks.approvals_results import Line, is_bad
from benchmarks.approvals_scene import AT_TERMINAL, BOTH, PLAIN, RESIZED, TWO, Asked, Scene
from benchmarks.approvals_sizes import SIZES, Size
from benchmarks.approvals_truth import Asks
from benchmarks.approvals_verdict import (
    Answer,
    Card,
    Fate,
    Options,
    Outcome,
    Templates,
    filled,
    judge_card,
    judge_outcome,
)
from benchmarks.delivery_person import Person
from benchmarks.delivery_results import add
from benchmarks.delivery_show import console
from benchmarks.delivery_stage import Stage

BLOCK = 10
GRACE = 20.0
SITUATIONS = {PLAIN: 68, TWO: 12, RESIZED: 9, AT_TERMINAL: 7, BOTH: 4}
ANSWERS = {Answer.YES: 34, Answer.FIRST: 12, Answer.ALWAYS: 16, Answer.NO: 20, Answer.WORDS: 18}
KINDS = {About.COMMAND: 65, About.EDIT: 25, About.FETCH: 10, About.DEMO: 1}
LASTING_EDITS = ("codex",)  # elsewhere they change the mode for all later questions
LASTING_FETCHES = ("claude",)
REPEATED = ("short", "unicode")  # a rule of Claude for quoted blanks does not match them again
REPEATS = {Answer.ALWAYS: 0.6, Answer.YES: 0.3}


def size_at(done: int, sizes: Sequence[Size] = SIZES) -> Size:
    """The sizes one after the other, with ten questions each."""
    return sizes[done // BLOCK % len(sizes)]


class Play:
    def __init__(  # noqa: PLR0913, PLR0917  what a run needs to know
        self,
        stage: Stage,
        oracle: Asks,
        vendor: Templates,
        seed: int,
        results: Path,
        evidence: Path,
        only: Sequence[str] = (),
    ) -> None:
        self._stage, self._oracle, self._vendor, self._seed = stage, oracle, vendor, seed
        self._results, self._evidence = results, evidence
        self._names = [one for one in shapes(stage.name) if not only or one in only]
        self._ground = Ground(stage.work, stage.folder / "beside")
        self._run = f"{seed}-{time.time():.0f}"
        self._commit = machine.commit()
        self.lines: list[Line] = []

    async def play(self, number: int, size: Size, room: int = BLOCK, situation: str = "") -> list[Line]:
        """One scene of at most `room` questions."""
        stage, chance = self._stage, Random(f"{self._seed}/{number}")
        drawn = chance.choices(list(SITUATIONS), list(SITUATIONS.values()))[0]
        situation = situation or drawn
        asked = [self._drawn(chance, number, one, situation) for one in range(min(room, 2 if situation == TWO else 1))]
        await self._sized(size)
        scene = Scene(stage, self._oracle, self._ground, chance)
        notes = []
        try:
            await scene.play(asked)
        except AssertionError as error:
            notes.append(f"the scene broke off: {str(error).splitlines()[0]}")
        made = [await self._judged(scene, one, (number, size), chance, notes) for one in asked]
        self._keep(scene, asked, made)
        add(self._results, made)
        self.lines += made
        await self._tidy(scene, size)
        return made

    async def _sized(self, size: Size) -> None:
        """Another size needs another session. Resizing a pane during a question is a situation of its own."""
        if self._stage.size != size.pane:
            self._stage.size = size.pane
            await self._stage.start()
            await self._stage.ready()

    def _drawn(self, chance: Random, number: int, part: int, situation: str) -> Asked:
        cli, names = self._stage.name, self._names
        kinds = {kind: weight for kind, weight in KINDS.items() if any(one.startswith(f"{kind} ") for one in names)}
        kind = chance.choices(list(kinds), list(kinds.values()))[0]
        name = chance.choice([one for one in names if one.startswith(f"{kind} ")])
        answer = chance.choices(list(ANSWERS), list(ANSWERS.values()))[0]
        if answer is Answer.ALWAYS and not _may_last(cli, kind):
            answer = Answer.FIRST
        mark = f"{(number * 2 + part) % 9000:04}"
        return Asked(question(cli, name, mark, self._ground), situation, answer)

    async def _judged(
        self, scene: Scene, asked: Asked, where: tuple[int, Size], chance: Random, notes: Sequence[str]
    ) -> Line:
        fate, notes = self._fate(scene, asked), [*asked.notes, *notes]
        if fate is Fate.RIGHT and not await self._lasts(scene, asked, chance):
            fate = Fate.WRONG
            notes.append("once more, it was not asked for as chosen")
        vendor = filled(self._vendor[asked.question.name], asked.question.mark, str(self._stage.work))
        cards = [(judge_card(asked.question, ask, vendor), heard) for ask, heard in asked.cards]
        card = cards[-1][0] if cards else Card(False, Options.CUT, "no card")
        number, size = where
        return Line(
            run=self._run,
            seed=self._seed,
            scene=number,
            mark=asked.question.mark,
            session=size.name,
            pane=size.pane_name,
            name=asked.question.name,
            situation=asked.situation,
            answer=asked.answer,
            fate=fate,
            commit=self._commit,
            seconds=_since(asked, [heard for _, heard in cards]),
            whole_seconds=_since(asked, [heard for one, heard in cards if one.whole]),
            detail=card.detail,
            options=card.options,
            readable=asked.cards[-1][0].readable if asked.cards else False,
            words=scene.reached(asked) if asked.by_room else None,
            cards=len({ask.number for ask, _ in asked.cards}),
            why=card.why,
            notes=tuple(notes),
        )

    @staticmethod
    def _fate(scene: Scene, asked: Asked) -> Fate:
        out = Outcome(asked.answer, asked.by_room, asked.terminal, scene.done(asked), bool(asked.cards))
        fate = judge_outcome(out)
        return Fate.NOT_TAKEN if fate is Fate.TERMINAL and asked.refused and asked.situation != BOTH else fate

    async def _lasts(self, scene: Scene, asked: Asked, chance: Random) -> bool:
        """For some questions, check that the given consent has the effect that the dialog stated."""
        once = asked.question.about is About.COMMAND and asked.question.shape in REPEATED
        if not once or asked.situation == TWO or chance.random() > REPEATS.get(asked.answer, 0):
            return True
        return await scene.lasts(asked)

    # Failures

    def _keep(self, scene: Scene, asked: Sequence[Asked], made: Sequence[Line]) -> None:
        for one, line in zip(asked, made, strict=True):
            if is_bad(line):
                self._keep_one(scene, one, line)

    def _keep_one(self, scene: Scene, asked: Asked, line: Line) -> None:
        folder = self._evidence / f"{self._stage.name}-{self._run}-{line.mark}"
        folder.mkdir(parents=True, exist_ok=True)
        told = {
            "line": msgspec.to_builtins(line),
            "asked for": asked.question.told or asked.question.after,
            "cards": [[msgspec.to_builtins(ask), round(heard - asked.called, 3)] for ask, heard in asked.cards],
            "ended": msgspec.to_builtins(asked.ended),
            "asks": [[msgspec.to_builtins(ask), round(at - asked.called, 3)] for ask, at in self._stage.room.asks[-6:]],
            "results": scene.results(asked),
            "said": [asked.said, self._oracle.said(asked.token) if asked.token else ""],
            "stories": {one: str(self._stage.room.of(one).steps[-2:]) for one in scene.numbers},
        }
        (folder / "facts.json").write_text(json.dumps(told, indent=1, ensure_ascii=False))
        (folder / "screen.txt").write_text(self._stage.describe())
        log = self._stage.private / "sidecar.log"
        if log.exists():
            (folder / log.name).write_bytes(log.read_bytes()[-200_000:])
        console.print(f"  {line.name}: {line.fate} {line.why} {' | '.join(line.notes)}; {folder.name}", markup=False)

    async def _tidy(self, scene: Scene, size: Size) -> None:
        """Wait until the agent is idle and its composer empty; restart an agent that is stuck."""
        stage = self._stage
        person = Person(stage, Random(0))
        stage.forget_output()
        stage.resize(*size.pane)
        await stage.cancel(scene.numbers)
        for attempt in range(3):
            with suppress(AssertionError):
                await stage.ready(GRACE if stage.runs else 0.1)
                return
            await person.gives_up()
            if attempt:
                await stage.start()
        raise SystemExit(f"the agent cannot be started any more\n{stage.describe()}")


def _since(asked: Asked, heard: Sequence[float]) -> float | None:
    return round(max(0.0, heard[0] - asked.called), 4) if heard and asked.called else None


def _may_last(cli: str, kind: About) -> bool:
    return kind is About.COMMAND or cli in (LASTING_EDITS if kind is About.EDIT else LASTING_FETCHES)
