"""Embedding with real processes: a gateway with a model in a folder, and the bar of `groupchat recall --wait`."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.client import Client
from tests.fakes.models.embeddings import EmbeddingModel, embedding_model
from tests.fakes.models.static_model import save_static_model
from tests.fakes.retry import retry_until
from tests.fakes.terminal import terminal
from tests.support.commands import Groupchat, end_of
from tests.support.gateways import DidNotStart, GatewayProcess

pytestmark = pytest.mark.processes

MESSAGES = 20 * 32


@pytest.fixture
async def slow_model() -> AsyncIterator[EmbeddingModel]:
    async with embedding_model() as running:
        yield running


async def say(gateway: GatewayProcess, *texts: str) -> None:
    async with Client(gateway.operator) as client:
        for text in texts:
            await client.send(text)


async def test_a_model_in_a_folder_finds_by_meaning_also_after_a_restart(tmp_path: Path) -> None:
    folder = save_static_model(tmp_path / "models" / "tiny")
    gateway = GatewayProcess(tmp_path / "state", env={"GROUPCHAT_EMBED": str(folder)})
    groupchat = Groupchat(gateway.state)
    with gateway.running():
        await say(gateway, "the automobile is in the garage", "lunch at noon", "it will rain")
        (best, *_) = groupchat("recall", "where is my car?", "--wait", "--json").json["passages"]
        assert best["messages"][0]["text"] == "the automobile is in the garage"
        assert groupchat("recall", "--wait").out == "The embedding model has read every message: 3 have a vector.\n"
        gateway.stop()
    with gateway.running():
        await say(gateway, "a physician called")
        assert groupchat("recall", "--wait", "--json").json == {"made": 4, "waiting": 0, "trouble": ""}
        assert "a physician called" in groupchat("recall", "doctor?").out


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_start_without_a_usable_model_ends_with_a_sentence(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "tiny"
    if damage == "damaged":
        (save_static_model(folder) / "model.safetensors").write_bytes(b"x")
    with pytest.raises(DidNotStart) as ended:
        GatewayProcess(tmp_path / "state", "--embed", str(folder)).start()
    told = json.loads(ended.value.log.strip().splitlines()[-1])["error"]
    assert told["code"] == "bad_request" and str(folder) in told["message"]
    assert (tmp_path / "state").exists() is (damage == "damaged"), "a folder that is none is refused before anything"


async def test_a_person_sees_a_bar_until_every_message_is_read(tmp_path: Path, slow_model: EmbeddingModel) -> None:
    slow_model.pause_s = 1.0  # so that there is a bar however late the command begins
    gateway = GatewayProcess(tmp_path / "state")
    with gateway.running():
        await say(gateway, *(f"message {number}" for number in range(MESSAGES)))
        gateway.stop()
    gateway = GatewayProcess(tmp_path / "state", "--embed", slow_model.url, "--embed-model", "letters")
    with gateway.running():
        groupchat = Groupchat(gateway.state)
        command = groupchat.command("recall", "--wait")
        environment = {**groupchat.environment, "TERM": "xterm-256color"}
        async with terminal(command, environment, columns=80, lines=24) as watched:
            await watched.shows("embedding")
            await watched.shows("/s")
            await watched.shows(" left")
            watched.write("\x03")
            assert await watched.ends() == 130
            assert "embedding" not in watched.screen
        async with terminal(command, environment, columns=80, lines=24) as watched:
            await watched.shows("[##")
            slow_model.pause_s = 0.0
            await watched.shows(f"every message: {MESSAGES} have a vector.")
            assert await watched.ends() == 0
        piped = await end_of(await groupchat.start("recall", "--wait", "--json"))
        assert piped == (0, f'{{"made":{MESSAGES},"waiting":0,"trouble":""}}\n', "")


async def test_waiting_says_that_there_is_no_model_or_that_it_fails(tmp_path: Path, slow_model: EmbeddingModel) -> None:
    slow_model.refusal = 503
    gateway = GatewayProcess(tmp_path / "state")
    groupchat = Groupchat(gateway.state)
    with gateway.running():
        await say(gateway, "the gateway was deployed")
        refused = groupchat("recall", "--wait")
        assert refused.code == 1 and "This gateway has no embedding model" in refused.err
        assert groupchat("recall", "--json").error["code"] == "bad_request"
        gateway.stop()
    gateway = GatewayProcess(tmp_path / "state", "--embed", slow_model.url, "--embed-model", "letters")
    with gateway.running():
        code, out, err = await end_of(await groupchat.start("recall", "deployed?", "--wait"))
        assert (code, out) == (1, "") and "503" in err and "1 messages wait for it; the gateway tries again" in err
        slow_model.refusal = 0
        await retry_until(lambda: slow_model.asked, 120)  # its pauses have grown while the command waited
        code, out, err = await end_of(await groupchat.start("recall", "deployed?", "--wait"))
        assert code == 0 and "the gateway was deployed" in out, err
