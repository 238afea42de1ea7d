"""Key files and pins on the disk: what is damaged, misplaced or readable by others is refused, and nothing is lost."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from gateway.encryption.key_storage.key_files import (
    encode_key_file,
    list_keys,
    newest_key,
    read_key_file,
    store_key,
    store_revocation,
)
from gateway.encryption.key_storage.key_locations import KEYS_FOLDER
from gateway.encryption.key_storage.pin_file import PINS_FILE, read_pins, write_pins
from gateway.encryption.member_keys.pinned_keys import PinnedKey
from gateway.encryption.member_keys.private_keys import draw_keys, renew_keys, revoke_keys
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.protocol.errors import Conflict, GroupChatError, NotFound

ADA, MALLORY = draw_keys("ada", 1), draw_keys("mallory", 1)
NEXT = renew_keys(ADA, 2)
UNATTENDED = encode_key_file(ADA, None)
SEALED = encode_key_file(ADA, "correct horse battery")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_key_comes_back_as_it_was(tmp_path: Path) -> None:
    stored = store_key(tmp_path, UNATTENDED)
    assert (mode_of(stored.path), mode_of(stored.path.parent)) == (0o600, 0o700)
    assert read_key_file(stored.path).unlock().secret == ADA.secret
    assert [one.name for one in stored.path.parent.iterdir()] == ["key-1.json"]


def test_a_passphrase_keeps_the_secret_out_of_the_file(tmp_path: Path) -> None:
    stored = store_key(tmp_path, SEALED)
    assert not stored.file.is_unattended
    assert stored.file.secret == b""
    assert stored.unlock("correct horse battery").secret == ADA.secret
    with pytest.raises(SealingRefused, match="passphrase is wrong"):
        stored.unlock("wrong horse battery")


def test_no_key_takes_the_place_of_another(tmp_path: Path) -> None:
    store_key(tmp_path, UNATTENDED)
    other = encode_key_file(draw_keys("ada", 5), None)
    with pytest.raises(Conflict, match="on this machine already"):
        store_key(tmp_path, other)
    assert newest_key(tmp_path, "ada").unlock().secret == ADA.secret
    assert len(list((tmp_path / KEYS_FOLDER / "ada").iterdir())) == 1


def test_versions_are_listed_in_order_and_the_last_one_is_used(tmp_path: Path) -> None:
    assert list_keys(tmp_path) == ()
    with pytest.raises(NotFound, match="key new"):
        newest_key(tmp_path, "ada")
    keys = [ADA]
    for now_s in range(2, 12):
        keys.append(renew_keys(keys[-1], now_s))
    for one in (*reversed(keys), MALLORY):
        store_key(tmp_path, encode_key_file(one, None))
    found = [(key.published.record.name, key.published.record.version) for key in list_keys(tmp_path)]
    assert found == [*(("ada", version) for version in range(1, 12)), ("mallory", 1)]
    assert newest_key(tmp_path, "ada").published.record.version == 11


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o666])
def test_a_key_that_others_can_read_is_refused_and_not_corrected(tmp_path: Path, mode: int) -> None:
    path = store_key(tmp_path, UNATTENDED).path
    path.chmod(mode)
    with pytest.raises(SealingRefused, match="Others can read") as refused:
        read_key_file(path)
    assert refused.value.reason is SealingFault.FILE_RIGHTS
    assert mode_of(path) == mode
    path.unlink()


def test_a_link_is_no_key_file(tmp_path: Path) -> None:
    path = store_key(tmp_path, UNATTENDED).path
    elsewhere = tmp_path / "elsewhere"
    os.rename(path, elsewhere)
    path.symlink_to(elsewhere)
    with pytest.raises(GroupChatError):
        read_key_file(path)


def swap(text: str, **fields: object) -> str:
    return msgspec.json.encode({**msgspec.json.decode(text), **fields}).decode()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda text: "", "damaged"),
        (lambda text: text[: len(text) // 2], "damaged"),
        (lambda text: text + "}", "damaged"),
        (lambda text: "[]", "damaged"),
        (lambda text: "\0" * 300, "damaged"),
        (lambda text: text + " " * 20_000, "damaged"),
        (lambda text: swap(text, format=2), "newer version"),
        (lambda text: swap(text, secret=""), "damaged"),
        (lambda text: swap(text, secret="AAAA"), "damaged"),
        (lambda text: swap(text, more=1), "damaged"),
        (lambda text: swap(text, public="groupchat-key-1 AAAA"), "not a key"),
        (lambda text: swap(text, public=MALLORY.published.text), "wrong place"),
        (lambda text: encode_key_file(NEXT, None), "wrong place"),
    ],
)
def test_a_damaged_file_is_refused_with_a_reason(tmp_path: Path, spoil: Callable[[str], str], words: str) -> None:
    path = store_key(tmp_path, UNATTENDED).path
    path.write_text(spoil(UNATTENDED))
    with pytest.raises(SealingRefused, match=words):
        read_key_file(path)
    path.unlink()


def test_a_file_that_was_put_together_from_two_is_refused(tmp_path: Path) -> None:
    other = encode_key_file(draw_keys("ada", 1), None)
    mixed = swap(UNATTENDED, public=msgspec.json.decode(other)["public"])
    with pytest.raises(SealingRefused, match="do not belong together"):
        store_key(tmp_path, mixed)
    assert list_keys(tmp_path) == ()


@pytest.mark.parametrize("name", ["../ada", "..", "a/b", "/etc", ""])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    store_key(tmp_path / "state", UNATTENDED)
    with pytest.raises(GroupChatError):
        newest_key(tmp_path / "state" / KEYS_FOLDER, name)


def test_a_revocation_lies_beside_its_key(tmp_path: Path) -> None:
    stored = store_key(tmp_path, UNATTENDED)
    assert not stored.is_revoked
    store_revocation(stored, revoke_keys(ADA))
    assert stored.is_revoked
    assert list_keys(tmp_path) == (stored,)


def test_pins_come_back_as_they_were(tmp_path: Path) -> None:
    assert read_pins(tmp_path) == {}
    pins = {"mallory": PinnedKey(MALLORY.published.text), "ada": PinnedKey(ADA.published.text, verified=True)}
    write_pins(tmp_path, pins)
    assert read_pins(tmp_path) == pins
    assert mode_of(tmp_path / KEYS_FOLDER / PINS_FILE) == 0o600


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"ada": {}}', '{"ada": {"pinned": "x"}}', f'{{"bob": {{"pinned": "{ADA.published.text}"}}}}'],
)
def test_damaged_pins_are_never_begun_anew(tmp_path: Path, text: str) -> None:
    write_pins(tmp_path, {})
    path = tmp_path / KEYS_FOLDER / PINS_FILE
    path.write_text(text)
    with pytest.raises(SealingRefused, match="damaged"):
        read_pins(tmp_path)
    assert path.read_text() == text
