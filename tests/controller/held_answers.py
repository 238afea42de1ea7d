"""Answers that a client gets late: the gateway has read them already, and what happens then comes before them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.client import Client
from gateway.protocol.requests.request import Request


class HeldAnswers:
    """The answers to one kind of request, until `let_go` is set. `read`: the first one is there. With an `error`, the
    requests are refused instead."""

    def __init__(
        self, patched: pytest.MonkeyPatch, client: Client, kind: type[Request], error: Exception | None = None
    ) -> None:
        self.read, self.let_go = asyncio.Event(), asyncio.Event()
        ask = client.request

        async def request(request: Request, *args: Any, **fields: Any) -> Any:
            if not isinstance(request, kind):
                return await ask(request, *args, **fields)
            answer = None if error is not None else await ask(request, *args, **fields)
            self.read.set()
            await self.let_go.wait()
            if error is not None:
                raise error
            return answer

        patched.setattr(client, "request", request)
