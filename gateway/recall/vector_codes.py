"""How a vector is stored and compared: one signed byte for each dimension, and its signs as the bits of a number. Pure.

The bits are compared first, because a machine counts those in which two numbers differ in one step; the bytes of the
few best then give their exact order.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from operator import mul

MAX_BYTE = 127
_SIGN_DIGITS = b"0" * 128 + b"1" * 128  # a byte of 128 or more is negative


def pack_vector(values: Sequence[float]) -> bytes:
    """The largest value becomes 127; the length of a vector says nothing about the text."""
    largest = max(map(abs, values), default=0.0)
    if not math.isfinite(largest) or largest == 0.0:
        return bytes(len(values))
    return array("b", [round(one / largest * MAX_BYTE) for one in values]).tobytes()


def sign_bits(packed: bytes) -> int:
    """One bit for each dimension: whether the vector is negative there."""
    return int(packed.translate(_SIGN_DIGITS) or b"0", 2)


def likeness(one: bytes, other: bytes) -> float:
    """The cosine of the angle between two vectors: 1 for the same direction, 0 for unrelated ones."""
    left, right = array("b", one), array("b", other)
    lengths = math.sqrt(sum(map(mul, left, left)) * sum(map(mul, right, right)))
    return sum(map(mul, left, right)) / lengths if lengths and len(left) == len(right) else 0.0
