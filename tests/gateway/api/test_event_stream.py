"""Server-sent events: welcome, replay, live; resumed by Last-Event-ID; the same events as on the socket."""

from __future__ import annotations

import asyncio

import aiohttp

from tests.support.gateways import Gateway
from tests.support.simple import EventStream, SimpleClient, simple_client


async def say(alice: SimpleClient, *contents: str) -> None:
    for content in contents:
        answer = await alice.ask("POST", "/v1/messages", body={"content": content})
        assert answer.status == 200


async def heard(events: EventStream, last: str) -> list[str]:
    frames = await events.until(lambda one: one.get("content") == last)
    return [one["content"] for one in frames if one["ev"] == "message"]


async def test_a_stream_begins_with_a_welcome_and_goes_on_live(gateway: Gateway) -> None:
    async with simple_client(gateway.url, gateway.operator.token) as alice:
        await say(alice, "before")
        async with alice.stream("/v1/events") as events:
            welcome = await events.next()
            assert (welcome["ev"], welcome["you"]["name"]) == ("welcome", "alice")
            assert (await events.until(lambda one: one["ev"] == "replayed"))[-1]["until"] == welcome["last_seq"]
            await say(alice, "live")
            assert await heard(events, "live") == ["live"]


async def test_it_resumes_by_the_last_id_or_by_since(gateway: Gateway) -> None:
    async with simple_client(gateway.url, gateway.operator.token) as alice:
        async with alice.stream("/v1/events") as events:
            await say(alice, "one")
            await heard(events, "one")
            last = events.last_id
        await say(alice, "two", "three")
        async with alice.stream("/v1/events", last_event_id=last) as events:
            assert await heard(events, "three") == ["two", "three"]
        async with alice.stream(f"/v1/events?since={last}") as events:
            assert await heard(events, "three") == ["two", "three"]
        async with alice.stream("/v1/events?since=0") as events:
            assert await heard(events, "three") == ["one", "two", "three"]


async def test_each_event_has_its_seq_as_id_and_snapshots_have_none(gateway: Gateway) -> None:
    async with simple_client(gateway.url, gateway.operator.token) as alice:
        await say(alice, "one", "two")
        async with alice.stream("/v1/events?since=0") as events:
            seen = []
            while True:
                one = await events.next()
                seen.append((events.last_id, one.get("seq")))
                if one.get("content") == "two":
                    break
        durable = [(at, seq) for at, seq in seen if seq is not None]
        assert len(durable) > 2
        assert all(at == seq for at, seq in durable)
        assert None in [seq for _, seq in seen]


async def test_text_with_newlines_stays_one_event(gateway: Gateway) -> None:
    text = "one\ntwo\r\n\r\ndata: forged\nid: 999\n\u2028\u0085"
    async with simple_client(gateway.url, gateway.operator.token) as alice, alice.stream("/v1/events") as events:
        await say(alice, text, "last")
        assert await heard(events, "last") == [text, "last"]


async def test_one_that_wants_no_echo_hears_only_others(gateway: Gateway) -> None:
    bob = await gateway.member("bob")
    async with (
        simple_client(gateway.url, gateway.operator.token) as alice,
        alice.stream("/v1/events?echo=false") as events,
    ):
        await say(alice, "mine")
        await say(alice.with_token(bob.token), "not mine")
        assert await heard(events, "not mine") == ["not mine"]


async def test_a_stream_is_kept_alive_and_counts_as_being_here(gateway: Gateway) -> None:
    bob = await gateway.member("bob")
    async with (
        aiohttp.ClientSession() as session,
        session.get(bob.at("/v1/events"), headers={"X-Auth-Token": bob.token}) as response,
    ):
        assert response.headers["Cache-Control"] == "no-store"
        await response.content.readuntil(b"replayed")
        gateway.hub.streams.keep_alive()
        async with asyncio.timeout(60):
            while await response.content.readline() != b": ping\n":
                pass
        assert gateway.hub.state.live["bob"].connections == 1
