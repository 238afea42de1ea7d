"""Is everything there that a start needs? Facts are gathered at the edge; what they mean is a table. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from controller.team.team import Team

LEAST_DISK = 200 * 1024 * 1024


@dataclass(frozen=True)
class Program:
    """An agent's program: whether it is there, and what it says about its version."""

    agent: str
    name: str
    path: str | None
    version: str = ""


@dataclass(frozen=True)
class Foreseen:
    """The versions that an agent's rules were tried on, and what it wants of a person before it can be talked to."""

    tried: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()


@dataclass(frozen=True)
class Facts:
    tmux: str | None
    tmux_new_enough: bool
    port_taken: bool
    disk_free: int
    programs: tuple[Program, ...] = ()
    foreseen: Mapping[str, Foreseen] = field(default_factory=dict)
    missing_projects: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Check:
    """One line of the list. What is not `good` and not merely worth knowing stops the start."""

    text: str
    good: bool = True
    stops: bool = False


WITHOUT_TMUX = (
    "Without tmux the same works in terminals of their own: `groupchat serve`, `groupchat chat`, and "
    "`groupchat join claude -- claude` for each agent."
)


def checks(team: Team, facts: Facts) -> Iterator[Check]:
    yield _tmux(facts)
    if not team.gateway.url:
        yield _port(team, facts)
    megabytes = facts.disk_free // (1024 * 1024)
    roomy = facts.disk_free >= LEAST_DISK
    yield Check(f"disk: {_size(megabytes)} free" + ("" if roomy else "; the log needs room to grow"), roomy, not roomy)
    for program in facts.programs:
        foreseen = facts.foreseen.get(program.agent, Foreseen())
        yield _program(program, foreseen.tried, team.strict)
        if program.path and foreseen.wants:
            yield Check(f"{program.agent} {' and '.join(foreseen.wants)}: see to it in its pane", False)
    for agent, folder in facts.missing_projects:
        yield Check(f"{agent}: its project folder {folder} does not exist", False, True)


def _tmux(facts: Facts) -> Check:
    if facts.tmux is None:
        return Check(f"tmux is not installed. {WITHOUT_TMUX}", False, True)
    if not facts.tmux_new_enough:
        return Check(f"tmux {facts.tmux} is too old; 3.2 or newer is needed. {WITHOUT_TMUX}", False, True)
    return Check(f"tmux {facts.tmux}")


def _port(team: Team, facts: Facts) -> Check:
    port = team.gateway.port
    if facts.port_taken:
        words = f"port {port} is taken by another program; choose one with --port, CSP_PORT or team.toml (0 is any)"
        return Check(words, False, True)
    return Check(f"port {port} is free" if port else "any free port")


def _program(program: Program, tried: Sequence[str], strict: bool) -> Check:
    if program.path is None:
        return Check(f"{program.agent}: there is no program {program.name!r} on the PATH", False, strict)
    version = _version(program.version)
    if not version:
        return Check(f"{program.agent}: {program.path}", not (strict and tried), strict and bool(tried))
    if tried and version not in tried:
        words = f"{program.agent} {version} was not tried yet (tried: {', '.join(tried)}); calm counts later"
        return Check(words, False, strict)
    return Check(f"{program.agent} {version}")


def _version(text: str) -> str:
    match = re.search(r"(?<!\d)\d{1,9}\.\d{1,9}[\w.-]{0,40}", text)
    return match[0] if match else ""


def _size(megabytes: int) -> str:
    return f"{megabytes / 1024:.0f} GB" if megabytes >= 1024 else f"{megabytes} MB"
