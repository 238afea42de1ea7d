"""Shared documents as values: their records in memory, merging, and rebuilding old versions. Pure.

The log holds the changes, the store holds the newest version of each document. The store also keeps a full copy of a
version when its change is too large for an event, and regularly in a long series of merges: an old version is rebuilt
from the last full copy and the merges after it. The merge below is therefore part of the stored format: a later version
of this program must merge old patches in the same way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.protocol import codec
from gateway.protocol.events import ContextEvent
from gateway.protocol.results import ContextDocument
from gateway.protocol.types.core_types import (
    MAX_CONTEXT_BYTES,
    ContextAction,
    ContextInfo,
    check_json_depth,
    check_message_text,
)

JsonObject = dict[str, Any]

STORE_KIND = "context"
MAX_INLINE_BYTES = 64 * 1024  # a larger change does not go into its event
FULL_COPY_EVERY_VERSIONS = 50


class ContextRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """`number` is the event that created the document, `seq` the newest event about it. A deleted document has no
    digest; its record stays, so that its version numbers continue. Of the first `removed` versions nothing is left."""

    info: ContextInfo
    number: int
    seq: int
    digest: str = ""
    removed: int = 0

    @property
    def gone(self) -> bool:
        return not self.digest

    @property
    def version(self) -> int:
        """The current version; 0 when there is none."""
        return 0 if self.gone else self.info.version


def key_of(scope: str, name: str, version: int | None = None) -> str:
    """The key of a document in the store; with a version, the key of the full copy of that version."""
    return f"{scope}/{name}" if version is None else f"{scope}/{name}@{version}"


def encode_document(document: JsonObject) -> bytes:
    """The document as bytes, or an error if it cannot be stored."""
    check_json_depth(document)
    raw = msgspec.json.encode(document)
    check_message_text(raw.decode(), MAX_CONTEXT_BYTES, "context")
    return raw


def canonical_bytes(value: object) -> bytes:
    """Equal bytes for equal JSON values, whatever the order of keys. (In Python, 1 == True; in JSON they differ.)"""
    return msgspec.json.encode(value, order="sorted")


def digest_of(document: JsonObject) -> str:
    return hashlib.sha256(canonical_bytes(document)).hexdigest()[:32]


class RawContextDocument(ContextDocument, frozen=True):
    """A document with its JSON as stored: it is not decoded where nobody reads its contents."""

    document: msgspec.Raw  # type: ignore[assignment]


@dataclass(frozen=True)
class EncodedDocument:
    """A document as stored: its bytes, its digest, and the bytes of the change that led to it."""

    document: JsonObject
    raw: bytes
    digest: str
    patch: bytes = b""


def encode_for_store(document: JsonObject, patch: bytes = b"") -> EncodedDocument:
    return EncodedDocument(document, encode_document(document), digest_of(document), patch)


def merge_stored(stored: bytes | None, patch: JsonObject) -> EncodedDocument:
    """`stored` is the document in the store, None if there is none."""
    change = encode_document(patch)
    before = {} if stored is None else codec.decode(ContextDocument, stored).document
    return encode_for_store(merge_documents(before, patch), change)


# merging


def merge_documents(stored: JsonObject, patch: JsonObject) -> JsonObject:
    """Merge without loss: objects key by key, lists by union in order; any other value is replaced by the patch's."""
    return {**stored, **{key: _merge_values(stored[key], new) if key in stored else new for key, new in patch.items()}}


def _merge_values(stored: Any, new: Any) -> Any:
    match stored, new:
        case dict(), dict():
            return merge_documents(stored, new)
        case list(), list():
            return [*stored, *items_not_in(stored, new)]
    return new


def items_not_in(stored: Sequence[Any], new: Sequence[Any]) -> list[Any]:
    """The items of `new` that `stored` does not contain, without duplicates, in order."""
    known = {_comparison_key(one) for one in stored}
    found = []
    for one in new:
        if (value := _comparison_key(one)) not in known:
            known.add(value)
            found.append(one)
    return found


def _comparison_key(one: object) -> object:
    """A key that is equal only for equal JSON values. Strings and integers, the usual items of long lists, need no
    encoding."""
    return one if type(one) is str or type(one) is int else canonical_bytes(one)


# old versions


def is_full_copy(event: ContextEvent) -> bool:
    """Whether the store keeps a full copy of the version that this event made."""
    if event.action is ContextAction.DELETE or event.document is not None:
        return False
    return event.patch is None or event.version % FULL_COPY_EVERY_VERSIONS == 0


def first_change_to_read(version: int) -> int:
    """The version from which the logged changes suffice to rebuild this one."""
    return max(1, version - version % FULL_COPY_EVERY_VERSIONS)


def split_at_full_copy(changes: Sequence[ContextEvent]) -> tuple[ContextEvent | None, Sequence[ContextEvent]]:
    """The last change that sets a whole document, and the merges after it up to the last version."""
    for place in range(len(changes) - 1, -1, -1):
        event = changes[place]
        if event.patch is None or is_full_copy(event):
            return event, changes[place + 1 :]
    return None, changes


def rebuild_document(base: JsonObject, changes: Sequence[ContextEvent]) -> JsonObject:
    for event in changes:
        base = merge_documents(base, event.patch or {})
    return base
