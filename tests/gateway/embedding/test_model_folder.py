"""Recall with an embedding model in a folder, run by the real library: what it finds, and which folders are refused."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.embedding.embedder import EmbeddingFailed
from gateway.embedding.model_folder import load_model_folder
from gateway.protocol.errors import BadRequest
from gateway.recall.vector_codes import likeness
from gateway.runtime.config import Config
from gateway.server.config_options import config_from
from tests.fakes.models.static_model import MEANINGS, save_static_model
from tests.gateway.embedding.test_vector_search import numbers, recalled, until_made
from tests.support.gateways import gateway_in_process


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_static_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def folder(tmp_path: Path, saved: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "tiny"))


async def test_what_means_the_same_is_near_and_a_text_of_unknown_words_is_near_nothing(folder: Path) -> None:
    model = await load_model_folder(folder)
    car, vehicle, doctor, unknown = await model.embed(["a car", "the vehicle!", "doctor", "zzz"], 60)
    assert likeness(car, vehicle) > 0.9 and likeness(car, doctor) < 0.5
    assert not any(unknown)


async def test_a_question_finds_a_message_with_which_it_shares_no_word(tmp_path: Path, folder: Path) -> None:
    async with gateway_in_process(tmp_path / "state", embed=str(folder)) as gateway:
        await gateway.member("ben")
        async with Client(gateway.operator) as client:
            wanted = (await client.send("the automobile is in the garage")).seq
            secret = (await client.send("a vehicle for ben", to=("@ben",))).seq
            nothing = (await client.send("zzz")).seq
            for number in range(8):
                await client.send(f"lunch {number}")
        await until_made(gateway, 9)
        found = await recalled(gateway, "car?")
        assert numbers(found)[0] == wanted and not {secret, nothing} & set(numbers(found))
        assert found.vectors is not None and not found.vectors.trouble
        assert numbers(await recalled(gateway, "unheard of?")) == [], "the model knows nothing of the question"


async def test_a_restart_goes_on_and_a_model_that_was_changed_starts_over(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    monkeypatch.setattr("model2vec.StaticModel.encode", reading_into(read))
    state = tmp_path / "state"
    async with gateway_in_process(state, embed=str(folder)) as gateway:
        async with Client(gateway.operator) as client:
            for _ in range(40):
                await client.send("car and rain")
        await until_made(gateway, 40)
    for changed, most in ((False, 3), (True, 100)):
        read.clear()
        if changed:
            save_static_model(folder, MEANINGS, seed=2)
        async with gateway_in_process(state, embed=str(folder)) as gateway:
            await until_made(gateway, 40)
        assert len(read) <= most and (len(read) >= 40) is changed


def reading_into(read: list[str]) -> Callable[..., object]:
    import model2vec

    encode: Callable[..., object] = model2vec.StaticModel.encode

    def noted(model: object, texts: list[str], **how: object) -> object:
        read.extend(texts)
        return encode(model, texts, **how)

    return noted


async def test_texts_are_read_beside_the_loop_and_by_several_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = await load_model_folder(folder)
    seen: set[int] = set()
    encode: Callable[..., object] = model._static_model.encode

    def noted(*given: object, **how: object) -> object:
        seen.add(threading.get_ident())
        return encode(*given, **how)

    monkeypatch.setattr(model._static_model, "encode", noted)
    many: list[Awaitable[list[bytes]]] = [model.embed(["car and rain " * 400] * 32, 60) for _ in range(16)]
    found = await asyncio.gather(*many)
    assert {len(one) for one in found} == {32} and threading.get_ident() not in seen


async def test_nothing_is_asked_of_the_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*given: object) -> None:
        raise AssertionError(f"a connection to {given}")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    await (await load_model_folder(folder)).embed(["car"], 60)
    with pytest.raises(BadRequest, match="there is no folder"):
        await load_model_folder(Path("minishlab/potion-base-8M"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def swap_models(folder: Path) -> None:
    """The vectors of a model of fewer words."""
    other = save_static_model(folder.parent / "other", MEANINGS[:1])
    shutil.copy(other / "model.safetensors", folder)


def remove_files(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda folder: cut(folder / "model.safetensors"),
    "no vectors": lambda folder: (folder / "model.safetensors").write_bytes(b""),
    "half a tokenizer": lambda folder: cut(folder / "tokenizer.json"),
    "no configuration": lambda folder: (folder / "config.json").write_text("{"),
    "a file is missing": lambda folder: (folder / "tokenizer.json").unlink(),
    "empty": remove_files,
    "of two models": swap_models,
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_a_folder_without_a_whole_model_ends_the_start(tmp_path: Path, folder: Path, damage: str) -> None:
    DAMAGES[damage](folder)
    with pytest.raises(BadRequest, match=r"cannot be used \(.+\)\. The folder of a static model is needed") as refused:
        async with gateway_in_process(tmp_path / "state", embed=str(folder)):
            pytest.fail("it started")
    assert str(folder) in refused.value.message


async def test_a_model_that_fails_later_is_a_trouble_that_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = await load_model_folder(folder)
    monkeypatch.setattr(model, "_static_model", None)
    with pytest.raises(EmbeddingFailed, match="The embedding model failed"):
        await model.embed(["car"], 60)


@pytest.mark.parametrize("given", ["nowhere", "ftp://x", "~nobody/x"])
def test_a_folder_that_does_not_exist_is_refused_at_once(tmp_path: Path, given: str) -> None:
    with pytest.raises(BadRequest, match=r"the address of an endpoint, such as .+ or the folder of a model"):
        config_from(tmp_path, {"embed": given}, {}, "alice")


def test_without_the_library_a_sentence_says_how_to_install_it(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "model2vec", None)
    with pytest.raises(BadRequest, match=r"pip install 'llm-groupchat\[embeddings\]'"):
        config_from(tmp_path, {"embed": str(folder)}, {}, "alice")


def test_a_folder_may_be_relative_or_below_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder.parent))
    for given in (".", "../tiny", "~/tiny", str(folder)):
        assert config_from(folder, {"embed": given}, {}, "alice").embed_folder == folder
    assert Config(state=Path(), embed="HTTPS://example.org", embed_model="m").embed_folder is None
    assert Config(state=Path()).embed_folder is None
