"""The contracts of pyproject.toml hold, each of them can be broken, and nobody slipped out from under them."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("gateway", "sidecar", "controller")
SETTINGS: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS: dict[str, dict[str, Any]] = {one["name"]: one for one in SETTINGS["contracts"]}
PURE = (
    "gateway.protocol",
    "gateway.access",
    "gateway.turns",
    "gateway.loop_guard",
    "gateway.model",
    "gateway.agent_control",
    "gateway.message_effects",
    "gateway.sessions",
    "gateway.decisions",
    "gateway.mode_rules",
    "gateway.rooms",
)
IMPURE = {"asyncio", "time", "aiohttp", "websockets", "sqlite3", "ptyprocess", "libtmux", "prompt_toolkit"}

# what somebody might write, and which contract must say no
VIOLATIONS: list[tuple[str, str, str]] = [
    ("gateway/mcp/arguments.py", "import jsonschema", "JSON Schema is known to the check of tools' arguments"),
    ("gateway/protocol/types/core_types.py", "import gateway.model.state", "The protocol knows nothing of ours"),
    (
        "gateway/files/capped_log.py",
        "import gateway.access.rate_limit",
        "What all programs share knows the protocol alone",
    ),
    (
        "gateway/client/backoff.py",
        "import gateway.access.rate_limit",
        "What all programs share knows the protocol alone",
    ),
    (
        "sidecar/messages/envelope.py",
        "import controller.requests.command_requests",
        "Sidecar and controller never meet",
    ),
    (
        "controller/requests/command_requests.py",
        "import gateway.runtime.hub",
        "Sidecar and controller see only the gateway's protocol and shared code",
    ),
    (
        "sidecar/messages/envelope.py",
        "import gateway.model.state",
        "Sidecar and controller see only the gateway's protocol and shared code",
    ),
    ("gateway/mcp/tools.py", "import gateway.runtime.hub", "The tools know the gateway as any client does"),
    ("gateway/runtime/hub.py", "import mcp", "The SDK of the Model Context Protocol is known to the tools alone"),
    (
        "gateway/maintenance/export_import.py",
        "import controller.requests.command_requests",
        "The gateway knows neither sidecar nor controller",
    ),
    *((f"{name.replace('.', '/')}/__init__.py", "import time", "Decisions do no I/O") for name in PURE[1:]),
    ("gateway/protocol/text/addressing.py", "import asyncio", "Decisions do no I/O"),
    ("sidecar/activity/activity_verdict.py", "import time", "The sidecar's decisions do no I/O"),
    ("controller/wording/member_state_text.py", "import socket", "The controller's decisions do no I/O"),
    (
        "sidecar/supervision/orphan_reaping.py",
        "import structlog",
        "The supervisor stays small: the standard library alone",
    ),
    (
        "gateway/server/supervisor.py",
        "import structlog",
        "The gateway's supervisor stays small: the standard library alone",
    ),
    ("gateway/runtime/hub.py", "import sqlite3", "SQLite is known to the store and to the doctor"),
    (
        "gateway/embedding/vector_search.py",
        "import model2vec",
        "The library of embedding models is known to the model folder",
    ),
    ("gateway/runtime/hub.py", "import redis", "Redis is known to the shared log"),
    (
        "gateway/server/gateway_process.py",
        "import gateway.shared_log.redis_store",
        "A gateway on SQLite does not load the shared log",
    ),
    ("gateway/runtime/hub.py", "import prometheus_client", "Prometheus is known to the metrics"),
    ("gateway/runtime/hub.py", "import jwt", "The JWT library is known to the check of providers' tokens"),
    ("gateway/runtime/hub.py", "import cryptography", "Cryptography is known to signatures and certificates"),
    ("gateway/runtime/hub.py", "import nacl", "PyNaCl is known to the encryption of members"),
    (
        "gateway/runtime/hub.py",
        "import gateway.encryption.member_keys.private_keys",
        "The gateway has no keys of members",
    ),
    (
        "gateway/encryption/member_keys/fingerprints.py",
        "import gateway.encryption.room_keys.rotation",
        "The folders of the encryption: each knows only those below it",
    ),
    ("gateway/runtime/hub.py", "import yaml", "YAML is known to the configuration file of Skynet"),
    ("sidecar/connection/room_reporter.py", "import websockets", "The WebSocket library is known to the client"),
    ("controller/output/command_output.py", "import libtmux", "tmux is known to the workspace"),
    ("sidecar/connectors/connector_run.py", "import anthropic", "The SDKs of vendors are known to one connector each"),
    (
        "sidecar/connectors/connector_interface.py",
        "import sidecar.connectors.turn_log",
        "The folders of the connectors: each knows only those below it",
    ),
    ("sidecar/agent_run.py", "import ptyprocess", "PTY and terminal emulator are known to one module each"),
    ("sidecar/agent_run.py", "import pyghostty", "PTY and terminal emulator are known to one module each"),
    ("sidecar/agent_run.py", "import prompt_toolkit", "The chat's toolkit is known to the controller"),
    (
        "gateway/model/records/stored_records.py",
        "import gateway.rooms.members",
        "The gateway's folders: each knows only those below it",
    ),
    (
        "gateway/model/records/stored_records.py",
        "import gateway.model.state",
        "The folders of the gateway's model: each knows only those below it",
    ),
    (
        "gateway/operations/messages/message_queries.py",
        "import gateway.operations.delivery.inbox_operations",
        "The folders of the gateway's operations: each knows only those below it",
    ),
    (
        "gateway/server/listeners/tls.py",
        "import gateway.server.state_folder.open_hub",
        "The folders of the gateway's process: each knows only those below it",
    ),
    (
        "controller/cli/room/rooms.py",
        "import controller.cli.team.team_commands",
        "The folders of the commands: each knows only those below it",
    ),
    (
        "gateway/files/token_masking.py",
        "import gateway.client.discovery.endpoint",
        "The gateway's folders: each knows only those below it",
    ),
    (
        "sidecar/messages/inbox.py",
        "import sidecar.delivery.typist",
        "The sidecar's folders: each knows only those below it",
    ),
    (
        "controller/view/stream/viewport.py",
        "import controller.chat.full_screen.keys",
        "The controller's folders: each knows only those below it",
    ),
    (
        "gateway/protocol/types/timestamps.py",
        "import gateway.protocol.results",
        "The folders of the protocol: each knows only those below it",
    ),
    (
        "controller/view/text/text_rows.py",
        "import controller.view.state.gateway_outage",
        "The folders of the chat's rows: each knows only those below it",
    ),
    (
        "controller/chat/actions/room_actions.py",
        "import controller.chat.session.send_checks",
        "The folders of the chat: each knows only those below it",
    ),
    (
        "controller/workspace/team_location.py",
        "import controller.workspace.startup.readiness",
        "The folders of a team's processes: each knows only those below it",
    ),
    (
        "sidecar/approvals/questions/dialog_parser.py",
        "import sidecar.approvals.dialog_states",
        "The folders of the approvals: each knows only those below it",
    ),
]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter over the packages in a folder."""
    run = "import sys; sys.path.insert(0, '.'); from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    return subprocess.run(
        [sys.executable, "-P", "-c", run], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the code that may be spoilt."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold(tree: Path) -> None:
    done = lint(tree)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in done.stdout


