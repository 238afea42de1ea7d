"""Modes on a gateway that is killed repeatedly: they continue where they were."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.client import Client, Endpoint
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.requests.message_requests import History, Send
from gateway.protocol.requests.mode_requests import GetMode, SetMode
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Accepted, MessageList, ModeStanding, TokenMade
from gateway.protocol.types.core_types import MessageKind
from gateway.runtime.mode_files import built_in_modes
from tests.end_to_end.desk_session import DEMO, Session, a_session, children_of, kill_program_of
from tests.support.gateways import GatewayProcess

AGENTS = ("ann", "bob", "cy")
T = TypeVar("T")

ANSWERS: dict[str, list[str]] = {
    "round-robin": ["1", "2", "3"],
    "debate": ["1", "2", "3", "4", "5", "6", "in short"],
    "consensus": ["A?", "B?", "C?", "4", "5", "6", "VOTE: B", "VOTE: A", "VOTE: B"],
    "salomo": ["thesis", "no\n[CONTINUE]", "mend it\n[CONTINUE]", "better", "yes\n[LGTM]"],
    "review": ["draft", "[LGTM]", "[CONTINUE]", "mended", "[LGTM]", "[LGTM]"],
    "pipeline": ["found", "coded", "reviewed", "out"],
    "autopilot": ["@cy go", "gone", "NEXT: bob", "done", "[DONE]"],
}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path / "state").running() as process:
        yield process


async def ask(where: Endpoint, request: Request, kind: type[T], hello: Hello | None = None) -> T:
    async with Client(where, hello or Hello()) as client:
        return await client.request(request, kind)


async def members(gateway: GatewayProcess) -> dict[str, Endpoint]:
    found = {}
    for name in AGENTS:
        made = await ask(gateway.operator, CreateToken(name=name), TokenMade)
        found[name] = Endpoint(gateway.url, made.token)
        async with Client(found[name], Hello(inbox=True)):
            pass
    return found


async def history(gateway: GatewayProcess) -> list[Message]:
    return [*reversed((await ask(gateway.operator, History(limit=200), MessageList)).messages)]


def test_each_mode_is_played() -> None:
    assert set(ANSWERS) == set(built_in_modes())


@pytest.mark.parametrize("mode", sorted(ANSWERS))
async def test_a_gateway_that_is_killed_after_each_turn(gateway: GatewayProcess, mode: str) -> None:
    """Half of the answers are sent a second time, because the first may have arrived."""
    agents = await members(gateway)
    await ask(gateway.operator, SetMode(mode=mode, topic="tabs"), ModeStanding)
    speakers: list[str] = []
    for number, text in enumerate(ANSWERS[mode]):
        floor = (await ask(gateway.operator, GetMode(), ModeStanding)).floor
        speakers.append(floor.speaker)
        said = Send(content=text, id=f"turn-{number}")
        await ask(agents[floor.speaker], said, Accepted)
        if number % 3 == 1:
            gateway.kill()
            gateway.start()
            assert (await ask(agents[floor.speaker], said, Accepted)).duplicate
    messages = await history(gateway)
    assert messages[-1].content == f"{mode.upper()} complete."
    prompts = [one for one in messages if one.kind is MessageKind.TASK]
    assert [one.deliveries for one in prompts] == [(name,) for name in speakers]
    assert [one.content for one in messages if one.kind is MessageKind.CHAT] == ANSWERS[mode]
    assert (await ask(gateway.operator, GetMode(), ModeStanding)).floor.mode == "freeform"


async def test_a_silent_speaker_is_passed_over_by_the_gateway_that_was_started_anew(tmp_path: Path) -> None:
    patience = {"CSP_TURN_WARN_MS": "300", "CSP_TURN_TIMEOUT_MS": "900"}
    with GatewayProcess(tmp_path / "state", env=patience).running() as gateway:
        await members(gateway)
        await ask(gateway.operator, SetMode(mode="round-robin", topic="tabs"), ModeStanding)
        gateway.kill()
        gateway.start()
        async with Client(gateway.operator, Hello(since=0)) as client:
            heard = [one.content async for one in until(client, "ROUND-ROBIN complete.") if one.kind == "system"]
    assert [one for one in heard if "TIMEOUT" in one] == [
        f"[TIMEOUT] @{name} did not respond. Advancing turn." for name in AGENTS
    ]


async def until(client: Client, text: str) -> AsyncIterator[Message]:
    async for event in client.events():
        if isinstance(event, Message):
            yield event
            if event.content == text:
                return


# with agents at terminals


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[Session]:
    async with a_session(tmp_path) as one:
        yield one


TURN = """
[[turn]]
match = ""
manner = "slow 4"
answer = "That is my turn."
"""


def started(session: Session) -> None:
    """Demo agents that take four seconds for each turn and are restarted after a crash."""
    script = session.folder / "script.toml"
    script.write_text(TURN)
    entries = [f'[[agents]]\nname = "{name}"\ncommand = "{DEMO} --script {script}"\n' for name in AGENTS]
    (session.folder / "team.toml").write_text("\n".join(entries))
    done = session.groupchat("up", "--yes", "--detach", "--json", "--port", "0")
    assert done.code == 0, done


def has_the_turn(session: Session) -> str:
    return str(session.groupchat("mode", "status", "--json").json["floor"].get("speaker", ""))


async def killed(session: Session, name: str, kill: Callable[[], object]) -> None:
    """Wait until this agent works on its turn."""
    await session.until(lambda: has_the_turn(session) == name and session.doing().get(name) == "busy", name)
    kill()


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
async def test_whatever_dies_a_round_goes_on(session: Session) -> None:
    """The gateway while ann speaks, bob's sidecar while bob speaks, cy's program while cy does."""
    started(session)
    begun = session.groupchat("mode", "round-robin", "tabs", "--rounds", "2", "--json")
    assert begun.json["floor"]["order"] == [*AGENTS]
    await killed(session, "ann", session.kill_gateway)
    assert session.groupchat("restart", "gateway").code == 0
    await killed(session, "bob", lambda: os.kill(children_of(session.pids()["bob"])[0], signal.SIGKILL))
    await killed(session, "cy", lambda: kill_program_of(session.pids()["cy"], "sidecar.demo_agent"))
    await session.until(lambda: session.said_by("system")[-1] == "ROUND-ROBIN complete.")
    told = "\n".join(session.said_by("system"))
    assert "TIMEOUT" not in told and "GONE" not in told
    for name in AGENTS:
        assert session.said_by(name) == ["That is my turn."] * 2, told
