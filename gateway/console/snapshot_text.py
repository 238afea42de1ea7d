"""How the snapshots of a running gateway stand, in words, and what is wrong with them. Pure."""

from __future__ import annotations

from gateway.console.durations import duration_text
from gateway.protocol.results import SnapshotStanding

LATE_INTERVALS = 2


def snapshot_text(standing: SnapshotStanding) -> str:
    """The warning, if there is one; else how old the newest one is."""
    if warning := snapshot_warning(standing):
        return warning
    if standing.age is None:
        return "the first one is being taken"
    return f"the newest is {duration_text(standing.age)} old, one every {duration_text(standing.every)}"


def snapshot_warning(standing: SnapshotStanding) -> str:
    """What a person must know: the last one failed, the newest is too old, or there is none. Empty if all is well."""
    newest = f"the newest is {duration_text(standing.age)} old" if standing.age is not None else "there is none yet"
    if standing.last_failure:
        return f"The last snapshot failed, and {newest}: {standing.last_failure}"
    late = LATE_INTERVALS * standing.every
    if 0 < standing.taking_for <= late or (standing.age is not None and standing.age <= late):
        return ""
    wanted = f"one is due every {duration_text(standing.every)}"
    if standing.taking_for:
        return f"A snapshot does not end: it began {duration_text(standing.taking_for)} ago. {_sentence(newest)}."
    return f"{_sentence(newest)}, and {wanted}."


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
