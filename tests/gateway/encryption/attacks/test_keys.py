"""A gateway that gives out other keys than those that members have published."""

from __future__ import annotations

import pytest

from gateway.encryption.key_storage.pin_file import read_pins
from gateway.encryption.member_client.checked_messages import MessageProof
from gateway.encryption.member_keys.pinned_keys import Trust
from gateway.encryption.member_keys.private_keys import MemberKeys, draw_keys, renew_keys, revoke_keys
from gateway.encryption.refusals import SealingRefused
from gateway.protocol.requests.message_requests import Send
from tests.support.gateways import Gateway
from tests.support.lied_to import LiedTo, is_wrong
from tests.support.lying_gateway import Json, LyingGateway
from tests.support.sealed_members import connected, give_key, renew_key

MAKER = draw_keys("ann", 1_700_000_000)  # keys in ann's name that somebody else has


def key_event(keys: MemberKeys, **changed: object) -> Json:
    event = {"ev": "key", "seq": 9000, "member": keys.record.name, "version": keys.record.version, "timestamp": ""}
    return {**event, "record": keys.published.text, **changed}


async def test_a_swapped_key_is_shouted_and_nothing_is_sealed_to_it(scene: LiedTo) -> None:
    await scene.push(key_event(MAKER))
    sent = await scene.ann.client.send("hello")
    notice = await scene.loud("THE KEY OF ann HAS CHANGED")
    assert notice.member == "ann"
    with pytest.raises(SealingRefused, match="has changed"):
        await scene.ben.client.send_sealed(Send(content="for ann", to=("@ann",)))
    assert (await scene.ben.message(sent.seq)).check.proof in (MessageProof.SIGNED, MessageProof.UNSIGNED)


async def test_a_key_swapped_before_its_first_use_is_noticed_by_its_owner(scene: LiedTo) -> None:
    """What is given out for a member is compared with its own key; whoever is lied to compares fingerprints."""
    false = draw_keys("eve", 1_700_000_000)
    lies = LyingGateway()

    def swap(op: str, answer: Json) -> Json:
        if op != "key.records":
            return answer
        keys = [{**one, "records": [false.published.text]} if one["member"] == "eve" else one for one in answer["keys"]]
        return {**answer, "keys": keys}

    lies.answer = swap
    give_key(scene.folder / "eve", "eve")
    endpoint = await scene.gateway.member("eve")
    async with connected(endpoint, scene.folder / "eve", "eve"):
        pass
    async with connected(endpoint, scene.folder / "eve", "eve", **lies.options) as eve:
        assert any("ANOTHER KEY FOR YOU" in one.text and one.loud for one in eve.client.notices)


async def test_an_old_key_is_used_for_nothing(scene: LiedTo) -> None:
    old = read_pins(scene.ben.state)["ann"].pinned
    renew_key(scene.ann.state, "ann")
    async with connected(scene.endpoints["ann"], scene.ann.state, "ann"):
        await scene.ben.notice("ann has renewed the key")
    await scene.push(key_event(MAKER, record=old, version=1))
    await scene.ann.client.send("go on")
    await scene.ben.said("go on")
    pin = read_pins(scene.ben.state)["ann"]
    assert (pin.trust, pin.record.version) == (Trust.FIRST_USE, 2)


async def test_keys_that_follow_a_false_key_are_no_renewal(scene: LiedTo) -> None:
    await scene.push(key_event(renew_keys(MAKER, 1_700_000_001)))
    await scene.ann.client.send("go on")
    await scene.loud("THE KEY OF ann HAS CHANGED")


async def test_a_flood_of_keys_is_told_as_one(scene: LiedTo) -> None:
    await scene.push(*[key_event(draw_keys("ann", number)) for number in range(200)])
    await scene.ann.client.send("go on")
    await scene.loud("MORE HAPPENS TO KEYS")
    assert len(scene.ben.client.notices) < 150


@pytest.mark.parametrize(
    "event",
    [
        {"record": "groupchat-key-1 " + "A" * 900},
        {"record": "garbage"},
        {"record": draw_keys("mallory", 1).published.text},
        {"record": "", "revocation": "groupchat-revocation-1 AAAA"},
        {"record": "", "revocation": "x" * 100_000},
        {"version": -1},
        {"member": "no such member"},
    ],
)
async def test_no_garbage_of_keys_stops_a_client(scene: LiedTo, event: Json) -> None:
    before = read_pins(scene.ben.state)
    await scene.push(key_event(MAKER, **event))
    sent = await scene.ann.client.send("go on", to=("@ben",))
    assert (await scene.ben.message(sent.seq)).content == "go on"
    after = read_pins(scene.ben.state)
    assert {name: after[name].pinned for name in before} == {name: pin.pinned for name, pin in before.items()}


async def test_a_revocation_of_another_key_counts_for_nothing(scene: LiedTo) -> None:
    await scene.push(key_event(MAKER, record="", revocation=revoke_keys(MAKER)))
    await scene.ann.client.send("go on")
    await scene.ben.said("go on")
    assert read_pins(scene.ben.state)["ann"].trust is Trust.FIRST_USE


async def test_withheld_records_are_said(gateway: Gateway, scene: LiedTo) -> None:
    """Without the record of a new key its owner's messages are not believed."""
    renew_key(scene.ann.state, "ann")
    scene.lies.event = lambda event: () if event["ev"] == "key" else (event,)
    sent = await scene.ann.client.send("who am I")
    message = await scene.ben.message(sent.seq)
    assert message.check.proof is MessageProof.UNSIGNED
    assert "not by a key of ann that is trusted" in message.check.notes[0]
    assert not is_wrong(message)
