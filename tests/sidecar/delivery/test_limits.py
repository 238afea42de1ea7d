"""What becomes of messages while a usage limit lasts, and when it has ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.protocol.types.agent_conditions import ConditionKind
from gateway.protocol.types.core_types import Activity, Composer
from sidecar.conditions.condition_watch import ConditionWatch
from sidecar.evidence.turn_evidence import TurnFact, TurnFactKind
from sidecar.screen.rules import ConditionMatch
from tests.sidecar.delivery.test_delivery_loop import Scene, prompt
from tests.sidecar.pictures import moment

WORDS = "You've hit your 5-hour limit · resets 5:42pm (UTC)"
REFUSAL = ConditionMatch("rule", ConditionKind.LIMITED, WORDS)
GO_ON = b"\x1b[200~[system -> claude] Your usage limit is over."


class LimitedScene:
    """A delivery loop, and the watch that knows of limits."""

    def __init__(self, folder: Path, *, resumes: bool) -> None:
        self.now = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
        self.watch = ConditionWatch(lambda: self.now, resumes=resumes)
        self.scene = Scene(folder, block=self.watch)

    async def refused(self, text: str = "work", turn: str = "t") -> int:
        """A message whose turn meets the limit."""
        number = await self.scene.delivered(text)
        await self.after(prompt(number, turn=turn), TurnFact(TurnFactKind.FAILED, WORDS, turn))
        return number

    async def after(self, *facts: TurnFact) -> None:
        """As the turn listener tells them: first the watch."""
        for fact in facts:
            if fact.kind is TurnFactKind.FAILED:
                self.watch.turn_failed([REFUSAL])
            self.watch.fact(fact)
            self.scene.delivery_loop.fact(fact)
        await self.scene.after()

    async def after_reset(self, *, calm: bool = True) -> bool:
        self.now += timedelta(hours=6)
        went_on = self.watch.go_on(calm=calm)
        await self.scene.after()
        return went_on

    def last(self, number: int) -> tuple[str, str]:
        return self.scene.room.rungs(number)[-1], self.scene.room.reasons(number)[-1]

    def pasted(self, text: bytes) -> int:
        return sum(text in keys for keys in self.scene.agent.keys)


@pytest.fixture
async def holding(tmp_path: Path) -> AsyncIterator[LimitedScene]:
    one = LimitedScene(tmp_path, resumes=False)
    yield one
    one.scene.journal.close()


@pytest.fixture
async def resuming(tmp_path: Path) -> AsyncIterator[LimitedScene]:
    one = LimitedScene(tmp_path, resumes=True)
    yield one
    one.scene.journal.close()


async def test_messages_wait_with_the_end_of_the_limit_as_the_reason(holding: LimitedScene) -> None:
    refused = await holding.refused()
    assert holding.last(refused) == ("failed", f"the turn failed: {WORDS}")
    waits = [await holding.scene.delivered(text) for text in ("and now?", "and then?")]
    assert [holding.last(one) for one in waits] == [("held", "limited until 17:42")] * 2
    await holding.after_reset()
    assert holding.pasted(b"and now?") == 0  # it has passed, and nothing shows that it is over
    holding.scene.delivery_loop.lift_limit()
    await holding.scene.after()
    assert holding.pasted(b"and now?") == 1 and holding.pasted(GO_ON) == 0


async def test_an_urgent_message_is_typed_nevertheless(holding: LimitedScene) -> None:
    await holding.refused()
    scene = holding.scene
    urgent = scene.room.say("are you back?", urgent=True)
    scene.delivery_loop.receive(scene.room.messages[urgent])
    await scene.after()
    assert holding.pasted(b"are you back?") == 1
    waits = await scene.delivered("then this")
    await holding.after(prompt(urgent, turn="u"), TurnFact(TurnFactKind.ANSWER, "yes", "u"))
    assert scene.room.replies[urgent] == "yes"
    assert holding.last(waits)[0] == "submitted"


async def test_it_goes_on_with_the_refused_message_and_then_with_the_rest(resuming: LimitedScene) -> None:
    refused = await resuming.refused()
    assert resuming.last(refused)[0] == "accepted"
    waits = await resuming.scene.delivered("and now?")
    assert resuming.last(waits) == ("held", "limited until 17:42")
    assert await resuming.after_reset()
    assert (resuming.pasted(GO_ON), resuming.pasted(b"and now?")) == (1, 0)
    await resuming.after(TurnFact(TurnFactKind.PROMPT, GO_ON.decode(), "v"), TurnFact(TurnFactKind.ANSWER, "done", "v"))
    assert resuming.scene.room.replies[refused] == "done"
    assert resuming.last(waits)[0] == "submitted"
    assert (resuming.pasted(GO_ON), resuming.pasted(b"and now?"), resuming.pasted(b"work")) == (1, 1, 1)


async def test_a_cli_that_goes_on_by_itself_is_not_told_to(resuming: LimitedScene) -> None:
    refused = await resuming.refused()
    await resuming.after(TurnFact(TurnFactKind.ANSWER, "done", "its own turn"))
    assert resuming.scene.room.replies[refused] == "done"
    assert not await resuming.after_reset()
    assert resuming.pasted(GO_ON) == 0


async def test_nothing_is_typed_into_a_dialog_that_stands_when_the_limit_ends(resuming: LimitedScene) -> None:
    refused = await resuming.refused()
    scene = resuming.scene
    scene.agent.drawn = moment(Activity.ASKING, Composer.HIDDEN)
    assert not await resuming.after_reset(calm=False)
    assert resuming.watch.go_on(calm=True)
    await scene.after()
    assert resuming.pasted(GO_ON) == 0
    scene.agent.drawn = None
    await scene.after()
    assert resuming.pasted(GO_ON) == 1 and resuming.last(refused)[0] == "accepted"


async def test_a_pause_holds_what_a_limit_has_kept(resuming: LimitedScene) -> None:
    await resuming.refused()
    resuming.scene.delivery_loop.pause(True)
    assert await resuming.after_reset()
    assert resuming.pasted(GO_ON) == 0
    resuming.scene.delivery_loop.pause(False)
    await resuming.scene.after()
    assert resuming.pasted(GO_ON) == 1


async def test_a_second_refusal_keeps_the_message(resuming: LimitedScene) -> None:
    refused = await resuming.refused()
    await resuming.after_reset()
    await resuming.after(TurnFact(TurnFactKind.FAILED, WORDS, "v"))
    assert resuming.last(refused)[0] == "accepted"
    await resuming.after_reset()
    assert resuming.pasted(GO_ON) == 2
    await resuming.after(TurnFact(TurnFactKind.ANSWER, "done", "w"))
    assert resuming.scene.room.replies[refused] == "done"


async def test_a_program_that_ends_loses_what_a_limit_has_kept(resuming: LimitedScene) -> None:
    refused = await resuming.refused()
    resuming.scene.agent.drawn = moment(Activity.GONE, Composer.HIDDEN)
    await resuming.scene.after()
    assert resuming.last(refused) == ("failed", "turn lost: the agent has exited")
