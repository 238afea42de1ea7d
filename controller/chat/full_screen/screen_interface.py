"""What the parts of the chat's screen use of it.

Cards, select mode, mouse, keys and painter know this. The screen knows them, because it makes them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from typing import Any, Protocol

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer

from controller.chat.actions.action_interface import ActionResult
from controller.chat.session.chat_session import Chat
from controller.view.state.stream_entries import EntryKey
from controller.view.stream.chat_rows import StreamRows
from controller.view.stream.list_overlay import ListOverlay
from controller.view.stream.viewport import Viewport
from controller.view.text.row_types import Row


class ScreenForParts(Protocol):
    """`overlay` is the open list, `hint` the text above the input until the next key, `last_jump` the entry that was
    jumped to last. `ChatScreen` offers it."""

    chat: Chat
    app: Application[None]
    buffer: Buffer
    rows: StreamRows
    port: Viewport[EntryKey, Row]
    overlay: ListOverlay | None
    hint: str
    last_jump: EntryKey | None

    # answers

    def say(self, words: str, style: str = "class:dim") -> None: ...
    def start(self, work: Coroutine[Any, Any, object]) -> None: ...
    async def show_answer(self, working: Awaitable[ActionResult]) -> ActionResult: ...

    # the view

    def scroll(self, by: int) -> None: ...
    def page(self, up: bool) -> None: ...
    def jump(self, key: EntryKey | None) -> None: ...
    def reveal(self, key: EntryKey) -> None: ...
    def hold_view(self) -> None: ...
    def visible_keys(self) -> list[EntryKey]: ...
    def lowest_visible_key(self) -> EntryKey | None: ...
    def toggle_fold(self, key: EntryKey) -> None: ...
    def choose_item(self, item: int) -> None: ...
