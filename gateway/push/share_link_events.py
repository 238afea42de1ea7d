"""Which events go to whoever reads by a link: what is said in front of everyone in its room or its thread."""

from __future__ import annotations

from gateway.access.device_credentials import LinkedPlace
from gateway.model.state import GatewayState
from gateway.protocol import codec
from gateway.protocol.events import Message
from gateway.store import StoredEvent

SHOWN_KINDS = ("message", "reaction")


class ShareLinkFilter:
    """`thread` holds the numbers of the messages of a shared thread, and grows with it."""

    def __init__(self, state: GatewayState, token: str, place: LinkedPlace, thread: set[int] | None = None) -> None:
        self._state, self._token, self._place, self._thread = state, token, place, thread

    def shows(self, record: StoredEvent) -> bool:
        if record.kind not in SHOWN_KINDS or record.ends is not None or record.room != self._place.room:
            return False
        if not self._state.is_link_open(self._state.tokens.get(self._token)):
            return False
        return self._thread is None or self._is_in_thread(record, self._thread)

    def _is_in_thread(self, record: StoredEvent, thread: set[int]) -> bool:
        event = codec.decode_durable(record.event)
        if not isinstance(event, Message):
            return False
        if event.reply_to in thread:
            thread.add(record.seq)
        return record.seq in thread
