"""Failures around an agent must not break the sidecar."""

import asyncio
import os
import signal
import sys
import termios
from pathlib import Path

from sidecar.explain_socket import ask_sidecar_for
from tests.fakes.retry import retry_until
from tests.sidecar.sidecar_terminal import DEMO, SidecarTerminal, sidecar_in_terminal

THEN_DEMO = f"\nimport os; os.execv({sys.executable!r}, {list(DEMO)!r})"


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


async def process(folder: Path) -> dict[str, object]:
    async for answer in ask_sidecar_for(folder / "private", "claude", "explain"):
        found: dict[str, object] = answer["process"]
        return found
    raise AssertionError("no answer")


async def is_served(pane: SidecarTerminal) -> None:
    await pane.is_("idle")
    await pane.reaches(pane.room.say("still there"), "answered")


async def test_garbage_and_half_sequences_are_passed_on_and_outlived(tmp_path: Path) -> None:
    code = (
        "import sys, random; random.seed(3); out = sys.stdout.buffer\n"
        "out.write(random.randbytes(200_000) + b'\\x1b]0;never ended' + b'\\x1b[' + b'\\x1bP' + b'\\xf0\\x9f')\n"
        "out.flush()"
    )
    async with sidecar_in_terminal(tmp_path, python(code + THEN_DEMO), agent="demo") as pane:
        await is_served(pane)


async def test_ten_megabytes_without_a_newline(tmp_path: Path) -> None:
    code = "import sys; sys.stdout.write('x' * 10_000_000); sys.stdout.flush()"
    async with sidecar_in_terminal(tmp_path, python(code + THEN_DEMO), agent="demo") as pane:
        await retry_until(lambda: len(pane.bytes) >= 10_000_000, describe=lambda: len(pane.bytes))
        assert pane.bytes.count(b"x") >= 10_000_000
        await is_served(pane)


async def test_a_flood_passes_and_what_waited_is_delivered_once_after_it(tmp_path: Path) -> None:
    """It prints as fast as its terminal takes it. `benchmarks/sidecar --only long-flood` does so with 100 MB."""
    code = (
        "import os, pathlib, time\n"
        "while not pathlib.Path('go').exists(): time.sleep(0.02)\n"
        "for _ in range(100): os.write(1, b'\\x1b[32m' + b'x' * 79 + b'\\r\\n' + b'y' * 99_000)\n"
    )
    async with sidecar_in_terminal(tmp_path, python(code + THEN_DEMO), agent="demo") as pane:
        number = pane.room.say("hello")
        await retry_until(lambda: pane.room.rungs(number) == ["held"], describe=pane.describe)
        (tmp_path / "go").touch()
        await pane.reaches(number, "answered")
        assert pane.bytes.count(b"y") >= 9_900_000
        assert pane.room.rungs(number).count("typed") == 1


async def test_nothing_is_typed_into_the_shell_that_a_dead_agent_left_behind(tmp_path: Path) -> None:
    command = ("sh", "-c", f"{' '.join(DEMO)}; PS1='left behind> ' exec sh -i")
    async with sidecar_in_terminal(tmp_path, command, agent="demo") as pane:
        await pane.is_("idle")
        pane.type("/exit\r")
        await pane.shows("left behind>")
        number = pane.room.say("rm -rf precious")
        await retry_until(lambda: pane.room.rungs(number), describe=pane.describe)
        await pane.is_("unknown")
        assert "typed" not in pane.room.rungs(number)
        assert b"precious" not in pane.bytes


async def test_a_stopped_agent_gives_the_terminal_to_the_shell_and_goes_on_with_it(tmp_path: Path) -> None:
    modes: list[bool] = []

    def stop(terminal: int) -> None:
        modes.append(bool(termios.tcgetattr(terminal)[3] & termios.ICANON))

    async with sidecar_in_terminal(tmp_path, on_stop=stop) as pane:
        await pane.is_("idle")
        os.kill(int(str((await process(tmp_path))["pid"])), signal.SIGSTOP)
        await retry_until(lambda: modes)
        assert modes == [True]
        await is_served(pane)


async def test_a_storm_of_resizes_ends_at_the_last_size(tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path) as pane:
        await pane.is_("idle")
        for number in range(200):
            pane.resize(60 + number % 40, 15 + number % 20)
            if number % 10 == 0:
                await asyncio.sleep(0)
        pane.resize(77, 21)

        def rules() -> list[str]:
            return [row for row in pane.screen.picture().rows if row.startswith("──")]

        await retry_until(lambda: rules() == ["─" * 77] * 2, describe=pane.describe)
        await is_served(pane)


async def test_a_late_answer_of_the_terminal_reaches_the_agent_and_is_no_key(tmp_path: Path) -> None:
    code = (
        "import os, tty; tty.setraw(0); os.write(1, b'\\x1b[c'); answer = os.read(0, 100)\n"
        "os.write(1, b'heard ' + answer.hex().encode() + b'\\r\\n> ')\nwhile os.read(0, 100): pass"
    )
    async with sidecar_in_terminal(tmp_path, python(code), agent="generic") as pane:
        await retry_until(lambda: b"\x1b[c" in pane.bytes)
        await pane.is_("busy")
        pane.type("\x1b[?64;1;2c")
        await pane.shows("heard " + b"\x1b[?64;1;2c".hex())
        number = pane.room.say("hello")
        await pane.reaches(number, "submitted")
        assert "draft" not in pane.room.reasons(number)


async def test_a_hook_that_hangs_holds_nothing_up(tmp_path: Path) -> None:
    script = tmp_path / "claude"
    script.write_text(
        f"#!{sys.executable}\n"
        "import json, socket, sys, urllib.parse\n"
        "settings = json.load(open(sys.argv[sys.argv.index('--settings') + 1]))\n"
        "url = urllib.parse.urlsplit(settings['hooks']['Stop'][-1]['hooks'][0]['url'])\n"
        "hung = socket.create_connection((url.hostname, url.port)); hung.send(b'POST ')\n"
        "print('hung', flush=True); input()\n"
    )
    script.chmod(0o755)
    async with sidecar_in_terminal(tmp_path, (str(script),)) as pane:
        await pane.shows("hung")
        assert (await process(tmp_path))["reads"] is True
        pane.type("\r")
        await pane.is_("gone")
    assert pane.status == 0


async def test_what_waits_is_told_in_the_title_only_between_two_sequences(tmp_path: Path) -> None:
    code = (
        "import os, tty; tty.setraw(0); os.write(1, b'on\\x1b]0;half a ti'); os.read(0, 1)\n"
        "os.write(1, b'tle\\x07done'); os.read(0, 1)"
    )
    async with sidecar_in_terminal(tmp_path, python(code), agent="demo") as pane:
        await pane.shows("on")
        number = pane.room.say("hello")
        await retry_until(lambda: pane.room.rungs(number) == ["held"], describe=pane.describe)
        assert b"CSP queued" not in pane.bytes
        pane.type("x")
        await retry_until(lambda: b"CSP queued 1 msg" in pane.bytes)
        assert b"\x1b]0;half a title\x07done" in pane.bytes
