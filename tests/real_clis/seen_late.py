"""How late a sidecar sees each change of a real CLI, against what keystrokes and the model server know."""

from dataclasses import dataclass

from sidecar.activity.recording_score import SAME_STATES, compare_spans, state_at, worst_false_idle
from tests.real_clis.watched import State, Watched

PATIENCE = 1.0


@dataclass(frozen=True)
class Figures:
    changes: int
    false_idle: float
    p50: float
    p95: float
    worst: float

    def __str__(self) -> str:
        times = f"p50 {self.p50 * 1000:.0f} ms, p95 {self.p95 * 1000:.0f} ms, worst {self.worst * 1000:.0f} ms"
        return f"{self.changes} changes seen after {times}; longest false idle {self.false_idle:.2f} s"


def figures(eyes: Watched) -> Figures:
    """A change counts from when it is true; of a dialog, from when it is on the screen."""
    drawn = {label: shown for label, shown in eyes.line.drawn}
    true = [(drawn.get(when, when), SAME_STATES.get(state, state)) for when, state in sorted(eyes.line.true)]
    seen = [(when, SAME_STATES.get(state, state)) for when, state in eyes.line.seen]
    late = sorted(lateness(true, seen, eyes.now()))
    false = worst_false_idle(compare_spans(true, seen, eyes.now()), [when for when, _ in true])
    return Figures(len(late), false, late[len(late) // 2], late[int(len(late) * 0.95)], late[-1])


def lateness(true: list[State], seen: list[State], end: float) -> list[float]:
    """How long each true state was not seen, if it lasted long enough to be."""
    late = []
    for number, (begin, state) in enumerate(true[2:], start=2):
        over = true[number + 1][0] if number + 1 < len(true) else end
        noticed = (
            begin if state_at(seen, begin) == state else next((t for t, one in seen if t > begin and one == state), end)
        )
        if noticed <= over or over - begin > PATIENCE:
            late.append(noticed - begin)
    return late
