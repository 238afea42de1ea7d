"""A model server on loopback: answers from a script, and records every request with its times."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.fakes.models.script import Asked, Dialect, Json, Kind, Pause, Reply


@dataclass(slots=True)
class Seen:
    method: str
    path: str
    body: Json
    asked: Asked
    at: float
    reply: Reply | None = None
    finished_at: float | None = None
    cut: bool = False
    retry: bool = False
    new: tuple[str, ...] = ()
    began_at: float | None = None  # when the first byte of an answer was about to be written, and the last one was
    wrote_last_at: float | None = None

    @property
    def was_answered(self) -> bool:
        """Wholly. What a user says in a turn that failed or was cut stands unanswered before what comes next."""
        return self.finished_at is not None and (self.reply is None or self.reply.status == 200)


@dataclass
class Model:
    """`async with Model(Anthropic()) as model: model.script(Reply("hi")); ... model.prompts`.

    `choose` answers requests without a scripted reply. What the CLI asks beside its turns is answered after
    `aside_silence` seconds. `forgetful` drops each body once it is answered, because a long
    run would need much memory.
    """

    dialect: Dialect
    default: Reply = field(default_factory=Reply)
    choose: Callable[[Seen], Reply] | None = None
    forgetful: bool = False
    aside_silence: float = 0.0
    seen: list[Seen] = field(default_factory=list)
    _script: deque[Reply] = field(default_factory=deque)
    _last: Seen | None = None
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner:
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        assert self._runner, "the model is not running"
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    def script(self, *replies: Reply) -> None:
        """The answers to the next requests of turns, in order; then `default` again."""
        self._script.extend(replies)

    def forget(self) -> None:
        """Reset it for the next test with the same CLI."""
        self.seen.clear()
        self._script.clear()
        self.default, self.choose = Reply(), None

    @property
    def turns(self) -> list[Seen]:
        return [seen for seen in self.seen if seen.asked.kind in (Kind.TURN, Kind.CONTINUATION)]

    @property
    def prompts(self) -> list[str]:
        """Exactly the texts of users, in order, each once per turn, without side requests, tool results, retries, and
        what an earlier turn has asked in vain."""
        turns = [seen for seen in self.seen if seen.asked.kind is Kind.TURN and not seen.retry]
        return [text for seen in turns for text in seen.new]

    @property
    def strangers(self) -> list[str]:
        """Requests that the dialect does not know: a test may insist that there are none."""
        return [f"{seen.method} {seen.path}" for seen in self.seen if seen.asked.kind is Kind.UNKNOWN]

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body: Json = json.loads(raw) if raw else {}
        asked = self.dialect.read(request.method, request.path, body)
        seen = Seen(request.method, request.path, body, asked, time.monotonic())
        seen.retry = self._repeats_a_failure(seen)
        self._note_new(seen)
        self.seen.append(seen)
        try:
            response = await self._answer(request, seen)
        except (asyncio.CancelledError, ConnectionError):
            seen.cut = True
            raise
        finally:
            if self.forgetful:
                seen.body, seen.asked = {}, replace(seen.asked, spoken=())
        seen.finished_at = time.monotonic()
        return response

    def _note_new(self, seen: Seen) -> None:
        if seen.asked.kind not in (Kind.TURN, Kind.CONTINUATION):
            return
        texts, last = seen.asked.texts, self._last
        before = last.asked.texts if last is not None and not last.was_answered else ()
        repeats = len(before) < len(texts) and texts[: len(before)] == before
        seen.new = texts[len(before) :] if repeats else texts
        self._last = seen

    def _repeats_a_failure(self, seen: Seen) -> bool:
        last = self.turns[-1] if self.turns else None
        failed = last is not None and (last.finished_at is None or (last.reply or self.default).status != 200)
        return (
            failed and last is not None and (last.asked.kind, last.asked.texts) == (seen.asked.kind, seen.asked.texts)
        )

    async def _answer(self, request: web.Request, seen: Seen) -> web.StreamResponse:
        kind = seen.asked.kind
        if kind is Kind.PROBE:
            return web.Response()
        if kind is Kind.UNKNOWN:
            return web.json_response(self.dialect.error(404), status=404)
        if kind is Kind.SIDE:
            seen.reply = Reply(seen.asked.side_answer, silence=self.aside_silence)
        else:
            seen.reply = self._next(seen)
        await asyncio.sleep(seen.reply.silence)
        if seen.reply.status != 200:
            body = self.dialect.error(seen.reply.status) if seen.reply.refusal is None else seen.reply.refusal
            return web.json_response(body, status=seen.reply.status, headers=seen.reply.headers)
        if not seen.asked.stream:
            return web.json_response(self.dialect.plain(seen.reply, seen.body))
        return await self._stream(request, seen, seen.reply)

    def _next(self, seen: Seen) -> Reply:
        if self._script:
            return self._script.popleft()
        return self.choose(seen) if self.choose else self.default

    async def _stream(self, request: web.Request, seen: Seen, reply: Reply) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream", "request-id": "req_1"})
        seen.began_at = time.monotonic()
        await response.prepare(request)
        left = len(reply.pieces())
        share = reply.seconds / max(1, left)
        for frame in self.dialect.frames(reply, seen.body):
            if isinstance(frame, Pause):
                if reply.breaks_after is not None and len(reply.pieces()) - left == reply.breaks_after:
                    assert request.transport is not None
                    request.transport.abort()
                    raise asyncio.CancelledError
                left -= 1
                await asyncio.sleep(share)
                if reply.until and not left:
                    await reply.until.wait()
            else:
                await response.write(frame)
        seen.wrote_last_at = time.monotonic()
        await response.write_eof()
        return response
