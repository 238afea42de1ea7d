"""Checks that a start has everything it needs. Facts are gathered elsewhere; a table interprets them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from controller.team.team import Team

MIN_FREE_BYTES = 200 * 1024 * 1024


@dataclass(frozen=True)
class Program:
    """An agent's program: whether it is installed, and its version."""

    agent: str
    name: str
    path: str | None
    version: str = ""


@dataclass(frozen=True)
class ExpectedConversation:
    """How an agent's conversation would begin, as its sidecar says: `start` is `resumed`, `new` or `lost`; `never`:
    such an agent cannot come back to one; `command`: its own command chooses it. `is_missing`: its vendor does not
    have it on disk where it looks. `moved_from`: where the project was."""

    start: str
    session: str = ""
    since: str = ""
    used: str = ""
    is_missing: bool = False
    moved_from: str = ""


@dataclass(frozen=True)
class AgentRequirements:
    """The versions that an agent's rules were tested with, what the agent asks a person before it accepts messages,
    and, if it was asked for, how its conversation would begin."""

    tried: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    conversation: ExpectedConversation | None = None


@dataclass(frozen=True)
class MachineFacts:
    """`port_taken`: None if the team's gateway runs already."""

    tmux: str | None
    tmux_new_enough: bool
    port_taken: bool | None
    disk_free: int
    programs: tuple[Program, ...] = ()
    foreseen: Mapping[str, AgentRequirements] = field(default_factory=dict)
    missing_projects: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class PreflightCheck:
    """One line of the checklist. A line that is neither `good` nor only a remark stops the start."""

    text: str
    good: bool = True
    stops: bool = False


WITHOUT_TMUX_TEXT = (
    "Without tmux the same works in terminals of their own: `groupchat serve`, `groupchat chat`, and "
    "`groupchat join claude -- claude` for each agent."
)


def run_checks(team: Team, facts: MachineFacts) -> Iterator[PreflightCheck]:
    yield _check_tmux(facts)
    if not team.gateway.url and facts.port_taken is not None:
        yield _check_port(team, facts)
    megabytes = facts.disk_free // (1024 * 1024)
    roomy = facts.disk_free >= MIN_FREE_BYTES
    yield PreflightCheck(
        f"disk: {_size_text(megabytes)} free" + ("" if roomy else "; the log needs room to grow"), roomy, not roomy
    )
    for program in facts.programs:
        foreseen = facts.foreseen.get(program.agent, AgentRequirements())
        yield _check_program(program, foreseen.tried, team.strict)
        if program.path and foreseen.wants:
            yield PreflightCheck(f"{program.agent} {' and '.join(foreseen.wants)}: answer in its pane", False)
    if team.encryption:
        yield PreflightCheck("encryption: each agent has a key without a passphrase, which a sidecar could not type")
    for agent, folder in facts.missing_projects:
        yield PreflightCheck(f"{agent}: its project folder {folder} does not exist", False, True)


def _check_tmux(facts: MachineFacts) -> PreflightCheck:
    if facts.tmux is None:
        return PreflightCheck(f"tmux is not installed. {WITHOUT_TMUX_TEXT}", False, True)
    if not facts.tmux_new_enough:
        return PreflightCheck(f"tmux {facts.tmux} is too old; 3.2 or newer is needed. {WITHOUT_TMUX_TEXT}", False, True)
    return PreflightCheck(f"tmux {facts.tmux}")


def _check_port(team: Team, facts: MachineFacts) -> PreflightCheck:
    port = team.gateway.port
    if facts.port_taken:
        words = f"port {port} is taken by another program; choose one with --port, CSP_PORT or team.toml (0 is any)"
        return PreflightCheck(words, False, True)
    return PreflightCheck(f"port {port} is free" if port else "any free port")


def _check_program(program: Program, tried: Sequence[str], strict: bool) -> PreflightCheck:
    if program.path is None:
        return PreflightCheck(f"{program.agent}: there is no program {program.name!r} on the PATH", False, strict)
    version = _version_in(program.version)
    if not version:
        return PreflightCheck(f"{program.agent}: {program.path}", not (strict and tried), strict and bool(tried))
    if tried and version not in tried:
        words = f"{program.agent} {version} is untested (tested: {', '.join(tried)}); it counts as idle a little later"
        return PreflightCheck(words, False, strict)
    return PreflightCheck(f"{program.agent} {version}")


def _version_in(text: str) -> str:
    match = re.search(r"(?<!\d)\d{1,9}\.\d{1,9}[\w.-]{0,40}", text)
    return match[0] if match else ""


def _size_text(megabytes: int) -> str:
    return f"{megabytes / 1024:.0f} GB" if megabytes >= 1024 else f"{megabytes} MB"
