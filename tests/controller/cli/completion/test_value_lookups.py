"""How values are looked up at the gateway that the line, or the environment, names."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from controller.cli.completion.expected_words import CompletedWord, WantedWord
from controller.cli.completion.value_lookups import LOOKUPS, PORTS, Asker, look_up

ANSWER = b'HTTP/1.0 200 OK\r\n\r\n{"rooms": [{"name": "lab", "topic": "the experiment"}]}'


@pytest.mark.parametrize(("folder", "named_port"), [("", True), ("/behind/a/proxy", True), ("/proxy", False)])
def test_the_whole_address_counts(
    folder: str, named_port: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of a gateway behind a proxy, and the usual port where none is named."""
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        server.settimeout(10)
        asked = pool.submit(_answer_once, server)
        port = server.getsockname()[1]
        monkeypatch.setitem(PORTS, "http", port)
        url = f"http://127.0.0.1{f':{port}' if named_port else ''}{folder}"
        env = {"HOME": str(tmp_path), "CSP_AUTH_TOKEN": "secret", "GROUPCHAT_TIMEOUT": "10"}
        found = look_up(WantedWord(kind="room", options={"gateway": url}), env)
        assert found == [CompletedWord("lab", "the experiment")]
        assert asked.result().startswith(f"GET {folder}/v1/rooms HTTP/1.0\r\n")


def _answer_once(server: socket.socket) -> str:
    taken, _ = server.accept()
    with taken:
        asked = taken.recv(1 << 16)
        taken.sendall(ANSWER)
    return asked.decode()


class KnownAnswers(Asker):
    """Answers without a gateway."""

    def get(self, path: str, name: str) -> list[dict[str, Any]]:
        return [{"member": "ada", "options": [{"key": "1", "text": "Yes"}]}, {"member": "ben"}]


@pytest.mark.parametrize("name", ["ada", "@ada", "@Ada"])
def test_the_options_of_a_question_are_found_however_its_agent_is_written(name: str) -> None:
    wanted = WantedWord(kind="ask option", given=(name,))
    assert list(LOOKUPS[wanted.kind](wanted, KnownAnswers({}, "", ""))) == [CompletedWord("1", "Yes")]


def test_the_kinds_of_agents_include_those_of_the_users_own_rules_files(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    for name in ("mine", "claude"):
        (tmp_path / "rules" / f"{name}.toml").touch()
    found = [one.word for one in look_up(WantedWord(kind="program"), {"GROUPCHAT_STATE": str(tmp_path)})]
    assert (found.count("claude"), found[-1]) == (1, "mine")
