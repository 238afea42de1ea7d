"""Decides when to look at the agent: soon after it printed, and when time alone may change the verdict. While nothing
changes, it does not look."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from itertools import groupby
from operator import itemgetter
from typing import Protocol

from gateway.protocol.types.core_types import Activity
from sidecar.activity.agent_observer import SETTLE_PAUSE_S, AgentObserver, AgentSnapshot
from sidecar.evidence.turn_evidence import Evidence, EvidenceSource
from sidecar.evidence_sources.status_file import StatusFile
from sidecar.screen.styled_rows import StyledScreen
from sidecar.terminal.asciicast import SIGNAL_KIND, CastEvent, RecentRecording, signal_data

_OSC_NUMBERS = {EvidenceSource.TITLE: 0, EvidenceSource.VENDOR: 7501}
_RETOLD_SOURCES = (EvidenceSource.HOOK, EvidenceSource.STATUS)
MAX_UNSEEN_BYTES = 1 << 14
MIN_OUTPUT_WAIT_S = 0.002


class ReadTerminal(Protocol):
    """What `sidecar.terminal.pty.Terminal` knows about who reads the terminal."""

    @property
    def stopped(self) -> bool: ...

    def unread(self) -> int | None: ...

    def reader(self) -> str: ...

    def in_foreground(self) -> bool: ...


class ObservationLoop:
    """Output and keys are kept until the next look, so that reading them delays nothing. `prompt` parses at once:
    without another terminal, the emulator's answers must not wait. Without a `terminal`, who reads it is no
    evidence."""

    def __init__(
        self, watch: AgentObserver, terminal: ReadTerminal | None, status: StatusFile | None, *, prompt: bool = False
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._watch, self._terminal, self._status = watch, terminal, status
        self._unseen: list[CastEvent] = []
        self._size, self._most = 0, 0 if prompt else MAX_UNSEEN_BYTES
        self._timer: asyncio.TimerHandle | None = None
        self._status_timer: asyncio.TimerHandle | None = None
        self._due, self._printed = asyncio.Event(), asyncio.Event()
        self.recent = RecentRecording(watch.screen.size, self._loop.time())
        self.looked = asyncio.Event()
        self._is_awaited: Callable[[], bool] = lambda: True

    def hurry_while(self, is_awaited: Callable[[], bool]) -> None:
        """`is_awaited` tells whether somebody waits for what the agent does next. While nobody does, it is looked at
        less often."""
        self._is_awaited = is_awaited

    # Events in

    def note_output(self, data: bytes) -> None:
        self._keep("o", data, self._watch.pause_after_output(data, self._loop.time(), awaited=self._is_awaited()))
        self._printed.set()

    def keys(self, data: bytes) -> None:
        self._keep("i", data, self._watch.pause_after(data))

    def _keep(self, kind: str, data: bytes, pause: float) -> None:
        """The process that waits for these bytes often runs on our processor, so we rest to let it run."""
        self._unseen.append((self._loop.time(), kind, data))
        self._size += len(data)
        if self._size > self._most:
            self._observe_unseen()
        self.soon(pause) if pause > 0 else self._at_once()

    def _observe_unseen(self) -> None:
        if not self._unseen:
            return
        unseen, self._unseen, self._size = self._unseen, [], 0
        for kind, events in groupby(unseen, key=itemgetter(1)):
            run = list(events)
            at, data = run[-1][0], b"".join(event[2] for event in run)
            self.recent.add(at, kind, data)
            if kind == "o":
                self._watch.output(data, at)
            else:
                self._watch.keys(data, at)

    def signal(self, evidence: Evidence) -> None:
        self._observe_unseen()
        self._note_signal(evidence)
        self.soon()

    def _note_signal(self, evidence: Evidence) -> None:
        self.recent.add(evidence.at, SIGNAL_KIND, signal_data(evidence))
        self._watch.signal(evidence)

    def note_resize(self, columns: int, rows: int) -> None:
        self._observe_unseen()
        self._watch.resize(columns, rows)
        self.recent.add(self._loop.time(), "r", f"{columns}x{rows}".encode())
        self.soon()

    def mark_exited(self) -> None:
        self._observe_unseen()
        self._watch.mark_exited()

    # For the observation handler

    def soon(self, seconds: float = SETTLE_PAUSE_S) -> None:
        when = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > when + 1e-4:
            if self._timer:
                self._timer.cancel()
            self._timer = self._loop.call_at(when, self._ring)

    def _at_once(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._ring()

    def _ring(self) -> None:
        self._timer = None
        self._due.set()

    async def next(self) -> AgentSnapshot:
        """The observation at the next look."""
        await self._due.wait()
        return self.now()

    def now(self) -> AgentSnapshot:
        self._due.clear()
        moment = self.look()
        if moment.verdict.look_again is not None:
            self.soon(moment.verdict.look_again - self._loop.time())
        if moment.verdict.activity in (Activity.BUSY, Activity.ASKING):
            self._watch_status()
        self._discard_old_output()
        self.looked.set()
        return moment

    def _watch_status(self) -> None:
        """An agent may write that it rests after its last output."""
        if self._status and self._status.look_interval_s and self._status_timer is None:
            self._status_timer = self._loop.call_later(self._status.look_interval_s, self._check_status)

    def _check_status(self) -> None:
        self._status_timer = None
        if self._status and self._status.has_changed():
            self.soon()
        else:
            self._watch_status()

    def _discard_old_output(self) -> None:
        now, screen = self._loop.time(), self._watch.screen
        if self.recent.is_full(now) and screen.at_ground:
            signals = (self._watch.signals.get(name) for name in ("title", "vendor"))
            told = b"".join(f"\x1b]{_OSC_NUMBERS[one.source]};{one.value}\x07".encode() for one in signals if one)
            self.recent.begin_anew(now, screen.size, screen.painted() + told)
            for name in _RETOLD_SOURCES:
                if signal := self._watch.signals.get(name):
                    self.recent.add(now, SIGNAL_KIND, signal_data(signal))

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()
        if self._status_timer:
            self._status_timer.cancel()
        self._timer = self._status_timer = None

    @property
    def watch(self) -> AgentObserver:
        """The observer, up to date."""
        self._observe_unseen()
        return self._watch

    def styled_screen(self) -> StyledScreen:
        """The screen as it is now, for people who watch it."""
        return self.watch.screen.styled()

    # For the delivery loop

    async def wait_for_output(self, seconds: float) -> None:
        """Until the agent prints, but no longer than this. In a flood, other tasks come in between."""
        self._printed.clear()
        await asyncio.sleep(min(seconds, MIN_OUTPUT_WAIT_S))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds - MIN_OUTPUT_WAIT_S):
                await self._printed.wait()

    def look(self) -> AgentSnapshot:
        self._observe_unseen()
        now = self._loop.time()
        if self._status and (news := self._status.read_if_changed(now)):
            self._note_signal(news)
        if self._terminal:
            self._watch.process(self._terminal.reader(), now)
        return self._watch.look(now)

    def since_key(self) -> float:
        return self._loop.time() - self.watch.last_key

    def since_output(self) -> float:
        return self._loop.time() - self.watch.last_output

    def has_read(self) -> bool:
        """Whether the agent is known to have read everything that was typed."""
        return self._terminal is not None and self._terminal.unread() == 0

    def has_unread_keys(self) -> bool:
        """Whether the agent is known not to have read everything that was typed: it is slow, or stopped."""
        return self._terminal is not None and bool(self._terminal.unread())

    def since_ready(self) -> float:
        return self._loop.time() - self._watch.ready_at

    def in_foreground(self) -> bool:
        """Whether the agent itself reads what is typed."""
        terminal = self._terminal
        if terminal is None:
            return True
        return (self._watch.agent.submit.echoes or terminal.in_foreground()) and not terminal.stopped

    def mark_answered(self) -> None:
        """A key for an order went into a dialog."""
        self._observe_unseen()
        self._watch.mark_answered(self._loop.time())

    def mark_entered(self) -> None:
        self._observe_unseen()
        self._watch.mark_entered(self._loop.time())
