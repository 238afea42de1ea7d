"""A browser becomes a device of a member, and never more than that member."""

from __future__ import annotations

import asyncio

import pytest

from gateway.client import Client, Endpoint
from gateway.operations.dispatch import run_operation
from gateway.protocol.errors import Forbidden
from gateway.protocol.requests.member_requests import RemoveMember, RevokeToken, Tokens
from gateway.protocol.results import TokenList
from gateway.protocol.types.core_types import DeviceScope, MemberKind, Scope
from gateway.server.state_folder.startup_tokens import system_actor
from tests.support.assembled import Clock, assembled
from tests.support.browser import Browser, begin_pairing
from tests.support.gateways import Gateway

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def gateway(shared_gateway: Gateway) -> Gateway:
    return shared_gateway


async def paired(gateway: Gateway, person: Endpoint, scope: DeviceScope = DeviceScope.MEMBER) -> Browser:
    browser = Browser(gateway.url)
    status, answer = await browser.pair((await begin_pairing(person, scope)).code)
    assert status == 200, answer
    return browser


async def test_a_browser_becomes_a_device_and_acts_as_its_member(gateway: Gateway) -> None:
    begun = await begin_pairing(gateway.operator, name="phone")
    browser = Browser(gateway.url)
    status, answer = await browser.pair(begun.code)
    assert status == 200
    assert answer == {
        "device": begun.device,
        "member": "alice",
        "scope": "member",
        "name": "phone",
        "house": gateway.hub.state.id,
    }
    async with browser.connected() as socket:
        assert socket.welcome["you"]["name"] == "alice"
        sent = await socket.ask({"op": "send", "content": "from the phone"})
        assert sent["ok"]["seq"]


@pytest.mark.parametrize(
    ("given", "sent", "shown"),
    [("phone", "Firefox on Android", "phone"), ("", "Firefox on Android", "Firefox on Android"), ("", " ", "browser")],
)
async def test_the_name_that_a_person_gives_goes_before_the_one_of_the_browser(
    gateway: Gateway, given: str, sent: str, shown: str
) -> None:
    browser = Browser(gateway.url)
    _, answer = await browser.pair((await begin_pairing(gateway.operator, name=given)).code, sent)
    assert answer["name"] == shown
    async with Client(gateway.operator) as person:
        listed = (await person.request(Tokens(own=True), TokenList)).tokens
    assert [one.device for one in listed if one.id == answer["device"]] == [shown]


@pytest.mark.parametrize(
    ("scope", "may_send", "may_approve"),
    [(DeviceScope.READER, False, False), (DeviceScope.MEMBER, True, False), (DeviceScope.APPROVER, True, True)],
)
async def test_a_device_may_what_its_scope_says(
    gateway: Gateway, scope: DeviceScope, may_send: bool, may_approve: bool
) -> None:
    browser = await paired(gateway, gateway.operator, scope)
    async with browser.connected() as socket:
        sent = await socket.ask({"op": "send", "content": "x"})
        assert ("ok" in sent) is may_send
        answered = await socket.refusal_of({"op": "ask.answer", "member": "nobody", "answer": "deny"})
        assert (answered != "forbidden") is may_approve
        watched = await socket.refusal_of({"op": "terminal.watch", "member": "nobody"})
        assert (watched != "forbidden") is may_approve


async def test_no_device_administers_or_reads_the_messages_of_others(gateway: Gateway) -> None:
    browser = await paired(gateway, gateway.operator, DeviceScope.APPROVER)
    async with browser.connected() as socket:
        assert not socket.welcome.get("observer", False)
        assert await socket.refusal_of({"op": "token.create", "name": "mine", "kind": "human"}) == "forbidden"
        assert await socket.refusal_of({"op": "tokens"}) == "forbidden"


async def test_a_device_makes_no_further_credentials(gateway: Gateway) -> None:
    browser = await paired(gateway, gateway.operator, DeviceScope.APPROVER)
    async with browser.connected() as socket:
        assert await socket.refusal_of({"op": "pair.begin"}) == "forbidden"
        assert await socket.refusal_of({"op": "token.hands"}) == "forbidden"


