"""AgentChat 0.3 as documented, seen by a client that was written from the document alone.

The gateway is a process of its own, as in life. Each test has channels of its own.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from gateway.client import Client, Endpoint
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateToken, Members
from gateway.protocol.requests.message_requests import Poll, Receipts, Send
from gateway.protocol.requests.room_requests import CreateRoom, Join
from gateway.protocol.results import Accepted, Done, Inbox, MemberList, Story, TokenMade
from gateway.protocol.types.core_types import MemberKind, Rung
from tests.fakes.agentchat_client import Agent, Identity, agent_at, socket_at, verifies
from tests.support.gateways import GatewayProcess


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    state = tmp_path_factory.mktemp("agentchat") / "state"
    with GatewayProcess(state, "--listen", "agentchat=127.0.0.1:0").running() as running:
        yield running


@pytest.fixture
def url(process: GatewayProcess) -> str:
    return process.listeners["agentchat"]


@pytest.fixture
def channel() -> str:
    return f"#c{uuid4().hex[:8]}"


@pytest.fixture
async def scout(url: str, channel: str) -> AsyncIterator[Agent]:
    """The first in its channel."""
    async with agent_at(url, "scout") as agent:
        await agent.ask("JOINED", "CREATE_CHANNEL", channel=channel)
        yield agent


@pytest.fixture
async def miner(url: str, channel: str, scout: Agent) -> AsyncIterator[Agent]:
    async with agent_at(url, "miner", channel) as agent:
        yield agent


@pytest.fixture
async def alice(process: GatewayProcess) -> AsyncIterator[Client]:
    """The person at the gateway, in the room with a client of ours."""
    async with Client(process.operator, Hello()) as client:
        yield client


async def heard(client: Client, content: str) -> Message:
    async for event in client.events():
        if isinstance(event, Message) and event.content == content:
            return event
    raise AssertionError("the stream ended")


def without_time(frame: dict[str, object]) -> dict[str, object]:
    """Every frame has the time in milliseconds, of now."""
    assert isinstance(frame["ts"], int) and abs(time.time() * 1000 - frame["ts"]) < 60_000
    return {name: value for name, value in frame.items() if name != "ts"}


# who is who


async def test_identifying_gives_an_id_of_eight(url: str) -> None:
    async with agent_at(url, "scout") as first, agent_at(url, "scout") as second:
        for one in (first, second):
            (welcome,) = one.frames
            assert without_time(welcome) == {"type": "WELCOME", "agent_id": one.id, "server": "llm-groupchat"}
            assert re.fullmatch("@[a-z0-9]{8}", one.id)
        assert first.id != second.id


async def test_a_key_gives_the_same_id_each_time(url: str) -> None:
    identity = Identity()
    for _ in range(3):
        async with agent_at(url, "scout", identity=identity) as agent:
            assert agent.id == identity.id
            await agent.join("#general")


async def test_identifying_twice_is_refused(scout: Agent) -> None:
    assert await scout.refused("IDENTIFY", name="other") == ("INVALID_MSG", "Already identified")


async def test_the_same_key_twice_is_refused_and_the_first_stays(url: str) -> None:
    identity = Identity()
    async with agent_at(url, "scout", "#general", identity=identity) as first, socket_at(url, identity) as second:
        asked = await second.refused("IDENTIFY", name="scout", pubkey=identity.pubkey)
        assert asked == ("INVALID_MSG", "Agent with this identity already connected")
        assert await second.refused("JOIN", channel="#general") == await second.refused("JOIN", channel="#agents")
        assert second.of("ERROR")[-1]["code"] == "AUTH_REQUIRED"
        await first.settle()
        await first.send("#general", f"still {identity.id}")
        await first.message(f"still {identity.id}")


@pytest.mark.parametrize("name", ["a", "A-b_9", "-x-", "x" * 32])
async def test_names_that_are_allowed(url: str, name: str) -> None:
    async with agent_at(url, name, "#general") as agent:
        assert agent.id in await agent.agents("#general")


@pytest.mark.parametrize("name", ["", "x" * 33, "a b", "ä", "a.b", "#x", "a\n"])
async def test_names_that_are_not(url: str, name: str) -> None:
    async with socket_at(url) as agent:
        code, message = await agent.refused("IDENTIFY", name=name)
        assert code == "INVALID_MSG" and "1 to 32" in message
        await agent.identify("scout")


@pytest.mark.parametrize(
    "pubkey",
    [
        "",
        "x",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n",
        # a key of another kind
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaCSFqjEaMxjMvNP02G20WvjFGdCz\n"
        "nrCTKl3xXtkLnCfGpuB2wCjZxnqPrkMjZ4IGyMdf3zxEVO5+4GlkXwLXPA==\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PUBLIC KEY-----\n" + "A" * 100_000,
    ],
)
async def test_what_is_no_key_is_refused(url: str, pubkey: str) -> None:
    async with socket_at(url) as agent:
        code, message = await agent.refused("IDENTIFY", name="scout", pubkey=pubkey)
        assert code == "INVALID_MSG" and "Ed25519" in message


NEEDS_IDENTITY = {
    "JOIN": {"channel": "#general"},
    "LEAVE": {"channel": "#general"},
    "MSG": {"to": "#general", "content": "x"},
    "CREATE_CHANNEL": {"channel": "#new"},
    "INVITE": {"channel": "#general", "agent": "@x"},
}


@pytest.mark.parametrize("kind", NEEDS_IDENTITY)
async def test_before_identifying_one_can_only_ask(url: str, kind: str) -> None:
    async with socket_at(url) as agent:
        code, message = await agent.refused(kind, **NEEDS_IDENTITY[kind])
        assert code == "AUTH_REQUIRED" and "IDENTIFY" in message


async def test_ping_and_both_lists_work_before_identifying(url: str, scout: Agent, channel: str) -> None:
    async with socket_at(url) as agent:
        assert without_time(await agent.ask("PONG", "PING")) == {"type": "PONG"}
        assert {"#general", "#agents", channel} <= set(await agent.channels())
        answer = await agent.ask("AGENTS", "LIST_AGENTS", channel=channel)
        assert without_time(answer) == {"type": "AGENTS", "channel": channel, "list": [scout.id]}


async def test_who_only_asks_leaves_no_trace(url: str, alice: Client) -> None:
    async with agent_at(url, "onlookerx") as agent:
        await agent.channels()
        await agent.agents("#general")
    listed = await alice.request(Members(all=True), MemberList)
    assert [one.name for one in listed.agents if one.name.startswith("onlookerx")] == []


# channels


async def test_joining_tells_the_joiner_and_the_others(url: str, scout: Agent, channel: str) -> None:
    async with agent_at(url, "miner") as miner:
        joined = await miner.join(channel)
        assert sorted(joined.pop("agents")) == sorted([scout.id, miner.id])
        assert without_time(joined) == {"type": "JOINED", "channel": channel}
        (told,) = await scout.until(lambda: scout.of("AGENT_JOINED"))
        assert without_time(told) == {"type": "AGENT_JOINED", "channel": channel, "agent": miner.id}
        assert miner.of("AGENT_JOINED") == []


async def test_joining_twice_is_answered_and_told_once(scout: Agent, miner: Agent, channel: str) -> None:
    await miner.join(channel)
    await miner.settle()
    await scout.settle()
    assert len(scout.of("AGENT_JOINED")) == 1


async def test_leaving(scout: Agent, miner: Agent, channel: str) -> None:
    left = await miner.ask("LEFT", "LEAVE", channel=channel)
    assert without_time(left) == {"type": "LEFT", "channel": channel, "agent": miner.id}
    (told,) = await scout.until(lambda: scout.of("AGENT_LEFT"))
    assert without_time(told) == {"type": "AGENT_LEFT", "channel": channel, "agent": miner.id}
    await scout.send(channel, "without you")
    await scout.message("without you")
    await miner.settle()
    assert "without you" not in miner.contents()
    assert await scout.agents(channel) == [scout.id]


async def test_leaving_what_one_is_not_in_is_not_told_to_the_room(url: str, scout: Agent, channel: str) -> None:
    async with agent_at(url, "miner") as miner:
        await miner.ask("LEFT", "LEAVE", channel=channel)
        await miner.say("LEAVE", channel="#nowhere-at-all")
        await miner.settle()
        assert [one["type"] for one in miner.frames] == ["WELCOME", "LEFT", "PONG"]
    await scout.settle()
    assert scout.of("AGENT_LEFT") == []


async def test_a_connection_that_ends_leaves_its_channels(scout: Agent, miner: Agent, channel: str) -> None:
    await miner.socket.close()
    (told,) = await scout.until(lambda: scout.of("AGENT_LEFT"))
    assert told["agent"] == miner.id


async def test_a_channel_that_is_not_there(scout: Agent) -> None:
    for kind in ("JOIN", "LIST_AGENTS"):
        assert (await scout.refused(kind, channel="#nowhere"))[0] == "CHANNEL_NOT_FOUND"
    assert (await scout.refused("MSG", to="#nowhere", content="x"))[0] == "CHANNEL_NOT_FOUND"
    assert (await scout.refused("INVITE", channel="#nowhere", agent=scout.id))[0] == "CHANNEL_NOT_FOUND"


@pytest.mark.parametrize("name", ["", "#", "nosign", "#" + "x" * 32, "#a b", "#ä", "#a.b", "#a\n"])
async def test_channel_names_that_are_not_allowed(scout: Agent, name: str) -> None:
    for kind in ("JOIN", "LEAVE", "LIST_AGENTS", "CREATE_CHANNEL"):
        assert (await scout.refused(kind, channel=name))[0] == "INVALID_NAME"


@pytest.mark.parametrize("name", ["#{}", "#-{}-", "#_{}_", "#Big{}", "#{}" + "x" * 22, "#--{}"])
async def test_any_allowed_name_can_be_created_joined_and_spoken_in(url: str, scout: Agent, name: str) -> None:
    name = name.format(uuid4().hex[:8])
    assert (await scout.ask("JOINED", "CREATE_CHANNEL", channel=name))["channel"] == name
    async with agent_at(url, "miner", name) as miner:
        await miner.send(name, "hello")
        assert (await scout.message("hello"))["to"] == (await miner.message("hello"))["to"] == name
        assert name.lower() in await miner.channels()


async def test_creating(scout: Agent, url: str) -> None:
    name = f"#n{uuid4().hex[:8]}"
    created = await scout.ask("JOINED", "CREATE_CHANNEL", channel=name)
    assert without_time(created) == {"type": "JOINED", "channel": name, "agents": [scout.id]}
    assert (await scout.refused("CREATE_CHANNEL", channel=name))[0] == "CHANNEL_EXISTS"
    assert (await scout.channels())[name] == 1


async def test_a_newcomer_gets_the_last_twenty_with_a_mark_and_then_what_follows(
    url: str, process: GatewayProcess
) -> None:
    async with Client(process.operator, Hello()) as alice:
        room = f"r{uuid4().hex[:8]}"
        await alice.request(CreateRoom(room=room), Done)
        for number in range(25):
            await alice.request(Send(content=f"n{number}", room=room), Accepted)
        async with agent_at(url, "scout", f"#{room}") as scout:
            await alice.request(Send(content="now", room=room), Accepted)
            await scout.message("now")
            kinds = [one["type"] for one in scout.frames if one["type"] in ("JOINED", "MSG")]
            assert kinds == ["JOINED", *["MSG"] * 21]
            assert scout.contents() == [*(f"n{number}" for number in range(5, 25)), "now"]
            assert [one.get("replay") for one in scout.of("MSG")] == [*[True] * 20, None]
            assert all(one["from"] == "@alice" and one["to"] == f"#{room}" for one in scout.of("MSG"))


async def test_what_is_said_between_two_is_not_replayed(url: str, scout: Agent, miner: Agent) -> None:
    await scout.join("#general")
    await scout.send(miner.id, "between us")
    await miner.message("between us")
    async with agent_at(url, "third", "#general") as third:
        await third.settle()
        assert "between us" not in third.contents()
    await miner.join("#general")
    await miner.settle()
    assert miner.contents().count("between us") == 1


async def test_joining_while_others_speak_loses_and_doubles_nothing(url: str, process: GatewayProcess) -> None:
    room = f"r{uuid4().hex[:8]}"
    async with Client(process.operator, Hello()) as alice, agent_at(url, "scout") as scout:
        await alice.request(CreateRoom(room=room), Done)

        begun = asyncio.Event()

        async def talk() -> None:
            for number in range(200):
                await alice.request(Send(content=f"n{number}", room=room), Accepted)
                if number == 30:
                    begun.set()

        talking = asyncio.get_running_loop().create_task(talk(), name="talking")
        await begun.wait()
        await scout.join(f"#{room}")
        await talking
        await scout.message("n199")
        numbers = [int(one[1:]) for one in scout.contents()]
        assert numbers == list(range(numbers[0], 200))


# talking


async def test_a_message_goes_to_everyone_in_the_channel_and_back_to_its_sender(
    scout: Agent, miner: Agent, channel: str
) -> None:
    await scout.send(channel, "hello")
    for one in (scout, miner):
        frame = await one.message("hello")
        assert without_time(frame) == {"type": "MSG", "from": scout.id, "to": channel, "content": "hello"}
    await scout.settle()
    assert scout.contents() == miner.contents() == ["hello"]


async def test_a_direct_message_goes_to_its_target_and_back_to_its_sender_and_to_nobody_else(
    url: str, scout: Agent, miner: Agent
) -> None:
    async with agent_at(url, "silent", "#general") as silent, agent_at(url, "lone") as lone:
        for target in (miner, lone):
            await scout.send(target.id, f"for {target.id}")
            for one in (scout, target):
                frame = await one.message(f"for {target.id}")
                assert without_time(frame) == {
                    "type": "MSG",
                    "from": scout.id,
                    "to": target.id,
                    "content": f"for {target.id}",
                }
        await silent.settle()
        assert not any(one.startswith("for @") for one in silent.contents())
        assert lone.contents() == [f"for {lone.id}"]


async def test_only_who_has_joined_a_channel_hears_it_whatever_else_it_hears(url: str, scout: Agent) -> None:
    """All guests are members of the room `general`, so that one can write to another; joining is something else."""
    async with agent_at(url, "lone") as lone, agent_at(url, "left", "#general") as left:
        await scout.send(lone.id, "for you")
        await lone.message("for you")
        await left.ask("LEFT", "LEAVE", channel="#general")
        await scout.join("#general")
        await scout.send("#general", f"for those who joined {scout.id}")
        await scout.message(f"for those who joined {scout.id}")
        await scout.send(left.id, "and you")
        await left.message("and you")
        await lone.settle()
        assert lone.contents() == ["for you"]
        assert f"for those who joined {scout.id}" not in left.contents()


async def test_one_can_write_to_oneself(scout: Agent) -> None:
    await scout.send(scout.id, "a note")
    assert (await scout.message("a note"))["to"] == scout.id


async def test_the_sender_must_be_in_the_channel(url: str, scout: Agent, channel: str) -> None:
    async with agent_at(url, "outsider", "#general") as outsider:
        assert (await outsider.refused("MSG", to=channel, content="x"))[0] == "NOT_INVITED"
        assert (await outsider.refused("INVITE", channel=channel, agent=outsider.id))[0] == "NOT_INVITED"
        await outsider.ask("LEFT", "LEAVE", channel="#general")
        assert (await outsider.refused("MSG", to="#general", content="x"))[0] == "NOT_INVITED"


async def test_nobody_of_that_id(url: str, scout: Agent) -> None:
    async with agent_at(url, "gone", "#general") as gone:
        pass
    for wanted in ("@nobody", "@", "@ ", gone.id, "@system", "@all", "@" + "x" * 5000):
        assert (await scout.refused("MSG", to=wanted, content="x"))[0] == "AGENT_NOT_FOUND"


async def test_what_is_addressed_to_neither_kind(scout: Agent) -> None:
    for to in ("", "general", "*"):
        assert (await scout.refused("MSG", to=to, content="x"))[0] == "INVALID_MSG"


@pytest.mark.parametrize("content", ["x" * 4096, "ü" * 4096, "😀" * 4096, "two\nlines\t\u2028", "/mode @all !x", '"\\'])
async def test_content_arrives_as_it_was(scout: Agent, miner: Agent, channel: str, content: str) -> None:
    await scout.send(channel, content)
    await miner.message(content)


async def test_content_that_is_too_long_or_nothing(scout: Agent, miner: Agent, channel: str) -> None:
    code, message = await scout.refused("MSG", to=channel, content="x" * 4097)
    assert code == "INVALID_MSG" and "4096" in message
    assert (await scout.refused("MSG", to=channel, content=""))[0] == "INVALID_MSG"
    await scout.settle()
    assert miner.contents() == []


async def test_a_burst_of_thirty_is_limited_and_the_connection_lives_on(
    scout: Agent, miner: Agent, channel: str
) -> None:
    begun = time.monotonic()
    for number in range(30):
        await scout.send(channel, f"n{number}")
    await scout.settle()
    passed_s = time.monotonic() - begun
    await miner.settle()
    errors, said = scout.of("ERROR"), scout.contents()
    assert {one["code"] for one in errors} == {"RATE_LIMITED"} and "Wait" in errors[0]["message"]
    assert len(errors) + len(said) == 30
    assert 10 <= len(said) <= 10 + passed_s, "ten at once, then one a second"
    assert said[:10] == [f"n{number}" for number in range(10)]
    assert miner.contents() == said == sorted(said, key=lambda one: int(one[1:]))
    for _ in range(30):
        await scout.channels()
    async with asyncio.timeout(60):
        while "after a while" not in scout.contents():
            await scout.send(channel, "after a while")
            await scout.settle()
    await miner.message("after a while")


# by invitation


async def test_a_channel_by_invitation(url: str, scout: Agent) -> None:
    name = f"#p{uuid4().hex[:8]}"
    await scout.ask("JOINED", "CREATE_CHANNEL", channel=name, invite_only=True)
    async with agent_at(url, "guest") as guest, agent_at(url, "outsider", "#general") as outsider:
        assert (await guest.refused("JOIN", channel=name))[0] == "NOT_INVITED"
        await scout.say("INVITE", channel=name, agent=guest.id)
        told = await guest.message(f"You have been invited to {name}")
        assert (told["from"], told["to"]) == (scout.id, guest.id)
        assert set((await guest.join(name))["agents"]) == {scout.id, guest.id}
        await guest.send(name, "a secret")
        await scout.message("a secret")
        await scout.settle()
        assert [one["type"] for one in scout.frames] == ["WELCOME", "JOINED", "JOINED", "AGENT_JOINED", "MSG", "PONG"]

        assert (await outsider.refused("JOIN", channel=name))[0] == "NOT_INVITED"
        assert (await outsider.refused("MSG", to=name, content="x"))[0] == "NOT_INVITED"
        assert (await outsider.refused("LIST_AGENTS", channel=name))[0] == "CHANNEL_NOT_FOUND"
        assert name not in await outsider.channels() and name not in await scout.channels()
        assert name not in str([one for one in outsider.frames if one["type"] != "ERROR"])
        async with socket_at(url) as stranger:
            assert (await stranger.refused("LIST_AGENTS", channel=name))[0] == "CHANNEL_NOT_FOUND"
        assert set(await guest.agents(name)) == {scout.id, guest.id}


async def test_an_invitation_holds_for_a_key_across_connections(url: str) -> None:
    name, owner, guest = f"#p{uuid4().hex[:8]}", Identity(), Identity()
    async with agent_at(url, "owner", identity=owner) as first, agent_at(url, "guest", "#general", identity=guest):
        await first.ask("JOINED", "CREATE_CHANNEL", channel=name, invite_only=True)
    async with agent_at(url, "owner", name, identity=owner) as again:
        await again.say("INVITE", channel=name, agent=guest.id)
        await again.settle()
    async with agent_at(url, "guest", name, identity=guest) as invited:
        assert await invited.agents(name) == [invited.id]


async def test_inviting_somebody_who_never_was(scout: Agent, channel: str) -> None:
    assert (await scout.refused("INVITE", channel=channel, agent="@nobody"))[0] == "AGENT_NOT_FOUND"


# signatures


async def test_a_signed_message_arrives_exactly_as_it_was_signed(url: str, miner: Agent, channel: str) -> None:
    identity = Identity()
    async with agent_at(url, "signer", channel, identity=identity) as signer:
        for content in ("plain", 'quotes " and \\ and / and \x7f \u2028', "\b\f\n\r\t\x01\x1f", "ünï😀"):
            await signer.send(channel, content)
            for one in (miner, signer):
                assert verifies(await one.message(content), identity)
        await signer.send(miner.id, "for you alone")
        assert verifies(await miner.message("for you alone"), identity)
        async with agent_at(url, "later", channel) as later:
            assert verifies(await later.message("plain"), identity)


@pytest.mark.parametrize(
    "forged",
    [
        {"sig": "x"},
        {"sig": "", "ts": 1},
        {"sig": "A" * 86 + "==", "ts": 1700000000000},
        {"sig": "A" * 86 + "=="},
        {"sig": "A" * 86 + "==", "ts": "1"},
        {"sig": "A" * 86 + "==", "ts": 1.5},
        {"sig": 7, "ts": 1},
    ],
)
async def test_forged_signatures_are_refused(url: str, miner: Agent, channel: str, forged: dict[str, object]) -> None:
    async with agent_at(url, "signer", channel, identity=Identity()) as signer:
        await signer.say("MSG", to=channel, content="x", **forged)
        await signer.settle()
        assert [one["code"] for one in signer.of("ERROR")] == ["INVALID_MSG"]
        await miner.settle()
        assert miner.contents() == []


async def test_a_signature_of_another_or_over_something_else_is_refused(url: str, miner: Agent, channel: str) -> None:
    identity, other = Identity(), Identity()
    async with agent_at(url, "signer", channel, identity=identity) as signer, agent_at(url, "plain", channel) as plain:
        await signer.send(channel, "true")
        signed = await miner.message("true")
        for change in ({"content": "false"}, {"ts": signed["ts"] + 1}, {"to": miner.id}):
            frame = {name: signed[name] for name in ("to", "content", "ts", "sig")} | change
            assert (await signer.refused("MSG", **frame))[0] == "INVALID_MSG"
        frame = {name: signed[name] for name in ("to", "content", "ts", "sig")}
        assert (await plain.refused("MSG", **frame))[0] == "INVALID_MSG"
        async with agent_at(url, "thief", channel, identity=other) as thief:
            assert (await thief.refused("MSG", **frame))[0] == "INVALID_MSG"
        await signer.say("MSG", **frame)
        await signer.settle()
        await miner.settle()
        assert miner.contents() == ["true"]


# a proof


async def test_a_challenge_is_offered_and_its_answer_displaces_who_only_showed_the_key(url: str) -> None:
    identity = Identity()
    async with (
        agent_at(url, "owner", "#general", identity=identity) as unproven,
        socket_at(url, identity) as owner,
    ):
        refused = await owner.ask("ERROR", "IDENTIFY", name="owner", pubkey=identity.pubkey)
        assert refused["message"] == "Agent with this identity already connected"
        await owner.prove(refused)
        assert owner.id == identity.id == owner.of("WELCOME")[0]["agent_id"]
        await unproven.ended.wait()
        assert "proven" in unproven.of("ERROR")[0]["message"]
        await owner.join("#general")
        await owner.send("#general", f"me {owner.id}")
        assert (await owner.message(f"me {owner.id}"))["from"] == identity.id


async def test_who_has_only_shown_a_key_displaces_nobody_that_has_proven_it_now_or_ever(url: str) -> None:
    identity = Identity()
    async with socket_at(url, identity) as owner:
        await owner.prove(await owner.identify("owner"))
        async with socket_at(url, identity) as other:
            asked = await other.ask("ERROR", "IDENTIFY", name="owner", pubkey=identity.pubkey)
            assert asked["message"] == "Agent with this identity already connected"
            sig = identity.sign(f"PROVE|{asked['agent_id']}|{asked['challenge']}")
            assert (await other.refused("PROVE", sig=sig))[1] == "Agent with this identity already connected"
        await owner.settle()
    async with socket_at(url, identity) as thief:
        code, _ = await thief.refused("IDENTIFY", name="owner", pubkey=identity.pubkey)
        assert code == "SIGNATURE_REQUIRED"
        assert (await thief.refused("PROVE", sig=Identity().sign("PROVE|x|y")))[0] == "INVALID_MSG"
        assert (await thief.refused("JOIN", channel="#general"))[0] == "AUTH_REQUIRED"
        await thief.prove(thief.of("ERROR")[0])


async def test_there_is_nothing_to_prove_without_a_key(url: str, scout: Agent) -> None:
    assert (await scout.refused("PROVE", sig="x"))[0] == "INVALID_MSG"
    async with socket_at(url) as stranger:
        assert (await stranger.refused("PROVE", sig="x"))[0] == "INVALID_MSG"


async def test_a_proof_is_good_for_its_challenge_alone(url: str) -> None:
    identity = Identity()
    async with socket_at(url, identity) as first:
        welcome = await first.identify("owner")
        sig = identity.sign(f"PROVE|{welcome['agent_id']}|{welcome['challenge']}")
        await first.ask("PROVEN", "PROVE", sig=sig)
        assert (await first.refused("PROVE", sig=sig))[0] == "INVALID_MSG"
    async with socket_at(url, identity) as second:
        again = await second.ask("ERROR", "IDENTIFY", name="owner", pubkey=identity.pubkey)
        assert again["challenge"] != welcome["challenge"]
        assert (await second.refused("PROVE", sig=sig))[0] == "INVALID_MSG"


# the chat around it


async def test_a_person_in_the_chat_and_an_agent_talk(url: str, alice: Client) -> None:
    async with agent_at(url, "Scout", "#general") as scout:
        member = f"scout-{scout.id[1:]}"
        await scout.send("#general", f"hello from {scout.id}")
        event = await heard(alice, f"hello from {scout.id}")
        assert (event.from_, event.room, event.recipients) == (member, "general", ())
        await alice.request(Send(content=f"to all {scout.id}"), Accepted)
        frame = await scout.message(f"to all {scout.id}")
        assert (frame["from"], frame["to"]) == ("@alice", "#general")
        await alice.request(Send(content="to you", to=f"@{member}"), Accepted)
        frame = await scout.message("to you")
        assert (frame["from"], frame["to"]) == ("@alice", scout.id)
        await scout.send("@alice", f"to alice {scout.id}")
        assert (await heard(alice, f"to alice {scout.id}")).recipients == ("alice",)
        assert "@alice" in await scout.agents("#general")


async def test_an_agent_with_an_inbox_gets_it_by_the_ordinary_delivery(
    process: GatewayProcess, url: str, alice: Client
) -> None:
    name = f"claude-{uuid4().hex[:6]}"
    token = (await alice.request(CreateToken(name=name, kind=MemberKind.AGENT), TokenMade)).token
    async with Client(Endpoint(process.url, token), Hello(inbox=True)) as claude, agent_at(url, "scout") as scout:
        await scout.send(f"@{name}", "do this")
        inbox = await claude.request(Poll(wait=10), Inbox)
        assert [(one.content, one.from_) for one in inbox.messages] == [("do this", f"scout-{scout.id[1:]}")]
        story = await claude.request(Receipts(message=inbox.messages[0].seq), Story)
        assert [(one.member, one.rung) for one in story.deliveries] == [(name, Rung.ACCEPTED)]
        await claude.request(Send(content="done", to=f"@scout-{scout.id[1:]}"), Accepted)
        assert (await scout.message("done"))["from"] == f"@{name}"


async def test_members_of_ours_come_and_go(process: GatewayProcess, url: str, alice: Client) -> None:
    name, room = f"m{uuid4().hex[:6]}", f"r{uuid4().hex[:6]}"
    token = (await alice.request(CreateToken(name=name, kind=MemberKind.AGENT), TokenMade)).token
    await alice.request(CreateRoom(room=room), Done)
    async with agent_at(url, "scout", f"#{room}") as scout:
        async with Client(Endpoint(process.url, token), Hello()) as one:
            await one.request(Join(room=room), Done)
            (joined,) = await scout.until(lambda: scout.of("AGENT_JOINED"))
            assert (joined["channel"], joined["agent"]) == (f"#{room}", f"@{name}")
            assert f"@{name}" in await scout.agents(f"#{room}")
        (left,) = await scout.until(lambda: scout.of("AGENT_LEFT"))
        assert (left["channel"], left["agent"]) == (f"#{room}", f"@{name}")


async def test_writing_to_an_agent_that_has_gone_is_an_error_for_people_too(url: str, alice: Client) -> None:
    async with agent_at(url, "scout", "#general", identity=Identity()) as scout:
        member = f"scout-{scout.id[1:]}"
    with pytest.raises(Exception, match="is not in the room"):
        await alice.request(Send(content="are you there", to=f"@{member}"), Accepted)
