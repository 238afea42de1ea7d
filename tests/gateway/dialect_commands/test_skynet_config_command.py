"""`groupchat skynet config`: what a file sets, and what is wrong in it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app

CLIENT = """
server:
  ws_url: "ws://localhost:8000/ws"
  http_url: "http://localhost:8000"
agent:
  default_type: "coder"
  default_priority: 7
  default_channels: ["default", "core"]
default_channel: "core"
encryption: {enabled: false, key_file: ".skynet_linker.key"}
auth: {enabled: true, token_file: ".skynet_tokens.json"}
display: {rich_output: true, show_timestamps: true, truncate_content: 100}
logging: {level: INFO, file: logs/cli.log, console: true}
"""
SERVER = "server: {host: 127.0.0.1, port: 8001}\nsecurity: {auth_enabled: true}\nheartbeat: {interval: 10}\n"


def shown(*words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["skynet", "config", *words])
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "config.yaml"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            CLIENT,
            {
                "kind": "client",
                "server": "http://localhost:8000",
                "default_channel": "core",
                "agent_type": "coder",
                "priority": 7,
                "channels": ["default", "core"],
                "encryption": False,
                "tokens": True,
            },
        ),
        (SERVER, {"kind": "server", "port": 8001, "token_required": True, "heartbeat": 10}),
        ("", {"kind": "server", "host": "127.0.0.1", "port": 8000, "token_required": False}),
        ("default_channel: a", {"kind": "client", "server": None}),
        ("server: {url: http://x}", {"kind": "client", "server": "http://x"}),
    ],
)
def test_a_file_is_shown_as_what_it_is(file: Path, text: str, expected: dict[str, object]) -> None:
    file.write_text(text)
    code, out, _ = shown("--file", str(file), "--json")
    assert (code, json.loads(out) | expected) == (0, json.loads(out))
    assert shown("-f", str(file))[1].startswith(f"{file} is a valid configuration of a {expected['kind']}.")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("agent: {default_typo: coder}", "Known are default_type, default_priority, default_channels."),
        ("display: {}\nsurprise: 1", "surprise"),
        ("server: {prot: 8000}", "prot"),
        ("encryption: {enabled: true}", "no key"),
        ("a: [", "YAML"),
        ("- 1", "sections"),
        ("x" * 70_000, "larger"),
        ("agent: 7", "agent"),
    ],
)
def test_what_is_wrong_in_a_file_is_said(file: Path, text: str, says: str) -> None:
    file.write_text(text)
    code, out, err = shown("--file", str(file))
    assert (code, out, says in err, str(file) in err) == (1, "", True, True), err


def test_a_file_is_read_once(file: Path) -> None:
    """So that it may be a pipe: `--file <(generate)`."""
    end, pipe = os.pipe()
    try:
        os.write(pipe, SERVER.encode())
        os.close(pipe)
        code, out, err = shown("--file", f"/dev/fd/{end}", "--json")
    finally:
        os.close(end)
    assert (code, err) == (0, "")
    assert json.loads(out)["port"] == 8001


def test_the_file_of_this_folder_is_found_where_skynet_has_it(file: Path) -> None:
    assert "--file" in shown()[2]
    (file.parent / "cli").mkdir()
    (file.parent / "cli" / "config.yaml").write_text(CLIENT)
    assert shown()[1].startswith("cli/config.yaml is a valid configuration of a client.")
    file.write_text(SERVER)
    assert shown()[1].startswith("config.yaml is a valid configuration of a server.")
    assert "cannot be read" in shown("--file", "nowhere.yaml")[2]
