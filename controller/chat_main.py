"""Opens the chat in this terminal: connection, state, screen."""

from __future__ import annotations

import os
from pathlib import Path

from prompt_toolkit.input import Input
from prompt_toolkit.output import Output

from controller.chat import Chat, Hands, NoHands
from controller.chat_screen import Screen
from controller.chat_state import ChatState
from controller.team import ChatSpec
from gateway.client import Client, Endpoint, state_folder
from gateway.client.terminal import Context
from gateway.protocol.requests import Hello


async def chat(context: Context, spec: ChatSpec | None = None, hands: Hands | None = None) -> None:
    folder = state_folder(os.environ, context.state) / "chat"
    await open_chat(context.endpoint(), folder, spec or ChatSpec(), hands or NoHands())


async def open_chat(
    endpoint: Endpoint,
    folder: Path,
    spec: ChatSpec,
    hands: Hands,
    terminal: tuple[Input, Output] | None = None,
) -> None:
    async with Client(endpoint, Hello(echo=True), patient=True) as client:
        me = client.welcome.you.name
        talk = Chat(client, ChatState(me), hands, memory=folder / f"{me}.read")
        given, shown = terminal or (None, None)
        await Screen(talk, spec, history=folder / f"{me}.history", input=given, output=shown).run()
