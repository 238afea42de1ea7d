"""What an action of the chat needs from the chat, and what it returns."""

from __future__ import annotations

from typing import Protocol

from controller.view.state.chat_state import ChatState
from controller.view.stream.list_overlay import ListOverlay
from controller.wording.status_text import StatusContext
from gateway.client import Client

ActionResult = ListOverlay | str | None


class ChatContext(Protocol):
    @property
    def client(self) -> Client: ...

    @property
    def state(self) -> ChatState: ...

    @property
    def about(self) -> StatusContext: ...