def test_every_contract_can_be_broken(tree: Path) -> None:
    for path, line, _ in VIOLATIONS:
        with (tree / path).open("a") as file:
            file.write(f"\n{line}\n")
    done = lint(tree)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"Contracts: 0 kept, {len(CONTRACTS)} broken." in done.stdout
    complaints = complaints_of(done.stdout)
    for path, line, contract in VIOLATIONS:
        module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        assert f"{module} -> {line.split()[1]}" in complaints[contract], f"{contract}: nothing about {line!r} in {path}"


def complaints_of(report: str) -> dict[str, str]:
    """What is said of each broken contract, under its name. The report breaks long lines."""
    names = "|".join(re.escape(name) for name in CONTRACTS)
    _, *pieces = re.split(rf"^({names})\n-+$", report.partition("Broken contracts")[2], flags=re.MULTILINE)
    return dict(zip(pieces[::2], (" ".join(piece.split()) for piece in pieces[1::2]), strict=True))


def test_the_contract_of_the_pure_modules_names_them_all() -> None:
    contract = CONTRACTS["Decisions do no I/O"]
    assert set(PURE) <= set(contract["source_modules"])
    assert set(contract["forbidden_modules"]) >= IMPURE
    assert not contract.get("ignore_imports") and not contract.get("allow_indirect_imports")


