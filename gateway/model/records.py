"""The documents that the gateway keeps of members, rooms, tokens and what is under way in rooms. Pure."""

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
    """A member, and who may speak for it besides its own token: the team token that made it, or the dialect (by its
    name) that registered it for a caller without a token. Such a guest may be known by its public key (PEM), and may
    have proven once that it holds the private one."""

    member: Member
    by_team: bool = False
    dialect: str = ""
    key: str = ""
    proven: bool = False
    removed: bool = False


class RoomRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A room. `invited` may come in where it is by invitation; those `out` were put out, and stay so until somebody
    invites them again. Of one that was `removed`, its last members are the `readers`."""

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
    """A dialog that waits: when it is announced again and after what pause; until when an answer is under way."""

    ask: Ask
    remind_at: float
    pause: float
    until: float = 0.0


_StoredRecord = MemberRecord | RoomRecord | Membership | TokenRecord | ContextRecord
StoredState = _StoredRecord | PausedMember | SharePolicy | Floor | AskRecord | LoopHold | Decision | Session
