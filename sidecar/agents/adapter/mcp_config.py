"""The room's tools, as every vendor is told of them: a server of this name, its address and its key by the environment.

A key in a command line could be read by others on the machine; in the agent's own environment, or in a private file, it
is the agent's alone."""

from __future__ import annotations

from sidecar.agents.adapter.adapter import Place

SERVER = "groupchat"
ADDRESS = "GROUPCHAT_MCP"
KEY = "GROUPCHAT_MCP_KEY"
PATIENCE = 300  # seconds; what vendors are told to bear, so that a long wait costs few calls of the model


def environment(place: Place) -> dict[str, str]:
    return {ADDRESS: place.tools, KEY: place.key} if place.tools else {}
