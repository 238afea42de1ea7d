"""Runs one of the gateway's tools in this process, on a connection of the caller's. Loading them costs 6 MB, so only a
sidecar whose agent uses them here loads this module."""

from __future__ import annotations

from typing import Any

from gateway.mcp.arguments import decode_arguments
from gateway.mcp.tool_caller import Caller, GatewayRequests
from gateway.mcp.tools import TOOLS


async def run_tool_here(requests: GatewayRequests, patience: float, name: str, arguments: dict[str, Any] | None) -> str:
    """The text of its answer; a refusal is an error. `patience`: how many seconds the agent waits for it."""
    tool = TOOLS[name]
    return str(await tool.run(Caller(requests, "", patience=patience), decode_arguments(tool.takes, arguments)))
