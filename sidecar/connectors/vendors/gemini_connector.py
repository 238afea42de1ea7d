"""Google's Gemini, by its SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx2
from google import genai
from google.genai import errors, types

from sidecar.connectors.connector_interface import ConnectorSettings, ModelQuestion, Speaker, TokensUsed
from sidecar.connectors.vendors.http_failures import failure_of_connection, failure_of_status

VENDOR = "Google"
_ROLES = {Speaker.MODEL: "model", Speaker.ROOM: "user"}


class GeminiConnector:
    def __init__(self, settings: ConnectorSettings) -> None:
        self._model = settings.model
        self._http = httpx2.AsyncClient(timeout=settings.patience_s)  # else the SDK chooses among what is installed
        options = types.HttpOptions(
            base_url=settings.base_url,
            retry_options=types.HttpRetryOptions(attempts=1),
            httpx_async_client=self._http,
        )
        self._client = genai.Client(api_key=settings.key, vertexai=False, http_options=options)

    async def close(self) -> None:
        await self._client.aio.aclose()
        await self._http.aclose()

    async def answer(self, question: ModelQuestion) -> AsyncIterator[str | TokensUsed]:
        contents: list[Any] = [
            types.Content(role=_ROLES[turn.speaker], parts=[types.Part(text=turn.text)]) for turn in question.turns
        ]
        wanted = types.GenerateContentConfig(
            system_instruction=question.instructions, max_output_tokens=question.answer_tokens
        )
        try:
            async for chunk in await self._client.aio.models.generate_content_stream(
                model=self._model, contents=contents, config=wanted
            ):
                if text := _text_of(chunk):
                    yield text
                if (used := chunk.usage_metadata) is not None:
                    yield TokensUsed(used.prompt_token_count or 0, used.candidates_token_count or 0, _is_cut(chunk))
        except errors.APIError as error:
            headers = dict(getattr(error.response, "headers", None) or {})
            raise failure_of_status(VENDOR, error.code, error.message or "", headers, datetime.now(UTC)) from None
        except httpx2.HTTPError as error:
            raise failure_of_connection(VENDOR, error) from None


def _text_of(chunk: types.GenerateContentResponse) -> str:
    """What the model says, without what it thinks."""
    candidates = chunk.candidates or []
    parts = candidates[0].content.parts or [] if candidates and candidates[0].content else []
    return "".join(part.text for part in parts if part.text and not part.thought)


def _is_cut(chunk: types.GenerateContentResponse) -> bool:
    return any(one.finish_reason is types.FinishReason.MAX_TOKENS for one in chunk.candidates or ())
