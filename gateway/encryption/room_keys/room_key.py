"""The secret key of a sealed room, of one version. Pure, but for drawing one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from nacl.utils import random

from gateway.encryption.member_keys.wrapped_keys import SECRET_KEY_BYTES

ROOM_KEY_ID_BYTES = 16


@dataclass(frozen=True)
class RoomKey:
    room: str
    version: int
    secret: bytes = field(repr=False)

    @property
    def id(self) -> bytes:
        """Fixes the secret without telling it: whoever got another secret under this version notices."""
        label = f"llm-groupchat 1 room key id\0{self.room}\0{self.version}".encode()
        return hashlib.blake2b(label, key=self.secret, digest_size=ROOM_KEY_ID_BYTES).digest()


def draw_room_key(room: str, version: int) -> RoomKey:
    return RoomKey(room, version, random(SECRET_KEY_BYTES))
