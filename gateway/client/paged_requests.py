"""Fetches a list that comes in pages as one answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from gateway.protocol.events import Welcome
from gateway.protocol.pagination_keys import LISTINGS
from gateway.protocol.requests.approval_requests import Asks
from gateway.protocol.requests.decision_requests import Decisions
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.requests.request import Request
from gateway.protocol.requests.room_requests import Rooms
from gateway.protocol.requests.session_requests import Sessions
from gateway.protocol.results import AskList, DecisionList, MemberList, RoomList, SessionList

T = TypeVar("T")
SendRequest = Callable[[Request, type[Any]], Awaitable[Any]]

_NEXT_PAGES: dict[str, tuple[Request, type[Any]]] = {
    "rooms": (Rooms(), RoomList),
    "members": (Members(), MemberList),
    "asks": (Asks(), AskList),
    "decisions": (Decisions(), DecisionList),
    "sessions": (Sessions(), SessionList),
}


async def fetch_all_pages(ask: SendRequest, request: Request, kind: type[T]) -> T:
    """All entries, page by page. A gateway older than paging answers with all of them at once."""
    listing = LISTINGS[type(request)]
    found = last = await ask(request, kind)
    entries = list(getattr(found, listing.field))
    while last.more and entries:
        after = {"after": listing.key(entries[-1])}
        last = await ask(msgspec.structs.replace(request, **after), kind)
        entries += getattr(last, listing.field)
    whole_list: T = msgspec.structs.replace(found, **{listing.field: tuple(entries), "more": False})
    return whole_list


async def complete_welcome(ask: SendRequest, welcome: Welcome) -> Welcome:
    """A welcome completed with all entries of its lists, of which it holds only the first page."""
    lists: dict[str, tuple[Any, ...]] = {}
    for name in welcome.partial:
        request, kind = _NEXT_PAGES[name]
        found = await fetch_all_pages(ask, request, kind)
        lists[name] = tuple(getattr(found, LISTINGS[type(request)].field))
    if "rooms" in lists:
        lists["rooms"] = tuple(one for one in lists["rooms"] if welcome.you.name in one.members)
    return msgspec.structs.replace(welcome, partial=(), **lists)
