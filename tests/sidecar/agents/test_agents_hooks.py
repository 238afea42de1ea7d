"""Hooks that run a command: the files written for them, and what the command does."""

import asyncio
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.files.private_files import write_private
from sidecar.agents import REGISTRY
from sidecar.agents.adapter import hook_config
from sidecar.agents.adapter.adapter import LaunchContext
from tests.sidecar.hooks_heard import listening

CODEX, GEMINI = REGISTRY["codex"], REGISTRY["gemini"]
ADDRESS = "http://127.0.0.1:1/the-secret"
EXTENSION = ".gemini/extensions/llm-groupchat"


def place(home: Path, **more: str) -> LaunchContext:
    private = home / "it's private"
    return LaunchContext(home, private, ADDRESS, "the-session", {"HOME": str(home), "PATH": os.defpath, **more})


def run(there: LaunchContext, event: bytes, env: Mapping[str, str]) -> subprocess.CompletedProcess[bytes]:
    for path, text in hook_config.hook_files(there).items():
        write_private(path, text)
    command = hook_config.hook_command_line(outside="GEMINI_CLI")
    return subprocess.run(["bash", "-c", command], input=event, capture_output=True, env=env, timeout=60, check=False)


async def test_a_hook_command_brings_the_event_and_prints_the_answer(tmp_path: Path) -> None:
    events: list[Mapping[str, object]] = []

    async def handle(event: Mapping[str, object]) -> Mapping[str, object]:
        events.append(event)
        return {"decision": "block", "reason": "zweimal ü"}

    event = {"prompt": "grüße\n" * 20_000}
    async with listening(handle) as address:
        there = replace(place(tmp_path), hooks=address)
        env = hook_config.hook_environment(there)
        done = await asyncio.to_thread(run, there, json.dumps(event).encode(), env)
    assert events == [event]
    assert json.loads(done.stdout) == {"decision": "block", "reason": "zweimal ü"}
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("event", [b"{}", b"not json", b""])
def test_without_a_sidecar_the_agent_goes_on(tmp_path: Path, event: bytes) -> None:
    there = place(tmp_path)
    done = run(there, event, hook_config.hook_environment(there))
    assert (done.stdout, done.stderr, done.returncode) == (b"{}", b"", 0)


@pytest.mark.parametrize("inside", [False, True])
def test_outside_our_sidecars_and_in_an_agents_own_shell_it_is_over_at_once(tmp_path: Path, inside: bool) -> None:
    env = {"GROUPCHAT_HOOK": "/not/there", "GEMINI_CLI": "1"} if inside else {}
    done = run(place(tmp_path), b"{}", env)
    assert (done.stdout, done.stderr, done.returncode) == (b"", b"", 0)


def test_the_secret_is_in_no_command_line_and_no_environment(tmp_path: Path) -> None:
    there = place(tmp_path)
    for agent in (CODEX, GEMINI):
        launch = agent.launching.launch([agent.name], replace(there, known={"hooks": "{}"}))
        assert not any("the-secret" in word for word in (*launch.command, *launch.env.values()))
        assert [path for path, text in launch.files.items() if "the-secret" in text] == [there.private / "hook"]


# Gemini


def test_gemini_gets_an_extension_once(tmp_path: Path) -> None:
    there = place(tmp_path)
    files = {
        path: text for path, text in GEMINI.launching.launch(["gemini"], there).files.items() if EXTENSION in str(path)
    }
    assert set(files) == {
        tmp_path / EXTENSION / name
        for name in ("gemini-extension.json", "hooks/hooks.json", ".gemini-extension-install.json")
    }
    assert set(json.loads(files[tmp_path / EXTENSION / "hooks/hooks.json"])["hooks"]) == {
        *("BeforeAgent", "AfterAgent", "Notification", "BeforeTool", "AfterTool")
    }
    for path, text in files.items():
        write_private(path, text)
    assert list(GEMINI.launching.launch(["gemini"], there).files) == [there.private / "hook"]
    (tmp_path / EXTENSION / "hooks/hooks.json").write_text("{}")
    assert tmp_path / EXTENSION / "hooks/hooks.json" in GEMINI.launching.launch(["gemini"], there).files


