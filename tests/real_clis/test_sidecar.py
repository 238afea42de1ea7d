"""The whole sidecar around each real CLI; only the room is in memory and the model on loopback."""

from pathlib import Path

import pytest

from tests.fakes.models.script import Reply
from tests.real_clis.homes import CLIS, Cli
from tests.real_clis.running import in_a_sidecar

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("cli", CLIS.values(), ids=CLIS)
async def test_messages_climb_the_ladder_and_their_answers_come_back(cli: Cli, tmp_path: Path) -> None:
    async with in_a_sidecar(cli, tmp_path) as (seat, model):
        model.script(Reply("The first ANSWER-4711."), Reply("Here is ANSWER-4712, word by word.", seconds=1))
        for text, answer in (("hello", "4711"), ("and\nonce more", "4712")):
            number = seat.room.say(text)
            await seat.reaches(number, "answered", 60)
            assert f"ANSWER-{answer}" in seat.room.replies[number]
            assert {"verified", "submitted", "accepted", "answered"} <= set(seat.room.rungs(number))
    assert [prompt.count("hello") + prompt.count("once more") for prompt in model.prompts] == [1, 1]
    assert model.strangers == []
