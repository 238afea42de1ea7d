"""Recordings of the terminals of a test run, to find out later why a test failed: if a variable names a folder, each
terminal leaves an asciicast there, in which markers say which test was running."""

from __future__ import annotations

import codecs
import json
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

FOLDER_VARIABLE = "GROUPCHAT_RECORD_TERMINALS"
TEST_VARIABLE = "PYTEST_CURRENT_TEST"


class Recorder:
    def __init__(self, folder: Path, env: Mapping[str, str], columns: int, lines: int) -> None:
        self._path, self._env = folder / f"{uuid.uuid4().hex}.cast", env
        self._header = {"version": 2, "width": columns, "height": lines}
        self._began = time.monotonic()
        self._events: list[tuple[float, str, str]] = []
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._test = ""

    def add(self, kind: str, data: bytes) -> None:
        at = round(time.monotonic() - self._began, 4)
        test = self._env.get(TEST_VARIABLE, "").partition(" ")[0]
        if test != self._test:
            self._test = test
            self._events.append((at, "m", test))
        self._events.append((at, kind, self._decode(data) if kind == "o" else data.decode("utf-8", "replace")))

    def save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        rows = [self._header, *self._events]
        self._path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def recorder_of(env: Mapping[str, str], columns: int, lines: int) -> Recorder | None:
    folder = env.get(FOLDER_VARIABLE)
    return Recorder(Path(folder), env, columns, lines) if folder else None


def recorded_tests(recording: Path) -> set[str]:
    rows = (json.loads(line) for line in recording.read_text(encoding="utf-8").splitlines()[1:])
    return {text for _, kind, text in rows if kind == "m"}
