"""The newest messages of the rooms that were shown, so that a room is painted at once when it is entered again. Pure.

Live events keep a page complete while the connection lasts; when it is lost, all pages are dropped. What the gateway
answers afterwards is shown in its place if it differs.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from gateway.protocol.events import Message

MAX_KEPT_MESSAGES = 60
MAX_KEPT_ROOMS = 50


@dataclass(frozen=True)
class RoomPage:
    """The newest messages of a room, oldest first, and whether there are earlier ones."""

    messages: tuple[Message, ...]
    more: bool


class RoomMessageCache:
    def __init__(self) -> None:
        self._pages: OrderedDict[str, RoomPage] = OrderedDict()

    def page(self, room: str) -> RoomPage | None:
        return self._pages.get(room)

    def keep(self, room: str, messages: Iterable[Message], *, more: bool) -> bool:
        """The gateway's newest page of a room. Returns whether it was known already."""
        ordered = tuple(sorted(messages, key=lambda one: one.seq))
        known = self._pages.get(room)
        page = RoomPage(ordered[-MAX_KEPT_MESSAGES:], more or len(ordered) > MAX_KEPT_MESSAGES)
        last = page.messages[-1].seq if page.messages else 0
        later = tuple(one for one in known.messages if one.seq > last) if known is not None else ()
        self._put(room, RoomPage((*page.messages, *later), page.more))
        return known == self._pages[room]

    def note(self, message: Message) -> None:
        """A new message of a room whose page is known."""
        page = self._pages.get(message.room)
        if page is None or (page.messages and message.seq <= page.messages[-1].seq):
            return
        self._put(message.room, RoomPage((*page.messages, message), page.more))

    def forget(self) -> None:
        self._pages.clear()

    def _put(self, room: str, page: RoomPage) -> None:
        cut = len(page.messages) > MAX_KEPT_MESSAGES
        self._pages[room] = RoomPage(page.messages[-MAX_KEPT_MESSAGES:], page.more or cut)
        self._pages.move_to_end(room)
        if len(self._pages) > MAX_KEPT_ROOMS:
            self._pages.popitem(last=False)
