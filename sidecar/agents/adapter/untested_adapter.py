"""The adapter of an agent that has a rules file and was never tried with the real program. It proves nothing, so a
message to it is `unverified`, and its answers are shared only if somebody asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sidecar.agents.adapter.adapter import Adapter, LaunchMethod, SubmitMethod, load_built_in_rules, program_name

SILENCE_S = 1.0


def untested_adapter(name: str, *programs: str) -> Adapter:
    """`programs`: the names of the programs that start it."""
    return Adapter(
        name=name,
        rules=load_built_in_rules(name),
        launching=LaunchMethod(is_for=partial(_is_program_named, programs)),
        submit=SubmitMethod(pause=0.2, echoes=False),
        silence=SILENCE_S,
    )


def _is_program_named(names: Sequence[str], command: Sequence[str]) -> bool:
    return program_name(command) in names
