"""What the adapter of GitHub Copilot CLI returns: its launch with a plugin of ours, what its hooks and its events mean,
and what it makes of a text."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.protocol.types.core_types import AskAbout
from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import LaunchContext, LaunchPlan, RunningAgent
from sidecar.evidence.turn_evidence import EvidenceSource, TokenCost, ToolUse, TurnFact, TurnFactKind
from tests.sidecar.capabilities import approvals_of, hooks_of, transcript_of

COPILOT = REGISTRY["copilot"]
SESSION = "0f3b9c1e-1111-4222-8333-444455556666"
PLUGIN = Path("/private/copilot")


def place(**env: str) -> LaunchContext:
    return LaunchContext(
        Path("/home/a/my shop"), Path("/private"), "http://127.0.0.1:1/secret", SESSION, {"HOME": "/home/a", **env}
    )


def launched(command: str, where: LaunchContext | None = None) -> LaunchPlan:
    return COPILOT.launching.launch(command.split(), where or place())


def test_its_hooks_are_a_plugin_for_the_run() -> None:
    launch = launched("copilot --model x")
    ours = ("copilot", "--plugin-dir", str(PLUGIN), "--add-dir", str(PLUGIN), "--session-id", SESSION)
    assert launch.command == (*ours, "--model", "x")
    assert launch.session == SESSION
    assert launch.transcript == Path(f"/home/a/.copilot/session-state/{SESSION}/events.jsonl")
    hooks = json.loads(launch.files[PLUGIN / "hooks.json"])
    assert set(hooks["hooks"]) == {"UserPromptSubmit", "PermissionRequest", "Notification", "Stop"}
    assert hooks["hooks"]["Stop"][0]["args"] == ["/private/hook", "5"]
    assert json.loads(launch.files[PLUGIN / "plugin.json"])["hooks"] == "hooks.json"


def test_what_may_be_read_without_a_question_holds_no_secret() -> None:
    launch = launched("copilot", replace(place(), tools="http://t/mcp", key="k3y"))
    readable = [text for path, text in launch.files.items() if path.is_relative_to(PLUGIN)]
    assert readable and not any("secret" in text or "k3y" in text for text in readable)
    assert COPILOT.text.reads_in(RunningAgent(place(), 1, 0.0)).is_relative_to(PLUGIN)


def test_its_home_may_be_elsewhere() -> None:
    transcript = launched("copilot", place(COPILOT_HOME="/x")).transcript
    assert transcript == Path(f"/x/session-state/{SESSION}/events.jsonl")


def test_the_rooms_tools_come_by_a_file_and_raise_no_question() -> None:
    launch = launched("copilot", replace(place(), tools="http://t/mcp", key="k3y"))
    assert {"--additional-mcp-config=@/private/copilot-mcp.json", "--allow-tool=groupchat"} <= set(launch.command)
    server = json.loads(launch.files[Path("/private/copilot-mcp.json")])["mcpServers"]["groupchat"]
    assert (server["url"], server["headers"]) == ("http://t/mcp", {"Authorization": "Bearer k3y"})
    assert "k3y" not in str((launch.command, launch.env))


@pytest.mark.parametrize(
    "command", ["copilot -p hi", "copilot mcp list", "copilot --version", "copilot --acp", "copilot help config"]
)
def test_what_is_no_chat_is_left_alone(command: str) -> None:
    assert launched(command) == LaunchPlan(tuple(command.split()))


@pytest.mark.parametrize(
    ("command", "session"),
    [
        (f"copilot --resume={SESSION}", SESSION),
        (f"copilot --session-id {SESSION}", SESSION),
        ("copilot --continue", ""),
        ("copilot --resume=my-feature", ""),
    ],
)
def test_a_session_that_the_command_names_is_kept(command: str, session: str) -> None:
    launch = launched(command)
    assert (launch.command[5:], launch.session) == (tuple(command.split()[1:]), session)


@pytest.mark.parametrize(
    ("given", "resumed"),
    [
        ("copilot", "copilot --session-id S"),
        ("copilot --model x -i fix --yolo", "copilot --session-id S --model x --yolo"),
        ("copilot --interactive=fix -n name", "copilot --session-id S"),
        ("copilot --continue", None),
        ("copilot --fleet -i fix", None),
        ("copilot mcp list", None),
    ],
)
def test_a_conversation_is_resumed_without_what_was_given_once(given: str, resumed: str | None) -> None:
    assert COPILOT.launching.resumed(given.split(), "S") == (tuple(resumed.split()) if resumed else None)


def test_a_hook_tells_of_its_prompt_and_whether_it_asks() -> None:
    prompt = {"hook_event_name": "UserPromptSubmit", "session_id": "s", "prompt": "hi"}
    stop = {"hook_event_name": "Stop", "session_id": "s", "stop_reason": "end_turn"}
    asks = {"hook_event_name": "Notification", "sessionId": "s", "notification_type": "permission_prompt"}
    request = {"hookName": "permissionRequest", "sessionId": "s", "toolName": "bash", "toolInput": {"command": "ls"}}
    hooks = hooks_of(COPILOT)
    assert hooks.fact(prompt) == TurnFact(TurnFactKind.PROMPT, "hi")
    assert [hooks.fact(event) for event in (stop, asks, request)] == [None] * 3
    signals = ["UserPromptSubmit", "Stop", "Notification permission_prompt", ""]
    assert [hooks.signal(event) for event in (prompt, stop, asks, request)] == signals
    assert {hooks.session(event) for event in (prompt, stop, asks, request)} == {"s"}
    assert hooks.refuse("#7 is here already") == {"decision": "block", "reason": "#7 is here already"}


def test_the_events_of_another_conversation_are_beside_those_of_the_last_one() -> None:
    beside = transcript_of(COPILOT).of_session(Path("/c/session-state/a/events.jsonl"), "b")
    assert beside == Path("/c/session-state/b/events.jsonl")


def told(kind: TurnFactKind, text: str = "") -> TurnFact:
    return TurnFact(kind, text, source=EvidenceSource.TRANSCRIPT)


CALL = {"toolCallId": "c", "name": "bash"}


@pytest.mark.parametrize(
    ("kind", "data", "fact"),
    [
        ("user.message", {"content": "hi", "transformedContent": "<x>hi"}, told(TurnFactKind.PROMPT, "hi")),
        ("user.message", {"content": "a skill", "source": "skill-pdf"}, None),
        (
            "assistant.message",
            {"content": "Let me.", "toolRequests": [CALL], "model": "m"},
            told(TurnFactKind.MODEL, "Let me."),
        ),
        ("assistant.message", {"content": "", "toolRequests": [CALL]}, None),
        ("assistant.message", {"content": "Yes.", "toolRequests": []}, told(TurnFactKind.ANSWER, "Yes.")),
        ("assistant.message", {"content": "a subagent", "parentToolCallId": "c"}, None),
        ("abort", {"reason": "user_abort"}, told(TurnFactKind.INTERRUPTED)),
        ("session.error", {"message": "400 no", "statusCode": 400}, told(TurnFactKind.FAILED, "400 no")),
        ("assistant.turn_end", {"turnId": "0"}, None),
    ],
)
def test_an_event_tells_of_its_turn(kind: str, data: dict[str, object], fact: TurnFact | None) -> None:
    assert transcript_of(COPILOT).line({"type": kind, "data": data}) == fact
    assert transcript_of(COPILOT).line({"type": kind, "data": data, "agentId": "sub"}) is None


@pytest.mark.parametrize(
    ("kind", "data", "use"),
    [
        ("start", {"toolName": "edit", "arguments": {"path": "/a.py", "old_str": "x"}}, ToolUse("edit", ("/a.py",))),
        ("start", {"toolName": "bash", "arguments": {"command": "ls"}}, ToolUse("bash")),
        (
            "complete",
            {"success": True, "fileEdits": [{"path": "/a.py", "kind": "create"}]},
            ToolUse("create", ("/a.py",), ended=True, written=True),
        ),
        ("complete", {"success": False, "fileEdits": [{"path": "/a.py", "kind": "edit"}]}, None),
        ("complete", {"success": True}, None),
        ("complete", {"success": True, "fileEdits": ["/a.py"]}, None),
    ],
)
def test_an_event_tells_of_a_tool_and_of_the_files_that_it_wrote(
    kind: str, data: dict[str, object], use: ToolUse | None
) -> None:
    assert transcript_of(COPILOT).tool({"type": f"tool.execution_{kind}", "data": data}) == use


def test_tokens_are_counted_without_those_of_the_cache() -> None:
    usage = {"inputTokens": 100, "outputTokens": 20, "cacheReadTokens": 30}
    record: dict[str, object] = {"type": "session.usage_record", "id": "u", "data": {"usage": usage}}
    assert transcript_of(COPILOT).cost(record) == TokenCost("u", 90)
    assert transcript_of(COPILOT).cost({"type": "user.message", "id": "u", "data": {}}) is None


@pytest.mark.parametrize(
    ("tool", "given", "detail", "about"),
    [
        ("bash", {"command": "touch made"}, "touch made", AskAbout.COMMAND),
        ("edit", {"file_path": "/a.txt", "diff": "\n@@\n-two\n+TWO\n"}, "/a.txt\n@@\n-two\n+TWO", AskAbout.DIFF),
    ],
)
def test_a_question_is_told_whole_but_asked_only_when_it_is_drawn(
    tool: str, given: dict[str, object], detail: str, about: AskAbout
) -> None:
    event = {"hookName": "permissionRequest", "sessionId": "s", "toolName": tool, "toolInput": given}
    asked = approvals_of(COPILOT).asked(event)
    assert asked
    assert (asked.detail, asked.about, asked.turn) == (detail, about, "s")
    assert (asked.tentative, asked.decides) == (True, False)


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("see @parse.py, (@a/b) é@x", "see @\\parse.py, (@\\a/b) é@\\x"),
        ("at the end @parse.py", "at the end @\\parse.py"),
        ("@. @~ @/etc/hosts", "@\\. @\\~ @\\/etc/hosts"),
        ("mail a@example.com, 1@x", "mail a@example.com, 1@x"),
        ("ask @bob, or @bob.", "ask @bob, or @bob."),
        ("alone @ and @", "alone @ and @"),
        ("a\tb\n\tc", "a    b\n    c"),
    ],
)
def test_no_file_is_named_to_the_model_because_a_text_names_it(text: str, typed: str) -> None:
    assert COPILOT.text.guard(text, lambda word: word == "bob") == typed


@pytest.mark.parametrize(("text", "typed"), [("c:\\", "c:\\ "), ("see /exit", "see /exit"), ("a\\b", "a\\b")])
def test_enter_submits_whatever_a_text_ends_with(text: str, typed: str) -> None:
    assert COPILOT.text.finish(text) == typed


def test_who_must_log_in_or_trust_the_project_is_told_so(tmp_path: Path) -> None:
    def wants(**env: str) -> list[str]:
        return [one.split()[1] for one in COPILOT.launching.wants_first(["copilot"], place(HOME=str(tmp_path), **env))]

    state = tmp_path / ".copilot" / "config.json"
    state.parent.mkdir()
    assert wants() == ["to", "whether"]
    assert wants(COPILOT_PROVIDER_BASE_URL="u", COPILOT_ALLOW_ALL="true") == []
    state.write_text('// Managed automatically.\n{"trustedFolders": ["/home/a"], "loggedInUsers": [{"login": "a"}]}')
    assert wants() == []
    state.write_text('{"trustedFolders": ["/home/b"]}')
    (tmp_path / ".config/gh").mkdir(parents=True)
    (tmp_path / ".config/gh/hosts.yml").write_text("")
    assert wants() == ["whether"]
