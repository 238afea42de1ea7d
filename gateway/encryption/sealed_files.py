"""Seals a file to the public key of a member, piece by piece, and opens it with the private key.

A key is drawn for each file and sealed to the recipient (SealedBox). The pieces follow as a stream
(XChaCha20-Poly1305) whose end is marked: a file that was cut off, or whose pieces were moved or exchanged, does not
open. The name of the file is bound to each piece, so that one file cannot take the place of another.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nacl import bindings
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from gateway.encryption.refusals import SealingFault, SealingRefused

MARK = b"groupchat-sealed-file-1\n"
PIECE_BYTES = 1024 * 1024
KEY_BYTES = bindings.crypto_secretstream_xchacha20poly1305_KEYBYTES
SEALED_KEY_BYTES = KEY_BYTES + bindings.crypto_box_SEALBYTES
HEADER_BYTES = bindings.crypto_secretstream_xchacha20poly1305_HEADERBYTES
PIECE_OVERHEAD_BYTES = bindings.crypto_secretstream_xchacha20poly1305_ABYTES
MORE = bindings.crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
LAST = bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL


def seal_file(source: Path, target: Path, name: str, recipient: bytes) -> None:
    """Write a new private file; it is on disk when this returns. `recipient` is a public key for sealing."""
    key = bindings.crypto_secretstream_xchacha20poly1305_keygen()
    state = bindings.crypto_secretstream_xchacha20poly1305_state()
    header = bindings.crypto_secretstream_xchacha20poly1305_init_push(state, key)
    with source.open("rb") as plain, _new_file(target) as sealed:
        sealed.write(MARK + SealedBox(PublicKey(recipient)).encrypt(key) + header)
        for piece, is_last in _pieces(plain):
            tag = LAST if is_last else MORE
            sealed.write(bindings.crypto_secretstream_xchacha20poly1305_push(state, piece, ad=name.encode(), tag=tag))
        _sync(sealed)


def open_file(source: Path, target: Path, name: str, private: PrivateKey) -> None:
    """Write what is in a sealed file into a new private file. SealingRefused if it is not whole or not for this key;
    then there is no file."""
    try:
        with source.open("rb") as sealed, _new_file(target) as plain:
            _open_pieces(sealed, plain, name, private)
            _sync(plain)
    except (CryptoError, ValueError, SealingRefused) as error:
        target.unlink(missing_ok=True)
        if isinstance(error, SealingRefused):
            raise
        raise SealingRefused(SealingFault.DAMAGED, f"{source} is damaged: it does not open.") from None


def _open_pieces(sealed: BinaryIO, plain: BinaryIO, name: str, private: PrivateKey) -> None:
    if sealed.read(len(MARK)) != MARK:
        raise SealingRefused(SealingFault.FORMAT, f"{name} is not a sealed file that this version can open.")
    try:
        key = SealedBox(private).decrypt(sealed.read(SEALED_KEY_BYTES))
    except CryptoError:
        raise SealingRefused(SealingFault.NO_OWN_KEY, f"{name} is not sealed to this key.") from None
    state = bindings.crypto_secretstream_xchacha20poly1305_state()
    bindings.crypto_secretstream_xchacha20poly1305_init_pull(state, sealed.read(HEADER_BYTES), key)
    tag = MORE
    while piece := sealed.read(PIECE_BYTES + PIECE_OVERHEAD_BYTES):
        if tag == LAST:
            raise ValueError("there is more after the end")
        text, tag = bindings.crypto_secretstream_xchacha20poly1305_pull(state, piece, ad=name.encode())
        plain.write(text)
    if tag != LAST:
        raise ValueError("the end is missing")


def _pieces(file: BinaryIO) -> Iterator[tuple[bytes, bool]]:
    """Each piece, and whether it is the last one. An empty file is one empty piece."""
    piece = file.read(PIECE_BYTES)
    while True:
        following = file.read(PIECE_BYTES)
        yield piece, not following
        if not following:
            return
        piece = following


def _new_file(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb")


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