def test_geminis_home_may_be_elsewhere(tmp_path: Path) -> None:
    there = place(tmp_path, GEMINI_CLI_HOME=str(tmp_path / "x"))
    assert tmp_path / "x" / EXTENSION / "hooks/hooks.json" in GEMINI.launching.launch(["gemini"], there).files


@pytest.mark.parametrize("words", [("-e", "none"), ("--extensions=mine",), ("-p", "hi"), ("mcp", "list")])
def test_nothing_is_written_where_the_user_chose_the_extensions_or_no_chat(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    launch = GEMINI.launching.launch(["gemini", *words], place(tmp_path))
    assert not any(EXTENSION in str(path) for path in launch.files)


def test_a_gemini_started_from_another_ones_shell_is_not_marked_as_a_tool(tmp_path: Path) -> None:
    assert GEMINI.launching.launch(["gemini"], place(tmp_path, GEMINI_CLI="1")).env["GEMINI_CLI"] == ""


# Codex


@contextmanager
def codex_that(folder: Path, body: str) -> Iterator[Path]:
    """A program of this name, whose app server is `body`."""
    program = folder / "codex"
    program.write_text(f"#!{sys.executable}\nimport json, sys, time\n{body}\n")
    program.chmod(0o755)
    yield program


_ANSWERS = """
setting = next(word for word in sys.argv if word.startswith("hooks="))
assert sys.argv[1:3] == ["app-server", "--stdio"]
command = {command!r}
for line in sys.stdin:
    if json.loads(line).get("id") == 2:
        hooks = [{{"key": f"flags:{{n}}", "currentHash": f"sha256:{{n}}", "command": command}} for n in range({count})]
        hooks.append({{"key": "theirs", "currentHash": "x", "command": "echo"}})
        print(json.dumps({{"method": "remoteControl/status/changed"}}))
        print(json.dumps({{"id": 2, "result": {{"data": [{{"hooks": hooks}}]}}}}), flush=True)
"""


def test_codex_is_told_to_trust_exactly_our_hooks(tmp_path: Path) -> None:
    with codex_that(tmp_path, _ANSWERS.format(command=hook_config.hook_command_line(), count=6)) as program:
        there = place(tmp_path)
        known = CODEX.launching.prepare([str(program)], there)
    launch = CODEX.launching.launch([str(program), "-a", "never"], replace(there, known=known))
    setting = launch.command[3]
    assert launch.command == (str(program), "--no-daemon", "-c", setting, "-a", "never")
    found = tomllib.loads(setting)["hooks"]
    assert set(found) == {
        *("UserPromptSubmit", "PreToolUse", "PermissionRequest", "PostToolUse", "Stop", "Interrupt", "state")
    }
    assert [one.get("matcher") for one in found["PostToolUse"]] == ["apply_patch"]
    assert setting.endswith(",".join(f'"flags:{n}"={{trusted_hash="sha256:{n}"}}' for n in range(6)) + "}}")
    assert "theirs" not in setting
    assert launch.env == {"GROUPCHAT_HOOK": str(there.private / "hook")}


@pytest.mark.parametrize(
    "body",
    [
        "sys.exit(2)",
        "print('[]'); print('not json')",
        'print(json.dumps({"id": 2, "error": {"code": -32601}}))',
        _ANSWERS.format(command=hook_config.hook_command_line(), count=5),
    ],
)
def test_codex_starts_without_hooks_where_they_cannot_be_trusted(tmp_path: Path, body: str) -> None:
    with codex_that(tmp_path, body) as program:
        known = CODEX.launching.prepare([str(program)], place(tmp_path))
        launch = CODEX.launching.launch([str(program)], replace(place(tmp_path), known=known))
    assert launch.command == (str(program), "--no-daemon")
    assert not launch.files


@pytest.mark.processes
def test_codex_that_is_not_there_is_started_all_the_same(tmp_path: Path) -> None:
    assert CODEX.launching.prepare(["/not/there/codex"], place(tmp_path)) == {"hooks": ""}


@pytest.mark.parametrize(
    "given", ["codex exec x", "codex --remote u", "codex -c hooks.Stop=[]", "codex --config=hooks={}"]
)
def test_codex_is_not_asked_where_the_user_says_which_hooks_run(tmp_path: Path, given: str) -> None:
    with codex_that(tmp_path, "raise SystemExit('asked')") as program:
        assert CODEX.launching.prepare([str(program), *given.split()[1:]], place(tmp_path)) == {}
