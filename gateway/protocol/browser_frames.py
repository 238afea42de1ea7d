"""What only browsers send, besides the requests of all clients: a code for a device, and the proof of a connection."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.protocol.types.core_types import DeviceName

PAIR_PATH = "/v1/web/pair"


class ReplacedDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The device that a browser was before it is paired anew. Its key signs that it ends."""

    device: Annotated[str, Meta(max_length=64)]
    signature: Annotated[str, Meta(max_length=128)]


class PairDevice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of `POST /v1/web/pair`. `public_key` is a point on P-256, uncompressed, as base64url without padding.
    `name` is what the browser calls itself; a name that the person gave with the code goes before it."""

    code: Annotated[str, Meta(max_length=64)]
    public_key: Annotated[str, Meta(max_length=128)]
    name: DeviceName = ""
    replaces: ReplacedDevice | None = None


class Prove(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="prove"):
    """The first frame on the socket of a device (`signature`) or of a link (`secret`), after the challenge."""

    n: int = 0
    signature: Annotated[str, Meta(max_length=128)] = ""
    secret: Annotated[str, Meta(max_length=128)] = ""
