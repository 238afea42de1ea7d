"""The registry of stored documents, by kind: how each kind is encoded, which table holds it in memory, and whether it
is deleted with its member or its room. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from gateway.access.tokens import TokenRecord
from gateway.loop_guard.holds import STORED_AS, LoopHold
from gateway.model.records.shared_document_records import ContextRecord
from gateway.model.records.stored_records import (
    AdmissionRecord,
    AskRecord,
    CostRecord,
    MemberKeysRecord,
    MemberRecord,
    Membership,
    MutedRoom,
    PausedMember,
    PinRecord,
    ReadMark,
    RoomKeysRecord,
    RoomRecord,
    SharePolicy,
    StoredState,
)
from gateway.protocol.tool_calls.tool_call_types import CallOfTool, ToolOffer
from gateway.protocol.types.decision_types import Decision
from gateway.protocol.types.session_types import Session
from gateway.turns.engine import Floor

V = TypeVar("V", bound=StoredState)


class Owner(Enum):
    """With whose removal a document is deleted. A document that ends by its own event has no owner here."""

    MEMBER = "member"
    ROOM = "room"


def _by_key(key: str, value: Any) -> str:
    return key


@dataclass(frozen=True)
class Kind(Generic[V]):
    """`passing`: work in progress. If another version wrote it and it cannot be read, the mode or decision ends,
    because that is better than a gateway that does not start. `owner_of`: the name of the owner."""

    name: str
    encoding: type[V]
    owner: Owner | None = None
    owner_of: Callable[[str, V], str] = _by_key
    passing: bool = False


MEMBER = Kind("member", MemberRecord)
ROOM = Kind("room", RoomRecord)
MEMBERSHIP = Kind("membership", Membership)
TOKEN = Kind("token", TokenRecord, Owner.MEMBER, lambda key, token: token.member)
PAUSED = Kind("paused", PausedMember, Owner.MEMBER)
SHARE = Kind("share", SharePolicy, Owner.MEMBER)
ASK = Kind("ask", AskRecord)
CONTEXT = Kind("context", ContextRecord)
DECISION = Kind("decision", Decision, passing=True)
SESSION = Kind("session", Session)
FLOOR = Kind("floor", Floor, Owner.ROOM, passing=True)
LOOP_HOLD = Kind(STORED_AS, LoopHold, Owner.ROOM, passing=True)
PIN = Kind("pin", PinRecord, Owner.ROOM, lambda key, pin: pin.room)
COST = Kind("cost", CostRecord)
MUTED = Kind("muted", MutedRoom, Owner.MEMBER, lambda key, muted: muted.member)
TOOL_OFFER = Kind("tool", ToolOffer, Owner.MEMBER, passing=True)
CALL = Kind("call", CallOfTool, passing=True)
READ = Kind("read", ReadMark, Owner.MEMBER, lambda key, mark: mark.member)
MEMBER_KEYS = Kind("member_keys", MemberKeysRecord)
ROOM_KEYS = Kind("room_keys", RoomKeysRecord)
ADMISSION = Kind("admission", AdmissionRecord, Owner.ROOM, lambda key, one: one.room)

_ALL: tuple[Kind[Any], ...] = (
    *(MEMBER, ROOM, MEMBERSHIP, TOKEN, PAUSED, SHARE, ASK, CONTEXT, DECISION, SESSION, FLOOR, LOOP_HOLD),
    *(PIN, MUTED, READ, COST, TOOL_OFFER, CALL, MEMBER_KEYS, ROOM_KEYS, ADMISSION),
)
KINDS: dict[str, Kind[Any]] = {kind.name: kind for kind in _ALL}


class Table(Generic[V]):
    """The documents of one kind, by key. It calls `changed` before each change."""

    def __init__(self, kind: Kind[V], changed: Callable[[], None] | None = None) -> None:
        self.kind = kind
        self.rows: dict[str, V] = {}
        self._changed = changed

    def put(self, key: str, value: V | None) -> None:
        if self._changed is not None:
            self._changed()
        if value is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = value

    def clear(self) -> None:
        self.rows.clear()

    def owned_by(self, owner: Owner, name: str) -> Iterator[str]:
        """The keys of the documents that are deleted with this owner."""
        if self.kind.owner is owner:
            yield from [key for key, value in self.rows.items() if self.kind.owner_of(key, value) == name]


class Memberships(Table[Membership]):
    """The memberships, indexed by room and by member."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__(MEMBERSHIP, changed)
        self.in_room: dict[str, set[str]] = defaultdict(set)
        self.rooms_of: dict[str, set[str]] = defaultdict(set)

    def put(self, key: str, value: Membership | None) -> None:
        super().put(key, value)
        room, member = key.split("/")
        if value is None:
            self.in_room[room].discard(member)
            self.rooms_of[member].discard(room)
        else:
            self.in_room[room].add(member)
            self.rooms_of[member].add(room)

    def clear(self) -> None:
        super().clear()
        self.in_room.clear()
        self.rooms_of.clear()


class ReadMarks(Table[ReadMark]):
    """How far people have been shown rooms, indexed by room."""

    def __init__(self) -> None:
        super().__init__(READ)
        self.of_room: dict[str, dict[str, int]] = defaultdict(dict)

    def put(self, key: str, value: ReadMark | None) -> None:
        if (before := self.rows.get(key)) is not None:
            self.of_room[before.room].pop(before.member, None)
        super().put(key, value)
        if value is not None:
            self.of_room[value.room][value.member] = value.message

    def clear(self) -> None:
        super().clear()
        self.of_room.clear()


class Admissions(Table[AdmissionRecord]):
    """The admissions that wait for the next key of a room, indexed by room."""

    def __init__(self) -> None:
        super().__init__(ADMISSION)
        self.of_room: dict[str, dict[str, AdmissionRecord]] = defaultdict(dict)

    def put(self, key: str, value: AdmissionRecord | None) -> None:
        super().put(key, value)
        room, _ = key.split("/")
        if value is None:
            self.of_room[room].pop(key, None)
        else:
            self.of_room[room][key] = value

    def clear(self) -> None:
        super().clear()
        self.of_room.clear()


class Calls(Table[CallOfTool]):
    """Calls of tools: the open ones, indexed by tool, and the last ended ones."""

    def __init__(self) -> None:
        super().__init__(CALL)
        self.open_of: dict[str, set[str]] = defaultdict(set)

    def put(self, key: str, value: CallOfTool | None) -> None:
        if (before := self.rows.get(key)) is not None:
            self.open_of[before.tool].discard(key)
        super().put(key, value)
        if value is not None and value.is_open:
            self.open_of[value.tool].add(key)

    def clear(self) -> None:
        super().clear()
        self.open_of.clear()


class Floors(Table[Floor]):
    """The running modes, and in which rooms each member has the turn."""

    def __init__(self) -> None:
        super().__init__(FLOOR)
        self.speaking: dict[str, set[str]] = defaultdict(set)

    def put(self, key: str, value: Floor | None) -> None:
        if (before := self.rows.get(key)) is not None:
            self.speaking[before.speaker].discard(key)
        super().put(key, value)
        if value is not None:
            self.speaking[value.speaker].add(key)

    def clear(self) -> None:
        super().clear()
        self.speaking.clear()
