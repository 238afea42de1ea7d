"""An embedding model behind an HTTP endpoint that speaks OpenAI's `/embeddings`: texts in, vectors out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import aiohttp
import msgspec

from gateway.embedding.embedder import MAX_DIMENSIONS, MAX_TEXT_CHARS, EmbeddingFailed, TextRefused
from gateway.recall.vector_codes import pack_vector

MAX_ANSWER_BYTES = 64 * 1024 * 1024
MAX_REASON_CHARS = 200
PATH = "/embeddings"
TEXT_REFUSED_STATUSES = (400, 413, 422, 500)  # llama.cpp answers 500 to a text that is too long


class _Vector(msgspec.Struct, frozen=True):
    embedding: list[float]
    index: int = 0


class _Answer(msgspec.Struct, frozen=True):
    data: list[_Vector]


def embedding_address(given: str) -> str:
    """The address to ask: `/embeddings` under what was given."""
    return given if given.endswith(PATH) else given.rstrip("/") + PATH


class EmbeddingEndpoint:
    def __init__(self, address: str, model: str, key: str | None = None) -> None:
        self.model = model
        self._address = embedding_address(address)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(headers=self._headers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def embed(self, texts: Sequence[str], within_s: float) -> list[bytes]:
        asked = {"model": self.model, "input": [one[:MAX_TEXT_CHARS] for one in texts]}
        try:
            async with asyncio.timeout(within_s):
                return _vectors_in(await self._post(msgspec.json.encode(asked)), len(texts))
        except TimeoutError:
            raise EmbeddingFailed(f"The embedding model did not answer within {within_s:g} s.") from None
        except (aiohttp.ClientError, OSError) as error:
            raise EmbeddingFailed(f"The embedding model cannot be reached ({error}).") from error

    async def _post(self, body: bytes) -> bytes:
        assert self._session is not None
        headers = {"Content-Type": "application/json"}
        async with self._session.post(self._address, data=body, headers=headers, allow_redirects=False) as response:
            answer = await response.content.read(MAX_ANSWER_BYTES) if response.status == 200 else b""
            while response.status == 200 and (more := await response.content.read(MAX_ANSWER_BYTES)):
                answer += more
                if len(answer) > MAX_ANSWER_BYTES:
                    raise EmbeddingFailed("The embedding model's answer is too large.")
            if response.status != 200:
                said = (await response.content.read(MAX_REASON_CHARS)).decode("utf-8", "replace")
                kind = TextRefused if response.status in TEXT_REFUSED_STATUSES else EmbeddingFailed
                raise kind(f"The embedding model refused ({response.status}): {' '.join(said.split())}")
            return answer


def _vectors_in(body: bytes, count: int) -> list[bytes]:
    """The vectors in the order of the texts."""
    try:
        found = sorted(msgspec.json.decode(body, type=_Answer).data, key=lambda one: one.index)
    except msgspec.MsgspecError as error:
        raise EmbeddingFailed(f"The embedding model's answer cannot be read ({error}).") from None
    sizes = {len(one.embedding) for one in found}
    if len(found) != count or len(sizes) != 1 or not 0 < max(sizes) <= MAX_DIMENSIONS:
        raise EmbeddingFailed(f"The embedding model gave {len(found)} vectors for {count} texts, or of several sizes.")
    return [pack_vector(one.embedding) for one in found]
