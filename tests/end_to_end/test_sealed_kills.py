"""The sidecar or the gateway is killed in the middle of a sealed turn: the message is typed once, its answer comes once
and sealed, or its delivery fails as in a plain turn. Nothing of it is readable at the gateway."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.encryption.key_storage.key_files import list_keys
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.types.core_types import Rung
from sidecar.messages.recovery import TURN_LOST_TEXT
from sidecar.run_files.kept_answers_file import KEPT_ANSWERS_FILE
from tests.end_to_end.test_sealed_agent import SECRET, Lab, lab
from tests.end_to_end.test_sidecar_join import PATIENCE_S, environment, is_idle, port
from tests.fakes.retry import retry_until
from tests.support import warm
from tests.support.sealed_members import connected, replace_key

__all__ = ["port"]
pytestmark = pytest.mark.processes
ROOM, DIRECT = "vault", "general"


async def begin_turn(here: Lab, place: str, seconds: int) -> int:
    """Send a sealed message whose turn lasts this long, and wait until the agent has it."""
    number = await ask(here, place, f"slow {seconds} say {SECRET}")
    await retry_until(lambda: f"#{number}]" in conversation(here), PATIENCE_S)
    return number


async def ask(here: Lab, place: str, text: str) -> int:
    boss = here.boss.client
    if place == DIRECT:
        return (await boss.send_sealed(Send(content=text, to=("@demo",)))).seq
    if not boss.is_sealed_room(place):
        await boss.create_sealed_room(place)
        await boss.admit(place, "demo")
    return (await boss.send(f"@demo {text}", room=place)).seq


def conversation(here: Lab) -> str:
    """All that the agent was told, and said."""
    return "".join(path.read_text() for path in here.state.glob("sidecars/demo/demo-*.jsonl"))


async def kill_sidecar(here: Lab) -> None:
    """Its supervisor starts another one."""
    lock = here.state / "sidecars" / "demo" / "lock"
    first = int(lock.read_text())
    os.kill(first, signal.SIGKILL)
    await retry_until(lambda: lock.read_text() not in ("", str(first)), PATIENCE_S)


async def answers(here: Lab, number: int, place: str) -> list[Message]:
    """All answers to a message, after a later one was answered."""
    after = await here.answer_to(await ask(here, place, "say something else"))
    assert after.sealed is not None
    return [one for one in await here.boss.history(place) if one.reply_to == number]


def assert_typed_once_and_read_by_nobody(here: Lab, number: int) -> None:
    assert conversation(here).count(f"#{number}]") == 1
    assert here.readable_files() == []


async def assert_answered_once_and_sealed(here: Lab, number: int, place: str) -> None:
    first = await here.answer_to(number)
    assert (SECRET in first.content, first.sealed is not None) == (True, True)
    assert [one.seq for one in await answers(here, number, place)] == [first.seq]
    assert_typed_once_and_read_by_nobody(here, number)


@pytest.mark.parametrize("place", [ROOM, DIRECT])
async def test_a_sealed_turn_whose_sidecar_is_killed_fails_and_is_not_repeated(
    tmp_path: Path, port: int, place: str
) -> None:
    async with lab(tmp_path, port) as here:
        number = await begin_turn(here, place, 30)
        await kill_sidecar(here)
        failed = await here.receipt(number, Rung.FAILED)
        assert failed.steps[-1].reason == TURN_LOST_TEXT
        await is_idle(here.boss.client)
        assert await answers(here, number, place) == []
        assert_typed_once_and_read_by_nobody(here, number)


@pytest.mark.parametrize("place", [ROOM, DIRECT])
async def test_a_sealed_turn_outlives_a_killed_gateway(tmp_path: Path, port: int, place: str) -> None:
    async with lab(tmp_path, port) as here:
        number = await begin_turn(here, place, 3)
        here.kill_gateway()
        here.start_gateway()
        await assert_answered_once_and_sealed(here, number, place)


@pytest.mark.parametrize("place", [ROOM, DIRECT])
async def test_a_sealed_answer_that_was_never_sent_outlives_both(tmp_path: Path, port: int, place: str) -> None:
    async with lab(tmp_path, port) as here:
        number = await begin_turn(here, place, 3)
        here.kill_gateway()
        await retry_until(lambda: conversation(here).count(SECRET) > 1, PATIENCE_S)
        await kill_sidecar(here)
        here.start_gateway()
        await assert_answered_once_and_sealed(here, number, place)


async def stay(_: Lab) -> None:
    """The sidecar that kept the answer sends it."""


@pytest.mark.parametrize("before", [stay, kill_sidecar])
async def test_an_answer_that_waits_for_a_key_is_sent_once_when_the_key_is_trusted(
    tmp_path: Path, port: int, before: Callable[[Lab], Awaitable[None]]
) -> None:
    async with lab(tmp_path, port) as here:
        number = await begin_turn(here, DIRECT, 3)
        name, state = here.boss.name, here.boss.state
        kept = here.state / "sidecars" / "demo" / KEPT_ANSWERS_FILE
        replace_key(state, name)
        async with connected(here.boss.client.endpoint, state, name, Hello()) as here.boss:
            failed = await here.receipt(number, Rung.FAILED)
            assert "it cannot be sealed" in failed.steps[-1].reason
            assert kept.stat().st_mode & 0o777 == 0o600
            await before(here)
            fingerprint = list_keys(state, name)[-1].published.record.fingerprint
            trusted = warm.run(["key", "trust", name, fingerprint.hex()], environment(here.state), None, PATIENCE_S)
            assert trusted[0] == 0, trusted
            first = await here.answer_to(number)
            assert (SECRET in first.content, first.recipients) == (True, (name,))
            assert [one.seq for one in await answers(here, number, DIRECT)] == [first.seq]
            assert not kept.exists()
            assert_typed_once_and_read_by_nobody(here, number)
