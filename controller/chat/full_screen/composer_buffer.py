"""What the chat's input line has from the outside: its history in a file, and its completions."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from controller.chat.session.chat_session import Chat
from controller.chat_commands.command_table import complete


class ChatCompleter(Completer):
    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        for one in complete(document.text_before_cursor, self._chat.known()):
            yield Completion(one.text, one.start, display_meta=one.about)


class ChatHistory(FileHistory):
    """The input history. What a person writes into a sealed conversation stays in memory."""

    def __init__(self, path: Path, is_private: Callable[[str], bool]) -> None:
        super().__init__(str(path))
        self._is_private = is_private

    def store_string(self, string: str) -> None:
        if not self._is_private(string):
            super().store_string(string)


def open_history(path: Path | None, is_private: Callable[[str], bool]) -> History:
    """The input history, in a file that only its owner may read."""
    if path is None:
        return InMemoryHistory()
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    return ChatHistory(path, is_private)
