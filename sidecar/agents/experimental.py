"""Agents read by the generic engine and a rules file of their own, never tried on the real programs.

They prove nothing of what was typed, so a message to them is `unverified`, and their answers are not shared unless
somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sidecar.agents.adapter.adapter import Agent, Launching, Submit, program, rules_of

SILENCE = 1.0


def _named(*names: str) -> Callable[[Sequence[str]], bool]:
    return lambda command: program(command) in names


def _experimental(name: str, *programs: str) -> Agent:
    return Agent(
        name=name,
        rules=rules_of(name),
        launching=Launching(is_for=_named(*programs)),
        submit=Submit(pause=0.2, echoes=False),
        silence=SILENCE,
    )


OPENCODE = _experimental("opencode", "opencode")
QWEN = _experimental("qwen", "qwen", "qwen-code")
COPILOT = _experimental("copilot", "copilot")
