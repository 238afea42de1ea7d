"""Keys of members in words."""

from __future__ import annotations

import pytest

from controller.wording.key_text import (
    KeyFingerprint,
    KeyTrust,
    MemberKey,
    admission_rows,
    key_rows,
    sealing_refusal_text,
    trust_sign,
)

PRINT = KeyFingerprint(
    1,
    "lusab babad dijup nigif dabof nihor sozol mimib kikos kupul",
    "93ab 0f12 77c1 e04d 1b2a 9c3e 5f60 8d71 a2b3 c4d5",
)


def key(name: str, trust: KeyTrust = KeyTrust.FIRST_USE, waiting: KeyFingerprint | None = None) -> MemberKey:
    return MemberKey(name, trust, PRINT, waiting)


def keys(**found: KeyTrust) -> dict[str, MemberKey]:
    return {name: key(name, trust) for name, trust in found.items()}


@pytest.mark.parametrize(
    ("trust", "sign"),
    [
        (KeyTrust.OWN, ""),
        (KeyTrust.FIRST_USE, "•"),
        (KeyTrust.VERIFIED, "✓"),
        (KeyTrust.CHANGED, "✗"),
        (KeyTrust.REVOKED, "✗"),
    ],
)
def test_each_trust_has_a_sign(trust: KeyTrust, sign: str) -> None:
    assert trust_sign(keys(bob=trust), "bob") == sign
    assert trust_sign(keys(bob=trust), "dan") == ""


@pytest.mark.parametrize(
    ("trust", "part"),
    [(KeyTrust.FIRST_USE, ""), (KeyTrust.VERIFIED, ""), (KeyTrust.CHANGED, "CHANGED"), (KeyTrust.REVOKED, "revoked")],
)
def test_a_refusal_names_the_member_and_the_reason(trust: KeyTrust, part: str) -> None:
    told = sealing_refusal_text(keys(ada=KeyTrust.VERIFIED, bob=trust), ["ada", "bob"])
    assert bool(told) is bool(part)
    assert part in told
    assert "no key" in sealing_refusal_text(keys(ada=KeyTrust.VERIFIED), ["ada", "dan"])


def test_rows_hold_the_whole_fingerprint_in_halves() -> None:
    rows = " ".join(right for left, right in key_rows(key("bob")) if not left)
    assert PRINT.words in rows
    assert PRINT.digits in rows
    assert all(len(right) <= 46 for left, right in key_rows(key("bob")) if not left)


def test_a_changed_key_shows_both_and_what_to_do() -> None:
    other = KeyFingerprint(2, PRINT.words.replace("lusab", "vuzaz"), PRINT.digits)
    rows = " ".join(f"{left} {right}" for left, right in key_rows(key("bob", KeyTrust.CHANGED, other)))
    assert "vuzaz" in rows
    assert "lusab" in rows
    assert "/trust bob FINGERPRINT" in rows


def test_an_admission_asks_for_a_y() -> None:
    assert "y admits bob to #vault" in admission_rows("vault", [key("bob")])[-1][1]


@pytest.mark.parametrize("trust", [KeyTrust.CHANGED, KeyTrust.REVOKED])
def test_a_key_that_waits_says_how_to_decide(trust: KeyTrust) -> None:
    """Also where the former one was revoked: nothing is sealed until a person decides."""
    waiting = key("bob", trust, PRINT)
    assert "/trust bob FINGERPRINT" in " ".join(right for _, right in key_rows(waiting))
    assert "/keys bob tells what to do" in sealing_refusal_text({"bob": waiting}, ["bob"])
