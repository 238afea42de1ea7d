"""Each vendor's own SDK against a server on loopback that speaks its wire: what it is asked, what comes back, and how
its failures are told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from sidecar.connectors.connector_interface import (
    Connector,
    ConnectorSettings,
    ConversationTurn,
    ModelError,
    ModelQuestion,
    Speaker,
    TokensUsed,
    close_connector,
)
from sidecar.connectors.vendors.connector_table import CONNECTORS, make_connector
from tests.fakes.models.model import Model
from tests.fakes.models.script import Dialect, Json, Reply
from tests.fakes.models.without_tools import AnthropicWithoutTools, ChatWithoutTools, GeminiWithoutTools

pytestmark = pytest.mark.processes  # the SDKs ask the system what it is
KEY = "sk-secret-of-the-tests-0123456789"
QUESTION = ModelQuestion(
    "You are ada.",
    (
        ConversationTurn(Speaker.ROOM, "[bob -> ada #1] hi"),
        ConversationTurn(Speaker.MODEL, "hello"),
        ConversationTurn(Speaker.ROOM, "[bob -> ada #3] again"),
    ),
    77,
)


@dataclass(frozen=True)
class Wire:
    """`asked` are instructions, turns and limit as its request holds them."""

    dialect: Callable[[], Dialect]
    path: str
    asked: Callable[[Json], Any]
    used: TokensUsed


def _of_anthropic(body: Json) -> Any:
    return body["system"], [(one["role"], one["content"]) for one in body["messages"]], body["max_tokens"]


def _of_chat(body: Json) -> Any:
    first, *rest = body["messages"]
    assert first["role"] == "system"
    limit = body.get("max_tokens") or body["max_completion_tokens"]
    return first["content"], [(one["role"], one["content"]) for one in rest], limit


def _of_gemini(body: Json) -> Any:
    system = body["systemInstruction"]["parts"][0]["text"]
    said = [(one["role"].replace("model", "assistant"), one["parts"][0]["text"]) for one in body["contents"]]
    return system, said, body["generationConfig"]["maxOutputTokens"]


WIRES = {
    "anthropic": Wire(AnthropicWithoutTools, "", _of_anthropic, TokensUsed(100, 42)),
    "openai": Wire(ChatWithoutTools, "/v1", _of_chat, TokensUsed(100, 20)),
    "perplexity": Wire(ChatWithoutTools, "", _of_chat, TokensUsed(100, 20)),
    "openai-compatible": Wire(ChatWithoutTools, "/v1", _of_chat, TokensUsed(100, 20)),
    "gemini": Wire(GeminiWithoutTools, "", _of_gemini, TokensUsed(100, 10)),
}


def test_every_connector_has_a_wire_here() -> None:
    assert WIRES.keys() == CONNECTORS.keys()


@asynccontextmanager
async def connector(name: str, url: str) -> AsyncIterator[Connector]:
    made = make_connector(name, ConnectorSettings("fake-model", url + WIRES[name].path, KEY, 60.0))
    try:
        yield made
    finally:
        await close_connector(made)


async def answer_of(name: str, url: str) -> list[str | TokensUsed]:
    async with connector(name, url) as made:
        return [piece async for piece in made.answer(QUESTION)]


@pytest.mark.parametrize("name", WIRES)
async def test_an_answer_comes_in_pieces_with_its_tokens(name: str) -> None:
    async with Model(WIRES[name].dialect()) as model:
        model.script(Reply("one two three"))
        found = await answer_of(name, model.url)
    assert [piece for piece in found if isinstance(piece, str)] == ["one", " two", " three"]
    counted = [piece for piece in found if isinstance(piece, TokensUsed)]
    assert counted[-1] == WIRES[name].used
    (seen,) = model.seen
    assert WIRES[name].asked(seen.body) == (
        "You are ada.",
        [("user", "[bob -> ada #1] hi"), ("assistant", "hello"), ("user", "[bob -> ada #3] again")],
        77,
    )
    assert KEY not in seen.path


@pytest.mark.parametrize("name", WIRES)
@pytest.mark.parametrize(
    ("status", "is_temporary", "is_login"),
    [(429, True, False), (500, True, False), (503, True, False), (400, False, False), (401, False, True)],
)
async def test_a_refusal_is_told_once_with_what_the_server_says(
    name: str, status: int, is_temporary: bool, is_login: bool
) -> None:
    async with Model(WIRES[name].dialect()) as model:
        model.script(Reply(status=status, headers={"retry-after": "7"}))
        with pytest.raises(ModelError) as found:
            await answer_of(name, model.url)
    error = found.value
    assert (error.is_temporary, error.is_login) == (is_temporary, is_login)
    assert error.retry_after == (7 if is_temporary else None)
    assert f"answered {status}: " in str(error)
    assert f"scripted {status}" in str(error)
    assert KEY not in str(error)
    assert len(model.seen) == 1  # the SDK itself does not ask again


@pytest.mark.parametrize("name", WIRES)
async def test_an_answer_that_breaks_off_is_a_temporary_failure(name: str) -> None:
    async with Model(WIRES[name].dialect()) as model:
        model.script(Reply("one two three", breaks_after=2))
        with pytest.raises(ModelError) as found:
            await answer_of(name, model.url)
    assert found.value.is_temporary


@pytest.mark.parametrize("name", WIRES)
async def test_a_server_that_is_away_is_a_temporary_failure(name: str) -> None:
    with pytest.raises(ModelError) as found:
        await answer_of(name, "http://127.0.0.1:9")
    assert found.value.is_temporary
    assert "cannot be reached" in str(found.value)


@pytest.mark.parametrize("name", WIRES)
async def test_the_first_piece_comes_before_the_last_one_is_said(name: str) -> None:
    finish = asyncio.Event()
    async with Model(WIRES[name].dialect()) as model, connector(name, model.url) as made:
        model.script(Reply("one two", until=finish))
        async for piece in made.answer(QUESTION):
            if piece == "one":
                finish.set()
    assert finish.is_set()
