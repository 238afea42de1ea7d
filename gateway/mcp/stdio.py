"""The tools over standard input and output, for a client that starts its servers itself."""

from __future__ import annotations

from pathlib import Path

from mcp.server.stdio import stdio_server

from gateway.client import Direct, Endpoint
from gateway.mcp.caller import Caller
from gateway.mcp.server import Context, progress_of, server_for


async def serve(endpoint: Endpoint, project: Path, patience: float) -> None:
    async with Direct(endpoint) as direct:

        def caller_of(ctx: Context) -> Caller:
            return Caller(direct, endpoint.token, progress_of(ctx), project, patience)

        server = server_for(caller_of)
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())
