"""Claim: two agents that answer every message with a mention of each other are stopped within the limit, every time,
and no accepted message is lost; after `continue` they go on, and stop again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figures import Cell, Outcome, Table, Verdict
from benchmarks.members import enroll
from benchmarks.processes import guarded_gateway
from gateway.client import Client, Endpoint
from gateway.protocol.events import Control, ControlAction, Message
from gateway.protocol.requests.agent_requests import Continue
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import History, Show
from gateway.protocol.requests.room_requests import CreateRoom, Join
from gateway.protocol.results import Accepted, Continued, Done, MessageDetail, MessageList
from gateway.protocol.types.core_types import MemberKind, MessageKind
from gateway.protocol.types.loop_limits import Limits

RUNS = 100
QUIET = 0.4  # seconds without a message, after which they have stopped
PATIENCE = 20.0
PERSON = "operator"

Answer = Callable[[str, Message], dict[str, Any]]


def _as_reply(other: str, message: Message) -> dict[str, Any]:
    return {"content": f"@{other} {_words(message)}", "kind": MessageKind.REPLY, "reply_to": message.seq}


def _as_chat(other: str, message: Message) -> dict[str, Any]:
    """Acts like a client that does not send `reply_to`."""
    return {"content": f"@{other} {_words(message)}"}


def _the_same(other: str, message: Message) -> dict[str, Any]:
    """Only a counter in the text changes."""
    return {
        "content": f"@{other} I am still here, and I have nothing new to say about it ({message.seq}).",
        "reply_to": message.seq,
    }


def _thanks(other: str, message: Message) -> dict[str, Any]:
    return {"content": f"@{other} Thank you so much!", "reply_to": message.seq}


def _words(message: Message) -> str:
    return " ".join(f"{chr(97 + message.seq % 26)}{one}" for one in str(message.seq * 7919))


MANNERS: dict[str, Answer] = {
    "answers with new words": _as_reply,
    "says new words, without saying what it answers": _as_chat,
    "answers the same with another number": _the_same,
    "answers with thanks": _thanks,
}


@dataclass
class Run:
    """The messages of two agents until they stopped, continued and stopped again."""

    manner: str
    accepted: list[int] = field(default_factory=list)
    wakes: list[int] = field(default_factory=list)
    stopped: list[int] = field(default_factory=list)  # messages of the agents, each time
    lines: int = 0
    woken: int = 0
    logged: tuple[int, ...] = ()

    @property
    def lost(self) -> int:
        counted = Counter(self.logged)
        return sum(counted[seq] != 1 for seq in self.accepted)

    @property
    def held(self) -> bool:
        """Within the budget, with a line where a limit stopped them, each time."""
        within = all(number <= Limits().max_hops for number in self.stopped)
        return within and len(self.stopped) == 2 and self.lost == 0 and self.lines <= 2


def measure(folder: Path, *, quick: bool) -> Outcome:
    runs = 8 if quick else RUNS
    state = folder / "loops"
    names = [name for number in range(runs) for name in (f"ada-{number}", f"ben-{number}")]
    tokens = asyncio.run(enroll(state, names, MemberKind.AGENT))
    with guarded_gateway(state) as server:
        person = (state / "tokens" / "people" / PERSON).read_text().strip()
        ends = [Endpoint(server.url, token) for token in (person, *tokens)]
        done = asyncio.run(_all(ends, names))
    return _told(done)


def _told(done: list[Run]) -> Outcome:
    rows: list[dict[str, Cell]] = []
    for manner in MANNERS:
        mine = [one for one in done if one.manner == manner]
        if mine:
            rows.append(
                {
                    "each": manner,
                    "runs": len(mine),
                    "stopped": sum(one.held for one in mine),
                    "messages until then, at most": max(number for one in mine for number in one.stopped),
                    "lines said about it, at most": max(one.lines for one in mine),
                    "lost": sum(one.lost for one in mine),
                }
            )
    share = 100 * sum(one.held for one in done) / len(done)
    note = (
        f"{sum(len(one.accepted) for one in done)} messages accepted; each run stops twice, with a `continue` between."
    )
    return Outcome(
        "loops",
        (Table("Two agents that answer everything with a mention of each other", tuple(rows), note),),
        (
            Verdict("% of the runs stopped within the budget, twice, with nothing lost", share, 100),
            Verdict(
                "messages accepted and not in the log exactly once", sum(one.lost for one in done), 0, at_least=False
            ),
        ),
    )


async def _all(ends: list[Endpoint], names: list[str]) -> list[Run]:
    manners = list(MANNERS)
    done = []
    async with Client(ends[0], Hello(echo=True)) as person:
        for number in range(len(names) // 2):
            pair = range(2 * number, 2 * number + 2)
            run = Run(manners[number % len(manners)])
            await _one(run, person, [ends[at + 1] for at in pair], [names[at] for at in pair])
            done.append(run)
    return done


async def _one(run: Run, person: Client, ends: list[Endpoint], names: list[str]) -> None:
    room = f"room-{names[0]}"
    await person.request(CreateRoom(room=room), Done)
    async with Client(ends[0], Hello(inbox=True)) as ada, Client(ends[1], Hello(inbox=True)) as ben:
        for one in (ada, ben):
            await one.request(Join(room=room), Done)
        loop = asyncio.get_running_loop()
        pairs = ((ada, names[0], names[1]), (ben, names[1], names[0]))
        talking = [loop.create_task(_talk(run, client, me, other, room), name=me) for client, me, other in pairs]
        run.accepted.append((await person.send("begin", to=f"@{names[0]}", room=room)).seq)
        await _stops(run)
        run.woken = len((await person.request(Continue(room=room), Continued)).woken)
        await _stops(run)
        for task in talking:
            task.cancel()
        await asyncio.gather(*talking, return_exceptions=True)
    found = (await person.request(History(room=room, limit=1000), MessageList)).messages
    run.logged = tuple(one.seq for one in found)
    run.lines = sum(one.from_ == "system" and bool(one.context and "tripped" in one.context) for one in found)


async def _stops(run: Run) -> None:
    before, last = sum(run.stopped) + 1, -1
    async with asyncio.timeout(PATIENCE):
        while last != len(run.accepted) or (not run.stopped and len(run.accepted) == before):
            last = len(run.accepted)
            await asyncio.sleep(QUIET)
    run.stopped.append(len(run.accepted) - before)


async def _talk(run: Run, client: Client, me: str, other: str, room: str) -> None:
    """It is woken by messages with a delivery for it, and by retry orders."""
    async for event in client.events():
        message = event if isinstance(event, Message) and me in event.deliveries else None
        if isinstance(event, Control) and event.action is ControlAction.RETRY and event.message:
            message = (await client.request(Show(message=event.message), MessageDetail)).message
        if message is not None and message.from_ != me:
            run.wakes.append(message.seq)
            said = MANNERS[run.manner](other, message)
            result = await client.send(**said, to=f"@{other}", room=room)
            assert isinstance(result, Accepted)
            run.accepted.append(result.seq)
