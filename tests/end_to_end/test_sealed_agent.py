"""A sealed room and a sealed direct message with a real gateway, a real sidecar in a PTY, and the demo agent: nothing
that was said is readable at the gateway, and it cannot approve by itself."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from gateway.client import Client, find_endpoint
from gateway.protocol.errors import Forbidden
from gateway.protocol.events import AskEvent, Message, Receipt
from gateway.protocol.requests.approval_requests import AnswerAsk
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import AskState, Rung, Signed
from sidecar.run_files.kept_answers_file import KEPT_ANSWERS_FILE
from tests.end_to_end.test_sidecar_join import PATIENCE_S, environment, gateway, is_idle, person, port, sidecar
from tests.support import warm
from tests.support.sealed_members import SealedMember, connected, give_key, replace_key

__all__ = ["port"]
SECRET = "swordfish-4711"
pytestmark = pytest.mark.processes


@dataclass
class Lab:
    """The state folder of the chat and the agent, and a person with a key on another machine."""

    state: Path
    boss: SealedMember
    port: int
    gateway: warm.Fork
    gateways: contextlib.ExitStack

    def kill_gateway(self) -> None:
        self.gateway.send_signal(signal.SIGKILL)
        self.gateway.wait(PATIENCE_S)

    def start_gateway(self) -> None:
        self.gateway = self.gateways.enter_context(gateway(self.state, self.port))

    def readable_files(self) -> list[str]:
        """The files of this machine in which the secret can be read, beside the conversation that the agent itself
        keeps as it keeps every other, and the agent's own file of answers that wait for a key."""
        return sorted(path.name for path in self.state.parent.rglob("*") if _holds_secret(path) and not _is_own(path))

    async def answer_to(self, number: int) -> Message:
        found = await self.boss.until(lambda one: isinstance(one, Message) and one.reply_to == number)
        assert isinstance(found, Message)
        return found

    async def ask(self, wanted: Callable[[AskEvent], bool]) -> AskEvent:
        found = await self.boss.until(lambda one: isinstance(one, AskEvent) and wanted(one))
        assert isinstance(found, AskEvent)
        return found

    async def receipt(self, number: int, rung: Rung) -> Receipt:
        def is_it(one: Any) -> bool:
            return isinstance(one, Receipt) and one.message == number and any(s.rung is rung for s in one.steps)

        found = await self.boss.until(is_it)
        assert isinstance(found, Receipt)
        return found


def _holds_secret(path: Path) -> bool:
    """A file that is being replaced is gone at once."""
    with contextlib.suppress(OSError):
        return path.is_file() and SECRET.encode() in path.read_bytes()
    return False


def _is_own(path: Path) -> bool:
    return path.parent.name == "demo" and (path.match("demo-*.jsonl") or path.name == KEPT_ANSWERS_FILE)


@contextlib.asynccontextmanager
async def lab(folder: Path, free: int) -> AsyncIterator[Lab]:
    state = folder / "chat" / "state"
    state.parent.mkdir()
    give_key(state, "demo")
    with contextlib.ExitStack() as gateways:
        first = gateways.enter_context(gateway(state, free))
        async with person(state) as client:
            name = client.welcome.you.name
        give_key(folder / "boss", name)
        endpoint = find_endpoint(environment(state))
        with sidecar(state):
            async with connected(endpoint, folder / "boss", name, Hello()) as boss:
                await is_idle(boss.client)
                yield Lab(state, boss, free, first, gateways)


async def test_a_sealed_room_and_a_sealed_direct_message_are_answered_and_read_by_nobody_else(
    tmp_path: Path, port: int
) -> None:
    async with lab(tmp_path, port) as here:
        boss = here.boss.client
        await boss.create_sealed_room("vault")
        await boss.admit("vault", "demo")
        first = await boss.send(f"@demo say {SECRET}", room="vault")
        answer = await here.answer_to(first.seq)
        assert (SECRET in answer.content, answer.room) == (True, "vault")
        assert answer.sealed is not None
        second = await boss.send_sealed(Send(content=f"say {SECRET} again", to=("@demo",)))
        answer = await here.answer_to(second.seq)
        assert SECRET in answer.content
        assert (answer.sealed is not None, answer.recipients) == (True, (here.boss.name,))
        assert here.readable_files() == []


async def test_an_answer_for_a_key_that_has_changed_stays_with_its_sidecar(tmp_path: Path, port: int) -> None:
    async with lab(tmp_path, port) as here:
        sent = await here.boss.client.send_sealed(Send(content=f"slow 4 say {SECRET}", to=("@demo",)))
        await here.receipt(sent.seq, Rung.ACCEPTED)
        replace_key(here.boss.state, here.boss.name)
        async with connected(here.boss.client.endpoint, here.boss.state, here.boss.name, Hello()):
            failed = await here.receipt(sent.seq, Rung.FAILED)
            assert f"The key of {here.boss.name} has changed" in failed.steps[-1].reason
        assert here.readable_files() == []


async def test_a_question_in_a_sealed_room_is_sealed_and_only_a_signed_answer_counts(tmp_path: Path, port: int) -> None:
    async with lab(tmp_path, port) as here:
        boss = here.boss.client
        await boss.create_sealed_room("vault")
        await boss.admit("vault", "demo")
        sent = await boss.send(f"@demo ask say {SECRET}", room="vault")
        asked = await here.ask(lambda one: one.ask.state is AskState.OPEN)
        assert asked.ask.sealed is not None
        assert asked.ask.options[0].text, "opened on the person's machine"
        forged = Signed("Zm9yZ2Vk", "A" * 86 + "==", f"groupchat {here.boss.name} 1")
        async with Client(boss.endpoint, Hello()) as lying:
            wanted = AnswerAsk(member="demo", answer="allow", digest=asked.ask.digest)
            with pytest.raises(Forbidden, match="is sealed"):
                await lying.request(wanted, Done)
            await lying.request(structs.replace(wanted, signed=forged), Done)
        again = await here.ask(lambda one: "nothing was pressed" in one.ask.reason)
        assert again.ask.state is AskState.OPEN
        await boss.request(AnswerAsk(member="demo", answer="allow", digest=again.ask.digest), Done)
        answer = await here.answer_to(sent.seq)
        assert SECRET in answer.content
        assert here.readable_files() == []
