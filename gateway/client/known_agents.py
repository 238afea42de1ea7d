"""The registry of agents, as data, so that a command can name them without loading how each is handled. Pure.

A new agent is one line here, one file `sidecar/agents/NAME.py` with its ADAPTER, and `sidecar/agents/rules/NAME.toml`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Offer(Enum):
    """Whether a team without a team file starts it. FIRST: if its program is installed. FURTHER: only if none of the
    first is there. NEVER: only if somebody asks for it."""

    FIRST = "first"
    FURTHER = "further"
    NEVER = "never"


@dataclass(frozen=True)
class KnownAgent:
    """`skills`: `groupchat skill` can write a skill in the form that it knows."""

    offer: Offer = Offer.NEVER
    skills: bool = False


# In the order in which the agents of a team stand.
KNOWN_AGENTS: dict[str, KnownAgent] = {
    "claude": KnownAgent(Offer.FIRST, skills=True),
    "gemini": KnownAgent(Offer.FIRST, skills=True),
    "codex": KnownAgent(Offer.FIRST, skills=True),
    "opencode": KnownAgent(Offer.FURTHER),
    "qwen": KnownAgent(Offer.FURTHER),
    "copilot": KnownAgent(Offer.FURTHER),
    "pi": KnownAgent(),  # other programs have this name, too
    "cline": KnownAgent(Offer.FURTHER),
    "vibe": KnownAgent(),
    "aider": KnownAgent(),
    "agy": KnownAgent(),
    "demo": KnownAgent(),
    "generic": KnownAgent(),
}


def agents_offered(offer: Offer) -> tuple[str, ...]:
    return tuple(name for name, agent in KNOWN_AGENTS.items() if agent.offer is offer)


def agents_with_skills() -> tuple[str, ...]:
    return tuple(name for name, agent in KNOWN_AGENTS.items() if agent.skills)
