"""Keys whose passphrase the system's keyring keeps, with the real library and a keyring in memory; and without one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked

from controller.requests.encryption.member_client import KeyAccess, open_own_machine
from controller.requests.encryption.passphrase_input import unlock_key
from gateway.encryption.key_storage.key_files import encode_key_file, newest_key, store_key
from gateway.encryption.key_storage.passphrases import open_with_passphrase
from gateway.encryption.key_storage.system_keyring import PASSPHRASE_BYTES, keep_new_passphrase, read_kept_passphrase
from gateway.encryption.member_keys.private_keys import MemberKeys, draw_keys
from gateway.encryption.refusals import SealingFault, SealingRefused


class KeyringInMemory(KeyringBackend):
    """A keyring as the library knows them; `locked` ones answer nothing, `forgetful` ones keep nothing."""

    priority = 1

    def __init__(self, *, locked: bool = False, forgetful: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.locked, self.forgetful = locked, forgetful
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("the collection is locked")
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if not self.forgetful:
            self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


NO_KEYRING = NoKeyring()  # type: ignore[no-untyped-call]


@pytest.fixture
def system() -> Iterator[KeyringInMemory]:
    mine = KeyringInMemory()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(NO_KEYRING)


def keep_key(state: Path, entry: str = "boss 1") -> MemberKeys:
    keys = draw_keys("boss", 1)
    store_key(state, encode_key_file(keys, keep_new_passphrase(entry), entry))
    return keys


def test_a_key_opens_without_a_question_and_not_without_the_keyring(tmp_path: Path, system: KeyringInMemory) -> None:
    keys = keep_key(tmp_path)
    stored = newest_key(tmp_path, "boss")
    opened, passphrase = unlock_key(stored, None, ask=pytest.fail)
    assert (opened.secret, len(passphrase or "")) == (keys.secret, len(system.kept["llm-groupchat", "boss 1"]))
    assert stored.file.sealed is not None
    assert passphrase and passphrase not in stored.path.read_text()
    system.kept.clear()
    with pytest.raises(SealingRefused, match="has no passphrase for boss 1"):
        unlock_key(stored, None)
    with pytest.raises(SealingRefused):
        open_with_passphrase(stored.file.sealed, "x" * PASSPHRASE_BYTES)


def test_a_script_without_a_terminal_opens_it(tmp_path: Path, system: KeyringInMemory) -> None:
    keep_key(tmp_path)
    machine = open_own_machine("boss", KeyAccess(tmp_path, None, pytest.fail, pytest.fail, lambda: False))
    assert machine is not None
    assert machine.newest.record.name == "boss"


@pytest.mark.parametrize(
    ("backend", "says"),
    [
        (KeyringInMemory(locked=True), "does not answer .the collection is locked"),
        (KeyringInMemory(forgetful=True), "did not keep the passphrase. .*without --keyring"),
        (NO_KEYRING, "does not answer .No recommended backend.*without --keyring"),
    ],
)
def test_a_keyring_that_is_absent_or_locked_is_said(
    system: KeyringInMemory, backend: KeyringBackend, says: str
) -> None:
    keyring.set_keyring(backend)
    with pytest.raises(SealingRefused, match=says) as refused:
        keep_new_passphrase("boss 1")
    assert refused.value.reason is SealingFault.PASSPHRASE


def test_the_library_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SealingRefused, match=r"install llm-groupchat\[keyring\]"):
        read_kept_passphrase("boss 1")
