"""Pins: which key of a member this machine trusts, how far, and what happens when another one comes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from gateway.encryption.member_keys.fingerprints import is_fingerprint_text
from gateway.encryption.member_keys.key_records import KeyRecord, PublishedKey, parse_key_record, revokes
from gateway.encryption.refusals import SealingFault, SealingRefused


class Trust(StrEnum):
    """FIRST_USE: remembered as it first came. VERIFIED: a person has compared the fingerprint. CHANGED: another key
    came and waits for a person. REVOKED: the key itself says that it must not be used."""

    FIRST_USE = "first use"
    VERIFIED = "verified"
    CHANGED = "changed"
    REVOKED = "revoked"


class PinFinding(StrEnum):
    FIRST_USE = "first use"
    SAME = "same"
    ROTATED = "rotated"
    CHANGED = "changed"


class PinnedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A pinned key as the text of its record. `verified` is kept while a key is changed or rotated. `waiting` is the
    other key that came. `earlier` are former records that were rotated away: older messages are checked with them."""

    pinned: str
    verified: bool = False
    waiting: str = ""
    revoked: bool = False
    earlier: tuple[str, ...] = ()

    @property
    def trust(self) -> Trust:
        if self.revoked:
            return Trust.REVOKED
        if self.waiting:
            return Trust.CHANGED
        return Trust.VERIFIED if self.verified else Trust.FIRST_USE

    @property
    def record(self) -> KeyRecord:
        return parse_key_record(self.pinned).record

    def records(self) -> dict[int, KeyRecord]:
        """By version, all that this member's messages may be checked with; none while the key is not usable. Where two
        have one version, the pinned one counts."""
        texts = (*self.earlier, self.pinned) if self.is_usable else ()
        return {record.version: record for record in (parse_key_record(text).record for text in texts)}

    @property
    def is_usable(self) -> bool:
        """Whether messages may be sealed to this key, and count as this member's."""
        return self.trust in (Trust.FIRST_USE, Trust.VERIFIED)


@dataclass(frozen=True)
class PinChange:
    pin: PinnedKey
    finding: PinFinding


def newest_run(records: Sequence[PublishedKey]) -> Sequence[PublishedKey]:
    """Of all records of a member, the newest and those that vouch for it, one after the other: what a machine that has
    no pin yet begins with. What was before a key made anew is no business of it."""
    at = len(records) - 1
    while at > 0 and records[at].follows(records[at - 1].record):
        at -= 1
    return records[max(at, 0) :]


def compare_with_pin(pin: PinnedKey | None, came: PublishedKey) -> PinChange:
    """What becomes of a pin when the gateway, or a person, gives this key for its member."""
    if pin is None:
        return PinChange(PinnedKey(came.text), PinFinding.FIRST_USE)
    record, mine = came.record, pin.record
    if record.name != mine.name:
        raise SealingRefused(SealingFault.OTHER_SENDER, f"This key is one of {record.name}, not of {mine.name}.")
    if record.fingerprint == mine.fingerprint:
        return PinChange(pin, PinFinding.SAME)
    if any(parse_key_record(one).record == record for one in pin.earlier):
        raise SealingRefused(
            SealingFault.OLD_KEY,
            f"This is an old key of {record.name} (version {record.version}; version {mine.version} is known).",
        )
    if came.follows(mine) and not pin.revoked:
        rotated = PinnedKey(came.text, pin.verified, pin.waiting, earlier=(*pin.earlier, pin.pinned))
        return PinChange(rotated, PinFinding.ROTATED)
    return PinChange(msgspec.structs.replace(pin, waiting=came.text), PinFinding.CHANGED)


def trust_fingerprint(pin: PinnedKey, fingerprint: str) -> PinnedKey:
    """A person has compared a fingerprint: of the pinned key, or of the one that waits."""
    if pin.waiting and is_fingerprint_text(fingerprint, parse_key_record(pin.waiting).record.fingerprint):
        return PinnedKey(pin.waiting, verified=True, earlier=() if pin.revoked else (*pin.earlier, pin.pinned))
    name = pin.record.name
    if not is_fingerprint_text(fingerprint, pin.record.fingerprint):
        raise SealingRefused(
            SealingFault.OTHER_FINGERPRINT,
            f"That is not the fingerprint of a key of {name} that is known here. Nothing was changed. "
            f"Ask {name} again, not by this chat.",
        )
    if pin.revoked:
        raise SealingRefused(SealingFault.REVOKED_KEY, f"{name} revoked this key. It cannot be trusted again.")
    return PinnedKey(pin.pinned, verified=True, earlier=pin.earlier)


def revoke_pin(pin: PinnedKey, statement: str) -> PinnedKey:
    """The pinned key, or one that was rotated away, says of itself that it must not be used. Messages that an old one
    has signed are not believed any more, since whoever stole it could sign more of them."""
    kept = tuple(one for one in pin.earlier if not revokes(statement, parse_key_record(one).record))
    if kept != pin.earlier:
        return msgspec.structs.replace(pin, earlier=kept)
    if not revokes(statement, pin.record):
        raise SealingRefused(
            SealingFault.SIGNATURE, f"This revocation was not made by the key of {pin.record.name} that is known here."
        )
    return msgspec.structs.replace(pin, revoked=True)


def require_usable(pin: PinnedKey | None, name: str) -> KeyRecord:
    """The key to seal to; otherwise why nothing is sealed to this member."""
    if pin is None:
        raise SealingRefused(SealingFault.MISSING_KEYS, f"There is no key for {name}. Nothing was sent.")
    if pin.revoked:
        raise SealingRefused(SealingFault.REVOKED_KEY, f"{name} revoked the key that is known here. Nothing was sent.")
    if pin.waiting:
        raise SealingRefused(
            SealingFault.CHANGED_KEY,
            f"The key of {name} has changed. Nothing was sent. Compare the fingerprint with {name}, not by this chat, "
            f"then `groupchat key trust {name} FINGERPRINT`.",
        )
    return pin.record
