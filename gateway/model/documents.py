"""Shared documents as values: what memory keeps of one, how two are merged, how an old version is rebuilt. Pure.

The log holds what changed, the store beside it the newest version of each document. Where a change is too large for an
event, and now and then in a long row of merges, the store also keeps the version that came of it: an old one is rebuilt
from the last that is whole and the few merges after it. So the merge below is part of what is stored: a later program
must merge old patches as they were merged.
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
from gateway.protocol.types import MAX_CONTEXT_BYTES, ContextAction, ContextInfo, check_json_depth, check_message_text

JsonObject = dict[str, Any]

STORE_KIND = "context"
MAX_INLINE_BYTES = 64 * 1024  # bytes of a change that still goes into its event
FULL_COPY_EVERY_VERSIONS = 50  # versions


class ContextRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """`number` is the event that made it, `seq` the newest one about it. A deleted document has no digest; its record
    stays, so that its versions go on."""

    info: ContextInfo
    number: int
    seq: int
    digest: str = ""

    @property
    def gone(self) -> bool:
        return not self.digest

    @property
    def version(self) -> int:
        """The version that stands there now; 0 when there is none."""
        return 0 if self.gone else self.info.version


def key_of(scope: str, name: str, version: int | None = None) -> str:
    """Under what a document is kept; with a version, that version of it for ever."""
    return f"{scope}/{name}" if version is None else f"{scope}/{name}@{version}"


def encode_document(document: JsonObject) -> bytes:
    """The document as bytes, if it can be kept."""
    check_json_depth(document)
    raw = msgspec.json.encode(document)
    check_message_text(raw.decode(), MAX_CONTEXT_BYTES, "context")
    return raw


def canonical_bytes(value: object) -> bytes:
    """The same bytes for the same JSON value, in whatever order its keys are. To Python, 1 and true are the same."""
    return msgspec.json.encode(value, order="sorted")


def digest_of(document: JsonObject) -> str:
    return hashlib.sha256(canonical_bytes(document)).hexdigest()[:32]


class RawContextDocument(ContextDocument, frozen=True):
    """A document with its JSON as it stands in the store: what nobody looks into is not taken apart."""

    document: msgspec.Raw  # type: ignore[assignment]


@dataclass(frozen=True)
class EncodedDocument:
    """A document as it is kept: its bytes, what tells it from others, and the bytes of the change that led to it."""

    document: JsonObject
    raw: bytes
    digest: str
    patch: bytes = b""


def encode_for_store(document: JsonObject, patch: bytes = b"") -> EncodedDocument:
    return EncodedDocument(document, encode_document(document), digest_of(document), patch)


def merge_stored(stored: bytes | None, patch: JsonObject) -> EncodedDocument:
    """`stored` is what the store has of the document: nothing where there is none."""
    change = encode_document(patch)
    before = {} if stored is None else codec.decode(ContextDocument, stored).document
    return encode_for_store(merge_documents(before, patch), change)


# merging


def merge_documents(stored: JsonObject, patch: JsonObject) -> JsonObject:
    """Nothing is lost: objects are merged key by key, lists united in order; of all else the patch's value holds."""
    return {**stored, **{key: _merge_values(stored[key], new) if key in stored else new for key, new in patch.items()}}


def _merge_values(stored: Any, new: Any) -> Any:
    match stored, new:
        case dict(), dict():
            return merge_documents(stored, new)
        case list(), list():
            return [*stored, *_items_not_in(stored, new)]
    return new


def _items_not_in(stored: Sequence[Any], new: Sequence[Any]) -> list[Any]:
    """What of `new` is not in `stored`, each once, in its order."""
    known = {_comparison_key(one) for one in stored}
    found = []
    for one in new:
        if (value := _comparison_key(one)) not in known:
            known.add(value)
            found.append(one)
    return found


def _comparison_key(one: object) -> object:
    """Equal for the same JSON value alone. Texts and whole numbers, of which long lists are made, need no encoding."""
    return one if type(one) is str or type(one) is int else canonical_bytes(one)


# versions of the past


def is_full_copy(event: ContextEvent) -> bool:
    """Whether the store keeps the version that this event made as a whole."""
    if event.action is ContextAction.DELETE or event.document is not None:
        return False
    return event.patch is None or event.version % FULL_COPY_EVERY_VERSIONS == 0


def first_change_to_read(version: int) -> int:
    """From which version on the changes suffice to rebuild this one."""
    return max(1, version - version % FULL_COPY_EVERY_VERSIONS)


def split_at_full_copy(changes: Sequence[ContextEvent]) -> tuple[ContextEvent | None, Sequence[ContextEvent]]:
    """The last change that stands for a whole document, and the merges after it that lead to the last version."""
    for place in range(len(changes) - 1, -1, -1):
        event = changes[place]
        if event.patch is None or is_full_copy(event):
            return event, changes[place + 1 :]
    return None, changes


def rebuild_document(base: JsonObject, changes: Sequence[ContextEvent]) -> JsonObject:
    for event in changes:
        base = merge_documents(base, event.patch or {})
    return base
