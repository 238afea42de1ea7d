"""A catch-up of many messages in each real CLI: pasted, seen in its composer, submitted, proven, and answered once."""

from pathlib import Path

import pytest

from gateway.protocol.events import ControlAction
from sidecar.messages.envelope import numbers_in
from tests.fakes.models.script import Reply
from tests.fakes.retry import retry_until
from tests.real_clis.homes import NEWEST, Cli
from tests.real_clis.running import in_a_sidecar

pytestmark = pytest.mark.slow

LONG = "and so on, word after word, " * 12
COSTS = {"claude": 142, "codex": 120, "gemini": 110}  # what a model on loopback says of each call


@pytest.mark.parametrize("cli", NEWEST.values(), ids=NEWEST)
async def test_a_catch_up_is_typed_once_and_every_number_in_it_is_answered(cli: Cli, tmp_path: Path) -> None:
    async with in_a_sidecar(cli, tmp_path) as one:
        seat, model = one.seat, one.model
        model.script(Reply("All of it is read: ANSWER-4713."))
        seat.room.order(ControlAction.PAUSE)
        numbers = [seat.room.say(f"{number}: {LONG}", direct=False) for number in range(30)]
        await retry_until(lambda: "paused" in seat.room.reasons(numbers[-1]), 20, describe=seat.describe)
        seat.room.order(ControlAction.RESUME)
        await retry_until(
            lambda: all("answered" in seat.room.rungs(number) for number in numbers), 60, describe=seat.describe
        )
        for number in numbers:
            assert {"verified", "submitted", "accepted"} <= set(seat.room.rungs(number))
        reply = seat.room.sent[0]
        assert (reply.reply_to, (reply.context or {})["answers"]) == (numbers[-1], numbers)
        assert "ANSWER-4713" in reply.content
        await seat.reaches(seat.room.say("and now?"), "answered", 60)
        costs = [sent.context.get("tokens", 0) for sent in seat.room.sent if sent.context]
        assert sum(costs) in (COSTS[cli.name], 2 * COSTS[cli.name]), "the last call may come with the next answer"
    (prompt,) = [text for text in model.prompts if "Catch-up: 30 messages" in text]
    assert numbers_in(prompt) == tuple(numbers)
    assert f"29: {LONG}".strip() in prompt
    assert model.strangers == []
