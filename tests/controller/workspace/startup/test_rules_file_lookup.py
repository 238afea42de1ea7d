"""The rules files of a team's agents are found, and a found team file runs none of them before a person has agreed."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.cli.team.team_file_consent import require_consent
from controller.team.commands_to_approve import consent_lines
from controller.team.team import AgentSpec, Team, parse_team
from controller.workspace.startup.rules_file_lookup import require_command, with_rules_file, with_rules_files
from controller.workspace.startup.startup_facts import read_team_files
from gateway.protocol.errors import BadRequest, Forbidden


def written(folder: Path, name: str = "mine", command: str = "python3 repl.py --fast") -> Path:
    path = folder / "rules" / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'agent = "{name}"\n[launch]\ncommand = "{command}"\n[marks]\nprompt = "x"\n')
    return path


@pytest.mark.parametrize(
    ("agent", "kind", "command"),
    [
        (AgentSpec("mine", ("mine",)), "PATH", ("python3", "repl.py", "--fast")),
        (AgentSpec("mine", ()), "PATH", ("python3", "repl.py", "--fast")),
        (AgentSpec("calc", (), agent="mine"), "PATH", ("python3", "repl.py", "--fast")),
        (AgentSpec("calc", ("other", "x"), agent="mine"), "PATH", ("other", "x")),
        (AgentSpec("mine", ("bash",)), "", ("bash",)),
        (AgentSpec("claude", ("claude",)), "", ("claude",)),
        (AgentSpec("claude", ("x",), agent="claude"), "claude", ("x",)),
        (AgentSpec("ada", ("ada",)), "", ("ada",)),
    ],
)
def test_what_a_rules_file_gives(tmp_path: Path, agent: AgentSpec, kind: str, command: tuple[str, ...]) -> None:
    path = written(tmp_path)
    written(tmp_path, "claude")
    found = with_rules_file(agent, tmp_path / "state", tmp_path)
    assert (found.agent, found.command) == (str(path) if kind == "PATH" else kind, command)


def test_the_state_folder_goes_first(tmp_path: Path) -> None:
    written(tmp_path / "project")
    own = written(tmp_path / "state", command="own")
    team = Team(agents=(AgentSpec("mine", ("mine",)),))
    (found,) = with_rules_files(team, tmp_path, tmp_path / "state", tmp_path / "project").agents
    assert (found.agent, found.command) == (str(own), ("own",))


def test_an_agent_without_a_command_says_where_one_may_stand(tmp_path: Path) -> None:
    for kind in ("mine", "mine.v2"):
        with pytest.raises(BadRequest, match=f"or write it into a rules file: .* in {tmp_path}/rules/{kind}.toml"):
            require_command(AgentSpec(kind, ()), [tmp_path])
    with pytest.raises(BadRequest, match=r"`groupchat add x -- x`\.$"):
        require_command(AgentSpec("x", (), agent="claude"), [tmp_path])


def test_consent_covers_the_command_and_the_content_of_a_rules_file(tmp_path: Path) -> None:
    state, project = tmp_path / "state", tmp_path / "project"
    path = written(project)
    (project / "team.toml").write_text('[[agents]]\nname = "mine"\n')
    files = read_team_files(None, project)
    assert consent_lines(with_rules_files(files.team or Team(), project, project), files.contents) == [
        "mine: python3 repl.py --fast",
        "rules that say how an agent is started, and when messages are typed: rules/mine.toml",
    ]
    require_consent(state, files, yes=True)
    require_consent(state, read_team_files(None, project), yes=False)
    path.write_text(path.read_text() + "busy = 'y'\n")
    with pytest.raises(Forbidden, match=r"python3 repl\.py --fast"):
        require_consent(state, read_team_files(None, project), yes=False)


def test_consent_covers_a_rules_file_in_the_project_of_an_agent(tmp_path: Path) -> None:
    """Its sidecar runs in that folder, and would find the file there."""
    state, team = tmp_path / "state", tmp_path / "clone"
    paths = [written(team / "sub"), written(tmp_path / "beside", "other")]
    (team / "team.toml").write_text(
        '[[agents]]\nname = "x"\ncommand = "bash"\nagent = "mine"\nproject = "sub"\n'
        '[[agents]]\nname = "other"\nproject = "../beside"\n'
    )
    files = read_team_files(None, team)
    agents = with_rules_files(files.team or Team(), team, state, team).agents
    assert [Path(one.agent) for one in agents] == paths
    require_consent(state, files, yes=True)
    for path in paths:
        path.write_text(path.read_text() + "busy = 'y'\n")
        files = read_team_files(None, team)
        with pytest.raises(Forbidden, match=r"when messages are typed: .*rules/"):
            require_consent(state, files, yes=False)
        require_consent(state, files, yes=True)


def test_a_team_file_names_no_rules_file_by_its_path(tmp_path: Path) -> None:
    """It could replace the rules of an agent of ours."""
    written(tmp_path, "claude")
    with pytest.raises(BadRequest, match=r"'claude\.toml' is a file; the name of an agent goes here: 'claude'"):
        parse_team('[[agents]]\nname = "x"\ncommand = "x"\nagent = "claude.toml"\n')


def test_a_rules_file_that_no_agent_uses_is_not_asked_about(tmp_path: Path) -> None:
    written(tmp_path, "other")
    (tmp_path / "team.toml").write_text('[[agents]]\nname = "mine"\n')
    assert set(read_team_files(None, tmp_path).contents) == {"team.toml"}
    assert parse_team('[[agents]]\nname = "mine"\n').agents[0].command == ("mine",)
