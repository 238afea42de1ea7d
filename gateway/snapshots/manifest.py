"""What a snapshot says of itself: its files with their checksums, and to which log it belongs. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.protocol.errors import BadRequest
from gateway.protocol.types.timestamps import iso_from_seconds

FORMAT_VERSION = 1
MANIFEST_FILE = "manifest.json"
NAME_PREFIX = "groupchat-"
PARTIAL_PREFIX = ".partial-"

Digest = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
FileName = Annotated[str, Meta(max_length=500, pattern=r"\A[^/\x00][^\x00]*\Z")]


class SnapshotFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`name` is a path inside the snapshot; `size` and `sha256` are those of the file there, sealed or not."""

    name: FileName
    size: Annotated[int, Meta(ge=0)]
    sha256: Digest


class Manifest(msgspec.Struct, frozen=True, omit_defaults=True):
    """`schema` is that of the database, `store_id` and `last_seq` say which log it is and where it ends. `sealed_to` is
    the fingerprint of the key that opens the files; empty if they are not sealed. `digest` covers all the rest."""

    format: int
    made: str
    program: str
    schema: int
    store_id: str
    last_seq: int
    files: tuple[SnapshotFile, ...]
    sealed_to: str = ""
    digest: str = ""

    @property
    def size(self) -> int:
        return sum(one.size for one in self.files)


class _Format(msgspec.Struct):
    format: int


def snapshot_name(now: float) -> str:
    return NAME_PREFIX + datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3] + "Z"


def made_at(now: float) -> str:
    return iso_from_seconds(now)


def encode_manifest(manifest: Manifest) -> bytes:
    whole = msgspec.structs.replace(manifest, digest=_digest_of(manifest))
    return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"


def parse_manifest(raw: bytes, where: str) -> Manifest:
    """BadRequest if it is none, was changed, or is of a newer format."""
    try:
        if msgspec.json.decode(raw, type=_Format).format > FORMAT_VERSION:
            raise BadRequest(f"{where} was made by a newer llm-groupchat. Update this installation to restore it.")
        manifest = msgspec.json.decode(raw, type=Manifest)
    except msgspec.MsgspecError as error:
        raise BadRequest(f"{where} is damaged: its {MANIFEST_FILE} cannot be read ({error}).") from None
    if manifest.digest != _digest_of(manifest):
        raise BadRequest(f"{where} is damaged: its {MANIFEST_FILE} was changed after it was made.")
    for one in manifest.files:
        if ".." in one.name.split("/"):
            raise BadRequest(f"{where} names a file outside of itself: {one.name[:80]!r}.")
    return manifest


def check_schema(manifest: Manifest, known: int, where: str) -> None:
    if manifest.schema > known:
        raise BadRequest(
            f"{where} has a newer database (schema {manifest.schema}, this installation knows {known}). "
            "Update llm-groupchat, then restore it."
        )


def _digest_of(manifest: Manifest) -> str:
    bare = msgspec.structs.replace(manifest, digest="")
    return hashlib.sha256(msgspec.json.encode(bare)).hexdigest()


def outdated_names(names: Iterable[str], keep: int) -> Sequence[str]:
    """Those to remove, so that the newest ones stay: a name sorts as its time."""
    known = sorted(name for name in names if name.startswith(NAME_PREFIX))
    return known[: max(0, len(known) - keep)]
