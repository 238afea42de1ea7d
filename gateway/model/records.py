"""The stored records of members, rooms, memberships and open questions. Pure."""

from __future__ import annotations

import msgspec

from gateway.access.tokens import TokenRecord
from gateway.loop_guard.holds import LoopHold
from gateway.model.documents import ContextRecord
from gateway.protocol.decision_nouns import Decision
from gateway.protocol.session_nouns import Session
from gateway.protocol.types import Ask, Member
from gateway.turns.engine import Floor


class MemberRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member, and who may speak for it besides its own token: the team token that created it, or the dialect (by
    name) that registered it for a caller without a token. Such a guest may have a public key (PEM); `proven` says that
    it has once shown that it holds the private key."""

    member: Member
    by_team: bool = False
    dialect: str = ""
    key: str = ""
    proven: bool = False
    removed: bool = False


class RoomRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A room. `invited` members may join an invite-only room; those in `out` were kicked, and need a new invitation.
    The `readers` of a removed room are its last members."""

    name: str
    topic: str = ""
    invite_only: bool = False
    created_by: str = ""
    invited: tuple[str, ...] = ()
    out: tuple[str, ...] = ()
    removed: bool = False
    readers: tuple[str, ...] = ()


class Membership(msgspec.Struct, frozen=True):
    room: str
    member: str


class PausedMember(msgspec.Struct, frozen=True):
    member: str
    by: str


class SharePolicy(msgspec.Struct, frozen=True):
    member: str
    policy: str


class AskRecord(msgspec.Struct, frozen=True):
    """A waiting dialog: when it is announced again, with what pause, and until when a given answer is awaited."""

    ask: Ask
    remind_at: float
    pause: float
    until: float = 0.0


_StoredRecord = MemberRecord | RoomRecord | Membership | TokenRecord | ContextRecord
StoredState = _StoredRecord | PausedMember | SharePolicy | Floor | AskRecord | LoopHold | Decision | Session
