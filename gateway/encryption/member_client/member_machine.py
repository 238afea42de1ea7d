"""What one machine of a member has: its opened keys, the keys of others that it trusts, and its memory of one chat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.encryption.key_storage.key_files import StoredKey, list_keys
from gateway.encryption.key_storage.member_memory import MemberMemory
from gateway.encryption.key_storage.pin_book import PinBook
from gateway.encryption.member_keys.key_records import KeyRecord
from gateway.encryption.member_keys.pinned_keys import Trust
from gateway.encryption.member_keys.private_keys import MemberKeys
from gateway.encryption.refusals import SealingFault, SealingRefused


@dataclass
class MemberMachine:
    state: Path
    name: str
    keys: Mapping[int, MemberKeys] = field(repr=False)
    pins: PinBook = field(repr=False)

    @property
    def newest(self) -> MemberKeys:
        """The keys that new messages are signed with."""
        return self.keys[max(self.keys)]

    def stored(self) -> tuple[StoredKey, ...]:
        """The key files as they are now, also those that were not opened."""
        return list_keys(self.state, self.name)

    def senders(self) -> dict[tuple[str, int], KeyRecord]:
        """All keys that messages may be checked with, by name and version."""
        own = {(self.name, version): keys.record for version, keys in self.keys.items()}
        return {**self.pins.records(), **own}

    def usable(self) -> dict[str, KeyRecord]:
        """The keys that may be sealed to, with one's own."""
        return {**self.pins.current(), self.name: self.newest.record}

    def is_verified(self, name: str) -> bool:
        return name == self.name or self.pins.trust_of(name) is Trust.VERIFIED

    def check_may_write(self) -> None:
        """Refuse to sign with a key that its owner has revoked."""
        newest = self.stored()[-1]
        if newest.is_revoked:
            raise SealingRefused(
                SealingFault.REVOKED_KEY,
                f"Your key was revoked. `groupchat key new {self.name}` makes another one; nothing was sent.",
            )
        if newest.published.record.version not in self.keys:
            raise SealingRefused(
                SealingFault.NO_OWN_KEY,
                "Your key was renewed while this program runs. Start it again; nothing was sent.",
            )

    def remember(self, house: str) -> MemberMemory:
        return MemberMemory.open(self.state, self.name, house, self.newest.record.version)


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
    return MemberMachine(state, name, opened, PinBook(state)) if opened else None
