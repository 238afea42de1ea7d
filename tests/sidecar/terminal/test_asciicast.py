"""Recordings contain exactly what was printed, and the last seconds begin with the screen at their start."""

import io
import json
import os
import random
import sys
from pathlib import Path

import pytest

from sidecar.activity.recording_replay import parse_recording
from sidecar.evidence.turn_evidence import Evidence, EvidenceSource
from sidecar.screen.emulator import Screen
from sidecar.terminal.asciicast import (
    MAX_KEPT_BYTES,
    MAX_KEPT_S,
    SIGNAL_KIND,
    RecentRecording,
    Recorder,
    header_line,
    output_bytes,
    read_signal,
    signal_data,
)
from sidecar.terminal.person_at_terminal import HumanTerminal
from sidecar.terminal.record_session import RecordedSession


def recorded(recent: RecentRecording, now: float = 100.0) -> bytes:
    events = parse_recording(recent.cast(now)).events
    return b"".join(output_bytes(text) for _, kind, text in events if kind == "o")


@pytest.mark.parametrize("size", [1, 3, 100])
def test_every_byte_is_kept_however_it_is_cut(size: int) -> None:
    data = "Grüße 🌍 ─".encode() * 20 + random.Random(7).randbytes(500)
    recent = RecentRecording((80, 24))
    for at in range(0, len(data), size):
        recent.add(at / 100, "o", data[at : at + size])
    assert recorded(recent) == data


def test_the_last_seconds_begin_with_the_screen_at_their_start() -> None:
    screen, recent = Screen(40, 5), RecentRecording((40, 5))
    for number in range(50):
        data = f"\x1b[3{number % 8}mline {number}\x1b[0m\r\n".encode()
        screen.feed(data)
        recent.add(number, "o", data)
        if recent.is_full(number):
            recent.begin_anew(number, screen.size, screen.painted())
    again = Screen(40, 5)
    again.feed(recorded(recent))
    assert again.picture() == screen.picture()
    first = parse_recording(recent.cast(50.0)).events
    assert 50 - MAX_KEPT_S > first[-1][0] > MAX_KEPT_S - 1


def test_it_is_full_by_time_and_by_size_and_never_when_nothing_happened() -> None:
    recent = RecentRecording((80, 24))
    assert not recent.is_full(1000)
    recent.add(1, "o", b"x")
    assert not recent.is_full(2)
    assert recent.is_full(MAX_KEPT_S + 2)
    recent.begin_anew(20, (80, 24), b"")
    recent.add(21, "o", b"x" * MAX_KEPT_BYTES)
    assert recent.is_full(21)


def test_a_session_is_written_with_its_times_keys_and_sizes() -> None:
    times = iter([0.0, 0.5, 1.0, 1.5, 2.0, 3.0])
    file = io.StringIO()
    recorder = Recorder(file, (80, 24), lambda: next(times))
    recorder.output("é".encode()[:1])
    recorder.output("é".encode()[1:] + b"\xff\xe2")
    recorder.keys(b"q")
    recorder.note_resize(90, 30)
    recorder.close()
    first, *lines = file.getvalue().splitlines()
    assert first == header_line(80, 24).strip()
    assert [json.loads(line) for line in lines] == [
        [1.0, "o", "é\udcff"],
        [1.5, "i", "q"],
        [2.0, "r", "90x30"],
        [3.0, "o", "\udce2"],
    ]


def test_a_signal_beside_the_output_is_kept_and_read_again() -> None:
    recent = RecentRecording((80, 24))
    told = Evidence(EvidenceSource.STATUS, "pending", 1.5)
    recent.add(told.at, SIGNAL_KIND, signal_data(told))
    (event,) = [one for one in parse_recording(recent.cast(2.0)).events if one[1] == SIGNAL_KIND]
    assert read_signal(event[2], event[0]) == told
    assert read_signal("what another program means by it", 1.5) is None


async def test_a_program_without_a_terminal_is_answered_by_the_emulator(tmp_path: Path) -> None:
    code = "import os, tty; tty.setraw(0); os.write(1, b'\\x1b[6n'); print(os.read(0, 20)); raise SystemExit(3)"
    env = {**os.environ, "COLUMNS": "100", "LINES": "30"}
    with (tmp_path / "cast").open("w") as file:
        status = await RecordedSession((sys.executable, "-c", code), env, HumanTerminal(), file).run()
    assert status == 3
    lines = (tmp_path / "cast").read_text().splitlines()
    assert json.loads(lines[0])["width"] == 100
    assert "x1b[1;1R" in "".join(json.loads(line)[2] for line in lines[1:])
