"""The demo agent with each bad manner of the real ones, and with all of them: a message goes in once, and no dialog is
answered by us."""

import json
from pathlib import Path

import pytest

from sidecar.demo_agent.agent import Quirk
from tests.fakes.retry import retry_until
from tests.sidecar.seat import Seat, seated

ALL = ",".join(trap.value for trap in Quirk)
RACES = ("dialog-race", ALL)


def told(folder: Path) -> list[dict[str, object]]:
    """What the agent itself wrote down."""
    files = sorted((folder / "private").glob("demo-*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


async def refuse_what_it_asks(seat: Seat) -> None:
    """As the person at the terminal does."""
    await seat.shows("Esc to cancel")
    assert "typed" in seat.room.rungs(1)
    seat.type("2")


@pytest.mark.parametrize("traps", [*(trap.value for trap in Quirk), ALL])
async def test_a_message_goes_in_once_whatever_the_manners(traps: str, tmp_path: Path) -> None:
    async with seated(tmp_path, env={"DEMO_AGENT_TRAPS": traps}) as seat:
        await seat.is_("idle")
        number = seat.room.say("hello there")
        if traps in RACES:
            await refuse_what_it_asks(seat)
        await seat.reaches(number, "answered", 30)
        wrote = told(tmp_path)
    prompts = [one["text"] for one in wrote if one["type"] == "user"]
    assert prompts == [f"[alice -> claude #{number}] hello there"]
    assert [one["answer"] for one in wrote if one["type"] == "dialog"] == (["No"] if traps in RACES else [])
    assert not [one for one in wrote if one["type"] == "command"]


@pytest.mark.parametrize("traps", ["queue", "steer"])
async def test_an_urgent_message_goes_in_while_it_works(traps: str, tmp_path: Path) -> None:
    async with seated(tmp_path, env={"DEMO_AGENT_TRAPS": traps}) as seat:
        await seat.is_("idle")
        seat.room.say("slow 3")
        await seat.is_("busy")
        number = seat.room.say("now", urgent=True)
        await seat.reaches(number, "submitted", 5)
        await seat.reaches(number, "answered", 30)
        await retry_until(lambda: [one["text"] for one in told(tmp_path) if one["type"] == "user"][1:])
    assert [str(one["text"])[-3:] for one in told(tmp_path) if one["type"] == "user"] == ["w 3", "now"]
