"""What runs in a pane: a script that a person can read, with no secret in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from controller.team.pane_scripts import PaneEnvironment, agent_script, chat_script
from controller.team.team import AgentSpec
from gateway.files.private_files import write_private

PRINT = 'import os, sys; print([os.environ.get(n) for n in ("A", "GROUPCHAT_STATE", "CSP_AUTH_TOKEN")], sys.argv[1:])'


def run(text: str, folder: Path) -> str:
    script = folder / "script.sh"
    script.write_text(text)
    done = subprocess.run(
        ["sh", str(script)],
        env={"PATH": "/usr/bin:/bin", "CSP_AUTH_TOKEN": "team-secret"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def spy(folder: Path) -> str:
    """Stands for our Python, and shows what it was given."""
    program = folder / "py thon"
    program.write_text(f"#!/usr/bin/env python3\n{PRINT}\n")
    program.chmod(0o755)
    return str(program)


def test_words_arrive_as_they_are(tmp_path: Path) -> None:
    agent = AgentSpec(
        "ada", ("x", "two words", "$HOME", "'q'"), "coder", "codex", str(tmp_path), (("A", "$x `y` 'z'"),)
    )
    shown = run(agent_script(PaneEnvironment(spy(tmp_path), tmp_path / "st ate"), agent), tmp_path)
    assert shown == str(["$x `y` 'z'", str(tmp_path / "st ate"), None]) + " " + str(
        [
            *("-P", "-m", "sidecar.cli", "join", "ada", "--role", "coder", "--agent", "codex", "--restart", "crash"),
            *("--", "x", "two words", "$HOME", "'q'"),
        ]
    )


def test_an_agent_whose_turn_is_ended_by_what_is_urgent_is_joined_so(tmp_path: Path) -> None:
    agent = AgentSpec("ada", ("x",), project=str(tmp_path), interrupt=True, on_limit="resume")
    assert "'--interrupt', '--on-limit', 'resume', '--', 'x'" in run(
        agent_script(PaneEnvironment(spy(tmp_path), tmp_path), agent), tmp_path
    )


def test_a_connector_is_connected(tmp_path: Path) -> None:
    agent = AgentSpec("ada", ("x",), "coder", project=str(tmp_path), connector=("--to", "openai", "--key-file", "a b"))
    shown = run(agent_script(PaneEnvironment(spy(tmp_path), tmp_path, options=("--fresh",)), agent), tmp_path)
    words = ["-P", "-m", "sidecar.cli", "connect", "ada", "--role", "coder", "--to", "openai", "--key-file", "a b"]
    assert shown.endswith(str(words))


def test_a_token_is_read_when_it_runs_and_stands_nowhere(tmp_path: Path) -> None:
    write_private(tmp_path / "tokens" / "elsewhere" / "far_1" / "agents" / "ada", "own-secret\n")
    environment = PaneEnvironment(spy(tmp_path), tmp_path, "https://far:1", ("--resume",))
    text = agent_script(environment, AgentSpec("ada", ("x",), project=str(tmp_path)))
    assert "secret" not in text
    shown = run(text, tmp_path)
    assert "'own-secret'" in shown
    assert "'--resume', '--', 'x'" in shown


def test_the_teams_token_reaches_no_pane(tmp_path: Path) -> None:
    environment = PaneEnvironment(spy(tmp_path), tmp_path)
    assert "team-secret" not in run(
        agent_script(environment, AgentSpec("ada", ("x",), project=str(tmp_path))), tmp_path
    )
    assert "team-secret" not in run(chat_script(environment, "llm-groupchat", None, tmp_path), tmp_path)


def test_only_the_chat_learns_where_a_passphrase_lies(tmp_path: Path) -> None:
    environment = PaneEnvironment(spy(tmp_path), tmp_path)
    text = chat_script(environment, "llm-groupchat", None, tmp_path, "/home/alice/pass phrase")
    assert "export GROUPCHAT_PASSPHRASE_FILE='/home/alice/pass phrase'\n" in text
    assert "PASSPHRASE" not in chat_script(environment, "llm-groupchat", None, tmp_path)
    assert "PASSPHRASE" not in agent_script(environment, AgentSpec("ada", ("x",)))


def test_a_project_that_is_gone_starts_nothing(tmp_path: Path) -> None:
    agent = AgentSpec("ada", ("x",), project=str(tmp_path / "gone"))
    script = tmp_path / "script.sh"
    script.write_text(agent_script(PaneEnvironment(spy(tmp_path), tmp_path), agent))
    done = subprocess.run(["sh", str(script)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
