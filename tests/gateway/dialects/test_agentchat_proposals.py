"""AgentChat's proposals: their states, their signatures, and that a member of ours is asked as by anybody else."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import pytest

from gateway.client import Client, Endpoint
from gateway.dialects.agentchat.proposals import MAX_OPEN_PROPOSALS
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.requests.message_requests import Poll
from gateway.protocol.results import Inbox, TokenMade
from gateway.protocol.types.core_types import MemberKind
from tests.fakes.agentchat_client import Agent, Identity, agent_at, socket_at
from tests.support.gateways import GatewayProcess

ID = re.compile(r"prop_[0-9a-z]{8,9}_[0-9a-f]{8}")


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    state = tmp_path_factory.mktemp("agentchat") / "state"
    with GatewayProcess(state, "--listen", "agentchat=0", "--guest-rate", "0").running() as running:
        yield running


@pytest.fixture
def url(process: GatewayProcess) -> str:
    return process.listeners["agentchat"]


class Party:
    """An agent that signs what 0.3 signs."""

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.id = agent.id

    def sign(self, *fields: object) -> str:
        assert self.agent.identity is not None
        return self.agent.identity.sign("|".join(str(one) for one in fields))

    async def propose(self, to: str, task: str = "paint it", answer: str = "PROPOSAL", **more: Any) -> dict[str, Any]:
        signed = [more.get(name) or "" for name in ("amount", "currency", "payment_code", "expires")]
        return await self.agent.ask(answer, "PROPOSAL", to=to, task=task, sig=self.sign(to, task, *signed), **more)

    async def answer(self, kind: str, id_: str, word: str | None = None, answer: str = "") -> dict[str, Any]:
        name = {"ACCEPT": "payment_code", "REJECT": "reason", "COMPLETE": "proof", "DISPUTE": "reason"}[kind]
        sig = self.sign(kind, id_, word or "")
        return await self.agent.ask(answer or kind, kind, proposal_id=id_, sig=sig, **{name: word})

    async def cause(self, kind: str, id_: str, word: str | None = "x") -> str:
        error = await self.answer(kind, id_, word, "ERROR")
        assert error["code"] == "INVALID_PROPOSAL"
        return str(error["message"])

    async def got(self, kind: str, id_: str) -> dict[str, Any]:
        def found() -> list[dict[str, Any]]:
            return [one for one in self.agent.of(kind) if id_ in (one.get("id"), one.get("proposal_id"))]

        return dict((await self.agent.until(found))[0])


@pytest.fixture
async def parties(url: str) -> AsyncIterator[tuple[Party, Party]]:
    async with AsyncExitStack() as stack:
        names = ("buyer", "painter")
        agents = [await stack.enter_async_context(agent_at(url, name, identity=Identity())) for name in names]
        yield Party(agents[0]), Party(agents[1])


async def test_a_proposal_reaches_both_with_all_its_fields(parties: tuple[Party, Party]) -> None:
    buyer, painter = parties
    fields: dict[str, Any] = {
        "amount": 1.5,
        "currency": "SOL",
        "payment_code": "code",
        "terms": "by noon",
        "expires": 60,
    }
    proposal = await buyer.propose(painter.id, **fields)
    assert proposal == await painter.got("PROPOSAL", proposal["id"])
    assert ID.fullmatch(proposal["id"])
    assert proposal["expires"] - proposal["created_at"] == 60_000
    assert proposal | {"id": "", "ts": 0, "created_at": 0, "sig": "", "expires": 0} == {
        **fields,
        "type": "PROPOSAL",
        "from": buyer.id,
        "to": painter.id,
        "task": "paint it",
        "status": "pending",
        "id": "",
        "ts": 0,
        "created_at": 0,
        "expires": 0,
        "sig": "",
    }
    assert proposal["sig"] == buyer.sign(painter.id, "paint it", 1.5, "SOL", "code", 60)
    await painter.agent.settle()
    assert buyer.agent.of("MSG") == painter.agent.of("MSG") == []


async def test_what_is_left_out_is_null(parties: tuple[Party, Party]) -> None:
    buyer, painter = parties
    proposal = await buyer.propose(painter.id)
    names = ("amount", "currency", "payment_code", "terms", "expires")
    assert [proposal[name] for name in names] == [None] * 5


@pytest.mark.parametrize(
    ("amount", "signed"),
    [("1", "1"), ("0.00001", "0.00001"), ("0", ""), ("null", ""), ('"two"', "two"), ("1e+21", "1e+21"), ("2.0", "2.0")],
)
async def test_numbers_are_signed_as_they_came(parties: tuple[Party, Party], amount: str, signed: str) -> None:
    buyer, painter = parties
    sig = buyer.sign(painter.id, "t", signed, "", "", "")
    await buyer.agent.raw(f'{{"type":"PROPOSAL","to":"{painter.id}","task":"t","sig":"{sig}","amount":{amount}}}')
    found = await painter.agent.until(lambda: painter.agent.of("PROPOSAL"))
    assert found[0]["amount"] == json.loads(amount)


STEPS: list[tuple[str, str, str, dict[str, object]]] = [
    ("painter", "ACCEPT", "accepted", {"payment_code": "word"}),
    ("painter", "REJECT", "rejected", {"reason": "word"}),
    ("painter", "COMPLETE", "completed", {"completed_by": "@painter", "completed_at": "now", "proof": "word"}),
    ("buyer", "COMPLETE", "completed", {"completed_by": "@buyer", "completed_at": "now", "proof": "word"}),
    ("painter", "DISPUTE", "disputed", {"disputed_by": "@painter", "disputed_at": "now", "reason": "word"}),
    ("buyer", "DISPUTE", "disputed", {"disputed_by": "@buyer", "disputed_at": "now", "reason": "word"}),
]


@pytest.mark.parametrize(("who", "kind", "status", "fields"), STEPS)
async def test_each_answer_is_told_to_both(
    parties: tuple[Party, Party], who: str, kind: str, status: str, fields: dict[str, object]
) -> None:
    buyer, painter = parties
    by_name = {"buyer": buyer, "painter": painter}
    proposal = await buyer.propose(painter.id)
    if kind in ("COMPLETE", "DISPUTE"):
        await painter.answer("ACCEPT", proposal["id"])
    told = await by_name[who].answer(kind, proposal["id"], "word")
    for one in parties:
        assert await one.got(kind, proposal["id"]) == told
    expected = dict(fields)
    for name, value in fields.items():
        if value == "now":
            expected[name] = told["updated_at"]
        elif str(value).startswith("@"):
            expected[name] = by_name[str(value)[1:]].id
    assert told == {
        "type": kind,
        "ts": told["updated_at"],
        "proposal_id": proposal["id"],
        "status": status,
        "updated_at": told["updated_at"],
        "sig": by_name[who].sign(kind, proposal["id"], "word"),
        **expected,
    }
    await buyer.agent.settle()
    assert buyer.agent.of("MSG") == painter.agent.of("MSG") == []


async def test_every_wrong_step_has_its_cause(url: str, parties: tuple[Party, Party]) -> None:
    buyer, painter = parties
    async with agent_at(url, "third", identity=Identity()) as agent:
        third = Party(agent)
        for kind in ("ACCEPT", "REJECT", "COMPLETE", "DISPUTE"):
            assert await painter.cause(kind, "prop_nothing_00000000") == "PROPOSAL_NOT_FOUND"
        id_ = (await buyer.propose(painter.id))["id"]
        for party in (buyer, third):
            assert await party.cause("ACCEPT", id_) == await party.cause("REJECT", id_) == "NOT_PROPOSAL_RECIPIENT"
        for kind in ("COMPLETE", "DISPUTE"):
            assert await painter.cause(kind, id_) == "PROPOSAL_NOT_ACCEPTED"
        await painter.answer("ACCEPT", id_)
        for kind in ("ACCEPT", "REJECT"):
            assert await painter.cause(kind, id_) == "PROPOSAL_NOT_PENDING"
        for kind in ("COMPLETE", "DISPUTE"):
            assert await third.cause(kind, id_) == "NOT_PROPOSAL_PARTY"
        await buyer.answer("COMPLETE", id_)
        for kind in ("COMPLETE", "DISPUTE"):
            assert await painter.cause(kind, id_) == "PROPOSAL_NOT_ACCEPTED"
        await third.agent.settle()
        assert {one["type"] for one in third.agent.frames} == {"WELCOME", "ERROR", "PONG"}


async def test_a_proposal_whose_time_is_over_is_expired(parties: tuple[Party, Party]) -> None:
    buyer, painter = parties
    id_ = (await buyer.propose(painter.id, expires=0.2))["id"]
    await painter.agent.until(lambda: [one for one in painter.agent.of("MSG") if id_ in one["content"]])
    for kind in ("ACCEPT", "REJECT"):
        assert await painter.cause(kind, id_) == "PROPOSAL_EXPIRED"
    assert await painter.cause("COMPLETE", id_) == "PROPOSAL_NOT_ACCEPTED"


async def test_forged_signatures_change_nothing(parties: tuple[Party, Party]) -> None:
    buyer, painter = parties
    signed = buyer.sign(painter.id, "paint it", "", "", "", "")
    for change in ({"task": "something else"}, {"amount": 5}, {"expires": 10}, {"to": buyer.id}, {"sig": "x"}):
        frame = {"to": painter.id, "task": "paint it", "sig": signed} | change
        assert await buyer.agent.refused("PROPOSAL", **frame) == ("INVALID_PROPOSAL", "INVALID_SIGNATURE")
    id_ = (await buyer.propose(painter.id))["id"]
    for sig in (buyer.sign("ACCEPT", id_, ""), painter.sign("REJECT", id_, ""), painter.sign("ACCEPT", id_, "other")):
        asked = await painter.agent.refused("ACCEPT", proposal_id=id_, sig=sig)
        assert asked == ("INVALID_PROPOSAL", "INVALID_SIGNATURE")
    assert (await painter.answer("ACCEPT", id_))["status"] == "accepted"


async def test_what_a_proposal_must_have(url: str, parties: tuple[Party, Party]) -> None:
    buyer, painter = parties
    async with agent_at(url, "keyless") as keyless, socket_at(url) as stranger:
        frame = {"to": painter.id, "task": "x", "sig": "x"}
        assert (await stranger.refused("PROPOSAL", **frame))[0] == "AUTH_REQUIRED"
        assert (await keyless.refused("PROPOSAL", **frame))[0] == "SIGNATURE_REQUIRED"
        assert (await keyless.refused("ACCEPT", proposal_id="x", sig="x"))[0] == "SIGNATURE_REQUIRED"
    assert (await buyer.agent.refused("PROPOSAL", to=painter.id, task="x"))[0] == "SIGNATURE_REQUIRED"
    assert (await buyer.agent.refused("DISPUTE", proposal_id="x", sig="x"))[0] == "INVALID_MSG"
    wrong: list[dict[str, Any]] = [
        {"task": ""},
        {"to": "#general"},
        {"to": "painter"},
        {"expires": "x"},
        {"expires": -1},
    ]
    for change in wrong:
        frame = {"to": painter.id, "task": "x"} | change
        assert (await buyer.propose(**frame, answer="ERROR"))["code"] == "INVALID_MSG", change
    assert (await buyer.propose("@nobody", "x", "ERROR"))["code"] == "AGENT_NOT_FOUND"
    amounts: list[object] = [{}, [1], True]
    for amount in amounts:
        asked = await buyer.agent.refused("PROPOSAL", to=painter.id, task="x", sig="x", amount=amount)
        assert asked[0] == "INVALID_MSG" and "amount" in asked[1]


async def test_a_member_of_ours_is_asked_in_the_chat(process: GatewayProcess, parties: tuple[Party, Party]) -> None:
    buyer, _ = parties
    name = f"claude-{uuid4().hex[:6]}"
    async with Client(process.operator, Hello()) as alice:
        token = (await alice.request(CreateToken(name=name, kind=MemberKind.AGENT), TokenMade)).token
    async with Client(Endpoint(process.url, token), Hello(inbox=True)) as claude:
        proposal = await buyer.propose(f"@{name}", "paint it", amount=2, currency="SOL", terms="by noon")
        (asked,) = (await claude.request(Poll(wait=10), Inbox)).messages
        assert asked.from_ == f"buyer-{buyer.id[1:]}"
        for word in ("paint it", "2 SOL", "by noon", proposal["id"]):
            assert word in asked.content


async def test_there_is_an_end_to_open_proposals(parties: tuple[Party, Party]) -> None:
    buyer, painter = parties
    for _ in range(MAX_OPEN_PROPOSALS):
        await buyer.propose(painter.id)
    assert (await buyer.propose(painter.id, answer="ERROR"))["code"] == "INVALID_MSG"
    await painter.answer("REJECT", painter.agent.of("PROPOSAL")[0]["id"])
    await buyer.propose(painter.id)
