"""Which Skynet server a command talks to, and what it may know of us: an address, and a token only where it belongs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from gateway.client.discovery.endpoint import OPERATOR_TOKENS_FOLDER
from gateway.client.discovery.running_gateway import GATEWAY_FILE, RunningGateway, read_running
from gateway.console.client_options import ClientOptions
from gateway.dialect_commands.skynet_client import ConnectionBroken, end_of_connection, refused_handshake
from gateway.dialect_commands.skynet_endpoint import DEFAULT_SERVER, SkynetServer, find_server, server_url
from gateway.files.private_files import write_private
from gateway.protocol.errors import BadRequest, Conflict, Forbidden
from tests.support.gateways import OPERATOR, gateway_in_process

OURS = "ws://127.0.0.1:8123"


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://localhost:8000", "http://localhost:8000"),
        ("ws://localhost:8000/ws", "http://localhost:8000"),
        ("wss://chat.example/skynet/ws", "https://chat.example/skynet"),
        ("https://chat.example/", "https://chat.example"),
        ("localhost:8000", "http://localhost:8000"),
        ("ws://127.0.0.1:8000/t/secret/ws", "http://127.0.0.1:8000/t/secret"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_both_spellings_of_an_address_are_one(given: str, url: str) -> None:
    assert server_url(given) == url


@pytest.mark.parametrize("given", ["", "ftp://x", "http://", "http://x:99999", "ws://x/ws?token=1", "http://x#y"])
def test_what_is_no_address(given: str) -> None:
    with pytest.raises(BadRequest):
        server_url(given)


def test_a_token_in_an_address_is_not_shown() -> None:
    assert "secret" not in SkynetServer(server_url("ws://127.0.0.1:8000/t/secret/ws")).shown
    assert "secret" not in repr(SkynetServer("http://x", "secret"))


@dataclass(frozen=True)
class Home:
    """A gateway that runs, whose record names a Skynet listener."""

    options: ClientOptions
    token: str

    def find(self, server: str | None = None, speaker: str = "", **env: str) -> SkynetServer:
        return find_server(env, self.options, server, speaker)


@pytest.fixture
async def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Home]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "nothing"))
    state = tmp_path / "state"
    async with gateway_in_process(state):
        running = read_running(state)
        assert running is not None
        listening = msgspec.structs.replace(running, listeners={"skynet": OURS})
        write_private(state / GATEWAY_FILE, msgspec.json.encode(listening).decode())
        token = (state / OPERATOR_TOKENS_FOLDER / OPERATOR).read_text().strip()
        yield Home(ClientOptions(state=str(state)), token)


@pytest.mark.parametrize(
    ("speaker", "as_operator"), [("", True), (OPERATOR, True), ("gemini", False), ("claude_cli", False)]
)
async def test_our_own_listener_is_found_and_gets_the_operators_token_from_the_operator_alone(
    home: Home, speaker: str, as_operator: bool
) -> None:
    found = home.find(speaker=speaker)
    assert found.url == "http://127.0.0.1:8123"
    assert (found.token, found.operator) == ((home.token, OPERATOR) if as_operator else ("", ""))


@pytest.mark.parametrize("named", ["http://localhost:8123", "ws://127.0.0.1:8123/ws"])
async def test_a_named_address_that_is_ours_is_ours(home: Home, named: str) -> None:
    assert home.find(named).token == home.token


@pytest.mark.parametrize("named", ["http://127.0.0.1:8124", "http://skynet.example:8123"])
async def test_another_server_gets_no_token_of_the_state_folder(home: Home, named: str) -> None:
    assert home.find(named).token == ""


async def test_a_token_in_the_environment_goes_to_the_server_that_is_meant(home: Home) -> None:
    assert home.find(speaker="gemini", CSP_AUTH_TOKEN="mine").token == "mine"
    assert home.find("http://127.0.0.1:8124", CSP_AUTH_TOKEN="mine").token == "mine"


def test_without_a_gateway_it_is_the_address_of_skynets_own_server_which_gets_no_token(tmp_path: Path) -> None:
    found = find_server({"CSP_AUTH_TOKEN": "mine"}, ClientOptions(state=str(tmp_path)), None)
    assert (found.url, found.token) == (DEFAULT_SERVER, "")
    assert f"The gateway of {tmp_path} does not listen for Skynet" in found.remedy


async def test_a_gateway_without_a_listener_is_not_the_server(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state"):
        found = find_server({}, ClientOptions(state=str(tmp_path / "state")), None)
    assert (found.url, found.token) == (DEFAULT_SERVER, "")


def test_a_record_of_a_gateway_that_died_is_not_believed(tmp_path: Path) -> None:
    left = RunningGateway("http://127.0.0.1:1", 1, OPERATOR, listeners={"skynet": OURS})
    write_private(tmp_path / "state" / GATEWAY_FILE, msgspec.json.encode(left).decode())
    assert find_server({}, ClientOptions(state=str(tmp_path / "state")), None).url == DEFAULT_SERVER


def test_a_fingerprint_needs_a_certificate(tmp_path: Path) -> None:
    options = ClientOptions(state=str(tmp_path), fingerprint="ab" * 32)
    assert find_server({}, options, "wss://x").trust.fingerprint == "ab" * 32
    with pytest.raises(BadRequest, match="https"):
        find_server({}, options, "ws://x")


@pytest.mark.parametrize(
    ("status", "token", "code", "says"),
    [
        (401, "t", "unauthorized", "does not accept this token"),
        (401, "", "unauthorized", "CSP_AUTH_TOKEN"),
        (403, "", "forbidden", "403"),
        (404, "", "not_found", "no Skynet server"),
        (418, "", "error", "418"),
    ],
)
def test_why_a_handshake_was_refused(status: int, token: str, code: str, says: str) -> None:
    error = refused_handshake(status, SkynetServer("http://x", token))
    assert (error.body().code, says in error.message) == (code, True)


@pytest.mark.parametrize(
    ("code", "kind"),
    [(4000, Conflict), (1008, Forbidden), (1000, ConnectionBroken), (1001, ConnectionBroken), (None, ConnectionBroken)],
)
def test_after_which_end_a_client_comes_back(code: int | None, kind: type[Exception]) -> None:
    assert type(end_of_connection(code, SkynetServer("http://x"))) is kind
