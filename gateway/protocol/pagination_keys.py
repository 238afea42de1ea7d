"""Lists in pages: the key that orders each list, so that `after` names the last entry of the previous page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gateway.protocol.requests.approval_requests import Asks
from gateway.protocol.requests.decision_requests import Decisions
from gateway.protocol.requests.member_requests import Members, Tokens
from gateway.protocol.requests.request import Request
from gateway.protocol.requests.room_requests import Rooms
from gateway.protocol.requests.session_requests import Sessions
from gateway.protocol.requests.shared_document_requests import Contexts
from gateway.protocol.results import TokenInfo
from gateway.protocol.types.core_types import ContextInfo


@dataclass(frozen=True)
class Listing:
    """The field of the answer that holds the entries, and the key of an entry."""

    field: str
    key: Callable[[Any], Any]


def context_key(info: ContextInfo) -> str:
    return f"{info.scope} {info.name}"


def token_key(info: TokenInfo) -> str:
    return f"{info.name} {info.created} {info.id}"


LISTINGS: dict[type[Request], Listing] = {
    Rooms: Listing("rooms", lambda one: one.name),
    Members: Listing("agents", lambda one: one.name),
    Asks: Listing("asks", lambda one: one.member),
    Decisions: Listing("decisions", lambda one: one.number),
    Sessions: Listing("sessions", lambda one: one.number),
    Contexts: Listing("contexts", context_key),
    Tokens: Listing("tokens", token_key),
}
