"""What every dialect must do, whatever its words are: one test for each promise, run through each dialect."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from gateway.access.permissions import Actor
from gateway.access.rate_limit import Rate
from gateway.client import Client as FullProtocol
from gateway.operations.dispatch import run_operation, start_operation
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateHands, RevokeToken
from gateway.protocol.requests.message_requests import History, Send
from gateway.protocol.results import MessageList, TokenMade
from gateway.protocol.types.core_types import MemberKind
from gateway.runtime.listen_option import listen_at
from gateway.server.state_folder.startup_tokens import system_actor
from tests.contract.dialects import DIALECTS, Client, Dialect, Full, Simple, Socket
from tests.fakes.retry import retry_until
from tests.hostile.strings import REFUSED, STRINGS
from tests.support.assembled import LateStore, assembled
from tests.support.gateways import TEAM_TOKEN, UNLIMITED, Gateway, gateway_in_process, own_address
from tests.support.simple import simple_client

LISTEN = (listen_at("agentchat=0"), listen_at("ai-connect=0"), listen_at("skynet=0"))
OPERATOR = Actor("alice", MemberKind.HUMAN)
GUEST_DIALECTS = ("agentchat", "ai-connect", "skynet")  # whoever has no token may come in here
MOST_CONTENT = 4096  # of AgentChat, the least of all


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state", listen=LISTEN, guest_rate=UNLIMITED) as running:
        yield running


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as open_:
        yield open_


@pytest.fixture(params=list(DIALECTS))
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS[request.param]


async def two(stack: AsyncExitStack, gateway: Gateway, dialect: Dialect) -> tuple[Client, Client]:
    return await dialect.enter(stack, gateway, "ada"), await dialect.enter(stack, gateway, "ben")


async def said(gateway: Gateway) -> list[tuple[str, str]]:
    """What the log holds, as the operator reads it."""
    await run_operation(gateway.hub, system_actor(), Hello())
    listed = await run_operation(gateway.hub, system_actor(), History(room="general", limit=1000))
    assert isinstance(listed, MessageList)
    return [(one.from_, one.content) for one in reversed(listed.messages) if one.from_ != "system"]


async def contents_of(gateway: Gateway) -> list[str]:
    return [content for _, content in await said(gateway)]


async def test_a_page_of_another_origin_is_refused(gateway: Gateway, dialect: Dialect) -> None:
    for origin in ("https://evil.example", "http://evil.example", "null", "http://127.0.0.1:1"):
        assert await status_of(f"{dialect.url(gateway)}?token={gateway.operator.token}", origin=origin) == 403


async def test_a_wrong_token_is_refused(gateway: Gateway, dialect: Dialect) -> None:
    assert await status_of(f"{dialect.url(gateway)}?token=gc_0000000000_wrong") == 401


async def status_of(url: str, **options: Any) -> int:
    """How a WebSocket is refused."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect(url, **options):
            pass
    return refused.value.response.status_code


async def test_another_host_is_refused(gateway: Gateway, dialect: Dialect) -> None:
    """A page that has made its own name lead here names that host."""
    _, host, path = re.split(r"(127\.0\.0\.1:\d+)", dialect.url(gateway), maxsplit=1)
    port = int(host.partition(":")[2])
    url = f"ws://evil.example:{port}{path}?token={gateway.operator.token}"
    assert await status_of(url, host="127.0.0.1", port=port) == 403


@pytest.mark.parametrize("path", ["/t/{token}/", "/?token={token}"])
@pytest.mark.parametrize("name", GUEST_DIALECTS)
async def test_tokens_that_admit_nobody_where_guests_connect(gateway: Gateway, name: str, path: str) -> None:
    """Neither a wrong one nor the team's, whose members speak by the simple interface, nor one of an agent's tools."""
    claude = await gateway.member("claude")
    async with FullProtocol(claude, Hello()) as client:
        tools_token = (await client.request(CreateHands(), TokenMade)).token
    tokens = {"wrong": 401, "gc_0123456789abcdef_wrong": 401, TEAM_TOKEN: 403, tools_token: 403}
    url = gateway.listeners[name]
    assert {token: await status_of(url + path.format(token=token)) for token in tokens} == tokens


