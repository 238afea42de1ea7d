"""The keys of members as this machine knows them, in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from controller.wording.proof_text import SIGNED_SIGN, VERIFIED_SIGN, WRONG_SIGN


class KeyTrust(StrEnum):
    """OWN: of the reader. FIRST_USE: remembered as it came. VERIFIED: a person compared it. CHANGED and REVOKED:
    nothing is sealed to it."""

    OWN = "yours"
    FIRST_USE = "first use"
    VERIFIED = "verified"
    CHANGED = "changed"
    REVOKED = "revoked"

    @property
    def is_usable(self) -> bool:
        return self not in (KeyTrust.CHANGED, KeyTrust.REVOKED)


@dataclass(frozen=True)
class KeyFingerprint:
    version: int
    words: str
    digits: str


@dataclass(frozen=True)
class MemberKey:
    """`waiting` is another key that came for this member, and waits for a person."""

    name: str
    trust: KeyTrust
    pinned: KeyFingerprint
    waiting: KeyFingerprint | None = None

    @property
    def waits_for_decision(self) -> bool:
        """Also a key that was revoked, if another one came after it."""
        return self.trust is KeyTrust.CHANGED or self.waiting is not None


Keys = Mapping[str, MemberKey]
SEALED_ROOM_TEXT = "sealed: read by its members' machines alone"
REOPEN_TEXT = "Open the chat again (in a session: `groupchat restart chat`) and type the passphrase."
UNOPENED_TEXT = (
    "You have a key on this machine that this chat has not opened: what is sealed stays closed, and nothing of yours "
    f"is signed. {REOPEN_TEXT}"
)

_SIGN_BY_TRUST = {
    KeyTrust.OWN: "",
    KeyTrust.FIRST_USE: SIGNED_SIGN,
    KeyTrust.VERIFIED: VERIFIED_SIGN,
    KeyTrust.CHANGED: WRONG_SIGN,
    KeyTrust.REVOKED: WRONG_SIGN,
}
_WORDS_BY_TRUST = {
    KeyTrust.OWN: "yours",
    KeyTrust.FIRST_USE: "not verified: remembered as it first came",
    KeyTrust.VERIFIED: "verified",
    KeyTrust.CHANGED: "CHANGED: another key came. Nothing is sealed to it until you decide",
    KeyTrust.REVOKED: "revoked by its owner. Nothing is sealed to it",
}


def trust_sign(keys: Keys, name: str) -> str:
    """The sign behind a name; empty for a member without a key."""
    return _SIGN_BY_TRUST[keys[name].trust] if name in keys else ""


def trust_words(key: MemberKey) -> str:
    return _WORDS_BY_TRUST[key.trust]


def sealing_refusal_text(keys: Keys, names: Sequence[str]) -> str:
    """Why nothing can be sealed to all of these members; empty if it can."""
    for name in names:
        if name not in keys:
            return f"{name} has no key, so nothing can be sealed to {name}"
        if keys[name].waits_for_decision:
            return f"the key of {name} has CHANGED, so nothing is sealed to {name}; /keys {name} tells what to do"
        if keys[name].trust is KeyTrust.REVOKED:
            return f"{name} has revoked the key, so nothing is sealed to {name}"
    return ""


def key_alarm_text(names: Sequence[str]) -> str:
    """What the line above the composer says until a person has decided."""
    return f"THE KEY OF {', '.join(names)} HAS CHANGED: /keys {names[0]} tells what to do"


def key_rows(key: MemberKey) -> list[tuple[str, str]]:
    """All that a person needs for comparing a fingerprint."""
    rows = [
        (key.name, f"version {key.pinned.version}, {trust_words(key)}"),
        *_fingerprint_rows(key.pinned),
    ]
    if key.waiting is not None:
        rows += [("  other", f"version {key.waiting.version}, which came later"), *_fingerprint_rows(key.waiting)]
        rows.append(
            ("", f"Let {key.name} read the fingerprint to you, not in this chat: /trust {key.name} FINGERPRINT")
        )
    return rows


def _fingerprint_rows(key: KeyFingerprint) -> list[tuple[str, str]]:
    """In halves, so that they stand in a narrow list as they are read aloud."""
    return [("", half) for text in (key.words, key.digits) for half in _halves(text)]


def _halves(text: str) -> tuple[str, str]:
    groups = text.split()
    middle = (len(groups) + 1) // 2
    return " ".join(groups[:middle]), " ".join(groups[middle:])


def admission_rows(room: str, keys: Sequence[MemberKey]) -> list[tuple[str, str]]:
    """What a person is asked before somebody whose key nobody has compared gets the keys of a room."""
    rows = [row for key in keys for row in key_rows(key)]
    names = ", ".join(key.name for key in keys)
    ask = f"Has {names} read this to you, not in this chat? y admits {names} to #{room}, anything else does not."
    return [*rows, ("", ask)]
