"""Many waiting messages are typed as one catch-up, and each goes through all delivery states: demo agent, real PTY."""

from __future__ import annotations

from pathlib import Path

import msgspec

from gateway.protocol.events import ControlAction
from sidecar.messages.envelope import numbers_in
from tests.fakes.retry import retry_until
from tests.sidecar.sidecar_terminal import SidecarTerminal, sidecar_in_terminal

LADDER = ["typed", "verified", "submitted", "accepted"]
LONG = "and so on, word after word, " * 20


async def all_answered(pane: SidecarTerminal, numbers: list[int]) -> None:
    await retry_until(lambda: all("answered" in pane.room.rungs(one) for one in numbers), 60, describe=pane.describe)
    for number in numbers:
        rungs = pane.room.rungs(number)
        assert [one for one in rungs if one in LADDER] == LADDER, number


async def test_what_came_while_it_was_busy_is_one_prompt_with_every_number(tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path) as pane:
        await pane.is_("idle")
        first = pane.room.say("slow 5", direct=False)
        await pane.is_("busy")
        numbers = [pane.room.say(f"{number} {LONG}", direct=False) for number in range(40)]
        await all_answered(pane, [first, *numbers])
        told, catch_up = pane.room.sent
        assert told.reply_to == first
        assert (catch_up.reply_to, catch_up.context) == (numbers[-1], {"answers": numbers})
        assert "Catch-up: 40 messages have waited for you." in catch_up.content, "the demo agent says what it got"


async def test_after_a_night_it_gets_the_past_in_short_and_the_newest_whole(tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path) as pane:
        await pane.is_("idle")
        pane.room.order(ControlAction.PAUSE)
        numbers = [old(pane, hour, f"{hour} {LONG * 4}") for hour in range(5)]
        numbers.append(old(pane, 9, f"at last: {LONG}"))
        pane.room.order(ControlAction.RESUME)
        await all_answered(pane, numbers)
        (prompt,) = prompts(tmp_path)
        assert numbers_in(prompt) == tuple(numbers)
        assert prompt.startswith("Catch-up: 6 messages have waited for you.")
        assert prompt.endswith(f"] at last: {LONG}".rstrip())
        assert "[+" in prompt


def old(pane: SidecarTerminal, hour: int, text: str) -> int:
    return pane.room.say(text, direct=False, at=f"2026-11-21T{hour:02}:00:00.000Z")


def prompts(folder: Path) -> list[str]:
    """The prompts in the agent's own transcript."""
    lines = [line for path in folder.rglob("demo-*.jsonl") for line in path.read_text().splitlines()]
    entries = [msgspec.json.decode(line) for line in lines]
    return [one["text"] for one in entries if one.get("type") == "user"]
