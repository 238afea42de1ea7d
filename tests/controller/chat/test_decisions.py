"""Decisions and sessions in the chat: cards that keys answer, commands, and what the stream tells."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from controller.commands.command_table import CompletionNames, complete, parse_command
from controller.commands.decision_text import DecisionCard, decision_lines, split_kind_and_choice
from gateway.client import Client
from gateway.protocol.decision_nouns import AnswerKind, Decision, DecisionState
from gateway.protocol.decision_requests import AnswerDecision, Decisions, Propose, ShowDecision
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests import Hello
from gateway.protocol.results import DecisionList, DecisionView
from gateway.protocol.types import Option
from tests.controller.chat_driver import drive_chat
from tests.support.gateways import Gateway, gateway_in_process


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state") as running:
        yield running


F2 = "\x1bOQ"
STAMP = "2027-01-15T08:00:00.000Z"
AB = (Option("A", "Postgres"), Option("B", "SQLite"))
LONG = (Option("red", "red"), Option("blue", "blue"))


def decision(options: tuple[Option, ...], rule: str = "first") -> Decision:
    return Decision("d-1", 1, 1, "general", "ada", "Which?", STAMP, rule, ("alice",), options)


@pytest.mark.parametrize(
    ("made", "key", "answer"),
    [
        (decision(AB), "b", "B"),
        (decision(AB), "1", None),
        (decision(LONG), "2", "blue"),
        (decision(LONG), "3", None),
        (decision((), "recipient"), "y", "accept"),
        (decision((), "recipient"), "n", "reject"),
        (decision(()), "y", None),
        (decision(tuple(Option(f"o{at}", "") for at in range(12))), "1", None),
    ],
)
def test_which_key_answers(made: Decision, key: str, answer: str | None) -> None:
    assert DecisionCard(made).answer_for(key) == answer


def test_words_of_a_vote() -> None:
    assert split_kind_and_choice(" Accept ") == (AnswerKind.ACCEPT, "")
    assert split_kind_and_choice("B") == (AnswerKind.VOTE, "B")
    assert decision_lines(decision(LONG)) == [
        "d-1 of ada: first of alice, pending",
        "  Which?",
        "  options: red, blue",
        "  waits for alice",
    ]


def test_commands_know_decisions_and_sessions() -> None:
    known = CompletionNames({}, decisions={"d-12": "Which?"})
    assert [(one.text, one.about) for one in complete("/vote d", known)] == [("d-12", "Which?")]
    assert [one.text for one in complete("/session pa", known)] == ["pause"]
    assert dict(parse_command("vote", "d-12 B because it is small").values) == {
        "decision": "d-12",
        "answer": "B because it is small",
    }
    with pytest.raises(BadRequest, match="choose open, close"):
        parse_command("session", "begin x")


async def ask(client: Client, **fields: object) -> Decision:
    request = Propose(**{"question": "Which database?", "people": True, **fields})  # type: ignore[arg-type]
    return (await client.request(request, DecisionView)).decision


async def now(client: Client, one: Decision) -> Decision:
    return (await client.request(ShowDecision(decision=one.id), DecisionView)).decision


async def test_a_question_to_the_people_is_a_card_that_a_key_answers(gateway: Gateway) -> None:
    endpoint = await gateway.member("ada")
    async with Client(endpoint, Hello(inbox=True)) as ada, drive_chat(gateway.operator) as one:
        asked = await ask(ada, options=("Postgres", "SQLite with WAL"))
        await one.shows(f"ada asks ({asked.id}, first): Which database?", " b  SQLite with WAL", "ada asks: F2")
        assert one.emulated.bells == 1
        one.type(F2)
        await one.shows("press its key")
        one.type("b")
        await one.shows(f"{asked.id}: Which database? – Decided: B (SQLite with WAL) by alice.", "- alice: B")
        await one.hides("ada asks: F2")
        assert (await now(ada, asked)).outcome == "B"


async def test_an_answer_in_words_is_written_on_the_line(gateway: Gateway) -> None:
    endpoint = await gateway.member("ada")
    async with Client(endpoint, Hello(inbox=True)) as ada, drive_chat(gateway.operator) as one:
        asked = await ask(ada, question="How shall I call it?")
        await one.shows("How shall I call it?", "ada asks: F2")
        one.type(F2)
        await one.shows(f"alice > /vote {asked.id}")
        one.enter("ledger, because it is one")
        await one.shows("Decided: ledger, because it is one by alice.")
        assert (await now(ada, asked)).outcome == "ledger, because it is one"


async def test_a_vote_stays_open_until_the_others_have_voted(gateway: Gateway) -> None:
    endpoint = await gateway.member("ada")
    async with Client(endpoint, Hello(inbox=True)) as ada, drive_chat(gateway.operator) as one:
        asked = await ask(ada, people=False, voters=("ada", "alice"), options=("red", "blue"))
        await one.shows(f"ada asks ({asked.id}, majority)", " 2  blue")
        one.enter(f"/vote {asked.id} blue because of the sea")
        await one.shows("Your answer counts", f"alice answers {asked.id}: blue, because of the sea")
        await one.hides("ada asks: F2")
        await ada.request(AnswerDecision(decision=asked.id, choice="blue"), DecisionView)
        await one.shows("Decided: blue by 2 of 2 (majority).")


async def test_a_card_from_before_is_there_when_the_chat_opens(gateway: Gateway) -> None:
    endpoint = await gateway.member("ada")
    async with Client(endpoint, Hello(inbox=True)) as ada:
        asked = await ask(ada, options=("red", "blue"))
        async with drive_chat(gateway.operator) as one:
            await one.shows(f"ada asks ({asked.id}, first): Which database?", "ada asks: F2")
            one.type(F2)
            await one.shows("press its key")
            one.type("1")
            await one.shows("Decided: red by alice.")


async def test_proposing_and_looking_by_commands(gateway: Gateway) -> None:
    endpoint = await gateway.member("ada")
    async with Client(endpoint, Hello(inbox=True)) as ada, drive_chat(gateway.operator) as one:
        one.enter("/propose Which colour? | red | blue")
        await one.shows("is asked of ada.", "alice", "Which colour?")
        await one.hides("F2 to answer")
        (asked,) = (await ada.request(Decisions(), DecisionList)).decisions
        assert [option.key for option in asked.options] == ["red", "blue"]
        one.enter("/decisions")
        await one.shows("options: red, blue", "waits for ada")
        one.type("\x1b")
        await one.hides("waits for ada")
        await ada.send("I think so.\nVOTE: red because of the sun")
        await one.shows("Decided: red by 1 of 1 (majority).", "- ada: red, because of the sun")
        one.enter("/propose @ada Review it by noon")
        await one.shows("Review it by noon")
        (proposal,) = (await ada.request(Decisions(), DecisionList)).decisions
        await ada.request(AnswerDecision(decision=proposal.id, kind=AnswerKind.ACCEPT), DecisionView)
        await one.shows("Accepted by ada.")
        assert (await now(ada, proposal)).state is DecisionState.ACCEPTED
        one.enter("/propose Which shade? | light | dark")
        await one.shows("Which shade?")
        (open_,) = [each for each in (await ada.request(Decisions(), DecisionList)).decisions if each.pending]
        one.enter(f"/decide {open_.id}")
        await one.shows("Not decided: nobody answered.")
        one.enter("/vote d-9999 yes")
        await one.shows("There is no decision 'd-9999'")


async def test_sessions_by_commands(gateway: Gateway) -> None:
    await gateway.member("ada")
    async with drive_chat(gateway.operator) as one:
        one.enter("/session")
        await one.shows("There is no session here.")
        one.enter("/session open storage choose one")
        await one.shows("session storage: opened by alice: choose one")
        one.enter("/propose Which? | red | blue")
        await one.shows("is asked of ada.")
        one.enter("/session show storage")
        await one.shows("Session storage", "Which? pending")
        one.type("\x1b")
        await one.hides("Which? pending")
        one.enter("/session close storage it is done")
        await one.shows("session storage: closed by alice")
        one.enter("/session close")
        await one.shows("which session?")
