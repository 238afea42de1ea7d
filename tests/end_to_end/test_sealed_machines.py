"""Two machines and a gateway on a third, over TLS: what is sealed is read at both ends, and nowhere at the gateway: not
in its database, logs, metrics or memory. What is not sealed is found there, so the search can find."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.client import Client, Endpoint, TlsTrust
from gateway.encryption.member_client.checked_messages import MessageProof
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.requests.message_requests import History, Search, Send
from gateway.protocol.requests.room_requests import Join, Kick
from gateway.protocol.results import Done, MessageList, TokenMade
from gateway.protocol.types.core_types import MemberKind, Part, Scope
from tests.support.certificates import Certificate, self_signed
from tests.support.gateways import GatewayProcess
from tests.support.sealed_members import SealedMember, connected, give_key

SECRET, OPEN = "marker-6f1d-sealed", "marker-6f1d-open"
_WRITABLE = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) rw")
CHUNK_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Machines:
    """ada and bob, each on a machine of their own, and a gateway that both reach over TLS."""

    gateway: GatewayProcess
    certificate: Certificate
    ada: SealedMember
    bob: SealedMember

    @property
    def operator(self) -> Endpoint:
        token = self.gateway.operator.token
        return Endpoint(self.gateway.url, token, TlsTrust(cafile=self.certificate.cert))

    def places_with(self, marker: str) -> set[str]:
        """Where at the gateway a text is found."""
        needle = marker.encode()
        found = {
            "database" if path.suffix != ".log" else "log"
            for path in self.gateway.state.rglob("*")
            if path.is_file() and needle in path.read_bytes()
        }
        if needle in self.gateway.log.encode():
            found.add("log")
        if needle in self._metrics():
            found.add("metrics")
        return found | ({"memory"} if _is_in_memory(self.gateway.pid, needle) else set())

    def _metrics(self) -> bytes:
        token = self.gateway.operator.token
        request = urllib.request.Request(f"{self.gateway.url}/metrics", headers={"Authorization": f"Bearer {token}"})
        context = TlsTrust(cafile=self.certificate.cert).context()
        with urllib.request.urlopen(request, timeout=60, context=context) as answer:
            return bytes(answer.read())


def _is_in_memory(pid: int, needle: bytes) -> bool:
    """Whether the writable memory of a process holds these bytes."""
    try:
        memory = open(f"/proc/{pid}/mem", "rb", buffering=0)  # noqa: SIM115
    except PermissionError:
        pytest.skip("only root can read the memory of a process that dumps no core")
    with memory:
        regions = [_WRITABLE.match(line) for line in Path(f"/proc/{pid}/maps").read_text().splitlines()]
        return any(_region_holds(memory, int(one[1], 16), int(one[2], 16), needle) for one in regions if one)


def _region_holds(memory, begin: int, end: int, needle: bytes) -> bool:  # type: ignore[no-untyped-def]
    tail = b""
    for at in range(begin, end, CHUNK_BYTES):
        memory.seek(at)
        try:
            chunk = memory.read(min(CHUNK_BYTES, end - at))
        except OSError:
            return False
        if needle in tail + chunk:
            return True
        tail = chunk[-len(needle) :]
    return False


@pytest.fixture
async def machines(tmp_path: Path) -> AsyncIterator[Machines]:
    certificate = self_signed(tmp_path)
    trust = TlsTrust(cafile=certificate.cert)
    process = GatewayProcess(
        tmp_path / "gateway", "--cert", certificate.cert, "--key", certificate.key, "--log-level", "debug"
    )
    async with AsyncExitStack() as stack:
        gateway = stack.enter_context(process.running())
        async with Client(Endpoint(gateway.url, gateway.operator.token, trust)) as operator:
            tokens = {
                name: await operator.request(
                    CreateToken(name=name, kind=MemberKind.HUMAN, scopes=(Scope.APPROVER,)), TokenMade
                )
                for name in ("ada", "bob")
            }
        people = []
        for name, made in tokens.items():
            state = tmp_path / name
            give_key(state, name)
            endpoint = Endpoint(gateway.url, made.token, trust)
            people.append(await stack.enter_async_context(connected(endpoint, state, name)))
        yield Machines(gateway, certificate, *people)


async def test_the_gateway_holds_nothing_of_what_is_sealed(machines: Machines) -> None:
    ada, bob = machines.ada, machines.bob
    direct = await ada.client.send_sealed(Send(content=f"direct {SECRET}", to=("@bob",)))
    assert (await bob.message(direct.seq)).content == f"direct {SECRET}"
    await ada.client.create_sealed_room("vault")
    await ada.client.admit("vault", "bob")
    await bob.client.request(Join(room="vault"), Done)
    for writer, reader in ((ada, bob), (bob, ada)):
        quoted = Part("quote", text=f"a part with {SECRET}")
        sent = await writer.client.send(
            f"room {SECRET}", room="vault", parts=(quoted,), context={"file": f"{SECRET}.py"}
        )
        message = await reader.message(sent.seq)
        assert (message.content, message.parts, message.check.proof) == (
            f"room {SECRET}",
            (quoted,),
            MessageProof.SIGNED,
        )
    found = await bob.client.request(Search(query=SECRET.replace("-", " "), room="vault"), MessageList)
    assert found.messages == ()
    await ada.client.send(f"everybody may read {OPEN}")
    assert machines.places_with(OPEN) >= {"database", "memory"}
    assert machines.places_with(SECRET) == set()


async def test_who_was_put_out_and_whoever_has_the_database_cannot_read_what_follows(machines: Machines) -> None:
    ada, bob = machines.ada, machines.bob
    await ada.client.create_sealed_room("vault")
    await ada.client.admit("vault", "bob")
    await bob.client.request(Join(room="vault"), Done)
    before = await ada.client.send("before", room="vault")
    assert (await bob.message(before.seq)).content == "before"
    await ada.client.request(Kick(room="vault", member="bob"), Done)
    after = await ada.client.send(f"after {SECRET}", room="vault")
    kept = bob.client._session
    assert kept is not None
    keyring = kept.rooms.keyring("vault")
    async with Client(machines.operator) as operator:  # an administrator reads every room: the boxes
        page = await operator.request(History(room="vault"), MessageList)
    box = next(one for one in page.messages if one.seq == after.seq)
    opened = await kept.incoming.page((box,), is_whole=False)
    assert opened[0].content != f"after {SECRET}"
    assert "no key of version" in opened[0].content
    assert max(keyring.keys()) < box.sealed.room_key  # type: ignore[union-attr]
