"""One answer is one reply: what happens to an interrupted message, in each order in which agents report it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.protocol.types.core_types import Activity, Composer, Rung
from sidecar.evidence.turn_evidence import EvidenceSource, TurnFact, TurnFactKind
from sidecar.messages.inbox import InboxEntry
from sidecar.prompt_typing.typing_gate import QUEUED_BY_AGENT_TEXT
from sidecar.runtime.agent_input import AgentInput
from tests.sidecar.delivery.test_delivery_loop import Scene
from tests.sidecar.pictures import moment

HOOK, RECORD = EvidenceSource.HOOK, EvidenceSource.TRANSCRIPT
ESCAPE = "escape"
QUEUED = 2
Told = str | TurnFact
BY_ROOT = "interrupted by root"


def prompt(number: int, source: EvidenceSource, turn: str = "") -> TurnFact:
    return TurnFact(TurnFactKind.PROMPT, f"[alice -> claude #{number}] words", turn, source)


def says(text: str, turn: str = "") -> TurnFact:
    return TurnFact(TurnFactKind.MODEL, text, turn, RECORD)


def ends(kind: TurnFactKind, text: str = "", turn: str = "", source: EvidenceSource = RECORD) -> TurnFact:
    return TurnFact(kind, text, turn, source)


INTERRUPTED = ends(TurnFactKind.INTERRUPTED)
CLAUDE_WORKS = (prompt(1, HOOK, "p1"), prompt(1, RECORD, "p1"), says("I wait."))
CLAUDE_NEXT = (says("Second."), ends(TurnFactKind.ENDED))
STOP = ends(TurnFactKind.ANSWER, "Second.", "p2", HOOK)
CODEX_WORKS = (prompt(1, HOOK, "t1"), prompt(1, RECORD, "t1"), says("I wait.", "t1"))
CODEX_CUT = (ends(TurnFactKind.INTERRUPTED, turn="t1", source=HOOK), ends(TurnFactKind.INTERRUPTED, turn="t1"))
CODEX_NEXT = (
    *(prompt(2, HOOK, "t2"), prompt(2, RECORD, "t2"), ends(TurnFactKind.ANSWER, "Second.", "t2", HOOK)),
    *(says("Second.", "t2"), ends(TurnFactKind.ANSWER, "Second.", "t2")),
)
GEMINI_WORKS = (prompt(1, HOOK), prompt(1, RECORD), says("I wait."))
GEMINI_NEXT = (prompt(2, HOOK), prompt(2, RECORD), says("Second."), ends(TurnFactKind.ENDED, "Second.", source=HOOK))

# As claude 2.1.329, codex 0.169.0 and gemini 0.61.0 told of them on loopback models, and what else may come to be.
# The second message waits inside the agent while the first one's tool runs; then Escape is pressed.
ORDERS: dict[str, Sequence[Told]] = {
    "claude, its record before its hook": (
        *(*CLAUDE_WORKS, ESCAPE, prompt(2, RECORD), INTERRUPTED),
        *(STOP, *CLAUDE_NEXT),
    ),
    "claude, its hook before its record": (
        *(*CLAUDE_WORKS, ESCAPE, prompt(2, HOOK, "p2"), STOP),
        *(prompt(2, RECORD), INTERRUPTED, *CLAUDE_NEXT),
    ),
    "claude, its hook between": (*CLAUDE_WORKS, ESCAPE, prompt(2, RECORD), STOP, INTERRUPTED, *CLAUDE_NEXT),
    "claude, the first was queued, too": (
        *(prompt(1, RECORD), says("I wait."), ESCAPE, prompt(2, HOOK, "p2"), STOP),
        *(prompt(2, RECORD), INTERRUPTED, *CLAUDE_NEXT),
    ),
    "claude, the record alone": (*CLAUDE_WORKS, ESCAPE, prompt(2, RECORD), INTERRUPTED, *CLAUDE_NEXT),
    "claude, and nothing tells of the key": (*CLAUDE_WORKS, ESCAPE, prompt(2, HOOK, "p2"), STOP, *CLAUDE_NEXT),
    "claude, the key before anything was told": (
        *(ESCAPE, prompt(1, RECORD, "p1"), INTERRUPTED, prompt(2, HOOK, "p2"), STOP),
        *(prompt(2, RECORD), *CLAUDE_NEXT),
    ),
    "claude, the key before anything was told, and its hook first": (
        *(ESCAPE, prompt(1, HOOK, "p1"), prompt(2, HOOK, "p2"), STOP),
        *(prompt(1, RECORD, "p1"), prompt(2, RECORD), INTERRUPTED, *CLAUDE_NEXT),
    ),
    "codex, as it comes": (*CODEX_WORKS, ESCAPE, *CODEX_CUT, *CODEX_NEXT),
    "codex, the hook of the key comes last": (*CODEX_WORKS, ESCAPE, *CODEX_NEXT, *CODEX_CUT),
    "codex, the record alone": (
        *(prompt(1, RECORD, "t1"), says("I wait.", "t1"), ESCAPE, CODEX_CUT[1]),
        *(CODEX_NEXT[1], *CODEX_NEXT[3:]),
    ),
    "gemini, as it comes": (*GEMINI_WORKS, ESCAPE, INTERRUPTED, says(""), *GEMINI_NEXT),
    "gemini, the key before anything was told": (ESCAPE, *GEMINI_WORKS[:2], INTERRUPTED, *GEMINI_NEXT),
    "gemini, nothing tells of the key": (*GEMINI_WORKS, ESCAPE, *GEMINI_NEXT),
    "gemini, what it tells of the key comes late": (
        *(*GEMINI_WORKS, ESCAPE, prompt(2, HOOK), prompt(2, RECORD), INTERRUPTED),
        *(says("Second."), ends(TurnFactKind.ENDED, "Second.", source=HOOK)),
    ),
}


class Desk(Scene):
    """Two messages that were submitted; the agent works."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        agent: Any = self.agent
        self.keys = AgentInput(agent, agent, self.progress)
        self.agent.drawn = moment(Activity.BUSY, Composer.EMPTY)
        for number in (self.room.say("one"), self.room.say("two", urgent=True)):
            entry = InboxEntry(self.room.messages[number], since=self.agent.now, company=(number,))
            self.delivery_loop.inbox.add(entry)
            for rung in (Rung.TYPED, Rung.VERIFIED):
                entry = self.progress.record_rung(entry, rung)
            entry = replace(entry, queued_inside=number == QUEUED)
            self.progress.record_rung(entry, Rung.SUBMITTED, QUEUED_BY_AGENT_TEXT if number == QUEUED else "")

    async def hears(self, told: Sequence[Told]) -> None:
        for one in told:
            self.agent.now += 0.05
            if isinstance(one, TurnFact):
                self.delivery_loop.fact(one)
            else:
                self.keys.put_in(b"\x1b", "by root")
        await self.outbox.flush(self.progress)

    def end(self, number: int) -> tuple[str, str]:
        last = self.room.steps[number][-1]
        return str(last.rung), last.reason


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    one = Desk(tmp_path)
    yield one
    one.journal.close()


