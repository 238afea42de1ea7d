"""Many messages that have waited go in as one catch-up, and each of them climbs its ladder: demo agent, real PTY."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gateway.protocol.events import ControlAction
from sidecar.messages.envelope import numbers_in
from tests.fakes.retry import retry_until
from tests.sidecar.seat import Seat, seated

LADDER = ["typed", "verified", "submitted", "accepted"]
LONG = "and so on, word after word, " * 20


async def all_answered(seat: Seat, numbers: list[int]) -> None:
    await retry_until(lambda: all("answered" in seat.room.rungs(one) for one in numbers), 30, describe=seat.describe)
    for number in numbers:
        rungs = seat.room.rungs(number)
        assert [one for one in rungs if one in LADDER] == LADDER, number


async def test_what_came_while_it_was_busy_is_one_prompt_with_every_number(tmp_path: Path) -> None:
    async with seated(tmp_path) as seat:
        await seat.is_("idle")
        first = seat.room.say("slow 2", direct=False)
        await seat.is_("busy")
        numbers = [seat.room.say(f"{number} {LONG}", direct=False) for number in range(40)]
        await all_answered(seat, [first, *numbers])
        told, catch_up = seat.room.sent
        assert told.reply_to == first
        assert (catch_up.reply_to, catch_up.context) == (numbers[-1], {"answers": numbers})
        assert "Catch-up: 40 messages have waited for you." in catch_up.content, "the demo agent says what it got"


async def test_after_a_night_it_gets_the_past_in_short_and_the_newest_whole(tmp_path: Path) -> None:
    async with seated(tmp_path) as seat:
        await seat.is_("idle")
        seat.room.order(ControlAction.PAUSE)
        numbers = [old(seat, hour, f"{hour} {LONG * 4}") for hour in range(5)]
        numbers.append(old(seat, 9, f"at last: {LONG}"))
        seat.room.order(ControlAction.RESUME)
        await all_answered(seat, numbers)
        (prompt,) = prompts(tmp_path)
        assert numbers_in(prompt) == tuple(numbers)
        assert prompt.startswith("Catch-up: 6 messages have waited for you.")
        assert prompt.endswith(f"] at last: {LONG}".rstrip())
        assert "[+" in prompt


def old(seat: Seat, hour: int, text: str) -> int:
    return seat.room.say(text, direct=False, at=f"2026-11-21T{hour:02}:00:00.000Z")


def prompts(folder: Path) -> list[str]:
    """What the agent's own record says that it was asked."""
    lines = [line for path in folder.rglob("demo-*.jsonl") for line in path.read_text().splitlines()]
    entries = [msgspec.json.decode(line) for line in lines]
    return [one["text"] for one in entries if one.get("type") == "user"]
