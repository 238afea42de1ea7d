"""Answers `recall`: candidates from the store, those that the actor may read, ranked, and packed into passages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gateway.access.permissions import Actor
from gateway.agent_control import delivery_rules
from gateway.operations.messages.message_queries import decode_message, viewer_of
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.message_requests import Recall
from gateway.protocol.results import Recalled
from gateway.protocol.types.core_types import canonical_room_name
from gateway.recall.passages import pack_passages
from gateway.recall.ranking import AskedWords, rank_with_signals
from gateway.runtime.hub import Hub
from gateway.store import RecallQuery, StoredEvent

MAX_NAMED_SENDERS = 3


async def answer_recall(hub: Hub, actor: Actor, request: Recall) -> Recalled:
    room = None if request.room is None else hub.state.readable_room(canonical_room_name(request.room), actor).name
    asked = AskedWords.of(request.question)
    if not asked.words:
        raise BadRequest(f"{request.question[:80]!r} contains no word to look for. Use letters or digits.")
    query = RecallQuery(viewer_of(hub, actor), asked.forms, room, _named_senders(hub, asked))
    found = await hub.store.candidates(query)
    size = sum(len(one.event) for one in found.events)
    return await hub.aside.run(
        actor.name, size, lambda: _recalled(hub, actor, request, replace(asked, weights=found.weights), found.events)
    )


def _named_senders(hub: Hub, asked: AskedWords) -> tuple[str, ...]:
    """The members that the question names."""
    return tuple(one for one in asked.words if one in hub.state.members)[:MAX_NAMED_SENDERS]


def _recalled(hub: Hub, actor: Actor, request: Recall, asked: AskedWords, events: Sequence[StoredEvent]) -> Recalled:
    messages = [decode_message(one) for one in events if one.kind == "message"]
    readable = [one for one in messages if delivery_rules.may_read_message(hub.state, actor, one)]
    packed = pack_passages(
        request.question, rank_with_signals(asked, readable), {one.seq: one for one in readable}, request.budget
    )
    return Recalled(packed.passages, packed.tokens, packed.left_out)
