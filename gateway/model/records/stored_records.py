"""The stored records of members, rooms, memberships and open questions. Pure."""

from __future__ import annotations

import msgspec

from gateway.access.provider_token_record import ProviderIdentity
from gateway.access.tokens import TokenRecord
from gateway.loop_guard.holds import LoopHold
from gateway.model.records.shared_document_records import ContextRecord
from gateway.protocol.tool_calls.tool_call_types import CallOfTool, ToolOffer
from gateway.protocol.types.core_types import Ask, Member
from gateway.protocol.types.decision_types import Decision
from gateway.protocol.types.session_types import Session
from gateway.turns.engine import Floor


class MemberRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A member, and who may speak for it besides its own token: the team token that created it, or the dialect (by
    name) that registered it for a caller without a token. Such a guest may have a public key (PEM); `proven` says that
    it has once shown that it holds the private key. `named_only`: only messages that name the member wait in its inbox;
    what is said to everyone reaches it by its stream alone. `start_role` is the role that it was last started with: if
    it comes back with the same one, the role that the room has given it since stays. `identity`: who it is at
    its identity provider, by which it is found again."""

    member: Member
    by_team: bool = False
    dialect: str = ""
    key: str = ""
    proven: bool = False
    removed: bool = False
    named_only: bool = False
    start_role: str | None = None
    identity: ProviderIdentity | None = None


class RoomRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A room. `invited` members may join an invite-only room; those in `out` were kicked, and need a new invitation.
    The `readers` of a removed room are its last members. What is said to everyone in a `sealed` room the gateway cannot
    read. `keep` says how long messages stay; what came up to the number `cut` was removed."""

    name: str
    topic: str = ""
    invite_only: bool = False
    created_by: str = ""
    invited: tuple[str, ...] = ()
    out: tuple[str, ...] = ()
    removed: bool = False
    readers: tuple[str, ...] = ()
    sealed: bool = False
    keep: str = ""
    cut: int = 0


class Membership(msgspec.Struct, frozen=True):
    room: str
    member: str


class PausedMember(msgspec.Struct, frozen=True):
    member: str
    by: str


class SharePolicy(msgspec.Struct, frozen=True):
    member: str
    policy: str


class PinRecord(msgspec.Struct, frozen=True):
    """A pinned message. `seq` is the event that pinned it: pins are listed in that order."""

    room: str
    message: int
    seq: int
    by: str
    at: str


class MutedRoom(msgspec.Struct, frozen=True):
    room: str
    member: str


class ReadMark(msgspec.Struct, frozen=True):
    """How far a person has been shown a room: the last message."""

    room: str
    member: str
    message: int


class LastAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The number of an answer, its room, and to whom it went (nobody: to everyone)."""

    message: int
    room: str
    recipients: tuple[str, ...] = ()


class CostRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a member's answers have cost since `since`, as far as they reported it; and the `last` of them."""

    member: str
    since: str = ""
    answers: int = 0
    tokens: int = 0
    last: LastAnswer | None = None


class MemberKeysRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a member has published of its keys: the newest version, and the last records and revocations, in order. It
    stays when the member is removed, because its messages stay."""

    member: str
    version: int = 0
    records: tuple[str, ...] = ()
    revocations: tuple[str, ...] = ()


class RoomKeysRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """The version of a sealed room's current key, and whether a new one is `due` before anybody writes. All notices
    are events about `first`, the seq of the first one."""

    room: str
    version: int = 0
    due: bool = False
    first: int = 0


class AdmissionRecord(msgspec.Struct, frozen=True):
    """An admission that waits for the next key of its room."""

    room: str
    member: str
    admission: str


class AskRecord(msgspec.Struct, frozen=True):
    """A waiting dialog: when it is announced again, with what pause, and until when a given answer is awaited."""

    ask: Ask
    remind_at: float
    pause: float
    until: float = 0.0


_StoredRecord = MemberRecord | RoomRecord | Membership | TokenRecord | ContextRecord
_KeyState = MemberKeysRecord | RoomKeysRecord | AdmissionRecord
_RoomState = PinRecord | MutedRoom | ReadMark | Floor | LoopHold | Decision | Session
_ToolState = ToolOffer | CallOfTool
StoredState = _StoredRecord | _RoomState | _KeyState | _ToolState | PausedMember | SharePolicy | CostRecord | AskRecord
