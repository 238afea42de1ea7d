"""When the chat tells the gateway how far its person has been shown a room."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from controller.chat.session import read_position_reporter
from controller.chat.session.read_position_reporter import ReadReporter
from controller.view.state.chat_state import ChatState
from gateway.protocol.errors import Forbidden, GroupChatError
from gateway.protocol.events import Message
from gateway.protocol.requests.mark_requests import MarkRead
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import MessageKind
from tests.controller.streams import STAMP, agent, welcome
from tests.fakes.retry import retry_until


@dataclass
class FakeClient:
    told: list[tuple[str, int]] = field(default_factory=list)
    refusal: GroupChatError | None = None

    async def request(self, request: MarkRead, result_type: type[Done]) -> Done:
        self.told.append((request.room, request.message))
        if self.refusal is not None:
            raise self.refusal
        return Done()


def said(seq: int, sender: str) -> Message:
    return Message(seq, f"m{seq}", "general", sender, ("@all",), MessageKind.CHAT, "x", STAMP)


class Scene:
    def __init__(self) -> None:
        self.client, self.state = FakeClient(), ChatState("alice")
        self.state.take(welcome(agent("ada")), 0)
        self.state.show((), more_before=False, at_tail=True)
        anyone: Any = self.client
        self.reporter = ReadReporter(anyone, self.state)

    def shows(self, *messages: Message) -> None:
        for message in messages:
            self.state.take(message, 0)
        self.state.mark_read()
        self.reporter.note_shown()


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_position_reporter, "REPORT_INTERVAL_S", 0.05)


async def test_the_answer_of_an_agent_is_told_once_and_a_persons_words_are_not() -> None:
    scene = Scene()
    scene.shows(said(1, "bob"))
    scene.shows(said(2, "ada"))
    scene.shows()
    await retry_until(lambda: scene.client.told == [("general", 2)])
    scene.shows(said(3, "bob"))
    scene.shows(said(4, "ada"), said(5, "ada"), said(6, "bob"))
    await retry_until(lambda: scene.client.told == [("general", 2), ("general", 6)])


async def test_what_is_not_in_sight_is_not_told() -> None:
    scene = Scene()
    scene.state.stream.at_tail = False
    scene.shows(said(1, "ada"))
    assert scene.client.told == []


async def test_a_refusal_ends_nothing() -> None:
    scene = Scene()
    scene.client.refusal = Forbidden("read-only")
    scene.shows(said(1, "ada"))
    await retry_until(lambda: len(scene.client.told) == 1)
    scene.shows(said(2, "ada"))
    await retry_until(lambda: len(scene.client.told) == 2)
