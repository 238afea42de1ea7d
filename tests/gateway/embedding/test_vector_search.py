"""Recall with an embedding model, over a real endpoint: vectors are made in the background, kept, and bounded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.client import Client, HttpClient
from gateway.embedding.embedder import EmbeddingFailed
from gateway.embedding.endpoint import EmbeddingEndpoint
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.message_requests import Recall
from gateway.protocol.requests.room_requests import CreateRoom
from gateway.protocol.results import Done, Recalled
from gateway.recall.vector_codes import pack_vector
from gateway.recall.vector_index import VectorIndex
from gateway.runtime.config import Config
from tests.fakes.models.embeddings import EmbeddingModel, embedding_model
from tests.fakes.retry import retry_until
from tests.support.gateways import Gateway, gateway_in_process


@pytest.fixture
async def model() -> AsyncIterator[EmbeddingModel]:
    async with embedding_model() as running:
        yield running


async def until_made(gateway: Gateway, count: int) -> None:
    def done() -> bool:
        progress = gateway.hub.vectors.progress if gateway.hub.vectors is not None else None
        return progress is not None and progress.made >= count and not progress.waiting

    await retry_until(done)


async def recalled(gateway: Gateway, question: str) -> Recalled:
    async with HttpClient(gateway.operator) as client:
        return await client.ask(Recall(question=question), Recalled)


def numbers(found: Recalled) -> list[int]:
    return [one.seq for passage in found.passages for one in passage.messages if one.found]


async def test_what_shares_no_word_is_found_by_its_vector(tmp_path: Path, model: EmbeddingModel) -> None:
    async with gateway_in_process(tmp_path, embed=model.url, embed_model="letters") as gateway:
        async with Client(gateway.operator) as client:
            wanted = (await client.send("redeployments happen on Tuesdays")).seq
            for number in range(8):
                await client.send(f"lunch at {number}")
        await until_made(gateway, 9)
        found = await recalled(gateway, "deployment?")
        assert numbers(found)[0] == wanted
        assert found.vectors is not None and (found.vectors.waiting, found.vectors.trouble) == (0, "")
    async with gateway_in_process(tmp_path) as gateway:
        assert numbers(await recalled(gateway, "deployment?")) == []


async def test_a_restart_goes_on_where_it_was_and_another_model_starts_over(
    tmp_path: Path, model: EmbeddingModel
) -> None:
    async with gateway_in_process(tmp_path) as gateway, Client(gateway.operator) as client:
        for number in range(80):
            await client.send(f"old message {number}")
    async with gateway_in_process(tmp_path, embed=model.url, embed_model="letters") as gateway:
        await until_made(gateway, 80)
    first = sum(map(len, model.asked))
    async with gateway_in_process(tmp_path, embed=model.url, embed_model="letters") as gateway:
        async with Client(gateway.operator) as client:
            await client.send("a new one")
        await until_made(gateway, 81)
        assert sum(map(len, model.asked)) - first <= 2, "only the new message, and a notice of the start at most"
    model.asked.clear()
    async with gateway_in_process(tmp_path, embed=model.url, embed_model="other") as gateway:
        await until_made(gateway, 81)
    assert sum(map(len, model.asked)) >= 81
    assert max(map(len, model.asked)) <= 32


async def test_direct_messages_are_never_sent_to_the_model(tmp_path: Path, model: EmbeddingModel) -> None:
    async with gateway_in_process(tmp_path, embed=model.url, embed_model="letters") as gateway:
        await gateway.member("ben")
        async with Client(gateway.operator) as client:
            await client.send("a secret", to=("@ben",))
            await client.send("in public")
        await until_made(gateway, 1)
    texts = [text for batch in model.asked for text in batch]
    assert "in public" in texts and "a secret" not in texts


async def test_others_rooms_are_not_found_by_vectors_either(tmp_path: Path, model: EmbeddingModel) -> None:
    async with gateway_in_process(tmp_path, embed=model.url, embed_model="letters") as gateway:
        eve = await gateway.member("eve")
        async with Client(gateway.operator) as client:
            await client.request(CreateRoom(room="vault", invite_only=True), Done)
            hidden = (await client.send("redeployments happen on Tuesdays", room="vault")).seq
        await until_made(gateway, 1)
        assert numbers(await recalled(gateway, "deployment?")) == [hidden]
        async with HttpClient(eve) as client:
            assert numbers(await client.ask(Recall(question="deployment?"), Recalled)) == []


async def test_while_the_model_is_away_words_answer_and_the_reader_is_told(
    tmp_path: Path, model: EmbeddingModel
) -> None:
    async with gateway_in_process(tmp_path, embed=model.url, embed_model="letters") as gateway:
        async with Client(gateway.operator) as client:
            number = (await client.send("the gateway was deployed")).seq
            await until_made(gateway, 1)
            model.refusal = 503
            found = await recalled(gateway, "was it deployed?")
            assert numbers(found) == [number]
            assert found.vectors is not None and "503" in found.vectors.trouble and "come back" in found.vectors.trouble
            later = (await client.send("deployed again")).seq
            model.refusal = 0
            await until_made(gateway, 2)
        assert later in numbers(await recalled(gateway, "redeployment"))


async def test_a_text_that_is_too_long_for_the_model_keeps_no_other_from_having_its_vector(
    tmp_path: Path, model: EmbeddingModel
) -> None:
    model.longest = 300
    async with gateway_in_process(tmp_path, embed=model.url, embed_model="letters") as gateway:
        async with Client(gateway.operator) as client:
            wanted = (await client.send("redeployments happen on Tuesdays")).seq
            long = (await client.send("a quarterly budget " + "and so on " * 100)).seq
        await until_made(gateway, 2)
        assert numbers(await recalled(gateway, "deployment?"))[0] == wanted
        assert numbers(await recalled(gateway, "budgets?"))[0] == long, "its beginning counts"


async def test_a_model_that_refuses_everything_is_asked_again_later(tmp_path: Path, model: EmbeddingModel) -> None:
    model.refusal = 400
    async with gateway_in_process(tmp_path, embed=model.url, embed_model="letters") as gateway:
        async with Client(gateway.operator) as client:
            await client.send("redeployments happen on Tuesdays")
            await retry_until(lambda: gateway.hub.vectors is not None and "400" in gateway.hub.vectors.progress.trouble)
            model.refusal = 0
        await until_made(gateway, 1)


async def test_a_model_of_more_dimensions_under_the_same_name_finds_nothing_by_vectors() -> None:
    index = VectorIndex(10)
    index.add(1, "general", pack_vector([1.0, -1.0]))
    assert index.nearest(pack_vector([-1.0] * 8), None, 5) == []


async def test_the_key_travels_in_a_header_and_bad_answers_are_errors(model: EmbeddingModel) -> None:
    async with EmbeddingEndpoint(model.url, "letters", "k-1") as endpoint:
        assert len(await endpoint.embed(["a", "b"], 60)) == 2
        assert model.keys == ["Bearer k-1"]
    async with EmbeddingEndpoint(model.url + "/nowhere", "letters") as endpoint:
        with pytest.raises(EmbeddingFailed, match="404"):
            await endpoint.embed(["a"], 60)
    async with EmbeddingEndpoint("http://127.0.0.1:9/v1", "letters") as endpoint:
        with pytest.raises(EmbeddingFailed, match="cannot be reached"):
            await endpoint.embed(["a"], 60)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"embed": "http://127.0.0.1:1/v1"}, "--embed-model"),
        ({"embed": "http://", "embed_model": "m"}, "takes the address"),
        ({"embed": "http://192.0.2.1/v1", "embed_model": "m"}, "unencrypted"),
    ],
)
def test_an_address_that_would_not_do_is_refused_at_the_start(changes: dict[str, str], words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        Config(state=Path(), **changes)  # type: ignore[arg-type]
    assert "secret" not in repr(Config(state=Path(), embed_key="secret"))
