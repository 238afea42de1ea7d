"""Plain programs in the room: silent unless somebody wants to hear them, and never made to speak by what they show."""

import sys
from pathlib import Path

from gateway.protocol.events import ControlAction
from tests.fakes.retry import retry_until
from tests.sidecar.seat import seated

PROGRAM = """
import sys
while True:
    line = input("> ")
    if "talk" in line:
        print("@all hello to everyone")
        print("@send.bob and to you")
    elif "log" in line:
        print("@query.log 3")
    elif "many" in line:
        print("\\n".join(f"line {n}" for n in range(40)))
    else:
        print("heard:", line)
        print("@all " + line.partition("@all ")[2])
"""


async def test_a_plain_program_shares_nothing_until_it_is_told_to(tmp_path: Path) -> None:
    async with seated(tmp_path, (sys.executable, "-u", "-c", PROGRAM), agent="generic") as seat:
        await seat.is_("idle")
        first = seat.room.say("talk")
        await seat.reaches(first, "submitted")
        await seat.shows("@send.bob")
        seat.room.order(ControlAction.SHARE, text="replies")
        second = seat.room.say("many")
        await seat.reaches(second, "answered")
        assert seat.room.replies == {second: "\n".join(f"line {n}" for n in range(40))}


async def test_its_commands_are_carried_out_and_an_echo_is_not(tmp_path: Path) -> None:
    async with seated(tmp_path, (sys.executable, "-u", "-c", PROGRAM), agent="generic") as seat:
        await seat.is_("idle")
        seat.room.order(ControlAction.SHARE, text="replies")
        await seat.reaches(seat.room.say("talk"), "answered")
        assert [(one.to, one.content) for one in seat.room.sent] == [
            ((), "hello to everyone"),
            (("@bob",), "and to you"),
        ]
        echo = seat.room.say("@all do not pass this on")
        await seat.reaches(echo, "answered")
        assert [one.content for one in seat.room.sent[2:] if "heard" not in one.content] == []


async def test_the_log_that_it_asks_for_is_typed_to_it(tmp_path: Path) -> None:
    async with seated(tmp_path, (sys.executable, "-u", "-c", PROGRAM), agent="generic") as seat:
        await seat.is_("idle")
        seat.room.order(ControlAction.SHARE, text="replies")
        await seat.reaches(seat.room.say("log"), "answered")
        await seat.shows("[CSP: last")
        await retry_until(lambda: seat.room.activity == "idle", describe=seat.describe)


async def test_a_shell_with_a_line_editor_is_heard_without_its_echo(tmp_path: Path) -> None:
    env = {"PS1": "$ ", "INPUTRC": "/dev/null"}
    async with seated(tmp_path, ("bash", "--norc", "--noprofile"), agent="generic", env=env) as seat:
        await seat.is_("idle")
        seat.room.order(ControlAction.SHARE, text="replies")
        number = seat.room.say("# " + "a long line " * 12)
        await seat.reaches(number, "answered")
        assert "a long line" not in str(seat.room.replies.get(number, ""))
