"""A stream may be cut anywhere: the evidence is the same, and every byte but the probe is passed on."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.evidence.escape_sequences import OscReader, Probe, ProbeFilter, human_keys_in, is_abort
from sidecar.evidence.turn_evidence import EvidenceSource

PROBE = Probe(b"\x1b]7501;?", b"\x1b]7501;?1\x1b\\")
STREAM = "abc\x1b]0;✳ one\x07def\x1b]7501;state=idle\x1b\\x\x1b[31m\x1b]2;two\x1b\\\x1b]8;;http://a\x07".encode()


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in itertools.pairwise(places)]


@given(st.lists(st.integers(0, 200)))
def test_titles_and_states_are_found_however_the_stream_is_cut(cuts: list[int]) -> None:
    reader = OscReader()
    found = [one for piece in pieces(STREAM, cuts) for one in reader.feed(piece, 1.0)]
    assert [(one.source, one.value) for one in found] == [
        (EvidenceSource.TITLE, "✳ one"),
        (EvidenceSource.VENDOR, "state=idle"),
        (EvidenceSource.TITLE, "two"),
    ]


RINGING = b"\x1b]0;one\x07ab\x07\x1b]9;Approval requested: touch\x07\x1b]777;notify;a;b\x1b\\"


@given(st.lists(st.integers(0, 200)))
def test_a_bell_is_not_the_end_of_a_title_and_notices_are_found(cuts: list[int]) -> None:
    reader = OscReader()
    found = [one for piece in pieces(RINGING, cuts) for one in reader.feed(piece, 1.0)]
    assert sorted((str(one.source), one.value) for one in found) == [
        ("bell", "rang"),
        ("notice", "Approval requested: touch"),
        ("notice", "notify;a;b"),
        ("title", "one"),
    ]


@pytest.mark.parametrize("data", [b"\x1b]0;one\x07", b"\x1b]0;a\x07\x1b]9;b\x07", b"plain", b"\x1b[31m"])
def test_what_ends_with_the_bells_byte_does_not_ring(data: bytes) -> None:
    assert EvidenceSource.BELL not in [one.source for one in OscReader().feed(data, 1.0)]


@given(st.lists(st.integers(0, 200)), st.sampled_from([b"\x07", b"\x1b\\"]))
def test_only_the_probe_is_kept_back(cuts: list[int], ending: bytes) -> None:
    stream = b"a\x1b[>0q\x1b[?u\x1b]7501;?" + ending + b"\x1b[c\x1b]7501;state=idle" + ending + b"b\x1b"
    wanted = stream.replace(b"\x1b]7501;?" + ending, b"")
    probe = ProbeFilter(PROBE)
    passed, answers = b"", b""
    for piece in pieces(stream, cuts):
        visible, answer = probe.feed(piece)
        passed, answers = passed + visible, answers + answer
    assert passed + probe.flush() == wanted
    assert answers == PROBE.answer


def test_without_a_probe_everything_passes_at_once() -> None:
    assert ProbeFilter(None).feed(b"\x1b]7501;?\x07\x1b") == (b"\x1b]7501;?\x07\x1b", b"")


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"a", b"a"),
        (b"\x1b[<35;10;5M\x1b[<35;11;5M", b""),
        (b"\x1b[I", b""),
        (b"\x1b[?62;22c\x1b]11;rgb:0/0/0\x1b\\", b""),
        (b"\x1b[A", b"\x1b[A"),
        (b"x\x1b[Oy", b"xy"),
    ],
)
def test_what_the_terminal_sends_by_itself_is_not_a_key(data: bytes, keys: bytes) -> None:
    assert human_keys_in(data) == keys


@pytest.mark.parametrize(("keys", "abort"), [(b"\x1b", True), (b"\x03", True), (b"\x1b[A", False), (b"a", False)])
def test_escape_and_control_c_stop_the_typing(keys: bytes, abort: bool) -> None:
    assert is_abort(keys) is abort
