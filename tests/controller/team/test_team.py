"""What to start, from a file, from the specification's variables, from the machine."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.team import team as teams
from controller.team.team import (
    AgentSpec,
    GatewaySpec,
    RoomSpec,
    Team,
    TeamOptions,
    build_team_spec,
    parse_settings,
    parse_team,
)
from controller.team.toml_reader import TeamError

TEMPLATE = Path(teams.__file__).with_name("team.toml").read_text()


def names(team: Team) -> list[str]:
    return [agent.name for agent in team.agents]


def test_an_empty_file_is_the_default_team() -> None:
    assert parse_team("") == Team()


def test_the_template_is_the_default_team() -> None:
    assert parse_team(TEMPLATE) == Team()


def test_each_value_of_the_template_is_its_default() -> None:
    text = re.sub(r"^# (?=(?:\[\[)|(?:[a-z_]+ = ))", "", TEMPLATE, flags=re.MULTILINE)
    assert len(tomllib.loads(text)) == 9
    team = parse_team(text)
    assert team.gateway == GatewaySpec(url="http://127.0.0.1:8765", chosen=True)
    assert (team.layout, team.ready_within, team.name) == (Team().layout, Team().ready_within, Team().name)
    assert team.agents[0].command == ("claude",)
    assert team.agents[0].restart == AgentSpec("a", ("a",)).restart


def test_an_agent_with_everything() -> None:
    team = parse_team(
        """
        [[agents]]
        name = "Claude"
        command = ["claude", "--model", "two words"]
        role = "coder"
        agent = "codex"
        project = "~/work"
        env = { A = "1" }
        prompt = "hello"
        share = "none"
        restart = "always"
        interrupt = true
        on_limit = "resume"
        rooms = ["#Design", "design"]
        [[rooms]]
        name = "design"
        members = ["Claude"]
        """
    )
    assert team.agents == (
        AgentSpec(
            "claude",
            ("claude", "--model", "two words"),
            "coder",
            "codex",
            "~/work",
            (("A", "1"),),
            "hello",
            "none",
            "always",
            True,
            ("design",),
            "resume",
        ),
    )
    assert team.rooms == (RoomSpec("design", members=("claude",)),)


def test_a_connector_has_the_options_of_connect() -> None:
    (agent,) = parse_team(
        """
        [[agents]]
        name = "sam"
        role = "coder"
        connector = "openai"
        model = "gpt-5"
        base_url = "http://127.0.0.1:8080/v1"
        key_file = "~/a key"
        budget = 9000
        """
    ).agents
    options = ("--to", "openai", "--model", "gpt-5", "--base-url", "http://127.0.0.1:8080/v1")
    assert agent.connector == (*options, "--key-file", "~/a key", "--budget", "9000")
    assert agent.command == ("groupchat", "connect", "sam", *agent.connector)


def test_a_command_is_taken_apart_as_in_a_shell() -> None:
    (agent,) = parse_team("[[agents]]\nname = 'x'\ncommand = \"codex -c 'a b'\"\n").agents
    assert agent.command == ("codex", "-c", "a b")


def test_without_agents_in_the_file_any_may_be_members() -> None:
    (room,) = parse_team("[[rooms]]\nname = 'lab'\nmembers = ['claude', 'codex']\n").rooms
    assert room.members == ("claude", "codex")


WRONG = {
    "name = 3": (1, "must be text in quotes"),
    "\nnaem = 'x'": (2, "Did you mean `name`?"),
    "[gateway]\nport = 99999": (2, "from 0 to 65535"),
    "[gateway]\n\nport = '8765'": (3, "must be a number"),
    "[gateway]\nport = true": (2, "must be a number"),
    "[layout]\nchat = true": (2, "must be a number from 15 to 85"),
    "[layout]\nmouse = 'yes'": (2, "true or false"),
    "[chat]\nbell = 'loud'": (2, "one of mentions, all, off"),
    "[[agents]]\nrole = 'coder'": (1, "needs a name"),
    "[[agents]]\nname = 'all'": (2, "reserved"),
    "[[agents]]\nname = 'chat'": (2, "own pane"),
    "[[agents]]\nname = 'a b'": (2, "is not a valid name"),
    "[[agents]]\nname = 'a'\n[[agents]]\nname = 'b'\ncomand = 'x'": (5, "Did you mean `command`?"),
    "[[agents]]\nname = 'a'\n[[agents]]\nname = 'A'": (4, "two agents called 'a'"),
    "[[agents]]\nname = 'a'\ncommand = []": (3, "must be a command"),
    "[[agents]]\nname = 'a'\ncommand = \"x 'y\"": (3, "cannot be parsed"),
    "[[agents]]\nname = 'a'\nmodel = 'm'": (2, "'model' is for agents with a `connector`"),
    "[[agents]]\nname = 'a'\ncommand = 'x'\nconnector = 'openai'": (4, "a `command` or a `connector`, not both"),
    "[[agents]]\nname = 'a'\nenv = { A = 1 }": (3, "table of texts"),
    "[[agents]]\nname = 'a'\nshare = 'some'": (3, "one of all, replies, none"),
    "[[agents]]\nnam = 'x'": (2, "`nam` of [agents] is not known. Did you mean `name`?"),
    "[[agents]]\nname = 'a'\nrooms = 'design'": (3, "must be a list of names"),
    "[[agents]]\nname = 'a'\nrooms = ['a b']": (3, "is not a valid name"),
    "[[agents]]\nname = 'a'\nrooms = ['desing']\n[[rooms]]\nname = 'design'": (
        3,
        "`rooms` of [agents]: there is no room 'desing'. Did you mean 'design'?",
    ),
    "[[agents]]\nname = 'a'\n[[agents]]\nname = 'b'\nrooms = ['lab']": (5, "no room 'lab'. Known are: general."),
    "[[agents]]\nname = 'ada'\n[[rooms]]\nname = 'lab'\nmembers = ['adda']": (5, "Did you mean 'ada'?"),
    "[[rooms]]\nname = 'lab'\nmembers = [1]": (3, "must be a list of names"),
    "[[rooms]]\nname = 'lab'\n[[rooms]]\nname = 'Lab'": (4, "two rooms called 'lab'"),
    "[agents]\nname = 'a'": (1, "begin each with [[agents]]"),
    "[colours]\nx = 1": (1, "`colours` is not known"),
    "name = default": (1, "not TOML"),
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_wrong_is_said_with_its_line(text: str) -> None:
    line, words = WRONG[text]
    with pytest.raises(TeamError) as caught:
        parse_team(text, "mine.toml")
    if words == "`colours` is not known":
        assert words in caught.value.message
    else:
        assert caught.value.message.startswith(f"mine.toml, line {line}: ")
        assert words in caught.value.message


def here(*programs: str) -> Callable[[str], bool]:
    return lambda name: name in programs


@pytest.mark.parametrize(
    ("programs", "env", "found"),
    [
        ((), {}, ["ada", "ben", "cleo"]),
        (("codex", "claude"), {}, ["claude", "codex"]),
        (("claude", "qwen"), {}, ["claude"]),
        (("qwen", "copilot"), {}, ["qwen", "copilot"]),
        ((), {"CSP_GEMINI_CMD": "/opt/gemini --yes"}, ["gemini"]),
        (("claude",), {"CSP_ORCHESTRATOR": "1"}, ["claude", "orchestrator"]),
        (("claude",), {"CSP_ORCHESTRATOR": "0"}, ["claude"]),
        ((), {"CSP_ORCHESTRATOR": "1"}, ["ada", "ben", "cleo"]),
    ],
)
def test_who_is_started_without_a_file(programs: tuple[str, ...], env: dict[str, str], found: list[str]) -> None:
    assert names(build_team_spec(env, TeamOptions(), here(*programs))) == found


def test_nothing_skips_permissions_unless_the_user_wrote_it() -> None:
    team = build_team_spec({}, TeamOptions(), here(*teams.FIRST_CLIS))
    assert [agent.command for agent in team.agents] == [("claude",), ("gemini",), ("codex",)]
    mine = build_team_spec({"CSP_CLAUDE_CMD": "claude --dangerously-skip-permissions"}, TeamOptions(), here("claude"))
    assert mine.agents[0].command == ("claude", "--dangerously-skip-permissions")


def test_the_orchestrator_has_a_command_of_its_own() -> None:
    env = {"CSP_ORCHESTRATOR": "1", "CSP_ORCH_CMD": "codex --full"}
    assert build_team_spec(env, TeamOptions(), here("claude")).agents[-1] == AgentSpec(
        "orchestrator", ("codex", "--full"), "orchestrator"
    )


def test_demo_goes_before_what_is_installed() -> None:
    team = build_team_spec({}, TeamOptions(demo=True, python="/py"), here("claude"))
    assert names(team) == ["ada", "ben", "cleo"]
    assert team.agents[0].command[0] == "/py"


OTHER = Team(name="night")


@pytest.mark.parametrize(
    ("env", "wish", "file", "port"),
    [
        ({}, TeamOptions(), None, 8765),
        ({"CSP_PORT": "9000"}, TeamOptions(), None, 9000),
        ({"CSP_PORT": "9000"}, TeamOptions(port=9100), None, 9100),
        ({}, TeamOptions(), OTHER, 0),
        ({"CSP_PORT": "9000"}, TeamOptions(), parse_team("[gateway]\nport = 9200"), 9200),
        ({"CSP_PORT": "9000"}, TeamOptions(), parse_team("[gateway]\nport = 8765"), 8765),
        ({"CSP_PORT": "9000"}, TeamOptions(), parse_team("[limits]\nmax_hops = 3"), 9000),
        ({"CSP_PORT": "9000"}, TeamOptions(), parse_team("[gateway]\n[limits]\nat_once = 7"), 9000),
    ],
)
def test_the_port(env: dict[str, str], wish: TeamOptions, file: Team | None, port: int) -> None:
    assert build_team_spec(env, wish, here(), file).gateway.port == port


@pytest.mark.parametrize("text", ["x", "70000", "-1"])
def test_a_port_that_is_none(text: str) -> None:
    with pytest.raises(TeamError, match="CSP_PORT must be a port"):
        build_team_spec({"CSP_PORT": text}, TeamOptions(), here())


def test_a_gateway_elsewhere_and_strictness() -> None:
    team = build_team_spec({"CSP_GATEWAY_URL": "http://far:1", "CSP_STRICT_CLI_CHECK": "1"}, TeamOptions(), here())
    assert (team.gateway.url, team.strict) == ("http://far:1", True)


def test_sessions() -> None:
    assert Team().session == "llm-groupchat"
    assert parse_team("name = 'night.shift'").session == "llm-groupchat-night-shift"


def test_a_settings_file_is_read_and_not_run() -> None:
    text = """
    # the original's config/csp.env
    export CSP_PORT=9000
    CSP_CLAUDE_CMD="claude --model opus"   # mine
    CSP_GEMINI_CMD=$(touch /tmp/x)
    """
    assert parse_settings(text, "csp.env") == {
        "CSP_PORT": "9000",
        "CSP_CLAUDE_CMD": "claude --model opus",
        "CSP_GEMINI_CMD": "$(touch /tmp/x)",
    }


def test_a_settings_file_with_something_else() -> None:
    with pytest.raises(TeamError, match=r"csp\.env, line 2"):
        parse_settings("CSP_PORT=1\nrm -rf /\n", "csp.env")
