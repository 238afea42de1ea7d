"""The verbs of `groupchat` that belong to the gateway's and the sidecar's programs.

`groupchat` becomes the other program, before it loads anything that only its own verbs need. Only the standard library
is used here.
"""

from __future__ import annotations

import os
import sys
from typing import NamedTuple, NoReturn

GATEWAY = ("groupchat-gateway", "gateway.cli")
SIDECAR = ("groupchat-sidecar", "sidecar.cli")


class Forwarded(NamedTuple):
    """Which program runs a verb, and the first line of the help page it has there."""

    program: tuple[str, str]
    summary: str
    panel: str


FORWARDED = {
    "join": Forwarded(SIDECAR, "Run an agent in this terminal and connect it to the room.", "Agents"),
    "explain": Forwarded(SIDECAR, "Print what a sidecar sees of its agent, and what it concludes.", "Agents"),
    "skill": Forwarded(SIDECAR, "Print a skill that teaches an agent to use the room's tools.", "Agents"),
    "serve": Forwarded(GATEWAY, "Run the gateway.", "Operations"),
    "token": Forwarded(GATEWAY, "Create, list, revoke and rotate tokens.", "Operations"),
    "doctor": Forwarded(GATEWAY, "Check the installation and suggest fixes.", "Operations"),
    "export": Forwarded(GATEWAY, "Write a room as JSON lines.", "Operations"),
    "import": Forwarded(GATEWAY, "Read a room that `export` has written into this state folder.", "Operations"),
    "mcp": Forwarded(GATEWAY, "Serve the room's tools over the Model Context Protocol on stdio.", "Operations"),
    "record": Forwarded(SIDECAR, "Run a program in this terminal and record it.", "Operations"),
    "replay": Forwarded(SIDECAR, "Print what a sidecar would have seen in a recording.", "Operations"),
}


def forward(words: list[str]) -> None:
    """Hand a line over whose first word is a verb of another program."""
    if words and words[0] in FORWARDED:
        hand_over(words[0], [], words[1:])


def hand_over(verb: str, before: list[str], after: list[str]) -> NoReturn:
    """Become the program that owns this verb. `before` are options that stand before it."""
    program, module = FORWARDED[verb].program
    path = _beside(program)
    command = [path] if path else [sys.executable, "-P", "-m", module]
    os.environ["GROUPCHAT_PROG"] = "groupchat"
    sys.stdout.flush()
    os.execv(command[0], [*command, *before, verb, *after])


def _beside(program: str) -> str | None:
    """Installed beside this program, or found by PATH."""
    path = os.path.join(os.path.dirname(os.path.realpath(sys.argv[0])), program)
    if os.path.exists(path):
        return path
    import shutil

    return shutil.which(program)
