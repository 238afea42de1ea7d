"""What an agent tells of its turns beside its screen: hooks as they fire, its transcript as it grows.

A hook may also be asked: whether this prompt is to be refused, and what to answer to a question."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import structlog

from gateway.client import write_private
from gateway.client.process.tasks import spawn
from sidecar.agents.adapter.adapter import Asked, Child
from sidecar.process.agent_folder import read_line
from sidecar.process.run_plan import Plan
from sidecar.screen.evidence import Evidence, Source, Turn, TurnFact
from sidecar.sources.transcript import Tail, facts_in

TAIL_EVERY = 0.05
SEARCH_REST = 20  # times as long as a search took, nobody searches again
MOST_TURNS = 64
log = structlog.get_logger("sidecar")


def never_refused(_: TurnFact) -> str:
    return ""


async def no_word(_: Asked) -> Mapping[str, object]:
    return {}


class Ears:
    """`signal` gets what a hook says of the agent's state, `heard` what it and the transcript tell of a turn.

    `spent` gets the tokens that its transcript tells of. `prompted` is asked for each prompt that is about to be
    submitted, and answers the reason for which it is refused, or nothing. `questioned` is told of each question of a
    hook; where its answer `decides`, the hook waits for it (and is cancelled when the question is gone). `in_session`
    hears the vendor's name for the conversation as it changes."""

    def __init__(self, plan: Plan, signal: Callable[[Evidence], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._agent, self._signal = plan.agent, signal
        self._note = plan.folder / "transcript"
        self._tail = Tail(plan.agent, None)
        self._begun: deque[str] = deque(maxlen=MOST_TURNS)
        self._searching, self._search_again = asyncio.Lock(), 0.0
        self._words, self._closed = "", False
        self.session = ""
        self.child: Child | None = None
        self.heard: Callable[[TurnFact], None] = lambda fact: None
        self.spent: Callable[[int], None] = lambda tokens: None
        self.prompted: Callable[[TurnFact], str] = never_refused
        self.questioned: Callable[[Asked], Awaitable[Mapping[str, object]]] = no_word
        self.in_session: Callable[[str], None] = lambda session: None

    def earlier(self) -> list[TurnFact] | None:
        """What an earlier run's transcript tells; None if it is not at hand."""
        path = read_line(self._note)
        return facts_in(self._agent, Path(path)) if path and Path(path).is_file() else None

    def follow(self, transcript: Path | None, *, fresh: bool = False) -> None:
        if transcript and transcript != self._tail.path and not self._closed:
            self._tail.follow(transcript, fresh=fresh)
            self.call_session(self._agent.session_in(transcript))
            self._loop.run_in_executor(None, self._note_down, str(transcript))

    def _note_down(self, transcript: str) -> None:
        """For the next run. Without it, that one knows less."""
        try:
            write_private(self._note, transcript)
        except OSError as error:
            log.warning("the transcript's path is not kept", error=str(error))

    @property
    def transcript(self) -> Path | None:
        return self._tail.path

    def call_session(self, name: str) -> None:
        if name and name != self.session:
            self.session = name
            self.in_session(name)

    async def hook(self, event: Mapping[str, object]) -> Mapping[str, object]:
        """What the agent is answered; nothing in it lets the agent go on as if nobody had listened."""
        await self._find()
        if path := event.get("transcript_path"):
            self.follow(Path(str(path)))
        self.call_session(self._agent.session(event))
        fact = self._agent.hook(event)
        if fact and fact.kind is Turn.PROMPT and (reason := self.prompted(fact)):
            log.info("refused", reason=reason)
            return self._agent.refuse(reason)
        if says := self._agent.hook_signal(event):
            self._signal(Evidence(Source.HOOK, says, self._loop.time()))
        if fact:
            self._hear_hook(fact, event)
        return await self._question(asked) if (asked := self._agent.asked(event)) else {}

    def _hear_hook(self, fact: TurnFact, event: Mapping[str, object]) -> None:
        """What was said before a turn ended is read before its end is told. A prompt that comes while its turn goes on
        waits inside the agent: which turn takes it in, this one or a later, only the transcript tells."""
        if fact.kind in (Turn.ANSWER, Turn.ENDED):
            self._read_on()
        if fact.kind is Turn.ENDED:
            fact = replace(fact, text=self._agent.answer(event, self._words) if self._words else "")
        if fact.kind is not Turn.PROMPT or fact.turn not in self._begun:
            self._hear(fact)
        if fact.turn and fact.turn not in self._begun:
            self._begun.append(fact.turn)

    async def _question(self, asked: Asked) -> Mapping[str, object]:
        log.info("asked", tool=asked.tool)
        if asked.decides:
            return await self.questioned(asked)
        self._beside(self.questioned(asked))
        return {}

    def _beside(self, work: Awaitable[object]) -> None:
        spawn(_awaited(work), "ears")

    def close(self) -> None:
        """For good: a hook of an agent that is just dying opens no file again."""
        self._closed = True
        self._tail.close()

    async def listen(self, while_needed: Callable[[], Awaitable[None]]) -> None:
        """The transcript is read only while something waits for its proof."""
        while True:
            await while_needed()
            await asyncio.sleep(TAIL_EVERY)
            if self._loop.time() >= self._search_again:
                await self._find()
            self._read_on()

    def catch_up(self) -> None:
        """Also while nothing waits for its proof."""
        self._beside(self._caught_up())

    async def _caught_up(self) -> None:
        await self._find()
        self._read_on()

    def _read_on(self) -> None:
        facts = () if self._closed else self._tail.new()
        if spent := self._tail.spent():
            self.spent(spent)
        for fact in facts:
            self._hear(fact)

    async def _find(self) -> None:
        """In a thread, for it may mean to look at all processes. One after the other: so hooks keep their order."""
        if self._tail.path is not None or not self.child:
            return
        async with self._searching:
            if self._tail.path is not None:
                return
            began = self._loop.time()
            found = await asyncio.to_thread(self._agent.find_transcript, self.child)
            self._search_again = self._loop.time() + SEARCH_REST * (self._loop.time() - began)
            if found and self._tail.path is None:
                self.follow(found.path, fresh=found.fresh)

    def _hear(self, fact: TurnFact) -> None:
        log.info("fact", kind=str(fact.kind), source=str(fact.source))
        self._words = (fact.text or self._words) if fact.kind is Turn.MODEL else ""
        self.heard(fact)


async def _awaited(work: Awaitable[object]) -> object:
    return await work
