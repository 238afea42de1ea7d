"""Entries of the log as the stream has them, and the chained hash that tells two logs apart. Pure.

The stream is in memory, so entries are packed without names of fields, and the text of a message, which is in its event
already, is not stored a second time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from gateway.protocol.errors import StorageFailed
from gateway.protocol.types.core_types import Delivery, Rung
from gateway.store import Document, LogEntry, LogReplaced

CHAIN_BYTES = 16
SCHEMA = "1"

PackedDelivery = tuple[int, str, Rung, str, str]
PackedDocument = tuple[str, str, bytes | None]


@dataclass(frozen=True)
class Position:
    """The end of a log: its last number, and the hash of all entries up to it."""

    seq: int = 0
    chain: bytes = bytes(CHAIN_BYTES)


@dataclass(frozen=True)
class StreamRow:
    """One entry of the stream, and the position that it leads to."""

    position: Position
    body: bytes


class _PackedEntry(msgspec.Struct, frozen=True, array_like=True):
    """`text` is None where it is the content of the event."""

    kind: str
    event: bytes
    room: str | None
    sender: str | None
    client_id: str | None
    ends: tuple[str, ...] | None
    about: int | None
    has_text: bool
    text: str | None
    deliveries: tuple[PackedDelivery, ...]
    rank: int
    deadline: float | None
    documents: tuple[PackedDocument, ...]
    asides: tuple[PackedDocument, ...]


class _EventText(msgspec.Struct):
    content: str | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_PackedEntry)
_event_text_decoder = msgspec.json.Decoder(_EventText)


def chain_entries(entries: Iterable[LogEntry], begin: Position) -> list[StreamRow]:
    """The rows for entries that follow a position. StorageFailed if their numbers do not grow."""
    rows: list[StreamRow] = []
    at = begin
    for entry in entries:
        if entry.seq <= at.seq:
            raise StorageFailed(f"Entry #{entry.seq} cannot follow #{at.seq} in the log, so nothing was stored.")
        body = encode_entry(entry)
        at = Position(entry.seq, next_chain(at.chain, entry.seq, body))
        rows.append(StreamRow(at, body))
    return rows


def check_chain(rows: Sequence[StreamRow], begin: Position) -> None:
    """LogReplaced if an entry is not the one that was written after the entry before it."""
    chain = begin.chain
    for row in rows:
        chain = next_chain(chain, row.position.seq, row.body)
        if chain != row.position.chain:
            raise LogReplaced(
                f"Entry #{row.position.seq} of the log in Redis is not what was written there. Put a backup of Redis "
                "in its place."
            )


def next_chain(chain: bytes, seq: int, body: bytes) -> bytes:
    return hashlib.sha256(b"%b%d %b" % (chain, seq, body)).digest()[:CHAIN_BYTES]


def encode_entry(entry: LogEntry) -> bytes:
    is_content = entry.text is not None and entry.text == _content_of(entry.event)
    return _encoder.encode(
        _PackedEntry(
            entry.kind,
            entry.event,
            entry.room,
            entry.sender,
            entry.client_id,
            entry.ends,
            entry.about,
            entry.text is not None,
            None if is_content else entry.text,
            tuple((one.message, one.member, one.rung, one.reason, one.at) for one in entry.deliveries),
            entry.rank,
            entry.deadline,
            _pack_documents(entry.documents),
            _pack_documents(entry.asides),
        )
    )


def decode_entry(seq: int, body: bytes) -> LogEntry:
    try:
        packed = _decoder.decode(body)
        text = _content_of(packed.event) if packed.has_text and packed.text is None else packed.text
    except msgspec.MsgspecError as error:
        raise StorageFailed(
            f"Entry #{seq} of the log in Redis cannot be read ({error}). Put a backup of Redis in its place; or, if "
            "another version of llm-groupchat wrote it, use that one."
        ) from None
    return LogEntry(
        seq,
        packed.kind,
        packed.event,
        packed.room,
        packed.sender,
        packed.client_id,
        packed.ends,
        packed.about,
        text,
        tuple(Delivery(*one) for one in packed.deliveries),
        packed.rank,
        packed.deadline,
        _unpack_documents(packed.documents),
        _unpack_documents(packed.asides),
    )


def _content_of(event: bytes) -> str | None:
    return _event_text_decoder.decode(event).content


def _pack_documents(documents: Iterable[Document]) -> tuple[PackedDocument, ...]:
    return tuple((one.kind, one.key, one.body) for one in documents)


def _unpack_documents(packed: Iterable[PackedDocument]) -> tuple[Document, ...]:
    return tuple(Document(*one) for one in packed)
