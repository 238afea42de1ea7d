"""What the agents' answers have cost: counted once, kept with the log, shown by agent."""

from __future__ import annotations

from dataclasses import replace

from gateway.message_effects import agent_costs
from gateway.protocol.results import AgentCost
from gateway.protocol.types.core_types import MemberKind, MessageKind
from gateway.rooms import messages
from tests.support.world import World

REPLY = MessageKind.REPLY


def costs(world: World) -> dict[str, AgentCost]:
    return {one.name: one for one in agent_costs.known_costs(world.state, world.rule_context.now)}


def totals(world: World) -> dict[str, tuple[int, int, int]]:
    return {name: (one.answers, one.tokens, one.hour_tokens) for name, one in costs(world).items()}


def test_only_answers_of_agents_and_tools_are_counted() -> None:
    world = World()
    alice, ada, bot = world.person("alice"), world.member("ada"), world.member("bot", MemberKind.TOOL)
    world.say(messages.post_message, alice, "how many?", kind=REPLY, context={"tokens": 900})
    world.say(messages.post_message, ada, "on my own", context={"tokens": 900})
    world.say(messages.post_message, ada, "seven", kind=REPLY, context={"tokens": 120})
    world.say(messages.post_message, ada, "eight", kind=REPLY, context={"tokens": -5})
    world.say(messages.post_message, bot, "nine", kind=REPLY)
    assert totals(world) == {"ada": (2, 120, 120), "bot": (1, 0, 0)}


def test_the_total_stays_and_the_hour_passes() -> None:
    world = World()
    world.person("alice")
    ada = world.member("ada")
    first, _ = world.say(messages.post_message, ada, "seven", kind=REPLY, context={"tokens": 120})
    world.rule_context.at(world.rule_context.now + 3601)
    world.say(messages.post_message, ada, "eight", kind=REPLY, context={"tokens": 30})
    assert totals(world) == {"ada": (2, 150, 30)}
    assert costs(world)["ada"].since == first.timestamp


def test_a_repeated_answer_counts_once() -> None:
    world = World()
    ada = world.member("ada")
    for _ in range(2):
        world.say(messages.post_message, ada, "seven", id="same", kind=REPLY, context={"tokens": 120})
    assert totals(world) == {"ada": (1, 120, 120)}


def test_an_answer_that_a_tool_has_sent_already_still_tells_its_tokens() -> None:
    world = World()
    alice, ada = world.person("alice"), world.member("ada")
    asked, _ = world.say(messages.post_message, alice, "how many?", to="@ada")
    world.say(messages.post_message, replace(ada, is_tools_token=True), "seven", to="@alice")
    linked, _ = world.say(
        messages.post_message, ada, "seven", to="@alice", kind=REPLY, reply_to=asked.seq, context={"tokens": 70}
    )
    assert linked.kind is MessageKind.ACK
    assert totals(world) == {"ada": (1, 70, 70)}


def test_who_is_woken_by_agents_is_shown_before_the_first_answer() -> None:
    world = World()
    ada = world.member("ada")
    world.member("ben")
    world.say(messages.post_message, ada, "your turn", to="@ben")
    assert costs(world) == {"ben": AgentCost("ben", hour_wakes=1)}
