"""Tells the room when a condition of the agent begins, changes or ends, and wakes the delivery loop."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from gateway.protocol.types.agent_conditions import Condition
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.conditions.condition_watch import ConditionWatch
from sidecar.connection.room_reporter import RoomReporter
from sidecar.evidence.turn_evidence import TurnFact, TurnFactKind
from sidecar.screen.rules import ScreenRules, conditions_of_failure

log = structlog.get_logger("sidecar")


class ConditionReporter:
    """`rules` are those in force now. `on_change` is called after each change."""

    def __init__(
        self,
        watch: ConditionWatch,
        rules: Callable[[], ScreenRules],
        reporter: RoomReporter,
        on_change: Callable[[], None],
    ) -> None:
        self._watch, self._rules, self._reporter, self._on_change = watch, rules, reporter, on_change
        self._told: Condition | None = None

    def observe(self, moment: AgentSnapshot) -> None:
        self._watch.screen_shows(moment.reading.conditions)
        self._tell()

    def fact(self, fact: TurnFact) -> None:
        if fact.kind is TurnFactKind.FAILED:
            self._watch.turn_failed(conditions_of_failure(self._rules(), fact.text))
        self._watch.fact(fact)
        self._tell()

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
