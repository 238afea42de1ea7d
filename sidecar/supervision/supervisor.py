"""The supervisor in the pane: it runs the sidecar in the same terminal and starts it again after a crash.

`decide_next_run` decides when an agent is restarted: by the policy `never`, `crash` or `always`, or by an order.

    python -I -S supervisor.py NAME FOLDER POLICY PID LINK -- CMD...

It is a process of its own, because it must survive every failure of the sidecar. It imports only the standard library,
because each agent pays for its memory. PID is the first sidecar, which already runs; CMD starts the next ones. LINK is
a socket to the sidecar: the sidecar reports on it how it ended, and notices on it when the supervisor is gone. Between
two sidecars the supervisor restores the terminal.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import termios
import time
from pathlib import Path
from typing import NamedTuple

if __name__ == "__main__":  # started as a file, by an interpreter that looks nowhere else
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sidecar.supervision.exit_report import ConversationChoice, ExitKind, ExitReport, parse_exit_report
from sidecar.supervision.orphan_reaping import reap_if_name_is_free

LINK_VARIABLE, CONVERSATION_VARIABLE = "GROUPCHAT_LEASH", "GROUPCHAT_GO_ON"
EXIT_FAILED = 70
FIRST_PAUSE_S, MAX_PAUSE_S, HEALTHY_AFTER_S = 0.2, 30.0, 60.0
EXIT_TIMEOUT_S = 10.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
CRASH_SIGNALS = (
    *(signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP),
    *(signal.SIGSYS, signal.SIGXCPU, signal.SIGXFSZ),
)

# Ends a half sequence; then paste, mouse, focus, synchronized output and application keys off, wrapping and cursor on,
# kitty's keys and xterm's off, the main screen, and below everything.
RESTORE_SEQUENCE = (
    b"\x18\x1b\\\x1b[?2026l\x1b[?2004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1004l"
    b"\x1b[?1l\x1b>\x1b[?6l\x1b[?7h\x1b[<9u\x1b[>4;0m\x1b[?1049l\x1b[r\x1b(B\x0f\x1b[0m\x1b[?25h\x1b[999;1H\r\n"
)


class SidecarExit(NamedTuple):
    """How one sidecar ended: its report, if it made one, and its exit code or, negative, the signal that killed it."""

    report: ExitReport | None
    code: int

    @property
    def is_of_agent(self) -> bool:
        return self.report is not None and self.report.is_of_agent


class NextRun(NamedTuple):
    """What follows: another run and how it continues the agent's conversation, or the end with a status. `why` is shown
    to the person."""

    again: bool
    status: int
    why: str = ""
    conversation: ConversationChoice = ConversationChoice.NONE
    at_once: bool = False


def signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def crash_signal_of(status: int) -> int:
    """The signal by which a program with this exit status crashed. 0 if it ended by itself or was asked to end."""
    return status - 128 if status - 128 in CRASH_SIGNALS else 0


def decide_next_run(policy: str, end: SidecarExit, name: str) -> NextRun:
    """Decide what happens next. Pure."""
    match end.report:
        case ExitReport(ExitKind.REFUSED):
            return NextRun(again=False, status=end.code if end.code > 0 else 1)
        case ExitReport(ExitKind.AFRESH):
            why = f"{name} could not resume its earlier conversation and begins a new one"
            return NextRun(True, 1, why, ConversationChoice.AFRESH, True)
        case ExitReport(ExitKind.ORDERED):
            why = f"{name} is restarted by an order from the room"
            return NextRun(True, 0, why, ConversationChoice.RESUME, True)
        case ExitReport(ExitKind.ENDED, status):
            return NextRun(policy == "always", status, f"{name} ended with status {status}", ConversationChoice.RESUME)
        case ExitReport(ExitKind.DIED, status):
            how = signal_name(crash_signal_of(status)) if crash_signal_of(status) else f"status {status}"
            return NextRun(policy != "never", status, f"{name} died ({how})", ConversationChoice.RESUME)
    return _decide_after_failure(policy, end.code, name)


def _decide_after_failure(policy: str, code: int, name: str) -> NextRun:
    """The sidecar itself was killed or failed."""
    why = f"died ({signal_name(-code)})" if code < 0 else "failed; sidecar.log says why"
    status = 128 - code if code < 0 else EXIT_FAILED
    return NextRun(policy != "never", status, f"the sidecar of {name} {why}", ConversationChoice.RESUME)


class RestartPauses:
    """0.2 s, doubling up to 30 s. After a run of a minute it is short again."""

    def __init__(self) -> None:
        self._next = FIRST_PAUSE_S

    def after(self, lived: float) -> float:
        pause = FIRST_PAUSE_S if lived >= HEALTHY_AFTER_S else self._next
        self._next = min(MAX_PAUSE_S, pause * 2)
        return pause


class SavedTerminal:
    """The terminal settings from before the sidecar, if there is a terminal."""

    def __init__(self) -> None:
        self._there = os.isatty(0) and os.isatty(1)
        self._before = termios.tcgetattr(0) if self._there else None

    def _is_ours(self) -> bool:
        try:
            return self._there and os.tcgetpgrp(0) == os.getpgrp()
        except OSError:
            return False

    def given_back(self, why: str) -> None:
        """Restore the terminal's settings and say why, unless the shell owns the terminal now. Nobody else writes to
        it, because the sidecar is dead."""
        if not self._there:
            _write_fully(2, f"groupchat: {why}\n".encode() if why else b"")
        elif self._is_ours() and self._before:
            self._restore_settings()
            _write_to_terminal(RESTORE_SEQUENCE + (f"groupchat: {why}\r\n".encode() if why else b""))

    def _restore_settings(self) -> None:
        try:
            termios.tcsetattr(0, termios.TCSANOW, self._before or [])
        except termios.error:
            return

    def forget_keys(self) -> None:
        """Keys typed while no agent ran are not meant for the next one."""
        if self._is_ours():
            try:
                termios.tcflush(0, termios.TCIFLUSH)
            except termios.error:
                return


def _write_to_terminal(data: bytes) -> None:
    """Uses a descriptor of its own, so that a terminal that reads nothing cannot block the supervisor."""
    try:
        fd = os.open(os.ttyname(1), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return
    _write_fully(fd, data)
    os.close(fd)


def _write_fully(fd: int, data: bytes) -> None:
    try:
        os.write(fd, data)
    except OSError:
        return


class SidecarProcess(NamedTuple):
    pid: int
    link_fd: int
    began: float


class SidecarSupervisor:
    def __init__(self, name: str, folder: Path, policy: str, command: list[str]) -> None:
        self._name, self._folder, self._policy, self._command = name, folder, policy, command
        self._pane = SavedTerminal()
        self._pauses = RestartPauses()
        self._told_to_stop = 0
        self._wakeup = _signals_as_bytes()

    def run(self, life: SidecarProcess) -> int:
        while True:
            end = self._until_end(life)
            following = decide_next_run(self._policy, end, self._name)
            reap_if_name_is_free(self._folder)
            if self._told_to_stop or not following.again:
                if end.report is None:
                    self._pane.given_back("" if self._told_to_stop else f"{following.why}.")
                return following.status if end.is_of_agent else self._stopped(following.status)
            pause = 0.0 if following.at_once else self._pauses.after(time.monotonic() - life.began)
            self._pane.given_back(f"{following.why}; starting it again in {pause:.1f} s." if pause else following.why)
            if not self._rested(pause):
                return self._stopped(following.status)
            self._pane.forget_keys()
            life = self._begin(following.conversation)

    def _stopped(self, status: int) -> int:
        """As a shell reports a program that a signal ended."""
        return 128 + self._told_to_stop if self._told_to_stop else status

    def _until_end(self, life: SidecarProcess) -> SidecarExit:
        """The sidecar's last report and its wait status. Signals to stop are passed on to it."""
        said, code = b"", None
        insist = float("inf")
        while code is None:
            code = _exit_code(life.pid)
            if code is None and self._heard(life, min(1.0, max(0.0, insist - time.monotonic()))):
                insist = min(insist, time.monotonic() + EXIT_TIMEOUT_S)
            if time.monotonic() > insist:
                _kill(life.pid, signal.SIGKILL)
        while part := _read_available(life.link_fd):
            said += part
        os.close(life.link_fd)
        return SidecarExit(parse_exit_report(said.decode(errors="replace").strip()), code)

    def _heard(self, life: SidecarProcess, patience: float) -> bool:
        """Whether a signal to stop has come. It is passed on as SIGTERM, because a Ctrl-C has already reached all
        processes."""
        number = self._stop_signal(patience if self._told_to_stop else None)
        if number:
            _kill(life.pid, signal.SIGTERM)
            _kill(life.pid, signal.SIGCONT)
        return bool(number)

    def _stop_signal(self, patience: float | None) -> int:
        """The signal to stop that has come by now, or 0. Returns early when a child has changed."""
        if not select.select([self._wakeup], [], [], patience)[0]:
            return 0
        number = next((one for one in os.read(self._wakeup, 64) if one in STOP_SIGNALS), 0)
        self._told_to_stop = number or self._told_to_stop
        return number

    def _rested(self, pause: float) -> bool:
        """Whether no signal to stop came meanwhile."""
        until = time.monotonic() + pause
        while not self._told_to_stop and time.monotonic() < until:
            self._stop_signal(max(0.0, until - time.monotonic()))
        return not self._told_to_stop

    def _begin(self, conversation: ConversationChoice) -> SidecarProcess:
        ours, theirs = socket.socketpair()
        theirs.set_inheritable(True)
        link = {LINK_VARIABLE: f"{theirs.fileno()}:{os.getpid()}", CONVERSATION_VARIABLE: conversation.value}
        pid = os.posix_spawn(self._command[0], self._command, {**os.environ, **link})
        theirs.close()
        return SidecarProcess(pid, _wait_until_readable(ours.detach()), time.monotonic())


def _signals_as_bytes() -> int:
    """A descriptor from which the numbers of the signals that came can be read. Until now they were held back, so that
    none could end us while the interpreter started."""
    reading, writing = os.pipe()
    for fd in (reading, writing):
        os.set_blocking(fd, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (*STOP_SIGNALS, signal.SIGCHLD):
        signal.signal(number, _ignore_signal)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    return reading


def _ignore_signal(*_: object) -> None:
    """The wakeup pipe delivers the signal's number."""


def _wait_until_readable(link_fd: int) -> int:
    os.set_inheritable(link_fd, False)
    os.set_blocking(link_fd, False)
    return link_fd


def _read_available(fd: int) -> bytes:
    try:
        return os.read(fd, 4096)
    except OSError:
        return b""


def _exit_code(pid: int) -> int | None:
    """Negative for a signal. None while it runs."""
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def main(arguments: list[str]) -> int:
    name, folder, policy, pid, link_fd, _, *command = arguments
    supervisor = SidecarSupervisor(name, Path(folder), policy, command)
    return supervisor.run(SidecarProcess(int(pid), _wait_until_readable(int(link_fd)), time.monotonic()))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
