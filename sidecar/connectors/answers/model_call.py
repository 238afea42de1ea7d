"""One question to a model: asks, passes each piece on, and asks again after a temporary failure. No error leaves it
with the key in its text."""

from __future__ import annotations

import asyncio
import random
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, cast

import structlog

from sidecar.connectors.answers.retry_rules import give_up_text, pause_before_retry
from sidecar.connectors.connector_interface import (
    DEFAULT_PATIENCE_S,
    Connector,
    ModelError,
    ModelQuestion,
    TokensUsed,
)

MAX_SHOWN_ERROR_CHARS = 200
MAX_TRACE_CHARS = 8000
MAX_ANSWER_CHARS = 1_000_000  # a message has room for far fewer: whoever says more never ends
MAX_TOKENS = 1_000_000_000  # what a vendor cannot have counted
BROKEN_TEXT = "the connector failed; its sidecar.log says why"
CUT_TEXT = "\n[cut: the answer has reached its limit of tokens]"

log = structlog.get_logger("sidecar.connectors.answers.model_call")


def as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True)
class ModelAnswer:
    text: str
    tokens: int = 0


@dataclass
class CallListener:
    """Who wants to know. `piece`: a part of the answer; `broken`: what was said so far counts no more, and the question
    is asked again after so many seconds."""

    piece: Callable[[str], None]
    broken: Callable[[ModelError, float], None]


@dataclass
class ModelCall:
    """Raises ModelError when the model does not answer, with the reason for the room. `clean` takes secrets out of a
    text. `spent` are all tokens that the
    vendor has counted, also those of tries that broke off."""

    connector: Connector
    listener: CallListener
    patience_s: float = DEFAULT_PATIENCE_S
    chance: Callable[[], float] = random.random
    pause: Callable[[float], Any] = asyncio.sleep
    clean: Callable[[str], str] = as_it_is
    spent: int = 0

    async def ask(self, question: ModelQuestion) -> ModelAnswer:
        tries = 0
        while True:
            tries += 1
            try:
                return await self._try(question)
            except ModelError as failure:
                error = self._cleaned(failure)
                pause = pause_before_retry(error, tries, self.chance())
                if pause is None:
                    raise ModelError(give_up_text(error, tries), is_login=error.is_login) from None
                self.listener.broken(error, pause)
                await self.pause(pause)

    def _cleaned(self, error: ModelError) -> ModelError:
        """Secrets go before the text is cut: half a key is one, too."""
        text = self.clean(str(error))[:MAX_SHOWN_ERROR_CHARS]
        return ModelError(text, is_temporary=error.is_temporary, retry_after=error.retry_after, is_login=error.is_login)

    async def _try(self, question: ModelQuestion) -> ModelAnswer:
        parts, used, size = list[str](), TokensUsed(), 0
        try:
            async with aclosing(cast(Any, self.connector.answer(question))) as pieces:
                async for piece in self._in_time(pieces):
                    if isinstance(piece, TokensUsed):
                        used = _added(used, piece)
                    elif piece:
                        parts.append(piece)
                        self.listener.piece(piece)
                        size += len(piece)
                    if size > MAX_ANSWER_CHARS:
                        used = replace(used, is_cut=True)
                        break
        except (ModelError, asyncio.CancelledError):
            raise
        except Exception:
            log.error("the connector failed", trace=self.clean(traceback.format_exc())[-MAX_TRACE_CHARS:])
            raise ModelError(BROKEN_TEXT) from None
        finally:
            self.spent += used.read + used.written
        text = "".join(parts) + (CUT_TEXT if used.is_cut else "")
        return ModelAnswer(text, self.spent)

    async def _in_time(self, pieces: AsyncIterator[str | TokensUsed]) -> AsyncIterator[str | TokensUsed]:
        while True:
            try:
                async with asyncio.timeout(self.patience_s):
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            except TimeoutError:
                text = f"the model has said nothing for {self.patience_s:g} s"
                raise ModelError(text, is_temporary=True) from None
            yield piece


def _added(before: TokensUsed, now: TokensUsed) -> TokensUsed:
    """Each report counts all so far; one that only says that the answer was cut counts nothing."""
    read, written = _believable(now.read) or before.read, _believable(now.written) or before.written
    return TokensUsed(read, written, before.is_cut or now.is_cut)


def _believable(count: Any) -> int:
    """The SDKs do not check what a server sends as a number of tokens."""
    return count if isinstance(count, int) and 0 < count <= MAX_TOKENS else 0
