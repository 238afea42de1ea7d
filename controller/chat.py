"""`groupchat chat`: the room as a stream, and a line to write on. The full screen comes with a later step."""

from __future__ import annotations

import asyncio

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.patch_stdout import patch_stdout

from controller import ask, show
from gateway.client import Client
from gateway.client.terminal import Context
from gateway.protocol.addressing import Command, parse_line
from gateway.protocol.errors import GroupChatError, UnknownCommand
from gateway.protocol.requests import AnswerAsk, Asks, Hello, History, Members, Pause, Resume
from gateway.protocol.results import Accepted, AskList, Done, MemberList, MessageList

RECENT = 20
COMMANDS = ("/agents", "/asks", "/approve", "/deny", "/pause", "/resume", "/help", "/quit")


async def chat(context: Context) -> None:
    async with Client(context.endpoint(), Hello(echo=True), patient=True) as client:
        names = [f"@{one.name}" for one in client.welcome.members]
        session: PromptSession[str] = PromptSession(
            f"{client.welcome.you.name} > ", completer=WordCompleter([*names, "@all", *COMMANDS], sentence=True)
        )
        with patch_stdout(raw=True):
            show.messages(await client.request(History(limit=RECENT), MessageList), as_json=False)
            listener = asyncio.get_running_loop().create_task(_listen(client), name="listen")
            try:
                await _talk(client, session)
            finally:
                listener.cancel()


async def _listen(client: Client) -> None:
    stream = show.Stream(as_json=False)
    async for event in client.events():
        stream(event)


async def _talk(client: Client, session: PromptSession[str]) -> None:
    while True:
        try:
            text = await session.prompt_async()
        except (EOFError, KeyboardInterrupt):
            return
        if text.strip() in ("/quit", "/exit"):
            return
        if text.strip():
            try:
                await _do(client, text)
            except GroupChatError as error:
                show.complaint(error)


async def _do(client: Client, text: str) -> None:
    line = parse_line(text)
    if not isinstance(line, Command):
        await client.request(ask.request_of(ask.Sending(text)), Accepted)
        return
    member = line.rest or None
    match line.word:
        case "pause":
            await client.request(Pause(member=member), Done)
        case "resume":
            await client.request(Resume(member=member), Done)
        case "agents":
            show.members(await client.request(Members(), MemberList), as_json=False)
        case "asks":
            show.asks(await client.request(Asks(), AskList), as_json=False)
        case "approve" | "deny":
            await client.request(_answer_of(line), Done)
        case "help":
            show.text("@name text, @all text, plain text, !urgent; " + ", ".join(COMMANDS))
        case _:
            raise UnknownCommand(f"There is no /{line.word}. Try {', '.join(COMMANDS)}.")


def _answer_of(line: Command) -> AnswerAsk:
    """`/approve NAME [OPTION]`, `/deny NAME`; what came of it is told in the room."""
    words = line.rest.split()
    if not words or len(words) > (2 if line.word == "approve" else 1):
        raise UnknownCommand("Say whose question: /approve NAME [OPTION], or /deny NAME.")
    plain = "allow" if line.word == "approve" else "deny"
    return AnswerAsk(member=words[0], answer=words[1] if len(words) > 1 else plain)
