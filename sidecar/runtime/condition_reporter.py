"""Tells the room when a condition of the agent begins, changes or ends, and wakes the delivery loop."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from gateway.protocol.types.agent_conditions import Condition
from sidecar.activity.activity_verdict import CALM_ACTIVITIES
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.conditions.condition_watch import ConditionWatch
from sidecar.connection.room_reporter import RoomReporter
from sidecar.evidence.turn_evidence import EvidenceSource, TurnFact, TurnFactKind
from sidecar.screen.rules import ScreenRules, conditions_of_failure

LOOK_INTERVAL_S = 60.0  # a clock can be set, and a machine can sleep
log = structlog.get_logger("sidecar")


class ConditionReporter:
    """`rules` are those in force now. `look_again` asks for a look after some seconds. `on_change` is called after each
    change."""

    def __init__(
        self,
        watch: ConditionWatch,
        rules: Callable[[], ScreenRules],
        reporter: RoomReporter,
        look_again: Callable[[float], None],
        on_change: Callable[[], None],
    ) -> None:
        self._watch, self._rules, self._reporter = watch, rules, reporter
        self._look_again, self._on_change = look_again, on_change
        self._told: Condition | None = None
        self._told_by_hook = ""

    def observe(self, moment: AgentSnapshot) -> None:
        """Take in one look; end the limit if it is due; ask for the next look."""
        self._watch.screen_shows(moment.reading.conditions)
        if self._watch.go_on(calm=moment.verdict.activity in CALM_ACTIVITIES):
            log.warning("the usage limit should have ended; the agent goes on")
        if wait := self._watch.seconds_to_wait():
            self._look_again(min(wait, LOOK_INTERVAL_S))
        self._tell()

    def fact(self, fact: TurnFact) -> None:
        if fact.kind is TurnFactKind.FAILED and not self._was_told_by_hook(fact):
            self._watch.turn_failed(conditions_of_failure(self._rules(), fact.text))
        if fact.kind is TurnFactKind.REFUSED:
            self._watch.request_refused(conditions_of_failure(self._rules(), fact.text))
        self._watch.fact(fact)
        self._tell()

    def _was_told_by_hook(self, fact: TurnFact) -> bool:
        """The transcript repeats what a hook told, and may be read when the limit is long over."""
        if fact.source is EvidenceSource.HOOK:
            self._told_by_hook = fact.text
            return False
        repeated, self._told_by_hook = fact.text == self._told_by_hook, ""
        return repeated

    def again(self) -> None:
        """The room has forgotten what it was told."""
        self._told = None
        self._tell()

    def _tell(self) -> None:
        condition = self._watch.condition
        if condition == self._told:
            return
        self._told = condition
        self._reporter.condition(condition)
        log.info("=", condition=str(condition.kind) if condition else "", until=condition.until if condition else "")
        self._on_change()
