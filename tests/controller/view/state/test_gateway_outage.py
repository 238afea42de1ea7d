"""Since when nothing is heard of the gateway, and what is said of it."""

from __future__ import annotations

import pytest

from controller.view.state.chat_state import ChatState
from controller.view.state.gateway_outage import Outage, extend_outage, outage_line
from controller.view.state.stream_entries import Notice
from controller.view.text.text_rows import width_of
from gateway.client import ConnectionLost
from tests.controller.streams import agent, said, welcome

HELP = "try /restart gateway"


@pytest.mark.parametrize(
    ("silence", "now", "unsent", "words"),
    [
        (Outage(0), 4, 0, "Gateway silent for 4 s"),
        (Outage(0), 4, 2, "Gateway silent for 4 s · 2 unsent"),
        (Outage(0), 5, 0, f"Gateway silent for 5 s · {HELP}"),
        (Outage(0, lost=True), 1, 0, "Reconnecting... 1 s"),
        (Outage(0, lost=True), 12, 1, f"Reconnecting... 12 s · 1 unsent · {HELP}"),
        (Outage(0, lost=True), 600, 0, f"Reconnecting... 10 min · {HELP}"),
        (Outage(0, lost=True), 90_000, 0, f"Reconnecting... 25 h · {HELP}"),
        (Outage(9, lost=True), 1, 0, "Reconnecting... 0 s"),
    ],
)
def test_the_status(silence: Outage, now: float, unsent: int, words: str) -> None:
    found = outage_line(silence, now, unsent, HELP)
    assert found == words
    assert width_of(found) <= 58


@pytest.mark.parametrize(
    ("asked", "heard", "now", "since"),
    [(10, 0, 12, None), (10, 0, 13, 10), (10, 0, 19, 10), (10, 12, 13, None), (10, 12, 16, 12)],
)
def test_a_question_without_an_answer(asked: float, heard: float, now: float, since: float | None) -> None:
    assert extend_outage(None, asked, heard, now) == (None if since is None else Outage(since))


def test_it_is_gone_since_it_was_silent() -> None:
    """A frozen gateway is lost late; what counts is since when it has said nothing."""
    chat = ChatState("alice")
    chat.take(welcome(agent("claude")), 0)
    chat.waits(10, 15)
    assert chat.silence == Outage(10) and not chat.away
    chat.take(ConnectionLost("no pong", 0.2), 40)
    chat.waits(10, 41)
    assert chat.silence == Outage(10, lost=True) and chat.away
    chat.take(welcome(agent("claude")), 60)
    assert lines(chat) == ["The gateway was away for 50 s; nothing was missed."]


@pytest.mark.parametrize("again", ["an answer", "an event"])
def test_a_frozen_gateway_that_goes_on_is_one_line(again: str) -> None:
    chat = ChatState("alice")
    chat.take(welcome(agent("claude")), 0)
    chat.waits(10, 15)
    if again == "an answer":
        chat.mark_answered(20)
    else:
        chat.take(said(1), 20)
        chat.waits(10, 20)
    assert chat.silence is None
    assert lines(chat) == ["The gateway did not answer for 10 s; nothing was missed."]


def test_a_short_pause_is_not_told() -> None:
    chat = ChatState("alice")
    chat.waits(10, 12)
    chat.mark_answered(12)
    assert chat.silence is None and lines(chat) == []


def lines(chat: ChatState) -> list[str]:
    return [one.text for one in chat.stream.entries.values() if isinstance(one, Notice)]
