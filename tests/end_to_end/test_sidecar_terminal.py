"""The sidecar does not change the native terminal: bytes, keys, size, signals, environment, exit status."""

import os
import signal
import sys
from hashlib import sha256
from pathlib import Path

from tests.fakes.retry import retry_until
from tests.sidecar.sidecar_terminal import sidecar_in_terminal

RAW = "import os, sys, tty; tty.setraw(0)\n"


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


async def test_what_the_agent_prints_arrives_byte_for_byte(tmp_path: Path) -> None:
    code = RAW + (
        "import random; random.seed(7); data = random.randbytes(3_000_000)\n"
        "sys.stdout.buffer.write(data); sys.stdout.flush(); os.read(0, 1)"
    )
    import random

    random.seed(7)
    data = random.randbytes(3_000_000)
    async with sidecar_in_terminal(tmp_path, python(code)) as pane:
        await retry_until(lambda: len(pane.bytes) >= len(data), describe=lambda: len(pane.bytes))
        assert sha256(pane.bytes).digest() == sha256(data).digest()


async def test_what_the_person_types_arrives_byte_for_byte(tmp_path: Path) -> None:
    code = RAW + (
        "print('ready', end='', flush=True); data = b''\n"
        "while len(data) < 100_000: data += os.read(0, 65536)\n"
        "import hashlib; print(hashlib.sha256(data).hexdigest(), flush=True); os.read(0, 1)"
    )
    keys = "".join(chr(n % 128) for n in range(100_000))
    async with sidecar_in_terminal(tmp_path, python(code)) as pane:
        await pane.shows("ready")
        pane.type(keys)
        await pane.shows(sha256(keys.encode()).hexdigest())


async def test_no_token_reaches_the_agent(tmp_path: Path) -> None:
    """Only the mark that identifies the run after a crash."""
    code = "import os; print([n for n in os.environ if 'TOKEN' in n or 'GROUPCHAT' in n], 'end', flush=True); input()"
    env = {"CSP_AUTH_TOKEN": "secret", "GROUPCHAT_STATE": "/nowhere", "GROUPCHAT_LEASH": "3:1"}
    async with sidecar_in_terminal(tmp_path, python(code), env=env) as pane:
        await pane.shows("['GROUPCHAT_RUN'] end")


async def test_the_exit_status_is_the_agents(tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path, python("import sys; input(); sys.exit(5)")) as pane:
        pane.type("\r")
        await pane.is_("gone")
    assert pane.status == 5
    assert any(type(one).__name__ == "Bye" for one in pane.room.asked)


async def test_a_hang_up_ends_the_agent(tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path, python("print('on', flush=True); input()")) as pane:
        await pane.shows("on")
        os.kill(os.getpid(), signal.SIGHUP)
        await pane.is_("gone")


async def test_a_killed_agent_leaves_no_mode_behind(tmp_path: Path) -> None:
    code = "import os, signal; print('\\x1b[?1049h\\x1b[?25lhere', flush=True); input(); os.kill(os.getpid(), 9)"
    async with sidecar_in_terminal(tmp_path, python(code)) as pane:
        await retry_until(lambda: pane.screen.picture().alternate)
        pane.type("\r")
        await pane.is_("gone")
        await retry_until(lambda: not pane.screen.picture().alternate)
        assert pane.screen.picture().cursor_visible
    assert pane.status == 128 + signal.SIGKILL


async def test_a_line_program_gets_its_line_and_enter(tmp_path: Path) -> None:
    code = "while True: print('got', repr(input('> ')), flush=True)"
    async with sidecar_in_terminal(tmp_path, python(code), agent="generic") as pane:
        number = pane.room.say("two\nlines")
        await pane.reaches(number, "submitted")
        await pane.shows("got '[alice -> claude #1] two lines'")
        assert pane.room.rungs(number)[-3:] == ["typed", "unverified", "submitted"]
