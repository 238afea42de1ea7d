"""How long a room keeps its messages: what a setting means, and how far it may be cut. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from gateway.access.permissions import Actor
from gateway.model.records.shared_document_records import (
    STORE_KIND,
    ContextRecord,
    first_change_to_read,
    key_of,
)
from gateway.model.records.stored_records import RoomRecord
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import GatewayState
from gateway.model.system_messages import room_notice
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.room_requests import SetRetention
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import canonical_room_name
from gateway.rooms.room_rules import check_owner_of_room
from gateway.store import VersionsToRemove

FOREVER = "forever"
LEAST_KEPT_S, LEAST_KEPT_MESSAGES = 60.0, 10
SECONDS_OF = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}
WORD_OF = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
BATCH_SHARE = 0.1  # a cut waits until there is a tenth more: large batches, and few lines in the room
MAX_AGE_BATCH_S = 86_400.0
_SETTING = re.compile(r"(\d{1,9})([mhdw]?)")


@dataclass(frozen=True)
class Keep:
    """What is kept: the messages of the last `seconds`, or the last `messages`."""

    text: str
    seconds: float | None = None
    messages: int | None = None

    @property
    def words(self) -> str:
        amount = int(self.text.rstrip("mhdw"))
        if self.messages is not None:
            return f"{amount:,} messages"
        word = WORD_OF[self.text[-1]]
        return f"{amount} {word.removesuffix('s') if amount == 1 else word}"

    @property
    def slack_messages(self) -> int:
        return int((self.messages or 0) * BATCH_SHARE)

    @property
    def slack_s(self) -> float:
        return min((self.seconds or 0.0) * BATCH_SHARE, MAX_AGE_BATCH_S)


def parse_keep(text: str) -> Keep | None:
    """None for `forever`."""
    word = text.strip().lower()
    if word == FOREVER:
        return None
    match = _SETTING.fullmatch(word)
    if match is None:
        raise BadRequest(f"{text[:40]!r} is not a time or a number. Use 90d, 12h, 100000 or {FOREVER}.")
    amount, unit = int(match[1]), match[2]
    if unit:
        return _checked(Keep(f"{amount}{unit}", seconds=float(amount * SECONDS_OF[unit])))
    return _checked(Keep(f"{amount}", messages=amount))


def _checked(keep: Keep) -> Keep:
    if keep.seconds is not None and keep.seconds < LEAST_KEPT_S:
        raise BadRequest("A room keeps at least one minute.")
    if keep.messages is not None and keep.messages < LEAST_KEPT_MESSAGES:
        raise BadRequest(f"A room keeps at least {LEAST_KEPT_MESSAGES} messages.")
    return keep


def keep_of(record: RoomRecord) -> Keep | None:
    return parse_keep(record.keep) if record.keep else None


def set_retention(state: GatewayState, actor: Actor, request: SetRetention, rule_context: RuleContext) -> RuleOutcome:
    """Only who may remove the room may let its messages be removed."""
    record = state.room(canonical_room_name(request.room), actor)
    check_owner_of_room(record, actor)
    keep = parse_keep(request.keep)
    changed = msgspec.structs.replace(record, keep=keep.text if keep else "")
    what = f"its last {keep.words}; older messages are removed" if keep else "all its messages"
    said = room_notice(
        record.name,
        f"{actor.name} set that this room keeps {what}.",
        rule_context,
        changes=(StateChange("room", record.name, changed),),
    )
    return RuleOutcome(Done(said.event.seq), (said,))


def cut_limit(state: GatewayState, room: str) -> int | None:
    """The number at which a cut must stop below: an open decision of the room. 0 while a mode runs, because what its
    speakers were asked is still in use. None: nothing stops it."""
    floor = state.floors.get(room)
    if floor is not None and floor.running:
        return 0
    asked = [
        number
        for one in state.decisions.values()
        if one.room == room and not one.over
        for number in (one.number, one.asked)
        if number is not None
    ]
    return min(asked, default=None)


def lowest(limits: Iterable[int | None], cut: int) -> int:
    """The cut, moved below each limit."""
    return min([cut, *(limit - 1 for limit in limits if limit is not None)])


def pinned_messages(state: GatewayState, room: str) -> tuple[int, ...]:
    return tuple(sorted(one.message for one in state.pins.values() if one.room == room))


@dataclass(frozen=True)
class Cut:
    """What goes from a room: everything up to `until`, with so many messages, and versions of its documents."""

    record: RoomRecord
    keep: Keep
    until: int
    messages: int
    documents: Sequence[ContextRecord] = ()


def cut_event(cut: Cut, rule_context: RuleContext) -> EventToCommit:
    """The line that stays in the room. From its commit on, what it names is gone or about to go."""
    changes = (
        StateChange("room", cut.record.name, msgspec.structs.replace(cut.record, cut=cut.until)),
        *(StateChange("context", key_of(one.info.scope, one.info.name), one) for one in cut.documents),
    )
    text = (
        f"{cut.messages:,} messages up to #{cut.until} were removed: this room keeps its last {cut.keep.words}. "
        "Pinned messages stay."
    )
    context = {"retention": {"until": cut.until, "messages": cut.messages, "keep": cut.keep.text}}
    return room_notice(cut.record.name, text, rule_context, context, changes)


# shared documents


def documents_of_room(state: GatewayState, room: str) -> list[ContextRecord]:
    scope = f"#{room}"
    return [one for one in state.contexts.values() if one.info.scope == scope]


def without_versions(record: ContextRecord, made_before_cut: int) -> ContextRecord:
    """The record when old versions are gone: those that no version needs that was made after the cut. The newest
    version stays in any case."""
    first_wanted = min(record.removed + made_before_cut + 1, record.info.version)
    removed = max(record.removed, first_change_to_read(first_wanted) - 1)
    return msgspec.structs.replace(record, removed=removed)


def versions_to_remove(record: ContextRecord) -> VersionsToRemove:
    info = record.info
    copies = tuple(key_of(info.scope, info.name, version) for version in range(1, record.removed + 1))
    return VersionsToRemove(record.number, record.removed, STORE_KIND, copies)
