"""The base of all requests, and the bounds of the fields that many of them have. `op` names the request; the answer
repeats the number `n`.

A request with an unknown field is refused, so that a misspelt option is not silently ignored.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.protocol.types.core_types import (
    MAX_ADDRESS_CHARS,
    MAX_ADDRESSES,
    MAX_KEY_VERSION,
    Prose,
)

MAX_SEQ = 2**63 - 1
MAX_DURATION_S = 100 * 365.25 * 86400
MAX_KEY_TEXT_CHARS = 1100
MAX_NOTICE_CHARS = 512 * 1024
MAX_ADMISSION_CHARS = 2048
Limit = Annotated[int, Meta(ge=1, le=1000)]
Priority = Annotated[int, Meta(ge=1, le=10)]
Seq = Annotated[int, Meta(ge=0, le=MAX_SEQ)]
ShortText = Annotated[str, Meta(max_length=1000)]
Digest = Annotated[str, Meta(min_length=8, max_length=64)]
AskKey = Annotated[str, Meta(max_length=16)]
Address = Annotated[str, Meta(max_length=MAX_ADDRESS_CHARS)]  # the name of a member, a role or a room
Addresses = Annotated[tuple[Address, ...], Meta(max_length=MAX_ADDRESSES)]
AddressLine = Annotated[Prose, Meta(max_length=MAX_ADDRESSES * MAX_ADDRESS_CHARS)]
Id = Annotated[str, Meta(min_length=1, max_length=128)]
KeyVersion = Annotated[int, Meta(ge=1, le=MAX_KEY_VERSION)]
KeyText = Annotated[str, Meta(min_length=1, max_length=MAX_KEY_TEXT_CHARS)]  # a record of keys, or a revocation
Notice = Annotated[str, Meta(min_length=1, max_length=MAX_NOTICE_CHARS)]  # base64
Admission = Annotated[str, Meta(min_length=1, max_length=MAX_ADMISSION_CHARS)]  # base64


class Request(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="op",
    rename={"from_": "from"},
):
    n: int = 0
