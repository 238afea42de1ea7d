"""What history, search, receipts and listen print carries a date where it is not of today."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from controller.output.command_output import print_story
from controller.output.event_lines import Stream
from controller.output.mark_output import print_messages
from gateway.protocol.events import Message, Receipt
from gateway.protocol.results import MessageList, ReactionList, Story
from gateway.protocol.types.core_types import MessageKind, Rung, Step

NOW = datetime.now().astimezone()
LAST_YEAR = (NOW - timedelta(days=400)).replace(hour=12, minute=34)
DAY = LAST_YEAR.strftime("%Y-%m-%d")


def message(at: datetime) -> Message:
    return Message(
        seq=7,
        id="7",
        room="general",
        from_="alice",
        to=(),
        kind=MessageKind.CHAT,
        content="hello",
        timestamp=at.isoformat(),
        deliveries=("ada",),
    )


def steps(at: datetime) -> Receipt:
    return Receipt(8, "general", 7, "ada", (Step(Rung.SEEN, at.isoformat()),), at.isoformat())


def read(at: datetime) -> None:
    """As `history` and `search` print it."""
    print_messages(MessageList((message(at),)), ReactionList(()), as_json=False, rest="")


def story(at: datetime) -> None:
    print_story(Story(message=message(at), receipts=(steps(at),), deliveries=()), as_json=False)


def heard(at: datetime) -> None:
    Stream(as_json=False)(message(at))
    Stream(as_json=False)(steps(at))


@pytest.mark.parametrize(("show", "lines"), [(read, 1), (story, 3), (heard, 2)])
def test_each_line_of_another_day_has_its_date(
    show: Callable[[datetime], None], lines: int, capsys: pytest.CaptureFixture[str]
) -> None:
    show(LAST_YEAR)
    assert capsys.readouterr().out.count(f"{DAY} 12:34") == lines
    show(NOW)
    assert NOW.strftime("%Y-") not in capsys.readouterr().out
