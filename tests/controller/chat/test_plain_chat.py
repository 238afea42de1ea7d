"""The chat line by line: lines in, lines out, a real gateway behind."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from controller.chat.full_screen.keys import key_help
from controller.chat.plain_chat import PlainChat, PlainTerminal
from controller.chat.session.chat_session import Chat, ChatCallbacks
from controller.chat.session.pane_interface import NoPaneControl, PaneControl
from controller.view.state.chat_state import ChatState
from gateway.client import Client
from gateway.protocol.requests.approval_requests import OpenAsk
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import History
from gateway.protocol.requests.room_requests import CreateRoom
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import Option
from tests.controller.held_answers import HeldAnswers
from tests.controller.room_members import agent
from tests.fakes.retry import retry_until
from tests.support.gateways import Gateway


async def _no_pane_control() -> PaneControl:
    return NoPaneControl()


@dataclass
class Reader:
    """What is written, and what has been printed."""

    pipe: int
    client: Client
    running: asyncio.Task[None] = field(repr=False)
    lines: list[str]
    prompts: list[str]

    def write(self, line: str) -> None:
        os.write(self.pipe, f"{line}\n".encode())

    async def hears(self, *words: str) -> None:
        await retry_until(
            lambda: all(any(word in line for line in self.lines) for word in words), 15, describe=self.told
        )

    def told(self) -> str:
        return "\n".join([*self.lines, str(self.running)])


@asynccontextmanager
async def plain_chat(gateway: Gateway, before: Callable[[], Awaitable[object]] | None = None) -> AsyncIterator[Reader]:
    """`before`: what happens after the chat has connected, and before it asks for anything."""
    lines: list[str] = []
    prompts: list[str] = []
    source, pipe = os.pipe()
    async with Client(gateway.operator, Hello(echo=True)) as client:

        def make(callbacks: ChatCallbacks) -> Chat:
            return Chat(client, ChatState(client.welcome.you.name), _no_pane_control, callbacks, key_rows=key_help())

        if before is not None:
            await before()
        chat = PlainChat(make, PlainTerminal(source, lines.append, prompts.append))
        running = asyncio.get_running_loop().create_task(chat.run(), name="plain chat")
        try:
            yield Reader(pipe, client, running, lines, prompts)
        finally:
            os.close(pipe)
            await running
    os.close(source)


async def test_lines_are_said_and_heard(gateway: Gateway) -> None:
    async with agent(gateway), plain_chat(gateway) as one:
        await one.hears("Room general, 1 agent.")
        assert one.prompts[-1] == "alice in general: "
        one.write("@claude good morning")
        await one.hears("You to claude, #")
        one.write("/agents")
        await one.hears("Who is here:", "claude (coder) idle")
        one.write("@cluade hello")
        await one.hears("Error: Nobody here is called 'cluade'. Did you mean @claude")


async def test_a_question_is_a_numbered_list_and_is_answered_by_a_command(gateway: Gateway) -> None:
    async with agent(gateway) as claude, plain_chat(gateway) as one:
        await one.hears("Room general")
        options = (Option("1", "Yes"), Option("2", "No"))
        asks = OpenAsk(question="Proceed?", options=options, digest="digest-1", allow="1", deny="2")
        await claude.request(asks, Done)
        await one.hears("Question: claude asked: Proceed?", "  1: Yes", "  2: No", "Answer with /approve claude")
        one.write("/approve claude 1")
        await one.hears("Your answer goes to claude.")


async def test_a_new_room_has_none_of_the_agents(gateway: Gateway) -> None:
    async with agent(gateway), plain_chat(gateway) as one:
        await one.hears("Room general, 1 agent.")
        one.write("/create lab")
        await one.hears("Room lab, 0 agents.")


async def test_leaving_by_a_command(gateway: Gateway) -> None:
    async with plain_chat(gateway) as one:
        await one.hears("Room general")
        one.write("/quit")
        await retry_until(one.running.done)


async def test_what_is_said_while_a_room_is_entered_is_told_once(
    gateway: Gateway, bob: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bob.request(CreateRoom(room="lab"), Done)
    await bob.send("the first", room="lab")
    async with plain_chat(gateway) as one:
        await one.hears("Room general")
        held = HeldAnswers(monkeypatch, one.client, History)
        one.write("/join lab")
        await held.read.wait()
        await bob.send("the second", room="lab")
        await one.hears("the second")
        held.let_go.set()
        await one.hears("This is lab.")
        assert [line.rpartition(": ")[2] for line in one.lines if ", #" in line] == ["the second", "the first"]


async def test_what_is_said_while_the_chat_begins_is_told_once(gateway: Gateway, bob: Client) -> None:
    """Its event waits until the chat has loaded the page that holds it."""
    async with plain_chat(gateway, lambda: bob.send("good morning")) as one:
        await one.hears("Room general", "good morning")
        await bob.send("and now")
        await one.hears("and now")
        assert [line.rpartition(": ")[2] for line in one.lines if ", #" in line] == ["good morning", "and now"]
