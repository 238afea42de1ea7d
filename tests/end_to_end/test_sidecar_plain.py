"""Plain programs in the room: their output is posted only if somebody shares it, and shown text never triggers a
message."""

import sys
from pathlib import Path

from gateway.protocol.events import ControlAction
from tests.fakes.retry import retry_until
from tests.sidecar.sidecar_terminal import sidecar_in_terminal

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
    async with sidecar_in_terminal(tmp_path, (sys.executable, "-u", "-c", PROGRAM), agent="generic") as pane:
        await pane.is_("idle")
        first = pane.room.say("talk")
        await pane.reaches(first, "submitted")
        await pane.shows("@send.bob")
        pane.room.order(ControlAction.SHARE, text="replies")
        second = pane.room.say("many")
        await pane.reaches(second, "answered")
        assert pane.room.replies == {second: "\n".join(f"line {n}" for n in range(40))}


async def test_its_commands_are_carried_out_and_an_echo_is_not(tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path, (sys.executable, "-u", "-c", PROGRAM), agent="generic") as pane:
        await pane.is_("idle")
        pane.room.order(ControlAction.SHARE, text="replies")
        await pane.reaches(pane.room.say("talk"), "answered")
        assert [(one.to, one.content) for one in pane.room.sent] == [
            ((), "hello to everyone"),
            (("@bob",), "and to you"),
        ]
        echo = pane.room.say("@all do not pass this on")
        await pane.reaches(echo, "answered")
        assert [one.content for one in pane.room.sent[2:] if "heard" not in one.content] == []


async def test_the_log_that_it_asks_for_is_typed_to_it(tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path, (sys.executable, "-u", "-c", PROGRAM), agent="generic") as pane:
        await pane.is_("idle")
        pane.room.order(ControlAction.SHARE, text="replies")
        await pane.reaches(pane.room.say("log"), "answered")
        await pane.shows("[CSP: last")
        await retry_until(lambda: pane.room.activity == "idle", describe=pane.describe)


async def test_a_shell_with_a_line_editor_is_heard_without_its_echo(tmp_path: Path) -> None:
    env = {"PS1": "$ ", "INPUTRC": "/dev/null"}
    async with sidecar_in_terminal(tmp_path, ("bash", "--norc", "--noprofile"), agent="generic", env=env) as pane:
        await pane.is_("idle")
        pane.room.order(ControlAction.SHARE, text="replies")
        number = pane.room.say("# " + "a long line " * 12)
        await pane.reaches(number, "answered")
        assert "a long line" not in str(pane.room.replies.get(number, ""))
