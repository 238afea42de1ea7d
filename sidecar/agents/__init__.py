"""What the sidecar must know about each vendor. A new agent is a file here, a line in REGISTRY and its rules/NAME.toml.

The rules say what its screen means; the file says how it is started, and what it reports beside its screen."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.agents import claude, codex, demo, experimental, gemini, generic
from sidecar.agents.adapter.adapter import Adapter, LaunchPlan, SubmitMethod, plain_environment
from sidecar.errors import SidecarError

REGISTRY: dict[str, Adapter] = {
    "claude": claude.ADAPTER,
    "codex": codex.ADAPTER,
    "gemini": gemini.ADAPTER,
    "opencode": experimental.OPENCODE,
    "qwen": experimental.QWEN,
    "copilot": experimental.COPILOT,
    "demo": demo.ADAPTER,
    "generic": generic.ADAPTER,
}

__all__ = ["REGISTRY", "Adapter", "LaunchPlan", "SubmitMethod", "agent_for", "plain_environment"]


def agent_for(command: Sequence[str], chosen: str | None = None) -> Adapter:
    """The adapter for a command, or the one that the user names."""
    if chosen is None:
        return next((agent for agent in REGISTRY.values() if agent.launching.is_for(command)), generic.ADAPTER)
    if chosen not in REGISTRY:
        raise SidecarError(f"There is no agent {chosen!r}. Known agents: {', '.join(REGISTRY)}.")
    return REGISTRY[chosen]
