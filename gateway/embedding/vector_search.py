"""Finds messages by meaning: makes vectors of the newest public messages in the background, and compares a question
with them.

Each vector is stored as soon as it is made, so that a restart goes on where this one ended. Another model starts over,
because vectors of two models cannot be compared. While the model is away, questions are answered by their words.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from functools import partial
from itertools import chain, repeat

import structlog

from gateway.embedding.embedder import Embedder, EmbeddingFailed, TextRefused
from gateway.embedding.endpoint import EmbeddingEndpoint
from gateway.embedding.model_folder import load_model_folder
from gateway.process_basics.tasks import spawn
from gateway.protocol import codec
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import Message
from gateway.protocol.results import VectorProgress
from gateway.recall.vector_codes import likeness
from gateway.recall.vector_index import VectorIndex
from gateway.runtime.config import Config
from gateway.runtime.hub import Hub
from gateway.store import StoredEvent, StoredVector

log = structlog.get_logger("gateway.embedding")

MAX_VECTORS = 100_000
BATCH_TEXTS = 32
SHORT_TEXT_CHARS = 256  # every model takes so many
PROBE_TEXT = "hello"
PAGE_VECTORS = 2000
FILL_TIMEOUT_S = 60.0
QUESTION_TIMEOUT_S = 3.0
RETRY_DELAYS_S = (1.0, 5.0, 20.0, 60.0)
IDLE_S = 3600.0
UNCOUNTED = 1  # until the messages without a vector are counted, there may be one
NEAR_BY_BITS, NEAREST = 200, 50  # compared exactly; returned
BATCHES_PER_LOG_LINE = 50


class VectorSearch:
    def __init__(self, hub: Hub, model: Embedder, most: int = MAX_VECTORS) -> None:
        self._hub, self._model = hub, model
        self._index = VectorIndex(most)
        self._waiting, self._trouble = UNCOUNTED, ""

    @property
    def progress(self) -> VectorProgress:
        return VectorProgress(len(self._index), self._waiting, self._trouble)

    async def nearest(self, question: str, rooms: Collection[str] | None) -> list[int]:
        """The messages of these rooms (None: of all) that mean most nearly the same, best first; none while the model
        does not answer."""
        if not len(self._index):
            return []
        try:
            (asked,) = await self._model.embed([question], QUESTION_TIMEOUT_S)
        except EmbeddingFailed as error:
            self._trouble = error.message
            return []
        if not any(asked):  # the model knows none of its words
            return []
        loop = asyncio.get_running_loop()
        near = await loop.run_in_executor(None, self._index.nearest, asked, rooms, NEAR_BY_BITS)
        found = await self._hub.store.vectors_of(near)
        found.sort(key=lambda one: (-likeness(asked, one.vector), -one.seq))
        return [one.seq for one in found[:NEAREST]]

    # making vectors

    async def run(self) -> None:
        """Until it is cancelled."""
        await self._patiently(self._start)
        window = await self._hub.store.vector_window(self._index.most)
        self._waiting, filled = window.waiting, window.after
        while True:
            committed = self._hub.committed_seq
            await self._patiently(partial(self._fill, filled))
            filled = committed
            await self._hub.wait_for_event_after(committed, IDLE_S)

    async def _patiently(self, work: Callable[[], Awaitable[None]]) -> None:
        """Try again and again, with growing pauses: the model or the disk may be away for hours."""
        for delay in chain(RETRY_DELAYS_S, repeat(RETRY_DELAYS_S[-1])):
            try:
                return await work()
            except GroupChatError as error:
                self._trouble = error.message
                log.warning("! no vectors are made", why=error.message, again_in_s=delay)
            await asyncio.sleep(delay)

    async def _start(self) -> None:
        """Take over the vectors of the last run, if they are of this model."""
        store, model = self._hub.store, self._model.model
        self._index.clear()
        if await store.vector_model() != model:
            await store.begin_vectors(model)
        before: int | None = None
        while len(self._index) < self._index.most:
            page = await store.vectors_before(before, PAGE_VECTORS)
            if not page:
                break
            self._keep(page)
            before = page[-1].seq
        log.info("= vectors", model=model, made=len(self._index))

    async def _fill(self, after: int) -> None:
        """Make the vectors that are missing after this message, newest first."""
        before: int | None = None
        batches = 0
        while records := await self._hub.store.without_vector(after, before, BATCH_TEXTS):
            await self._embed(records)
            before, batches = records[-1].seq, batches + 1
            self._waiting = max(0, self._waiting - len(records))
            if batches % BATCHES_PER_LOG_LINE == 0:
                log.info("= vectors", made=len(self._index), waiting=self._waiting)
        self._waiting = 0

    def _keep(self, vectors: Iterable[StoredVector]) -> None:
        """An empty one is of a message without text, one of zeros of a text of which the model knows nothing."""
        for one in vectors:
            if any(one.vector):
                self._index.add(one.seq, one.room, one.vector)

    async def _embed(self, records: Sequence[StoredEvent]) -> None:
        """A message without text, such as a sealed one, gets an empty vector, so that it is not looked at again."""
        texts = [_text_of(one) for one in records]
        readable = [text for text in texts if text.strip()]
        made = iter(await self._vectors_of(readable) if readable else [])
        self._trouble = ""
        vectors = [
            StoredVector(one.seq, one.room or "", next(made) if text.strip() else b"")
            for one, text in zip(records, texts, strict=True)
        ]
        await self._hub.store.put_vectors(vectors)
        self._keep(vectors)

    async def _vectors_of(self, texts: Sequence[str]) -> list[bytes]:
        """A model refuses all texts for one that is too long for it; then each is asked by itself, so that this one
        does not keep the others from having theirs."""
        try:
            return await self._model.embed(texts, FILL_TIMEOUT_S)
        except TextRefused:
            return [await self._vector_of(text) for text in texts]

    async def _vector_of(self, text: str) -> bytes:
        """Of a text that is refused, the beginning counts; if that is refused, too, it gets an empty vector."""
        for part in (text, text[:SHORT_TEXT_CHARS]):
            try:
                (vector,) = await self._model.embed([part], FILL_TIMEOUT_S)
                return vector
            except TextRefused as error:
                why = error.message
        await self._model.embed([PROBE_TEXT], FILL_TIMEOUT_S)  # if this fails, it is not the text's fault
        log.warning("! the model refuses a text, so it is found by its words alone", why=why)
        return b""


def _text_of(record: StoredEvent) -> str:
    event = codec.decode_durable(record.event)
    return event.content if isinstance(event, Message) else ""


@contextlib.asynccontextmanager
async def vectors_made(hub: Hub) -> AsyncIterator[None]:
    """Search by meaning, too, while the block runs, if an embedding model is configured."""
    config = hub.config
    if not config.embed:
        yield
        return
    async with _embedder_of(config) as model:
        hub.vectors = search = VectorSearch(hub, model)
        task = spawn(search.run(), "vectors")
        try:
            yield
        finally:
            hub.vectors = None
            task.cancel()
            await asyncio.wait([task])


@contextlib.asynccontextmanager
async def _embedder_of(config: Config) -> AsyncIterator[Embedder]:
    if config.embed_folder is not None:
        yield await load_model_folder(config.embed_folder)
        return
    async with EmbeddingEndpoint(config.embed, config.embed_model, config.embed_key) as endpoint:
        yield endpoint
