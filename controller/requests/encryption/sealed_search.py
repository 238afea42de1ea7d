"""Finds messages by their words: at the gateway, and, for what is sealed, among the messages that this machine opens.

The gateway cannot read what is sealed. So the last messages of each room are fetched, opened here and compared, up to a
limit; what is older is not found, and the answer says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controller.requests.encryption.member_client import can_open_sealed
from controller.view.text.search_highlights import hit_pattern, search_terms
from gateway.client import Client
from gateway.client.paged_requests import fetch_all_pages
from gateway.encryption.member_client.checked_messages import MessageProof, check_of
from gateway.protocol.events import Message
from gateway.protocol.requests.message_requests import History, Search
from gateway.protocol.requests.room_requests import Rooms
from gateway.protocol.results import MessageList, RoomList

MAX_OPENED_PER_ROOM = 1000
PAGE_MESSAGES = 200
MAX_ROOMS = 20


@dataclass(frozen=True)
class SearchFound:
    """`opened` and `closed` count the sealed messages that were looked at, and those that this machine cannot open."""

    messages: MessageList
    opened: int = 0
    closed: int = 0
    complete: bool = True

    @property
    def remark(self) -> str:
        """What is said about sealed messages; empty if there were none."""
        if not self.opened and not self.closed:
            return ""
        older = "" if self.complete else f", the last {MAX_OPENED_PER_ROOM} messages of each room"
        said = [f"Sealed messages were searched on this machine: {self.opened}{older}."] if self.opened else []
        said += [f"{self.closed} sealed messages do not open here, and were not searched."] if self.closed else []
        return " ".join(said)


@dataclass(frozen=True)
class _RoomPart:
    found: tuple[Message, ...]
    opened: int
    closed: int
    complete: bool


async def search_everywhere(client: Client, request: Search) -> SearchFound:
    public = await client.request(request, MessageList)
    if not can_open_sealed(client):
        return SearchFound(public)
    parts = [await _search_room(client, request, room) for room in await _rooms_to_search(client, request)]
    hidden = [one for part in parts for one in part.found]
    newest = sorted({one.seq: one for one in (*public.messages, *hidden)}.values(), key=lambda one: -one.seq)
    kept = newest[: request.limit]
    return SearchFound(
        MessageList(tuple(kept), public.more or len(newest) > len(kept)),
        sum(part.opened for part in parts),
        sum(part.closed for part in parts),
        all(part.complete for part in parts),
    )


async def _rooms_to_search(client: Client, request: Search) -> Sequence[str]:
    if request.room is not None:
        return (request.room,)
    me, found = client.welcome.you.name, await fetch_all_pages(client.request, Rooms(), RoomList)
    return [one.name for one in found.rooms if me in one.members and not one.removed][:MAX_ROOMS]


async def _search_room(client: Client, request: Search, room: str) -> _RoomPart:
    seen: list[Message] = []
    before, more = request.before, True
    while more and len(seen) < MAX_OPENED_PER_ROOM:
        asked = History(room=room, before=before, limit=PAGE_MESSAGES, from_=request.from_)
        page = await client.request(asked, MessageList)
        seen += page.messages
        more = page.more and bool(page.messages)
        before = min((one.seq for one in page.messages), default=before)
    sealed = [one for one in seen if check_of(one).was_sealed]
    opened = [one for one in sealed if not check_of(one).proof.is_refused]
    closed = sum(check_of(one).proof is MessageProof.UNREADABLE for one in seen)
    hits = tuple(one for one in opened if contains_all(one.content, request.query))
    return _RoomPart(hits, len(opened), closed, not more)


def contains_all(text: str, query: str) -> bool:
    """Whether the text contains all words and phrases, as the gateway's search would find them."""
    patterns = [hit_pattern(term) for term in search_terms(query)]
    return all(pattern is not None and pattern.search(text) for pattern in patterns) and bool(patterns)