@pytest.mark.parametrize("told", ORDERS.values(), ids=ORDERS)
async def test_the_answer_of_the_next_turn_is_one_reply(told: Sequence[Told], desk: Desk) -> None:
    await desk.hears(told)
    assert desk.end(1) == ("failed", BY_ROOT)
    assert desk.end(2)[0] == "answered"
    assert desk.room.replies == {2: "Second."}


@pytest.mark.parametrize("turn", ["p1", ""], ids=["named", "unnamed"])
async def test_a_key_that_comes_too_late_takes_no_answer_away(turn: str, desk: Desk) -> None:
    works = [prompt(1, HOOK, turn), prompt(1, RECORD, turn), says("Done.")]
    await desk.hears([*works, ESCAPE, ends(TurnFactKind.ANSWER, "Done.", turn, HOOK)])
    assert desk.room.replies == {1: "Done."}


async def test_without_a_key_the_record_says_which_turn_was_interrupted(desk: Desk) -> None:
    """A No in a dialog, for one."""
    await desk.hears([*CLAUDE_WORKS, prompt(2, RECORD), INTERRUPTED, STOP, *CLAUDE_NEXT])
    assert desk.end(1) == ("failed", "interrupted before an answer")
    assert desk.room.replies == {2: "Second."}


async def test_two_messages_of_one_turn_are_interrupted_together(desk: Desk) -> None:
    await desk.hears([*CLAUDE_WORKS, prompt(2, RECORD), ESCAPE, INTERRUPTED])
    assert [desk.end(number) for number in (1, 2)] == [("failed", BY_ROOT)] * 2


@pytest.mark.parametrize("kind", [TurnFactKind.ENDED, TurnFactKind.ANSWER])
async def test_a_turn_that_ends_after_the_key_without_a_word_was_interrupted(kind: TurnFactKind, desk: Desk) -> None:
    """Gemini's hook tells of the end before its record tells of the key."""
    await desk.hears([*GEMINI_WORKS[:2], ESCAPE, ends(kind, source=HOOK)])
    assert desk.end(1) == ("failed", BY_ROOT)


async def test_an_interruption_of_which_nothing_tells_ends_with_the_calm_that_follows(desk: Desk) -> None:
    await desk.hears([*CLAUDE_WORKS, ESCAPE])
    desk.agent.drawn = moment(Activity.IDLE, Composer.EMPTY)
    for _ in range(3):
        desk.agent.now += 1
        await desk.after()
    assert desk.end(1) == ("failed", BY_ROOT)
    assert desk.room.sent == []


async def test_a_key_at_an_idle_agent_means_nothing(desk: Desk) -> None:
    desk.agent.drawn = moment(Activity.IDLE, Composer.EMPTY)
    await desk.hears([*CLAUDE_WORKS, ESCAPE])
    entry = desk.delivery_loop.inbox.get(1)
    assert entry is not None
    assert entry == replace(entry, cut=None)
