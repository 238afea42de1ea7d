"""Where the keys of a member's machine lie. Imports no cryptography: a machine without keys needs none."""

from __future__ import annotations

from pathlib import Path

KEYS_FOLDER = "encryption"
KEY_FILE_PREFIX, KEY_FILE_SUFFIX = "key-", ".json"


def has_keys(state: Path) -> bool:
    """Whether there is a key of any name on this machine."""
    return any((state / KEYS_FOLDER).glob(f"*/{KEY_FILE_PREFIX}*{KEY_FILE_SUFFIX}"))
