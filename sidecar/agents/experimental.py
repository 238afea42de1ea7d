"""Agents with a rules file of their own that were never tried with the real programs. They prove nothing, so a message
to them is `unverified`, and their answers are shared only if somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sidecar.agents.adapter.adapter import Adapter, LaunchMethod, SubmitMethod, load_built_in_rules, program_name

SILENCE_S = 1.0


def _is_program_named(*names: str) -> Callable[[Sequence[str]], bool]:
    return lambda command: program_name(command) in names


def _experimental_adapter(name: str, *programs: str) -> Adapter:
    return Adapter(
        name=name,
        rules=load_built_in_rules(name),
        launching=LaunchMethod(is_for=_is_program_named(*programs)),
        submit=SubmitMethod(pause=0.2, echoes=False),
        silence=SILENCE_S,
    )


OPENCODE = _experimental_adapter("opencode", "opencode")
QWEN = _experimental_adapter("qwen", "qwen", "qwen-code")
COPILOT = _experimental_adapter("copilot", "copilot")
