"""What a process of this machine may do at AgentChat's listener without a token, and what nobody may."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.access.rate_limit import MAX_ROOMS_OF_GUESTS
from gateway.client import Client
from gateway.model.records.stored_records import RoomRecord
from gateway.model.rule_outcome import StateChange
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.decision_requests import AnswerDecision, Propose
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.room_requests import CreateRoom, Invite, RemoveRoom
from gateway.protocol.results import Accepted, DecisionView, Done, TokenMade
from gateway.protocol.types.core_types import MemberKind
from gateway.protocol.types.decision_types import AnswerKind
from gateway.runtime.listen_option import listen_at
from tests.fakes.agentchat_client import Identity, agent_at, socket_at
from tests.support.gateways import Gateway, gateway_in_process


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state", listen=(listen_at("agentchat=0"),)) as running:
        yield running


@pytest.fixture
def url(gateway: Gateway) -> Iterator[str]:
    yield gateway.listeners["agentchat"]


@pytest.mark.parametrize("name", ["claude", "alice", "human", "system", "all"])
async def test_a_name_of_somebody_else_gives_nothing_of_theirs(gateway: Gateway, url: str, name: str) -> None:
    await gateway.member("claude")
    async with Client(gateway.operator, Hello()) as alice:
        await alice.request(Send(content="a secret", to="@claude"), Accepted)
        async with agent_at(url, name, "#general") as agent:
            assert agent.id != f"@{name}"
            await agent.settle()
            assert agent.contents() == []
            await agent.send("#general", "who am I")
            assert (await agent.message("who am I"))["from"] == agent.id
        said = [one for one in gateway.hub.state.members if one.startswith(f"{name}-")]
        assert len(said) == 1 and gateway.hub.state.members[said[0]].dialect == "agentchat"


async def test_whoever_has_a_token_is_seen_as_its_member_and_is_there_once(gateway: Gateway, url: str) -> None:
    path = f"/t/{(await gateway.member('dave', MemberKind.TOOL)).token}/"
    async with agent_at(url, "other", "#general", path=path), agent_at(url, "scout", "#general") as scout:
        assert "@dave" in await scout.agents("#general")
        async with socket_at(url, None, path) as again:
            asked = await again.refused("IDENTIFY", name="x")
            assert asked == ("INVALID_MSG", "Agent with this identity already connected")


async def test_a_member_with_a_token_stays_in_its_rooms(gateway: Gateway, url: str) -> None:
    token = (await gateway.member("dave", MemberKind.TOOL)).token
    async with agent_at(url, "dave", path=f"/t/{token}/") as dave:
        await dave.ask("JOINED", "CREATE_CHANNEL", channel="#workshop")
    assert gateway.hub.state.rooms_of["dave"] == {"general", "workshop"}
    assert not gateway.hub.state.members["dave"].member.hidden


async def test_a_guest_that_is_given_a_token_is_none_any_more(gateway: Gateway, url: str) -> None:
    identity = Identity()
    async with agent_at(url, "scout", "#general", identity=identity) as scout:
        member = f"scout-{scout.id[1:]}"
        async with Client(gateway.operator, Hello()) as alice:
            made = await alice.request(CreateToken(name=member, kind=MemberKind.AGENT), TokenMade)
        await scout.ended.wait()
    async with (
        agent_at(url, "scout", "#general", identity=identity) as other,
        agent_at(url, "x", path=f"/t/{made.token}/") as owner,
    ):
        assert owner.id == f"@{member}"[:33] and other.id != owner.id
        await other.send("#general", "not the same")
        await other.message("not the same")
        assert gateway.hub.state.members[member].dialect == ""


async def test_what_others_say_to_each_other_is_never_seen(gateway: Gateway, url: str) -> None:
    claude = await gateway.member("claude")
    async with (
        Client(gateway.operator, Hello()) as alice,
        Client(claude, Hello()) as other,
        agent_at(url, "scout", "#general", "#agents") as scout,
        agent_at(url, "miner", "#general") as miner,
    ):
        await alice.request(CreateRoom(room="inner", invite_only=True), Done)
        await alice.request(Invite(room="inner", member="claude"), Done)
        await alice.request(Send(content="inside", room="inner"), Accepted)
        await alice.request(Send(content="for claude", to="@claude"), Accepted)
        await other.request(Send(content="for alice", to="@alice"), Accepted)
        await miner.send("@claude", "from miner")
        await miner.message("from miner")
        await scout.settle()
        assert scout.contents() == [] and "inner" not in str(scout.frames)
        assert miner.contents() == ["from miner"]
        assert (await scout.refused("JOIN", channel="#inner"))[0] == "NOT_INVITED"


async def test_guests_are_hidden_and_in_no_room_while_they_are_away(gateway: Gateway, url: str) -> None:
    async with agent_at(url, "scout", "#agents") as scout:
        member = f"scout-{scout.id[1:]}"
        assert gateway.hub.state.rooms_of[member] == {"general", "agents"}
    async with agent_at(url, "other") as other:
        await other.settle()
    assert gateway.hub.state.members[member].member.hidden
    assert gateway.hub.state.rooms_of[member] == set()


async def test_urgent_words_and_commands_are_only_text(gateway: Gateway, url: str) -> None:
    await gateway.member("claude")
    async with agent_at(url, "scout", "#general") as scout:
        for text in ("!^C", "/pause", "@claude !stop", "NOOP"):
            await scout.send("#general", text)
            await scout.message(text)
        assert gateway.hub.state.paused == {}
        assert all(not one.keys for one in gateway.hub.state.live.values())


async def test_there_is_an_end_to_new_channels(gateway: Gateway, url: str) -> None:
    for number in range(MAX_ROOMS_OF_GUESTS):
        gateway.hub.state.put(
            StateChange("room", f"r{number}", RoomRecord(f"r{number}", created_by="a-guest-of-long-ago"))
        )
        gateway.hub.state.in_room[f"r{number}"].add("alice")
    token = (await gateway.member("dave")).token
    async with agent_at(url, "scout") as scout, agent_at(url, "dave", path=f"/t/{token}/") as dave:
        code, message = await scout.refused("CREATE_CHANNEL", channel="#one-more")
        assert code == "INVALID_MSG" and "Members without a token have created" in message
        await dave.ask("JOINED", "CREATE_CHANNEL", channel="#one-more")


async def test_a_hidden_channel_is_left_as_one_that_is_not_there(gateway: Gateway, url: str) -> None:
    async with Client(gateway.operator, Hello()) as alice, agent_at(url, "scout", "#general") as scout:
        await alice.request(CreateRoom(room="inner", invite_only=True), Done)
        await alice.request(CreateRoom(room="shed"), Done)
        await alice.request(RemoveRoom(room="shed"), Done)
        before = len(scout.frames)
        for channel in ("#inner", "#nowhere", "#shed"):
            await scout.say("LEAVE", channel=channel)
        await scout.settle()
        assert [one["type"] for one in scout.frames[before:]] == ["PONG"]
        await alice.request(Invite(room="inner", member=f"scout-{scout.id[1:]}"), Done)
        await scout.join("#inner")
        await scout.ask("LEFT", "LEAVE", channel="#inner")


async def test_a_removed_channel_is_not_there(gateway: Gateway, url: str) -> None:
    async with Client(gateway.operator, Hello()) as alice, agent_at(url, "scout") as scout:
        await alice.request(CreateRoom(room="shed"), Done)
        await alice.request(RemoveRoom(room="shed"), Done)
        assert "#shed" not in str(await scout.ask("CHANNELS", "LIST_CHANNELS"))
        for asked in ("JOIN", "LIST_AGENTS"):
            assert (await scout.refused(asked, channel="#shed"))[0] == "CHANNEL_NOT_FOUND"
        assert (await scout.refused("CREATE_CHANNEL", channel="#shed"))[0] == "CHANNEL_EXISTS"


async def test_nobody_learns_of_what_is_decided_between_others(gateway: Gateway, url: str) -> None:
    """The numbers of decisions can be guessed; what is between two stays there."""
    await gateway.member("claude")
    identity = Identity()
    async with Client(gateway.operator, Hello()) as alice, agent_at(url, "scout", identity=identity) as scout:
        decision = (await alice.request(Propose(question="paint it?", to="claude"), DecisionView)).decision
        sig = identity.sign(f"ACCEPT|{decision.id}|")
        asked = await scout.refused("ACCEPT", proposal_id=decision.id, sig=sig)
        assert asked == ("INVALID_PROPOSAL", "PROPOSAL_NOT_FOUND")
        assert "PROPOSAL" not in str(scout.of("PROPOSAL")) and gateway.hub.state.decisions[decision.id].pending


@pytest.mark.parametrize(
    ("answer", "frame", "status"),
    [
        ((AnswerKind.ACCEPT, ""), "ACCEPT", "accepted"),
        ((AnswerKind.REJECT, ""), "REJECT", "rejected"),
        ((AnswerKind.VOTE, "yes"), "ACCEPT", "accepted"),
        ((AnswerKind.VOTE, "no"), "REJECT", "rejected"),
    ],
)
async def test_what_a_member_of_ours_proposes_and_answers_is_told_in_frames(
    gateway: Gateway, url: str, answer: tuple[AnswerKind, str], frame: str, status: str
) -> None:
    identity = Identity()
    async with (
        Client(await gateway.member("claude"), Hello()) as claude,
        agent_at(url, "scout", "#general", identity=identity) as scout,
    ):
        sig = identity.sign("@claude|paint it||||")
        theirs = await scout.ask("PROPOSAL", "PROPOSAL", to="@claude", task="paint it", sig=sig)
        said = AnswerDecision(decision=theirs["id"], kind=answer[0], choice=answer[1], reason="because")
        await claude.request(said, DecisionView)
        (told,) = await scout.until(lambda: scout.of(frame))
        assert (told["proposal_id"], told["status"], told["sig"]) == (theirs["id"], status, None)

        wish = Propose(question="buy paint", to=f"scout-{scout.id[1:]}")
        decision = (await claude.request(wish, DecisionView)).decision
        ours = await scout.until(lambda: scout.of("PROPOSAL")[1:])
        assert (ours[0]["from"], ours[0]["to"], ours[0]["task"]) == ("@claude", scout.id, "buy paint")
        sig = identity.sign(f"ACCEPT|{decision.id}|")
        accepted = await scout.ask("ACCEPT", "ACCEPT", proposal_id=decision.id, sig=sig)
        assert (accepted["proposal_id"], accepted["status"]) == (decision.id, "accepted")
        assert scout.of("MSG") == []