@pytest.mark.parametrize("path", ["/t/{token}/", "/t/{token}/any/path", "/?token={token}"])
@pytest.mark.parametrize("name", GUEST_DIALECTS)
async def test_a_token_makes_the_caller_its_member_whatever_name_it_gives(
    gateway: Gateway, stack: AsyncExitStack, name: str, path: str
) -> None:
    token = (await gateway.member("dave", MemberKind.TOOL)).token
    dialect = DIALECTS[name]
    dave = await dialect.enter(stack, gateway, "other", path.format(token=token))
    ben = await dialect.enter(stack, gateway, "ben")
    assert dave.name.removeprefix("@") == "dave"
    await dave.say("hello", ben.name)
    await ben.until(lambda: (dave.name, "hello") in ben.heard())
    await dave.say("to all")
    await ben.until(lambda: (dave.name, "to all") in ben.heard())
    assert ("dave", "to all") in await said(gateway)


@pytest.mark.parametrize("name", ["agentchat", "ai-connect", "skynet", "full"])
async def test_a_revoked_token_ends_the_connection(gateway: Gateway, stack: AsyncExitStack, name: str) -> None:
    token = (await gateway.member("dave", MemberKind.TOOL)).token
    dave = await DIALECTS[name].enter(stack, gateway, "dave", f"/t/{token}/")
    assert isinstance(dave, Socket)
    await run_operation(gateway.hub, system_actor(), RevokeToken(name="dave"))
    await dave.ended()


@pytest.mark.parametrize("name", GUEST_DIALECTS)
async def test_the_team_token_does_not_speak_for_guests(gateway: Gateway, stack: AsyncExitStack, name: str) -> None:
    guest = (await DIALECTS[name].enter(stack, gateway, "scout")).member
    team = await stack.enter_async_context(simple_client(gateway.url, TEAM_TOKEN))
    answer = await team.say(guest, "as somebody else")
    assert (answer.status, answer.body["code"]) == (409, "name_taken")
    assert f"connected over {name}" in answer.body["error"]
    assert (await team.delete(f"/agent/{guest}")).status == 403
    assert (await team.get(f"/inbox/{guest}")).status == 409


@pytest.mark.parametrize("name", GUEST_DIALECTS)
async def test_from_another_machine_nothing_goes_without_a_token(
    tmp_path: Path, stack: AsyncExitStack, name: str
) -> None:
    address = own_address()
    if address is None:
        pytest.skip("this machine has no other address than loopback")
    listen = (listen_at(f"{name}=0.0.0.0:0"),)
    gateway = await stack.enter_async_context(gateway_in_process(tmp_path / "state", listen=listen, insecure=True))
    dialect, here = DIALECTS[name], gateway.listeners[name]
    there = re.sub(r"//[^:/]+:", f"//{address}:", here)
    assert await status_of(there) == 401
    token = (await gateway.member("dave")).token
    gateway.listeners[name] = there
    dave = await dialect.enter(stack, gateway, "x", f"/t/{token}/")
    assert dave.name.removeprefix("@") == "dave"
    gateway.listeners[name] = re.sub(r"//[^:/]+:", "//127.0.0.1:", here)
    assert await dialect.enter(stack, gateway, "scout")


