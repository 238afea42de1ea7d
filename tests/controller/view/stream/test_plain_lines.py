"""What the plain chat says about each thing that happens."""

from __future__ import annotations

import pytest

from controller.view.approvals.question_view import QuestionView
from controller.view.state.stream_entries import Notice
from controller.view.stream.list_overlay import overlay_of_pairs
from controller.view.stream.plain_lines import overlay_lines, plain_lines
from gateway.client import ConnectionLost
from gateway.protocol.types.core_types import Option, Rung
from tests.controller.streams import receipt, said

ASK = QuestionView(7, "ada", "Proceed?", (Option("1", "Yes"), Option("2", "No")), allow="1", deny="2")


@pytest.mark.parametrize(
    ("what", "lines"),
    [
        (Notice("ada joined"), ["ada joined"]),
        (
            ASK,
            [
                "Question: ada asked: Proceed?",
                "  1: Yes",
                "  2: No",
                "Answer with /approve ada or /approve ada 1 or /deny ada.",
            ],
        ),
        (receipt(21, 16, Rung.HELD, "ada", "busy"), ["#16 for ada: held because busy"]),
        (receipt(21, 16, Rung.SEEN), []),
        (ConnectionLost("gone", 1.0), ["The gateway does not answer; reconnecting."]),
        (object(), []),
    ],
)
def test_each_thing_is_told_in_plain_lines(what: object, lines: list[str]) -> None:
    assert plain_lines(what, "alice", "general") == lines


def test_a_message_says_who_to_whom_and_its_number() -> None:
    message = said(20, "hello", "ada")
    (line,) = plain_lines(message, "alice", "general")
    assert line.startswith("ada to ") and ", #20" in line and line.endswith(": hello")
    (line,) = plain_lines(message, "ada", "lab")
    assert line.startswith("You to ") and " in general" in line


def test_a_list_is_a_title_and_lines() -> None:
    assert overlay_lines(overlay_of_pairs("Who is here", [("ada", "idle")])) == ["Who is here:", "ada idle"]
