"""The demo agent with each awkward behaviour of the real ones, and with all of them: a message is typed once, and we
answer no dialog."""

import json
from pathlib import Path

import pytest

from sidecar.demo_agent.agent import Quirk
from tests.fakes.retry import retry_until
from tests.sidecar.sidecar_terminal import SidecarTerminal, sidecar_in_terminal

ALL = ",".join(trap.value for trap in Quirk)
RACES = ("dialog-race", ALL)


def told(folder: Path) -> list[dict[str, object]]:
    """The agent's own transcript."""
    files = sorted((folder / "private").glob("demo-*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


async def refuse_what_it_asks(pane: SidecarTerminal) -> None:
    """Acts like the person at the terminal."""
    await pane.shows("Esc to cancel")
    assert "typed" in pane.room.rungs(1)
    pane.type("2")


@pytest.mark.parametrize("traps", [*(trap.value for trap in Quirk), ALL])
async def test_a_message_goes_in_once_whatever_the_manners(traps: str, tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path, env={"DEMO_AGENT_TRAPS": traps}) as pane:
        await pane.is_("idle")
        number = pane.room.say("hello there")
        if traps in RACES:
            await refuse_what_it_asks(pane)
        await pane.reaches(number, "answered")
        wrote = told(tmp_path)
    prompts = [one["text"] for one in wrote if one["type"] == "user"]
    assert prompts == [f"[alice -> claude #{number}] hello there"]
    assert [one["answer"] for one in wrote if one["type"] == "dialog"] == (["No"] if traps in RACES else [])
    assert not [one for one in wrote if one["type"] == "command"]


@pytest.mark.parametrize("traps", ["queue", "steer"])
async def test_an_urgent_message_goes_in_while_it_works(traps: str, tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path, env={"DEMO_AGENT_TRAPS": traps}) as pane:
        await pane.is_("idle")
        first = pane.room.say("slow 6")
        await pane.is_("busy")
        number = pane.room.say("now", urgent=True)
        await pane.reaches(number, "submitted")
        assert "answered" not in pane.room.rungs(first)
        await pane.reaches(number, "answered")
        await retry_until(lambda: [one["text"] for one in told(tmp_path) if one["type"] == "user"][1:])
    assert [str(one["text"])[-3:] for one in told(tmp_path) if one["type"] == "user"] == ["w 6", "now"]
