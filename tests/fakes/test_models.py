"""The loopback models: what they make of requests, and how they answer over a real socket."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from tests.fakes.models.anthropic import Anthropic
from tests.fakes.models.gemini import Gemini
from tests.fakes.models.model import Model, Seen
from tests.fakes.models.openai import OpenAI
from tests.fakes.models.script import Dialect, Json, Kind, Reply, ToolCall
from tests.fakes.retry import retry_until

GEMINI_TURN = "/v1beta/models/gemini-3.8-flash:streamGenerateContent"
GEMINI_SIDE = "/v1beta/models/gemini-3.5-flash-lite:generateContent"


def claude(*content: Json | str, role: str = "user") -> Json:
    blocks = [{"type": "text", "text": block} if isinstance(block, str) else block for block in content]
    return {"stream": True, "tools": [{}], "messages": [{"role": role, "content": blocks}]}


def codex(*items: Json | str) -> Json:
    def item(text: str) -> Json:
        return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}

    return {"input": [item(one) if isinstance(one, str) else one for one in items]}


def gemini(*parts: Json) -> Json:
    return {"contents": [{"role": "user", "parts": list(parts)}]}


ANSWERED = {"type": "message", "role": "assistant", "content": []}
INTERRUPTED = "[Request interrupted by user for tool use]"
TOOL_RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "done"}


@pytest.mark.parametrize(
    ("dialect", "path", "body", "kind", "texts"),
    [
        (Anthropic(), "/v1/messages", claude("hi"), Kind.TURN, ("hi",)),
        (Anthropic(), "/v1/messages", claude("<system-reminder>x", "a", "b"), Kind.TURN, ("a", "b")),
        (Anthropic(), "/v1/messages", claude(TOOL_RESULT), Kind.CONTINUATION, ()),
        (Anthropic(), "/v1/messages", claude(TOOL_RESULT, "<system-reminder>x"), Kind.CONTINUATION, ()),
        (Anthropic(), "/v1/messages", claude(TOOL_RESULT, INTERRUPTED, "hi"), Kind.TURN, ("hi",)),
        (Anthropic(), "/v1/messages", {"messages": [{"role": "user", "content": "hi"}]}, Kind.SIDE, ()),
        (Anthropic(), "/v1/messages/count_tokens", {}, Kind.UNKNOWN, ()),
        (OpenAI(), "/v1/responses", codex("<environment_context>", "hi"), Kind.TURN, ("hi",)),
        (OpenAI(), "/v1/responses", codex("old", ANSWERED, "new"), Kind.TURN, ("new",)),
        (OpenAI(), "/v1/responses", codex("<turn_aborted>", "new"), Kind.TURN, ("new",)),
        (OpenAI(), "/v1/responses", codex("x", {"type": "function_call_output"}), Kind.CONTINUATION, ()),
        (OpenAI(), "/v1/responses", {"text": {"format": {"schema": {}}}}, Kind.SIDE, ()),
        (OpenAI(), "/v1/models", {}, Kind.UNKNOWN, ()),
        (Gemini(), GEMINI_TURN, gemini({"text": "<session_context>"}, {"text": "hi"}), Kind.TURN, ("hi",)),
        (Gemini(), GEMINI_TURN, gemini({"functionResponse": {}}), Kind.CONTINUATION, ()),
        (Gemini(), GEMINI_SIDE, gemini({"text": "hi"}), Kind.SIDE, ()),
        (Gemini(), "/v1beta/models", {}, Kind.UNKNOWN, ()),
    ],
)
def test_what_a_request_is(dialect: Dialect, path: str, body: Json, kind: Kind, texts: tuple[str, ...]) -> None:
    asked = dialect.read("POST", path, body)
    assert (asked.kind, asked.texts) == (kind, texts)


@pytest.mark.parametrize(
    ("dialect", "path", "body"),
    [
        (
            Anthropic(),
            "/v1/messages",
            {"tools": [{}], "messages": claude("old")["messages"] * 2 + claude("new")["messages"]},
        ),
        (OpenAI(), "/v1/responses", codex("old", ANSWERED, "old", ANSWERED, "new")),
        (
            Gemini(),
            GEMINI_TURN,
            {"contents": [*gemini({"text": "old"})["contents"] * 2, *gemini({"text": "new"})["contents"]]},
        ),
    ],
)
def test_all_that_the_user_ever_said_is_told_beside_what_is_new(dialect: Dialect, path: str, body: Json) -> None:
    asked = dialect.read("POST", path, body)
    assert asked.texts == ("new",)
    assert asked.spoken == ("old", "old", "new")


async def test_a_chooser_sees_each_request_and_a_forgetful_model_keeps_no_bodies() -> None:
    heard: list[str] = []

    def choose(seen: Seen) -> Reply:
        heard.extend(seen.asked.spoken)
        return Reply("chosen")

    async with (
        Model(Anthropic(), choose=choose, forgetful=True) as model,
        aiohttp.ClientSession() as session,
        session.post(f"{model.url}/v1/messages", json=claude("hi")) as response,
    ):
        assert "chosen" in await response.text()
    assert heard == ["hi"]
    assert [(seen.body, seen.asked.spoken, seen.asked.texts) for seen in model.seen] == [({}, (), ("hi",))]


async def test_what_failed_before_is_not_said_again() -> None:
    """Codex keeps the prompt of a turn that failed; for the next test it is still there."""
    async with Model(OpenAI()) as model, aiohttp.ClientSession() as session:

        async def asks(*items: Json | str) -> None:
            async with session.post(f"{model.url}/v1/responses", json=codex(*items)) as response:
                await response.read()

        model.script(Reply(status=400), Reply(status=400))
        await asks("hi")
        await asks("hi", "hi")
        assert model.prompts == ["hi", "hi"]
        model.forget()
        await asks("hi", "hi", "hello")
        await asks("hi", "hi", "hello", ANSWERED, "hello")
        assert model.prompts == ["hello", "hello"]


TURNS: list[tuple[Dialect, str, Json]] = [
    (Anthropic(), "/v1/messages", claude("hi")),
    (OpenAI(), "/v1/responses", codex("hi")),
    (Gemini(), GEMINI_TURN, gemini({"text": "hi"})),
]
each_dialect = pytest.mark.parametrize(("dialect", "path", "body"), TURNS, ids=["anthropic", "openai", "gemini"])


def events(stream: str) -> list[dict[str, Any]]:
    lines = stream.replace("\r\n", "\n").splitlines()
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


@each_dialect
async def test_a_reply_with_a_tool_call_streams_and_the_script_goes_on(dialect: Dialect, path: str, body: Json) -> None:
    async with Model(dialect) as model, aiohttp.ClientSession(model.url) as http:
        model.script(Reply("one two", seconds=0.05, tool=ToolCall("look", {"at": "ü"})), Reply("three"))
        first = await (await http.post(path, json=body)).text()
        second = await (await http.post(path, json=body)).text()
        assert [word in first for word in ("one", " two", "look", "three")] == [True, True, True, False]
        assert "three" in second
        assert all(events(first))
        assert model.prompts == ["hi", "hi"]
        seen = model.seen[0]
        assert seen.finished_at is not None
        assert seen.finished_at - seen.at >= 0.05


@each_dialect
async def test_a_reply_whose_last_word_waits_is_not_finished_before(dialect: Dialect, path: str, body: Json) -> None:
    async with Model(dialect) as model, aiohttp.ClientSession(model.url) as http:
        goes_on = asyncio.Event()
        model.script(Reply("one two three", until=goes_on))
        async with http.post(path, json=body) as response:
            heard = b""
            while b"two" not in heard:
                heard += await response.content.readany()
            assert b"three" not in heard and model.turns[0].finished_at is None
            goes_on.set()
            assert b"three" in await response.content.read()


@each_dialect
async def test_an_error_and_its_retry_count_as_one_prompt(dialect: Dialect, path: str, body: Json) -> None:
    async with Model(dialect) as model, aiohttp.ClientSession(model.url) as http:
        model.script(Reply(status=529), Reply(status=429))
        answers = [(await http.post(path, json=body)).status for _ in range(3)]
        assert answers == [529, 429, 200]
        assert (model.prompts, len(model.turns)) == (["hi"], 3)


@each_dialect
async def test_a_stalled_turn_that_is_given_up_is_seen_as_cut(dialect: Dialect, path: str, body: Json) -> None:
    async with Model(dialect) as model, aiohttp.ClientSession(model.url) as http:
        model.script(Reply(silence=600))
        asking = asyncio.ensure_future(http.post(path, json=body))  # noqa: TID251  cancelled below
        await retry_until(lambda: model.turns)
        asking.cancel()
        await retry_until(lambda: model.turns[0].cut)
        assert model.turns[0].finished_at is None


async def test_side_requests_get_an_answer_and_are_not_turns() -> None:
    async with Model(Anthropic()) as model, aiohttp.ClientSession(model.url) as http:
        body = {"output_config": {"format": {}}, "messages": [{"role": "user", "content": "name it"}]}
        answer = await (await http.post("/v1/messages", json=body)).json()
        assert json.loads(answer["content"][0]["text"]) == {"title": "A title"}
        assert (await http.head("/")).status == 200
        assert (await http.get("/v1/nothing")).status == 404
        assert (model.prompts, model.strangers) == ([], ["GET /v1/nothing"])


@pytest.mark.parametrize("text", ["", "one", "two words", "a\n b  c \n", "  x "])
def test_the_pieces_of_a_reply_are_the_reply(text: str) -> None:
    assert "".join(Reply(text).pieces()) == text
