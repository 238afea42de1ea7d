"""What goes to no vendor."""

from __future__ import annotations

import pytest

from gateway.protocol.events import Message
from gateway.protocol.types.core_types import MessageKind, Room, SealedContent
from sidecar.connectors.questions.vendor_reading import MAY_READ, SEALED_TEXT, UNKNOWN_TEXT, why_vendor_may_not_read

PLAIN = Message(1, "m1", "lab", "bob", ("*",), MessageKind.CHAT, "hi", "2026-12-01T10:00:00Z")
SEALED = Message(
    *(2, "m2", "lab", "bob", ("*",), MessageKind.CHAT, "", "2026-12-01T10:00:00Z"), sealed=SealedContent(1, "YQ==")
)


@pytest.mark.parametrize(
    ("room", "messages", "why"),
    [
        (Room("lab"), (), MAY_READ),
        (Room("lab", invite_only=True), (PLAIN,), MAY_READ),
        (Room("lab", sealed=True), (PLAIN,), SEALED_TEXT),
        (Room("lab"), (PLAIN, SEALED), SEALED_TEXT),
        (None, (PLAIN,), UNKNOWN_TEXT),
    ],
)
def test_what_a_vendor_may_read(room: Room | None, messages: tuple[Message, ...], why: str) -> None:
    assert why_vendor_may_not_read(room, messages) == why
