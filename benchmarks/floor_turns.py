"""Claim: with real CLIs, the next agent's prompt is submitted 0.7 s after the one before it has answered (p95)."""

from __future__ import annotations

import asyncio
import tempfile
import time
from datetime import datetime
from pathlib import Path

from benchmarks.figures import Outcome, Spread, Table, Verdict
from gateway.client import Client, Endpoint, read_token
from gateway.client.discovery.running_gateway import read_running
from gateway.protocol.events import Message, Receipt
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.mode_requests import SetMode
from gateway.protocol.results import ModeStanding
from gateway.protocol.types.core_types import MemberKind, MessageKind, Rung
from tests.fakes.models.script import Reply
from tests.real_clis.three import THREE, Three, three_in_a_session

ROUNDS = 20
HANDED_ON = 0.7
IDLE = 1.0
PATIENCE = 180.0
ANSWER = Reply("I have nothing to add, and give the word to the next.")


def measure(folder: Path, *, quick: bool) -> Outcome:
    """In a separate folder with a short name, because the paths of the agents' sockets must be short."""
    with tempfile.TemporaryDirectory(prefix="gc-turns-") as name:
        reached, handed = asyncio.run(_measured(Path(name), 4 if quick else ROUNDS))
    rows = (
        {"from": "a person's message accepted, to its submission to an idle agent", **reached.cells()},
        {"from": "an answer complete at its model, to the submission of the next agent's prompt", **handed.cells()},
    )
    note = f"{', '.join(THREE)} against loopback models, in turn; real terminals in tmux."
    return Outcome(
        "turns",
        (Table("Handing the turn on", rows, note),),
        (
            Verdict(
                "s from a complete answer to the next prompt submitted (p95)",
                handed.p95 / 1000,
                HANDED_ON,
                at_least=False,
            ),
        ),
    )


async def _measured(folder: Path, rounds: int) -> tuple[Spread, Spread]:
    async with three_in_a_session(folder) as three:
        for model in three.models.values():
            model.default = ANSWER
        up = three.session.groupchat("up", "--yes", "--detach", "--json", "--port", "0")
        assert up.code == 0, up
        running = read_running(three.session.state)
        assert running is not None
        token = read_token(three.session.state, running.operator, MemberKind.HUMAN)
        assert token is not None
        async with Client(Endpoint(running.url, token), Hello(echo=True)) as person:
            return await _reached(person, rounds), await _handed_on(person, three, rounds)


async def _reached(person: Client, rounds: int) -> Spread:
    """The baseline: the time to reach an idle agent."""
    found: list[float] = []
    events = person.events()
    for number in range(rounds * len(THREE) // 2):
        name = list(THREE)[number % len(THREE)]
        seq = (await person.send("Go on.", to=f"@{name}")).seq
        begun = time.time()
        async with asyncio.timeout(PATIENCE):
            async for event in events:
                if isinstance(event, Receipt) and event.message == seq:
                    found += [moment(one.at) - begun for one in event.steps if one.rung is Rung.SUBMITTED]
                    if any(one.rung is Rung.ANSWERED for one in event.steps):
                        break
        await asyncio.sleep(IDLE)
    return Spread.of(found)


async def _handed_on(person: Client, three: Three, rounds: int) -> Spread:
    before = {name: len(model.turns) for name, model in three.models.items()}
    wish = SetMode(mode="round-robin", topic="the order of words", rounds=rounds, agents=tuple(THREE))
    await person.request(wish, ModeStanding)
    prompts: list[int] = []
    submitted: dict[int, float] = {}
    async with asyncio.timeout(PATIENCE):
        async for event in person.events():
            if isinstance(event, Message) and event.kind is MessageKind.TASK:
                prompts.append(event.seq)
            elif isinstance(event, Message) and event.content == "ROUND-ROBIN complete.":
                break
            elif isinstance(event, Receipt):
                submitted |= _submitted(event)
    offset = time.time() - time.monotonic()
    turns = [turn for name, model in three.models.items() for turn in model.turns[before[name] :]]
    ends = sorted(turn.finished_at + offset for turn in turns if turn.finished_at is not None)
    assert len(ends) == len(prompts) == rounds * len(THREE), (len(ends), len(prompts))
    return Spread.of([submitted[prompt] - end for prompt, end in zip(prompts[1:], ends, strict=False)])


def _submitted(receipt: Receipt) -> dict[int, float]:
    found = [moment(step.at) for step in receipt.steps if step.rung is Rung.SUBMITTED]
    return dict.fromkeys([receipt.message], found[-1]) if found else {}


def moment(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