def pure_by_their_own_words() -> list[Path]:
    """Modules of the gateway whose first lines claim it, and where no stream or store is near."""
    found = []
    for path in sorted((ROOT / "gateway").rglob("*.py")):
        code = path.read_text()
        words = (ast.get_docstring(ast.parse(code)) or "") if "Pure" in code else ""
        if "Pure" in words and not {"api", "dialects"} & set(path.parts):
            found.append(path)
    return found


@pytest.mark.parametrize("path", pure_by_their_own_words(), ids=lambda path: str(path.relative_to(ROOT)))
def test_whoever_says_pure_is_under_the_contract(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    sources = CONTRACTS["Decisions do no I/O"]["source_modules"]
    assert any(module == one or module.startswith(f"{one}.") for one in sources)


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_happens_at_import(package: str) -> None:
    """Importing a module defines things; what it runs is at most an expression in a constant."""
    allowed = (
        ast.Import,
        ast.ImportFrom,
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.Assign,
        ast.AnnAssign,
    )
    for path in sorted((ROOT / package).rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            guarded = isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "__name__ == '__main__'")
            main = path.name == "__main__.py"
            registering = isinstance(node, ast.Expr) and path.name in ("cli.py", "main.py")
            where = f"{path.relative_to(ROOT)}:{node.lineno}"
            assert isinstance(node, allowed) or docstring or guarded or main or registering, where


STARTS_A_TASK = {"create_task", "ensure_future"}
TASK_HELPER = ROOT / "gateway" / "process_basics" / "tasks.py"


def task_groups(tree: ast.AST) -> set[str]:
    """Names bound by `async with asyncio.TaskGroup() as NAME`."""
    blocks = [one for node in ast.walk(tree) if isinstance(node, ast.AsyncWith) for one in node.items]
    groups = [one for one in blocks if ast.unparse(one.context_expr) == "asyncio.TaskGroup()"]
    return {one.optional_vars.id for one in groups if isinstance(one.optional_vars, ast.Name)}


def bare_tasks(code: str) -> list[str]:
    """Whatever starts a task, or is handed around to start one, and belongs to no TaskGroup."""
    if not any(name in code for name in STARTS_A_TASK):
        return []
    tree = ast.parse(code)
    groups = task_groups(tree)
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(names=names, lineno=line):
                bare = bool(STARTS_A_TASK & {one.name for one in names})
            case ast.Attribute(attr=name, value=owner, lineno=line):
                bare = name in STARTS_A_TASK and ast.unparse(owner) not in groups
            case _:
                continue
        if bare:
            found.append(f"line {line}: {ast.unparse(node)}")
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_every_task_is_started_by_the_helper_that_keeps_it(package: str) -> None:
    """Or by a TaskGroup: a task that nobody keeps can disappear, and its failure with it. Ruff sees functions of a
    module alone, and a loop's methods start tasks too."""
    for path in sorted((ROOT / package).rglob("*.py")):
        if path != TASK_HELPER:
            assert bare_tasks(path.read_text()) == [], path.relative_to(ROOT)


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("asyncio.create_task(work())", 1),
        ("asyncio.ensure_future(work())", 1),
        ("asyncio.get_running_loop().create_task(work())", 1),
        ("loop.create_task(work())", 1),
        ("self._loop.create_task(work())", 1),
        ("start = loop.create_task", 1),
        ("from asyncio import create_task", 1),
        ("async def f():\n    async with asyncio.TaskGroup() as group:\n        group.create_task(work())", 0),
        ("async def f():\n    async with pool() as group:\n        group.create_task(work())", 1),
        ("spawn(work(), 'work')", 0),
    ],
)
def test_a_bare_task_is_found_however_it_is_started(code: str, number: int) -> None:
    assert len(bare_tasks(code)) == number
