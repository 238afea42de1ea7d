"""Recordings of real agents, where they are at hand, watched in virtual time."""

import json
from pathlib import Path

import pytest

from sidecar.agents import REGISTRY
from sidecar.errors import BadRecording
from sidecar.replay import parse_recording, replay

FOLDER = Path(__file__).parents[1] / "recordings"
PARTIAL = ("claude-misc-dialogs", "claude-draft-stash")
SAME = {"approval": "asking", "error": "idle", "exited": "gone"}
RECORDINGS = sorted(path for path in FOLDER.glob("claude*.cast") if path.stem not in PARTIAL)
Spans = list[tuple[float, str]]


def seen(path: Path) -> Spans:
    with path.open(encoding="utf-8") as lines:
        changes = replay(parse_recording(lines), REGISTRY["claude"])
        return [(change.t, SAME.get(change.activity, change.activity)) for change in changes]


def truth(path: Path) -> tuple[Spans, float]:
    data = json.loads(path.with_suffix(".json").read_text())
    states = [(at, SAME.get(state, state)) for at, state in data["states"]]
    end = next((at for at, state in states if state == "gone"), data["end"])
    return states, min(end, data["end"])


def at(spans: Spans, time: float) -> str:
    return next((state for begin, state in reversed(spans) if begin <= time), "starting")


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_no_false_idle(path: Path) -> None:
    states, end = truth(path)
    spans = seen(path)
    for time in (n / 100 for n in range(int(end * 100))):
        near = any(abs(time - begin) < 0.4 for begin, _ in states)
        if not near and at(spans, time) == "idle":
            assert at(states, time) in ("idle", "starting"), f"false idle at {time}"


@pytest.mark.skipif(not RECORDINGS, reason="no recordings in tests/recordings")
def test_there_are_recordings() -> None:
    assert RECORDINGS


@pytest.mark.parametrize("lines", [["{}"], ["not json"], ['{"width": 1, "height": 1}', "[1]"]])
def test_what_is_no_recording_is_refused(lines: list[str]) -> None:
    with pytest.raises(BadRecording):
        parse_recording(lines)


def test_a_line_per_change_in_virtual_time() -> None:
    rule = "─" * 40
    idle = f"\x1b[2J\x1b[H\x1b]0;✳ x\x07{rule}\r\n❯ \r\n{rule}\r\n  ? for shortcuts"
    busy = "\x1b]0;◐ x\x07"
    recording = [
        json.dumps({"version": 2, "width": 40, "height": 10}),
        json.dumps([1.0, "o", idle]),
        json.dumps([5.0, "o", busy]),
        json.dumps([6.0, "o", "\x1b]0;✳ x\x07"]),
        json.dumps([9.0, "o", ""]),
    ]
    changes = list(replay(parse_recording(recording), REGISTRY["claude"]))
    assert [(int(one.t), one.activity, one.composer) for one in changes] == [
        (0, "starting", "hidden"),
        (1, "starting", "empty"),
        (1, "idle", "empty"),
        (5, "busy", "empty"),
        (6, "idle", "empty"),
    ]
