"""One running turn: its current step and its progress."""

from sidecar.demo_agent.turn_plans import EditStep, PlanStep, StreamStep, WorkStep


class RunningTurn:
    def __init__(self, steps: tuple[PlanStep, ...], now: float) -> None:
        self.began = now
        self._steps = steps
        self._step_began = now

    @property
    def step_ends(self) -> float:
        step = self._steps[0]
        return self._step_began + (step.seconds if isinstance(step, WorkStep | EditStep | StreamStep) else 0.0)

    def next_step(self) -> PlanStep:
        """Leave the current step, which is over. The next one began when it ended."""
        self._step_began = self.step_ends
        step, self._steps = self._steps[0], self._steps[1:]
        return step

    def restart_step(self, now: float) -> None:
        self._step_began = now

    def streamed(self, now: float) -> str:
        """The part of the answer that has been printed so far, by whole words."""
        step = self._steps[0]
        if not isinstance(step, StreamStep):
            return ""
        share = (now - self._step_began) / step.seconds if step.seconds else 1.0
        return step.text if share >= 1.0 else step.text[: int(share * len(step.text))].rpartition(" ")[0]

    def tool_lines_printed(self, now: float) -> int:
        """How many lines of tool output have been printed: one per half second of chatty work."""
        step = self._steps[0]
        chatty = isinstance(step, WorkStep) and step.chatty
        return int((now - self._step_began) / 0.5) if chatty else 0
