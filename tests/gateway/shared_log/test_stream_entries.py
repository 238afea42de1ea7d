"""Entries of the log as the stream has them, and the chained hash."""

from __future__ import annotations

import msgspec
import pytest

from gateway.protocol.errors import StorageFailed
from gateway.protocol.types.core_types import Delivery, Rung
from gateway.shared_log.stream_entries import (
    Position,
    StreamRow,
    chain_entries,
    check_chain,
    decode_entry,
    encode_entry,
)
from gateway.store import Document, LogEntry

FULL = LogEntry(
    7,
    "message",
    b'{"content":"words","seq":7}',
    "general",
    "ann",
    "id-1",
    ("ann", "ben"),
    3,
    "words",
    (Delivery(7, "ben", Rung.HELD, "busy", "then"),),
    5,
    100.5,
    (Document("room", "r", b"{}"), Document("room", "q", None)),
    (Document("context", "a", b"\x00\xff"),),
)
PLAIN = LogEntry(8, "receipt", b"{}")


@pytest.mark.parametrize(
    "entry", [FULL, PLAIN, msgspec.structs.replace(FULL, text="other words"), msgspec.structs.replace(FULL, text="")]
)
def test_an_entry_is_read_as_it_was_written(entry: LogEntry) -> None:
    assert decode_entry(entry.seq, encode_entry(entry)) == entry


def test_the_text_of_a_message_is_stored_once() -> None:
    assert encode_entry(FULL).count(b"words") == 1


def test_what_cannot_be_read_is_an_error_with_its_number() -> None:
    with pytest.raises(StorageFailed, match="#7"):
        decode_entry(7, b"nonsense")


def test_the_chain_tells_of_a_change_a_gap_and_another_order() -> None:
    rows = chain_entries([FULL, PLAIN, msgspec.structs.replace(PLAIN, seq=9)], Position())
    check_chain(rows, Position())
    check_chain(rows[1:], rows[0].position)
    changed = StreamRow(rows[1].position, rows[1].body + b"x")
    for wrong in ([rows[0], changed], [rows[0], rows[2]], [rows[1], rows[0]]):
        with pytest.raises(StorageFailed, match="is not what was written"):
            check_chain(wrong, Position())


@pytest.mark.parametrize("begin", [Position(7), Position(8)])
def test_numbers_grow(begin: Position) -> None:
    with pytest.raises(StorageFailed, match="cannot follow"):
        chain_entries([FULL], begin)
