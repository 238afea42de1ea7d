"""The configuration file of Skynet Linker: what it sets, and what is refused with which sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.access.rate_limit import Rate
from gateway.dialects.skynet.config_file import parse_sections, read_config_file, settings_from_sections
from gateway.dialects.skynet.settings import SkynetSettings
from gateway.protocol.errors import BadRequest
from gateway.runtime.listen_option import Listen, listen_at
from gateway.server.config_options import config_from


def settings_from(text: bytes) -> SkynetSettings:
    return settings_from_sections(parse_sections(text))


FILES: list[tuple[str, dict[str, Any]]] = [
    ("", {}),
    ("# only a comment\n", {}),
    ("server:\n  host: 0.0.0.0\n  port: 9000\n", {"host": "0.0.0.0", "port": 9000}),
    ("server:\n", {}),
    ("encryption:\n  enabled: false\n  mode: symmetric\n  secret_key_path: .skynet_linker.key\n", {}),
    ("security:\n  auth_enabled: true\n", {"token_required": True}),
    ("auth: {enabled: true}\n", {"token_required": True}),
    ("heartbeat: {interval: 5}\n", {"heartbeat_s": 5.0}),
    ("limits: {max_message_bytes: 4096}\n", {"max_message_bytes": 4096}),
    ("limits: {messages_per_second: 2, burst: 10}\n", {"rate": Rate(10, 2)}),
    ("limits: {messages_per_second: 0.5}\n", {"rate": Rate(1, 0.5)}),
]


@pytest.mark.parametrize(("text", "expected"), FILES)
def test_a_file_sets_what_it_names(text: str, expected: dict[str, Any]) -> None:
    found = settings_from(text.encode())
    if "rate" not in expected:
        expected = {**expected, "rate": found.rate}
        assert found.rate.per_second == 0, "no limit of its own"
    assert found == SkynetSettings(**expected)


def test_without_a_file_a_heartbeat_comes_every_30_seconds() -> None:
    """As with the original."""
    assert SkynetSettings().heartbeat_s == read_config_file(None).heartbeat_s == settings_from(b"").heartbeat_s == 30


REFUSED = {
    "encryption: {enabled: true}": "has no key",
    "redis: {url: 'redis://localhost:6379/0'}": "--store",
    "connectors: {claude: {}}": "groupchat add",
    "logging: {level: INFO}": "--log-level",
    "servers: {port: 1}": "Unknown key `servers`. Known are server, encryption, security, auth,",
    "server: {prot: 1}": "Unknown key `prot` - at `server`. Known are host, port.",
    "server: {port: many}": "server.port",
    "server: {port: 70000}": "server.port",
    "server: 5": "server",
    "auth: {enabled: true, token_file: x}": "token_file",
    "heartbeat: {interval: 0}": "heartbeat.interval",
    "limits: {burst: 0}": "limits.burst",
    "limits: {max_message_bytes: 99999999}": "limits.max_message_bytes",
    "[1, 2]": "sections",
    "just text": "sections",
    "a: b: c": "not valid YAML: line 1",
    "a: [1": "not valid YAML",
    "a: !!python/object/apply:os.system ['true']": "not valid YAML",
    "1: {a: b}": "sections",
}


@pytest.mark.parametrize(("text", "sentence"), REFUSED.items())
def test_what_cannot_be_honoured_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(BadRequest) as refused:
        settings_from(text.encode())
    assert sentence in refused.value.message


def test_bytes_that_are_no_text_and_large_files_are_refused() -> None:
    for text in (b"\xff\xfe\x00", b"\x00", b"a: " + b"x" * 70_000):
        with pytest.raises(BadRequest):
            settings_from(text)


def test_a_file_that_is_missing_or_wrong_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=r"nothing\.yaml cannot be read"):
        read_config_file(tmp_path / "nothing.yaml")
    file = tmp_path / "config.yaml"
    file.write_text("encryption: {enabled: true}")
    with pytest.raises(BadRequest, match=r"config\.yaml: `encryption` cannot be enabled"):
        read_config_file(file)


def test_the_file_names_the_address_unless_listen_does(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("server: {port: 9000}")
    given: dict[str, Any] = {"skynet_config": file}
    assert config_from(tmp_path, given, {}, "me").listen == (Listen("skynet", "127.0.0.1", 9000),)
    given["listen"] = ["skynet=7777", "mcp=1"]
    assert config_from(tmp_path, given, {}, "me").listen == (listen_at("skynet=7777"), listen_at("mcp=1"))


def test_an_address_of_the_file_beyond_this_machine_needs_tls(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("server: {host: 0.0.0.0, port: 9000}")
    with pytest.raises(BadRequest, match="--cert"):
        config_from(tmp_path, {"skynet_config": file}, {}, "me")


def test_a_wrong_file_ends_the_start_even_if_listen_names_the_address(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("nonsense: 1")
    with pytest.raises(BadRequest, match="nonsense"):
        config_from(tmp_path, {"skynet_config": file, "listen": ["skynet=7777"]}, {}, "me")
