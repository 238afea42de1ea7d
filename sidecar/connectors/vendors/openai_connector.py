"""OpenAI's Chat Completions, by its SDK: OpenAI's own server, Perplexity's, and every other that speaks as they do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx2
import openai

from sidecar.connectors.connector_interface import ConnectorSettings, ModelQuestion, Speaker, TokensUsed
from sidecar.connectors.vendors.http_failures import failure_of_connection, failure_of_status, words_of_server

NO_KEY = "none"  # a server of one's own often asks for none, but the SDK does
_ROLES = {Speaker.MODEL: "assistant", Speaker.ROOM: "user"}


class ChatConnector:
    """A server that speaks as OpenAI does."""

    vendor = "The server"
    limit_field = "max_tokens"
    asks_for_usage = True

    def __init__(self, settings: ConnectorSettings) -> None:
        self._model = settings.model
        self._client = openai.AsyncOpenAI(
            api_key=settings.key or NO_KEY, base_url=settings.base_url, timeout=settings.patience_s, max_retries=0
        )

    async def close(self) -> None:
        await self._client.close()

    async def answer(self, question: ModelQuestion) -> AsyncIterator[str | TokensUsed]:
        try:
            async with await self._client.chat.completions.create(**self._fields(question)) as chunks:
                async for chunk in chunks:
                    for choice in chunk.choices[:1]:
                        if choice.delta.content:
                            yield choice.delta.content
                        if choice.finish_reason == "length":
                            yield TokensUsed(is_cut=True)
                    if chunk.usage is not None:
                        yield TokensUsed(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        except openai.APIStatusError as error:
            words, headers = words_of_server(error.body, error.message), dict(error.response.headers)
            raise failure_of_status(self.vendor, error.status_code, words, headers, datetime.now(UTC)) from None
        except (openai.APIError, httpx2.HTTPError) as error:
            raise failure_of_connection(self.vendor, error) from None

    def _fields(self, question: ModelQuestion) -> dict[str, Any]:
        system = {"role": "system", "content": question.instructions}
        said = [{"role": _ROLES[turn.speaker], "content": turn.text} for turn in question.turns]
        fields = {"model": self._model, "messages": [system, *said], "stream": True}
        fields[self.limit_field] = question.answer_tokens
        return fields | ({"stream_options": {"include_usage": True}} if self.asks_for_usage else {})


class OpenAIConnector(ChatConnector):
    vendor = "OpenAI"
    limit_field = "max_completion_tokens"


class PerplexityConnector(ChatConnector):
    """It counts tokens without being asked."""

    vendor = "Perplexity"
    asks_for_usage = False
