"""The values of the core as texts of the protocol: MessagePack in base64, with a limit on both ways. Pure."""

from __future__ import annotations

import base64
import binascii
from typing import TypeVar

import msgspec

from gateway.encryption.refusals import SealingFault, SealingRefused

T = TypeVar("T")
MAX_VALUE_CHARS = 1024 * 1024


def text_of_value(value: msgspec.Struct) -> str:
    return base64.b64encode(msgspec.msgpack.encode(value)).decode()


def value_from_text(text: str, kind: type[T], what: str) -> T:
    """`what` is how a refusal calls it."""
    try:
        if len(text) > MAX_VALUE_CHARS:
            raise ValueError
        return msgspec.msgpack.decode(base64.b64decode(text, validate=True), type=kind)
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError):
        raise SealingRefused(SealingFault.DAMAGED, f"{what} cannot be read. It was changed on its way.") from None
