"""The rules of shared context: documents of a room, a member, the whole house. Pure: (request, clerk) -> ruling.

A scope is `#ROOM`, `@MEMBER` or `global`. Whoever may read a document sees its events, and nobody else. Merging needs
the stored document, which memory does not hold: whoever calls has read it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.agent_control import approvals
from gateway.model.documents import (
    ASIDE,
    INLINE,
    ContextRecord,
    Json,
    KeptDocument,
    Written,
    kept_whole,
    key_of,
    written_down,
)
from gateway.model.log_events import Aside, Change, Clerk, Fact, Ruling
from gateway.model.paging import page, same
from gateway.model.state import House
from gateway.protocol.contexts import Contexts, DeleteContext, MergeContext, PutContext
from gateway.protocol.errors import Conflict, Forbidden, InvalidName, NotFound
from gateway.protocol.events import ContextEvent
from gateway.protocol.pages import context_key
from gateway.protocol.results import ContextList, ContextSaved, Done
from gateway.protocol.types import GLOBAL, ContextAction, ContextInfo, MemberKind, member_name_of, name_of, room_name_of


@dataclass(frozen=True)
class Place:
    """Which document, and what is known of it."""

    scope: str
    name: str
    record: ContextRecord | None

    @property
    def key(self) -> str:
        return key_of(self.scope, self.name)

    @property
    def version(self) -> int:
        return self.record.version if self.record is not None else 0

    def __str__(self) -> str:
        return f"{self.name!r} of {self.scope}"


@dataclass(frozen=True)
class Edit:
    """What somebody wants a document to become (nothing: to be gone), by which change, and of which version."""

    action: ContextAction
    expected: int | None
    after: Written | None = None
    patch: Json | None = None


# who may


def readable(house: House, actor: Actor, scope: str, name: str) -> Place:
    found = place(house, actor, scope, name)
    _need_read(house, actor, found.scope)
    return found


def writable(house: House, actor: Actor, scope: str, name: str) -> Place:
    actor.need(Action.SEND)
    found = place(house, actor, scope, name)
    _need_write(house, actor, found.scope)
    return found


def place(house: House, actor: Actor, scope: str, name: str) -> Place:
    where, what = scope_of(house, actor, scope), name_of(name)
    return Place(where, what, house.contexts.get(key_of(where, what)))


def scope_of(house: House, actor: Actor, text: str) -> str:
    """The canonical scope, as far as this actor may know of it."""
    wanted = text.strip()
    if wanted.startswith("#"):
        return f"#{house.room(room_name_of(wanted), actor).name}"
    if wanted.startswith("@"):
        return f"@{house.member(member_name_of(wanted)).name}"
    if wanted.lower() == GLOBAL:
        return GLOBAL
    raise InvalidName(f"{text[:80]!r} is no scope of a context: use '#ROOM', '@MEMBER' or '{GLOBAL}'.")


def may_read(house: House, actor: Actor, scope: str) -> bool:
    if scope == GLOBAL:
        return True
    name = scope[1:]
    if scope.startswith("@"):
        return approvals.may_see(house, actor, name)
    return actor.name in house.in_room[name] or actor.may(Action.READ_DIRECT)


def _need_read(house: House, actor: Actor, scope: str) -> None:
    if not may_read(house, actor, scope):
        raise Forbidden(_stranger(actor, scope))


def _need_write(house: House, actor: Actor, scope: str) -> None:
    name = scope[1:]
    if scope.startswith("#") and actor.name not in house.in_room[name]:
        raise Forbidden(_stranger(actor, scope))
    if scope.startswith("@") and actor.name != name and not actor.may(Action.ADMINISTER):
        raise Forbidden(f"The contexts of {name} are written by {name} or an administrator, not by {actor.name}.")


def _stranger(actor: Actor, scope: str) -> str:
    if scope.startswith("@"):
        return f"{actor.name} is in no room with {scope[1:]}, and cannot read its contexts."
    return f"{actor.name} is not in the room {scope[1:]!r}. Join it first."


# changing


def put(house: House, actor: Actor, request: PutContext, clerk: Clerk, after: Written | None = None) -> Ruling:
    """`after` is the document written down, where somebody has done that already."""
    where = writable(house, actor, request.scope, request.name)
    edit = Edit(ContextAction.PUT, request.version, after or written_down(request.document))
    return _changed(house, actor, where, edit, clerk)


def merge(house: House, actor: Actor, request: MergeContext, after: Written, clerk: Clerk) -> Ruling:
    """`after` is what comes of merging into the document as it stands now."""
    where = writable(house, actor, request.scope, request.name)
    return _changed(house, actor, where, Edit(ContextAction.MERGE, request.version, after, request.patch), clerk)


def delete(house: House, actor: Actor, request: DeleteContext, clerk: Clerk) -> Ruling:
    where = writable(house, actor, request.scope, request.name)
    edit = Edit(ContextAction.DELETE, request.version)
    if where.version == 0 and not _is_repeated(where, actor, edit, ""):
        raise missing(where)
    ruling = _changed(house, actor, where, edit, clerk)
    return Ruling(Done(ruling.facts[0].event.seq if ruling.facts else None), ruling.facts)


def imported(house: House, by: str, where: Place, document: Json, clerk: Clerk) -> Ruling:
    """A document of a room, as an export has it; who wrote it may be long gone."""
    writer = Actor(by, MemberKind.SYSTEM)
    return _changed(house, writer, where, Edit(ContextAction.PUT, None, written_down(document)), clerk)


def _changed(house: House, actor: Actor, where: Place, edit: Edit, clerk: Clerk) -> Ruling:
    raw, digest = (edit.after.raw, edit.after.digest) if edit.after is not None else (b"", "")
    if where.record is not None and _stands_already(where, actor, edit, digest):
        return Ruling(_saved(where.record.info, None))
    _need_version(where, edit)
    version = where.record.info.version + 1 if where.record is not None else 1
    seq = clerk.seq()
    info = ContextInfo(where.scope, where.name, version, len(raw), actor.name, clerk.stamp)
    number = where.record.number if where.record is not None else seq
    record = ContextRecord(info, number, seq, digest)
    event = _event(record, edit, len(raw))
    fact = Fact(
        event,
        ends=_ends(house, actor, where.scope),
        changes=(Change("context", where.key, record),),
        asides=_asides(event, info, edit.after),
        about=number,
    )
    return Ruling(_saved(info, seq), (fact,))


def _stands_already(where: Place, actor: Actor, edit: Edit, digest: str) -> bool:
    """Nothing would change: no new version. What is repeated after a lost answer is answered as it was."""
    if where.record is None or where.record.digest != digest:
        return False
    return edit.expected in (None, where.version) or _is_repeated(where, actor, edit, digest)


def _is_repeated(where: Place, actor: Actor, edit: Edit, digest: str) -> bool:
    """The version before was the expected one, and it was this member that made just this of it."""
    if where.record is None or where.record.digest != digest or where.record.info.by != actor.name:
        return False
    return edit.expected == where.record.info.version - 1


def _need_version(where: Place, edit: Edit) -> None:
    if edit.expected is None or edit.expected == where.version:
        return
    if where.record is None or where.record.gone:
        raise Conflict(f"There is no context {where}, so it cannot have version {edit.expected}. Its version is 0.")
    info = where.record.info
    raise Conflict(
        f"The context {where} has version {info.version} by now (by {info.by}, {info.at}), not {edit.expected}. "
        f"Read it again, and repeat your change with version {info.version}."
    )


def _event(record: ContextRecord, edit: Edit, size: int) -> ContextEvent:
    info = record.info
    after = edit.after if size <= INLINE else None
    merges = edit.after is not None and edit.patch is not None and len(edit.after.patch) <= INLINE
    return ContextEvent(
        seq=record.seq,
        scope=info.scope,
        name=info.name,
        version=info.version,
        action=edit.action,
        by=info.by,
        timestamp=info.at,
        size=size,
        document=after.document if after is not None and edit.action is ContextAction.PUT else None,
        patch=edit.patch if merges else None,
    )


def _asides(event: ContextEvent, info: ContextInfo, after: Written | None) -> tuple[Aside, ...]:
    key = key_of(info.scope, info.name)
    if after is None:
        return (Aside(ASIDE, key, None),)
    body = document_of(event, after.raw, info.size)
    newest = Aside(ASIDE, key, body)
    return (newest, Aside(ASIDE, key_of(info.scope, info.name, info.version), body)) if kept_whole(event) else (newest,)


def document_of(event: ContextEvent, raw: bytes, size: int) -> KeptDocument:
    at = event.timestamp
    return KeptDocument(event.scope, event.name, event.version, size, event.by, at, msgspec.Raw(raw))


def _ends(house: House, actor: Actor, scope: str) -> tuple[str, ...] | None:
    """Who alone is told: of a member's documents those in its rooms, and who wrote it. Else the room, or everybody."""
    if not scope.startswith("@"):
        return None
    audience = approvals.audience(house, scope[1:])
    return audience if actor.name in audience else (*audience, actor.name)


