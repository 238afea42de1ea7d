"""Cards in the chat: keys that answer, keys that come too late, words of a refusal, and what remains."""

from __future__ import annotations

import pytest

from gateway.client import Client
from gateway.protocol.events import Control
from gateway.protocol.requests.approval_requests import AnswerAsk, CloseAsk, OpenAsk
from gateway.protocol.requests.room_requests import CreateRoom
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import AskAbout, AskState, MemberKind, Option
from tests.controller.chat_driver import ChatDriver, drive_chat
from tests.controller.room_members import agent, said
from tests.support.gateways import Gateway

F2, F3, DOWN = "\x1bOQ", "\x1bOR", "\x1b[B"
COMMAND = "rm -rf ./build && make all && ./run --with-a-long-option=/home/root/some/where && ./deploy --prod"
QUESTION = OpenAsk(
    digest="0123456789abcdef",
    question="Do you want to proceed?",
    options=(
        Option("1", "Yes"),
        Option("2", "Yes, and don't ask again for rm -rf ./build, make all and ./deploy commands in ~/work"),
        Option("3", "No"),
    ),
    allow="1",
    deny="3",
    tool="Bash",
    detail=COMMAND,
    about=AskAbout.COMMAND,
    words=True,
)


async def opened(claude: Client, question: OpenAsk = QUESTION) -> int:
    done = await claude.request(question, Done)
    assert done.seq is not None
    return done.seq


async def closed(claude: Client, number: int, state: AskState = AskState.CLOSED, reason: str = "") -> None:
    await claude.request(CloseAsk(ask=number, state=state, reason=reason), Done)


async def the_answer(claude: Client) -> tuple[str, str]:
    """What reaches the agent's sidecar: the answer, and the words that go with it."""
    async for event in claude.events():
        if isinstance(event, Control) and event.ask is not None:
            await closed(claude, event.ask.number, AskState.ANSWERED)
            return event.ask.answer, event.ask.said
    raise AssertionError("no answer came")


def stop_clock(one: ChatDriver) -> None:
    """For keys after a card has gone: they are dropped for two seconds, which a slow machine may need to show it."""
    now = one.chat.clock()
    one.chat.clock = lambda: now


async def composer(one: ChatDriver, text: str) -> None:
    await one.until(lambda: one.screen.buffer.text == text)


@pytest.mark.parametrize(("columns", "lines"), [(60, 6), (60, 9), (80, 12), (120, 24), (200, 30)])
async def test_a_card_shows_all_or_says_how_much_more(gateway: Gateway, columns: int, lines: int) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator, columns=columns, lines=lines) as one:
        await opened(claude)
        await one.shows("rm -rf ./build", "claude asks: F2")
        one.type(F2)
        if lines < 12:
            await one.shows("F3")
            one.type(F3)
        await one.pages_until(DOWN, lambda: "./deploy" in one.text)
        one.type("1")
        assert await the_answer(claude) == ("1", "")
        await one.shows("claude asked to run", "alice")


async def test_an_unfolded_card_is_scrolled_and_answered(gateway: Gateway) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator, columns=60, lines=7) as one:
        await opened(claude)
        await one.shows("F2 F3")
        one.type(F2 + F3)
        await one.shows("claude asks: Do you want to proceed?", "rm -rf ./build")
        await one.pages_until(DOWN, lambda: "don't ask again" in one.text and "in ~/work" in one.text)
        await one.pages_until(DOWN, lambda: " 3  No" in one.text)
        one.type("3")
        assert await the_answer(claude) == ("3", "")
        await one.shows("answered: No")


@pytest.mark.parametrize("key", ["1", "2", "7", "y", "n", "w"])
async def test_a_key_for_a_card_that_has_gone_is_not_written(gateway: Gateway, key: str) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        number = await opened(claude)
        await one.shows("claude asks: F2")
        one.type(F2)
        await one.shows("press its key")
        stop_clock(one)
        await closed(claude, number, reason="answered at the terminal")
        await one.shows("claude's question is gone: no longer asked (answered at the terminal)")
        one.type(key)
        await one.shows(f"'{key}' was dropped")
        one.enter("/decisions")
        await one.shows("No open decisions.")
        assert await said(gateway) == []


async def test_after_a_card_has_gone_words_are_words(gateway: Gateway) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        number = await opened(claude)
        await one.shows("claude asks: F2")
        one.type(F2)
        await one.shows("press its key")
        await closed(claude, number)
        await one.shows("is gone")
        one.type("hello 1 2 y")
        await composer(one, "hello 1 2 y")


async def test_f2_that_came_too_late_does_not_write_its_digit(gateway: Gateway) -> None:
    async with agent(gateway), drive_chat(gateway.operator) as one:
        one.type(F2 + "1")
        await one.shows("'1' was dropped")
        one.type("@all thanks")
        await composer(one, "@all thanks")


async def test_a_chosen_card_takes_the_keys_that_are_read_later(gateway: Gateway) -> None:
    early = OpenAsk(digest=QUESTION.digest, question="Run it?", detail=COMMAND, readable=False)
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        await opened(claude, early)
        await one.shows("Answer it in claude's terminal")
        one.type(F2)
        await one.until(lambda: one.screen.rows.selected is not None)
        await opened(claude)
        await one.shows("press its key: 1 2 3")
        one.type("2")
        assert await the_answer(claude) == ("2", "")


