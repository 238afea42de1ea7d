"""A small process that keeps a team's gateway running: it starts the gateway, waits, and restarts it after a crash.

    python -P -m gateway.server.supervisor STATE LOG -- CMD...

It uses only the standard library, because it must survive any fault in the gateway. A socket links it to the gateway:
the gateway reports there that it listens, and ends when the supervisor is gone, so that no process is left behind.
`decide_restart` makes the decisions and is pure.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

LINK_VARIABLE, CRASHES_VARIABLE = "GROUPCHAT_GATEWAY_LEASH", "GROUPCHAT_GATEWAY_DIED"
LISTENING_LINE = "listening"
GIVEN_UP_FILE = "gateway.failed"  # gateway.client.discovery.running_gateway reads it
SUPERVISOR_FILE = "gateway.supervisor"  # `groupchat down` reads it, also after the process that started us has died
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
EXIT_TIMEOUT_S = 12.0


class RestartLimits(NamedTuple):
    """The bounds of a crash loop: deaths within the window, failed starts in a row, and a pause that doubles. A gateway
    that died within `soon_s` after it began to listen is restarted after a short pause."""

    window_s: float = 600.0
    most_deaths: int = 60
    most_failed_starts: int = 12
    first_pause_s: float = 0.25
    longest_pause_s: float = 10.0
    soon_s: float = 1.0
    breath_s: float = 0.2


class GatewayExit(NamedTuple):
    """The end of one gateway process: whether and for how long it listened, and its exit code (negative: a signal)."""

    listened: bool
    seconds: float
    code: int


class CrashHistory(NamedTuple):
    """`ever`: a gateway of this supervisor has listened; `failed_starts` in a row; `deaths` in the last ten minutes."""

    ever: bool
    failed_starts: int
    deaths: int


class RestartDecision(NamedTuple):
    """Restart after a pause, or end, with a sentence if the supervisor gives up."""

    again: bool
    pause: float = 0.0
    gives_up: str = ""


def decide_restart(life: GatewayExit, past: CrashHistory, bounds: RestartLimits) -> RestartDecision:
    """Decide what follows the end of a gateway. `past` already counts it."""
    if life.code == 0:
        return RestartDecision(again=False)
    if not past.ever:
        return RestartDecision(again=False)  # the process that started us reads the reason
    if past.failed_starts >= bounds.most_failed_starts:
        return RestartDecision(False, gives_up=f"failed to start {past.failed_starts} times in a row")
    if past.deaths >= bounds.most_deaths:
        return RestartDecision(False, gives_up=f"died {past.deaths} times within {bounds.window_s / 60:.0f} minutes")
    if not life.listened:
        return RestartDecision(
            True, min(bounds.longest_pause_s, bounds.first_pause_s * 2.0 ** (past.failed_starts - 1))
        )
    return RestartDecision(True, 0.0 if life.seconds >= bounds.soon_s else bounds.breath_s)


def exit_text(code: int) -> str:
    if code >= 0:
        return f"status {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


class GatewayChild(NamedTuple):
    pid: int
    link: int


class GatewaySupervisor:
    def __init__(self, state: Path, log: Path, command: list[str], bounds: RestartLimits = RestartLimits()) -> None:  # noqa: B008
        self._state, self._log, self._command, self._bounds = state, log, command, bounds
        self._wakeup = _signals_as_bytes()
        self._told_to_stop = False
        self._port = ""
        self._deaths: deque[float] = deque()
        self._failed_starts = 0

    def run(self) -> int:
        with contextlib.suppress(OSError):  # on a full disk the gateway reports more than we could
            self._write_pid_file()
        try:
            return self._run_until_stopped()
        finally:
            (self._state / SUPERVISOR_FILE).unlink(missing_ok=True)

    def _run_until_stopped(self) -> int:
        (self._state / GIVEN_UP_FILE).unlink(missing_ok=True)
        died = ""
        while True:
            began = time.monotonic()
            child = self._begin(died)
            listened, code = self._until_end(child)
            now = time.monotonic()
            life = GatewayExit(listened is not None, now - (listened or began), code)
            following = decide_restart(life, self._counted(life, now), self._bounds)
            if self._port:  # else the process that started us reads the last output of the gateway
                self._write_down(
                    "! the gateway process ended", how=exit_text(code), again=following.again, pause=following.pause
                )
            if following.gives_up:
                self._give_up(following.gives_up)
            if self._told_to_stop or not following.again or not self._rested(following.pause):
                return 0 if self._told_to_stop else code if code >= 0 else 128 - code
            died = f"{now} {len(self._deaths)} {exit_text(code)}" if life.listened else died

    def _counted(self, life: GatewayExit, now: float) -> CrashHistory:
        self._failed_starts = 0 if life.listened else self._failed_starts + 1
        if life.listened:
            self._deaths.append(now)
        while self._deaths and self._deaths[0] < now - self._bounds.window_s:
            self._deaths.popleft()
        return CrashHistory(bool(self._port), self._failed_starts, len(self._deaths))

    def _begin(self, died: str) -> GatewayChild:
        """Start the gateway on the previous port, so that clients find it again. Only the first gateway writes its
        answer to standard output, for the process that started us."""
        ours, theirs = socket.socketpair()
        theirs.set_inheritable(True)
        env = {**os.environ, LINK_VARIABLE: f"{theirs.fileno()}:{os.getpid()}", CRASHES_VARIABLE: died}
        again = ["--port", self._port] if self._port else []
        pid = os.posix_spawn(
            self._command[0], [*self._command, *again], env, setsigmask=[], setsigdef=list(STOP_SIGNALS)
        )
        theirs.close()
        if not self._port:
            quiet = os.open(os.devnull, os.O_WRONLY)
            os.dup2(quiet, 1)
            os.close(quiet)
        ours.setblocking(False)
        return GatewayChild(pid, ours.detach())

    def _until_end(self, child: GatewayChild) -> tuple[float | None, int]:
        """Wait for its end. Returns since when it listened, and its exit code. A signal that stops us is forwarded to
        it."""
        listened, code, insist = None, None, float("inf")
        watched = [self._wakeup, child.link]
        while code is None:
            code = _exit_code(child.pid)
            patience = None if insist == float("inf") else max(0.0, insist - time.monotonic())
            ready = select.select(watched, [], [], patience if code is None else 0)[0]
            if child.link in ready:
                said = _read_available(child.link).decode(errors="replace").split()
                if said[:1] == [LISTENING_LINE]:
                    listened, self._port = time.monotonic(), said[1]
                elif not said:
                    watched = [self._wakeup]
            if self._wakeup in ready and self._stop_requested() and insist == float("inf"):
                insist = time.monotonic() + EXIT_TIMEOUT_S
                _kill(child.pid, signal.SIGTERM)
                _kill(child.pid, signal.SIGCONT)
            if time.monotonic() > insist:
                _kill(child.pid, signal.SIGKILL)
        os.close(child.link)
        return listened, code

    def _stop_requested(self) -> bool:
        self._told_to_stop = self._told_to_stop or any(one in STOP_SIGNALS for one in _read_available(self._wakeup))
        return self._told_to_stop

    def _rested(self, pause: float) -> bool:
        """Wait for the pause. Returns False if a signal to stop came meanwhile."""
        until = time.monotonic() + pause
        while not self._stop_requested() and time.monotonic() < until:
            select.select([self._wakeup], [], [], max(0.0, until - time.monotonic()))
        return not self._told_to_stop

    def _write_pid_file(self) -> None:
        """Write our pid before the gateway starts, so that other commands find us."""
        text = json.dumps({"pid": os.getpid(), "started": _process_start_time()})
        written = self._state / f".{SUPERVISOR_FILE}.{os.getpid()}"
        written.unlink(missing_ok=True)
        with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        written.replace(self._state / SUPERVISOR_FILE)

    def _give_up(self, why: str) -> None:
        sentence = f"The gateway {why} and is not started again. See {self._log}."
        self._write_down(sentence)
        path = self._state / GIVEN_UP_FILE
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(sentence + "\n")

    def _write_down(self, event: str, **more: object) -> None:
        """Write to the gateway's log, in its format."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = json.dumps({"event": event, **more, "level": "warning", "logger": "supervisor", "timestamp": stamp})
        try:
            with os.fdopen(os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
                file.write(line + "\n")
        except OSError:
            return


def _process_start_time() -> str:
    """Our start time, which distinguishes us from a later process with the same pid; empty if unknown."""
    try:
        return Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def _signals_as_bytes() -> int:
    """A file descriptor that yields the numbers of received signals."""
    reading, writing = os.pipe()
    for fd in (reading, writing):
        os.set_blocking(fd, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (*STOP_SIGNALS, signal.SIGCHLD):
        signal.signal(number, _ignore_signal)
    return reading


def _ignore_signal(*_: object) -> None:
    """The pipe already holds its number."""


def _read_available(fd: int) -> bytes:
    try:
        return os.read(fd, 4096)
    except OSError:
        return b""


def _exit_code(pid: int) -> int | None:
    """The exit code, negative for a signal; None while the process runs."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def main(arguments: list[str]) -> int:
    state, log, _, *command = arguments
    os.umask(0o077)
    return GatewaySupervisor(Path(state), Path(log), command).run()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
