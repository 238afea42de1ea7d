"""What an agent tells of its turns beside its screen: hooks as they fire, its transcript as it grows."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import structlog

from gateway.client import write_private
from sidecar.agents.agent import Child
from sidecar.plan import Plan
from sidecar.private import read_line
from sidecar.signals import Evidence, Source, TurnFact
from sidecar.transcript import Tail

TAIL_EVERY = 0.05
log = structlog.get_logger("sidecar")


class Ears:
    """`signal` gets what a hook says of the agent's state, `heard` what it and the transcript tell of a turn."""

    def __init__(self, plan: Plan, signal: Callable[[Evidence], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._agent, self._signal = plan.agent, signal
        self._note = plan.folder / "transcript"
        self._tail = Tail(plan.agent, None)
        self.child: Child | None = None
        self.heard: Callable[[TurnFact], None] = lambda fact: None

    def earlier(self) -> list[TurnFact] | None:
        """What an earlier run's transcript tells; None if it is not at hand."""
        path = read_line(self._note)
        return Tail(self._agent, Path(path)).new() if path and Path(path).is_file() else None

    def follow(self, transcript: Path | None, *, fresh: bool = False) -> None:
        if transcript and transcript != self._tail.path:
            self._tail.follow(transcript, fresh=fresh)
            self._loop.run_in_executor(None, write_private, self._note, str(transcript))

    async def hook(self, event: Mapping[str, object]) -> Mapping[str, object]:
        path = event.get("transcript_path")
        if isinstance(path, str) and path:
            self.follow(Path(path))
        if says := self._agent.hook_signal(event):
            self._signal(Evidence(Source.HOOK, says, self._loop.time()))
        if fact := self._agent.hook(event):
            self._hear(fact)
        return {}

    async def listen(self, while_needed: Callable[[], Awaitable[None]]) -> None:
        """The transcript is read only while something waits for its proof."""
        while True:
            await while_needed()
            await asyncio.sleep(TAIL_EVERY)
            self._find()
            for fact in self._tail.new():
                self._hear(fact)

    def _find(self) -> None:
        if self._tail.path is None and self.child and (found := self._agent.find_transcript(self.child)):
            self.follow(found.path, fresh=found.fresh)

    def _hear(self, fact: TurnFact) -> None:
        log.info("fact", kind=str(fact.kind), source=str(fact.source))
        self.heard(fact)
