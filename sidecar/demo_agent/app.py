"""The terminal part of the demo agent: the only place here with a clock, a terminal, signals and files."""

import argparse
import contextlib
import json
import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from sidecar.demo_agent import paint
from sidecar.demo_agent.agent import DemoAgent, DemoEvent, DemoState, Quirk, StateChanged
from sidecar.demo_agent.history import earlier_lines
from sidecar.demo_agent.keys import Input, KeyParser
from sidecar.demo_agent.script import read_script
from sidecar.demo_agent.view import draw

ESCAPE_TIMEOUT_S = 0.025
QUIRK_NAMES = ", ".join(trap.value for trap in Quirk)


def main() -> int:
    options = _parse_options()
    try:
        script = read_script(options.script) if options.script else ()
        agent = DemoAgent(
            _quirks(os.environ), script, earlier_lines(_transcript_path(os.environ)) if options.resume else ()
        )
    except ValueError as error:
        print(f"demo agent: {error}", file=sys.stderr)  # noqa: T201
        return 2
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        print("demo agent: this is a full-screen program and needs a terminal", file=sys.stderr)  # noqa: T201
        return 2
    with _open_transcript_writer(os.environ) as journal, _raw_terminal() as wakeup:
        DemoApp(agent, journal, wakeup).run()
    return 0


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="demo_agent",
        description="An agent without a model, for trying the chat.",
        epilog="Environment: DEMO_AGENT_TRANSCRIPT and DEMO_AGENT_TRUTH name files to append to; "
        f"DEMO_AGENT_TRAPS switches bad manners on: {QUIRK_NAMES}.",
    )
    parser.add_argument("--script", type=Path, help="turns as TOML ([[turn]] match, manner, answer) or JSON lines")
    parser.add_argument("--resume", action="store_true", help="go on with the conversation in the transcript")
    return parser.parse_args()


def _transcript_path(env: Mapping[str, str]) -> Path:
    return Path(env.get("DEMO_AGENT_TRANSCRIPT", ""))


def _quirks(env: Mapping[str, str]) -> frozenset[Quirk]:
    names = [name.strip() for name in env.get("DEMO_AGENT_TRAPS", "").split(",") if name.strip()]
    return frozenset(Quirk(name) for name in names) if names else frozenset({Quirk.QUEUE})


class TranscriptWriter:
    """Writes facts down at once. Their times become time of day; the truth file also keeps the monotonic time."""

    def __init__(self, transcript: int | None, truth: int | None) -> None:
        self._transcript, self._truth = transcript, truth
        self._epoch = time.time() - time.monotonic()

    def write(self, facts: Iterable[DemoEvent]) -> None:
        for fact in facts:
            at = round(fact.at + self._epoch, 6)
            if isinstance(fact, StateChanged):
                _append_line(self._truth, {"state": fact.state.value, "at": at, "monotonic": fact.at})
            else:
                entry = {"type": fact.type, "text": fact.text, "answer": fact.answer, "at": at}
                _append_line(self._transcript, {key: value for key, value in entry.items() if value is not None})


def _append_line(file: int | None, entry: Mapping[str, object]) -> None:
    if file is not None:
        os.write(file, (json.dumps(entry, ensure_ascii=False) + "\n").encode())


@contextlib.contextmanager
def _open_transcript_writer(env: Mapping[str, str]) -> Iterator[TranscriptWriter]:
    with contextlib.ExitStack() as files:

        def opened(name: str) -> int | None:
            if not env.get(name):
                return None
            file = os.open(env[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            files.callback(os.close, file)
            return file

        yield TranscriptWriter(opened("DEMO_AGENT_TRANSCRIPT"), opened("DEMO_AGENT_TRUTH"))


@contextlib.contextmanager
def _raw_terminal() -> Iterator[int]:
    """Raw mode and the alternate screen, always restored. Yields a descriptor that becomes readable on a signal."""
    before = termios.tcgetattr(0)
    wakeup, written = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    for number in (signal.SIGWINCH, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    tty.setraw(0)
    _write_terminal(paint.ENTER_SCREEN)
    try:
        yield wakeup
    finally:
        with contextlib.suppress(OSError, termios.error):
            _write_terminal(paint.LEAVE_SCREEN)
            termios.tcsetattr(0, termios.TCSADRAIN, before)


def _write_terminal(text: str) -> None:
    data = text.encode()
    while data:
        data = data[os.write(1, data) :]


class DemoApp:
    def __init__(self, agent: DemoAgent, journal: TranscriptWriter, wakeup: int) -> None:
        self._agent, self._journal, self._wakeup = agent, journal, wakeup
        self._keys = KeyParser()
        self._painter = paint.Painter()

    def run(self) -> None:
        self._journal.write(self._agent.begin(time.monotonic()))
        while self._agent.state is not DemoState.EXITED:
            self._show()
            now = time.monotonic()
            ready, _, _ = select.select([0, self._wakeup], [], [], self._patience(now))
            if self._wakeup in ready and self._told_to_leave():
                self._journal.write(self._agent.leave(time.monotonic()))
            elif 0 in ready:
                self._read()
            elif not ready and self._keys.waiting:
                self._press(self._keys.flush())
            self._journal.write(self._agent.advance(time.monotonic()))

    def _show(self) -> None:
        columns, lines = os.get_terminal_size(1)
        size = max(columns or 80, 4), max(lines or 24, 6)
        if frame := self._painter.paint(draw(self._agent, *size, time.monotonic())):
            _write_terminal(frame)

    def _patience(self, now: float) -> float | None:
        wake_at = self._agent.wake_at(now)
        patience = [] if wake_at is None else [max(0.0, wake_at - now)]
        return min([*patience, *([ESCAPE_TIMEOUT_S] if self._keys.waiting else [])], default=None)

    def _told_to_leave(self) -> bool:
        """A resize needs a fresh picture; other signals end the program."""
        numbers = os.read(self._wakeup, 64)
        if signal.SIGWINCH in numbers:
            self._painter.forget()
        return signal.SIGTERM in numbers or signal.SIGHUP in numbers

    def _read(self) -> None:
        try:
            data = os.read(0, 65536)
        except OSError:
            data = b""
        if data:
            self._press(self._keys.feed(data))
        else:
            self._journal.write(self._agent.leave(time.monotonic()))

    def _press(self, inputs: Iterable[Input]) -> None:
        for pressed in inputs:
            self._journal.write(self._agent.handle(pressed, time.monotonic()))
