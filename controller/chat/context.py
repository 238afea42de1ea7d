"""What an action of the chat needs from the chat, and what it returns."""

from __future__ import annotations

from typing import Protocol

from controller.view.chat_state import ChatState
from controller.view.list_overlay import ListOverlay
from gateway.client import Client

ActionResult = ListOverlay | str | None


class ChatContext(Protocol):
    @property
    def client(self) -> Client: ...

    @property
    def state(self) -> ChatState: ...
