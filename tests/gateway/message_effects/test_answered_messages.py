"""What a message may say that it answers: only what its sender may read, in memory and long ago."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.access.permissions import Actor
from gateway.agent_control import delivery_rules
from gateway.agent_control.delivery_rules import MessageDelivery
from gateway.client import Client, Endpoint
from gateway.message_effects.answered_messages import MAX_ANSWERED_MESSAGES
from gateway.model.deliveries.recent_messages import MAX_KEPT_MESSAGES, RecentMessages
from gateway.model.rule_outcome import StateChange
from gateway.protocol.errors import BadRequest, UnknownMessage
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Report, Retry, Send, Show
from gateway.protocol.requests.room_requests import CreateRoom
from gateway.protocol.results import Accepted, Done, MessageDetail
from gateway.protocol.types.core_types import SETTLED_BY_ANSWER, TAKEN_BY_ITSELF, MemberKind, Rung, Scope, Step
from gateway.rooms import messages
from tests.support.gateways import Gateway, gateway_in_process
from tests.support.world import World, message

HOW: dict[str, Callable[[int], dict[str, object]]] = {
    "reply_to": lambda number: {"reply_to": number},
    "answers": lambda number: {"context": {"answers": [number]}},
    "one answer": lambda number: {"context": {"answers": number}},
    "same_as": lambda number: {"context": {"same_as": number}},
    "both": lambda number: {"reply_to": number, "context": {"answers": [number]}},
}
MAY = {  # who may answer: a public word, a direct message of ann and ben, a word in the closed room of both
    "ann": (True, True, True),
    "ben": (True, True, True),
    "eve": (True, False, False),
    "olga": (True, True, True),
}


def scene() -> tuple[World, dict[str, Actor], tuple[int, int, int]]:
    world = World()
    people = {name: world.person(name) for name in ("ann", "ben", "eve")}
    people["olga"] = world.person("olga", Scope.OBSERVER)
    world.room("lab", "ann", "ben", invite_only=True)
    said = (
        world.say(messages.post_message, people["ann"], "to all")[0].seq,
        world.say(messages.post_message, people["ann"], "to you", to="@ben")[0].seq,
        world.say(messages.post_message, people["ann"], "to us", room="lab")[0].seq,
    )
    return world, people, said


WHERE_AN_ANSWER_GOES: list[tuple[str, int, str | None, str]] = [
    # who answers, the public word or that in the closed room, the room it names, where the answer is
    ("ben", 0, None, "general"),
    ("ben", 2, None, "lab"),
    ("ben", 2, "general", "general"),
    ("olga", 2, None, "general"),  # she may read it and is not there
]


@pytest.mark.parametrize(("name", "at", "named", "where"), WHERE_AN_ANSWER_GOES)
def test_an_answer_goes_to_the_room_of_what_it_answers(name: str, at: int, named: str | None, where: str) -> None:
    world, people, said = scene()
    answer = Send(content="an answer", reply_to=said[at], room=named)
    world.do(messages.post_message, people[name], answer)
    event = world.facts[-1].event
    assert isinstance(event, Message) and event.room == where


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", MAY)
def test_what_a_message_may_answer(name: str, how: str) -> None:
    world, people, said = scene()
    for number, may in zip(said, MAY[name], strict=True):
        if may:
            world.say(messages.post_message, people[name], "an answer", **HOW[how](number))
            continue
        before = world.snapshot()
        with pytest.raises(UnknownMessage) as refused:
            world.say(messages.post_message, people[name], "an answer", **HOW[how](number))
        assert refused.value.message == f"There is no message {number} that {name} can see."
        assert world.snapshot() == before


@pytest.mark.parametrize("how", HOW)
def test_what_never_was_is_refused_in_the_same_words(how: str) -> None:
    world, people, _ = scene()
    with pytest.raises(UnknownMessage, match=r"There is no message 4711 that eve can see\."):
        world.say(messages.post_message, people["eve"], "an answer", **HOW[how](4711))


@pytest.mark.parametrize(
    "context", [{"answers": ["x", None, True, 1.5, {"a": 1}]}, {"answers": "7"}, {"same_as": None}]
)
def test_what_is_no_number_answers_nothing(context: dict[str, object]) -> None:
    world, people, _ = scene()
    assert world.say(messages.post_message, people["eve"], "hm", context=context)[0].context == context


def test_one_message_answers_only_so_many() -> None:
    world, people, (public, *_) = scene()
    world.say(messages.post_message, people["eve"], "all of you", context={"answers": [public] * MAX_ANSWERED_MESSAGES})
    with pytest.raises(BadRequest, match=f"at most {MAX_ANSWERED_MESSAGES}"):
        world.say(
            messages.post_message,
            people["eve"],
            "all of you",
            context={"answers": [public] * (MAX_ANSWERED_MESSAGES + 1)},
        )


def test_who_got_a_message_may_answer_it_wherever_it_is_now() -> None:
    """Its agent may still be at work on it."""
    world, people, (_, _, closed) = scene()
    ada = world.member("ada")
    world.enter("ada", "lab")
    seq = world.say(messages.post_message, people["ann"], "and you?", room="lab")[0].seq
    world.state.put(StateChange("membership", "lab/ada", None))
    world.say(messages.post_message, ada, "here it is", to="@ann", reply_to=seq)
    with pytest.raises(UnknownMessage):
        world.say(messages.post_message, ada, "and that", to="@ann", reply_to=closed)


def test_memory_holds_the_newest() -> None:
    recent = RecentMessages()
    for number in range(1, MAX_KEPT_MESSAGES + 3):
        recent.note(message(number))
    assert (len(recent), min(recent), max(recent)) == (MAX_KEPT_MESSAGES, 3, MAX_KEPT_MESSAGES + 2)


async def test_what_memory_has_forgotten_is_looked_up(gateway: Gateway) -> None:
    eve = await gateway.member("eve", MemberKind.HUMAN)
    async with Client(gateway.operator) as alice, Client(eve) as stranger:
        await alice.request(CreateRoom(room="lab", invite_only=True), Done)
        public = await alice.send("to all")
        closed = await alice.send("to us", room="lab")
        gateway.hub.state.recent.clear()
        answer = await stranger.request(Send(content="yes", reply_to=public.seq), Accepted)
        gateway.hub.state.recent.clear()
        later = await stranger.request(Send(content="and yes", reply_to=answer.seq), Accepted)
        assert later.seq > answer.seq
        for number in (closed.seq, 4711, 1):
            await refused_alike(stranger, number)


async def refused_alike(client: Client, number: int) -> None:
    """Every operation that names a message says the same of one that may not be known and of one that is not there."""
    for request in (
        Send(content="x", reply_to=number),
        Send(content="x", context={"answers": [number]}),
        Show(message=number),
        Retry(message=number, member="eve"),
        Report(message=number, steps=(Step(Rung.TYPED),)),
    ):
        with pytest.raises(UnknownMessage) as refused:
            await client.request(request, Accepted)
        assert refused.value.message == f"There is no message {number} that eve can see."


# what an answer settles


def rung(world: World, number: int, name: str) -> tuple[Rung, str]:
    found = world.state.latest_deliveries[number, name]
    return found.rung, found.reason


TAKEN = Step(Rung.ACCEPTED, reason=TAKEN_BY_ITSELF)
SETTLED = (Rung.ANSWERED, SETTLED_BY_ANSWER)


@pytest.mark.parametrize("how", ["reply_to", "answers", "one answer"])
@pytest.mark.parametrize(
    ("before", "sidecar", "hands", "after"),
    [
        ((), False, False, SETTLED),
        ((Step(Rung.HELD, reason="busy"),), False, False, SETTLED),
        ((Step(Rung.SEEN),), False, False, SETTLED),
        ((TAKEN,), False, False, SETTLED),
        ((TAKEN,), True, False, SETTLED),
        ((TAKEN,), True, True, SETTLED),
        ((), True, False, (Rung.QUEUED, "")),
        ((), False, True, (Rung.QUEUED, "")),
        ((Step(Rung.TYPED),), True, False, (Rung.TYPED, "")),
        ((Step(Rung.TYPED),), False, False, (Rung.TYPED, "")),
        ((Step(Rung.SEEN),), True, True, (Rung.SEEN, "")),
        ((Step(Rung.FAILED, reason="x"),), False, False, (Rung.FAILED, "x")),
    ],
)
def test_an_answer_settles_what_nobody_else_reports(
    how: str, before: tuple[Step, ...], sidecar: bool, hands: bool, after: tuple[Rung, str]
) -> None:
    world = World()
    ann, echo = world.person("ann"), replace(world.member("echo"), is_tools_token=hands)
    asked, _ = world.say(messages.post_message, ann, "hello", to="@echo")
    if before:
        standing = MessageDelivery(asked, world.state.latest_deliveries[asked.seq, "echo"])
        world.commit(
            *delivery_rules.report_steps(
                world.state, echo, Report(asked.seq, before), standing, world.rule_context
            ).events
        )
    world.state.live["echo"].tells_activity = sidecar
    world.say(messages.post_message, echo, "you said hello", to="@ann", **HOW[how](asked.seq))
    assert rung(world, asked.seq, "echo") == after
    if after == SETTLED:
        late = delivery_rules.report_steps(
            world.state,
            echo,
            Report(asked.seq, (Step(Rung.TYPED), Step(Rung.SEEN))),
            MessageDelivery(asked, world.state.latest_deliveries[asked.seq, "echo"]),
            world.rule_context,
        )
        assert late.events == ()


def test_an_answer_settles_its_senders_delivery_alone() -> None:
    world = World()
    ann, echo = world.person("ann"), world.member("echo")
    world.member("ada")
    asked, _ = world.say(messages.post_message, ann, "to all")
    world.say(messages.post_message, echo, "an answer", reply_to=asked.seq)
    assert rung(world, asked.seq, "echo") == SETTLED
    assert rung(world, asked.seq, "ada") == (Rung.QUEUED, "")
    world.say(messages.post_message, echo, "and one more", reply_to=asked.seq)


async def test_after_a_start_the_store_is_asked_how_far_a_delivery_has_come(tmp_path: Path) -> None:
    state = tmp_path / "again"
    async with gateway_in_process(state) as gateway:
        echo = await gateway.member("echo", MemberKind.TOOL)
        async with Client(echo, Hello(inbox=True)), Client(gateway.operator) as alice:
            asked = (await alice.send("hello", to="@echo")).seq
    async with gateway_in_process(state) as gateway:
        again = Endpoint(gateway.url, echo.token)
        async with Client(again) as tool, Client(gateway.operator) as alice:
            await tool.send("you said hello", to="@alice", reply_to=asked)
            told = await alice.request(Show(message=asked), MessageDetail)
            assert [(one.rung, one.reason) for one in told.deliveries] == [SETTLED]
