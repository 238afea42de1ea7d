"""Hooks that are commands: one text for everybody and for ever, since agents remember which text their user trusts.

What differs from run to run is a private script that the environment names. Where it is not named, outside our
sidecars, the command is over at once."""

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
    """For any shell. After `PATIENCE` seconds the agent goes on without us. `outside`: a variable whose presence says
    that this is not the agent in our terminal, but one that it runs."""
    test = f'test -z "${HOOK_VARIABLE}"' + (f' -o -n "${outside}"' if outside else "")
    return f"/bin/sh -c '{test} || exec /bin/sh \"${HOOK_VARIABLE}\" {HOOK_TIMEOUT_S}'"


def hook_environment(place: LaunchContext) -> dict[str, str]:
    return {HOOK_VARIABLE: str(_script_path(place))}


def hook_files(place: LaunchContext) -> Mapping[Path, str]:
    """The address holds a secret: it stands in no command line and in no environment but the hook's own."""
    run = shlex.join((sys.executable, "-I", "-S", hook_command.__file__))
    return {_script_path(place): f'GROUPCHAT_HOOKS={shlex.quote(place.hooks)} exec {run} "$@"\n'}


def _script_path(place: LaunchContext) -> Path:
    return place.private / "hook"
