"""What is needed to start, as a list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.team.preflight import AgentRequirements, MachineFacts, PreflightCheck, Program, run_checks
from controller.team.team import GatewaySpec, Team
from controller.tmux.session import is_new_enough

GOOD = MachineFacts(tmux="3.3a", tmux_new_enough=True, port_taken=False, disk_free=50 * 2**30)
GOOD = replace(GOOD, foreseen={"claude": AgentRequirements(("1.9.7", "1.10.2"))})
CLAUDE = Program("claude", "claude", "/bin/claude", "1.10.2 (Claude Code)")


def found(facts: MachineFacts, team: Team | None = None) -> list[PreflightCheck]:
    return list(run_checks(team or Team(), facts))


def test_all_is_well() -> None:
    assert [check.text for check in found(replace(GOOD, programs=(CLAUDE,)))] == [
        "tmux 3.3a",
        "port 8765 is free",
        "disk: 50 GB free",
        "claude 1.10.2",
    ]
    assert all(check.good for check in found(GOOD))


def test_keys_of_agents_are_announced_before_they_are_made() -> None:
    assert "encryption: each agent has a key without a passphrase" in found(GOOD, Team(encryption=True))[-1].text
    assert not any("encryption" in check.text for check in found(GOOD))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (replace(GOOD, tmux=None), "groupchat join"),
        (replace(GOOD, tmux="2.9", tmux_new_enough=False), "3.2 or newer"),
        (replace(GOOD, port_taken=True), "port 8765 is taken"),
        (replace(GOOD, disk_free=1024), "needs room to grow"),
        (replace(GOOD, missing_projects=(("claude", "~/gone"),)), "~/gone does not exist"),
    ],
)
def test_what_stops_a_start_says_how_to_go_on(facts: MachineFacts, words: str) -> None:
    (stop,) = [check for check in found(facts) if check.stops]
    assert words in stop.text
    assert not stop.good


def test_what_an_agent_wants_first_is_told_and_stops_nothing() -> None:
    foreseen = {"claude": AgentRequirements(wants=("asks to log in", "asks whether you trust /work"))}
    last = found(replace(GOOD, programs=(CLAUDE,), foreseen=foreseen))[-1]
    assert last == PreflightCheck(
        "claude asks to log in and asks whether you trust /work: answer in its pane", good=False
    )


MISSING = Program("codex", "codex", None)
NEW = replace(CLAUDE, version="1.11.0")
MUTE = replace(CLAUDE, version="")


@pytest.mark.parametrize(
    ("program", "words", "good"),
    [
        (CLAUDE, "claude 1.10.2", True),
        (NEW, "is untested", False),
        (MISSING, "no program 'codex'", False),
        (MUTE, "/bin/claude", True),
    ],
)
def test_an_agents_program(program: Program, words: str, good: bool) -> None:
    last = found(replace(GOOD, programs=(program,)))[-1]
    assert words in last.text
    assert (last.good, last.stops) == (good, False)


@pytest.mark.parametrize("program", [NEW, MISSING, MUTE])
def test_a_strict_check_stops(program: Program) -> None:
    assert found(replace(GOOD, programs=(program,)), Team(strict=True))[-1].stops


def test_a_gateway_elsewhere_needs_no_port() -> None:
    team = Team(gateway=GatewaySpec(url="http://far:1"))
    assert not any("port" in check.text for check in found(replace(GOOD, port_taken=True), team))


def test_of_the_port_of_a_gateway_that_runs_already_nothing_is_said() -> None:
    assert not any("port" in check.text for check in found(replace(GOOD, port_taken=None)))


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        ("3.2", True),
        ("3.2a", True),
        ("3.7", True),
        ("next-3.6", True),
        ("master", True),
        ("3.1c", False),
        ("2.9", False),
    ],
)
def test_versions_of_tmux(version: str, enough: bool) -> None:
    assert is_new_enough(version) is enough
