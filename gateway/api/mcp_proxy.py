"""/mcp, /sse: forwards requests to the MCP process, and starts that process at the first request."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import aiohttp
import structlog
from aiohttp import web

from gateway.api.auth import actor_of, token_of
from gateway.api.request_validation import read_body
from gateway.client.discovery.local_socket import socket_path_for
from gateway.client.http_connectors import ProvenSocket
from gateway.client.mcp_forwarding import WAIT_HEADER, forwarded_headers, returned_headers
from gateway.files.private_files import make_private_folder
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import Unavailable
from gateway.protocol.requests.member_requests import CreateToken

START_TIMEOUT_S = 60.0  # of a process that imports much, on a machine that is busy
GATEWAY_SECRETS = frozenset({"CSP_AUTH_TOKEN", "GROUPCHAT_STORE_PASSWORD"})  # variables that are for the gateway alone
STOP_TIMEOUT_S = 3.0
MAX_LOGGED_CHARS = 8000
log = structlog.get_logger("gateway.mcp")


@dataclass(frozen=True)
class GatewayAddress:
    """The gateway's address, and the socket where the MCP process reaches it."""

    url: str
    socket: Path = Path()


class RunningProcess(Protocol):
    """What is used of `asyncio.subprocess.Process`."""

    @property
    def pid(self) -> int: ...
    @property
    def stdout(self) -> asyncio.StreamReader | None: ...
    @property
    def stderr(self) -> asyncio.StreamReader | None: ...
    @property
    def returncode(self) -> int | None: ...
    def terminate(self) -> None: ...
    def kill(self) -> None: ...
    async def wait(self) -> int: ...


ProcessStart = Callable[[Sequence[str], Mapping[str, str]], Awaitable[RunningProcess]]


async def start_process(command: Sequence[str], env: Mapping[str, str]) -> asyncio.subprocess.Process:
    """It ends with its standard input, which this process holds open."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe, env=env)


class McpProcess:
    """The MCP process: started at the first request, restarted if it dies, and stopped with the gateway."""

    def __init__(
        self, folder: Path, token_for: Callable[[CreateToken], Awaitable[str]], start: ProcessStart = start_process
    ) -> None:
        """`token_for` creates a token for a caller whom a listener admits without one."""
        self.token_for = token_for
        self._start_process = start
        self._socket = socket_path_for(make_private_folder(folder), "mcp.sock", os.environ)
        self._process: RunningProcess | None = None
        self._session: aiohttp.ClientSession | None = None
        self._logging: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._place = GatewayAddress("")

    def serve_at(self, place: GatewayAddress) -> None:
        """Tell where the MCP process reaches the gateway, once the gateway listens."""
        self._place = place

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
        command += ["--gateway", self._place.url, "--through", str(self._place.socket)]
        own = {name: value for name, value in os.environ.items() if name not in GATEWAY_SECRETS}
        self._process = await self._start_process(command, own)
        assert self._process.stdout is not None and self._process.stderr is not None
        self._logging = spawn(_log_errors(self._process.stderr), "mcp log")
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                line = await self._process.stdout.readline()
        except TimeoutError:
            line = b""
        if line.strip() != b"ready":
            await self.stop()
            raise Unavailable("The MCP process did not start; the gateway's log says why.", retry_after=5)
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
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._logging is not None:
            await asyncio.wait({self._logging}, timeout=STOP_TIMEOUT_S)
            self._logging.cancel()
            self._logging = None
        self._socket.unlink(missing_ok=True)


async def _log_errors(errors: asyncio.StreamReader) -> None:
    """Copy the error output of the MCP process into this process's log, which is bounded."""
    while said := await errors.read(MAX_LOGGED_CHARS):
        log.warning("! the MCP process says", said=said.decode(errors="replace").strip())


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
MCP: web.AppKey[McpProcess] = web.AppKey("mcp", McpProcess)


async def proxy_request(request: web.Request) -> web.StreamResponse:
    return await forward_request(request, await require_known_token(request))


def mcp_routes(handler: Handler = proxy_request) -> list[web.RouteDef]:
    """The MCP routes. Older clients can be given an address but no header, so the token may stand in the path."""
    found = []
    for prefix in ("", "/t/{secret}"):
        found += [web.route(method, f"{prefix}/mcp", handler) for method in ("GET", "POST", "DELETE")]
        found += [web.get(f"{prefix}/sse", handler), web.post(f"{prefix}/messages/", handler)]
    return found


async def forward_request(request: web.Request, secret: str) -> web.StreamResponse:
    prefix = f"/t/{secret}" if "secret" in request.match_info or "token" in request.query else ""
    path = request.path.removeprefix(f"/t/{request.match_info.get('secret', '')}")
    session = await request.app[MCP].session()
    headers = forwarded_headers(request.headers) | {"Authorization": f"Bearer {secret}", "X-Groupchat-Prefix": prefix}
    if "patience" in request.query:
        headers[WAIT_HEADER] = request.query["patience"]
    query = {name: value for name, value in request.query.items() if name not in ("token", "patience")}
    body = io.BytesIO(await read_body(request)) if request.can_read_body else None
    try:
        answer = await session.request(request.method, f"http://mcp{path}", params=query, data=body, headers=headers)
    except (aiohttp.ClientError, OSError) as error:
        raise Unavailable("The MCP process does not answer at the moment. Try again.", retry_after=1) from error
    return await forward_response(request, answer)


async def require_known_token(request: web.Request) -> str:
    """The token of the request, if it belongs to a member; else an error."""
    await actor_of(request, tools_token=True)
    return token_of(request)


async def forward_response(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """Forward the response piece by piece: it may be a long-lived stream."""
    response = web.StreamResponse(status=answer.status, headers=returned_headers(answer.headers))
    try:
        await response.prepare(request)
        with contextlib.suppress(aiohttp.ClientError, ConnectionError):
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
    finally:
        answer.close()
    return response
