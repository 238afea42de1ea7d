"""`groupchat agentchat identity`: the file that AgentChat reads, for its owner alone."""

from __future__ import annotations

import asyncio
import json
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from typer.testing import CliRunner

from gateway.cli import app
from gateway.runtime.listen_option import listen_at
from tests.fakes.agentchat_client import Identity, agent_at
from tests.support.gateways import gateway_in_process


@dataclass(frozen=True)
class Shell:
    file: Path

    def __call__(self, *words: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, ["agentchat", "identity", "--file", str(self.file), *words])
        return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "agentchat" / "identity.json")


def test_it_makes_a_file_for_its_owner_alone(shell: Shell) -> None:
    assert shell("--generate", "--name", "scout")[0] == 0
    assert stat.S_IMODE(shell.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(shell.file.parent.stat().st_mode) == 0o700
    assert json.loads(shell.file.read_text()).keys() == {"name", "pubkey", "privkey", "created"}


def test_showing_tells_the_name_and_the_id_and_no_key(shell: Shell) -> None:
    shell("-g", "-n", "scout")
    code, out, _ = shell("--show", "--json")
    shown = json.loads(out)
    assert (code, shown["name"], shown["agent_id"]) == (0, "scout", f"@{shown['fingerprint'][:8]}")
    assert shell() == shell("--show")
    assert "PRIVATE" not in shell()[1] + out


def test_an_export_holds_the_public_part_alone(shell: Shell) -> None:
    shell("-g")
    code, out, _ = shell("--export")
    kept = json.loads(shell.file.read_text())
    assert (code, json.loads(out)) == (0, {name: kept[name] for name in ("name", "pubkey", "created")})


def test_a_key_is_replaced_only_by_force(shell: Shell) -> None:
    shell("-g")
    before = shell.file.read_text()
    code, _, err = shell("-g")
    assert (code, shell.file.read_text()) == (1, before) and "--force" in err
    assert shell("-g", "--force")[0] == 0
    assert shell.file.read_text() != before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "--generate"),
        (b"{", "no identity of AgentChat"),
        (b"\xff", "no identity of AgentChat"),
        (b'{"name":"scout","pubkey":"nonsense"}', "not an Ed25519 public key"),
    ],
)
def test_a_file_that_is_no_identity_is_refused(shell: Shell, content: bytes | None, says: str) -> None:
    if content is not None:
        shell.file.parent.mkdir()
        shell.file.write_bytes(content)
    for words in ((), ("--export",)):
        code, out, err = shell(*words)
        assert (code, out) == (1, "") and says in err


@pytest.mark.parametrize(
    ("words", "code"), [(("-g", "-s"), 2), (("-s", "-e"), 2), (("-g", "-n", "two words"), 1), (("-g", "-n", ""), 1)]
)
def test_what_cannot_be_meant_writes_nothing(shell: Shell, words: tuple[str, ...], code: int) -> None:
    assert shell(*words)[0] == code
    assert not shell.file.exists()


async def test_a_server_knows_the_key_and_tells_its_own_name(shell: Shell, tmp_path: Path) -> None:
    """The id is the one that was shown; the private key proves it; `--name` is in the greeting."""
    await asyncio.to_thread(shell, "-g", "-n", "scout")
    shown = json.loads((await asyncio.to_thread(shell, "--json"))[1])
    kept = json.loads(shell.file.read_text())
    private = load_pem_private_key(kept["privkey"].encode(), None)
    assert isinstance(private, Ed25519PrivateKey)
    changes = {"listen": (listen_at("agentchat=0"),), "server_name": "our relay"}
    async with gateway_in_process(tmp_path / "state", **changes) as gateway:
        identity = Identity(private)
        async with agent_at(gateway.listeners["agentchat"], "scout", identity=identity) as agent:
            (welcome,) = agent.of("WELCOME")
            assert (agent.id, welcome["server"]) == (shown["agent_id"], "our relay")
            assert (await agent.prove(welcome))["agent_id"] == agent.id
