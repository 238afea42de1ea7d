"""Whose token lies where: one place for each kind, so that nobody ever runs with somebody else's."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from controller.team.team import AgentSpec, parse_team
from controller.team.toml_reader import TeamError
from controller.workspace.startup.agent_registration import register_agent
from gateway.client import Client, Endpoint, find_endpoint
from gateway.client.discovery.token_files import (
    folder_name_of_url,
    read_kept_token,
    read_secret,
    team_token_file,
    token_file,
    token_file_for,
)
from gateway.console.client_options import ClientOptions
from gateway.files.private_files import write_private
from gateway.mcp.startup import _endpoint_as
from gateway.model.records.stored_records import MemberRecord
from gateway.model.state import GatewayState
from gateway.protocol.errors import Conflict, GroupChatError, ReservedName
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.requests.room_requests import Leave
from gateway.protocol.results import TokenMade
from gateway.protocol.types.core_types import Member, MemberKind, canonical_agent_name
from gateway.rooms import member_tokens
from gateway.rooms.operator_name import OperatorName, operator_from, settle_operator_name
from gateway.server.state_folder.open_hub import open_hub
from gateway.server.state_folder.startup_tokens import system_actor
from sidecar.connection.registration import Registration, connect_as_member
from tests.support.gateways import TEAM_TOKEN, Gateway, config_for, gateway_in_process

HUMAN, AGENT, TOOL = MemberKind.HUMAN, MemberKind.AGENT, MemberKind.TOOL


def test_no_two_tokens_share_a_file(tmp_path: Path) -> None:
    names = ("team", "people", "agents", "tools", "elsewhere", "ada", "alice")
    files = [
        token_file(tmp_path, name, kind, at) for name in names for kind in (HUMAN, AGENT, TOOL) for at in ("", "x_1")
    ]
    files.append(team_token_file(tmp_path))
    for number, path in enumerate(files):
        write_private(path, str(number))
    assert [read_secret(path) for path in files] == [str(number) for number in range(len(files))]


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("https://Desk.example:8765", "desk.example_8765"),
        ("http://[::1]:1", "___1__1"),
        ("https://x/../y", "x_.._y"),
        ("https://..", "_"),
    ],
)
def test_the_folder_of_a_gateway_elsewhere(url: str, folder: str) -> None:
    assert folder_name_of_url(url) == folder


# what the local person is called


@pytest.mark.parametrize(
    ("env", "login", "name"),
    [
        ({}, "boss", "boss"),
        ({}, "Claude", "claude"),
        ({}, "team", "team"),
        ({}, "system", "operator"),
        ({}, "human", "operator"),
        ({}, "all", "operator"),
        ({}, "Ana María", "ana-mar-a"),
        ({}, "--", "operator"),
        ({"GROUPCHAT_OPERATOR": "Ada"}, "boss", "ada"),
    ],
)
def test_the_name_that_a_login_wants(env: dict[str, str], login: str, name: str) -> None:
    assert operator_from(env, login) == OperatorName(name, bool(env))


VENDORS, DEMO = ("claude", "gemini", "codex"), ("ada", "ben", "cleo")


@pytest.mark.parametrize(
    ("login", "agents", "known", "name"),
    [
        ("claude", VENDORS, {}, "claude-user"),
        ("codex", VENDORS, {}, "codex-user"),
        ("gemini", VENDORS, {}, "gemini-user"),
        ("ada", DEMO, {}, "ada-user"),
        ("ben", DEMO, {}, "ben-user"),
        ("cleo", DEMO, {}, "cleo-user"),
        ("team", DEMO, {}, "team"),
        ("claude", DEMO, {}, "claude"),
        ("boss", VENDORS, {}, "boss"),
        ("boss", VENDORS, {"boss": HUMAN}, "boss"),
        ("claude", (), {"claude": AGENT}, "claude-user"),
        ("claude", VENDORS, {"claude-user": AGENT}, "claude-user-2"),
        ("claude", VENDORS, {"claude-user": HUMAN}, "claude-user"),
        ("lint", (), {"lint": TOOL}, "lint-user"),
    ],
)
def test_the_name_that_a_person_gets(
    login: str, agents: Sequence[str], known: dict[str, MemberKind], name: str
) -> None:
    state = GatewayState()
    state.members = {one: MemberRecord(Member(one, kind)) for one, kind in known.items()}
    assert settle_operator_name(OperatorName(login), state, agents) == name


def test_a_chosen_name_is_not_changed_behind_the_persons_back() -> None:
    with pytest.raises(Conflict, match="GROUPCHAT_OPERATOR"):
        settle_operator_name(OperatorName("ada", chosen=True), GatewayState(), DEMO)


@pytest.mark.parametrize("login", [*VENDORS, *DEMO, "team"])
async def test_every_login_administers_and_its_namesake_is_an_agent(tmp_path: Path, login: str) -> None:
    agents = [login] if login != "team" else ["ada"]
    for _ in range(2):
        async with gateway_in_process(tmp_path / "state", operator=login, agents=tuple(agents)) as gateway:
            endpoint = find_endpoint({}, state=gateway.config.state)
            async with Client(endpoint) as person:
                assert person.welcome.you.kind is HUMAN
                assert await person.request(CreateToken(name="further"), TokenMade)
                for name in agents:
                    await register_agent(person, endpoint, gateway.config.state, AgentSpec(name, ("x",)))
            for name in agents:
                own = Registration(name, None, tmp_path, gateway.config.state)
                async with connect_as_member(own, endpoint) as agent:
                    assert (agent.welcome.you.name, agent.welcome.you.kind) == (name, AGENT)
            assert read_secret(team_token_file(gateway.config.state)) == TEAM_TOKEN


# the names that an agent cannot have


def test_no_agent_is_called_team() -> None:
    with pytest.raises(ReservedName, match="team's own token"):
        canonical_agent_name("Team")
    with pytest.raises(TeamError, match=r"line 2.*team's own token"):
        parse_team('[[agents]]\nname = "team"\n')


async def entered(gateway: Gateway, by: str, name: str) -> None:
    """As `up` and `add`, as `join`, as `mcp --as`."""
    state = gateway.config.state
    endpoint = find_endpoint({}, state=state)
    match by:
        case "up":
            async with Client(endpoint) as person:
                await register_agent(person, endpoint, state, AgentSpec(name, ("x",)))
        case "join":
            async with connect_as_member(Registration(name, None, state, state), endpoint):
                pass
        case "mcp":
            async with _endpoint_as(ClientOptions(state=str(state)), name):
                pass


@pytest.mark.parametrize("by", ["up", "join", "mcp"])
async def test_an_agent_is_nobody_else(gateway: Gateway, by: str) -> None:
    """Neither the operator, nor another person, here or away, nor a tool."""
    bob = await gateway.member("bob", HUMAN)
    await gateway.member("carol", HUMAN)
    await gateway.member("lint", TOOL)
    async with Client(bob) as leaving:
        with contextlib.suppress(GroupChatError):
            await leaving.request(Leave(room="general"), TokenMade)
    for name in ("alice", "bob", "carol", "lint"):
        with pytest.raises(GroupChatError, match=r"exists, as|in this chat|belongs to") as refused:
            await entered(gateway, by, name)
        assert refused.value.status < 500
        assert not token_file(gateway.config.state, name, AGENT).exists()
    await entered(gateway, by, "ada")


@pytest.mark.parametrize("by", ["up", "join", "mcp"])
async def test_a_persons_token_in_an_agents_file(gateway: Gateway, by: str) -> None:
    bob = await gateway.member("bob", HUMAN)
    write_private(token_file(gateway.config.state, "bob", AGENT), bob.token)
    write_private(token_file(gateway.config.state, "ada", AGENT), bob.token)
    for name in ("bob", "ada"):
        with pytest.raises(Conflict, match="a person in this chat"):
            await entered(gateway, by, name)


async def test_a_persons_token_given_to_a_sidecar(gateway: Gateway) -> None:
    bob = await gateway.member("bob", HUMAN)
    with pytest.raises(Conflict, match="a person in this chat"):
        async with connect_as_member(Registration("bob", None, Path(), gateway.config.state), bob):
            pass
    record = gateway.hub.state.members["bob"].member
    assert not record.inbox


# what an older version has left


async def test_tokens_move_to_the_folder_of_their_kind_once(tmp_path: Path) -> None:
    config = config_for(tmp_path / "state", team_token=None)
    tokens: dict[str, str] = {}
    names = {"bob": HUMAN, "ada": AGENT, "people": AGENT, "lint": TOOL, "team": HUMAN}
    async with open_hub(config) as hub:
        for name, kind in names.items():
            made = await hub.carry_out(
                member_tokens.create_token(
                    hub.state, system_actor(), CreateToken(name=name, kind=kind), hub.rule_context(), hub.entropy()
                )
            )
            assert isinstance(made, TokenMade)
            tokens[name] = made.token
    folder = config.state / "tokens"
    alice = read_secret(token_file(config.state, "alice", HUMAN))
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    assert alice is not None
    for name, token in {**tokens, "alice": alice, "far": "gc_0000000000000000_elsewhere"}.items():
        write_private(folder / name, token + "\n")
    for _ in range(2):
        async with open_hub(config):
            pass
        found = {
            path.relative_to(folder).as_posix(): path.read_text().strip()
            for path in folder.rglob("*")
            if path.is_file()
        }
        team = found.pop("team")
        assert not team.startswith("gc_")
        assert found == {
            "people/alice": alice,
            "people/bob": tokens["bob"],
            "people/team": tokens["team"],
            "agents/ada": tokens["ada"],
            "agents/people": tokens["people"],
            "tools/lint": tokens["lint"],
            "far": "gc_0000000000000000_elsewhere",
        }


async def test_tokens_of_gateways_elsewhere_are_kept_apart(gateway: Gateway, tmp_path: Path) -> None:
    """What one gateway gave is not shown to another, and what an older version kept is found."""
    here = find_endpoint({}, state=gateway.config.state)
    far, other = Endpoint("https://far:1", ""), Endpoint("https://other:1", "")
    write_private(token_file_for(tmp_path, "ada", AGENT, far), "of far")
    assert [read_kept_token(tmp_path, "ada", AGENT, one) for one in (far, other, here)] == ["of far", None, None]
    older = tmp_path / "older"
    write_private(older / "tokens" / "ada", "of long ago")
    assert [read_kept_token(older, "ada", AGENT, one) for one in (far, here)] == ["of long ago", None]
    (older / "gateway.lock").write_text("")
    assert read_kept_token(older, "ada", AGENT, far) is None
