"""Turns bytes and times into a verdict. No clock and no I/O: a recording is observed like a live agent."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.protocol.types.core_types import Activity, Composer
from sidecar.activity.activity_verdict import CALM_FOR_S, ActivityClaim, ActivityInput, Verdict, decide_activity
from sidecar.activity.keystroke_evidence import GONE_COUNTS_S, KeyEvidence, is_choice_key, is_submit_key
from sidecar.agents import Adapter
from sidecar.evidence.escape_sequences import OscReader, human_keys_in
from sidecar.evidence.turn_evidence import Evidence, EvidenceSource
from sidecar.screen.emulator import Screen, ScreenSnapshot
from sidecar.screen.rules import SOURCE_BY_REGION, RuleMatch, ScreenReading, ScreenRules, read_screen
from sidecar.screen.rules_loader import RulesLoader

SETTLE_PAUSE_S = 0.008
PAUSE_AFTER_KEY_S = 0.002
FRAME_END = b"\x1b[?2026l"
FRAME_TAIL_BYTES = 64  # what may follow in the same write: the cursor's place, another mode
MIN_FRAME_INTERVAL_S = 0.03
SMALL_FRAME_BYTES = 100  # a spinner and its clock
FEW_LOOKS_INTERVAL_S = 0.12
LATEST_LOOK_S = 0.25
ECHO_WITHIN_S = 1.0
GRACE_S = 0.25
DIALOG_GRACE_S = 0.1
HALF_DRAWN_S = 0.15
RULES_REFRESH_S = 1.0
SETTLE_AT_START_S = 0.03
MIN_STABLE_S = 0.05
PASTE_ON, PASTE_OFF = "paste on", "paste off"
UNTESTED_SETTLE_S = 0.3
_QUERY_ANSWER = re.compile(rb"\x1b\[\?[\d;]*c")
_NEVER_HELD_BACK = (Activity.ASKING, Activity.GONE)


@dataclass(frozen=True)
class AgentSnapshot:
    """Everything that one look showed."""

    verdict: Verdict
    reading: ScreenReading
    picture: ScreenSnapshot


def _ignore_reply(_: bytes) -> None:
    pass


def _activity_after_start(before: Activity, now: Activity) -> Activity:
    """A question during start-up (trust, login) does not end the start."""
    return before if before is Activity.STARTING and now is Activity.ASKING else now


def _is_small_frame(data: bytes) -> bool:
    """Whether it changes little, and neither a title nor the agent's own report of its state."""
    return len(data) <= SMALL_FRAME_BYTES and b"\x1b]" not in data


