"""Rounds in which three real CLIs come back: everything of the team is killed, or ended, and `up` starts it again."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

from sidecar.conversation.conversation_file import read_conversations
from tests.end_to_end.killed_teams import kill_everything
from tests.fakes.models.script import Reply
from tests.real_clis.three import THREE, Three

SECRETS = {name: f"The word to remember is {name.upper()}-4711." for name in THREE}
WAYS = ("kill -9 of everything", "groupchat down")


@dataclass(frozen=True)
class Round:
    """`seconds`: from the call of `up` until it says that all three can be talked to. `same`: who came back to its
    conversation, with the same id, and whose model was sent what was said in it at first."""

    number: int
    way: str
    killed: int
    seconds: float
    same: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def kept_ids(three: Three) -> dict[str, str]:
    """The ids that are kept, of those whose first turn was seen to be written."""
    found = {name: read_conversations(three.session.state / "sidecars" / name) for name in THREE}
    return {name: known[0].kept.session for name, known in found.items() if known and known[0].kept}


async def ask(three: Three, name: str, text: str, answer: str) -> str:
    """The request in which its model was sent this text."""
    model = three.models[name]
    model.script(Reply(answer))
    three.session.groupchat("send", f"@{name} {text}")
    await three.session.until(lambda: answer in three.said_by(name), name)
    bodies = [json.dumps(one.body) for one in model.turns]
    return next(body for body in reversed(bodies) if text in body)


async def rounds(three: Three, count: int) -> AsyncIterator[Round]:
    for name, secret in SECRETS.items():
        await ask(three, name, secret, f"{name} will remember.")
    await three.session.until(lambda: kept_ids(three).keys() == THREE.keys())
    before = kept_ids(three)
    for number in range(1, count + 1):
        yield await one_round(three, number, before)


async def one_round(three: Three, number: int, before: dict[str, str]) -> Round:
    way = WAYS[(number - 1) % len(WAYS)]
    killed = await kill_everything(three.session) if way == WAYS[0] else 0
    if not killed:
        assert three.session.groupchat("down").code == 0
    began = time.monotonic()
    up = three.session.groupchat("up", "--yes", "--detach", "--json", "--port", "0")
    seconds = time.monotonic() - began
    remarks = [] if up.code == 0 else [up.err[-300:] or up.out[-300:]]
    same = []
    for name in THREE if up.code == 0 else ():
        if (start := up.json["conversations"].get(name)) != "resumed":
            remarks.append(f"{name}: {start}")
        told = await ask(three, name, f"Round {number}?", f"{name} is here in round {number}.")
        if SECRETS[name] in told and kept_ids(three).get(name) == before[name]:
            same.append(name)
    return Round(number, way, killed, seconds, tuple(same), tuple(remarks))