async def test_nobody_gives_a_device_more_than_they_have(gateway: Gateway) -> None:
    bob = await gateway.member("bob", MemberKind.HUMAN)
    assert (await begin_pairing(bob)).scope is DeviceScope.MEMBER
    with pytest.raises(Forbidden, match="may not answer questions"):
        await begin_pairing(bob, DeviceScope.APPROVER)
    with pytest.raises(Forbidden):
        await begin_pairing(await gateway.member("claude"))
    with pytest.raises(Forbidden):
        await begin_pairing(gateway.team)


async def test_a_device_is_listed_to_its_owner_and_revoked_by_it(gateway: Gateway) -> None:
    carol = await gateway.member("carol", MemberKind.HUMAN)
    first, second = await paired(gateway, carol), await paired(gateway, carol)
    async with first.connected() as one, second.connected() as other:
        listed = (await one.ask({"op": "tokens", "own": True}))["ok"]["tokens"]
        assert {token["id"] for token in listed} == {first.paired["device"], second.paired["device"]}
        assert all(token["last_seen"] and token["device"] == "browser" for token in listed)
        assert "ok" in await one.ask({"op": "token.revoke", "name": second.paired["device"]})
        await other.ends()
        assert await one.refusal_of({"op": "token.revoke", "name": "carol"}) == "forbidden"
    async with second.socket() as refused:
        answer = await refused.ask({"op": "prove", "signature": second.sign(refused.nonce)})
        assert answer["error"]["code"] == "unauthorized"
        await refused.ends()


@pytest.mark.parametrize("scope", DeviceScope)
async def test_a_browser_that_is_paired_anew_is_one_device_only(gateway: Gateway, scope: DeviceScope) -> None:
    before, after = await paired(gateway, gateway.operator, DeviceScope.APPROVER), Browser(gateway.url)
    async with before.connected() as socket:
        code = (await begin_pairing(gateway.operator, scope)).code
        status, answer = await after.pair(code, replaces=before.yields_to(after))
        assert status == 200, answer
        await socket.ends()
    async with before.socket() as refused:
        assert await refused.refusal_of({"op": "prove", "signature": before.sign(refused.nonce)}) == "unauthorized"
    async with after.connected() as socket:
        listed = (await socket.ask({"op": "tokens", "own": True}))["ok"]["tokens"]
        assert [one["revoked"] for one in listed if one["id"] == before.paired["device"]] == [True]


async def test_a_browser_that_becomes_anothers_is_no_longer_the_firsts(gateway: Gateway) -> None:
    gina, hal = [await gateway.member(name, MemberKind.HUMAN) for name in ("gina", "hal")]
    before, after = await paired(gateway, gina), Browser(gateway.url)
    status, _ = await after.pair((await begin_pairing(hal)).code, replaces=before.yields_to(after))
    assert status == 200
    async with before.socket() as refused:
        assert await refused.refusal_of({"op": "prove", "signature": before.sign(refused.nonce)}) == "unauthorized"
    assert not gateway.hub.state.members["gina"].member.hidden, "her own token is still valid"


WRONG_YIELDS = {
    "another house": {"house": "another"},
    "another port": {"origin": "http://127.0.0.1:3000"},
    "another new key": {"public_key": Browser("").public_key},
}


@pytest.mark.parametrize("wrong", WRONG_YIELDS)
async def test_only_the_key_of_a_device_ends_it(gateway: Gateway, wrong: str) -> None:
    before, after = await paired(gateway, gateway.operator), Browser(gateway.url)
    code = (await begin_pairing(gateway.operator)).code
    status, answer = await after.pair(code, replaces=before.yields_to(after, **WRONG_YIELDS[wrong]))
    assert (status, answer["error"]["code"]) == (400, "bad_request")
    stranger = Browser(gateway.url, paired=before.paired)
    assert (await after.pair(code, replaces=stranger.yields_to(after)))[0] == 400
    async with before.connected():
        pass
    assert (await after.pair(code))[0] == 200, "the code was not used up"


async def test_a_device_that_has_ended_already_hinders_no_pairing(gateway: Gateway) -> None:
    gone, after = Browser(gateway.url, paired={"device": "ffffffffffffffff", "house": "x"}), Browser(gateway.url)
    code = (await begin_pairing(gateway.operator)).code
    assert (await after.pair(code, replaces=gone.yields_to(after)))[0] == 200