class AgentObserver:
    def __init__(
        self,
        agent: Adapter,
        columns: int,
        rows: int,
        reply: Callable[[bytes], None] = _ignore_reply,
        rulebook: RulesLoader | None = None,
    ) -> None:
        self.agent = agent
        self.rulebook = rulebook or RulesLoader((), agent.rules)
        marks = agent.rules.box.marks if agent.rules.box else ""
        self.screen = Screen(columns, rows, reply, marks)
        self._osc = OscReader()
        self.signals: dict[str, Evidence] = {}
        self.claims: dict[EvidenceSource, ActivityClaim] = {}
        self.version = ""
        self._strokes = KeyEvidence()
        self._draft_since = float("inf")
        self._alive, self._told, self._before = True, Activity.STARTING, Activity.STARTING
        self._seen: tuple[ScreenRules, ScreenSnapshot, dict[str, str], ScreenReading] | None = None
        self._whole: ScreenSnapshot | None = None
        self._half_since, self._refreshed = float("inf"), float("-inf")
        self._asked_at: float | None = None
        self._answered = False
        self._drawn_at = float("inf")
        self._looked_at = float("-inf")
        self.last_output = 0.0
        self.last_key = float("-inf")
        self.ready_at = float("inf")

    @property
    def rules(self) -> ScreenRules:
        return self.rulebook.rules

    # Events in

    def output(self, data: bytes, now: float) -> None:
        for evidence in self._osc.feed(data, now):
            self.signal(evidence)
        start = self.rules.start
        if start and self._before is Activity.STARTING and start.query in data:
            self._asked_at = now
        self.screen.feed(data)
        self.last_output = now

    def signal(self, evidence: Evidence) -> None:
        """A signal beside the screen: a title, the agent's own state, a hook, its status file."""
        self.signals[evidence.source] = evidence

    def process(self, reader: str, now: float) -> None:
        """Who reads the terminal."""
        before = self.signals.get(EvidenceSource.PROCESS)
        if before is None or before.value != reader:
            self.signals[EvidenceSource.PROCESS] = Evidence(EvidenceSource.PROCESS, reader, now)

    def pause_after_output(self, data: bytes, now: float, *, awaited: bool = True) -> float:
        """How long to wait before the next look. A whole frame of a working agent needs no rest and is looked at in the
        same wake-up, which saves another one. While a person types, the output may be an echo, which must not wait for
        our look; nor must a flood. `awaited`: somebody waits for what the agent does next. If nobody does, not every
        turn of its spinner is looked at."""
        if self._told is not Activity.BUSY or now - self.last_key <= ECHO_WITHIN_S:
            return SETTLE_PAUSE_S
        since_look = now - self._looked_at
        if not awaited and since_look < FEW_LOOKS_INTERVAL_S and _is_small_frame(data):
            return LATEST_LOOK_S - since_look
        return 0.0 if FRAME_END in data[-FRAME_TAIL_BYTES:] and since_look > MIN_FRAME_INTERVAL_S else SETTLE_PAUSE_S

    def pause_after(self, keys: bytes) -> float:
        """How long to wait before the next look. Letters change nothing unless a choice is open."""
        return SETTLE_PAUSE_S if keys.isalnum() and self._told is not Activity.ASKING else PAUSE_AFTER_KEY_S

    def keys(self, data: bytes, now: float) -> None:
        if self._asked_at is not None and _QUERY_ANSWER.search(data):
            self._answered = True
        pressed = human_keys_in(data)
        if not pressed:
            return
        self.last_key = now
        if self._told is Activity.ASKING and is_choice_key(pressed):
            self.mark_answered(now)
        elif is_submit_key(pressed, self.agent.submit.key) and self._begins_turn(self._read(self.screen.picture())):
            self.mark_entered(now)

    def _begins_turn(self, reading: ScreenReading) -> bool:
        box = self.rules.box
        return reading.composer is Composer.DRAFT and (box is None or not box.obeys(reading.text))

    def mark_answered(self, now: float) -> None:
        """A key chose something in the open dialog."""
        dialog = self._read(self.screen.picture()).dialog
        self._strokes.mark_answered(dialog, now, starting=self._before is Activity.STARTING)

    def mark_entered(self, now: float) -> None:
        """Enter was pressed in a composer with text. Work begins, though nothing shows it yet."""
        text = self._read(self.screen.picture()).text
        self._strokes.mark_submitted("a prompt was just submitted", text, now, self.agent.submit.begins_within)

    def resize(self, columns: int, rows: int) -> None:
        self.screen.resize(columns, rows)

    def mark_exited(self) -> None:
        self._alive = False

    @property
    def title(self) -> str:
        return self.signals["title"].value if "title" in self.signals else ""

    @property
    def is_new_version(self) -> bool:
        """Whether the agent shows a version that its rules were never tested on."""
        return bool(self.version and self.rules.versions and self.version not in self.rules.versions)

    # Verdict out

    def look(self, now: float) -> AgentSnapshot:
        self._looked_at = now
        self._refresh_rules(now)
        picture = self._picture(now)
        self._note_mode(picture)
        reading = self._read(picture)
        self._claim(
            EvidenceSource.SCREEN,
            reading.of(EvidenceSource.SCREEN, now - self.last_output + 1e-6),
            self.last_output,
            now,
        )
        for region, source in SOURCE_BY_REGION.items():
            if (signal := self.signals.get(region)) or source in self.claims:
                self._claim(source, reading.of(source), signal.at if signal else now, now)
        self._claim_silence(reading, picture, now)
        self._strokes.standing(reading.text, self.last_output, now)
        self._notice_submit(reading, now)
        verdict = self._while_starting(self._with_doubts(decide_activity(self._situation(reading, now), now)), now)
        self._told, self._before = verdict.activity, _activity_after_start(self._before, verdict.activity)
        if self._before is not Activity.STARTING:
            self.ready_at = min(self.ready_at, now)
        if picture is not self._whole:
            verdict = replace(verdict, look_again=min(verdict.look_again or now + 1, now + SETTLE_PAUSE_S))
        return AgentSnapshot(verdict, reading, picture)

    def _refresh_rules(self, now: float) -> None:
        if now - self._refreshed >= RULES_REFRESH_S:
            self._refreshed = now
            self.rulebook.refresh()

    def _picture(self, now: float) -> ScreenSnapshot:
        """A frame that the agent marks as unfinished is not used; but only for a short time, because it may never
        finish it."""
        picture = self.screen.picture()
        self._half_since = min(self._half_since, now) if picture.unfinished else float("inf")
        if self._whole and self._whole.columns == picture.columns and 0 <= now - self._half_since < HALF_DRAWN_S:
            return self._whole
        self._whole = picture
        self._find_version(picture)
        return picture

    def _note_mode(self, picture: ScreenSnapshot) -> None:
        """A program that reads lines (by readline, prompt-toolkit) switches bracketed paste on while it reads one."""
        value, before = PASTE_ON if picture.bracketed_paste else PASTE_OFF, self.signals.get(EvidenceSource.MODE)
        if (before.value if before else PASTE_OFF) != value:
            self.signal(Evidence(EvidenceSource.MODE, value, self.last_output))

    def _find_version(self, picture: ScreenSnapshot) -> None:
        banner = self.rules.banner
        if banner is None or self.version or self._before is not Activity.STARTING:
            return
        if found := banner.search("\n".join(picture.rows)):
            self.version = found["version"]

    def _read(self, picture: ScreenSnapshot) -> ScreenReading:
        self.rulebook.distrust_slow()  # an expression that looks at something else may have been slow, too
        rules, others = self.rules, {name: evidence.value for name, evidence in self.signals.items()}
        if self._seen and self._seen[0] is rules and self._seen[1] == picture and self._seen[2] == others:
            return self._seen[3]
        reading = read_screen(rules, picture, others)
        if self.rulebook.distrust_slow():
            return self._read(picture)
        self._seen = (rules, picture, others, reading)
        return reading

    def _claim(self, source: EvidenceSource, argument: RuleMatch | None, at: float, now: float) -> None:
        before = self.claims.get(source)
        if argument is None:
            self._expire_claims(source, before, now)
            return
        same = before and before.says is argument.says and before.fresh(now)
        since = before.since if before and same else at
        renewed = now if source is EvidenceSource.SCREEN and argument.keeps is None else at
        self.claims[source] = ActivityClaim(source, argument.says, argument.rule, since, renewed, argument.keeps)

    def _expire_claims(self, source: EvidenceSource, before: ActivityClaim | None, now: float) -> None:
        """A half repainted screen matches no rule, so a screen's claim stays valid for a moment. Other claims end at
        once."""
        if before is None or source is not EvidenceSource.SCREEN or not before.fresh(now):
            self.claims.pop(source, None)
        elif before.keeps is None:
            grace = DIALOG_GRACE_S if before.says is Activity.ASKING else GRACE_S
            self.claims[source] = replace(before, renewed=now, keeps=grace)

    def _notice_submit(self, reading: ScreenReading, now: float) -> None:
        """If keys are not reported (as in some recordings), text that has left the composer was submitted."""
        if reading.composer is Composer.DRAFT:
            self._draft_since = min(self._draft_since, now)
            return
        stood, self._draft_since = now - self._draft_since, float("inf")
        if reading.composer is Composer.EMPTY and stood > MIN_STABLE_S and self.last_key == float("-inf"):
            self._strokes.mark_submitted("the text has left the composer", "", now, GONE_COUNTS_S)

    def _claim_silence(self, reading: ScreenReading, picture: ScreenSnapshot, now: float) -> None:
        """A silent plain program without a prompt is at work. Silence of a full-screen program means nothing."""
        if self.agent.silence is None or self.rules.distrusted:
            self.claims.pop(EvidenceSource.SILENCE, None)
            return
        printed, quiet_at = self.last_output, self.last_output + self.agent.silence
        if now < quiet_at - 1e-6:
            claim = ActivityClaim(
                EvidenceSource.SILENCE, Activity.BUSY, "it is printing", printed, printed, self.agent.silence
            )
        elif reading.of(EvidenceSource.SCREEN) is None and not (self.rules.experimental or picture.alternate):
            claim = ActivityClaim(
                EvidenceSource.SILENCE, Activity.BUSY, "it is silent and shows no prompt", quiet_at, quiet_at
            )
        else:
            claim = ActivityClaim(
                EvidenceSource.SILENCE, Activity.IDLE, "nothing printed for a while", quiet_at, quiet_at
            )
        self.claims[EvidenceSource.SILENCE] = claim

    def _situation(self, reading: ScreenReading, now: float) -> ActivityInput:
        composer = reading.composer
        if self.rules.box is None and reading.of(EvidenceSource.SCREEN):
            composer = Composer.EMPTY
        settle = SETTLE_AT_START_S if self._before is Activity.STARTING else CALM_FOR_S
        if self.is_new_version:
            settle = UNTESTED_SETTLE_S
        claims, again = self._strokes.with_claims(self.claims, reading.dialog, now)
        return ActivityInput(claims, self._alive, self._before, composer, reading.dialog, settle, again)

    def _with_doubts(self, verdict: Verdict) -> Verdict:
        """Every verdict lists what makes the rules themselves doubtful."""
        doubts = []
        if self.is_new_version:
            doubts.append(f"rules: version {self.version} is untested, so it must be quiet for longer to count as idle")
        if self.rulebook.problem:
            doubts.append(f"rules: {self.rulebook.problem}")
        return replace(verdict, because=(*verdict.because, *doubts)) if doubts else verdict

    def _while_starting(self, verdict: Verdict, now: float) -> Verdict:
        """A prompt drawn while the agent still waits for its terminal's answer may lose typed text."""
        start = self.rules.start
        if (
            start is None
            or self._before is not Activity.STARTING
            or verdict.activity in (*_NEVER_HELD_BACK, self._before)
        ):
            return verdict
        self._drawn_at = min(self._drawn_at, now)
        until = self._drawn_at + start.within if self._asked_at is None else self._asked_at + start.patience
        if self._answered or now >= until - 1e-6:
            return verdict
        again = min(verdict.look_again or until, until)
        return replace(verdict, activity=Activity.STARTING, look_again=again)
