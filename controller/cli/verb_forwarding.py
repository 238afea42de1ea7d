"""Forwards verbs that belong to the programs of the gateway and the sidecar. `groupchat` executes the other program
before it imports what only its own verbs need. This file uses only the standard library.
"""

from __future__ import annotations

import os
import sys
from typing import NamedTuple, NoReturn

GATEWAY = ("groupchat-gateway", "gateway.cli")
SIDECAR = ("groupchat-sidecar", "sidecar.cli")


class Forwarded(NamedTuple):
    """The program that runs a verb, and the first line of its help page there."""

    program: tuple[str, str]
    summary: str
    panel: str


FORWARDED = {
    "join": Forwarded(SIDECAR, "Run an agent in this terminal and connect it to the room.", "Agents"),
    "connect": Forwarded(SIDECAR, "Let a model without a terminal take part, by its vendor's API.", "Agents"),
    "explain": Forwarded(SIDECAR, "Print what a sidecar sees of its agent, and what it concludes.", "Agents"),
    "skill": Forwarded(SIDECAR, "Print a skill that teaches an agent to use the room's tools.", "Agents"),
    "serve": Forwarded(GATEWAY, "Run the gateway.", "Operations"),
    "token": Forwarded(GATEWAY, "Create, list, revoke and rotate tokens.", "Operations"),
    "service": Forwarded(
        GATEWAY,
        "Keep the gateway up without a terminal: as a service of this user, by systemd or launchd.",
        "Operations",
    ),
    "deploy": Forwarded(GATEWAY, "Write the files by which a gateway is deployed.", "Operations"),
    "doctor": Forwarded(GATEWAY, "Check the installation and suggest fixes.", "Operations"),
    "export": Forwarded(GATEWAY, "Write a room as JSON lines.", "Operations"),
    "import": Forwarded(
        GATEWAY,
        "Read an exported room, or an archive of agentchattr, into this state folder.",
        "Operations",
    ),
    "snapshot": Forwarded(GATEWAY, "Take, list and verify snapshots.", "Operations"),
    "restore": Forwarded(GATEWAY, "Restore a snapshot into a state folder.", "Operations"),
    "mcp": Forwarded(GATEWAY, "Serve the room's tools over the Model Context Protocol on stdio.", "Operations"),
    "skynet": Forwarded(
        GATEWAY,
        "Commands for users of Skynet Linker: `groupchat skynet` takes the place of `skynet-linker`.",
        "Other systems",
    ),
    "agentchat": Forwarded(GATEWAY, "Commands for users of AgentChat.", "Other systems"),
    "rules": Forwarded(
        SIDECAR, "Check the file that tells how an agent is started and what its screen means.", "Operations"
    ),
    "record": Forwarded(SIDECAR, "Run a program in this terminal and record it.", "Operations"),
    "replay": Forwarded(SIDECAR, "Print what a sidecar would have seen in a recording.", "Operations"),
}


def as_options(words: list[str]) -> list[str]:
    """`help send` means `send --help`, and `version` means `--version`."""
    match words:
        case ["version"]:
            return ["--version"]
        case ["help", *verbs] if not any(one.startswith("-") for one in verbs):
            return [*verbs, "--help"]
    return words


def forward(words: list[str]) -> None:
    """Execute the other program if the first word is one of its verbs."""
    if words and words[0] in FORWARDED:
        hand_over(words[0], [], words[1:])


def hand_over(verb: str, before: list[str], after: list[str]) -> NoReturn:
    """Execute the program that owns this verb. `before` holds the options before the verb."""
    program, module = FORWARDED[verb].program
    path = _beside(program)
    command = [path] if path else [sys.executable, "-P", "-m", module]
    os.environ["GROUPCHAT_PROG"] = "groupchat"
    sys.stdout.flush()
    os.execv(command[0], [*command, *before, verb, *after])


def _beside(program: str) -> str | None:
    """The program installed beside this one, or found in PATH."""
    path = os.path.join(os.path.dirname(os.path.realpath(sys.argv[0])), program)
    if os.path.exists(path):
        return path
    import shutil

    return shutil.which(program)
