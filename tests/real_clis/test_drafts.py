"""A person's half-typed draft survives a message, in each real CLI: put away, and back again, exactly."""

from pathlib import Path

import pytest

from gateway.protocol.types import Composer
from tests.fakes.models.script import Reply
from tests.fakes.retry import retry_until
from tests.real_clis.homes import CLIS, Cli
from tests.real_clis.running import in_a_sidecar
from tests.sidecar.seat import Seat

pytestmark = pytest.mark.slow
ALL = pytest.mark.parametrize("cli", CLIS.values(), ids=CLIS)


async def draft(seat: Seat, text: str) -> None:
    for one in text:
        seat.type(one)
    await seat.shows(text)
    await retry_until(lambda: seat.room.activities[-1].composer is Composer.DRAFT, describe=seat.describe)


@ALL
async def test_a_draft_is_back_after_each_message(cli: Cli, tmp_path: Path) -> None:
    async with in_a_sidecar(cli, tmp_path) as (seat, model):
        await draft(seat, "half a thought, unfinished")
        for text in ("hello", "and\nonce more"):
            model.script(Reply(f"Yes, {text[:3]}."))
            number = seat.room.say(text)
            await seat.reaches(number, "answered", 60)
            await seat.shows("half a thought, unfinished")
            assert "half" not in model.prompts[-1]
        assert len(model.prompts) == 2
        await retry_until(lambda: seat.room.activities[-1].composer is Composer.DRAFT, describe=seat.describe)
        seat.type("\t" if cli.name == "codex" else "\r")
        await retry_until(lambda: len(model.prompts) == 3, 30, describe=seat.describe)
        assert model.prompts[-1] == "half a thought, unfinished"
