"""Serves the tools over standard input and output, for clients that start MCP servers themselves."""

from __future__ import annotations

from pathlib import Path

from mcp.server.stdio import stdio_server

from gateway.client import Endpoint, HttpClient
from gateway.mcp.server import RequestContext, progress_reporter, server_for
from gateway.mcp.tool_caller import Caller


async def serve_stdio(endpoint: Endpoint, project: Path, patience: float) -> None:
    async with HttpClient(endpoint) as direct:

        def caller_of(ctx: RequestContext) -> Caller:
            return Caller(direct, endpoint.token, progress_reporter(ctx), project, patience)

        server = server_for(caller_of)
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())
