"""An agent behind its real sidecar in a real terminal, in a room with a real gateway: somebody asks, others answer."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.client import Client
from gateway.protocol.events import AskEvent, Receipt
from gateway.protocol.requests.approval_requests import AnswerAsk
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.results import Accepted, Done, MemberList
from gateway.protocol.types.core_types import Ask, AskState
from tests.fakes.retry import retry_until
from tests.fakes.terminal import Terminal, terminal
from tests.support.gateways import GatewayProcess

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0  # a CLI that starts on a busy machine


@dataclass
class Scene:
    gateway: GatewayProcess
    person: Client
    pane: Terminal
    name: str
    seen: list[Ask] = field(default_factory=list)
    rungs: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    past: set[int] = field(default_factory=set)

    async def watch(self) -> None:
        async for event in self.person.events():
            if isinstance(event, AskEvent) and event.ask.number not in self.past:
                self.seen.append(event.ask)
            elif isinstance(event, Receipt):
                self.rungs.setdefault(event.message, []).extend((str(one.rung), one.reason) for one in event.steps)

    @property
    def open(self) -> list[Ask]:
        newest = {one.number: one for one in self.seen}
        return [one for one in newest.values() if one.state in (AskState.OPEN, AskState.ANSWERING)]

    def forget(self) -> None:
        """Ignore the questions so far."""
        self.past |= {one.number for one in self.seen}
        self.seen.clear()
        self.rungs.clear()

    async def say(self, text: str) -> int:
        return (await self.person.request(Send(content=text, to=f"@{self.name}"), Accepted)).seq

    async def activity(self) -> str:
        found = await self.person.request(Members(), MemberList)
        return next((str(one.activity) for one in found.agents if one.name == self.name), "")

    async def idle(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while await self.activity() != "idle":
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"not idle but {await self.activity()}\n{self.describe()}") from None

    async def ask(
        self, number: int = 1, state: AskState = AskState.OPEN, *, drawn: bool = True, whole: bool = False
    ) -> Ask:
        """The newest event of the n-th ask once it is in this state; an open one also once its dialog is `drawn`, and
        once that shows `whole` words and options."""

        def there() -> bool:
            found = self._newest(number, state)
            if found is None or state is not AskState.OPEN:
                return found is not None
            return bool(found.options or not drawn) and (found.readable or not whole)

        await retry_until(there, PATIENCE, describe=self.describe)
        found = self._newest(number, state)
        assert found is not None
        return found

    def _newest(self, number: int, state: AskState) -> Ask | None:
        numbers = list(dict.fromkeys(one.number for one in self.seen))
        if len(numbers) < number:
            return None
        last = [one for one in self.seen if one.number == numbers[number - 1]][-1]
        return last if last.state is state else None

    async def reaches(self, message: int, rung: str) -> str:
        """The reason of that rung."""

        def reasons() -> list[str]:
            return [reason for one, reason in self.rungs.get(message, ()) if one == rung]

        return (await retry_until(reasons, PATIENCE, describe=self.describe))[-1]

    async def answer(self, answer: str, digest: str | None = None, words: str = "") -> None:
        await self.person.request(AnswerAsk(member=self.name, answer=answer, digest=digest, words=words), Done)

    def describe(self) -> str:
        asks = f"{self.rungs}\n" + "\n".join(
            f"{one.number} {one.state} {one.by} {one.reason} {one.question}" for one in self.seen
        )
        return f"{asks}\n{self.pane.describe()}"


@contextlib.asynccontextmanager
async def asking(
    folder: Path, name: str, argv: Sequence[str], env: Mapping[str, str], *arguments: str
) -> AsyncIterator[Scene]:
    work = folder / "work"
    work.mkdir(exist_ok=True)
    gateway = GatewayProcess(folder / "state", *arguments)
    own = {**env, "GROUPCHAT_STATE": str(gateway.state), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"}
    join = (sys.executable, "-P", "-m", "sidecar.cli", "join", name, "--agent", name, "--", *argv)
    with gateway.running():
        async with terminal(join, own, cwd=work) as pane, Client(gateway.operator, Hello()) as person:
            scene = Scene(gateway, person, pane, name)
            watching = asyncio.get_running_loop().create_task(scene.watch(), name="watch asks")
            try:
                await scene.idle()
                yield scene
            finally:
                watching.cancel()
