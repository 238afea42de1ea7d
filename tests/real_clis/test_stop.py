"""An order to stop ends the turn and the tool of each real CLI, and the next turn's answer is one reply."""

import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.protocol.events import ControlAction
from tests.fakes.models.model import Model, Seen
from tests.fakes.models.script import Reply
from tests.fakes.retry import retry_until
from tests.real_clis.homes import CLIS, Cli, among
from tests.real_clis.kept import Kept, kept
from tests.real_clis.long_tools import FREELY, long_tool, running
from tests.real_clis.running import CliInSidecar, in_a_sidecar
from tests.sidecar.sidecar_terminal import SidecarTerminal

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]
ALL = pytest.mark.parametrize("of_module", among(*FREELY), indirect=True)
ALL_AND_AIDER = pytest.mark.parametrize("of_module", among(*FREELY, "aider"), indirect=True)
BY_ITSELF_S = 30.0  # it would last three times as long
BY_ALICE = "interrupted by alice"


@dataclass(frozen=True)
class Scene:
    started: CliInSidecar
    mark: str

    @property
    def pane(self) -> SidecarTerminal:
        return self.started.pane

    @property
    def model(self) -> Model:
        return self.started.model

    @property
    def cli(self) -> Cli:
        return self.started.cli

    async def works(self) -> int:
        """A message whose turn runs a tool for long."""
        self.model.script(Reply("I wait.", tool=long_tool(self.cli.name, self.mark)))
        number = self.pane.room.say("Run it.")
        await retry_until(lambda: running(self.mark), 60, describe=self.pane.describe)
        await self.pane.reaches(number, "seen", 60)
        return number

    async def stopped(self) -> float:
        """How long the tool has lived on."""
        began = time.monotonic()
        self.pane.room.order(ControlAction.KEYS, text="stop", may_approve=True)
        await retry_until(lambda: not running(self.mark), 60, describe=self.pane.describe)
        return time.monotonic() - began

    def answers(self, by_text: Mapping[str, str]) -> None:
        """Copilot also tells its model that a command has ended, in a turn of its own or together with a message that
        waits: so its model answers by what it is asked, each text once."""
        if self.cli.name != "copilot":
            self.model.script(*map(Reply, by_text.values()))
            return
        left = dict(by_text)

        def choose(seen: Seen) -> Reply:
            text = next((one for one in left if any(one in said for said in seen.asked.spoken)), "")
            return Reply(left.pop(text, "ACK"))

        self.model.choose = choose

    def end(self, number: int) -> tuple[str, str]:
        last = self.pane.room.steps[number][-1]
        return str(last.rung), last.reason


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def of_module(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Kept[CliInSidecar]]:
    name: str = request.param

    def freely(folder: Path) -> AbstractAsyncContextManager[CliInSidecar]:
        return in_a_sidecar(CLIS[name], folder, *FREELY.get(name, ()))

    async with kept(freely, CliInSidecar.begin, lambda: tmp_path_factory.mktemp(name)) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def one(of_module: Kept[CliInSidecar]) -> AsyncIterator[Scene]:
    async with of_module.lent() as found:
        yield Scene(found, uuid.uuid4().hex)


@ALL
async def test_a_stop_ends_turn_and_tool_and_what_was_queued_is_answered_once(one: Scene) -> None:
    first = await one.works()
    one.answers({"Urgent words.": "Second answer."})
    queued = one.pane.room.say("Urgent words.", urgent=True)
    await one.pane.reaches(queued, "submitted", 60)
    assert "queued, it is at work" in one.pane.room.reasons(queued)
    await one.started.has_taken()
    assert await one.stopped() < BY_ITSELF_S
    await one.pane.reaches(first, "failed", 60)
    await one.pane.reaches(queued, "answered", 60)
    assert one.end(first) == ("failed", BY_ALICE)
    assert one.pane.room.replies == {queued: "Second answer."}


@ALL
async def test_a_message_that_interrupts_comes_after_the_tool_and_before_the_rest(one: Scene) -> None:
    first = await one.works()
    one.answers({"The other file!": "The other file.", "Later.": "Later answer."})
    later = one.pane.room.say("Later.")
    await one.pane.reaches(later, "held")
    urgent = one.pane.room.say("The other file!", urgent=True, interrupt=True)
    await one.pane.reaches(urgent, "answered", 60)
    await one.pane.reaches(later, "answered", 60)
    assert not running(one.mark)
    assert one.end(first) == ("failed", BY_ALICE)
    assert one.pane.room.replies == {urgent: "The other file.", later: "Later answer."}


@ALL_AND_AIDER
async def test_a_stop_before_the_first_word_leaves_nothing_in_the_composer(one: Scene) -> None:
    one.model.script(Reply("late", silence=30))
    first = one.pane.room.say("Talk.")
    told = "submitted" if one.cli.name == "cline" else "accepted"  # whose session has the prompt with the first word
    await one.pane.reaches(first, told, 60)
    await retry_until(lambda: one.model.turns, 60)
    one.pane.room.order(ControlAction.KEYS, text="stop")
    await one.pane.reaches(first, "failed", 60)
    assert one.end(first) == ("failed", BY_ALICE)
    one.model.script(Reply("Next."))
    second = one.pane.room.say("Go on.")
    await one.pane.reaches(second, "answered", 60)
    assert f"#{first}" not in one.model.prompts[-1]
    await retry_until(lambda: one.pane.room.activities[-1].composer == "empty", describe=one.pane.describe)


@pytest.mark.parametrize("of_module", among("aider"), indirect=True)
async def test_two_stops_in_a_row_do_not_end_aider(one: Scene) -> None:
    """Two of its keys within two seconds would: the second one waits, and stops the second turn."""
    for text in ("Talk.", "Talk again."):
        one.model.script(Reply("word " * 60, seconds=60))
        number = one.pane.room.say(text)
        await one.pane.reaches(number, "seen", 60)
        one.pane.room.order(ControlAction.KEYS, text="stop")
        await one.pane.reaches(number, "failed", 60)
        assert one.end(number) == ("failed", BY_ALICE)
    one.model.script(Reply("Next."))
    await one.pane.reaches(one.pane.room.say("Go on."), "answered", 60)


@pytest.mark.parametrize("of_module", among("aider"), indirect=True)
async def test_a_stop_ends_the_command_of_aider_whose_answer_is_already_given(one: Scene) -> None:
    """It runs a command after its model's last word, and only if its person says so."""
    one.model.script(Reply("I wait.", tool=long_tool(one.cli.name, one.mark)))
    number = one.pane.room.say("Run it.")
    await one.pane.is_("asking", 60)
    one.pane.type("y\r")
    await retry_until(lambda: running(one.mark), 60, describe=one.pane.describe)
    assert await one.stopped() < BY_ITSELF_S
    await retry_until(lambda: one.pane.room.activity in ("idle", "asking"), 60, describe=one.pane.describe)
    if one.pane.room.activity == "asking":  # what the interrupted command has printed
        one.pane.type("n\r")
    await one.pane.reaches(number, "answered", 60)