async def test_what_was_said_while_one_was_away_is_heard(
    gateway: Gateway, dialect: Dialect, stack: AsyncExitStack
) -> None:
    """Once, by whoever comes back: what was for it alone, or in AgentChat, what was said in its rooms."""
    ada = await dialect.enter(stack, gateway, "ada")
    path = await dialect.identity(gateway, "dave")
    async with AsyncExitStack() as first:
        dave = await dialect.enter(first, gateway, "dave", path)
        await ada.say("before", dave.name)
        await dave.until(lambda: "before" in [content for _, content in dave.heard()])
        await dave.settle()
    to = None if dialect.brings_back_public else dave.name
    for number in range(3):
        await ada.say(f"meanwhile {number}", to)
    back = await dialect.come_back(stack, gateway, "dave", path)
    await ada.say("after", back.name)
    await back.until(lambda: "after" in [content for _, content in back.heard()])
    heard = [content for _, content in back.heard() if content.startswith("meanwhile")]
    assert heard == [f"meanwhile {number}" for number in range(3)]


async def test_the_sender_is_stamped(gateway: Gateway, dialect: Dialect, stack: AsyncExitStack) -> None:
    """Whatever a client says of who it is, it speaks as itself, or not at all."""
    ada, ben = await two(stack, gateway, dialect)
    for claim in ("alice", "human", "system", ben.name):
        match dialect:
            case Simple():  # there the team token speaks for those that it registered, and no others
                assert claim in ("human", ben.name) or await ada.refused(f"as {claim}", **{"from": claim})
            case Full():
                assert await ada.refused(f"as {claim}", **{"from": claim})
            case _:
                await ada.say(f"as {claim}", **{"from": claim})
    await ada.say("as itself")
    await ben.until(lambda: "as itself" in [content for _, content in ben.heard()])
    assert {who for who, content in ben.heard() if content.startswith("as")} == {ada.name}
    assert {who for who, content in await said(gateway) if content.startswith("as")} == {ada.member}


async def test_a_name_that_does_not_resolve_is_an_error(
    gateway: Gateway, dialect: Dialect, stack: AsyncExitStack
) -> None:
    ada, ben = await two(stack, gateway, dialect)
    sentence = await ada.refused("to nobody", "@nobody00")
    assert len(sentence) > 10
    await ada.say("next")
    await ben.until(lambda: "next" in [content for _, content in ben.heard()])
    assert "to nobody" not in await contents_of(gateway)


async def test_accepted_means_durable(tmp_path: Path, dialect: Dialect, stack: AsyncExitStack) -> None:
    """Nobody hears, and nobody is told that it is accepted, before it is on the disk."""
    (tmp_path / "state").mkdir(mode=0o700)
    store = LateStore(tmp_path / "state" / "groupchat.db")
    async with assembled(tmp_path / "state", store=store, listen=LISTEN) as gateway, AsyncExitStack() as clients:
        ada, ben = await two(clients, gateway, dialect)
        await ada.settle()
        await retry_until(lambda: not gateway.hub.answers.uncommitted and not gateway.hub.presence.is_waiting)
        store.gate.clear()
        begun = start_operation(gateway.hub, OPERATOR, Send(content="not yet"))
        assert isinstance(begun, asyncio.Future)
        assert not begun.done()
        await retry_until(lambda: gateway.hub.answers.uncommitted == 1)
        assert "not yet" not in ben.everything()
        store.gate.set()
        await begun
        await ben.until(lambda: "not yet" in [content for _, content in ben.heard()])


@pytest.mark.parametrize(
    "dialect", [one for one in DIALECTS.values() if one.retries], ids=lambda one: type(one).__name__
)
async def test_a_repetition_is_the_same_message(gateway: Gateway, dialect: Dialect, stack: AsyncExitStack) -> None:
    ada, ben = await two(stack, gateway, dialect)
    for _ in range(3):
        await ada.say("once", **{dialect.retries: "the-same"})
    await ada.say("end")
    await ben.until(lambda: "end" in [content for _, content in ben.heard()])
    assert [content for _, content in ben.heard()].count("once") == 1
    assert (await contents_of(gateway)).count("once") == 1


