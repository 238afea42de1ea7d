"""A key's passphrase in the keyring of the system (Secret Service, macOS Keychain, ...), for who does not want to type
it. The library is an extra: without it, and without a keyring, a sentence says what helps."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gateway.encryption.refusals import SealingFault, SealingRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

SERVICE = "llm-groupchat"
PASSPHRASE_BYTES = 32
TO_MAKE = "Unlock it, or make the key without --keyring, with a passphrase that you type."
TO_OPEN = "Unlock it, or restore the key with `groupchat key import` and a passphrase."


def keep_new_passphrase(entry: str) -> str:
    """Draw a passphrase that nobody types, and keep it in the keyring."""
    passphrase = secrets.token_urlsafe(PASSPHRASE_BYTES)
    with _keyring(TO_MAKE) as keyring:
        keyring.set_password(SERVICE, entry, passphrase)
        if keyring.get_password(SERVICE, entry) != passphrase:
            raise _refused("did not keep the passphrase", TO_MAKE)
    return passphrase


def read_kept_passphrase(entry: str) -> str:
    with _keyring(TO_OPEN) as keyring:
        found = keyring.get_password(SERVICE, entry)
    if found is None:
        raise _refused(f"has no passphrase for {entry}", TO_OPEN)
    return str(found)


@contextmanager
def _keyring(remedy: str) -> Iterator[ModuleType]:
    try:
        import keyring  # noqa: PLC0415  an extra
        from keyring.errors import KeyringError  # noqa: PLC0415
    except ImportError:
        raise SealingRefused(
            SealingFault.PASSPHRASE,
            "The system's keyring needs a library: install llm-groupchat[keyring], or use a passphrase.",
        ) from None
    try:
        yield keyring
    except (KeyringError, RuntimeError, OSError) as error:
        raise _refused(f"does not answer ({error or type(error).__name__})", remedy) from None


def _refused(what: str, remedy: str) -> SealingRefused:
    return SealingRefused(SealingFault.PASSPHRASE, f"The system's keyring {what}. {remedy}")
