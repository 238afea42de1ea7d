"""Further listeners of a gateway: on which addresses they may be, and which error says that one cannot open."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from gateway.client.discovery.running_gateway import GATEWAY_FILE
from gateway.protocol.errors import BadRequest, Unavailable
from gateway.runtime.listen_option import Listen, listen_at
from tests.fakes.ai_connect_client import socket_at
from tests.support.gateways import DidNotStart, GatewayProcess, config_for, gateway_in_process


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("ai-connect=9999", "127.0.0.1", 9999),
        ("ai-connect=127.0.0.1:9999", "127.0.0.1", 9999),
        ("ai-connect=localhost:0", "localhost", 0),
        ("ai-connect=[::1]:9999", "::1", 9999),
        ("ai-connect=0.0.0.0:9999", "0.0.0.0", 9999),
    ],
)
def test_a_place_to_listen(text: str, host: str, port: int) -> None:
    assert listen_at(text) == Listen("ai-connect", host, port)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("ai-conect=9999", "Did you mean ai-connect?"),
        ("irc=6667", "is not a dialect. There is: agentchat, ai-connect"),
        ("9999", "is not a dialect"),
        ("ai-connect", "Use ai-connect=HOST:PORT or ai-connect=PORT"),
        ("ai-connect=host", "Use ai-connect=HOST:PORT or ai-connect=PORT"),
        ("ai-connect=:9999", "Use ai-connect=HOST:PORT or ai-connect=PORT"),
        ("ai-connect=127.0.0.1:65536", "Use ai-connect=HOST:PORT or ai-connect=PORT"),
        ("ai-connect=127.0.0.1:-1", "Use ai-connect=HOST:PORT or ai-connect=PORT"),
    ],
)
def test_what_is_no_place_to_listen(text: str, complaint: str) -> None:
    with pytest.raises(BadRequest, match=complaint):
        listen_at(text)


def test_the_same_dialect_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="twice"):
        config_for(tmp_path, listen=(listen_at("ai-connect=1"), listen_at("ai-connect=2")))


def test_another_address_than_loopback_must_be_said_plainly(tmp_path: Path) -> None:
    outside = (listen_at("ai-connect=0.0.0.0:0"),)
    with pytest.raises(BadRequest, match=r"On 0\.0\.0\.0, tokens would be sent over the network unencrypted"):
        config_for(tmp_path, listen=outside)
    assert config_for(tmp_path, listen=outside, insecure=True).listen == outside


async def test_without_the_option_there_is_no_further_listener(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state") as gateway:
        assert gateway.listeners == {}


async def test_a_listener_opens_is_announced_and_ends_with_the_server(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state", "--listen", "ai-connect=0")
    with process.running():
        url = process.listeners["ai-connect"]
        assert json.loads((process.state / GATEWAY_FILE).read_text())["listeners"] == {"ai-connect": url}
        async with socket_at(url) as stranger, socket_at(url) as peer:
            await peer.register("Aragon")
            assert process.stop() == 0
            await stranger.ended.wait()
            await peer.ended.wait()
            assert peer.socket.close_code == 1012
    with pytest.raises(OSError):
        async with socket_at(url):
            pass


async def test_a_taken_port_is_a_clear_sentence_and_nothing_stays_open(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"ai-connect=127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(Unavailable, match=r"Cannot listen for ai-connect on 127\.0\.0\.1:\d+: .*in use"):
            async with gateway_in_process(tmp_path / "one", listen=(listen_at(place),)):
                pass
        with pytest.raises(DidNotStart) as failed:
            GatewayProcess(tmp_path / "two", "--listen", place).start()
        assert failed.value.code == 1
        assert "Cannot listen for ai-connect" in failed.value.log


def test_a_wrong_option_is_a_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(DidNotStart) as failed:
        GatewayProcess(tmp_path / "state", "--listen", "ai-conect=1").start()
    assert "Did you mean ai-connect?" in failed.value.log
    assert "Traceback" not in failed.value.log
