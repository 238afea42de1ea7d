"""What the sidecar sees of each real CLI, against what keystrokes and the model server know.

EYES_TURNS=50 pytest -s tests/real_clis/test_eyes.py     prints the long run: that many turns of each kind.
EYES_KEEP=FOLDER keeps what was printed and pressed as a recording, to find out why something was seen late.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.models.script import Reply
from tests.real_clis.homes import CLIS, Cli
from tests.real_clis.record import PROSE
from tests.real_clis.watched import State, Watched, watched
from tests.sidecar.scoring import SAME, at, pieces, worst_false_idle

TURNS = int(os.environ.get("EYES_TURNS", "1"))
KEEP = os.environ.get("EYES_KEEP", "")
PATIENCE = 1.0
LATE = 0.3
SAFETY = 10.0  # a starved CLI itself prints nothing for seconds

pytestmark = pytest.mark.slow


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
    true = [(drawn.get(when, when), SAME.get(state, state)) for when, state in sorted(eyes.line.true)]
    seen = [(when, SAME.get(state, state)) for when, state in eyes.line.seen]
    late = sorted(lateness(true, seen, eyes.now()))
    false = worst_false_idle(pieces(true, seen, eyes.now()), [when for when, _ in true])
    return Figures(len(late), false, late[len(late) // 2], late[int(len(late) * 0.95)], late[-1])


def lateness(true: list[State], seen: list[State], end: float) -> list[float]:
    """How long each true state was not seen, if it lasted long enough to be."""
    late = []
    for number, (begin, state) in enumerate(true[2:], start=2):
        over = true[number + 1][0] if number + 1 < len(true) else end
        noticed = begin if at(seen, begin) == state else next((t for t, one in seen if t > begin and one == state), end)
        if noticed <= over or over - begin > PATIENCE:
            late.append(noticed - begin)
    return late


async def turns(eyes: Watched) -> None:
    for number in range(TURNS):
        await eyes.turn(f"[alice #{4 * number + 1}] short", Reply("Short."))
        await eyes.turn(f"[alice #{4 * number + 2}] long", Reply(PROSE, seconds=2))
        await eyes.turn(f"[alice #{4 * number + 3}] silent", Reply("Done.", silence=2))
        await eyes.turn(f"[alice #{4 * number + 4}] tool", Reply("Let me.", tool=eyes.cli.tool), Reply("Made."))


@pytest.mark.parametrize("cli", CLIS.values(), ids=CLIS)
async def test_no_false_idle_and_every_change_is_seen(cli: Cli, tmp_path: Path) -> None:
    async with watched(cli, tmp_path) as eyes:
        await turns(eyes)
        found = figures(eyes)
        if KEEP:
            eyes.save(Path(KEEP) / f"{cli.name}-live.cast", [])
    print(f"\n{cli.name} {cli.version}: {found}")
    assert found.false_idle == 0
    assert found.worst <= SAFETY
    if TURNS > 1:
        assert found.p95 <= LATE
