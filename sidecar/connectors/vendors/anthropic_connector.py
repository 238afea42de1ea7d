"""Anthropic's Messages, by its SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import anthropic
import httpx2

from sidecar.connectors.connector_interface import ConnectorSettings, ModelQuestion, Speaker, TokensUsed
from sidecar.connectors.vendors.http_failures import failure_of_connection, failure_of_status, words_of_server

VENDOR = "Anthropic"
_ROLES: dict[Speaker, Any] = {Speaker.MODEL: "assistant", Speaker.ROOM: "user"}


class AnthropicConnector:
    def __init__(self, settings: ConnectorSettings) -> None:
        self._model = settings.model
        self._client = anthropic.AsyncAnthropic(
            api_key=settings.key, base_url=settings.base_url, timeout=settings.patience_s, max_retries=0
        )

    async def close(self) -> None:
        await self._client.close()

    async def answer(self, question: ModelQuestion) -> AsyncIterator[str | TokensUsed]:
        try:
            async with await self._client.messages.create(
                model=self._model,
                max_tokens=question.answer_tokens,
                system=question.instructions,
                messages=[{"role": _ROLES[turn.speaker], "content": turn.text} for turn in question.turns],
                stream=True,
            ) as events:
                read = 0
                async for event in events:
                    if event.type == "content_block_delta" and event.delta.type == "text_delta":
                        yield event.delta.text
                    elif event.type == "message_start":
                        read = event.message.usage.input_tokens
                        yield TokensUsed(read, event.message.usage.output_tokens)
                    elif event.type == "message_delta":
                        yield TokensUsed(read, event.usage.output_tokens, event.delta.stop_reason == "max_tokens")
        except anthropic.APIStatusError as error:
            status = error.status_code if error.status_code != 200 else 500  # it broke off in the middle of an answer
            words, headers = words_of_server(error.body, error.message), dict(error.response.headers)
            raise failure_of_status(VENDOR, status, words, headers, datetime.now(UTC)) from None
        except (anthropic.APIError, httpx2.HTTPError) as error:
            raise failure_of_connection(VENDOR, error) from None