async def test_a_key_for_one_card_does_not_answer_the_next(gateway: Gateway) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        await opened(claude)
        await one.shows("claude asks: F2")
        one.type(F2)
        await one.shows("press its key")
        stop_clock(one)
        await opened(claude, OpenAsk(digest="f" * 16, question="Delete all?", options=QUESTION.options, allow="1"))
        await one.shows("Delete all?", "another question took its place")
        one.type("1")
        await one.shows("'1' was dropped")
        one.type(F2 + "2")
        assert await the_answer(claude) == ("2", "")


async def test_a_chosen_card_takes_its_keys_beside_a_draft(gateway: Gateway) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        await opened(claude)
        await one.shows("claude asks: F2")
        one.type("half a line")
        await composer(one, "half a line")
        one.type(F2 + "2")
        assert await the_answer(claude) == ("2", "")
        await composer(one, "half a line")


@pytest.mark.parametrize("way", ["key", "command", "command with because"])
async def test_a_refusal_with_words(gateway: Gateway, way: str) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        await opened(claude)
        await one.shows("claude asks: F2")
        if way == "key":
            one.type(F2 + "w")
            await composer(one, "/deny claude because ")
            one.enter("it is Friday")
        else:
            one.enter(f"/deny claude {'because ' if 'because' in way else ''}it is Friday")
        assert await the_answer(claude) == ("deny", "it is Friday")
        await one.shows("alice answered: No, because it is Friday")


async def test_an_unfolded_card_that_is_refused_with_words_gives_way_to_the_newest(gateway: Gateway) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator, columns=60, lines=8) as one:
        await opened(claude)
        await one.shows("F2 F3")
        one.type(F2 + F3 + "w")
        await composer(one, "/deny claude because ")
        one.enter("it is Friday")
        assert await the_answer(claude) == ("deny", "it is Friday")
        await one.shows("alice answered: No", "because it is", "Friday")
        assert one.screen.port.is_following


async def test_words_that_would_not_reach_the_model_are_refused(gateway: Gateway) -> None:
    plain = OpenAsk(digest="1" * 16, question="Go?", options=QUESTION.options, allow="1", deny="3")
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        await opened(claude, plain)
        await one.shows("claude asks: F2")
        one.enter("/deny claude because no")
        await one.shows("This question cannot be refused with words", "> /deny claude because no")
        one.type("\x03" + F2 + "w")
        await composer(one, "w")


async def test_a_line_begun_for_one_question_does_not_answer_the_next(gateway: Gateway) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        await opened(claude)
        await one.shows("claude asks: F2")
        one.type("/approve clau")
        await composer(one, "/approve clau")
        await opened(claude, OpenAsk(digest="f" * 16, question="Delete all?", options=QUESTION.options, allow="1"))
        await one.shows("Delete all?")
        one.enter("de")
        await one.shows("claude has another question now", "> /approve claude")
        one.type("\r")
        assert await the_answer(claude) == ("allow", "")


async def test_whoever_may_not_answer_is_told_who_may(gateway: Gateway) -> None:
    bob = await gateway.member("bob", MemberKind.HUMAN)
    async with agent(gateway) as claude, drive_chat(bob) as one:
        await opened(claude)
        await one.shows("claude asks: Do you want to proceed?", "alice may answer")
        assert "F2 to answer" not in one.text
        one.type(F2 + "1")
        await one.shows("takes no '1'")


async def test_what_cannot_be_read_offers_no_answer(gateway: Gateway) -> None:
    unread = OpenAsk(digest="2" * 16, question="It asks something.", readable=False, detail=COMMAND, tool="Bash")
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        await opened(claude, unread)
        await one.shows("rm -rf ./build", "Not all of this dialog", "Answer it in claude's terminal")
        assert "/approve" not in one.text and "F2" not in one.text


async def test_the_list_of_agents_tells_what_each_asks_for(gateway: Gateway) -> None:
    async with agent(gateway) as claude, drive_chat(gateway.operator) as one:
        await opened(claude)
        await one.shows("claude asks: F2")
        one.enter("/agents")
        await one.shows("Who is here", "asked to run rm -rf ./build")


async def test_what_was_answered_stays_through_rooms_and_a_new_start(gateway: Gateway) -> None:
    async with agent(gateway) as claude, Client(gateway.operator) as alice:
        number = await opened(claude)
        await alice.request(AnswerAsk(member="claude", answer="1"), Done)
        await closed(claude, number, AskState.ANSWERED)
        await alice.request(CreateRoom(room="design"), Done)
        async with drive_chat(gateway.operator, columns=200) as one:
            remains = ("claude asked to run `rm -rf ./build", "./deploy --prod` – alice answered: Yes")
            await one.shows(*remains)
            one.enter("/join design")
            await one.shows("#design")
            await one.hides(*remains)  # claude is not in this room
            one.enter("/join general")
            await one.shows(*remains)
