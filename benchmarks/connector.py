"""Claim: the first piece of a model's answer is seen in the room within 50 ms of the model's first byte, with each
vendor's SDK."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Cell, Outcome, Spread, Table, Verdict
from benchmarks.members import enroll
from benchmarks.processes import Server, clean_environment, gateway
from gateway.client import Client, Endpoint
from gateway.protocol.events import Message, PartialText
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.results import MemberList
from gateway.protocol.types.core_types import MemberKind
from tests.fakes.models.model import Model
from tests.fakes.models.script import Dialect, Reply
from tests.fakes.models.without_tools import AnthropicWithoutTools, ChatWithoutTools, GeminiWithoutTools

ROUNDS = 200
QUICK_ROUNDS = 20
ANSWER = " ".join(f"word-{number}" for number in range(40))
ANSWER_S = 0.2
FIRST_PIECE_CLAIM_MS = 50.0


@dataclass(frozen=True)
class Vendor:
    name: str
    dialect: Callable[[], Dialect]
    path: str
    key_variable: str


VENDORS = (
    Vendor("anthropic", AnthropicWithoutTools, "", "ANTHROPIC_API_KEY"),
    Vendor("openai", ChatWithoutTools, "/v1", "OPENAI_API_KEY"),
    Vendor("gemini", GeminiWithoutTools, "", "GEMINI_API_KEY"),
)


@dataclass(frozen=True)
class Timed:
    """Seconds from the model's first byte to the first piece in the room, and from its last byte to the reply there."""

    first: list[float]
    whole: list[float]


def measure(folder: Path, *, quick: bool) -> Outcome:
    rounds = QUICK_ROUNDS if quick else ROUNDS
    found = {one: _of_vendor(folder / one.name, one, rounds) for one in VENDORS}
    firsts: tuple[dict[str, Cell], ...] = tuple(
        {"vendor": one.name, **Spread.of(timed.first).cells()} for one, timed in found.items()
    )
    wholes: tuple[dict[str, Cell], ...] = tuple(
        {"vendor": one.name, **Spread.of(timed.whole).cells()} for one, timed in found.items()
    )
    worst = max(Spread.of(timed.first).p95 for timed in found.values())
    return Outcome(
        "connector",
        (
            Table("From the model's first byte to the first piece in the room", firsts),
            Table("From the model's last byte to the reply in the room", wholes),
        ),
        (Verdict("ms from the model's first byte to the room (p95)", worst, FIRST_PIECE_CLAIM_MS, at_least=False),),
    )


def _of_vendor(state: Path, vendor: Vendor, rounds: int) -> Timed:
    (alice,) = asyncio.run(enroll(state, ["alice"], MemberKind.HUMAN))
    (ada,) = asyncio.run(enroll(state, ["ada"], MemberKind.AGENT))
    with gateway(state) as server:
        return asyncio.run(_measured(state / "connector", server, vendor, (alice, ada), rounds))


async def _measured(folder: Path, server: Server, vendor: Vendor, tokens: tuple[str, str], rounds: int) -> Timed:
    alice, ada = tokens
    async with Model(vendor.dialect(), default=Reply(ANSWER, seconds=ANSWER_S)) as model:
        with _connected(folder, server, vendor, model, ada):
            async with Client(Endpoint(server.url, alice), Hello()) as client:
                await _is_ready(client)
                timed = Timed([], [])
                for number in range(rounds):
                    await _ask(client, model, timed, f"question {number}")
                return timed


@contextlib.contextmanager
def _connected(folder: Path, server: Server, vendor: Vendor, model: Model, token: str) -> Iterator[None]:
    own = {"CSP_GATEWAY_URL": server.url, "CSP_AUTH_TOKEN": token, "GROUPCHAT_STATE": str(folder)}
    words = ("connect", "ada", "--to", vendor.name, "--base-url", model.url + vendor.path, "--model", "fake")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "sidecar.cli", *words],
        env={**clean_environment(), **own, vendor.key_variable: "no-key"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


async def _is_ready(client: Client) -> None:
    async with asyncio.timeout(60):
        while not any(
            one.name == "ada" and one.activity == "idle" for one in (await client.request(Members(), MemberList)).agents
        ):
            await asyncio.sleep(0.1)


async def _ask(client: Client, model: Model, timed: Timed, text: str) -> None:
    now = asyncio.get_running_loop().time
    sent = await client.send(text, to="@ada")
    first = None
    async for event in client.events():
        if isinstance(event, PartialText) and first is None:
            first = now()
        elif isinstance(event, Message) and event.reply_to == sent.seq:
            break
    seen = model.seen[-1]
    assert first is not None and seen.began_at is not None and seen.wrote_last_at is not None
    timed.first.append(first - seen.began_at)
    timed.whole.append(now() - seen.wrote_last_at)
