"""A sealed room over TLS with two real agents on one machine and two people on others: they talk, one agent asks and a
person on another machine allows it, and the gateway has read nothing of it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.client import Client, Endpoint
from gateway.protocol.events import AskEvent, Message
from gateway.protocol.requests.approval_requests import AnswerAsk
from gateway.protocol.requests.member_requests import CreateToken, Members
from gateway.protocol.requests.message_requests import History, Send
from gateway.protocol.requests.room_requests import Join
from gateway.protocol.results import Done, MemberList, MessageList, TokenMade
from gateway.protocol.types.core_types import Activity, AskState, MemberKind
from tests.end_to_end.test_sealed_machines import Machines, machines
from tests.fakes.models.model import Model
from tests.fakes.models.script import Reply
from tests.fakes.outside import outside
from tests.fakes.retry import retry_until_awaited
from tests.fakes.terminal import Terminal, terminal
from tests.real_clis.homes import CLIS, Place
from tests.support.sealed_members import SealedMember, give_key

__all__ = ["machines"]
ROOT = Path(__file__).parents[2]
AGENTS = ("claude", "codex")
SECRET = "the-harbour-is-at-47-11"
PATIENCE_S = 120.0

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Seat:
    """An agent with a key of its own, its model and its terminal."""

    model: Model
    pane: Terminal


@contextlib.asynccontextmanager
async def seated(name: str, there: Machines, folder: Path) -> AsyncIterator[Seat]:
    cli, home, work = CLIS[name], folder / name / "home", folder / name / "work"
    if cli.missing:
        pytest.skip(cli.missing)
    for one in (home, work):
        one.mkdir(parents=True)
    give_key(folder / "state", name)
    async with Client(there.operator) as operator:
        made = await operator.request(CreateToken(name=name, kind=MemberKind.AGENT), TokenMade)
    reached = {
        "CSP_GATEWAY_URL": there.gateway.url,
        "CSP_AUTH_TOKEN": made.token,
        "GROUPCHAT_CAFILE": there.certificate.cert,
        "GROUPCHAT_STATE": str(folder / "state"),
        "PYTHONPATH": str(ROOT),
    }
    async with Model(cli.dialect()) as model, outside() as world:
        launch = cli.launch(Place(home, work, model.url), cli.program)
        join = (sys.executable, "-P", "-m", "sidecar.cli", "join", name, "--agent", name, "--", *launch.argv)
        async with terminal(join, {**launch.env, **world.env, **reached}, cwd=work) as pane:
            yield Seat(model, pane)


def _describe(seats: dict[str, Seat]) -> str:
    return "\n".join(seat.pane.describe() for seat in seats.values())


async def are_idle(endpoint: Endpoint) -> bool:
    async with Client(endpoint) as client:
        found = (await client.request(Members(), MemberList)).agents
    return {one.name for one in found if one.activity is Activity.IDLE} >= set(AGENTS)


async def answer_to(person: SealedMember, number: int) -> Message:
    found = await person.until(lambda one: isinstance(one, Message) and one.reply_to == number)
    assert isinstance(found, Message)
    return found


async def test_people_and_agents_work_where_the_gateway_reads_nothing(machines: Machines, tmp_path: Path) -> None:
    there, folder = machines, tmp_path / "agents"
    ada, bob = there.ada, there.bob
    async with contextlib.AsyncExitStack() as stack:
        seats = {name: await stack.enter_async_context(seated(name, there, folder)) for name in AGENTS}
        await retry_until_awaited(lambda: are_idle(there.operator), PATIENCE_S, describe=lambda: _describe(seats))
        await ada.client.create_sealed_room("vault")
        for name in (*AGENTS, "bob"):
            await ada.client.admit("vault", name)
        await bob.client.request(Join(room="vault"), Done)

        seats["claude"].model.script(Reply(f"claude has read {SECRET}"))
        asked = await ada.client.send(f"@claude where? {SECRET}", room="vault", wakes=("claude",))
        assert (await answer_to(ada, asked.seq)).content == f"claude has read {SECRET}"
        assert (await bob.said(f"claude has read {SECRET}")).check.was_sealed
        seats["codex"].model.script(Reply(f"codex writes to bob alone: {SECRET}"))
        direct = await bob.client.send_sealed(_to("codex", f"between us: {SECRET}"))
        assert (await answer_to(bob, direct.seq)).content == f"codex writes to bob alone: {SECRET}"

        seats["claude"].model.script(Reply(f"Let me {SECRET}.", tool=CLIS["claude"].tool), Reply(f"Done {SECRET}."))
        await ada.client.send(f"make it, {SECRET}", room="vault", wakes=("claude",))
        card = await bob.until(lambda one: isinstance(one, AskEvent) and one.ask.state is AskState.OPEN)
        assert card.ask.question and not card.ask.question.startswith("(sealed")
        await bob.client.request(AnswerAsk(member="claude", answer="allow", digest=card.ask.digest), Done)
        await ada.said(f"Done {SECRET}.")
        assert (folder / "claude" / "work" / "made").exists()

        assert all(one.is_sealed or one.kind == "system" for one in await _boxes(there, "vault"))
        assert there.places_with(SECRET) == set()


@dataclass(frozen=True)
class _Box:
    kind: str
    is_sealed: bool


async def _boxes(there: Machines, room: str) -> list[_Box]:
    """The messages of a room as the gateway has them."""
    async with Client(there.operator) as operator:
        page = await operator.request(History(room=room, limit=200), MessageList)
    return [_Box(one.kind, one.sealed is not None) for one in page.messages]


def _to(name: str, text: str) -> Send:
    return Send(content=text, to=(f"@{name}",))
