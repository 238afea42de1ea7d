"""What the sidecar must know about each vendor. A new agent is three things, and nothing else names it:

- one line in `gateway/client/known_agents.py`: its name, whether a team starts it by itself, whether it knows skills
- one file here, NAME.py, with its ADAPTER: how it is started, and what it reports beside its screen
- one file of rules, rules/NAME.toml: what its screen, its title and its other signals mean

The rules alone say how its idle, busy and asking are recognised; `sidecar/activity/activity_verdict.py` judges what all
its signals together mean. `adapter/` holds what the agents' files share. Recordings of it in `tests/recordings/` prove
the rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from gateway.client.known_agents import KNOWN_AGENTS
from sidecar.agents.adapter.adapter import Adapter, LaunchPlan, SubmitMethod, plain_environment
from sidecar.errors import SidecarError

REGISTRY: dict[str, Adapter] = {name: import_module(f"{__name__}.{name}").ADAPTER for name in KNOWN_AGENTS}
FALLBACK = REGISTRY["generic"]

__all__ = ["REGISTRY", "Adapter", "LaunchPlan", "SubmitMethod", "agent_for", "plain_environment"]


def agent_for(command: Sequence[str], chosen: str | None = None) -> Adapter:
    """The adapter for a command, or the one that the user names."""
    if chosen is None:
        return next((agent for agent in REGISTRY.values() if agent.launching.is_for(command)), FALLBACK)
    if chosen not in REGISTRY:
        raise SidecarError(f"There is no agent {chosen!r}. Known agents: {', '.join(REGISTRY)}.")
    return REGISTRY[chosen]