async def test_order_is_kept(gateway: Gateway, dialect: Dialect, stack: AsyncExitStack) -> None:
    ada, ben = await two(stack, gateway, dialect)
    wanted = [f"number {number}" for number in range(40)]
    for content in wanted:
        await ada.say(content)
    await ben.until(lambda: wanted[-1] in [content for _, content in ben.heard()])
    assert [content for _, content in ben.heard() if content.startswith("number")] == wanted
    await ada.settle()
    heard = [content for _, content in ada.heard() if content.startswith("number")]
    assert heard == (wanted if dialect.echoes else [])


async def test_too_much_is_refused_and_the_connection_lives_on(
    gateway: Gateway, dialect: Dialect, stack: AsyncExitStack
) -> None:
    ada, ben = await two(stack, gateway, dialect)
    assert len(await ada.refused("x" * 300_000)) > 10
    await ada.say("still here")
    await ben.until(lambda: "still here" in [content for _, content in ben.heard()])


async def test_too_fast_is_refused_and_the_connection_lives_on(
    tmp_path: Path, dialect: Dialect, stack: AsyncExitStack
) -> None:
    slow = Rate(6, 0.01)
    async with (
        gateway_in_process(tmp_path / "state", listen=LISTEN, rate=slow, guest_rate=slow) as gateway,
        AsyncExitStack() as clients,
    ):
        ada = await dialect.enter(clients, gateway, "ada")
        for number in range(6):
            await _say_or_not(ada, f"n{number}")
        assert "ait" in await ada.refused("one too many")
        for _ in range(20):
            await ada.settle()  # reading is not counted
        assert "one too many" not in await contents_of(gateway)


async def _say_or_not(client: Client, content: str) -> None:
    """Coming in may have taken some of what may be said."""
    try:
        await client.say(content)
    except AssertionError as error:
        assert "rate_limited" in str(error)


async def test_hostile_text_is_text(gateway: Gateway, dialect: Dialect, stack: AsyncExitStack) -> None:
    """What can be stored arrives as it was; what cannot is refused with a sentence; the connection lives on."""
    ada, ben = await two(stack, gateway, dialect)
    sent: list[str] = []
    for name, text in STRINGS.items():
        content = f"[{name}] {text}"[:MOST_CONTENT]  # a mark first: commands of a dialect are another matter
        await ada.say(content)
        sent.append(content)
    for text in REFUSED.values():
        if dialect is DIALECTS["ai-connect"] and "\x00" not in text:
            await ada.say(f"refused {text}")  # to this dialect what is no JSON is nothing at all
        else:
            assert await ada.refused(f"refused {text}")
    await ada.say("the end")
    await ben.until(lambda: "the end" in [content for _, content in ben.heard()])
    heard = [content for who, content in ben.heard() if who == ada.name]
    assert heard == [*sent, "the end"]
    assert [content for content in await contents_of(gateway) if content != "the end"] == sent


async def test_nothing_of_others_is_seen(gateway: Gateway, dialect: Dialect, stack: AsyncExitStack) -> None:
    """What goes between two, and what is in a closed room, is on no third one's wire."""
    ada, ben = await two(stack, gateway, dialect)
    eve = await dialect.enter(stack, gateway, "eve")
    await ada.say("between ada and ben: hunter2", ben.name)
    await ben.until(lambda: "between ada and ben: hunter2" in [content for _, content in ben.heard()])
    await gateway.member("claude")
    await run_operation(gateway.hub, Actor("claude", MemberKind.AGENT), Hello(inbox=True))
    await run_operation(gateway.hub, OPERATOR, Hello())
    await run_operation(gateway.hub, OPERATOR, Send(content="between alice and claude: hunter2", to="@claude"))
    await ada.say("to all")
    await eve.until(lambda: "to all" in [content for _, content in eve.heard()])
    await eve.settle()
    assert "hunter2" not in eve.everything()
    assert json.dumps("hunter2")[1:-1] not in eve.everything()
