"""What comes between a question of the chat and the gateway's answer: it is not lost, taken back or shown twice."""

from __future__ import annotations

import pytest

from gateway.client import Client
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import Unavailable
from gateway.protocol.requests.mark_requests import Pin, Pins
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.room_requests import CreateRoom, Join, Rooms, SetTopic
from gateway.protocol.results import Done
from tests.controller.chat_driver import drive_chat
from tests.controller.held_answers import HeldAnswers
from tests.support.gateways import Gateway


async def test_a_pin_that_is_taken_off_meanwhile_does_not_come_back(
    gateway: Gateway, bob: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = (await bob.send("keep this")).seq
    await bob.request(Pin(message=number), Done)
    async with drive_chat(gateway.operator) as one:
        await one.shows("keep this", "pinned")
        held = HeldAnswers(monkeypatch, one.chat.client, Pins)
        loading = spawn(one.chat.enter("general"), "enter")
        await held.read.wait()
        await bob.request(Pin(message=number, remove=True), Done)
        await one.hides("pinned")
        held.let_go.set()
        await loading
        assert number not in one.chat.state.marks.pinned


async def test_a_room_that_changes_while_the_rooms_are_listed_stays_changed(
    gateway: Gateway, bob: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bob.request(CreateRoom(room="lab", topic="mice"), Done)
    async with drive_chat(gateway.operator) as one:
        await one.chat.client.request(Join(room="lab"), Done)
        held = HeldAnswers(monkeypatch, one.chat.client, Rooms)
        loading = spawn(one.chat.enter("lab"), "enter")
        await held.read.wait()
        await bob.request(SetTopic(room="lab", topic="rats"), Done)
        await one.shows("#lab – rats")
        held.let_go.set()
        await loading
        assert one.chat.state.rooms["lab"].topic == "rats"


async def test_what_is_refused_after_the_person_went_on_is_not_written_into_the_other_room(
    gateway: Gateway, bob: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = (await bob.send("which disk?")).seq
    async with drive_chat(gateway.operator) as one:
        await one.shows("which disk?")
        held = HeldAnswers(monkeypatch, one.chat.client, Send, Unavailable("The disk is full."))
        one.enter(f"/reply {number} the second")
        await held.read.wait()
        one.enter("/create lab")
        await one.shows("lab is created")
        held.let_go.set()
        await one.shows("The disk is full.")
        assert (one.screen.buffer.text, one.chat.state.target) == ("", None)
        one.enter("/room general")
        await one.shows("✗ not sent: The disk is full.")
