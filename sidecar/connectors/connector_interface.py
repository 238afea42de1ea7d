"""What a connector is: one class with one method, `answer`. Everything that a connector of your own needs is here.

    class Echo:
        def __init__(self, settings: ConnectorSettings) -> None: ...

        async def answer(self, question: ModelQuestion) -> AsyncIterator[str | TokensUsed]:
            yield "You said: "
            yield question.turns[-1].text

docs/guides/connectors.md says how it is installed. It raises `ModelError` when it cannot answer; a temporary one is
tried again. Whatever else it raises is a fault of the connector, and the message ends as failed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

DEFAULT_ANSWER_TOKENS = 4096
DEFAULT_PATIENCE_S = 120.0  # between two pieces of an answer


class Speaker(StrEnum):
    """MODEL: what this member has said before. ROOM: what the others have said."""

    MODEL = "model"
    ROOM = "room"


@dataclass(frozen=True)
class ConversationTurn:
    """Consecutive messages of one side. The first turn and the last one are the room's, and they alternate."""

    speaker: Speaker
    text: str


@dataclass(frozen=True)
class ModelQuestion:
    """A conversation to be answered. `answer_tokens` is the most that an answer may have."""

    instructions: str
    turns: Sequence[ConversationTurn]
    answer_tokens: int = DEFAULT_ANSWER_TOKENS


@dataclass(frozen=True)
class TokensUsed:
    """What the vendor counted so far; the last one counts. `is_cut`: the answer had more tokens than it might."""

    read: int = 0
    written: int = 0
    is_cut: bool = False


@dataclass(frozen=True)
class ConnectorSettings:
    """Where to ask, and as whom. `key` is secret: it is in no text that leaves the connector."""

    model: str = ""
    base_url: str = ""
    key: str = ""
    patience_s: float = DEFAULT_PATIENCE_S

    def __repr__(self) -> str:
        return f"ConnectorSettings(model={self.model!r}, base_url={self.base_url!r})"


class ModelError(Exception):
    """The model did not answer. `is_temporary`: asking again may help, after `retry_after` seconds where it says so.
    `is_login`: the key was refused."""

    def __init__(
        self, text: str, *, is_temporary: bool = False, retry_after: float | None = None, is_login: bool = False
    ) -> None:
        super().__init__(text)
        self.is_temporary, self.retry_after, self.is_login = is_temporary, retry_after, is_login


class Connector(Protocol):
    """One that holds connections has a second method, `async def close(self)`, which is called at the end."""

    def answer(self, question: ModelQuestion) -> AsyncIterator[str | TokensUsed]:
        """The pieces of the answer as they come, and what it has used."""
        ...


async def close_connector(connector: Connector) -> None:
    if (close := getattr(connector, "close", None)) is not None:
        await close()
