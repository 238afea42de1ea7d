"""What others see of a sealed message: one sentence, the same in each view, and never an empty line."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.output.transcript_html import html_document
from controller.output.transcript_markdown import markdown_document
from controller.output.transcript_parts import session_parts
from gateway.client import Client
from gateway.dialects.message_conversion import plain_text
from gateway.mcp.result_text import message_text
from gateway.protocol.events import Message
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.results import Accepted, SessionDetail
from gateway.protocol.text.printable_text import SEALED_TEXT, readable_content
from gateway.protocol.types.core_types import MessageKind, Part
from gateway.protocol.types.session_types import Session
from tests.support.gateways import Gateway
from tests.support.sealed_rooms import sealed
from tests.support.simple import simple_client

STAMP = "2027-01-15T08:00:00.000Z"
PAGE = Path(__file__).parents[3] / "gateway" / "web" / "page"


def message(**fields: object) -> Message:
    shape: dict[str, object] = {"content": "", "sealed": sealed(0), **fields}
    return Message(7, "m-7", "general", "ann", ("@ben",), MessageKind.CHAT, timestamp=STAMP, **shape)  # type: ignore[arg-type]


def transcript(render: Callable[..., str], one: Message) -> str:
    return render(session_parts(SessionDetail(Session("work", 1, 1, "general", "ann", STAMP)), (), (one,)))


VIEWS: dict[str, Callable[[Message], str]] = {
    "plain text of a dialect": plain_text,
    "an agent's tool": lambda one: message_text(one, {}),
    "a transcript in Markdown": lambda one: transcript(markdown_document, one),
    "a transcript in HTML": lambda one: transcript(html_document, one).replace("&#x27;", "'").replace("&#39;", "'"),
}


@pytest.mark.parametrize("view", VIEWS)
def test_each_view_says_that_it_is_sealed(view: str) -> None:
    assert SEALED_TEXT in VIEWS[view](message())


def test_what_a_members_own_program_has_opened_is_shown() -> None:
    assert readable_content(message(content="opened")) == "opened"
    assert readable_content(message(content="", sealed=None, parts=(Part("file", "x"),))) == ""


def test_the_page_says_the_same() -> None:
    found = re.search(r'SEALED_TEXT = "(.*)"', (PAGE / "connection" / "sealed_texts.js").read_text())
    assert found is not None and found[1] == SEALED_TEXT


async def test_the_simple_interface(gateway: Gateway) -> None:
    peer = await gateway.member("peer")
    async with Client(gateway.operator) as alice, simple_client(gateway.url, peer.token) as simple:
        await alice.request(Send(content="", to="@peer", sealed=sealed(0)), Accepted)
        shown = await simple.history()
        assert [one["content"] for one in shown if one["from"].lower() == "alice"] == [SEALED_TEXT]
