"""The key files of a member's machine: one for each version of the keys of a name. Never replaced, never corrected.

A file that others could read is refused, other than elsewhere: its key may have been copied, and a person must know.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.encryption.key_storage.key_locations import KEY_FILE_PREFIX, KEY_FILE_SUFFIX, KEYS_FOLDER
from gateway.encryption.key_storage.passphrases import PassphraseBox, open_with_passphrase, seal_with_passphrase
from gateway.encryption.member_keys.key_records import PublishedKey, parse_key_record
from gateway.encryption.member_keys.private_keys import SECRET_BYTES, MemberKeys, keys_from_secret
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.files.file_ownership import has_too_wide_mode
from gateway.files.private_files import make_private_folder, ownership_of, read_private, write_private
from gateway.protocol.errors import BadRequest, Conflict, NotFound
from gateway.protocol.types.core_types import canonical_member_name

KEY_FILE_FORMAT = 1
MAX_KEY_FILE_BYTES = 16 * 1024
MAX_ENTRY_CHARS = 200
_REVOKED_SUFFIX = ".revoked"


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """`public` is the record. Either `sealed` holds the secret, or, for an unattended key, `secret` is it. `keyring`:
    the entry of the system's keyring that holds the passphrase."""

    format: int
    public: str
    sealed: PassphraseBox | None = None
    secret: Annotated[bytes, Meta(max_length=SECRET_BYTES)] = b""
    keyring: Annotated[str, Meta(max_length=MAX_ENTRY_CHARS)] = ""

    @property
    def is_unattended(self) -> bool:
        return self.sealed is None


@dataclass(frozen=True)
class StoredKey:
    """A key file whose public half was read; opening it may take a passphrase."""

    path: Path
    file: KeyFile
    published: PublishedKey

    @property
    def version(self) -> int:
        return self.published.record.version

    @property
    def revocation(self) -> Path:
        """Where the statement lies that revokes this key, if it was revoked on this machine."""
        return self.path.with_suffix(_REVOKED_SUFFIX)

    @property
    def is_revoked(self) -> bool:
        return self.revocation.exists()

    def unlock(self, passphrase: str = "") -> MemberKeys:
        secret = open_with_passphrase(self.file.sealed, passphrase) if self.file.sealed else self.file.secret
        return keys_from_secret(secret, self.published)


def encode_key_file(keys: MemberKeys, passphrase: str | None, keyring: str = "") -> str:
    """The text of a key file. None: unattended, without a passphrase. `keyring` names the entry that holds it."""
    if passphrase is None:
        content = KeyFile(KEY_FILE_FORMAT, keys.published.text, secret=keys.secret)
    else:
        content = KeyFile(
            KEY_FILE_FORMAT, keys.published.text, seal_with_passphrase(keys.secret, passphrase), keyring=keyring
        )
    return msgspec.json.format(msgspec.json.encode(content)).decode() + "\n"


def store_key(state: Path, text: str) -> StoredKey:
    """Keep a key file under its name and version. An existing one is never replaced: what was sealed to it would be
    lost for ever."""
    file, published = parse_key_file(text, "This key")
    if file.is_unattended:
        keys_from_secret(file.secret, published)
    record = published.record
    path = make_private_folder(key_folder(state, record.name)) / f"{KEY_FILE_PREFIX}{record.version}{KEY_FILE_SUFFIX}"
    fresh = path.with_name(f".new.{os.getpid()}")
    write_private(fresh, text)
    try:
        os.link(fresh, path)
    except FileExistsError:
        raise Conflict(
            f"There is a key of {record.name}, version {record.version}, on this machine already. "
            f"`groupchat key rotate {record.name}` makes the next version."
        ) from None
    finally:
        fresh.unlink()
    return read_key_file(path)


def list_keys(state: Path, name: str = "") -> tuple[StoredKey, ...]:
    """The keys on this machine, in order of names and versions."""
    folder = state / KEYS_FOLDER
    try:
        folders = [key_folder(state, name)] if name else folder.glob("*")
        found = [read_key_file(path) for one in folders for path in one.glob(f"{KEY_FILE_PREFIX}*{KEY_FILE_SUFFIX}")]
    except OSError as error:
        raise BadRequest(f"The keys in {folder} cannot be read: {error.strerror}.") from None
    return tuple(sorted(found, key=lambda key: (key.published.record.name, key.published.record.version)))


def newest_key(state: Path, name: str) -> StoredKey:
    """The key that this name signs and seals with."""
    keys = list_keys(state, name)
    if not keys:
        raise NotFound(f"There is no key of {name} on this machine. `groupchat key new {name}` makes one.")
    return keys[-1]


def read_key_file(path: Path) -> StoredKey:
    refuse_readable_by_others(path)
    content = read_private(path)
    if len(content) > MAX_KEY_FILE_BYTES:
        raise _damaged(str(path))
    file, published = parse_key_file(content.decode(errors="replace"), str(path))
    named = path.parent.name, path.name
    if named != (published.record.name, f"{KEY_FILE_PREFIX}{published.record.version}{KEY_FILE_SUFFIX}"):
        raise SealingRefused(
            SealingFault.DAMAGED,
            f"{path} holds version {published.record.version} of the key of {published.record.name}. "
            "It lies in the wrong place.",
        )
    return StoredKey(path, file, published)


def parse_key_file(text: str, what: str) -> tuple[KeyFile, PublishedKey]:
    """Read the text of a key file. `what` is how a refusal calls it."""
    try:
        file = msgspec.json.decode(text, type=KeyFile)
    except (msgspec.MsgspecError, ValueError):
        raise _damaged(what) from None
    if file.format != KEY_FILE_FORMAT:
        raise SealingRefused(SealingFault.FORMAT, f"{what} was made by a newer version of groupchat. Update this one.")
    if file.is_unattended and len(file.secret) != SECRET_BYTES:
        raise _damaged(what)
    return file, parse_key_record(file.public)


def store_revocation(key: StoredKey, statement: str) -> None:
    write_private(key.revocation, statement + "\n")


def key_folder(state: Path, name: str) -> Path:
    """Where the keys of this name lie, and what belongs to them."""
    return state / KEYS_FOLDER / canonical_member_name(name)


def refuse_readable_by_others(path: Path) -> None:
    """Nothing is corrected: what is in the file may have been copied, and a person must know."""
    with contextlib.suppress(FileNotFoundError):
        found = ownership_of(path, os.lstat(path))
        if has_too_wide_mode(found):
            raise SealingRefused(
                SealingFault.FILE_RIGHTS,
                f"Others can read {path} (mode {found.permissions}), which holds a secret. If nobody did, "
                f"`chmod 600 {path}`; otherwise `groupchat key revoke`, then `groupchat key new`.",
            )


def _damaged(what: str) -> SealingRefused:
    return SealingRefused(
        SealingFault.DAMAGED, f"{what} is damaged or no key file. Restore it from a backup, or make a new key."
    )
