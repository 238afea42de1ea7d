"""The rules of reactions. Pure: (message, earlier reactions, request, rule_context) -> outcome.

Reactions are not in memory: the caller reads the earlier ones of a message from the log. Two reactions that are decided
at the same time may pass a limit by one; nothing depends on the exact number.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.access.permissions import Actor, Permission
from gateway.model.deliveries.recent_messages import readers_of_direct
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest, Conflict
from gateway.protocol.events import Message, ReactionEvent
from gateway.protocol.requests.mark_requests import MAX_SIGN_CHARS, React
from gateway.protocol.results import Done, Reaction
from gateway.protocol.text.invisible_characters import BLANKS, strip_ignorable

MAX_SIGNS_PER_MEMBER = 5
MAX_SIGNS_PER_MESSAGE = 50
_WORD = ("L", "N")


@dataclass(frozen=True)
class ReactedMessage:
    """A message that the actor may read, and its reactions so far."""

    message: Message
    reactions: Sequence[Reaction]


def react(
    state: GatewayState, actor: Actor, request: React, to: ReactedMessage, rule_context: RuleContext
) -> RuleOutcome:
    message, earlier = to.message, to.reactions
    actor.require(Permission.SEND)
    state.own_room(message.room, actor)
    sign = check_sign(request.sign)
    given = {one.sign for one in earlier if actor.name in one.members}
    if (sign in given) is not request.remove:
        return RuleOutcome(Done())
    if not request.remove:
        _check_limits(message, given, earlier)
    event = ReactionEvent(
        rule_context.seq(), message.room, message.seq, actor.name, sign, rule_context.stamp, removed=request.remove
    )
    return RuleOutcome(Done(event.seq), (EventToCommit(event, ends=_ends_of(message), about=message.seq),))


def check_sign(text: str) -> str:
    """A sign is one emoji or one short word, so that it stands beside a message in one row."""
    sign = unicodedata.normalize("NFC", text.strip())
    kinds = [unicodedata.category(one) for one in sign]
    is_word = bool(sign) and all(kind[0] in _WORD or one in "+-_" for kind, one in zip(kinds, sign, strict=True))
    is_emoji = any(kind in ("So", "Sk", "Sm") for kind in kinds) and all(
        kind[0] in "SM" or one in "\u200d\ufe0f" for kind, one in zip(kinds, sign, strict=True)
    )
    is_visible = strip_ignorable(sign) == sign and not any(one in BLANKS for one in sign)
    if len(sign) > MAX_SIGN_CHARS or not is_visible or not (is_word or is_emoji):
        raise BadRequest(
            f"{sign[:40]!r} cannot be a reaction: use one emoji, or one word of at most {MAX_SIGN_CHARS} characters."
        )
    return sign


def _check_limits(message: Message, given: set[str], earlier: Sequence[Reaction]) -> None:
    if len(given) >= MAX_SIGNS_PER_MEMBER:
        raise Conflict(
            f"You have put {MAX_SIGNS_PER_MEMBER} reactions on message {message.seq}. Remove one of them first."
        )
    if sum(len(one.members) for one in earlier) >= MAX_SIGNS_PER_MESSAGE:
        raise Conflict(f"Message {message.seq} has {MAX_SIGNS_PER_MESSAGE} reactions, and takes no more.")


def _ends_of(message: Message) -> tuple[str, ...] | None:
    return readers_of_direct(message.from_, message.recipients) if message.recipients else None


def reactions_after(events: Iterable[ReactionEvent]) -> tuple[Reaction, ...]:
    """The reactions to one message, by the events about it in order. Signs stand in the order of their first use."""
    by_sign: dict[str, dict[str, None]] = {}
    for event in events:
        members = by_sign.setdefault(event.sign, {})
        if event.removed:
            members.pop(event.by, None)
        else:
            members[event.by] = None
    return tuple(Reaction(sign, tuple(members)) for sign, members in by_sign.items() if members)
