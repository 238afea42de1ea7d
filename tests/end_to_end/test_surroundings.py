"""Every command of the three programs in bad surroundings: no terminal, a pipe that nobody reads, a full disk, bytes
that are not text, a huge argument, a home that cannot be written, a locale without UTF-8. Each ends with a known exit
code and a sentence, and never with a traceback. The commands are read from the programs themselves.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import pytest

from tests.support import warm
from tests.support.command_tree import APPS, leaves
from tests.support.commands import Groupchat
from tests.support.gateways import GatewayProcess

pytestmark = pytest.mark.processes

MODULES = {"controller": warm.CONTROLLER, "gateway": warm.GATEWAY, "sidecar": warm.SIDECAR}
PATIENCE_S = 60.0
MAX_SHOWN_CHARS = 60_000
HUGE = "x" * 200_000
BAD_BYTES = b"caf\xe9"
# Without these words they would run until somebody ends them, or start or end something.
WORDS = {
    "listen": ["--since", "0", "--count", "1"],
    "up": ["--team", "no-such-file.toml"],
    "down": ["nobody"],
    "attach": ["nobody"],
    "teams": [],
    "join": ["a b", "--", "true"],
    "record": ["--", "true"],
    "replay": ["no-such-file"],
    "import": ["no-such-file"],
    "init": ["made/team.toml"],
    "send": ["hello"],
    "serve": ["--port", "0"],
    "monitor": ["--server", "no-address#"],
}
CASES = {(program, *path): one for program, app in APPS.items() for path, one in leaves(app, groups=True)}
C_LOCALE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


@dataclass(frozen=True)
class Case:
    """One command line with its surroundings."""

    module: str
    words: tuple[str, ...]
    env: dict[str, str]
    folder: Path
    given: bytes = b""
    output: str = os.devnull
    start: Mapping[str, str] = field(default_factory=dict)

    def run(self) -> tuple[int, str]:
        """The exit code, and everything that was written where it could be written."""
        with ExitStack() as stack:
            read, out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(3))
            read.write(self.given)
            read.seek(0)
            target = stack.enter_context(unread_pipe() if self.output == "pipe" else written(Path(self.output)))
            files = [read.fileno(), (target if self.output != os.devnull else out).fileno(), err.fileno()]
            code = warm.Fork(self.module, self.words, self.env, files, self.folder, start=self.start).wait(PATIENCE_S)
            return code, text_of(out) + text_of(err)


def written(path: Path) -> IO[bytes]:
    return path.open("wb")


def unread_pipe() -> IO[bytes]:
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "wb")


def text_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def plain_words(path: tuple[str, ...], text: str) -> list[str]:
    """The command with this text for each argument that it needs."""
    command: Any = CASES[path]
    needed = [one for one in command.params if one.param_type_name == "argument" and one.required]
    return [*path[1:], *WORDS.get(path[-1], [text] * len(needed))]


def with_text(path: tuple[str, ...], text: str) -> list[str]:
    command: Any = CASES[path]
    wanted = [one for one in command.params if one.param_type_name == "argument"]
    return [*path[1:], *([text] * max(1, len(wanted)))]


Surroundings = dict[str, Callable[[tuple[str, ...], Case], Case]]
SURROUNDINGS: Surroundings = {
    "no terminal": lambda path, case: case,
    "no terminal, JSON": lambda path, case: replace(case, words=(path[1], "--json", *case.words[1:])),
    "a pipe that nobody reads": lambda path, case: replace(case, output="pipe"),
    "a full disk": lambda path, case: replace(case, output="/dev/full"),
    "help in a pipe that nobody reads": lambda path, case: replace(case, words=(*path[1:], "--help"), output="pipe"),
    "bytes that are not text": lambda path, case: replace(
        case, words=tuple(with_text(path, "caf\udce9")), given=BAD_BYTES
    ),
    "input that is not text": lambda path, case: replace(case, words=tuple(plain_words(path, "-")), given=BAD_BYTES),
    "a huge argument": lambda path, case: replace(case, words=tuple(with_text(path, HUGE))),
    "a home that cannot be written": lambda path, case: replace(case, env=without_state(case.env)),
    "a locale without UTF-8": lambda path, case: replace(case, start=C_LOCALE),
}


def without_state(env: dict[str, str]) -> dict[str, str]:
    return {**{name: value for name, value in env.items() if name != "GROUPCHAT_STATE"}, "HOME": "/proc/nobody"}


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway with a message, which `listen` prints and then ends."""
    with GatewayProcess(tmp_path_factory.mktemp("surroundings") / "state").running() as running:
        assert Groupchat(running.state, quick=True)("send", "good morning").code == 0
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("path", CASES, ids=" ".join)
def test_no_command_ends_with_a_traceback(path: tuple[str, ...], process: GatewayProcess, tmp_path: Path) -> None:
    (tmp_path / "tmux").mkdir()
    env = {**Groupchat(process.state).environment, "HOME": str(tmp_path), "TMUX_TMPDIR": str(tmp_path / "tmux")}
    plain = Case(MODULES[path[0]], tuple(plain_words(path, "1")), env, tmp_path)
    bad = []
    for name, change in SURROUNDINGS.items():
        case = change(path, plain)
        code, shown = case.run()
        if problem := problem_of(code, shown):
            bad.append((name, problem, code, shown[-1500:]))
    assert bad == []
    assert "Traceback" not in process.log


