"""Answers `recall`: candidates from the store, those that the actor may read, ranked, and packed into passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.access.permissions import Actor
from gateway.agent_control import delivery_rules
from gateway.operations.messages.message_queries import decode_message, viewer_of
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.message_requests import Recall
from gateway.protocol.results import Recalled
from gateway.protocol.types.core_types import canonical_room_name
from gateway.recall.passages import pack_passages
from gateway.recall.ranking import AskedWords, rank_with_meaning
from gateway.runtime.hub import Hub
from gateway.store import RecallQuery, StoredEvent, Viewer

MAX_NAMED_SENDERS = 3


async def answer_recall(hub: Hub, actor: Actor, request: Recall) -> Recalled:
    room = None if request.room is None else hub.state.readable_room(canonical_room_name(request.room), actor).name
    asked = AskedWords.of(request.question)
    if not asked.words:
        raise BadRequest(f"{request.question[:80]!r} contains no word to look for. Use letters or digits.")
    view = viewer_of(hub, actor)
    near = await _near_in_meaning(hub, view, request.question, room)
    query = RecallQuery(view, asked.forms, room, _named_senders(hub, asked), also=tuple(near))
    found = await hub.store.candidates(query)
    work = _Work(request, replace(asked, weights=found.weights), found.events, near)
    size = sum(len(one.event) for one in found.events)
    return await hub.aside.run(actor.name, size, lambda: _recalled(hub, actor, work))


@dataclass(frozen=True)
class _Work:
    """What was found, to be ranked and packed. `near` are the messages nearest in meaning, best first."""

    request: Recall
    asked: AskedWords
    events: Sequence[StoredEvent]
    near: Sequence[int]


async def _near_in_meaning(hub: Hub, view: Viewer, question: str, room: str | None) -> list[int]:
    if hub.vectors is None:
        return []
    rooms = None if view.observer and room is None else view.rooms if room is None else (room,)
    return await hub.vectors.nearest(question, rooms)


def _named_senders(hub: Hub, asked: AskedWords) -> tuple[str, ...]:
    """The members that the question names."""
    return tuple(one for one in asked.words if one in hub.state.members)[:MAX_NAMED_SENDERS]


def _recalled(hub: Hub, actor: Actor, work: _Work) -> Recalled:
    """Ranked and packed, without what the actor may not read."""
    messages = [decode_message(one) for one in work.events if one.kind == "message"]
    readable = [one for one in messages if delivery_rules.may_read_message(hub.state, actor, one)]
    known = {one.seq: one for one in readable}
    ranked = rank_with_meaning(work.asked, readable, work.near)
    packed = pack_passages(work.request.question, ranked, known, work.request.budget)
    progress = None if hub.vectors is None else hub.vectors.progress
    return Recalled(packed.passages, packed.tokens, packed.left_out, progress)
