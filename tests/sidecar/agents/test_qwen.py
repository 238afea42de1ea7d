"""What the adapter of Qwen Code returns: its launch with a settings file of ours in the place of the system's defaults,
and what its hooks and its session file mean."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.protocol.types.core_types import AskAbout
from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import LaunchContext, LaunchPlan
from sidecar.agents.qwen import DEFAULTS_VARIABLE
from sidecar.evidence.turn_evidence import EvidenceSource, TokenCost, TurnFact, TurnFactKind
from tests.sidecar.capabilities import approvals_of, hooks_of, transcript_of

QWEN = REGISTRY["qwen"]
SESSION = "0f3b9c1e-1111-4222-8333-444455556666"
OURS = Path("/private/qwen-settings.json")
TOOLS = "mcp__groupchat__*"


def place(**env: str) -> LaunchContext:
    return LaunchContext(
        Path("/home/a/my shop"), Path("/private"), "http://127.0.0.1:1/x", SESSION, {"HOME": "/home/a", **env}
    )


def launched(command: str, where: LaunchContext | None = None) -> LaunchPlan:
    return QWEN.launching.launch(command.split(), where or place())


def settings_of(launch: LaunchPlan) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(launch.files[OURS])
    return found


def test_its_hooks_are_in_a_private_file_for_the_run() -> None:
    launch = launched("qwen -m x")
    assert launch.command == ("qwen", "--session-id", SESSION, "-m", "x")
    assert launch.env[DEFAULTS_VARIABLE] == str(OURS)
    assert launch.session == SESSION
    assert launch.transcript == Path(f"/home/a/.qwen/projects/-home-a-my-shop/chats/{SESSION}.jsonl")
    found = settings_of(launch)
    ends = ("Notification", "Stop", "StopFailure")
    assert set(found["hooks"]) == {"UserPromptSubmit", "PreToolUse", "PermissionRequest", "PostToolUse", *ends}
    assert found["hooks"]["PostToolUse"][0]["matcher"] == "edit|write_file"
    assert found["permissions"]["allow"] == [TOOLS, "Read(//private/attached/**)"]
    assert found["ui"] == {"enableFollowupSuggestions": False, "showScrollbar": False}


def test_the_defaults_of_the_system_stay_in_force(tmp_path: Path) -> None:
    theirs = tmp_path / "system-defaults.json"
    own: dict[str, Any] = {"ui": {"enableFollowupSuggestions": True}, "hooks": {"Stop": [{"hooks": []}]}, "model": {}}
    theirs.write_text(json.dumps(own))
    for variable, value in (
        (DEFAULTS_VARIABLE, theirs),
        ("QWEN_CODE_SYSTEM_SETTINGS_PATH", tmp_path / "settings.json"),
    ):
        found = settings_of(launched("qwen", place(**{variable: str(value)})))
        assert (found["model"], found["ui"]["enableFollowupSuggestions"]) == ({}, True)
        assert found["hooks"]["Stop"][0] == {"hooks": []} and len(found["hooks"]["Stop"]) == 2
    theirs.write_text("{")
    assert launched("qwen", place(**{DEFAULTS_VARIABLE: str(theirs)})) == LaunchPlan(("qwen",))


def test_the_rooms_tools_come_by_a_file_that_the_command_names() -> None:
    launch = launched("qwen", replace(place(), tools="http://t/mcp", key="k3y"))
    assert launch.command == ("qwen", "--mcp-config", "/private/qwen-mcp.json", "--session-id", SESSION)
    server = json.loads(launch.files[Path("/private/qwen-mcp.json")])["mcpServers"]["groupchat"]
    assert (server["httpUrl"], server["headers"]) == ("http://t/mcp", {"Authorization": "Bearer k3y"})
    assert "k3y" not in str((launch.command, launch.env))


@pytest.mark.parametrize("command", ["qwen -p hi", "qwen mcp list", "qwen --version", "qwen serve", "qwen --safe-mode"])
def test_what_is_no_chat_is_left_alone(command: str) -> None:
    assert launched(command) == LaunchPlan(tuple(command.split()))


@pytest.mark.parametrize(
    ("command", "session"),
    [(f"qwen --resume {SESSION}", SESSION), ("qwen --continue", ""), (f"qwen -r {SESSION} --fork-session", "")],
)
def test_a_session_that_the_command_names_is_kept(command: str, session: str) -> None:
    launch = launched(command)
    assert (launch.command, launch.session) == (tuple(command.split()), session)


@pytest.mark.parametrize(
    ("given", "resumed"),
    [
        ("qwen", "qwen --resume S"),
        ("qwen -m x -y fix", "qwen --resume S -m x -y"),
        ("qwen --continue", None),
        ("qwen -i fix", None),
        ("qwen serve", None),
    ],
)
def test_a_conversation_is_resumed_without_its_prompt(given: str, resumed: str | None) -> None:
    assert QWEN.launching.resumed(given.split(), "S") == (tuple(resumed.split()) if resumed else None)


@pytest.mark.parametrize(
    ("event", "fact"),
    [
        (
            {
                "hook_event_name": "UserPromptSubmit",
                "prompt": "x y",
                "submitted_prompt": "x",
                "prompt_id": "s########0",
            },
            TurnFact(TurnFactKind.PROMPT, "x", "s########0"),
        ),
        ({"hook_event_name": "UserPromptSubmit", "prompt": "", "prompt_id": "s########0"}, None),
        (
            {"hook_event_name": "Stop", "last_assistant_message": "yes", "prompt_id": "s########0"},
            TurnFact(TurnFactKind.ANSWER, "yes", "s########0"),
        ),
        (
            {
                "hook_event_name": "StopFailure",
                "error": "invalid_request",
                "last_assistant_message": "[API Error: 400]",
            },
            TurnFact(TurnFactKind.FAILED, "[API Error: 400]"),
        ),
        ({"hook_event_name": "Notification", "notification_type": "idle_prompt"}, None),
    ],
)
def test_a_hook_tells_of_its_turn(event: dict[str, object], fact: TurnFact | None) -> None:
    assert hooks_of(QWEN).fact(event) == fact


@pytest.mark.parametrize(
    ("event", "signal"),
    [
        (
            {"hook_event_name": "Notification", "notification_type": "permission_prompt"},
            "Notification permission_prompt",
        ),
        ({"hook_event_name": "Stop"}, "Stop"),
    ],
)
def test_a_hook_is_evidence_of_what_it_does(event: dict[str, object], signal: str) -> None:
    assert hooks_of(QWEN).signal(event) == signal


def line(kind: str, *parts: dict[str, object], **more: object) -> dict[str, object]:
    return {"type": kind, "message": {"role": "x", "parts": list(parts)}, **more}


def told(kind: TurnFactKind, text: str = "") -> TurnFact:
    return TurnFact(kind, text, source=EvidenceSource.TRANSCRIPT)


CALL: dict[str, object] = {"functionCall": {"name": "run_shell_command"}}
DENIED: dict[str, object] = {"functionResponse": {"response": {"error": "[Operation Cancelled] Reason: User did not"}}}
USAGE = {"totalTokenCount": 120, "cachedContentTokenCount": 20}


@pytest.mark.parametrize(
    ("entry", "fact"),
    [
        (line("user", {"text": "hi"}), told(TurnFactKind.PROMPT, "hi")),
        (line("assistant", {"text": "Let me."}, CALL, usageMetadata=USAGE), told(TurnFactKind.MODEL, "Let me.")),
        (
            line("assistant", {"text": "hm", "thought": True}, {"text": "Yes."}, usageMetadata=USAGE),
            told(TurnFactKind.ANSWER, "Yes."),
        ),
        (line("assistant", {"text": "half an"}), told(TurnFactKind.INTERRUPTED, "half an")),
        (line("tool_result", DENIED), told(TurnFactKind.INTERRUPTED)),
        (line("tool_result", {"functionResponse": {"response": {"output": "ok"}}}), None),
        ({"type": "system", "subtype": "ui_telemetry"}, None),
        (
            {"type": "system", "systemPayload": {"uiEvent": {"error_message": "429 Free quota", "status_code": 429}}},
            told(TurnFactKind.REFUSED, "429 Free quota"),
        ),
    ],
)
def test_a_line_of_the_session_file_tells_of_its_turn(entry: dict[str, object], fact: TurnFact | None) -> None:
    assert transcript_of(QWEN).line(entry) == fact


def test_tokens_are_counted_without_those_of_the_cache() -> None:
    assert transcript_of(QWEN).cost({"type": "assistant", "uuid": "u", "usageMetadata": USAGE}) == TokenCost("u", 100)
    assert transcript_of(QWEN).cost({"type": "user", "uuid": "u"}) is None


def test_a_question_is_told_with_the_whole_call_and_no_hook_decides_it() -> None:
    given = {"command": "touch made", "description": "Make a file", "is_background": False}
    event = {"hook_event_name": "PermissionRequest", "tool_name": "run_shell_command", "tool_input": given}
    asked = approvals_of(QWEN).asked({**event, "prompt_id": "s########0"})
    assert asked
    assert (asked.detail, asked.about, asked.decides) == ("touch made", AskAbout.COMMAND, False)
    assert (asked.question, asked.turn) == ("Run this command? (Make a file)", "s########0")
    assert approvals_of(QWEN).decide is None


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("see this\n/exit", "see this\n/exit "),
        ("see /a/b", "see /a/b "),
        ("a/b", "a/b"),
        ("c:\\", "c:\\ "),
        ("at @", "at @ "),
        ("/exit now", "/exit now"),
    ],
)
def test_no_list_of_commands_is_open_at_the_end_of_a_text(text: str, typed: str) -> None:
    assert QWEN.text.finish(text) == typed


def test_who_must_log_in_is_told_so(tmp_path: Path) -> None:
    def wants(**env: str) -> list[str]:
        return list(QWEN.launching.wants_first(["qwen"], place(HOME=str(tmp_path), **env)))

    assert wants() and not wants(OPENAI_API_KEY="k")
    (tmp_path / ".qwen").mkdir()
    (tmp_path / ".qwen/settings.json").write_text('{"security": {"auth": {"selectedType": "openai"}}}')
    assert not wants()
