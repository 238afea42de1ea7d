"""What is said of snapshots: that all is well, or what is wrong."""

from __future__ import annotations

import pytest

from gateway.console.snapshot_text import snapshot_text, snapshot_warning
from gateway.protocol.results import SnapshotStanding

EVERY_S = 1800.0


@pytest.mark.parametrize(
    ("standing", "text"),
    [
        (SnapshotStanding(EVERY_S, age=720), "the newest is 12 min old, one every 30 min"),
        (SnapshotStanding(EVERY_S, age=EVERY_S * 2), "the newest is 1 h 0 min old, one every 30 min"),
        (SnapshotStanding(EVERY_S, taking_for=5), "the first one is being taken"),
        (SnapshotStanding(EVERY_S, age=86_400, taking_for=5), "the newest is 1 d 0 h old, one every 30 min"),
    ],
)
def test_all_is_well(standing: SnapshotStanding, text: str) -> None:
    assert (snapshot_text(standing), snapshot_warning(standing)) == (text, "")


@pytest.mark.parametrize(
    ("standing", "text"),
    [
        (SnapshotStanding(EVERY_S), "There is none yet, and one is due every 30 min."),
        (SnapshotStanding(EVERY_S, age=7200), "The newest is 2 h 0 min old, and one is due every 30 min."),
        (
            SnapshotStanding(EVERY_S, age=7200, taking_for=7100),
            "A snapshot does not end: it began 1 h 58 min ago. The newest is 2 h 0 min old.",
        ),
        (
            SnapshotStanding(EVERY_S, age=60, failures=1, last_failure="The disk is full."),
            "The last snapshot failed, and the newest is 1 min old: The disk is full.",
        ),
        (
            SnapshotStanding(EVERY_S, taking_for=2, failures=3, last_failure="The disk is full."),
            "The last snapshot failed, and there is none yet: The disk is full.",
        ),
    ],
)
def test_what_is_wrong_is_a_sentence(standing: SnapshotStanding, text: str) -> None:
    assert snapshot_text(standing) == snapshot_warning(standing) == text
