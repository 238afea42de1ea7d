"""Decisions and sessions in the chat: cards that keys answer, commands, and what the stream tells."""

from __future__ import annotations

import pytest

from controller.chat_commands.command_table import CompletionNames, complete, parse_command
from controller.wording.decision_text import (
    DecisionCard,
    decision_lines,
    parse_proposal,
    split_kind_and_choice,
    tally_line,
    text_for_people,
)
from gateway.client import Client
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.decision_requests import AnswerDecision, Decisions, Propose, ShowDecision
from gateway.protocol.requests.room_requests import Join
from gateway.protocol.results import DecisionList, DecisionView, Done
from gateway.protocol.types.core_types import MessageKind, Option
from gateway.protocol.types.decision_types import AnswerKind, Decision, DecisionState, Given
from tests.controller import streams
from tests.controller.chat_driver import drive_chat
from tests.support.gateways import Gateway

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


ABC = ("ada", "ben", "cleo")


def vote(*answers: tuple[str, str], **fields: object) -> Decision:
    given = tuple(Given(by, AnswerKind.VOTE, STAMP, choice) for by, choice in answers)
    shape: dict[str, object] = {"voters": ABC, "options": AB, "answers": given, **fields}
    return Decision("d-1", 1, 1, "general", "alice", "Which?", STAMP, "majority", **shape)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (vote(), "0 of 3 voted · to vote: ada, ben, cleo"),
        (vote(("ada", "A")), "1 of 3 voted: A (Postgres) 1 · to vote: ben, cleo"),
        (vote(("ada", "A"), ("ben", "B"), ("ada", "B")), "2 of 3 voted: B (SQLite) 2 · to vote: cleo"),
        (vote(("ada", "A"), weights={"ada": 3}), "1 of 3 voted: A (Postgres) 3 · to vote: ben, cleo"),
        (vote(("ada", "red"), voters=(), people=True, options=()), "1 voted: red 1"),
        (vote(state=DecisionState.DECIDED), ""),
        (decision((), "recipient"), ""),
    ],
)
def test_how_a_vote_stands(made: Decision, line: str) -> None:
    assert tally_line(made) == line


@pytest.mark.parametrize(
    ("text", "to", "voters", "question", "options"),
    [
        ("Which? | red | blue", None, (), "Which?", ("red", "blue")),
        ("@ada Review it", "ada", (), "Review it", ()),
        ("@ada @Me Which? | red | blue", None, ("ada", "alice"), "Which?", ("red", "blue")),
        ("@ada,ben @cleo Which? | red", None, ABC, "Which?", ("red",)),
        ("@ada", "ada", (), "", ()),
    ],
)
def test_who_votes_on_a_proposal(
    text: str, to: str | None, voters: tuple[str, ...], question: str, options: tuple[str, ...]
) -> None:
    said = parse_proposal(text, "alice")
    assert (said.to, said.voters, said.question, said.options) == (to, voters, question, options)


@pytest.mark.parametrize(
    ("kind", "content", "words"),
    [
        (
            MessageKind.TASK,
            "Which?\n[d-6: the majority of ada, ben; answer with a line `VOTE d-6: A|B because ...`]",
            "Which?\n(d-6: the majority of ada, ben)",
        ),
        (
            MessageKind.TASK,
            "A name?\n[d-6: the first answer of the people here until 2026-01-01; answer with `/vote d-6 ...`]",
            "A name?\n(d-6: the first answer of the people here until 2026-01-01)",
        ),
        (MessageKind.TASK, "Which [d-6: of these]?", "Which [d-6: of these]?"),
        (MessageKind.CHAT, "a\n[d-6: x; answer with y]", "a\n[d-6: x; answer with y]"),
    ],
)
def test_people_do_not_see_the_syntax_of_the_answer(kind: MessageKind, content: str, words: str) -> None:
    assert text_for_people(streams.said(1, content, kind=kind)) == words


async def test_the_proposer_votes_and_sees_how_the_vote_stands(gateway: Gateway) -> None:
    endpoints = [await gateway.member(name) for name in ("ada", "ben")]
    async with (
        Client(endpoints[0], Hello(inbox=True)) as ada,
        Client(endpoints[1], Hello(inbox=True)) as ben,
        drive_chat(gateway.operator) as one,
    ):
        one.enter("/create lab")
        await one.shows("lab is created")
        for client in (ada, ben):
            await client.request(Join(room="lab"), Done)
        await one.shows("ada", "ben")
        one.enter("/propose @ada @ben @me Which? | red | blue")
        await one.shows("is asked of ada, ben, alice.", "0 of 3 voted · to vote: ada, ben, alice", "F2 to answer")
        assert "VOTE" not in one.text
        (asked,) = (await ada.request(Decisions(room="lab"), DecisionList)).decisions
        await ada.request(AnswerDecision(decision=asked.id, choice="red"), DecisionView)
        await one.shows("1 of 3 voted: red 1 · to vote: ben, alice")
        one.type(F2)
        await one.shows("press its key")
        one.type("2")
        await one.shows("2 of 3 voted: blue 1, red 1 · to vote: ben")
        await ben.request(AnswerDecision(decision=asked.id, choice="blue"), DecisionView)
        await one.shows("Decided: blue by 2 of 3 (majority).")
        await one.hides("voted:")
        one.enter("/propose Again? | red | blue")
        await one.shows("is asked of ada, ben. Name @me among the voters", "0 of 2 voted · to vote: ada, ben")


async def test_a_mode_is_led_in_any_room(gateway: Gateway) -> None:
    async with Client(await gateway.member("ada"), Hello(inbox=True)) as ada, drive_chat(gateway.operator) as one:
        one.enter("/create lab")
        await one.shows("lab is created")
        await ada.request(Join(room="lab"), Done)
        one.enter("/mode round-robin mice --agents ada")
        await one.shows("@ada - Your turn.", "ada has the turn")
        one.enter("/room 1")
        await one.shows("This is general.")
        await one.hides("ada has the turn")
        await ada.send("Mice are small.", room="lab")
        await one.shows("2 lab•")
        one.enter("/room 2")
        await one.shows("Mice are small.")


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
    with pytest.raises(BadRequest, match="one of open, close"):
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
