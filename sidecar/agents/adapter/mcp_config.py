"""The room's tools, as every vendor is told of them: a server of this name, its address and its key by the environment.

A key in a command line could be read by others on the machine; in the agent's own environment, or in a private file, it
is the agent's alone."""

from __future__ import annotations

from sidecar.agents.adapter.adapter import LaunchContext

MCP_SERVER_NAME = "groupchat"
ADDRESS_VARIABLE = "GROUPCHAT_MCP"
KEY_VARIABLE = "GROUPCHAT_MCP_KEY"
MAX_WAIT_S = 300  # seconds; what vendors are told to bear, so that a long wait costs few calls of the model


def mcp_environment(place: LaunchContext) -> dict[str, str]:
    return {ADDRESS_VARIABLE: place.tools, KEY_VARIABLE: place.key} if place.tools else {}
