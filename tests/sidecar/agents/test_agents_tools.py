"""How each vendor gets the room's MCP tools: the key is never on a command line, and no tool asks for permission."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.protocol.text.role_prompts import PROMPTS, RolePrompt
from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import LaunchContext, LaunchPlan
from tests.support.commands import Groupchat

URL, KEY = "http://127.0.0.1:9/mcp", "a-key-for-this-run"


def launched(name: str, folder: Path, *given: str, tools: bool = True) -> LaunchPlan:
    place = LaunchContext(folder, folder / "private", "http://hooks", "session", {"HOME": str(folder)})
    if tools:
        place = replace(place, tools=URL, key=KEY)
    return REGISTRY[name].launching.launch((name, *given), place)


@pytest.mark.parametrize("name", ["claude", "codex", "gemini", "opencode"])
def test_the_key_is_on_no_command_line(name: str, tmp_path: Path) -> None:
    launch = launched(name, tmp_path)
    assert KEY not in " ".join(launch.command)
    assert KEY in " ".join([*launch.env.values(), *launch.files.values()])
    assert REGISTRY[name].launching.tool_patience_s >= 120


@pytest.mark.parametrize("name", ["claude", "codex", "gemini", "opencode"])
def test_without_tools_the_agent_gets_no_tool_config(name: str, tmp_path: Path) -> None:
    launch = launched(name, tmp_path, tools=False)
    words = " ".join([*launch.command, *launch.env.values()])
    assert "mcp" not in words and "policy" not in words


def test_claude_gets_a_private_file_and_keeps_its_own_rules(tmp_path: Path) -> None:
    own = json.dumps({"permissions": {"allow": ["Bash(ls)"], "deny": ["Read"]}})
    launch = launched("claude", tmp_path, "--mcp-config", "mine.json", "--settings", own)
    path = Path(launch.command[launch.command.index("--mcp-config") + 1])
    server = json.loads(launch.files[path])["mcpServers"]["groupchat"]
    assert server == {"type": "http", "url": URL, "headers": {"Authorization": f"Bearer {KEY}"}}
    assert launch.command.count("--mcp-config") == 2
    settings = json.loads(next(text for path, text in launch.files.items() if "settings" in path.name))
    attached = f"Read(/{path.parent}/attached/**)"
    assert settings["permissions"] == {"allow": ["Bash(ls)", "mcp__groupchat__*", attached], "deny": ["Read"]}


def test_codex_gets_a_setting_and_the_key_by_its_environment(tmp_path: Path) -> None:
    launch = launched("codex", tmp_path)
    setting = next(word for word in launch.command if word.startswith("mcp_servers."))
    server = tomllib.loads(setting)["mcp_servers"]["groupchat"]
    assert (server["url"], server["default_tools_approval_mode"]) == (URL, "approve")
    assert launch.env[server["bearer_token_env_var"]] == KEY


def test_gemini_gets_a_policy_beside_the_users(tmp_path: Path) -> None:
    launch = launched("gemini", tmp_path)
    (at,) = [place for place, word in enumerate(launch.command) if word == "--policy"]
    (rule,) = tomllib.loads(launch.files[Path(launch.command[at + 1])])["rule"]
    assert rule == {"toolName": "*", "mcpName": "groupchat", "decision": "allow", "priority": 1}
    (tmp_path / ".gemini" / "policies").mkdir(parents=True)
    beside = launched("gemini", tmp_path).command
    assert str(tmp_path / ".gemini" / "policies") in beside
    (tmp_path / "mine").mkdir()
    (tmp_path / ".gemini" / "settings.json").write_text(json.dumps({"policyPaths": [str(tmp_path / "mine")]}))
    chosen = launched("gemini", tmp_path).command
    assert str(tmp_path / "mine") in chosen and str(tmp_path / ".gemini" / "policies") not in chosen
    theirs = launched("gemini", tmp_path, "--policy", "x.toml").command
    assert theirs.count("--policy") == 2 and str(tmp_path / "mine") not in theirs


def test_geminis_extension_is_the_same_for_everybody(tmp_path: Path) -> None:
    files = launched("gemini", tmp_path).files
    text = next(text for path, text in files.items() if path.name == "gemini-extension.json")
    assert KEY not in text and URL not in text
    assert json.loads(text)["mcpServers"]["groupchat"]["httpUrl"] == "${GROUPCHAT_MCP:-}"


# skills


@pytest.mark.parametrize("vendor", ["claude", "codex", "gemini"])
@pytest.mark.parametrize("name", PROMPTS)
def test_a_skill_is_of_each_vendors_own_kind(name: str, vendor: str) -> None:
    form = REGISTRY[vendor].skill
    assert form is not None
    made = form(name, PROMPTS[name])
    assert f"groupchat-{name}" in made.path
    match vendor:
        case "claude":
            _, head, text = made.text.split("---\n", 2)
            assert f"name: groupchat-{name}" in head and text.strip() == PROMPTS[name].text
        case "codex":
            assert made.text.strip() == PROMPTS[name].text
        case "gemini":
            command = tomllib.loads(made.text)
            assert (command["description"], command["prompt"].strip()) == (
                PROMPTS[name].about,
                PROMPTS[name].text,
            )


def test_a_skill_is_written_where_the_agent_looks_and_over_no_other_text(tmp_path: Path) -> None:
    command = Groupchat(tmp_path / "state", quick=True)
    for _ in range(2):
        assert command("skill", "advisor", "--for", "claude", "--write", str(tmp_path)).code == 0
    path = tmp_path / ".claude" / "skills" / "groupchat-advisor" / "SKILL.md"
    assert "never poll" in path.read_text()
    path.write_text("mine")
    refused = command("skill", "advisor", "--for", "claude", "--write", str(tmp_path))
    assert refused.code != 0 and "exists" in refused.err
    assert command("skill", "dancer").code != 0
    assert command("skill", "reviewer", "--for", "gemini").out.startswith("description")


def test_quotes_in_a_role_do_not_end_geminis_prompt(tmp_path: Path) -> None:
    form = REGISTRY["gemini"].skill
    assert form is not None
    odd = RolePrompt("About it.", 'Say """so""" or C:\\temp')
    assert tomllib.loads(form("odd", odd).text)["prompt"].strip() == odd.text
