"""Reads and filters the bytes between an agent and its terminal: titles, vendor states, notices, the bell, probes, a
person's keys. Pure: bytes and times in, values out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sidecar.evidence.turn_evidence import Evidence, EvidenceSource


@dataclass(frozen=True)
class Probe:
    """A query that we answer in the terminal's place, so that the agent gives a signal. The real terminal never sees
    it."""

    query: bytes
    answer: bytes


# Whether the terminal understands a program's own report of its state (OSC 7501).
STATUS_PROBE = Probe(b"\x1b]7501;?", b"\x1b]7501;?1\x1b\\")
_OSC = re.compile(rb"\x1b\](\d+);([^\x07\x1b]*)(?:\x07|\x1b\\)")
_SOURCE_BY_NUMBER = {
    b"0": EvidenceSource.TITLE,
    b"2": EvidenceSource.TITLE,
    b"7501": EvidenceSource.VENDOR,
    b"9": EvidenceSource.NOTICE,
    b"777": EvidenceSource.NOTICE,
}
_ENDED_BY_BELL = re.compile(rb"\x1b\][^\x07\x1b]*\x07")
_MAX_SEQUENCE_BYTES = 4096
BELL_VALUE = "rang"


class OscReader:
    """Finds titles, vendor states, notices and the bell in a stream that may be cut anywhere."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes, now: float) -> list[Evidence]:
        if not self._rest and b"\x1b]" not in data and b"\x07" not in data and not data.endswith(b"\x1b"):
            return []
        data = self._rest + data
        found, end = [], 0
        for match in _OSC.finditer(data):
            end = match.end()
            if source := _SOURCE_BY_NUMBER.get(match[1]):
                found.append(Evidence(source, match[2].decode(errors="replace"), now))
        self._rest = _unfinished_part(data, end)
        if _has_bell(data):
            found.append(Evidence(EvidenceSource.BELL, BELL_VALUE, now))
        return found


def _has_bell(data: bytes) -> bool:
    """The bell's byte also ends a title and similar sequences."""
    return b"\x07" in data and data.count(b"\x07") > len(_ENDED_BY_BELL.findall(data))


def _unfinished_part(data: bytes, end: int) -> bytes:
    start = data.rfind(b"\x1b]", end)
    if start < 0:
        return b"\x1b" if data.endswith(b"\x1b") else b""
    rest = data[start:]
    closed = _OSC.match(rest) or b"\x07" in rest or re.match(rb"\x1b\][^\x1b]*\x1b.", rest, re.DOTALL)
    return b"" if closed or len(rest) > _MAX_SEQUENCE_BYTES else rest


class ProbeFilter:
    """Removes one kind of query from the agent's output and leaves every other byte unchanged."""

    def __init__(self, probe: Probe | None) -> None:
        self._probe = probe
        self._held = b""

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """The bytes for the terminal, and the answer for the agent."""
        if self._probe is None:
            return data, b""
        data = self._held + data
        answers = 0
        for ending in (b"\x07", b"\x1b\\"):
            answers += data.count(self._probe.query + ending)
            data = data.replace(self._probe.query + ending, b"")
        self._held = self._beginning(data, self._probe.query)
        return data[: len(data) - len(self._held)], self._probe.answer * answers

    @staticmethod
    def _beginning(data: bytes, query: bytes) -> bytes:
        """The end of `data`, if it may be the start of the query."""
        whole = query + b"\x1b"
        for size in range(min(len(whole), len(data)), 0, -1):
            if data.endswith(whole[:size]):
                return whole[:size]
        return b""

    @property
    def holding(self) -> bool:
        return bool(self._held)

    def flush(self) -> bytes:
        """The bytes that were held back for a query that did not come."""
        held, self._held = self._held, b""
        return held


_NOT_KEYS = re.compile(
    rb"\x1b\[<[\d;]*[Mm]"  # mouse
    rb"|\x1b\[M..."  # old mouse
    rb"|\x1b\[[IO]"  # focus
    rb"|\x1b\[[?>=]?[\d;]*\$?[cRnty]"  # answers to device, cursor, size and mode queries
    rb"|\x1b\[\?[\d;]*u"  # keyboard protocol
    rb"|\x1b[P\]_][^\x07\x1b]*(?:\x07|\x1b\\)",  # strings
    re.DOTALL,
)
_ESCAPE = re.compile(rb"\x1b|(?:\x1b\[27u)+")
_CTRL_C = (b"\x03", b"\x1b[99;5u")


def human_keys_in(data: bytes) -> bytes:
    """The keys of a person, without what the terminal sends by itself (mouse, focus, answers)."""
    return _NOT_KEYS.sub(b"", data)


def is_abort(keys: bytes) -> bool:
    """Whether a person pressed Escape or Ctrl-C, which stops our typing."""
    return _ESCAPE.fullmatch(keys) is not None or any(one in keys for one in _CTRL_C)
