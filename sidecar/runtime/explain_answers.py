"""Answers what a running sidecar sees and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sidecar.activity.explanation import explain_observation
from sidecar.activity.observation_loop import ObservationLoop
from sidecar.messages.inbox import MessageQueue
from sidecar.run_files.run_plan import RunPlan
from sidecar.terminal.pty import Terminal


class ExplainAnswers:
    def __init__(
        self,
        plan: RunPlan,
        terminal: Terminal,
        observation_loop: ObservationLoop,
        inbox: MessageQueue,
        now: Callable[[], float],
    ) -> None:
        self._plan, self._terminal, self._observation_loop, self._inbox, self._now = (
            plan,
            terminal,
            observation_loop,
            inbox,
            now,
        )

    def explain(self) -> dict[str, Any]:
        moment = self._observation_loop.look()
        waiting = [
            {"number": one.number, "from": one.message.from_, "rung": str(one.rung), "reason": one.reason}
            for one in self._inbox.waiting()
        ]
        terminal = self._terminal
        process = {"pid": terminal.pid, "stopped": terminal.stopped, "reads": self._observation_loop.in_foreground()}
        own = {"name": self._plan.name, "command": list(self._plan.command), "process": process, "waiting": waiting}
        return {**own, **explain_observation(self._observation_loop.watch, moment, self._now())}

    def save(self) -> dict[str, Any]:
        """As `explain`, with the recording of the last seconds."""
        return {**self.explain(), "cast": "".join(self._observation_loop.recent.cast(self._now()))}
