"""What one machine of a member has: its opened keys, the keys of others that it trusts, and its memory of one chat."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gateway.encryption.key_storage.key_files import StoredKey, key_folder, list_keys
from gateway.encryption.key_storage.known_chats import LogHistory, note_log
from gateway.encryption.key_storage.member_memory import MemberMemory, memory_file
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

    def __post_init__(self) -> None:
        self._stored: tuple[StoredKey, ...] = ()
        self._stored_at: object = None
        self._senders: Mapping[tuple[str, int], KeyRecord] = {}
        self._senders_of: object = None

    @property
    def newest(self) -> MemberKeys:
        """The keys that new messages are signed with."""
        return self.keys[max(self.keys)]

    def stored(self) -> tuple[StoredKey, ...]:
        """The key files as they are now, also those that were not opened. Read again when their folder has changed."""
        seen = key_folder(self.state, self.name).stat()
        changed_at = seen.st_mtime_ns, seen.st_ino
        if changed_at != self._stored_at:
            self._stored, self._stored_at = list_keys(self.state, self.name), changed_at
        return self._stored

    def senders(self) -> Mapping[tuple[str, int], KeyRecord]:
        """All keys that messages may be checked with, by name and version."""
        made_of = self.pins.records(), len(self.keys)
        if self._senders_of is None or self._senders_of != (id(made_of[0]), made_of[1]):
            own = {(self.name, version): keys.record for version, keys in self.keys.items()}
            self._senders, self._senders_of = {**made_of[0], **own}, (id(made_of[0]), made_of[1])
        return self._senders

    def usable(self) -> dict[str, KeyRecord]:
        """The keys that may be sealed to, with one's own."""
        return {**self.pins.current(), self.name: self.newest.record}

    def is_verified(self, name: str) -> bool:
        return name == self.name or self.pins.trust_of(name) is Trust.VERIFIED

    def open_renewed(self) -> bool:
        """Take over a newer key that needs no passphrase, as a program that runs for months must. True if there is one;
        it is not published yet."""
        fresh = [key for key in self.stored() if key.file.is_unattended and key.version > max(self.keys)]
        self.keys = {**self.keys, **{key.version: key.unlock() for key in fresh}}
        return bool(fresh)

    def check_may_write(self) -> None:
        """Refuse to sign with a key that its owner has revoked, renewed, or taken from this machine."""
        stored = self.stored()
        if not stored or stored[-1].version < max(self.keys):
            raise SealingRefused(SealingFault.NO_OWN_KEY, "Your key is not on this machine any more. Nothing was sent.")
        if stored[-1].is_revoked:
            raise SealingRefused(
                SealingFault.REVOKED_KEY,
                f"Your key was revoked. `groupchat key new {self.name}` makes another one; nothing was sent.",
            )
        if stored[-1].version not in self.keys:
            raise SealingRefused(
                SealingFault.NO_OWN_KEY,
                "Your key was renewed while this program runs. Start it again; nothing was sent.",
            )

    def remember(self, house: str) -> MemberMemory:
        return MemberMemory.open(self.state, self.name, house, self.newest.record.version)

    def has_memory_of(self, house: str) -> bool:
        return memory_file(self.state, self.name, house).exists()

    def remember_at(self, house: str, address: str) -> tuple[MemberMemory, LogHistory]:
        """What is known of this log, and of the others that the gateway at this address showed before it."""
        history = note_log(self.state, self.name, address, house)
        memory = self.remember(house)
        try:
            for earlier in history.earlier if history.is_new else ():
                memory.take_sealed_rooms(memory_file(self.state, self.name, earlier))
        except BaseException:
            memory.close()
            raise
        return memory, history


def open_member_machine(
    state: Path, name: str, passphrase_of: Callable[[StoredKey], str] | None = None
) -> MemberMachine | None:
    """None if this machine has no key of this name, or none that opens without a passphrase and nobody gives one."""
    opened = {}
    for stored in list_keys(state, name):
        if stored.file.is_unattended:
            opened[stored.version] = stored.unlock()
        elif passphrase_of is not None:
            opened[stored.version] = stored.unlock(passphrase_of(stored))
    return MemberMachine(state, name, opened, PinBook(state)) if opened else None
