"""What the sidecar must know of each vendor, one file each. A new agent is a file and a line in the registry."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.agents import claude, codex, demo, experimental, gemini, generic
from sidecar.agents.adapter.adapter import Agent, Launch, Submit, plain_environment
from sidecar.errors import SidecarError

REGISTRY: dict[str, Agent] = {
    "claude": claude.AGENT,
    "codex": codex.AGENT,
    "gemini": gemini.AGENT,
    "opencode": experimental.OPENCODE,
    "qwen": experimental.QWEN,
    "copilot": experimental.COPILOT,
    "demo": demo.AGENT,
    "generic": generic.AGENT,
}

__all__ = ["REGISTRY", "Agent", "Launch", "Submit", "agent_for", "plain_environment"]


def agent_for(command: Sequence[str], chosen: str | None = None) -> Agent:
    """The adapter for a command, or the one that the user names."""
    if chosen is None:
        return next((agent for agent in REGISTRY.values() if agent.launching.is_for(command)), generic.AGENT)
    if chosen not in REGISTRY:
        raise SidecarError(f"There is no agent {chosen!r}; known are {', '.join(REGISTRY)}.")
    return REGISTRY[chosen]