async def test_two_browsers_may_have_one_name(gateway: Gateway) -> None:
    """A name is no identity: it ends nobody's device."""
    first, second = Browser(gateway.url), Browser(gateway.url)
    for browser in (first, second):
        assert (await browser.pair((await begin_pairing(gateway.operator, name="phone")).code))[0] == 200
    for browser in (first, second):
        async with browser.connected():
            pass


async def test_nobody_revokes_the_device_of_another(gateway: Gateway) -> None:
    browser = await paired(gateway, gateway.operator)
    other = await paired(gateway, await gateway.member("dora", MemberKind.HUMAN))
    async with other.connected() as socket:
        refused = await socket.refusal_of({"op": "token.revoke", "name": browser.paired["device"]})
        assert refused == "forbidden"


async def test_removing_a_member_ends_its_devices_at_once(gateway: Gateway) -> None:
    browser = await paired(gateway, await gateway.member("erik", MemberKind.HUMAN))
    async with browser.connected() as socket:
        await run_operation(gateway.hub, system_actor(), RemoveMember(member="erik"))
        await socket.ends()
    async with browser.socket() as refused:
        await refused.ask({"op": "prove", "signature": browser.sign(refused.nonce)})
        await refused.ends()


async def test_a_code_works_once(gateway: Gateway) -> None:
    code = (await begin_pairing(gateway.operator)).code
    answers = await asyncio.gather(*(Browser(gateway.url).pair(code) for _ in range(5)))
    assert sorted(status for status, _ in answers) == [200, 401, 401, 401, 401]


async def test_a_code_ends_with_the_token_that_asked_for_it(gateway: Gateway) -> None:
    code = (await begin_pairing(await gateway.member("fred", MemberKind.HUMAN))).code
    await run_operation(gateway.hub, system_actor(), RevokeToken(name="fred"))
    status, answer = await Browser(gateway.url).pair(code)
    assert (status, answer["error"]["code"]) == (401, "unauthorized")


async def test_an_old_code_is_worth_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    clock = Clock()
    async with assembled(tmp_path_factory.mktemp("old") / "state", clock=clock) as gateway:
        code = (await begin_pairing(gateway.operator)).code
        clock.now += 120
        assert (await Browser(gateway.url).pair(code))[0] == 401


async def test_a_device_ends_with_the_time_of_its_owners_token(tmp_path_factory: pytest.TempPathFactory) -> None:
    from gateway.protocol.requests.member_requests import CreateToken
    from gateway.protocol.results import TokenMade

    clock = Clock()
    async with assembled(tmp_path_factory.mktemp("ends") / "state", clock=clock) as gateway:
        wish = CreateToken(name="gina", kind=MemberKind.HUMAN, expires_in=60)
        made = await run_operation(gateway.hub, system_actor(), wish)
        assert isinstance(made, TokenMade)
        browser = Browser(gateway.url)
        await browser.pair((await begin_pairing(Endpoint(gateway.url, made.token))).code)
        clock.now += 61
        async with browser.socket() as socket:
            await socket.ask({"op": "prove", "signature": browser.sign(socket.nonce)})
            await socket.ends()


async def test_an_invalid_key_does_not_use_up_a_code(gateway: Gateway) -> None:
    code = (await begin_pairing(gateway.operator)).code

    class Keyless(Browser):
        public_key = "AAAA"

    assert (await Keyless(gateway.url).pair(code))[0] == 400
    assert (await Browser(gateway.url).pair(code))[0] == 200


async def test_a_device_of_somebody_with_all_scopes_has_none_of_them(gateway: Gateway) -> None:
    browser = await paired(gateway, await gateway.member("hans", MemberKind.HUMAN, *Scope))
    async with browser.connected() as socket:
        assert (await socket.ask({"op": "whoami"}))["ok"].get("scopes", []) == []


async def test_two_tabs_are_two_sockets_of_one_device(gateway: Gateway) -> None:
    browser = await paired(gateway, gateway.operator)
    async with browser.connected() as one, browser.connected() as other, Client(gateway.operator) as person:
        await person.request(RevokeToken(name=browser.paired["device"]), object)
        await one.ends()
        await other.ends()
