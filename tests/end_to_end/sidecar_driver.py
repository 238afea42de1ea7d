"""A sidecar in the current terminal, with a room in memory that records its reports.

    python -P sidecar_driver.py FOLDER -- CMD...

FOLDER/say holds one message per line; FOLDER/paused pauses while it is there; FOLDER/steps.json shows what became
of them.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

import structlog

from gateway.protocol.events import ControlAction
from sidecar.agent_run import Runner, RunPlan
from sidecar.agents import agent_for
from sidecar.terminal.person_at_terminal import open_human_terminal
from tests.sidecar.memory_room import MemoryRoom


async def direct(folder: Path, room: MemoryRoom) -> None:
    said, paused = 0, False
    while True:
        if (folder / "paused").exists() is not paused:
            paused = not paused
            room.order(ControlAction.PAUSE if paused else ControlAction.RESUME)
        lines = (folder / "say").read_text().splitlines() if (folder / "say").exists() else []
        for line in lines[said:]:
            room.say(line)
        said = len(lines)
        told = {number: room.rungs(number) for number in room.messages}
        (folder / "steps.new").write_text(json.dumps({"activity": room.activity, "steps": told}))
        (folder / "steps.new").replace(folder / "steps.json")
        await asyncio.sleep(0.02)


async def main() -> int:
    folder, command = Path(sys.argv[1]), tuple(sys.argv[3:])
    room = MemoryRoom("demo")
    plan = RunPlan("demo", agent_for(command), command, folder, folder, dict(os.environ))
    with open_human_terminal(0, 1) as human:
        directing = asyncio.get_running_loop().create_task(direct(folder, room), name="direct")
        try:
            return await Runner(plan, room, human).run()
        finally:
            directing.cancel()


if __name__ == "__main__":
    with Path(sys.argv[1], "log").open("a") as log:
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(log))
        status = asyncio.run(main())
    raise SystemExit(status)