@pytest.mark.parametrize("path", [("controller", "history"), ("gateway", "doctor"), ("sidecar", "skill")], ids=" ".join)
def test_each_program_begins_and_ends_in_a_locale_without_utf_8(
    path: tuple[str, ...], process: GatewayProcess, tmp_path: Path
) -> None:
    """The forks above begin with all that is imported, and do not end like an interpreter."""
    env = {**Groupchat(process.state).environment, "HOME": str(tmp_path)}
    code, shown = run_cold(Case(MODULES[path[0]], tuple(plain_words(path, "1")), env, tmp_path), C_LOCALE)
    assert problem_of(code, shown) == "", shown


def problem_of(code: int, shown: str) -> str:
    if "Traceback" in shown or "Exception ignored" in shown or "never retrieved" in shown:
        return "a traceback"
    if code not in (0, 1, 2):
        return "a strange exit code"
    if code and not shown.strip():
        return "no sentence"
    return "a sentence without end" if code and len(shown) > MAX_SHOWN_CHARS else ""


def run_cold(case: Case, env: dict[str, str]) -> tuple[int, str]:
    command = [sys.executable, "-P", "-m", case.module, *case.words]
    done = subprocess.run(
        command,
        env={**case.env, **env},
        cwd=case.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


SHELL_LINES = {
    "closed output": ("history >&-", 0),
    "closed output and errors": ("history >&- 2>&-", 0),
    "closed errors of a failure": ("receipts 99999 2>&-", 1),
    "everything closed": ("history <&- >&- 2>&-", 0),
    "help with closed output": ("--help >&-", 0),
    "the first line is enough": ("history | head -1", 0),
    "a full disk": ("status >/dev/full", 1),
    "errors into a full disk": ("receipts 99999 2>/dev/full", 1),
    "wrong usage with closed errors": ("nope 2>&-", 2),
    "bytes that are not text": ("send $'caf\\xe9'", 2),
    "input that is not text": ("send - <<<$'caf\\xe9'", 1),
    "a chat without a terminal": ("chat </dev/null", 1),
}


@pytest.mark.parametrize("name", SHELL_LINES)
def test_exit_codes_in_a_shell(name: str, process: GatewayProcess) -> None:
    line, code = SHELL_LINES[name]
    program = f"{sys.executable} -P -m {warm.CONTROLLER}"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{program} {line}"],
        env=Groupchat(process.state).environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert problem_of(0, done.stdout + done.stderr) == ""


@pytest.mark.parametrize("program", ["controller.cli.entry_point", "gateway.entry_point"])
def test_an_interrupt_at_any_moment_is_quiet(program: str, tmp_path: Path) -> None:
    """The interrupt comes while the first module of the program is imported."""
    code = (
        "import os, signal, sys\n"
        f"from {program} import main\n"
        "sys.addaudithook(lambda event, _: event == 'import' and os.kill(os.getpid(), signal.SIGINT))\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**Groupchat(tmp_path).environment, "PYTHONPATH": str(warm.ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_an_interrupt_while_it_waits_is_quiet(process: GatewayProcess) -> None:
    command = [sys.executable, "-P", "-m", warm.CONTROLLER, "listen", "--since", "0"]
    env = Groupchat(process.state).environment
    subprocess.run([*command[:-3], "send", "hello"], env=env, capture_output=True, timeout=PATIENCE_S, check=True)
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        running.stdout.readline()
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=PATIENCE_S)
    assert (running.returncode, err) == (130, "")
