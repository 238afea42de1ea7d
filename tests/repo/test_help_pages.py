"""Every command of the three programs: its help page, the common options, and errors with --json.

The commands are read from the programs themselves, so that a new one is covered here or fails.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from controller.cli.main import AGENTS, CHAT, OPERATIONS, OTHER_SYSTEMS, ROOMS, TEAM, Forwarding
from controller.cli.verb_forwarding import FORWARDED
from gateway.client.known_agents import KNOWN_AGENTS
from gateway.command_line.help_page import first_sentence
from sidecar.agents import REGISTRY
from sidecar.cli import WITH_SKILLS
from tests.support.command_tree import APPS
from tests.support.commands import Groupchat

WIDTH = 80
COMMON = ["--gateway", "http://127.0.0.1:1", "--state", "x", "--cafile", "x", "--fingerprint", "x", "--json"]
MODULES = {"controller": "controller.cli.main", "gateway": "gateway.cli", "sidecar": "sidecar.cli"}
HEAVY = ("aiohttp", "prompt_toolkit", "mcp", "cryptography", "asyncio", "websockets", "rich", "pydantic", "structlog")


def walked(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every group and every verb."""
    if not isinstance(command, Forwarding):
        yield path, command
    for name, one in getattr(command, "commands", {}).items():
        yield from walked(one, (*path, name))


EVERY = {(program, *path): one for program, app in APPS.items() for path, one in walked(typer.main.get_command(app))}
VERBS = {path: one for path, one in EVERY.items() if not hasattr(one, "commands")}
every = pytest.mark.parametrize("path", EVERY, ids=" ".join)


@pytest.fixture(autouse=True, scope="module")
def eighty_columns() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("COLUMNS", str(WIDTH))
        yield


def said(path: tuple[str, ...], *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(APPS[path[0]], [*path[1:], *words], prog_name="groupchat")
    return done.exit_code, done.stdout, done.stderr


@every
def test_a_help_page_has_a_usage_an_example_and_no_long_line(path: tuple[str, ...]) -> None:
    code, page, err = said(path, "--help")
    assert (code, err) == (0, "")
    assert page.startswith("Usage: groupchat ")
    assert re.search(r"^Examples:\n  ", page, re.MULTILINE), page
    assert max(len(line) for line in page.splitlines()) <= WIDTH, page
    assert "--json" in page and "--help" in page


@every
def test_every_argument_and_option_is_explained(path: tuple[str, ...]) -> None:
    for param in EVERY[path].params:
        assert param.help and param.help.endswith((".", ")")), (path, param.name)


@pytest.mark.parametrize("program", APPS)
def test_every_verb_is_in_a_panel(program: str) -> None:
    _, page, _ = said((program,), "--help")
    panels = re.findall(r"╭─ (.+?) ─+╮", page)
    assert set(panels) <= {CHAT, TEAM, AGENTS, ROOMS, OPERATIONS, OTHER_SYSTEMS, "Options", "Common options"}
    command: Any = EVERY[(program,)]
    for name, one in command.commands.items():
        assert one.hidden or re.search(rf"^│ {name} +[A-Z]", page, re.MULTILINE), name


def test_groupchat_lists_the_verbs_of_the_other_programs() -> None:
    listed = {path[1]: one for path, one in EVERY.items() if len(path) == 2 and path[0] != "controller"}
    visible = {name: first_sentence(one.help) for name, one in listed.items() if not one.hidden}
    assert {name: one.summary for name, one in FORWARDED.items()} == visible


@every
def test_common_options_stand_before_or_after_the_verb(path: tuple[str, ...]) -> None:
    assert said(path, *COMMON, "--help")[0] == 0
    done = CliRunner().invoke(APPS[path[0]], [*COMMON, *path[1:], "--help"], prog_name="groupchat")
    assert done.exit_code == 0


@pytest.mark.parametrize("path", VERBS, ids=" ".join)
def test_wrong_usage_has_the_shape_of_all_errors(path: tuple[str, ...]) -> None:
    words = [] if path == ("controller", "send") else ["--no-such-option"]
    code, out, err = said(path, *words, "--json")
    assert (code, out) == (2, "")
    error = json.loads(err)["error"]
    assert (error["code"], error.keys()) == ("usage", {"code", "message"})


def test_for_people_wrong_usage_is_a_sentence_with_a_hint() -> None:
    code, out, err = said(("controller", "receipts"), "seven")
    assert (code, out) == (2, "")
    assert "Invalid value for MESSAGE: 'seven' is not a whole number." in err
    assert "Usage: groupchat receipts [OPTIONS] [MESSAGE]" in err and "`groupchat receipts --help`" in err


@pytest.mark.parametrize("program", APPS)
def test_the_version(program: str) -> None:
    code, out, _ = said((program,), "--version")
    assert code == 0 and re.fullmatch(r"groupchat \d+\.\d+\.\d+\n", out)


@pytest.mark.parametrize("program", APPS)
def test_help_loads_nothing_slow(program: str) -> None:
    """A time limit would depend on the machine; the imported modules do not."""
    paths = [list(path[1:]) for path in EVERY if path[0] == program]
    code = f"""
import contextlib, io, json, sys
import typer.main
from {MODULES[program]} import app
for path in {paths!r}:
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        typer.main.get_command(app).main([*path, "--help"], prog_name="x")
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_what_help_repeats_is_what_the_programs_know() -> None:
    assert tuple(REGISTRY) == tuple(KNOWN_AGENTS)
    assert tuple(name for name, one in REGISTRY.items() if one.skill) == WITH_SKILLS


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("groupchat jo", {"join"}),
        ("groupchat se", {"send", "search", "serve", "service", "session"}),
        ("groupchat rooms in", {"invite"}),
        ("groupchat token cr", {"create"}),
        ("groupchat serve --max-h", {"--max-hops"}),
        ("groupchat send --wai", {"--wait-reply"}),
    ],
)
def test_completion_knows_every_verb(line: str, wanted: set[str], tmp_path: Path) -> None:
    """Also the words below the verbs of the other programs, which complete them themselves."""
    asked = {"_GROUPCHAT_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    outcome = Groupchat(tmp_path / "state").with_env(**asked)()
    assert set(outcome.out.split()) == wanted, outcome


def test_typers_own_pages_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR and a pipe give the same page without colours."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in said(("controller",), "--help")[1]
    assert "TERM" not in os.environ or said(("controller",), "--help")[0] == 0
