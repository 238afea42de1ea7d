"""The rules of a sealed message: where it may go, and under which key. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.access.permissions import Actor
from gateway.model.records.stored_records import RoomRecord
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest, Forbidden
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.text.addressing import Address, Everyone, Named
from gateway.protocol.types.core_types import SealedContent
from gateway.sealed_rooms.keyless_members import check_may_have_keys
from gateway.sealed_rooms.room_key_rules import check_current_key, next_key_event

DIRECT = 0  # the version of the room key of what is sealed to its recipients


def check_sealing(
    state: GatewayState, actor: Actor, request: Send, room: RoomRecord, addresses: Sequence[Address]
) -> None:
    """Refuse plain text in a sealed room, and a sealed message under a key that it may not have."""
    if request.sealed is None:
        _check_may_be_plain(request, room)
        return
    if actor.team:
        raise Forbidden("The team token has no keys, and sends nothing that is sealed.")
    if all(isinstance(one, Everyone) for one in addresses):
        _check_for_everyone(state, request, room, request.sealed)
    else:
        _check_for_some(request, request.sealed, addresses)


def _check_may_be_plain(request: Send, room: RoomRecord) -> None:
    if room.sealed:
        raise Forbidden(
            f"#{room.name} is sealed. Write there with `groupchat chat` or `groupchat send` on a machine that has "
            "your key."
        )
    if request.new_key is not None:
        raise BadRequest("`new_key` goes only with a sealed message to everyone.")


def _check_for_everyone(state: GatewayState, request: Send, room: RoomRecord, sealed: SealedContent) -> None:
    if not room.sealed:
        raise Forbidden(f"#{room.name} is not sealed. There only a message to named members can be sealed.")
    if sealed.room_key == DIRECT:
        raise BadRequest("A sealed message to everyone names the room key that it is sealed with.")
    if request.new_key is None:
        check_current_key(state, room, sealed.room_key)
    elif sealed.room_key != request.new_key.version:
        raise BadRequest("A message that comes with a new room key is sealed with that key.")


def _check_for_some(request: Send, sealed: SealedContent, addresses: Sequence[Address]) -> None:
    if not all(isinstance(one, Named) for one in addresses):
        raise BadRequest("A sealed message names each of its recipients: no roles, and not everyone beside a name.")
    if sealed.room_key != DIRECT or request.new_key is not None:
        raise BadRequest("A message to some members is sealed to each of them, with the room key 0 and no `new_key`.")


def new_key_events(
    state: GatewayState, actor: Actor, request: Send, room: RoomRecord, rule_context: RuleContext
) -> tuple[EventToCommit, ...]:
    if request.new_key is None:
        return ()
    check_may_have_keys(state, actor)
    return (next_key_event(state, actor, room, request.new_key, rule_context),)
