"""Opens the files of a sealed snapshot with a private key. Imported only where a key is given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gateway.encryption.key_storage.key_files import parse_key_file, refuse_readable_by_others
from gateway.encryption.key_storage.passphrases import open_with_passphrase
from gateway.encryption.member_keys.fingerprints import fingerprint_hex
from gateway.encryption.member_keys.private_keys import MemberKeys, keys_from_secret
from gateway.encryption.sealed_files import open_file
from gateway.files.private_files import read_private
from gateway.protocol.errors import Forbidden, NotFound
from gateway.snapshots.manifest import Manifest
from gateway.snapshots.sealing import SEALED_SUFFIX


class KeyOpening:
    def __init__(self, keys: MemberKeys) -> None:
        self._keys = keys

    def open_in_place(self, folder: Path, manifest: Manifest) -> None:
        own = fingerprint_hex(self._keys.record.fingerprint)
        if manifest.sealed_to and manifest.sealed_to != own:
            raise Forbidden(f"This snapshot is sealed to the key {manifest.sealed_to}, and this key is {own}.")
        for one in manifest.files:
            if one.name.endswith(SEALED_SUFFIX):
                name = one.name.removesuffix(SEALED_SUFFIX)
                open_file(folder / one.name, folder / name, name, self._keys.sealing)
                (folder / one.name).unlink()


def read_opening(file: Path, ask: Callable[[], str]) -> KeyOpening:
    """The key in a private file. `ask` is called for its passphrase, if it has one."""
    try:
        refuse_readable_by_others(file)
        content = read_private(file).decode(errors="replace")
    except FileNotFoundError:
        raise NotFound(f"There is no key file {file}.") from None
    key, published = parse_key_file(content, str(file))
    return KeyOpening(
        keys_from_secret(open_with_passphrase(key.sealed, ask()) if key.sealed else key.secret, published)
    )
