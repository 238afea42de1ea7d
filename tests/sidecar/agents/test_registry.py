"""The registry of adapters."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.client.known_agents import KNOWN_AGENTS
from sidecar import agents
from sidecar.agents import REGISTRY, agent_for, plain_environment
from sidecar.agents.adapter.adapter import LaunchContext, LaunchPlan
from sidecar.errors import SidecarError
from sidecar.evidence.turn_evidence import EvidenceSource, TurnFact, TurnFactKind
from tests.sidecar.capabilities import hooks_of, transcript_of

CLAUDE = REGISTRY["claude"]
FOLDER = Path(agents.__file__).parent
FURTHER_FILES = {"codex_hooks", "gemini_hooks", "aider_extension"}
HOOKS = "http://127.0.0.1:1/secret"


def launched(*command: str) -> LaunchPlan:
    place = LaunchContext(Path("/home/a/my.shop"), Path("/private"), HOOKS, "the-session", {"HOME": "/home/a"})
    return CLAUDE.launching.launch(command, place)


def settings(launch: LaunchPlan) -> dict[str, object]:
    found: dict[str, object] = json.loads(launch.files[Path("/private/claude-settings.json")])
    return found


def test_each_agent_is_one_line_one_file_and_one_file_of_rules() -> None:
    known = set(KNOWN_AGENTS)
    assert {path.stem for path in FOLDER.glob("*.py")} - FURTHER_FILES - {"__init__"} == known
    assert {path.stem for path in (FOLDER / "rules").glob("*.toml")} == known
    assert {name: adapter.name for name, adapter in REGISTRY.items()} == {name: name for name in KNOWN_AGENTS}


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["claude"], "claude"),
        (["opencode"], "opencode"),
        (["qwen-code"], "qwen"),
        (["copilot"], "copilot"),
        (["pi"], "pi"),
        (["cline"], "cline"),
        (["vibe"], "vibe"),
        (["aider"], "aider"),
        (["/usr/bin/claude", "--continue"], "claude"),
        (["python", "-P", "-m", "sidecar.demo_agent"], "demo"),
        (["bash"], "generic"),
        (["claude-helper"], "generic"),
    ],
)
def test_the_adapter_follows_the_command(command: Sequence[str], name: str) -> None:
    assert agent_for(command).name == name


def test_the_user_may_choose_the_adapter() -> None:
    assert agent_for(["my-wrapper"], "claude").name == "claude"
    with pytest.raises(SidecarError, match="Known agents: claude"):
        agent_for(["x"], "klaude")


def test_claude_gets_hooks_and_a_session_that_we_know() -> None:
    launch = launched("claude", "--model", "opus")
    assert launch.command == (
        *("claude", "--settings", "/private/claude-settings.json"),
        *("--session-id", "the-session", "--model", "opus"),
    )
    assert launch.transcript == Path("/home/a/.claude/projects/-home-a-my-shop/the-session.jsonl")
    assert HOOKS in json.dumps(settings(launch))
    assert not any(HOOKS in word for word in launch.command)


def test_a_session_of_the_users_own_is_left_alone() -> None:
    launch = launched("claude", "--resume", "abc")
    assert "--session-id" not in launch.command
    assert launch.transcript is None


@pytest.mark.parametrize("joined", [False, True])
def test_the_users_own_settings_stay(joined: bool) -> None:
    own = {"model": "opus", "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "mine"}]}]}}
    given = (f"--settings={json.dumps(own)}",) if joined else ("--settings", json.dumps(own))
    launch = launched("claude", *given, "-c")
    assert launch.command == ("claude", "--settings", "/private/claude-settings.json", "-c")
    merged = settings(launch)
    assert merged["model"] == "opus"
    assert "mine" in json.dumps(merged)
    assert HOOKS in json.dumps(merged)


@pytest.mark.parametrize(
    "command", [("claude", "-p", "hi"), ("claude", "--settings", "{bad"), ("claude", "mcp", "list")]
)
def test_a_command_that_is_no_chat_starts_unchanged(command: tuple[str, ...]) -> None:
    assert launched(*command) == LaunchPlan(command)


@pytest.mark.parametrize(
    ("event", "fact"),
    [
        (
            {"hook_event_name": "UserPromptSubmit", "prompt_id": "p", "prompt": "hi"},
            TurnFact(TurnFactKind.PROMPT, "hi", "p"),
        ),
        (
            {"hook_event_name": "Stop", "prompt_id": "p", "last_assistant_message": "yo"},
            TurnFact(TurnFactKind.ANSWER, "yo", "p"),
        ),
        (
            {"hook_event_name": "StopFailure", "prompt_id": "p", "error": "unknown"},
            TurnFact(TurnFactKind.FAILED, "unknown", "p"),
        ),
        ({"hook_event_name": "PreToolUse"}, None),
        ({}, None),
    ],
)
def test_claudes_hooks(event: dict[str, object], fact: TurnFact | None) -> None:
    assert hooks_of(CLAUDE).fact(event) == fact


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ({"type": "user", "message": {"role": "user", "content": "hi"}}, TurnFactKind.PROMPT),
        ({"type": "user", "message": {"content": [{"type": "tool_result", "content": "x"}]}}, None),
        (
            {"type": "user", "message": {"content": [{"type": "text", "text": "[Request interrupted by user]"}]}},
            TurnFactKind.INTERRUPTED,
        ),
        ({"type": "assistant", "message": {"content": [{"type": "text", "text": "yo"}]}}, TurnFactKind.MODEL),
        ({"type": "assistant", "isSidechain": True, "message": {}}, None),
        ({"type": "assistant", "isApiErrorMessage": True, "message": {}}, TurnFactKind.FAILED),
        ({"type": "system"}, None),
        ({"type": "system", "subtype": "turn_duration", "durationMs": 286}, TurnFactKind.ENDED),
        ({"type": "system", "subtype": "stop_hook_summary"}, None),
        ({"type": "user", "isMeta": True, "message": {"content": "<local-command-caveat>"}}, None),
        ({"type": "user", "isCompactSummary": True, "message": {"content": "[a -> claude #1] was said"}}, None),
        ({"type": "attachment", "attachment": {"type": "date", "date": "2026-11-26"}}, None),
        ({"type": "queue-operation", "operation": "enqueue", "content": "[b -> claude #2] x"}, None),
    ],
)
def test_claudes_transcript(entry: dict[str, object], kind: TurnFactKind | None) -> None:
    fact = transcript_of(CLAUDE).line(entry)
    assert (fact and fact.kind) == kind
    assert fact is None or fact.source is EvidenceSource.TRANSCRIPT


def test_a_childs_environment_holds_no_token_and_no_way_to_the_persons_tmux() -> None:
    env = {
        "PATH": "/bin",
        "CSP_AUTH_TOKEN": "s",
        "GROUPCHAT_TOKEN": "s",
        "GROUPCHAT_STATE": "/x",
        "CSP_GATEWAY_URL": "u",
        "CSP_CONFIG_FILE": "/c",
        "TMUX": "/tmp/tmux-0/default,1,0",
        "TMUX_PANE": "%1",
        "TMUX_TMPDIR": "/t",
    }
    assert plain_environment(env) == {"PATH": "/bin"}


@pytest.mark.parametrize("name", REGISTRY)
def test_every_rule_can_be_told_apart(name: str) -> None:
    names = [rule.name for rule in REGISTRY[name].rules.rules]
    assert len(set(names)) == len(names)
