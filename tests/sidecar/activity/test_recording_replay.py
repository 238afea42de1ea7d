"""Recordings are replayed in virtual time."""

import json

import pytest

from sidecar.activity.recording_replay import parse_recording, replay_changes
from sidecar.agents import REGISTRY
from sidecar.errors import BadRecording


@pytest.mark.parametrize("lines", [["{}"], ["not json"], ['{"width": 1, "height": 1}', "[1]"]])
def test_an_invalid_recording_is_refused(lines: list[str]) -> None:
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
    changes = list(replay_changes(parse_recording(recording), REGISTRY["claude"]))
    assert [(int(one.t), one.activity, one.composer) for one in changes] == [
        (0, "starting", "hidden"),
        (1, "starting", "empty"),
        (1, "idle", "empty"),
        (5, "busy", "empty"),
        (6, "idle", "empty"),
    ]


def test_a_signal_counts_from_when_it_was_told() -> None:
    rule = "─" * 40
    idle = f"\x1b[2J\x1b[H\x1b]0;Cline\x07{rule}\r\n❯ \r\n{rule}\x1b[2;3H\x1b[?25h"
    recording = [
        json.dumps({"version": 2, "width": 40, "height": 10}),
        json.dumps([1.0, "o", idle]),
        json.dumps([5.0, "s", "status running"]),
        json.dumps([6.0, "s", "of another program"]),
        json.dumps([7.0, "s", "status idle"]),
        json.dumps([9.0, "o", ""]),
    ]
    changes = [(int(one.t), one.activity) for one in replay_changes(parse_recording(recording), REGISTRY["cline"])]
    assert changes[-3:] == [(1, "idle"), (5, "busy"), (7, "idle")]
