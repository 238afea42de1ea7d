"""A body that is not what it says, or does not come; and paths that hold a token."""

from __future__ import annotations

import asyncio
import contextlib

import aiohttp
import pytest
from aiohttp import web

from gateway.api import request_validation
from gateway.protocol.errors import TimedOut
from tests.support.gateways import TEAM_TOKEN, Gateway

NOT_GZIP = {"Content-Encoding": "gzip", "Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/messages"),
        ("POST", "/v1/op"),
        ("POST", "/agent-output"),
        ("POST", "/register"),
        pytest.param("POST", "/mcp", marks=pytest.mark.processes),
    ],
)
@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_that_is_not_in_its_encoding_is_a_bad_request(
    gateway: Gateway, method: str, path: str, encoding: str
) -> None:
    token = TEAM_TOKEN if path in ("/agent-output", "/register") else gateway.operator.token
    headers = {**NOT_GZIP, "Content-Encoding": encoding, "X-Auth-Token": token}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, gateway.url + path, data=b"\xffplain text", headers=headers) as answer,
    ):
        assert answer.status == 400, await answer.text()
        assert encoding in await answer.text()


async def test_a_body_that_comes_drop_by_drop_is_not_waited_for() -> None:
    failed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()

    async def handle(request: web.Request) -> web.Response:
        with contextlib.suppress(TimedOut):
            try:
                await request_validation.read_body(request, within=0.05)
            except TimedOut as error:
                failed.set_result(error)
                raise
        return web.Response()

    app = web.Application()
    app.router.add_post("/", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        _, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\ndrop")
        assert "0.05 s" in str(await asyncio.wait_for(failed, 60))
        writer.close()
    finally:
        await runner.cleanup()
