"""Passphrases: only the right one opens, and no file asks for endless work."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.encryption.key_storage.passphrases import (
    MAX_MEMORY_BYTES,
    MAX_PASSES,
    MEMORY_BYTES,
    PASSES,
    PassphraseBox,
    open_with_passphrase,
    seal_with_passphrase,
)
from gateway.encryption.refusals import SealingFault, SealingRefused

PASSPHRASE, SECRET = "correct horse battery", b"s" * 64
CHEAP = {"passes": 1, "memory_bytes": 8192}
SEALED = seal_with_passphrase(SECRET, PASSPHRASE, **CHEAP)


def test_the_cost_is_what_the_design_says() -> None:
    sealed = seal_with_passphrase(SECRET, PASSPHRASE)
    assert (sealed.passes, sealed.memory_bytes) == (PASSES, MEMORY_BYTES) == (3, 64 * 2**20)
    assert open_with_passphrase(sealed, PASSPHRASE) == SECRET


@settings(max_examples=30)
@given(st.text(max_size=40))
def test_no_other_passphrase_opens(other: str) -> None:
    if other != PASSPHRASE:
        with pytest.raises(SealingRefused, match="passphrase is wrong") as refused:
            open_with_passphrase(SEALED, other)
        assert refused.value.reason is SealingFault.PASSPHRASE


@given(st.integers(0, len(SEALED.box) - 1))
def test_no_byte_of_the_box_can_be_changed(at: int) -> None:
    box = SEALED.box[:at] + bytes([SEALED.box[at] ^ 1]) + SEALED.box[at + 1 :]
    with pytest.raises(SealingRefused):
        open_with_passphrase(msgspec.structs.replace(SEALED, box=box), PASSPHRASE)


@pytest.mark.parametrize("passphrase", ["", "too short", "x" * 1001])
def test_a_new_passphrase_has_a_length(passphrase: str) -> None:
    with pytest.raises(SealingRefused, match="10 to 1000 characters"):
        seal_with_passphrase(SECRET, passphrase)


@pytest.mark.parametrize(
    "field",
    [{"passes": MAX_PASSES + 1}, {"passes": 0}, {"memory_bytes": MAX_MEMORY_BYTES + 1}, {"memory_bytes": 1}],
)
def test_a_file_asks_for_no_endless_work(field: dict[str, int]) -> None:
    text = msgspec.json.encode({**msgspec.to_builtins(SEALED), **field})
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=PassphraseBox)


def test_the_same_secret_never_looks_the_same() -> None:
    assert seal_with_passphrase(SECRET, PASSPHRASE, **CHEAP).box != SEALED.box
