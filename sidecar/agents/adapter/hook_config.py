"""Hooks that run a command. The command's text never changes, because agents remember which text their user trusts.

What differs between runs is in a private script that an environment variable names. Without that variable, outside our
sidecars, the command exits at once.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from sidecar.agents.adapter import hook_command
from sidecar.agents.adapter.adapter import LaunchContext

HOOK_VARIABLE = "GROUPCHAT_HOOK"
HOOK_TIMEOUT_S = 5


def hook_command_line(outside: str = "") -> str:
    """For any shell. After `HOOK_TIMEOUT_S` seconds the agent continues without us. `outside`: a variable that is set
    if this agent is not the one in our terminal, but one that it runs."""
    test = f'test -z "${HOOK_VARIABLE}"' + (f' -o -n "${outside}"' if outside else "")
    return f"/bin/sh -c '{test} || exec /bin/sh \"${HOOK_VARIABLE}\" {HOOK_TIMEOUT_S}'"


def hook_environment(place: LaunchContext) -> dict[str, str]:
    return {HOOK_VARIABLE: str(_script_path(place))}


def hook_files(place: LaunchContext) -> Mapping[Path, str]:
    """The address contains a secret, so it is in no command line and only in the environment of the hook itself."""
    run = shlex.join((sys.executable, "-I", "-S", hook_command.__file__))
    return {_script_path(place): f'GROUPCHAT_HOOKS={shlex.quote(place.hooks)} exec {run} "$@"\n'}


def _script_path(place: LaunchContext) -> Path:
    return place.private / "hook"
