"""AI-Connect's bridge as documented, seen by a client that was written from the document alone.

The gateway is a process of its own, as in life. Each test has a project of its own, so that its peers are its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import pytest

from gateway.client import Client, Endpoint
from gateway.protocol.events import Message, Receipt
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateToken, Members
from gateway.protocol.requests.message_requests import Poll, Send
from gateway.protocol.results import Accepted, Inbox, MemberList, TokenMade
from gateway.protocol.types.core_types import MemberKind, MessageKind, Part, Rung, Scope
from tests.fakes.ai_connect_client import Peer, peer_at, socket_at
from tests.support.gateways import GatewayProcess


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    state = tmp_path_factory.mktemp("ai-connect") / "state"
    with GatewayProcess(state, "--listen", "ai-connect=127.0.0.1:0").running() as running:
        yield running


@pytest.fixture
def url(process: GatewayProcess) -> str:
    return process.listeners["ai-connect"]


@pytest.fixture
def project() -> str:
    return uuid4().hex[:8]


@pytest.fixture
async def aragon(url: str, project: str) -> AsyncIterator[Peer]:
    async with peer_at(url, f"Aragon{project}", project) as peer:
        yield peer


@pytest.fixture
async def boromir(url: str, project: str) -> AsyncIterator[Peer]:
    async with peer_at(url, f"Boromir{project}", project) as peer:
        yield peer


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


async def read_by(client: Client, message: int) -> str:
    """Who has read it, as soon as it is told."""
    async for event in client.events():
        if isinstance(event, Receipt) and event.message == message and event.steps[-1].rung is Rung.ACCEPTED:
            return event.member
    raise AssertionError("the stream ended")


async def token_for(alice: Client, name: str, kind: MemberKind = MemberKind.AGENT, *scopes: Scope) -> str:
    return (await alice.request(CreateToken(name=name, kind=kind, scopes=scopes), TokenMade)).token


# frames


async def test_registering_gives_the_full_name_and_then_what_was_missed(url: str, project: str) -> None:
    async with socket_at(url) as peer:
        await peer.register("Aragon", project)
        assert [one for one in peer.frames if "peer" not in one] == [
            {"type": "registered", "name": f"Aragon ({project})", "requested": "Aragon"},
            {"type": "unread", "messages": []},
        ]


async def test_ping_is_answered_even_before_registering(url: str) -> None:
    async with socket_at(url) as peer:
        await peer.ping()
        assert peer.frames == [{"type": "pong"}]


async def test_a_message_has_the_documented_fields_and_a_time(aragon: Peer, boromir: Peer) -> None:
    await aragon.send(boromir.name, "look", {"file": "a.py", "lines": "42-58"})
    message = await boromir.message("look")
    assert message | {"id": "", "timestamp": ""} == {
        "type": "message",
        "id": "",
        "from": aragon.name,
        "to": boromir.name,
        "content": "look",
        "context": {"file": "a.py", "lines": "42-58"},
        "timestamp": "",
    }
    assert message["id"] and message["timestamp"].endswith("Z")
    assert aragon.messages == []


async def test_unread_has_the_documented_fields(url: str, project: str, aragon: Peer) -> None:
    async with peer_at(url, "Faramir", project) as away:
        name = away.name
    await aragon.send(name, "while you were away")
    await aragon.ping()
    async with peer_at(url, "Faramir", project) as back:
        (unread,) = back.of("unread")
    (message,) = unread["messages"]
    assert set(message) == {"id", "from", "to", "content", "context", "timestamp"}
    assert (message["from"], message["to"], message["context"]) == (aragon.name, name, None)


@pytest.mark.parametrize("text", ["{", "[]", "7", '"x"', "{}", '{"type":"dance"}', '{"type":7}', '{"type":"history"}'])
async def test_what_is_no_frame_is_ignored_and_the_connection_lives_on(aragon: Peer, text: str) -> None:
    before = len(aragon.frames)
    await aragon.raw(text)
    await aragon.ping()
    assert [one["type"] for one in aragon.frames[before:] if "peer" not in one] == ["pong"]


@pytest.mark.parametrize("path", ["/", "/any/path", "/?x=1", "/ws"])
async def test_any_path_will_do(url: str, project: str, path: str) -> None:
    async with peer_at(url, "Aragon", project, path) as peer:
        assert peer.name == f"Aragon ({project})"


async def test_before_registering_only_the_way_to_do_it_is_told(url: str) -> None:
    async with socket_at(url) as peer:
        await peer.send("*", "hello")
        assert "Register first" in await peer.told()


async def test_the_peer_list_has_everyone_that_is_here_and_the_asker(
    aragon: Peer, boromir: Peer, alice: Client
) -> None:
    peers = await aragon.peers()
    assert {aragon.name, boromir.name, "alice"} <= set(peers)
    assert all(set(one) == {"name", "ip", "connected_at"} for one in peers.values())
    assert (peers[boromir.name]["ip"], peers["alice"]["ip"]) == ("127.0.0.1", "groupchat")


async def test_others_are_told_who_comes_and_goes(url: str, project: str, aragon: Peer) -> None:
    async with peer_at(url, "Gimli", project) as gimli:
        name = gimli.name
        await aragon.until(lambda: name in [one["peer"]["name"] for one in aragon.of("peer_joined")])
        assert name not in [one["peer"]["name"] for one in gimli.of("peer_joined")]
    await aragon.until(lambda: {"type": "peer_left", "peer": name} in aragon.frames)
    joined = next(one for one in aragon.of("peer_joined") if one["peer"]["name"] == name)
    assert joined == {"type": "peer_joined", "peer": {"name": name, "ip": "127.0.0.1", "project": project}}


async def test_members_of_the_chat_come_and_go_as_peers(process: GatewayProcess, aragon: Peer, alice: Client) -> None:
    token = await token_for(alice, f"carol-{uuid4().hex[:6]}", MemberKind.HUMAN)
    async with Client(Endpoint(process.url, token), Hello()) as carol:
        name = carol.welcome.you.name
        await aragon.until(lambda: name in [one["peer"]["name"] for one in aragon.of("peer_joined")])
    await aragon.until(lambda: {"type": "peer_left", "peer": name} in aragon.frames)


# names


@pytest.mark.parametrize(
    ("name", "project", "full"),
    [
        ("Aragon#12345", "my project", "Aragon#12345 (my project)"),
        ("Aragon", None, "Aragon"),
        ("Aragon (website)", None, "Aragon (website)"),
        ("Aragon (website)", "website", "Aragon (website)"),
        ("Äragon\x1b[31m", "wéb", "Äragon [31m (wéb)"),
        ("system", None, "system-2"),
        ("Human", None, "Human-2"),
        ("alice", None, "alice-2"),
        ("玉", None, "玉"),
    ],
)
async def test_the_full_name(url: str, alice: Client, name: str, project: str | None, full: str) -> None:
    async with peer_at(url, name, project) as first:
        assert first.name == full
    async with peer_at(url, name, project) as again:
        assert again.name == full


async def test_several_instances_are_several_peers(url: str, project: str, aragon: Peer) -> None:
    async with peer_at(url, "Sam#1", project) as one, peer_at(url, "Sam#2", project) as two:
        assert {one.name, two.name} <= set(await aragon.peers())
        await aragon.send(f"Sam#2 ({project})", "to the second")
        await two.message("to the second")
        await one.ping()
        assert one.messages == []


async def test_the_newer_connection_of_a_name_replaces_the_older(url: str, project: str, aragon: Peer) -> None:
    async with peer_at(url, "Legolas", project) as older:
        await aragon.until(lambda: older.name in [one["peer"]["name"] for one in aragon.of("peer_joined")])
        async with peer_at(url, "Legolas", project) as newer:
            await older.ended.wait()
            assert older.socket.close_code == 1000
            assert newer.name == older.name
            await aragon.send(newer.name, "to whom?")
            await newer.message("to whom?")
    await aragon.until(lambda: {"type": "peer_left", "peer": newer.name} in aragon.frames)
    assert aragon.frames.count({"type": "peer_left", "peer": newer.name}) == 1
    assert "to whom?" not in older.contents()


@pytest.mark.parametrize("cut", [7, 11, 15])
async def test_the_beginning_of_a_name_is_enough_when_it_is_unique(aragon: Peer, boromir: Peer, cut: int) -> None:
    for part in (boromir.name[:cut], boromir.name[:cut].lower()):
        if len(part) > len("boromir"):
            await aragon.send(part, f"for {part}")
            await boromir.message(f"for {part}")


async def test_an_unknown_or_ambiguous_name_is_answered_and_nothing_is_stored(
    url: str, project: str, aragon: Peer
) -> None:
    async with peer_at(url, f"{project}a", project) as one, peer_at(url, f"{project}b", project) as two:
        await aragon.send(project, "for whom?")
        told = await aragon.told()
        assert one.name in told and two.name in told
        await aragon.send(f"{project}c ({project})", "for nobody")
        await aragon.ping()
        assert "Nobody here is called" in aragon.messages[-1]["content"]
        assert f"{project}a ({project})" in aragon.messages[-1]["content"]
        await one.ping()
        assert one.messages == two.messages == []
    assert await aragon.history(one.name) == []


@pytest.mark.parametrize(
    ("frame", "complaint"),
    [
        ({"to": "alice", "content": ""}, "message is empty"),
        ({"content": "to nobody"}, "Nobody here is called ''"),
        ({"to": "alice", "content": "nul \x00"}, "NUL"),
        ({"to": "alice", "content": "x", "context": "a.py"}, "`context` must be an object"),
        ({"to": "alice", "content": "x" * 300_000}, "the maximum is"),
    ],
)
async def test_what_cannot_be_sent_is_told(aragon: Peer, frame: dict[str, str], complaint: str) -> None:
    await aragon.say(type="message", **frame)
    assert complaint in await aragon.told()


async def test_to_oneself_is_told(aragon: Peer) -> None:
    await aragon.send(aragon.name, "me?")
    assert "your own name" in await aragon.told()


async def test_a_viewer_sees_what_is_said_to_all_and_is_no_peer(url: str, aragon: Peer, boromir: Peer) -> None:
    async with peer_at(url, "_viewer_") as viewer, peer_at(url, "_viewer_") as second:
        assert viewer.name == "_viewer_"
        assert "_viewer_" not in await aragon.peers()
        await aragon.send(boromir.name, "between us")
        await aragon.send("*", "for all to see")
        for one in (viewer, second):
            message = await one.message("for all to see")
            assert (message["from"], message["to"]) == (aragon.name, "*")
            assert "between us" not in one.contents()
        await aragon.send("_viewer_", "hello?")
        assert "Nobody here is called '_viewer_'" in await aragon.told()
    async with peer_at(url, "_viewer_") as back:
        await back.ping()
        assert back.messages == []
    assert "_viewer_" not in [one["peer"]["name"] for one in aragon.of("peer_joined")]


# the log behind it


async def test_history_is_of_the_two_in_both_directions_oldest_first(url: str, aragon: Peer, boromir: Peer) -> None:
    for number in range(3):
        await aragon.send(boromir.name, f"question {number}")
        await boromir.message(f"question {number}")
        await boromir.send(aragon.name, f"answer {number}")
        await aragon.message(f"answer {number}")
    await aragon.send("*", "not between us")
    said = [f"{kind} {number}" for number in range(3) for kind in ("question", "answer")]
    for one, other in ((aragon, boromir), (boromir, aragon)):
        history = await one.history(other.name)
        assert [message["content"] for message in history] == said
        assert set(history[0]) == {"id", "from", "to", "content", "context", "timestamp"}
        assert [message["content"] for message in await one.history(other.name[:15], limit=2)] == said[-2:]
    assert await boromir.history("nobody at all") == []


async def test_more_than_a_frame_can_hold_comes_in_pieces(url: str, project: str, aragon: Peer) -> None:
    async with peer_at(url, "Merry", project):
        pass
    texts = [f"{number} " + "x" * 200_000 for number in range(8)]
    for text in texts:
        await aragon.send(f"Merry ({project})", text)
    await aragon.ping()
    async with peer_at(url, "Merry", project) as merry:
        await merry.message(texts[-1])
        assert merry.contents() == texts
        assert 0 < len(await merry.history(aragon.name)) < len(texts)


async def test_what_is_too_long_for_the_clients_library_is_cut_and_says_so(
    process: GatewayProcess, aragon: Peer, alice: Client
) -> None:
    await alice.request(Send(content="\x01" * 250_000, to=f"@{slug_of(aragon)}"), Accepted)
    await alice.request(Send(content="after it", to=f"@{slug_of(aragon)}", context={"x": "y" * 900_000}), Accepted)
    after = await aragon.message("after it")
    assert after["context"] == {"file": None, "lines": None}
    assert "[cut; #" in aragon.contents()[-2]


def slug_of(peer: Peer) -> str:
    return peer.name.lower().replace(" (", "-").removesuffix(")")


# the chat around it


async def test_a_person_in_the_chat_and_a_peer_talk(aragon: Peer, alice: Client) -> None:
    await aragon.send("alice", f"hello {aragon.name}", {"file": "a.py"})
    event = await heard(alice, f"hello {aragon.name}")
    assert (event.from_, event.recipients, event.context) == (slug_of(aragon), ("alice",), {"file": "a.py"})
    part = Part(type="file", path="b.py", lines="1-3")
    sent = await alice.request(Send(content="here", to=f"@{slug_of(aragon)}", parts=(part,)), Accepted)
    message = await aragon.message("here")
    assert (message["from"], message["context"]) == ("alice", {"file": "b.py", "lines": "1-3"})
    assert await read_by(alice, sent.seq) == slug_of(aragon)


async def test_an_agent_with_an_inbox_gets_it_by_the_ordinary_delivery(
    process: GatewayProcess, project: str, aragon: Peer, alice: Client
) -> None:
    claude = Endpoint(process.url, await token_for(alice, f"claude-{project}"))
    async with Client(claude, Hello(inbox=True)) as agent:
        await aragon.send(f"claude-{project}", "fix it")
        await aragon.ping()
        inbox = await agent.request(Poll(wait=10), Inbox)
        assert [(one.from_, one.content) for one in inbox.messages] == [(slug_of(aragon), "fix it")]
        answer = Send(content="done", to=f"@{slug_of(aragon)}", kind=MessageKind.REPLY, reply_to=inbox.messages[0].seq)
        await agent.request(answer, Accepted)
        assert (await aragon.message("done"))["from"] == f"claude-{project}"
        await agent.request(Send(content=f"all {project}", kind=MessageKind.REPLY), Accepted)
        assert (await aragon.message(f"all {project}"))["to"] == "*"
        assert aragon.contents().count(f"all {project}") == 1


async def test_who_has_been_here_shows_in_the_roster_by_its_full_name(
    aragon: Peer, alice: Client, project: str
) -> None:
    everybody = {one.name: one for one in (await alice.request(Members(), MemberList)).agents}
    seen = everybody[slug_of(aragon)]
    assert (seen.display, seen.project, seen.kind) == (aragon.name, project, MemberKind.AGENT)


# tokens


@pytest.mark.parametrize("path", ["/?token={}", "/t/{}/", "/t/{}", "/t/{}/any/path?x=1"])
async def test_with_a_token_the_caller_is_its_member(url: str, project: str, alice: Client, path: str) -> None:
    token = await token_for(alice, f"dave-{project}")
    async with peer_at(url, "Somebody", "else", path.format(token)) as dave:
        assert dave.name == f"dave-{project}"
        await dave.send("alice", f"from dave {project}")
        assert (await heard(alice, f"from dave {project}")).from_ == f"dave-{project}"
