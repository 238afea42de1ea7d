"""A message of the chat waits as long as the gateway is away."""

from __future__ import annotations

from typing import Any, cast

import pytest

from controller.chat.session.patient_sending import send_across_outages
from gateway.client import Client
from gateway.protocol.errors import Forbidden, GroupChatError, TimedOut
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.results import Accepted


class AwayForAWhile:
    """A client whose gateway answers at last."""

    def __init__(self, *answers: GroupChatError | Accepted) -> None:
        self._answers = list(answers)
        self.sent: list[Send] = []

    async def request(self, request: Send, kind: type[Any], *, timeout: float | None = None) -> Any:
        self.sent.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, GroupChatError):
            raise answer
        return answer


async def test_the_same_message_is_sent_until_it_is_taken() -> None:
    client = AwayForAWhile(TimedOut("away"), TimedOut("still away"), Accepted(7))
    done = await send_across_outages(cast("Client", client), Send(content="hello", id="m1"))
    assert done.seq == 7
    assert [one.id for one in client.sent] == ["m1", "m1", "m1"]


async def test_what_is_refused_is_not_sent_again() -> None:
    client = AwayForAWhile(Forbidden("no"))
    with pytest.raises(Forbidden):
        await send_across_outages(cast("Client", client), Send(content="hello", id="m1"))
    assert len(client.sent) == 1
