"""One question to a model that fails in all ways: what is passed on, counted, tried again and told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial

import pytest

from sidecar.connectors.answers import model_call
from sidecar.connectors.answers.model_call import CUT_TEXT, CallListener, ModelAnswer, ModelCall
from sidecar.connectors.connector_interface import ModelError, ModelQuestion, TokensUsed
from sidecar.connectors.vendors.api_keys import hide_key
from sidecar.connectors.vendors.http_failures import failure_of_connection, failure_of_status

QUESTION = ModelQuestion("", ())
Step = str | TokensUsed | Exception | None


class Scripted:
    """Answers each question by the next list of steps; None is a silence without end."""

    def __init__(self, *tries: list[Step]) -> None:
        self.tries = list(tries)

    async def answer(self, question: ModelQuestion) -> AsyncIterator[str | TokensUsed]:
        for step in self.tries.pop(0):
            if isinstance(step, Exception):
                raise step
            if step is None:
                await asyncio.Event().wait()
            else:
                yield step


class Heard:
    def __init__(self) -> None:
        self.story: list[str] = []
        self.pauses: list[float] = []

    async def rest(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def call(self, *tries: list[Step], patience_s: float = 60.0) -> ModelCall:
        listener = CallListener(self.story.append, lambda error, pause: self.story.append(f"broken: {error}"))
        return ModelCall(
            Scripted(*tries), listener, patience_s, lambda: 1.0, self.rest, lambda text: text.replace("KEY", "(hidden)")
        )


BUSY = ModelError("busy", is_temporary=True)


@pytest.mark.parametrize(
    ("tries", "answer", "story"),
    [
        ([["one", " two", TokensUsed(10, 2)]], ModelAnswer("one two", 12), ["one", " two"]),
        ([["one", TokensUsed(10), "", TokensUsed(0, 5)]], ModelAnswer("one", 15), ["one"]),
        ([["one", TokensUsed(10, 2), TokensUsed(is_cut=True)]], ModelAnswer("one" + CUT_TEXT, 12), ["one"]),
        ([["half", TokensUsed(10, 1), BUSY], ["whole", TokensUsed(10, 2)]], ModelAnswer("whole", 23), None),
        ([[BUSY], [BUSY], ["whole"]], ModelAnswer("whole"), ["broken: busy", "broken: busy", "whole"]),
        ([[]], ModelAnswer(""), []),
        ([["one", TokensUsed(10, 10**30), TokensUsed(-5, 2)]], ModelAnswer("one", 12), None),
        ([["one", TokensUsed(None, "many")]], ModelAnswer("one"), None),  # type: ignore[arg-type]
    ],
)
async def test_answers(tries: list[list[Step]], answer: ModelAnswer, story: list[str] | None) -> None:
    heard = Heard()
    assert await heard.call(*tries).ask(QUESTION) == answer
    if story is not None:
        assert heard.story == story


@pytest.mark.parametrize(
    ("tries", "text", "pauses"),
    [
        ([[BUSY]] * 5, "busy; asked 5 times", [0.5, 1.0, 2.0, 4.0]),
        ([[ModelError("no: KEY")]], "no: (hidden)", []),
        ([[BUSY], [ModelError("no")]], "no; asked 2 times", [0.5]),
        ([[ValueError("KEY")]], "the connector failed; its sidecar.log says why", []),
    ],
)
async def test_failures(tries: list[list[Step]], text: str, pauses: list[float]) -> None:
    heard = Heard()
    with pytest.raises(ModelError) as found:
        await heard.call(*tries).ask(QUESTION)
    assert str(found.value) == text
    assert heard.pauses == pauses


async def test_a_silent_model_is_asked_again() -> None:
    heard = Heard()
    assert await heard.call(["half", None], ["whole"], patience_s=0.01).ask(QUESTION) == ModelAnswer("whole")
    assert heard.story == ["half", "broken: the model has said nothing for 0.01 s", "whole"]


async def test_an_answer_without_end_is_cut() -> None:
    heard = Heard()
    answer = await heard.call(["x" * 600_000, "y" * 600_000, "never read", BUSY]).ask(QUESTION)
    assert answer.text.endswith("y" + CUT_TEXT)
    assert len(heard.story) == 2


@pytest.mark.parametrize("said_before", range(150, 210, 7))
async def test_no_half_of_a_key_is_told(said_before: int) -> None:
    """Wherever the text is cut: the key is hidden before."""
    key = "0123456789abcdefghijklmnopqrstuvwxyz0123456789"
    for failure in (
        failure_of_status("The server", 401, "x" * said_before + key, {}, datetime.now(UTC)),
        failure_of_connection("The server", OSError("x" * said_before + key)),
    ):
        refusals: list[list[str | TokensUsed | Exception | None]] = [[failure] for _ in range(5)]
        call = Heard().call(*refusals)
        call.clean = partial(hide_key, key=key)
        with pytest.raises(ModelError) as found:
            await call.ask(QUESTION)
        assert key[:8] not in str(found.value)


async def test_the_log_has_the_whole_reason_of_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    told = list[str]()
    monkeypatch.setattr(model_call.log, "error", lambda event, trace: told.append(trace))
    with pytest.raises(ModelError):
        await Heard().call([ValueError("why it failed, KEY")]).ask(QUESTION)
    assert told[0].rstrip().endswith("ValueError: why it failed, (hidden)")
