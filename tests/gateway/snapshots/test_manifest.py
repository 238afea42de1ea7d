"""What a manifest says, and which manifests are refused."""

from __future__ import annotations

import msgspec
import pytest

from gateway.protocol.errors import BadRequest
from gateway.snapshots.manifest import (
    FORMAT_VERSION,
    Manifest,
    SnapshotFile,
    check_schema,
    encode_manifest,
    outdated_names,
    parse_manifest,
    snapshot_name,
)

FILE = SnapshotFile("groupchat.db", 4096, "0" * 64)
GOOD = Manifest(FORMAT_VERSION, "2027-03-01T10:15:00.000Z", "0.1.0", 7, "a1", 450, (FILE,))


def test_a_manifest_comes_back_as_it_was() -> None:
    found = parse_manifest(encode_manifest(GOOD), "x")
    assert msgspec.structs.replace(found, digest="") == GOOD and found.size == 4096


def changed(**fields: object) -> bytes:
    """A manifest that somebody has changed after it was made."""
    return msgspec.json.encode({**msgspec.json.decode(encode_manifest(GOOD)), **fields})


REFUSED = [
    pytest.param(b"", "cannot be read", id="empty"),
    pytest.param(encode_manifest(GOOD)[:-40], "cannot be read", id="cut off"),
    pytest.param(changed(last_seq=451), "was changed", id="another number"),
    pytest.param(changed(schema="7"), "cannot be read", id="another type"),
    pytest.param(changed(files=[]), "was changed", id="a file less"),
    pytest.param(changed(format=FORMAT_VERSION + 1), "newer llm-groupchat", id="a newer format"),
    pytest.param(changed(files=[{"name": "/etc/x", "size": 1, "sha256": "0" * 64}]), "cannot be read", id="absolute"),
    pytest.param(
        encode_manifest(msgspec.structs.replace(GOOD, files=(SnapshotFile("files/../../x", 1, "0" * 64),))),
        "outside of itself",
        id="a way out",
    ),
]


@pytest.mark.parametrize(("raw", "why"), REFUSED)
def test_what_is_no_sound_manifest_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        parse_manifest(raw, "x")


def test_a_newer_database_is_refused_and_an_older_one_is_not() -> None:
    check_schema(GOOD, 7, "x")
    check_schema(GOOD, 8, "x")
    with pytest.raises(BadRequest, match="schema 7, this installation knows 6"):
        check_schema(GOOD, 6, "x")


@pytest.mark.parametrize(("keep", "gone"), [(0, 3), (1, 2), (3, 0), (10, 0)])
def test_the_newest_stay(keep: int, gone: int) -> None:
    names = [snapshot_name(at) for at in (1_800_000_000.0, 1_800_000_000.5, 1_900_000_000.0)]
    assert outdated_names([names[1], "notes.txt", names[2], names[0]], keep) == names[:gone]
