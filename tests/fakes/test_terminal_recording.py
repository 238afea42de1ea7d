"""A terminal of a test run leaves a recording in which markers name the tests."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.fakes.terminal import terminal
from tests.fakes.terminal_recording import FOLDER_VARIABLE, TEST_VARIABLE, Recorder, recorded_tests, recorder_of


def test_without_the_variable_nothing_is_recorded() -> None:
    assert recorder_of({}, 80, 24) is None


def test_a_marker_names_each_test_once(tmp_path: Path) -> None:
    env: dict[str, str] = {}
    recorder = Recorder(tmp_path / "casts", env, 80, 24)
    for test in ("a.py::one (setup)", "a.py::one (call)", "a.py::two (call)"):
        env[TEST_VARIABLE] = test
        recorder.add("o", "é".encode()[:1])
        recorder.add("o", "é".encode()[1:])
    recorder.save()
    (path,) = (tmp_path / "casts").iterdir()
    assert recorded_tests(path) == {"a.py::one", "a.py::two"}
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert rows[0] == {"version": 2, "width": 80, "height": 24}
    assert [(kind, text) for _, kind, text in rows[1:] if text] == [
        ("m", "a.py::one"),
        ("o", "é"),
        ("o", "é"),
        ("m", "a.py::two"),
        ("o", "é"),
    ]


async def test_a_real_terminal_is_recorded_with_its_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "casts"))
    async with terminal((sys.executable, "-c", "print(input('name? ') + '!')"), {}) as pane:
        await pane.shows("name?")
        pane.write("ada\r")
        await pane.shows("ada!")
    (path,) = (tmp_path / "casts").iterdir()
    rows = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    assert "ada\r" in [text for _, kind, text in rows if kind == "i"]
    assert "ada!" in "".join(text for _, kind, text in rows if kind == "o")
