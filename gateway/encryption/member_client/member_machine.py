"""What one machine of a member has: its opened keys, the keys that it trusts, and how far its chains have come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.encryption.key_storage.key_files import StoredKey, list_keys
from gateway.encryption.member_keys.private_keys import MemberKeys


@dataclass
class MemberMachine:
    state: Path
    name: str
    keys: dict[int, MemberKeys] = field(repr=False)


def open_member_machine(
    state: Path, name: str, passphrase_of: Callable[[StoredKey], str] | None = None
) -> MemberMachine | None:
    """None if this machine has no key of this name, or none that opens without a passphrase and nobody gives one."""
    opened = {}
    for stored in list_keys(state, name):
        if stored.file.is_unattended:
            opened[stored.published.record.version] = stored.unlock()
        elif passphrase_of is not None:
            opened[stored.published.record.version] = stored.unlock(passphrase_of(stored))
    return MemberMachine(state, name, opened) if opened else None
