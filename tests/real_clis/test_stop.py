"""An order to stop ends the turn and the tool of each real CLI, and the next turn's answer is one reply."""

import contextlib
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.protocol.events import ControlAction
from gateway.protocol.requests import CloseAsk, OpenAsk
from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply
from tests.fakes.retry import retry_until
from tests.real_clis.homes import CLIS, Cli
from tests.real_clis.long_tools import FREELY, long_tool, running
from tests.real_clis.running import in_a_sidecar
from tests.sidecar.seat import Seat

pytestmark = pytest.mark.slow
ALL = pytest.mark.parametrize("name", ["claude", "codex", "gemini"])
BY_ALICE = "interrupted by alice"


@dataclass(frozen=True)
class Scene:
    seat: Seat
    model: Model
    cli: Cli
    mark: str

    async def works(self) -> int:
        """A message whose turn runs a tool for long."""
        self.model.script(Reply("I wait.", tool=long_tool(self.cli.name, self.mark)))
        number = self.seat.room.say("Run it.")
        await retry_until(lambda: running(self.mark), 60, describe=self.seat.describe)
        await self.seat.reaches(number, "seen", 30)
        return number

    async def stopped(self) -> float:
        """How long the tool has lived on."""
        began = time.monotonic()
        self.seat.room.order(ControlAction.KEYS, text="stop", may_approve=True)
        await retry_until(lambda: not running(self.mark), 10, describe=self.seat.describe)
        return time.monotonic() - began

    def end(self, number: int) -> tuple[str, str]:
        last = self.seat.room.steps[number][-1]
        return str(last.rung), last.reason


@contextlib.asynccontextmanager
async def scene(name: str, folder: Path, *, freely: bool = True) -> AsyncIterator[Scene]:
    cli = CLIS[name]
    async with in_a_sidecar(cli, folder, *(FREELY[name] if freely else ())) as (seat, model):
        yield Scene(seat, model, cli, uuid.uuid4().hex)


@ALL
async def test_a_stop_ends_turn_and_tool_and_what_was_queued_is_answered_once(name: str, tmp_path: Path) -> None:
    async with scene(name, tmp_path) as one:
        first = await one.works()
        one.model.script(Reply("Second answer."))
        queued = one.seat.room.say("Urgent words.", urgent=True)
        await one.seat.reaches(queued, "submitted", 20)
        assert one.seat.room.reasons(queued)[-1] == "queued, it is at work"
        assert await one.stopped() < 5
        await one.seat.reaches(first, "failed", 20)
        await one.seat.reaches(queued, "answered", 30)
        assert one.end(first) == ("failed", BY_ALICE)
        assert one.seat.room.replies == {queued: "Second answer."}


@ALL
async def test_a_message_that_interrupts_comes_after_the_tool_and_before_the_rest(name: str, tmp_path: Path) -> None:
    async with scene(name, tmp_path) as one:
        first = await one.works()
        one.model.script(Reply("The other file."), Reply("Later answer."))
        later = one.seat.room.say("Later.")
        await one.seat.reaches(later, "held")
        urgent = one.seat.room.say("The other file!", urgent=True, interrupt=True)
        await one.seat.reaches(urgent, "answered", 40)
        await one.seat.reaches(later, "answered", 40)
        assert not running(one.mark)
        assert one.end(first) == ("failed", BY_ALICE)
        assert one.seat.room.replies == {urgent: "The other file.", later: "Later answer."}


@ALL
async def test_a_stop_before_the_first_word_leaves_nothing_in_the_composer(name: str, tmp_path: Path) -> None:
    async with scene(name, tmp_path) as one:
        one.model.script(Reply("late", silence=30))
        first = one.seat.room.say("Talk.")
        await one.seat.reaches(first, "accepted", 30)
        await retry_until(lambda: one.model.turns, 30)
        one.seat.room.order(ControlAction.KEYS, text="stop")
        await one.seat.reaches(first, "failed", 30)
        assert one.end(first) == ("failed", BY_ALICE)
        one.model.script(Reply("Next."))
        second = one.seat.room.say("Go on.")
        await one.seat.reaches(second, "answered", 30)
        assert "#1" not in one.model.prompts[-1]
        await retry_until(lambda: one.seat.room.activities[-1].composer == "empty", describe=one.seat.describe)


@ALL
async def test_a_stop_refuses_what_is_asked_for_who_may(name: str, tmp_path: Path) -> None:
    async with scene(name, tmp_path, freely=False) as one:
        one.model.script(Reply("Let me see.", tool=one.cli.tool))
        first = one.seat.room.say("Make it.")
        await retry_until(lambda: [1 for a in one.seat.room.asked if isinstance(a, OpenAsk)], 60)
        await one.seat.is_("asking", 30)
        one.seat.room.order(ControlAction.KEYS, text="stop")
        await retry_until(lambda: one.seat.room.sent, describe=one.seat.describe)
        assert "you may not answer dialogs" in one.seat.room.sent[0].content
        one.seat.room.order(ControlAction.KEYS, text="stop", may_approve=True)
        await one.seat.reaches(first, "failed", 30)
        assert one.end(first) == ("failed", BY_ALICE)
        closed = await retry_until(lambda: [a for a in one.seat.room.asked if isinstance(a, CloseAsk)])
        assert closed[-1].reason == "refused by alice, who ended its turn"
        assert not (tmp_path / "work" / "made").exists()
