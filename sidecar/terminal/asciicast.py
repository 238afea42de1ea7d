"""Recordings in asciicast format, version 2: of a whole session, or of its last seconds.

Beside output (`o`), input (`i`) and resizes (`r`) they may hold signals (`s`), which are in no output: what a hook or
the agent's status file told. Players of such recordings ignore them.

Bytes that are no valid text are kept as lone surrogates, so that a recording contains exactly what was printed.
"""

from __future__ import annotations

import codecs
import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from sidecar.errors import BadRecording
from sidecar.evidence.turn_evidence import Evidence, EvidenceSource

MAX_KEPT_S = 15.0
MAX_KEPT_BYTES = 1 << 18
SIGNAL_KIND = "s"
CastEvent = tuple[float, str, bytes]


def header_line(columns: int, rows: int, **more: object) -> str:
    return json.dumps({"version": 2, "width": columns, "height": rows, **more}) + "\n"


def output_bytes(text: str) -> bytes:
    """The printed bytes. Recordings of other programs may contain surrogates that stand for no byte."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return text.encode(errors="surrogatepass")


def signal_data(evidence: Evidence) -> bytes:
    """A signal as the data of an event, such as `status running`."""
    return f"{evidence.source} {evidence.value}".encode(errors="replace")


def read_signal(text: str, at: float) -> Evidence | None:
    """None for an event of another program, which may mean something else."""
    source, _, value = text.partition(" ")
    return Evidence(EvidenceSource(source), value, at) if source in set(EvidenceSource) else None


class AsciicastLines:
    """Events as lines of text. A character that is split between two events goes with its second half."""

    def __init__(self) -> None:
        make = codecs.getincrementaldecoder("utf-8")
        self._texts = {kind: make(errors="surrogateescape") for kind in "oirs"}

    def line(self, at: float, kind: str, data: bytes) -> str:
        text = self._texts[kind].decode(data)
        return json.dumps([round(at, 6), kind, text]) + "\n" if text else ""

    def last(self, at: float) -> str:
        """The halves of characters that never became complete."""
        rests = ((kind, one.decode(b"", final=True)) for kind, one in self._texts.items())
        return "".join(json.dumps([round(at, 6), kind, text]) + "\n" for kind, text in rests if text)


class Recorder:
    """Writes a session down as it happens."""

    def __init__(self, file: TextIO, size: tuple[int, int], clock: Callable[[], float]) -> None:
        self._file, self._clock, self._begun = file, clock, clock()
        self._lines = AsciicastLines()
        file.write(header_line(*size))

    def output(self, data: bytes) -> None:
        self._write("o", data)

    def keys(self, data: bytes) -> None:
        self._write("i", data)

    def note_resize(self, columns: int, rows: int) -> None:
        self._write("r", f"{columns}x{rows}".encode())

    def _write(self, kind: str, data: bytes) -> None:
        self._file.write(self._lines.line(self._clock() - self._begun, kind, data))

    def close(self) -> None:
        self._file.write(self._lines.last(self._clock() - self._begun))


class RecordedSpan:
    """The events since a moment whose screen is known."""

    def __init__(self, at: float, size: tuple[int, int], screen: bytes) -> None:
        self.at, self.size, self.screen = at, size, screen
        self.events: list[CastEvent] = []
        self.bytes = 0


class RecentRecording:
    """The last seconds of a session. From time to time it starts again from the current screen, so that it stays
    small."""

    def __init__(self, size: tuple[int, int], now: float = 0.0) -> None:
        self._parts: deque[RecordedSpan] = deque([RecordedSpan(now, size, b"")], maxlen=2)

    def add(self, at: float, kind: str, data: bytes) -> None:
        part = self._parts[-1]
        part.events.append((at, kind, data))
        part.bytes += len(data) + 100

    def is_full(self, now: float) -> bool:
        part = self._parts[-1]
        return bool(part.events) and (now - part.at > MAX_KEPT_S or part.bytes > MAX_KEPT_BYTES)

    def begin_anew(self, at: float, size: tuple[int, int], screen: bytes) -> None:
        self._parts.append(RecordedSpan(at, size, screen))

    def cast(self, now: float) -> Iterator[str]:
        """The recording: first the screen at its start, then the events."""
        first, lines = self._parts[0], AsciicastLines()
        yield header_line(*first.size)
        yield lines.line(0.0, "o", first.screen)
        for at, kind, data in _events_of_spans(self._parts):
            yield lines.line(at - first.at, kind, data)
        yield lines.last(now - first.at)


def _events_of_spans(parts: Iterable[RecordedSpan]) -> Iterator[CastEvent]:
    for part in parts:
        yield from part.events


def open_new_recording(path: Path) -> TextIO:
    """Create a file for its owner alone, because typed text may be secret. An existing file is not overwritten."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")
    except FileExistsError as error:
        raise BadRecording(f"{path} exists already; choose another file with -o.") from error
    except OSError as error:
        raise BadRecording(f"{path} cannot be written: {error.strerror}.") from error


def save_observation(folder: Path, stem: str, answer: Mapping[str, Any]) -> Path:
    """Save a moment as a test recording: the bytes, and beside them the sidecar's verdict with its reasons."""
    facts = {name: value for name, value in answer.items() if name != "cast"}
    cast = str(answer["cast"])
    verdict, screen = facts["verdict"], facts["screen"]
    truth = {
        "cli": facts["rules"]["agent"],
        "version": facts["version"]["seen"],
        "scenario": stem,
        "columns": screen["columns"],
        "rows": screen["rows"],
        "end": json.loads(cast.rstrip("\n").rsplit("\n", 1)[-1])[0] if cast.count("\n") > 1 else 0.0,
        "states": [[0.0, verdict["activity"]]],
        "notes": "The last state is what the sidecar thought; set the true ones.",
        "evidence": facts,
    }
    path = folder / f"{stem}.cast"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadRecording(f"{folder} cannot be made: {error.strerror}.") from error
    with open_new_recording(path) as file:
        file.write(cast)
    with open_new_recording(path.with_suffix(".json")) as file:
        json.dump(truth, file, indent=1, ensure_ascii=False)
    return path
