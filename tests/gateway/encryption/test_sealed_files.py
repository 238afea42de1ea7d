"""A sealed file opens whole and for its owner, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from nacl.public import PrivateKey

from gateway.encryption.refusals import SealingRefused
from gateway.encryption.sealed_files import (
    HEADER_BYTES,
    MARK,
    PIECE_BYTES,
    PIECE_OVERHEAD_BYTES,
    SEALED_KEY_BYTES,
    open_file,
    seal_file,
)

OWNER, STRANGER = PrivateKey(b"\x11" * 32), PrivateKey(b"\x22" * 32)
BEGIN = len(MARK) + SEALED_KEY_BYTES + HEADER_BYTES
PIECE = PIECE_BYTES + PIECE_OVERHEAD_BYTES


def sealed(folder: Path, plain: bytes, name: str = "groupchat.db") -> bytes:
    (folder / "plain").write_bytes(plain)
    (folder / "sealed").unlink(missing_ok=True)
    seal_file(folder / "plain", folder / "sealed", name, bytes(OWNER.public_key))
    return (folder / "sealed").read_bytes()


def opened(folder: Path, raw: bytes, key: PrivateKey = OWNER, name: str = "groupchat.db") -> bytes:
    (folder / "raw").write_bytes(raw)
    (folder / "opened").unlink(missing_ok=True)
    open_file(folder / "raw", folder / "opened", name, key)
    return (folder / "opened").read_bytes()


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 3 * PIECE_BYTES])
def test_what_was_sealed_comes_out(tmp_path: Path, size: int) -> None:
    plain = (b"what was said " * (size // 14 + 1))[:size]
    raw = sealed(tmp_path, plain)
    assert b"what was said" not in raw and opened(tmp_path, raw) == plain
    assert (tmp_path / "sealed").stat().st_mode & 0o077 == 0


def exchanged(raw: bytes) -> bytes:
    """The first piece after the second one."""
    second, third = BEGIN + PIECE, BEGIN + 2 * PIECE
    return raw[:BEGIN] + raw[second:third] + raw[BEGIN:second] + raw[third:]


HARM: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("empty", lambda raw: b""),
    ("another mark", lambda raw: b"x" + raw[1:]),
    ("cut in a piece", lambda raw: raw[:-1]),
    ("the last piece is missing", lambda raw: raw[: BEGIN + 2 * PIECE]),
    ("nothing but the beginning", lambda raw: raw[:BEGIN]),
    ("more after the end", lambda raw: raw + b"x"),
    ("one bit", lambda raw: raw[: BEGIN + 5] + bytes([raw[BEGIN + 5] ^ 1]) + raw[BEGIN + 6 :]),
    ("a bit of the sealed key", lambda raw: raw[: len(MARK)] + bytes([raw[len(MARK)] ^ 1]) + raw[len(MARK) + 1 :]),
    ("two pieces exchanged", exchanged),
)


def test_what_was_changed_does_not_open_and_leaves_no_file(tmp_path: Path) -> None:
    raw = sealed(tmp_path, bytes(range(256)) * (PIECE_BYTES // 100))
    for name, harm in HARM:
        with pytest.raises(SealingRefused):
            opened(tmp_path, harm(raw))
            pytest.fail(name)
        assert not (tmp_path / "opened").exists(), name


def test_neither_a_stranger_nor_another_name_opens_it(tmp_path: Path) -> None:
    raw = sealed(tmp_path, b"x")
    with pytest.raises(SealingRefused, match="not sealed to this key"):
        opened(tmp_path, raw, STRANGER)
    with pytest.raises(SealingRefused, match="does not open"):
        opened(tmp_path, raw, name="files/tokens/team")
