"""Answers what a running sidecar sees and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sidecar.activity.explanation import explain_observation
from sidecar.activity.observation_loop import ObservationLoop
from sidecar.evidence_sources.turn_reports import TurnReports
from sidecar.messages.inbox import MessageQueue
from sidecar.run_files.run_plan import RunPlan
from sidecar.terminal.pty import Terminal


class ExplainAnswers:
    def __init__(  # noqa: PLR0913, PLR0917 - all that is explained
        self,
        plan: RunPlan,
        terminal: Terminal,
        observation_loop: ObservationLoop,
        inbox: MessageQueue,
        reports: TurnReports,
        now: Callable[[], float],
    ) -> None:
        self._plan, self._terminal, self._observation_loop = plan, terminal, observation_loop
        self._inbox, self._reports, self._now = inbox, reports, now

    def explain(self) -> dict[str, Any]:
        moment = self._observation_loop.look()
        waiting = [
            {"number": one.number, "from": one.message.from_, "rung": str(one.rung), "reason": one.reason}
            for one in self._inbox.waiting()
        ]
        terminal = self._terminal
        process = {"pid": terminal.pid, "stopped": terminal.stopped, "reads": self._observation_loop.in_foreground()}
        own = {"name": self._plan.name, "command": list(self._plan.command), "process": process, "waiting": waiting}
        seen = explain_observation(self._observation_loop.watch, moment, self._now())
        return {**own, **seen, "reports": self._reports.explain()}

    def save(self) -> dict[str, Any]:
        """As `explain`, with the recording of the last seconds."""
        return {**self.explain(), "cast": "".join(self._observation_loop.recent.cast(self._now()))}
