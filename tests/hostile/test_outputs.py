"""The output of every command and tool in a room where all text of members is hostile. Commands, tools, operations and
fields are found in the code: a new one is covered here, or a test fails.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mcp_types as types
import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from controller.team.team import AgentSpec, ChatSpec, LayoutSpec
from controller.team.workspace_record import WorkspaceRecord, write_workspace_record
from gateway.client import HttpClient
from gateway.mcp import resources
from gateway.mcp.server import run_tool
from gateway.mcp.tool_caller import Caller
from gateway.mcp.tools import TOOLS
from tests.hostile.strings import WORST, problems
from tests.hostile.world import FIELDS, NOT_FED, World, world_in
from tests.support.command_tree import APPS, leaves

# A real command is a separate process, so objects that its loop holds end with it.
pytestmark = [
    pytest.mark.usefixtures("commands_let_go"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

# Fields that take a name, a number or a word of a closed set; other values are refused.
NAMES = {
    *("hello:rooms.[]", "hello:role", "hello:project", "hello:display", "hello:capabilities.[]", "hello:vendor"),
    *("send:room", "send:to.[]", "send:to", "report:expected", "report:steps.[].at"),
    *(f"room.{one}:room" for one in ("create", "topic", "invite", "kick", "join", "leave")),
    *(
        "member.remove:member",
        "link.create:room",
        "lan.open:address",
        "terminal.watch:member",
        "terminal.unwatch:member",
        *("terminal.key:member", "terminal.key:key", "terminal.key:digest", "why:member", "timeline:member"),
        "pair.begin:name",  # kept when a browser uses the code: `_pair_hostile_browser` in world.py
        "partial:room",
        "partial:to.[]",
        "room.remove:room",
        "room.invite:member",
        "room.kick:member",
        "members:room",
        "history:room",
        "search:room",
        "recall:room",
    ),
    *(
        f"{one}:member"
        for one in ("pause", "resume", "continue", "keys", "stop", "share", "role", "cancel", "retry", "restart")
    ),
    *("continue:room", "share:policy", "role:role", "ask.answer:member", "ask.answer:answer", "ask.answer:digest"),
    *("register:name", "register:role", "token.create:name", "token.create:role", "token.revoke:name"),
    *("token.rotate:name", "context.list:scope", "propose:room", "propose:to", "propose:voters.[]", "propose:rule"),
    *(f"context.{one}:{name}" for one in ("put", "merge", "delete", "get", "history") for name in ("scope", "name")),
    *("propose:weights.{}", "propose:id", "answer:decision", "decision.close:decision", "decision.show:decision"),
    *(
        "decisions:room",
        "mode.set:mode",
        "mode.set:room",
        "mode.set:agents.[]",
        "mode.set:cast.{}",
        "mode.set:cast.{key}",
    ),
    *(f"mode.{one}:room" for one in ("get", "next", "extend", "working")),
    *(f"session.{one}:session" for one in ("open", "update", "pause", "resume", "close", "show", "messages")),
    *(
        "condition:condition.until",
        "conversation:since",
        "pair.begin:name",
        "keys:keys",
        "pins:room",
        "react:sign",
        "room.mute:room",
        "room.read:room",
        "send:wakes.[]",
    ),
    *("tool.call:tool", "tool.call:operation", "tool.call:room", "tool.offer:operations.[].name"),
    *("session.open:room", "session.list:room", "session.open:participants.[]", "session.update:participants.[]"),
    # base64, and one-line records of keys
    *(f"{one}:sealed.{name}" for one in ("send", "ask.open") for name in ("data", "room")),
    *(f"work:work.sealed.{name}" for name in ("data", "room")),
    *("room.keep:room", "room.keep:keep", "room.retention:room"),
    *("send:new_key.notice", "room.key:notice", "room.key:room", "room.admit:admission", "room.admit:room"),
    *(
        "room.keep:room",
        "room.keep:keep",
        "room.retention:room",
        "room.admit:member",
        "room.keys:room",
        "key.publish:record",
        "key.revoke:statement",
    ),
    *(f"ask.answer:signed.{name}" for name in ("payload", "signature", "key")),
}

AT_A_SERVER = "it asks a Skynet server; tests/gateway/dialect_commands shows what it prints of hostile text"
STARTS = "it starts or ends processes and terminals; what it says goes through the same functions"
OF_KEYS = "its own files hold no text of others; tests/gateway/encryption shows what it refuses"
OF_A_STORE = "it works on files of the state folder; tests/gateway/snapshots and tests/gateway/maintenance run it"
NOT_RUN = {
    **dict.fromkeys(("controller up", "controller down", "controller attach", "controller restart"), STARTS),
    **dict.fromkeys(("controller add", "controller rm", "controller chat", "gateway serve", "gateway mcp"), STARTS),
    **dict.fromkeys(
        (f"gateway skynet {one}" for one in ("connect", "send", "context", "agents", "monitor")), AT_A_SERVER
    ),
    **dict.fromkeys(("gateway service install", "gateway service uninstall"), STARTS),
    **dict.fromkeys(
        (f"controller key {one}" for one in ("new", "list", "rotate", "export", "import", "trust", "revoke")), OF_KEYS
    ),
    "controller verify": OF_KEYS,
    **dict.fromkeys(("gateway restore", *(f"gateway snapshot {one}" for one in ("list", "now", "verify"))), OF_A_STORE),
    "controller rooms set": "it prints the name of a room and what the gateway has checked",
    **dict.fromkeys(("controller web", "sidecar join", "sidecar connect", "sidecar record", "sidecar foresee"), STARTS),
}


def commands(app: typer.Typer) -> Iterator[str]:
    """All of its verbs, and the groups that are commands themselves."""
    yield from (" ".join(path) for path, _ in leaves(app, groups=True))


def given(world: World, folder: Path) -> dict[str, list[list[str]]]:
    """The arguments of each command."""
    number, decision = str(world.message), world.decision
    session = next(iter(world.hub.state.sessions))
    told = str(world.hub.committed_seq)
    document, recording, room = folder / "document.json", folder / "recording.cast", folder / "room.jsonl"
    document.write_text(json.dumps({WORST: [WORST], "x": WORST}))
    frames = [json.dumps({"version": 2, "width": 80, "height": 24, WORST: WORST}), json.dumps([0.1, "o", WORST])]
    recording.write_text("\n".join(frames))
    room.write_text(json.dumps({"groupchat": 1, "room": {"name": WORST}, "kinds": {WORST: "human"}}))
    record = WorkspaceRecord(
        WORST, WORST, "", None, (AgentSpec(WORST, (WORST,)),), LayoutSpec(), ChatSpec(), file=WORST, since=1
    )
    write_workspace_record(world.state, record)
    (world.state / "gateway.log").write_text(
        "\x1b]0;x\x07\x9b31m\u202e\n" + json.dumps({"event": WORST}, ensure_ascii=False) + "\n"
    )
    return {
        "controller send": [["send", WORST], ["send", f"@nobody\x1b[31m {WORST}"]],
        "controller listen": [["listen", "--since", "0", "--receipts", "--count", "200"]],
        "controller agents": [["agents"], ["agents", "--all"]],
        "controller rooms": [["rooms"], ["rooms", "--create", "another", "--topic", "x"], ["rooms", "--join", WORST]],
        "controller rooms rm": [["rooms", "rm", WORST]],
        "controller members rm": [["members", "rm", WORST]],
        "controller rooms invite": [["rooms", "invite", "general", WORST]],
        "controller rooms kick": [["rooms", "kick", "general", WORST]],
        "controller rooms topic": [["rooms", "topic", "general", WORST], ["rooms", "topic", WORST, "x"]],
        "controller mute": [["mute", "general"], ["mute", WORST]],
        "controller unmute": [["unmute", "general"], ["unmute", WORST]],
        "controller history": [
            ["history", "-n", "1000"],
            ["history", "--from", "mallory"],
            ["history", "--room", WORST],
        ],
        "controller search": [["search", "good"], ["search", "boss"], ["search", WORST]],
        "controller recall": [["recall", "good"], ["recall", "boss"], ["recall", WORST[:400]]],
        "controller receipts": [["receipts", str(one)] for one in _delivered(world)] + [["receipts", told]],
        "controller react": [["react", number, WORST], ["react", number, "ok"], ["react", "999999", "ok"]],
        "controller pin": [["pin", number], ["pin", "999999"]],
        "controller unpin": [["unpin", number]],
        "controller pins": [["pins"], ["pins", WORST]],
        "controller thread": [["thread", number], ["thread", "999999"]],
        "controller transcript": [
            *(["transcript"], ["transcript", WORST], ["transcript", "--since", WORST], ["transcript", "-o", WORST]),
            *(["transcript", "--thread", number], ["transcript", "--session", session]),
            ["transcript", "-o", str(folder / "room.html")],
        ],
        "controller resend": [["resend", number, WORST], ["resend", "999999", WORST]],
        "controller asks": [["asks"]],
        "controller approve": [["approve", "mallory"], ["approve", "mallory", "9"], ["approve", WORST]],
        "controller deny": [["deny", "mallory"], ["deny", "cleo"]],
        "controller status": [["status"]],
        "controller stats": [["stats"]],
        "controller why": [["why", "mallory"]],
        "controller init": [["init", str(folder / "team.toml")], ["init", str(folder / "team.toml")]],
        "controller logs": [["logs"], ["logs", WORST]],
        "controller teams": [["teams"], ["teams", "--all"]],
        "controller pause": [["pause", "mallory"], ["pause", WORST]],
        "controller resume": [["resume", "mallory"]],
        "controller stop": [["stop"], ["stop", "mallory"], ["stop", WORST]],
        "controller continue": [["continue"], ["continue", WORST]],
        "controller cancel": [["cancel", number], ["cancel", "1"]],
        "controller retry": [["retry", number, "mallory"]],
        "controller share": [["share", "mallory", WORST]],
        "controller role": [["role", "mallory", WORST], ["role", "mallory", "coder"]],
        "controller keys": [["keys", "mallory", WORST[:90]]],
        "controller mode set": [["mode", "set", "debate", WORST, "--replace"], ["mode", "set", WORST]],
        "controller mode status": [["mode", "status"]],
        "controller mode list": [["mode", "list"]],
        "controller mode next": [["mode", "next"]],
        "controller mode extend": [["mode", "extend", "60"]],
        "controller mode working": [["mode", "working", "x"]],
        "controller mode end": [["mode", "end", "--room", WORST]],
        "controller context push": [
            ["context", "push", str(document)],
            ["context", "push", str(document), "--name", "b"],
        ],
        "controller context pull": [["context", "pull"], ["context", "pull", "--name", "gone"]],
        "controller context merge": [["context", "merge", str(document)]],
        "controller context diff": [["context", "diff", str(document)]],
        "controller context history": [["context", "history"]],
        "controller context list": [["context", "list"]],
        "controller context delete": [["context", "delete", "--name", "b"]],
        "controller propose": [["propose", WORST[:900], "-o", "a", "-o", "b"], ["propose", "x", "-o", WORST[:100]]],
        "controller vote": [["vote", decision, WORST[:900], "--because", WORST[:900]], ["vote", WORST[:90], "x"]],
        "controller decisions": [["decisions"], ["decisions", "--all"], ["decisions", decision], ["decisions", WORST]],
        "controller decide": [["decide", decision], ["decide", WORST]],
        "controller session open": [["session", "open", "mine", "--goal", WORST[:900]], ["session", "open", WORST]],
        "controller session close": [["session", "close", "mine", "--summary", WORST[:900]]],
        "controller session pause": [["session", "pause", session]],
        "controller session resume": [["session", "resume", session]],
        "controller session list": [["session", "list"], ["session", "list", "--all"]],
        "controller session show": [["session", "show", session], ["session", "show", WORST]],
        "controller session summary": [
            ["session", "summary", session],
            ["session", "summary", session, "--markdown", "-"],
        ],
        "controller tools": [["tools"]],
        "controller call": [["call", "hammer", "break"], ["call", WORST, WORST], ["call", "hammer", "hit", WORST]],
        "gateway deploy": [
            ["deploy", "k8s", "--out", str(folder / "k8s")],
            ["deploy", "k8s", "--out", str(folder / "k8s")],
            ["deploy", "k8s", "--out", str(folder / "other"), "--domain", WORST],
            ["deploy", WORST, "--out", str(folder / "other"), "--image", WORST],
        ],
        "gateway doctor": [["doctor"]],
        "gateway export": [["export", "general", "-o", str(folder / "out.jsonl")], ["export", WORST]],
        "gateway import": [["import", str(room)], ["import", str(recording)]],
        "gateway agentchat identity": [["agentchat", "identity", "--file", str(document)]],
        "gateway skynet config": [["skynet", "config", "--file", str(document)], ["skynet", "config", "-f", WORST]],
        "gateway skynet version": [["skynet", "version"]],
        "controller web": [["web", "--pair", "--json"], ["web", "--pair", "--json", "--name", WORST]],
        "controller share-link": [["share-link", "general"], ["share-link", WORST]],
        "gateway token create": [["token", "create", "made"], ["token", "create", WORST]],
        "gateway token list": [["token", "list"]],
        "gateway token rotate": [["token", "rotate", "made"]],
        "gateway token revoke": [["token", "revoke", "made"], ["token", "revoke", WORST]],
        "gateway service status": [["service", "status"]],
        "gateway service show": [["service", "show", "--", WORST], ["service", "show", "--", "--name", "x\u202ey"]],
        "sidecar rules check": [["rules", "check", str(room)], ["rules", "check", str(recording), str(recording)]],
        "sidecar explain": [["explain", "mallory"], ["explain", WORST]],
        "sidecar replay": [["replay", str(recording), "--agent", "claude"], ["replay", str(room)]],
        "sidecar skill": [["skill", "advisor"], ["skill", WORST]],
    }


def _delivered(world: World) -> list[int]:
    return sorted({message for message, _ in world.hub.state.latest_deliveries})[:4]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world_in(tmp_path_factory.mktemp("hostile") / "state") as made:
        yield made


def test_each_field_of_each_request_took_the_text_or_is_a_name(world: World) -> None:
    fed = {str(text) for request, text in FIELDS if request not in NOT_FED}
    assert fed - world.stored == NAMES & fed, "a new field: may it hold such a text?"


def test_each_command_is_run_or_says_why_not(world: World, tmp_path: Path) -> None:
    found = {f"{name} {verb}" for name, app in APPS.items() for verb in commands(app)}
    assert found == {*given(world, tmp_path), *NOT_RUN}


@pytest.mark.processes
def test_no_output_of_a_command_forges_anything(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUPCHAT_STATE", str(world.state))
    monkeypatch.setenv("GROUPCHAT_OPERATOR", "alice")
    bad: list[str] = []
    shown = 0
    for name, lines in given(world, tmp_path).items():
        for line in lines:
            for more in ([], ["--json"]) if line is lines[0] and _takes_json(name) else ([],):
                out, err = ran(APPS[name.split()[0]], [*line, *more])
                shown += len(out)
                document = (
                    "--markdown" in line or line[0] == "transcript"
                ) and not more  # its quoted lines stand in fences
                found = [one for one in (*problems(out), *problems(err)) if not (document and "forged" in one)]
                bad += [f"{name} {line[:3]!r} {more}: {one}" for one in dict.fromkeys(found)]
    assert bad == []
    assert shown > 100_000, "much was shown"


def _takes_json(name: str) -> bool:
    app, _, verb = name.partition(" ")
    command: Any = get_command(APPS[app])
    for word in verb.split():
        command = command.commands[word]
    return any("--json" in one.opts for one in command.params)


def ran(app: typer.Typer, line: list[str]) -> tuple[str, str]:
    """The output of a command. Exceptions fail the test, except errors that are shown as sentences."""
    done = CliRunner().invoke(app, line)
    known = done.exception is None or isinstance(done.exception, SystemExit) or hasattr(done.exception, "code")
    known = known or type(done.exception).__module__ in ("sidecar.errors", "gateway.protocol.errors")
    assert known, (line, done.exception)
    return done.stdout, done.stderr


TOOLS_GIVEN: dict[str, list[dict[str, Any]]] = {
    "peer_list": [{}],
    "peer_status": [{}],
    "peer_send": [{"to": "cleo", "message": WORST, "file": "a.py", "text": WORST}, {"to": WORST, "message": "x"}],
    "peer_read": [{"limit": 100}, {}],
    "peer_wait": [{"timeout": 0}],
    "peer_history": [{"limit": 100}, {"peer": "alice"}, {"peer": WORST}],
    "peer_context": [
        {"file": WORST},
        {"file": "a.py", "text": WORST, "message": WORST},
        {"file": "a.py", "lines": WORST},
    ],
    "room_list": [{}],
    "room_join": [{"room": WORST}, {"room": "general"}],
    "room_search": [{"query": "good"}, {"query": WORST[:400]}],
    "recall": [{"question": "what is good?"}, {"question": WORST[:400]}],
    "context_get": [
        {},
        {"name": "main"},
        {"name": "main", "history": 10},
        {"name": "main", "at": WORST},
        {"name": WORST},
    ],
    "context_put": [{"document": {WORST: WORST}}, {"document": {}, "scope": WORST}],
    "ask_human": [{"question": WORST[:900], "options": ["a", "b"], "timeout": 0}],
    "propose": [
        {"question": WORST[:900], "options": ["a", WORST[:90].replace("\n", " ")]},
        {"question": "x", "to": WORST},
    ],
    "vote": [{}, {"decision": WORST, "choice": WORST}],
    "working": [{"note": "x"}, {"note": "x", "room": WORST}],
    "tool_list": [{}],
    "call_tool": [
        {"tool": "hammer", "operation": WORST},
        {"tool": WORST, "operation": "x"},
        {"tool": "hammer", "operation": "hit", "arguments": {WORST: WORST}},
        *({"call": number} for number in (1, 999_999)),
    ],
    "set_role": [{"role": WORST[:60]}],
}


@contextmanager
def as_mallory(world: World) -> Iterator[Any]:
    async def ask(name: str, arguments: dict[str, Any]) -> str:
        async with HttpClient(world.mallory) as direct:
            caller = Caller(direct, world.mallory.token)
            answer = await run_tool(caller, types.CallToolRequestParams(name=name, arguments=arguments))
        return "\n".join(one.text for one in answer.content if isinstance(one, types.TextContent))

    yield lambda name, arguments: world.do(ask(name, arguments))


@pytest.mark.processes
def test_no_answer_of_a_tool_forges_anything(world: World) -> None:
    assert set(TOOLS_GIVEN) == set(TOOLS)
    bad: list[str] = []
    with as_mallory(world) as ask:
        for name, several in TOOLS_GIVEN.items():
            for arguments in several:
                found = problems(ask(name, arguments).replace("\n| ", "\n> "))
                bad += [f"{name} {str(arguments)[:40]}: {one}" for one in dict.fromkeys(found)]
    assert bad == []


def test_no_resource_forges_anything(world: World) -> None:
    async def read() -> list[str]:
        async with HttpClient(world.mallory) as direct:
            caller = Caller(direct, world.mallory.token)
            listed = await resources.list_resources(caller)
            texts = [(await resources.read_resource(caller, str(one.uri))).text for one in listed]
            return [*texts, *(f"{one.name} {one.description}" for one in listed)]

    for text in world.do(read()):
        assert problems(text.replace("\n| ", "\n> ")) == []
