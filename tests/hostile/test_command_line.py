"""Hostile arguments for every command: each ends with an error and the code 1 or 2, or succeeds, and never with a
traceback. The commands and their options are read from the program itself.
"""

from __future__ import annotations

import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.protocol.errors import GroupChatError
from sidecar.errors import SidecarError
from tests.support.command_tree import APPS, leaves
from tests.support.gateways import GatewayProcess

# Many commands run in one process here, so an unclosed socket of one may be reported in another; a real command has its
# own process.
pytestmark = [
    pytest.mark.usefixtures("commands_let_go"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"),
]

PATIENCE_S = 60

# They start processes, take over the terminal, or run until somebody ends them.
STAY = frozenset(
    [
        "serve",
        "up",
        "down",
        "attach",
        "restart",
        "add",
        "rm",
        "chat",
        "join",
        "connect",
        "mcp",
        "listen",
        "logs",
        "record",
        "replay",
    ]
)

TEXTS = (
    *(
        "",
        " ",
        "\x1b]0;x\x07\x9b31m\u202e",
        "-x",
        "--",
        "../..",
        "9" * 400,
        "x" * 5000,
        "\n",
        "%s{0}[/]",
        "@",
        "x\udcffy",
    ),
    *("-1", "1.5", "1e309", "nan", "null", "{}", "[", "#1", "system", "*", "🧵"),
)


EVERY = {(package, *path): one for package, app in APPS.items() for path, one in leaves(app)}
# Connected to a server, they keep running, as intended: see `tests/gateway/dialect_commands`.
STAY_CONNECTED = frozenset({("gateway", "skynet", "connect"), ("gateway", "skynet", "monitor")})
COMMANDS = {path: one for path, one in EVERY.items() if path[1] not in STAY and path not in STAY_CONNECTED}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    state = tmp_path_factory.mktemp("commands") / "state"
    with GatewayProcess(state, "--listen", "skynet=127.0.0.1:0").running() as running:
        yield running


def test_what_is_left_out_is_there() -> None:
    assert {path[1] for path in EVERY} >= STAY
    assert set(EVERY) >= STAY_CONNECTED


@contextmanager
def patience() -> Iterator[None]:
    def over(number: int, frame: FrameType | None) -> None:
        place = "".join(traceback.format_stack(frame))
        raise AssertionError(f"the command did not end; it was at\n{place}")

    kept = signal.signal(signal.SIGALRM, over)
    signal.alarm(PATIENCE_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, kept)


def _attempts(command: Any, texts: Iterator[str]) -> Iterator[list[str]]:
    """Each text for all arguments; and each option once, with the next text."""
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not getattr(one, "is_flag", False)]
    for _ in range(2 if arguments else 0):
        yield [next(texts)] * len(arguments)
    for option in options:
        if option.opts[0] != "--help":
            yield [option.opts[0], next(texts), *(["1"] * len(arguments))]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_hostile_arguments(
    process: GatewayProcess, path: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CSP_AUTH_TOKEN", "CSP_GATEWAY_URL"):
        monkeypatch.delenv(name, raising=False)
    env = {"GROUPCHAT_STATE": str(process.state), "GROUPCHAT_OPERATOR": "alice", "HOME": str(tmp_path)}
    texts = cycle(TEXTS[sum(map(ord, "".join(path))) % len(TEXTS) :] + TEXTS)
    for arguments in _attempts(COMMANDS[path], texts):
        with patience():
            done = CliRunner().invoke(APPS[path[0]], [*path[1:], *arguments], env=env, input="")
        shown = (path, [one[:40] for one in arguments], done.output[-600:], done.exception)
        assert done.exception is None or isinstance(done.exception, SystemExit | SidecarError | GroupChatError), shown
        assert done.exit_code in (0, 1, 2), shown
        assert "Traceback" not in done.output and "internal error" not in done.output, shown
        assert done.exit_code == 0 or done.output.strip() or done.stderr.strip() or str(done.exception), shown
    assert "Traceback" not in process.log
