"""What the records of devices and links hold: the public key of a browser, or the room that a link shows. Pure."""

from __future__ import annotations

import msgspec

from gateway.protocol.types.core_types import DeviceScope

PROOF_HEADER = "llm-groupchat device v1"
REPLACE_HEADER = "llm-groupchat replaced device v1"
NOT_PAIRED_TEXT = (
    "This browser is not paired with this gateway, or no longer. Pair it with `groupchat web --pair`, or open the page "
    "with `groupchat web`."
)
LINK_ENDED_TEXT = "This link has ended, or was revoked. Ask for a new one."


class DeviceKey(msgspec.Struct, frozen=True):
    """A paired browser. `public_key` is as it came: a point on P-256 as base64url."""

    name: str
    public_key: str
    scope: DeviceScope


class Replacement(msgspec.Struct, frozen=True):
    """One browser that is paired anew: what the key of the device that it was must sign, so that this device ends."""

    house: str
    device: str
    origin: str
    public_key: str  # of the new device

    def text_to_sign(self) -> bytes:
        return "\n".join((REPLACE_HEADER, self.house, self.device, self.origin, self.public_key)).encode()


class LinkedPlace(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a read-only link shows: a room, or the `thread` in it that begins with this message."""

    room: str
    thread: int = 0


class Challenged(msgspec.Struct, frozen=True):
    """One connection of a browser: what a proof must be bound to."""

    house: str
    origin: str
    nonce: str

    def text_to_sign(self, device: str) -> bytes:
        return "\n".join((PROOF_HEADER, self.house, device, self.origin, self.nonce)).encode()
