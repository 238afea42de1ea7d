"""How every vendor is told about the room's MCP tools: a server of this name, with its address and key in the
environment.

Others on the machine could read a key in a command line. In the agent's own environment, or in a private file, only the
agent has it.
"""

from __future__ import annotations

from sidecar.agents.adapter.adapter import LaunchContext

MCP_SERVER_NAME = "groupchat"
ADDRESS_VARIABLE = "GROUPCHAT_MCP"
KEY_VARIABLE = "GROUPCHAT_MCP_KEY"
MAX_WAIT_S = 300  # the tool timeout that vendors are given, so that a long wait costs few model calls


def mcp_environment(place: LaunchContext) -> dict[str, str]:
    return {ADDRESS_VARIABLE: place.tools, KEY_VARIABLE: place.key} if place.tools else {}
