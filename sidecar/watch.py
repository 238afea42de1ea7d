"""The eyes: bytes and times go in, a verdict comes out. No clock, no I/O: a recording is watched like a live agent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.protocol.nouns import Activity, Composer
from sidecar.activity import Claim, Situation, Verdict, judge
from sidecar.agents import Agent
from sidecar.rules import Argument, Reading, read
from sidecar.screen import Picture, Screen
from sidecar.signals import Evidence, OscReader, Source, keys_in

PAUSE = 0.02
GRACE = 0.25
ENTER_COUNTS = 0.4


@dataclass(frozen=True)
class Moment:
    """All that was seen at one look."""

    verdict: Verdict
    reading: Reading
    picture: Picture


def _nobody(_: bytes) -> None:
    pass


def _after(before: Activity, now: Activity) -> Activity:
    """A question asked during start-up (trust, login) does not end it."""
    return before if before is Activity.STARTING and now is Activity.ASKING else now


class Watch:
    def __init__(self, agent: Agent, columns: int, rows: int, reply: Callable[[bytes], None] = _nobody) -> None:
        self.agent = agent
        marks = agent.rules.box.marks if agent.rules.box else ""
        self.screen = Screen(columns, rows, reply, marks)
        self._osc = OscReader()
        self._signals: dict[str, Evidence] = {}
        self._claims: dict[Source, Claim] = {}
        self._alive, self._before = True, Activity.STARTING
        self._seen: tuple[Picture, Reading] | None = None
        self.last_output = 0.0
        self.last_key = float("-inf")
        self.ready_at = float("inf")

    # Facts in

    def output(self, data: bytes, now: float) -> None:
        for evidence in self._osc.feed(data, now):
            self._signals["title" if evidence.source is Source.TITLE else "vendor"] = evidence
        self.screen.feed(data)
        self.last_output = now

    def keys(self, data: bytes, now: float) -> None:
        pressed = keys_in(data)
        if not pressed:
            return
        self.last_key = now
        if b"\r" in pressed and self._read(self.screen.picture()).composer is Composer.DRAFT:
            self.entered(now)

    def entered(self, now: float) -> None:
        """Enter went into a full composer: work begins, though nothing shows it yet."""
        self._claims[Source.KEYS] = Claim(
            Source.KEYS, Activity.BUSY, "a prompt was just submitted", now, now, ENTER_COUNTS
        )

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(columns, rows)

    def exited(self) -> None:
        self._alive = False

    @property
    def title(self) -> str:
        return self._signals["title"].value if "title" in self._signals else ""

    # A verdict out

    def look(self, now: float) -> Moment:
        picture = self.screen.picture()
        reading = self._read(picture)
        self._claim(Source.SCREEN, reading.of(Source.SCREEN), now, now)
        for name, source in (("title", Source.TITLE), ("vendor", Source.VENDOR)):
            at = self._signals[name].at if name in self._signals else now
            self._claim(source, reading.of(source), at, now)
        self._claim_silence(now)
        self._forget_enter()
        verdict = judge(self._situation(reading), now)
        self._before = _after(self._before, verdict.activity)
        if self._before is not Activity.STARTING:
            self.ready_at = min(self.ready_at, now)
        return Moment(verdict, reading, picture)

    def _read(self, picture: Picture) -> Reading:
        others = {name: evidence.value for name, evidence in self._signals.items()}
        if self._seen and self._seen[0] == picture and self._others == others:
            return self._seen[1]
        reading = read(self.agent.rules, picture, others)
        self._seen, self._others = (picture, reading), others
        return reading

    _others: dict[str, str] = {}  # noqa: RUF012 - replaced, never changed

    def _claim(self, source: Source, argument: Argument | None, renewed: float, now: float) -> None:
        before = self._claims.get(source)
        if argument is None:
            self._fade(source, before, now)
            return
        same = before and before.says is argument.says and before.fresh(now)
        since = before.since if before and same else renewed
        self._claims[source] = Claim(source, argument.says, argument.rule, since, renewed, argument.keeps)

    def _fade(self, source: Source, before: Claim | None, now: float) -> None:
        """Half a repaint matches nothing: a screen's claim outlives it for a moment, others end at once."""
        if before and source is Source.SCREEN and now - before.renewed < GRACE:
            self._claims[source] = Claim(source, before.says, before.reason, before.since, before.renewed, GRACE)
        else:
            self._claims.pop(source, None)

    def _forget_enter(self) -> None:
        """Once work was seen to begin after Enter, the other sources know better when it ends."""
        enter = self._claims.get(Source.KEYS)
        others = [claim for claim in self._claims.values() if claim is not enter]
        if enter and any(one.says is not Activity.IDLE and one.renewed > enter.since for one in others):
            del self._claims[Source.KEYS]

    def _claim_silence(self, now: float) -> None:
        if self.agent.silence is None:
            return
        quiet = now - self.last_output >= self.agent.silence - 1e-6
        says = Activity.IDLE if quiet else Activity.BUSY
        reason = "nothing printed for a while" if quiet else "it is printing"
        keeps = None if quiet else self.agent.silence
        renewed = self.last_output + (self.agent.silence if quiet else 0)
        self._claims[Source.SILENCE] = Claim(Source.SILENCE, says, reason, renewed, renewed, keeps)

    def _situation(self, reading: Reading) -> Situation:
        composer = reading.composer
        if self.agent.rules.box is None and reading.of(Source.SCREEN):
            composer = Composer.EMPTY
        return Situation(dict(self._claims), self._alive, self._before, composer, reading.dialog)
