"""Replays a recording in virtual time, as fast as it parses, and observes it exactly like a live agent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sidecar.activity.agent_observer import SETTLE_PAUSE_S, AgentObserver, AgentSnapshot
from sidecar.agents import Adapter
from sidecar.errors import BadRecording
from sidecar.terminal.asciicast import SIGNAL_KIND, output_bytes, read_signal


@dataclass(frozen=True)
class ActivityChange:
    t: float
    activity: str
    composer: str
    because: tuple[str, ...]


@dataclass(frozen=True)
class Recording:
    columns: int
    rows: int
    events: tuple[tuple[float, str, str], ...]


def parse_recording(lines: Iterable[str]) -> Recording:
    """An asciicast, version 2: a header, then [seconds, kind, text]."""
    try:
        header, *events = [json.loads(line) for line in lines if line.strip()]
        return Recording(
            int(header["width"]),
            int(header["height"]),
            tuple((float(at), str(kind), str(text)) for at, kind, text in events),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BadRecording(f"This is not a recording in asciicast format, version 2: {error!r}.") from error


class _Player:
    """Schedules the next look like the live loop: soon after output, or when time alone may matter."""

    def __init__(self, watch: AgentObserver) -> None:
        self.watch = watch
        self.due: float | None = 0.0

    def looks_before(self, until: float) -> Iterator[tuple[float, AgentSnapshot]]:
        while self.due is not None and self.due <= until:
            now = self.due
            moment = self.watch.look(now)
            self.due = moment.verdict.look_again
            yield now, moment

    def event(self, at: float, kind: str, text: str) -> None:
        pause = SETTLE_PAUSE_S
        if kind == "o":
            pause = self.watch.pause_after_output(output_bytes(text), at)
            self.watch.output(output_bytes(text), at)
        elif kind == "i":
            pause = self.watch.pause_after(output_bytes(text))
            self.watch.keys(output_bytes(text), at)
        elif kind == "r":
            columns, _, rows = text.partition("x")
            self.watch.resize(int(columns), int(rows))
        elif kind == SIGNAL_KIND and (evidence := read_signal(text, at)):
            self.watch.signal(evidence)
        self.due = min(self.due if self.due is not None else at + pause, at + pause)


def replay_observations(recording: Recording, agent: Adapter) -> Iterator[tuple[float, AgentSnapshot]]:
    player = _Player(AgentObserver(agent, recording.columns, recording.rows))
    for at, kind, text in recording.events:
        yield from player.looks_before(at)
        player.event(at, kind, text)
    end = recording.events[-1][0] if recording.events else 0.0
    yield from player.looks_before(end + 1)


def replay_changes(recording: Recording, agent: Adapter) -> Iterator[ActivityChange]:
    """One entry per change of activity or composer."""
    last = None
    for at, moment in replay_observations(recording, agent):
        verdict = moment.verdict
        if (verdict.activity, verdict.composer) != last:
            last = (verdict.activity, verdict.composer)
            yield ActivityChange(round(at, 3), str(verdict.activity), str(verdict.composer), verdict.because)
