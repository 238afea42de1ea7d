"""Every command with a gateway that accepts the connection and does not answer, or answers only hello: it ends in time,
and names what it waited for and a remedy. The commands are read from the program itself.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.protocol.errors import GroupChatError
from sidecar.errors import SidecarError
from tests.hostile.test_command_line import EVERY, patience
from tests.support import silent_gateway
from tests.support.command_tree import APPS
from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess

pytestmark = [
    pytest.mark.usefixtures("commands_let_go"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"),
]

LIMIT_S = "0.15"

# They need no gateway: they write or read files, list processes of this machine, or start something.
NEVER_ASK = frozenset(
    {
        ("controller", "init"),
        ("controller", "logs"),
        ("controller", "teams"),
        ("gateway", "serve"),
        ("gateway", "import"),
        *(("controller", "key", verb) for verb in ("new", "list", "rotate", "export", "import", "trust", "revoke")),
        ("controller", "verify"),
        ("gateway", "restore"),
        *(("gateway", "snapshot", verb) for verb in ("now", "list", "verify")),
        ("gateway", "deploy"),
        *(("gateway", "service", verb) for verb in ("install", "uninstall", "status", "show")),
        ("sidecar", "record"),
        ("sidecar", "replay"),
        ("sidecar", "rules", "check"),
        ("sidecar", "skill"),
        ("sidecar", "explain"),
        ("sidecar", "foresee"),
    }
)
# They ask a Skynet server, or read a file: see `tests/gateway/dialect_commands`.
OF_OTHER_SYSTEMS = frozenset(path for path in EVERY if path[1] in ("skynet", "agentchat"))
# They look for a team that `up` has started, and here there is none; see `test_desk.py` for those.
OF_A_TEAM = frozenset(("controller", one) for one in ("up", "down", "attach", "restart", "add", "rm"))
# With a gateway that has answered hello they keep running, as intended.
STAY = frozenset({("controller", "chat"), ("controller", "listen")})
# It needs a terminal: its own tests are in `tests/sidecar` and `tests/end_to_end`.
OF_A_TERMINAL = frozenset({("sidecar", "join"), ("sidecar", "connect")})

ASKING = {
    path: one for path, one in EVERY.items() if path not in NEVER_ASK | OF_OTHER_SYSTEMS | OF_A_TEAM | OF_A_TERMINAL
}

FILE = "document.json"
WORDS = {
    ("controller", "chat"): ["--plain"],  # without a terminal the other form asks no gateway
    ("controller", "call"): ["calc", "add", "{}"],
    ("controller", "propose"): ["Which?", "-o", "a", "-o", "b"],
    ("controller", "mode", "set"): ["debate", "tabs"],
    ("controller", "context", "push"): ["plan", FILE],
    ("controller", "context", "merge"): ["plan", FILE],
    ("controller", "context", "diff"): ["plan", FILE],
    ("controller", "role"): ["claude", "coder"],
    ("controller", "recall"): ["--wait"],
    ("controller", "rooms", "set"): ["lab", "--keep", "90d"],
    ("controller", "keys"): ["claude", "^C"],
    ("controller", "send"): ["hello", "--wait-reply"],
    ("controller", "web"): ["--pair"],  # without a desktop the other form asks no gateway
    ("gateway", "mcp"): ["--as", "tool"],
}


CASES = [
    pytest.param(make, path, id=f"{make.__name__}-{' '.join(path)}")
    for make in (silent_gateway.taking_connections, silent_gateway.answering_hello_alone)
    for path in ASKING
    if path not in STAY or make is silent_gateway.taking_connections
]


def test_what_is_left_out_is_there() -> None:
    assert set(EVERY) >= NEVER_ASK | OF_A_TEAM | OF_A_TERMINAL | STAY | set(WORDS)


def _invoked(path: tuple[str, ...], state: Path, home: Path) -> Result:
    arguments = [one for one in EVERY[path].params if one.param_type_name == "argument"]
    words = WORDS.get(path, ["1"] * len(arguments))
    env = {"GROUPCHAT_STATE": str(state), "GROUPCHAT_TIMEOUT": LIMIT_S, "HOME": str(home)}
    with patience():
        return CliRunner().invoke(APPS[path[0]], [*path[1:], *words], env=env, input="")


@pytest.mark.parametrize(("make", "path"), CASES)
def test_a_command_ends_and_says_for_whom_it_waited(
    make: Callable[[Path], AbstractContextManager[None]],
    path: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(FILE).write_text("{}")
    for name in ("CSP_AUTH_TOKEN", "CSP_GATEWAY_URL"):
        monkeypatch.delenv(name, raising=False)
    with make(tmp_path / "state"):
        done = _invoked(path, tmp_path / "state", tmp_path)
    shown = (path, done.output, done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit | SidecarError | GroupChatError), shown
    told = " ".join([done.output, str(done.exception)])
    assert done.exit_code == 1, shown
    assert f"The gateway at {silent_gateway.URL} did not answer" in told, shown
    assert "start it anew with `groupchat serve" in told, shown


def test_a_frozen_gateway_is_told_of_and_left(tmp_path: Path) -> None:
    """The whole program and a real gateway: its end does not wait either."""
    with GatewayProcess(tmp_path / "state").running() as process:
        command = Groupchat(process.state, quick=True)
        assert command("agents").code == 0
        with process.frozen():
            done = command.with_env(GROUPCHAT_TIMEOUT="0.5")("agents", "--json")
        assert done.code == 1
        assert done.error["code"] == "timed_out"
        assert f"{process.url} did not answer a connection within 0.5 s" in done.error["message"]
        assert f"end it (process {process.pid})" in done.error["message"]
        assert command("agents").code == 0


def test_a_limit_that_is_no_number_is_refused(tmp_path: Path) -> None:
    done = Groupchat(tmp_path / "state", quick=True).with_env(GROUPCHAT_TIMEOUT="soon")("agents", "--json")
    assert done.code == 1 and "GROUPCHAT_TIMEOUT" in done.error["message"]
