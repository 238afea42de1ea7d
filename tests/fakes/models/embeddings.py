"""An embedding model without a model: it counts groups of three letters. The same on every run, over loopback.

Texts that share parts of words are near each other (`deploy` and `deployment`); texts that mean the same in other
words are not. So it shows that the machinery works, and nothing of what a real model would find.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from zlib import crc32

from aiohttp import web

DIMENSIONS = 256
GROUP_LETTERS = 3


def letter_group_vector(text: str) -> list[float]:
    """Each group of letters pushes every dimension up or down, always in the same way."""
    pushes = [(0,) * DIMENSIONS]
    for word in "".join(one if one.isalnum() else " " for one in text.casefold()).split():
        padded = f" {word} "
        pushes += [_push_of(padded[at : at + GROUP_LETTERS]) for at in range(len(padded) - GROUP_LETTERS + 1)]
    found = [float(sum(each)) for each in zip(*pushes, strict=True)]
    length = math.sqrt(sum(one * one for one in found)) or 1.0
    return [one / length for one in found]


@cache
def _push_of(letters: str) -> tuple[int, ...]:
    chance = random.Random(crc32(letters.encode()))
    return tuple(chance.choice((-1, 1)) for _ in range(DIMENSIONS))


@dataclass
class EmbeddingModel:
    """`asked`: the batches of texts. With a `refusal`, it answers with this status instead. It refuses texts of more
    than `longest` letters. It thinks for `pause_s`."""

    url: str = ""
    asked: list[list[str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    refusal: int = 0
    longest: int = 1_000_000
    pause_s: float = 0.0

    async def answer(self, request: web.Request) -> web.Response:
        if self.refusal:
            return web.json_response({"error": {"message": "come back later"}}, status=self.refusal)
        await asyncio.sleep(self.pause_s)
        body: dict[str, Any] = await request.json()
        if max(map(len, body["input"])) > self.longest:
            return web.json_response({"error": {"message": "the input is too long"}}, status=400)
        self.asked.append(body["input"])
        self.keys.append(request.headers.get("Authorization", ""))
        data = [{"index": place, "embedding": letter_group_vector(one)} for place, one in enumerate(body["input"])]
        return web.json_response({"object": "list", "model": body["model"], "data": data[::-1]})


@asynccontextmanager
async def embedding_model() -> AsyncIterator[EmbeddingModel]:
    model = EmbeddingModel()
    app = web.Application()
    app.router.add_post("/v1/embeddings", model.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        model.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        yield model
    finally:
        await runner.cleanup()
