"""/mcp, /sse: handed on to the process that speaks the Model Context Protocol, which is started at the first need."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import structlog
from aiohttp import web

from gateway.api import bodies
from gateway.api.auth import actor_of, token_of
from gateway.client.connectors import ProvenSocket
from gateway.client.discovery.local_socket import place_of
from gateway.client.files.private_files import private_folder
from gateway.client.mcp_relay import PATIENCE_HEADER, given_back, headers_of
from gateway.client.process.tasks import spawn
from gateway.protocol.errors import Unavailable
from gateway.protocol.requests import CreateToken

READY_WITHIN = 20.0
ENDS_WITHIN = 3.0
MOST_SAID = 8000
log = structlog.get_logger("gateway.mcp")


@dataclass(frozen=True)
class Place:
    """What the gateway is called, and the socket where the process finds it."""

    url: str
    socket: Path = Path()


class McpProcess:
    """Started when somebody asks for it, again if it has died, and ended with the gateway."""

    def __init__(self, folder: Path, token_for: Callable[[CreateToken], Awaitable[str]]) -> None:
        """`token_for` is asked where a door lets somebody in who brings no token."""
        self.token_for = token_for
        self._socket = place_of(private_folder(folder), "mcp.sock", os.environ)
        self._process: asyncio.subprocess.Process | None = None
        self._session: aiohttp.ClientSession | None = None
        self._logging: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self.place = Place("")

    async def session(self) -> aiohttp.ClientSession:
        async with self._starting:
            if self._process is None or self._process.returncode is not None or self._session is None:
                await self._start()
        assert self._session is not None
        return self._session

    async def _start(self) -> None:
        await self.stop()
        self._socket.unlink(missing_ok=True)
        command = [sys.executable, "-P", "-m", "gateway.cli", "mcp", "--socket", str(self._socket)]
        command += ["--gateway", self.place.url, "--through", str(self.place.socket)]
        pipe = asyncio.subprocess.PIPE
        own = {name: value for name, value in os.environ.items() if name != "CSP_AUTH_TOKEN"}
        self._process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe, env=own)
        assert self._process.stdout is not None and self._process.stderr is not None
        self._logging = spawn(_logged(self._process.stderr), "mcp log")
        try:
            async with asyncio.timeout(READY_WITHIN):
                line = await self._process.stdout.readline()
        except TimeoutError:
            line = b""
        if line.strip() != b"ready":
            await self.stop()
            raise Unavailable("The process for MCP did not start; the gateway's log says why.", retry_after=5)
        log.info("= mcp is ready", pid=self._process.pid)
        connector = ProvenSocket(self._socket, limit=0)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=aiohttp.ClientTimeout(total=None), auto_decompress=False
        )

    async def stop(self) -> None:
        session, self._session = self._session, None
        process, self._process = self._process, None
        if session is not None:
            await session.close()
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(ENDS_WITHIN):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._logging is not None:
            await asyncio.wait({self._logging}, timeout=ENDS_WITHIN)
            self._logging.cancel()
            self._logging = None
        self._socket.unlink(missing_ok=True)


async def _logged(errors: asyncio.StreamReader) -> None:
    """What that process says goes into this one's log, which has an end."""
    while said := await errors.read(MOST_SAID):
        log.warning("! the process for MCP says", said=said.decode(errors="replace").strip())


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MCP: web.AppKey[McpProcess] = web.AppKey("mcp", McpProcess)


async def by_token(request: web.Request) -> web.StreamResponse:
    return await handed_on(request, await known(request))


def routes(handler: Handler = by_token) -> list[web.RouteDef]:
    """Clients of the older kind know an address and no header: the token may stand in the path."""
    found = []
    for prefix in ("", "/t/{secret}"):
        found += [web.route(method, f"{prefix}/mcp", handler) for method in ("GET", "POST", "DELETE")]
        found += [web.get(f"{prefix}/sse", handler), web.post(f"{prefix}/messages/", handler)]
    return found


async def handed_on(request: web.Request, secret: str) -> web.StreamResponse:
    prefix = f"/t/{secret}" if "secret" in request.match_info or "token" in request.query else ""
    path = request.path.removeprefix(f"/t/{request.match_info.get('secret', '')}")
    session = await request.app[MCP].session()
    headers = headers_of(request) | {"Authorization": f"Bearer {secret}", "X-Groupchat-Prefix": prefix}
    if "patience" in request.query:
        headers[PATIENCE_HEADER] = request.query["patience"]
    query = {name: value for name, value in request.query.items() if name not in ("token", "patience")}
    body = io.BytesIO(await bodies.body_of(request)) if request.can_read_body else None
    try:
        answer = await session.request(request.method, f"http://mcp{path}", params=query, data=body, headers=headers)
    except (aiohttp.ClientError, OSError) as error:
        raise Unavailable("The process for MCP does not answer just now.", retry_after=1) from error
    return await given_back(request, answer)


async def known(request: web.Request) -> str:
    """The token, once it is known to be somebody's."""
    await actor_of(request, hands=True)
    return token_of(request)
