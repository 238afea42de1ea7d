"""Fingerprints of keys, as people compare them: in hex, or in words that can be read aloud. Pure."""

from __future__ import annotations

import hashlib
import hmac
import re

FINGERPRINT_BYTES = 20
_LABEL = b"llm-groupchat 1 fingerprint\0"
_CONSONANTS = "bdfghjklmnprstvz"  # 4 bits each; no letter that is spoken like another one or like a vowel
_VOWELS = "aiou"  # 2 bits each
_WORD_BYTES = 2
# The letters of a word, from left to right, and how far the 16 bits are shifted for each.
_LETTERS = ((_CONSONANTS, 12), (_VOWELS, 10), (_CONSONANTS, 6), (_VOWELS, 4), (_CONSONANTS, 0))
_BETWEEN = re.compile(r"[\s:.\-_]+")


def make_fingerprint(name: str, signing: bytes, sealing: bytes) -> bytes:
    """The fingerprint of a member's two public keys. The name is part of it, so the same keys under another name have
    another one; its length stands before it, so no name runs into the keys."""
    named = name.encode()
    data = _LABEL + len(named).to_bytes(2, "big") + named + signing + sealing
    return hashlib.blake2b(data, digest_size=FINGERPRINT_BYTES).digest()


def fingerprint_hex(fingerprint: bytes) -> str:
    """`93ab 0f12 ...`"""
    digits = fingerprint.hex()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def fingerprint_words(fingerprint: bytes) -> str:
    """`lusab babad ...`: 16 bits for each word."""
    pairs = (fingerprint[at : at + _WORD_BYTES] for at in range(0, len(fingerprint), _WORD_BYTES))
    return " ".join(_word_of(int.from_bytes(pair, "big")) for pair in pairs)


def is_fingerprint_text(text: str, fingerprint: bytes) -> bool:
    """Whether a person gave this fingerprint, in either form, whole. Case and what stands between do not matter."""
    given = _BETWEEN.sub("", text).lower()
    forms = (fingerprint.hex(), _BETWEEN.sub("", fingerprint_words(fingerprint)))
    return any(hmac.compare_digest(given.encode(errors="replace"), form.encode()) for form in forms)


def _word_of(bits: int) -> str:
    return "".join(letters[bits >> shift & len(letters) - 1] for letters, shift in _LETTERS)
