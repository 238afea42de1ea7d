"""Reads which keys of members this machine knows, and changes whom it trusts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from controller.wording.key_text import KeyFingerprint, KeyTrust, MemberKey
from gateway.encryption.key_storage.key_locations import KEYS_FOLDER, has_keys
from gateway.protocol.errors import NotFound

if TYPE_CHECKING:
    from gateway.encryption.member_keys.key_records import KeyRecord
    from gateway.encryption.member_keys.pinned_keys import PinnedKey


class KnownKeys:
    """The keys that a machine knows. The files are read again when one of them has changed."""

    def __init__(self, state: Path | None = None, me: str = "") -> None:
        self._state, self._me = state, me
        self._seen: tuple[int, ...] = ()
        self._keys: dict[str, MemberKey] = {}

    def read(self) -> dict[str, MemberKey]:
        if self._state is not None and (seen := self._stamps(self._state)) != self._seen:
            self._keys, self._seen = read_known_keys(self._state, self._me), seen
        return self._keys

    def trust(self, name: str, fingerprint: str) -> None:
        """The person has compared this fingerprint, outside of the chat."""
        if self._state is None:
            raise NotFound("No keys are known here.")
        trust_member_key(self._state, name, fingerprint)

    def _stamps(self, state: Path) -> tuple[int, ...]:
        folder = state / KEYS_FOLDER
        return tuple(_changed_at(path) for path in (folder / "peers.json", folder / self._me))


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def read_known_keys(state: Path, me: str) -> dict[str, MemberKey]:
    """By name. The reader's own key is the newest one on this machine."""
    if not has_keys(state) and not _changed_at(state / KEYS_FOLDER / "peers.json"):
        return {}
    from gateway.encryption.key_storage.key_files import list_keys
    from gateway.encryption.key_storage.pin_file import read_pins

    known = {name: member_key(pin) for name, pin in read_pins(state).items()}
    own = list_keys(state, me)
    if own:
        trust = KeyTrust.REVOKED if own[-1].is_revoked else KeyTrust.OWN
        known[me] = MemberKey(me, trust, _fingerprint(own[-1].published.record))
    return known


def member_key(pin: PinnedKey) -> MemberKey:
    from gateway.encryption.member_keys.key_records import parse_key_record

    waiting = _fingerprint(parse_key_record(pin.waiting).record) if pin.waiting else None
    return MemberKey(pin.record.name, KeyTrust(str(pin.trust)), _fingerprint(pin.record), waiting)


def _fingerprint(record: KeyRecord) -> KeyFingerprint:
    from gateway.encryption.member_keys.fingerprints import fingerprint_hex, fingerprint_words

    return KeyFingerprint(record.version, fingerprint_words(record.fingerprint), fingerprint_hex(record.fingerprint))


def trust_member_key(state: Path, name: str, fingerprint: str) -> PinnedKey:
    """A person has compared this fingerprint."""
    from gateway.encryption.key_storage.pin_book import PinBook
    from gateway.encryption.member_keys.pinned_keys import trust_fingerprint

    def trusted(pins: dict[str, PinnedKey]) -> dict[str, PinnedKey]:
        if name not in pins:
            raise NotFound(
                f"No key of {name} is known here. It comes with {name}'s next connection, or by "
                "`groupchat key import FILE`.",
                nearest=sorted(pins),
            )
        return {**pins, name: trust_fingerprint(pins[name], fingerprint)}

    return PinBook(state).change(trusted)[name]


def unverified_keys(known: dict[str, MemberKey], names: Sequence[str]) -> list[MemberKey]:
    """The keys of these members that a person should compare before a room is handed to them."""
    return [known[name] for name in names if name in known and known[name].trust is KeyTrust.FIRST_USE]


def only_reader(state: Path) -> str | None:
    """Whose key opens what is sealed if nobody is named: the only person's with a key here, else the only member's."""
    from gateway.encryption.key_storage.key_files import list_keys

    own = list_keys(state)
    people = {one.published.record.name for one in own if not one.file.is_unattended}
    names = people or {one.published.record.name for one in own}
    return names.pop() if len(names) == 1 else None
