"""Seals the files of snapshots to the public key of a member, as `groupchat key export` prints it. Imported only where
a snapshot is sealed."""

from __future__ import annotations

from pathlib import Path

from gateway.encryption.member_keys.fingerprints import fingerprint_hex
from gateway.encryption.member_keys.key_records import MAX_RECORD_CHARS, KeyRecord, parse_key_record
from gateway.encryption.sealed_files import seal_file
from gateway.protocol.errors import BadRequest


class KeySeal:
    def __init__(self, record: KeyRecord) -> None:
        self.recipient = fingerprint_hex(record.fingerprint)
        self._public = record.sealing

    def seal(self, plain: Path, sealed: Path, name: str) -> None:
        seal_file(plain, sealed, name, self._public)


def read_seal(file: Path) -> KeySeal:
    """The seal of a file with a public key."""
    try:
        with file.open(encoding="utf-8") as text:
            return KeySeal(parse_key_record(text.read(2 * MAX_RECORD_CHARS).strip()).record)
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest(f"The key {file} cannot be read ({error}). See `groupchat key export`.") from None