def _saved(info: ContextInfo, seq: int | None) -> ContextSaved:
    return ContextSaved(info.scope, info.name, info.version, info.size, seq)


def removed(house: House, actor: Actor, scope: str, clerk: Clerk) -> Iterator[Fact]:
    """All documents of a scope that goes."""
    for record in [one for one in house.contexts.values() if one.info.scope == scope and not one.gone]:
        where = Place(scope, record.info.name, record)
        yield from _changed(house, actor, where, Edit(ContextAction.DELETE, None), clerk).facts


def orphaned(house: House) -> set[str]:
    """Scopes of members that are not there any more."""
    scopes = {one.info.scope for one in house.contexts.values() if not one.gone and one.info.scope.startswith("@")}
    return {one for one in scopes if (record := house.members.get(one[1:])) is None or record.removed}


# reading


def contexts(house: House, actor: Actor, request: Contexts, clerk: Clerk) -> Ruling:
    only = None
    if request.scope is not None:
        only = scope_of(house, actor, request.scope)
        _need_read(house, actor, only)
    kept = (one.info for one in house.contexts.values() if not one.gone and only in (None, one.info.scope))
    seen = (info for info in kept if may_read(house, actor, info.scope))
    return Ruling(ContextList(*page(seen, context_key, request.after, request.limit, same)))


def missing(where: Place, version: int | None = None) -> NotFound:
    if where.record is None:
        return NotFound(f"There is no context {where}. `groupchat context list` shows what there is.")
    newest = where.record.info
    if version is not None and version > newest.version:
        return NotFound(f"The context {where} has no version {version} yet; its newest is {newest.version}.")
    if version is not None:
        return NotFound(f"With version {version} the context {where} was deleted.")
    return NotFound(f"The context {where} was deleted by {newest.by}. `groupchat context history` shows its versions.")
