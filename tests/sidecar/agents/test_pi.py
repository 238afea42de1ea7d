"""What the adapter of Pi returns: its launch with an extension of ours, what the extension's events mean, and what it
makes of a text."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import LaunchContext, LaunchPlan
from sidecar.evidence.turn_evidence import EvidenceSource, TokenCost, ToolUse, TurnFact, TurnFactKind
from tests.sidecar.capabilities import hooks_of, transcript_of

PI = REGISTRY["pi"]
SESSION = "0f3b9c1e-1111-4222-8333-444455556666"
EXTENSION, RUN, TURNS = (Path("/private", name) for name in ("pi-extension.js", "pi-run.json", "pi-turns.jsonl"))
OURS = ("pi", "--extension", str(EXTENSION))


def place(project: str = "/home/a/my shop", **env: str) -> LaunchContext:
    return LaunchContext(
        Path(project), Path("/private"), "http://127.0.0.1:1/secret", SESSION, {"HOME": "/home/a", **env}
    )


def launched(command: str, where: LaunchContext | None = None) -> LaunchPlan:
    return PI.launching.launch(command.split(), where or place())


def test_an_extension_of_ours_is_named_for_the_run() -> None:
    launch = launched("pi --model x")
    assert launch.command == (*OURS, "--session-id", SESSION, "--model", "x")
    assert (launch.session, launch.transcript, launch.env) == (SESSION, TURNS, {})
    assert f'const RUN_FILE = "{RUN}"' in launch.files[EXTENSION]
    run = json.loads(launch.files[RUN])
    assert run == {"hooks": "http://127.0.0.1:1/secret", "file": str(TURNS), "tools": None}


def test_what_pi_may_keep_a_copy_of_holds_no_secret() -> None:
    launch = launched("pi", replace(place(), tools="http://t/mcp", key="k3y"))
    assert "127.0.0.1" not in launch.files[EXTENSION] and "k3y" not in launch.files[EXTENSION]
    assert "k3y" not in str((launch.command, launch.env))
    tools = json.loads(launch.files[RUN])["tools"]
    assert (tools["name"], tools["server"]["url"]) == ("groupchat", "http://t/mcp")
    assert tools["server"]["headers"] == {"Authorization": "Bearer k3y"}


def test_without_pis_own_support_there_are_no_tools() -> None:
    launch = launched("pi --no-mcp", replace(place(), tools="http://t/mcp", key="k3y"))
    assert json.loads(launch.files[RUN])["tools"] is None


@pytest.mark.parametrize("command", ["pi -p hi", "pi mcp list", "pi --version", "pi --mode rpc", "pi update"])
def test_what_is_no_chat_is_left_alone(command: str) -> None:
    assert launched(command) == LaunchPlan(tuple(command.split()))


@pytest.mark.parametrize(
    ("command", "session"),
    [
        (f"pi --session-id {SESSION}", SESSION),
        ("pi --session-id=mine", "mine"),
        ("pi --continue", ""),
        ("pi --session 0f3b", ""),
        ("pi --no-session", ""),
    ],
)
def test_a_session_that_the_command_names_is_kept(command: str, session: str) -> None:
    launch = launched(command)
    assert (launch.command, launch.session) == ((*OURS, *command.split()[1:]), session)


@pytest.mark.parametrize(
    ("given", "resumed"),
    [
        ("pi", "pi --session-id S"),
        ("pi --model x fix", "pi --session-id S --model x"),
        ("pi --offline fix", "pi --session-id S --offline"),
        ("pi --continue", None),
        ("pi --fork abc", None),
        ("pi mcp list", None),
    ],
)
def test_a_conversation_is_resumed_without_what_was_given_once(given: str, resumed: str | None) -> None:
    assert PI.launching.resumed(given.split(), "S") == (tuple(resumed.split()) if resumed else None)


@pytest.mark.parametrize(
    ("kind", "fact"),
    [
        ("prompt", TurnFactKind.PROMPT),
        ("model", TurnFactKind.MODEL),
        ("answer", TurnFactKind.ANSWER),
        ("interrupted", TurnFactKind.INTERRUPTED),
        ("failed", TurnFactKind.FAILED),
        ("refused", TurnFactKind.REFUSED),
        ("idle", None),
        ("question", None),
        ("session", None),
    ],
)
def test_an_event_of_the_extension_tells_of_its_turn(kind: str, fact: TurnFactKind | None) -> None:
    event = {"hook_event_name": kind, "session_id": "s", "turn": "t", "text": "hi"}
    assert hooks_of(PI).fact(event) == (TurnFact(fact, "hi", "t") if fact else None)
    told = TurnFact(fact, "hi", "t", EvidenceSource.TRANSCRIPT) if fact else None
    assert transcript_of(PI).line(event) == told
    assert (hooks_of(PI).signal(event), hooks_of(PI).session(event)) == (kind, "s")


def test_tokens_and_tools_are_told() -> None:
    event: dict[str, object] = {"hook_event_name": "tokens", "call": "c", "tokens": 120}
    assert transcript_of(PI).cost(event) == TokenCost("c", 120)
    assert transcript_of(PI).cost({"hook_event_name": "answer", "tokens": 120}) is None
    call: dict[str, object] = {"tool_name": "edit", "tool_input": {"path": "a.py"}, "cwd": "/w"}
    read = hooks_of(PI).tool
    assert read({"hook_event_name": "tool", **call}) == ToolUse("edit", ("a.py",), False, False, "/w")
    assert read({"hook_event_name": "tool.ended", **call}) == ToolUse("edit", ("a.py",), True, True, "/w")


def test_a_prompt_is_refused_with_a_reason() -> None:
    assert hooks_of(PI).refuse("#7 is here already") == {"refuse": "#7 is here already"}


@pytest.mark.parametrize(("text", "typed"), [("see @parse.py", "see @parse.py"), ("a\tb\n\tc", "a    b\n    c")])
def test_only_what_its_composer_would_change_is_changed(text: str, typed: str) -> None:
    assert PI.text.guard(text, lambda _: False) == typed


@pytest.mark.parametrize(("text", "typed"), [("c:\\", "c:\\ "), ("see /exit", "see /exit"), ("a\\b", "a\\b")])
def test_enter_submits_whatever_a_text_ends_with(text: str, typed: str) -> None:
    assert PI.text.finish(text) == typed


def test_who_must_log_in_or_trust_the_project_is_told_so(tmp_path: Path) -> None:
    project = tmp_path / "shop"

    def wants(command: str = "pi", **env: str) -> list[str]:
        where = place(str(project), HOME=str(tmp_path), **env)
        return [one.split()[1] for one in PI.launching.wants_first(command.split(), where)]

    agent = tmp_path / ".pi" / "agent"
    agent.mkdir(parents=True)
    assert wants() == ["to"]
    assert wants(ANTHROPIC_API_KEY="k") == wants("pi --api-key k") == []
    (agent / "models.json").write_text("{}")
    assert wants() == []
    (project / ".pi").mkdir(parents=True)
    assert wants() == []
    (project / ".pi" / "settings.json").write_text("{}")
    assert wants() == ["whether"]
    assert wants("pi --no-approve") == []
    (agent / "trust.json").write_text(json.dumps({str(tmp_path): True}))
    assert wants() == []
