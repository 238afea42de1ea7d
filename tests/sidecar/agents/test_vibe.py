"""What the adapter of Mistral Vibe returns: its launch with a folder of ours; what its hooks and its journal mean."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.mcp.tools import TOOLS
from gateway.protocol.types.core_types import Composer
from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import LaunchContext, LaunchPlan
from sidecar.evidence.turn_evidence import EvidenceSource, TokenCost, TurnFact, TurnFactKind
from sidecar.screen.emulator import ScreenSnapshot
from sidecar.screen.rules import read_screen
from tests.sidecar.capabilities import approvals_of, hooks_of, transcript_of

VIBE = REGISTRY["vibe"]
SESSION = "0f3b9c1e-1111-4222-8333-444455556666"
TURN = "turn-1"
STORED = "/home/a/.vibe/logs/session/unified"


def place(**env: str) -> LaunchContext:
    return LaunchContext(
        Path("/home/a/shop"), Path("/private"), "http://127.0.0.1:1/secret", SESSION, {"HOME": "/home/a", **env}
    )


def launched(command: str, where: LaunchContext | None = None) -> LaunchPlan:
    return VIBE.launching.launch(command.split(), where or place())


def test_its_hooks_are_in_a_private_folder_that_the_command_names() -> None:
    launch = launched("vibe --agent ask")
    assert launch.command == ("vibe", "--add-dir", "/private/vibe", "--agent", "ask")
    assert (launch.env, launch.transcript, launch.session) == ({}, None, "")
    hooks = tomllib.loads(launch.files[Path("/private/vibe/.vibe/hooks.toml")])["hooks"]
    assert [one["type"] for one in hooks] == ["pre_tool", "post_tool", "post_agent"]
    assert {one["command"] for one in hooks} == {"/bin/sh '/private/hook' 5"}
    assert "secret" not in launch.files[Path("/private/vibe/.vibe/hooks.toml")]


def test_the_rooms_tools_are_in_its_environment_beside_the_users_own() -> None:
    own = [{"name": "mine", "transport": "http", "url": "http://x"}, {"name": "groupchat"}]
    theirs = {"VIBE_MCP_SERVERS": json.dumps(own), "VIBE_TOOLS": json.dumps({"bash": {"permission": "ask"}})}
    launch = launched("vibe", replace(place(**theirs), tools="http://t/mcp", key="k3y"))
    mine, ours = json.loads(launch.env["VIBE_MCP_SERVERS"])
    assert (mine, ours["name"], ours["url"]) == (own[0], "groupchat", "http://t/mcp")
    assert launch.env[ours["auth"]["api_key_env"]] == "k3y"
    assert "k3y" not in " ".join([*launch.command, *launch.files.values(), launch.env["VIBE_MCP_SERVERS"]])
    tools = json.loads(launch.env["VIBE_TOOLS"])
    assert tools.pop("bash") == {"permission": "ask"}
    assert tools == {f"groupchat_{name}": {"permission": "always"} for name in TOOLS}


@pytest.mark.parametrize("broken", ["no json", "1", "[1]"])
def test_a_variable_of_the_user_that_vibe_cannot_read_is_replaced(broken: str) -> None:
    launch = launched("vibe", replace(place(VIBE_MCP_SERVERS=broken), tools="http://t/mcp", key="k3y"))
    assert [one["name"] for one in json.loads(launch.env["VIBE_MCP_SERVERS"])] == ["groupchat"]


@pytest.mark.parametrize("command", ["vibe -p hi", "vibe mcp list", "vibe --version", "vibe update", "vibe --setup"])
def test_what_is_no_chat_is_left_alone(command: str) -> None:
    assert launched(command) == LaunchPlan(tuple(command.split()))


def test_a_conversation_is_resumed_with_the_same_options_and_without_its_prompt() -> None:
    resumed = VIBE.launching.resumed(["vibe", "--agent", "ask", "--trust", "Fix it."], SESSION)
    assert resumed == ("vibe", "--resume", SESSION, "--agent", "ask", "--trust")
    launch = VIBE.launching.launch(resumed, place())
    assert (launch.transcript, launch.session) == (Path(f"{STORED}/{SESSION}/journal"), SESSION)
    assert VIBE.launching.resumed(["vibe", "--continue"], SESSION) is None


def test_a_login_is_foreseen(tmp_path: Path) -> None:
    assert VIBE.launching.wants_first(["vibe"], place(HOME=str(tmp_path))) == ["asks to log in"]
    assert VIBE.launching.wants_first(["vibe"], place(HOME=str(tmp_path), MISTRAL_API_KEY="x")) == []
    (tmp_path / ".vibe").mkdir()
    (tmp_path / ".vibe" / ".env").write_text("")
    assert VIBE.launching.wants_first(["vibe"], place(HOME=str(tmp_path))) == []


@pytest.mark.parametrize(
    ("files", "decided", "command", "asks"),
    [
        (["AGENTS.md"], "", "vibe", True),
        ([".vibe/config.toml"], "no toml", "vibe", True),
        ([".agents/skills"], 'untrusted = ["/another"]', "vibe", True),
        ([".vibe/notes"], "", "vibe", False),
        (["AGENTS.md"], "", "vibe --trust", False),
        (["AGENTS.md"], 'trusted = ["{above}"]', "vibe", False),
        (["AGENTS.md"], 'untrusted = ["{above}"]', "vibe", True),
        (["AGENTS.md"], 'untrusted = ["{above}/shop"]', "vibe", False),
    ],
)
def test_a_question_about_trust_is_foreseen(
    files: list[str], decided: str, command: str, asks: bool, tmp_path: Path
) -> None:
    for name in (*(f"shop/{one}" for one in files), "home/trusted_folders.toml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(decided.replace("{above}", str(tmp_path)))
    where = replace(place(MISTRAL_API_KEY="x", VIBE_HOME=str(tmp_path / "home")), project=tmp_path / "shop")
    expected = [f"asks whether you trust {tmp_path / 'shop'}"] if asks else []
    assert VIBE.launching.wants_first(command.split(), where) == expected


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("see /var/tmp/a.png now", "see \\/var/tmp/a.png now"),
        ("/a.JPEG\n~/b.webp", "\\/a.JPEG\n\\~/b.webp"),
        ("see '/a/b c.png' and \"~/d.gif\"", "see \\'/a/b c.png' and \\\"~/d.gif\""),
        ("see [/a.png and /my\\ a.png", "see [\\/a.png and \\/my\\ a.png"),
        ("/etc/hosts, a/b.png, ./c.png and https://x.org/d.png", None),
        ("x=/a.png, @/a and \\/a.png", "x=/a.png, @\\/a and \\/a.png"),
    ],
)
def test_the_path_of_a_picture_is_text(text: str, typed: str | None) -> None:
    assert VIBE.text.guard(text, lambda word: False) == (text if typed is None else typed)


# its journal


def message(role: str, text: str) -> dict[str, Any]:
    outcome = {"outcome": {"type": "committed"}} if role == "assistant" else {}
    content = [{"type": "text", "text": text}]
    entry = {"type": "message", "role": role, "turnId": TURN, "content": content, **outcome}
    return {"op": "append_entry", "entry": entry}


def envelope(status: str, *, at: int = 5, **more: object) -> dict[str, Any]:
    turn = {"id": TURN, "status": status, **({} if status == "in_progress" else {"completedAt": 5}), **more}
    return {"op": "set_envelope", "state": {"latestTurn": turn, "session": {"updatedAt": at}}}


def record(*changes: Mapping[str, object]) -> dict[str, Any]:
    return {"type": "projection_delta", "payload": {"watermark": 1, "delta": list(changes)}}


def fact(kind: TurnFactKind, text: str = "") -> TurnFact:
    return TurnFact(kind, text, TURN, EvidenceSource.TRANSCRIPT)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (record(message("user", "[a #1] Hi."), envelope("in_progress")), fact(TurnFactKind.PROMPT, "[a #1] Hi.")),
        (record(message("assistant", "Let me."), envelope("in_progress")), fact(TurnFactKind.MODEL, "Let me.")),
        (record(message("assistant", "Done."), envelope("completed")), fact(TurnFactKind.ANSWER, "Done.")),
        (record(envelope("failed", error={"message": "no"})), fact(TurnFactKind.FAILED, "no")),
        (record(envelope("interrupted")), fact(TurnFactKind.INTERRUPTED)),
        (record(envelope("interrupted", at=9)), None),
        (record(envelope("completed")), None),
        ({"type": "action_intent", "payload": {}}, None),
        ({"type": "projection_delta", "payload": {"delta": ["x", {"entry": 1, "state": []}]}}, None),
        ({}, None),
    ],
)
def test_its_journal_tells_of_each_turn(entry: dict[str, Any], expected: TurnFact | None) -> None:
    assert transcript_of(VIBE).line(entry) == expected


def test_a_request_that_it_repeats_is_told() -> None:
    state = {"latestTurn": {"id": TURN, "status": "in_progress"}, "retrying": {"detail": "429 Too Many Requests"}}
    told = transcript_of(VIBE).line(record({"op": "set_envelope", "state": state}))
    assert told == fact(TurnFactKind.REFUSED, "429 Too Many Requests")


def test_tokens_are_those_of_each_call_without_the_cached_ones() -> None:
    usage = {"input_tokens": 100, "output_tokens": 20, "cached_input_tokens": 30, "total_tokens": 120}
    entry = {"type": "action_result", "payload": {"action_id": "a", "result": {"result": {"usage": usage}}}}
    assert transcript_of(VIBE).cost(entry) == TokenCost("a", 90)
    assert transcript_of(VIBE).cost({"type": "action_result", "payload": {"action_id": "a", "result": "x"}}) is None


# its screen


QUEUED = "» Queued — press Enter to send, type to add"


@pytest.mark.parametrize(
    ("row", "keeps"), [(QUEUED, True), (f"  {QUEUED}", False), (f"> {QUEUED}", False), ("» Queued", False)]
)
def test_what_waits_in_it_after_a_stop_is_told_by_a_row_in_its_first_column(row: str, keeps: bool) -> None:
    wide = "─" * 60
    kept = (row, wide, "> [alice -> claude #2] Urgent words.", "", "")
    box = ("─" * 54 + " ask ─", "> ", "", "", wide, "/work")
    reading = read_screen(VIBE.rules, ScreenSnapshot(("  I wait.", "", *kept, *box), 60), {})
    assert (reading.composer, reading.keeps_prompts) == (Composer.EMPTY, keeps)


# its hooks


def hook(name: str, **more: object) -> dict[str, object]:
    return {
        "hook_event_name": name,
        "session_id": SESSION,
        "transcript_path": f"{STORED}/{SESSION}",
        "cwd": "/home/a/shop",
        "parent_session_id": None,
        **more,
    }


def test_a_hook_names_the_session_and_its_journal_and_a_subagent_neither() -> None:
    hooks, event = hooks_of(VIBE), hook("post_agent")
    assert (hooks.session(event), hooks.transcript(event)) == (SESSION, Path(f"{STORED}/{SESSION}/journal"))
    assert hooks.signal(event) == "post_agent"
    inner = {**event, "parent_session_id": "another"}
    assert (hooks.session(inner), hooks.transcript(inner), hooks.signal(inner)) == ("", None, "")


def test_a_call_is_told_with_its_file_and_a_question_about_it_is_only_possible() -> None:
    given = {"file_path": "/home/a/shop/x", "content": "x"}
    before = hook("pre_tool", tool_name="file_system.write_file", tool_input=given)
    after = {**before, "hook_event_name": "post_tool", "tool_status": "success"}
    uses = [hooks_of(VIBE).tool(one) for one in (before, after, {**after, "tool_status": "failure"})]
    assert [(one.paths, one.ended, one.written) for one in uses if one] == [
        (("/home/a/shop/x",), False, False),
        (("/home/a/shop/x",), True, True),
        (("/home/a/shop/x",), True, False),
    ]
    asked = approvals_of(VIBE).asked(hook("pre_tool", tool_name="file_system.bash", tool_input={"command": "ls"}))
    assert asked and (asked.detail, asked.tentative, asked.decides) == ("ls", True, False)
    assert approvals_of(VIBE).asked(after) is None


def test_a_text_names_no_file_and_opens_no_list() -> None:
    guarded = VIBE.text.guard("see @a.py, x@y.org and @bob", lambda word: word == "bob")
    assert guarded == "see @\\a.py, x@y.org and @bob"
    assert VIBE.text.finish("ask @bob") == "ask @bob "
    assert VIBE.text.finish("done") == "done"
