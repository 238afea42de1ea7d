"""Orders to a member's terminal: who may give them, whom they reach, who hears of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.access.permissions import Actor
from gateway.agent_control import agent_orders
from gateway.model.log_events import Outcome, StateChange
from gateway.model.member_state import LiveMember
from gateway.model.records import MemberRecord, PausedMember, SharePolicy
from gateway.protocol.errors import BadRequest, Forbidden, GroupChatError, NotFound
from gateway.protocol.events import Control, ControlAction
from gateway.protocol.requests import Keys, Pause, Request, Restart, Resume, Share, Stop
from gateway.protocol.results import Stopping
from gateway.protocol.types import Activity, Member, MemberKind, Scope
from tests.support.world import World

ALICE = Actor("alice", MemberKind.HUMAN)
CLAUDE = Actor("claude", MemberKind.AGENT)
APPROVER = Actor("alice", MemberKind.HUMAN, frozenset({Scope.APPROVER}))
ADMIN = Actor("alice", MemberKind.HUMAN, frozenset({Scope.ADMIN}))
TEAM = Actor("human", MemberKind.HUMAN, team=True)

Rule = Callable[..., Outcome]


@pytest.fixture
def world() -> World:
    world = World()
    world.person("alice")
    world.member("claude")
    world.member("gemini")
    world.state.put(StateChange("member", "gone", MemberRecord(Member("gone", MemberKind.AGENT, hidden=True))))
    return world


def order(world: World, rule: Rule, actor: Actor, request: Request) -> Control:
    (fact,) = world.do(rule, actor, request).events
    assert isinstance(fact.event, Control)
    assert fact.ends == (actor.name, *fact.event.to), "an order is between who gives it and whom it reaches"
    return fact.event


GIVEN: list[tuple[Rule, Actor, Request, ControlAction, tuple[str, ...], str]] = [
    (agent_orders.pause_member, ALICE, Pause(), ControlAction.PAUSE, ("claude", "gemini"), ""),
    (agent_orders.pause_member, ALICE, Pause(member="@all"), ControlAction.PAUSE, ("claude", "gemini"), ""),
    (agent_orders.pause_member, TEAM, Pause(member="Claude"), ControlAction.PAUSE, ("claude",), ""),
    (agent_orders.resume_member, ALICE, Resume(member="@claude"), ControlAction.RESUME, ("claude",), ""),
    (agent_orders.resume_member, ADMIN, Resume(), ControlAction.RESUME, ("claude", "gemini"), ""),
    (agent_orders.press_keys, ALICE, Keys(member="claude", keys="^C"), ControlAction.KEYS, ("claude",), "^C"),
    (agent_orders.press_keys, TEAM, Keys(member="all", keys="esc"), ControlAction.KEYS, ("claude", "gemini"), "esc"),
    (agent_orders.stop_member, ALICE, Stop(member="@claude"), ControlAction.KEYS, ("claude",), "stop"),
    (agent_orders.stop_member, TEAM, Stop(member="all"), ControlAction.KEYS, ("claude", "gemini"), "stop"),
    (
        agent_orders.set_share_policy,
        ALICE,
        Share(member="claude", policy="all"),
        ControlAction.SHARE,
        ("claude",),
        "all",
    ),
    (
        agent_orders.set_share_policy,
        CLAUDE,
        Share(member="claude", policy="none"),
        ControlAction.SHARE,
        ("claude",),
        "none",
    ),
    (agent_orders.restart_member, ADMIN, Restart(member="claude"), ControlAction.RESTART, ("claude",), ""),
]


@pytest.mark.parametrize(("rule", "actor", "request_", "action", "to", "text"), GIVEN)
def test_an_order(  # noqa: PLR0917 - a row of the table
    world: World, rule: Rule, actor: Actor, request_: Request, action: ControlAction, to: tuple[str, ...], text: str
) -> None:
    event = order(world, rule, actor, request_)
    assert (event.action, event.from_, event.to, event.text) == (action, actor.name, to, text)


REFUSED: list[tuple[Rule, Actor, Request, type[GroupChatError]]] = [
    (agent_orders.pause_member, CLAUDE, Pause(), Forbidden),
    (agent_orders.resume_member, CLAUDE, Resume(member="claude"), Forbidden),
    (agent_orders.press_keys, CLAUDE, Keys(member="gemini", keys="^C"), Forbidden),
    (agent_orders.stop_member, CLAUDE, Stop(member="gemini"), Forbidden),
    (agent_orders.stop_member, ALICE, Stop(member="cluade"), NotFound),
    (agent_orders.set_share_policy, CLAUDE, Share(member="gemini", policy="all"), Forbidden),
    (agent_orders.set_share_policy, TEAM, Share(member="claude", policy="all"), Forbidden),
    (agent_orders.set_share_policy, ALICE, Share(member="claude", policy="some"), BadRequest),
    (agent_orders.restart_member, ALICE, Restart(member="claude"), Forbidden),
    (agent_orders.restart_member, TEAM, Restart(member="claude"), Forbidden),
    (agent_orders.pause_member, ALICE, Pause(member="nobody"), NotFound),
    (agent_orders.press_keys, ALICE, Keys(member="cluade", keys="^C"), NotFound),
]


@pytest.mark.parametrize(("rule", "actor", "request_", "error"), REFUSED)
def test_an_order_that_is_refused(
    world: World, rule: Rule, actor: Actor, request_: Request, error: type[GroupChatError]
) -> None:
    before = world.snapshot()
    with pytest.raises(error):
        world.do(rule, actor, request_)
    assert (world.snapshot(), world.sequencer.last_seq) == (before, 0)


def test_a_pause_lasts_until_it_is_lifted(world: World) -> None:
    world.do(agent_orders.pause_member, ALICE, Pause())
    assert world.state.paused == {name: PausedMember(name, "alice") for name in ("claude", "gemini")}
    assert world.state.view(world.state.member("claude"), 0).paused
    world.do(agent_orders.resume_member, ALICE, Resume(member="claude"))
    assert set(world.state.paused) == {"gemini"}


@pytest.mark.parametrize(("actor", "may"), [(ALICE, False), (ADMIN, False), (TEAM, False), (APPROVER, True)])
def test_whether_keys_may_go_into_a_dialog_is_written_on_the_order(world: World, actor: Actor, may: bool) -> None:
    assert order(world, agent_orders.press_keys, actor, Keys(member="claude", keys="esc")).may_approve is may


def test_without_a_name_those_who_are_busy_are_stopped_and_those_who_ask_are_named(world: World) -> None:
    assert world.do(agent_orders.stop_member, ALICE, Stop()) == Outcome(Stopping())
    world.member("codex")
    for name, activity in (("claude", Activity.BUSY), ("gemini", Activity.ASKING), ("codex", Activity.IDLE)):
        world.state.live.setdefault(name, LiveMember()).activity = activity
    assert order(world, agent_orders.stop_member, ALICE, Stop()).to == ("claude",)
    assert world.do(agent_orders.stop_member, ALICE, Stop()).result == Stopping(
        ("claude",), ("gemini",), world.sequencer.last_seq
    )


def test_a_sidecar_is_told_by_the_gateway_itself(world: World) -> None:
    fact = agent_orders.order_about_message(ControlAction.CANCEL, "claude", 7, world.sequencer)
    assert isinstance(fact.event, Control)
    assert (fact.event.from_, fact.event.to, fact.event.message, fact.ends) == ("system", ("claude",), 7, ("claude",))


def test_the_nearest_name_is_offered(world: World) -> None:
    with pytest.raises(NotFound) as caught:
        world.do(agent_orders.press_keys, ALICE, Keys(member="cluade", keys="^C"))
    assert caught.value.nearest == ("@claude",)
    with pytest.raises(NotFound) as caught:
        world.do(agent_orders.pause_member, ALICE, Pause(member="x" * 100_000))
    assert len(caught.value.message) < 200


def test_what_is_shared_is_kept(world: World) -> None:
    world.do(agent_orders.set_share_policy, ALICE, Share(member="claude", policy="none"))
    world.do(agent_orders.set_share_policy, ALICE, Share(member="all", policy="replies"))
    world.do(agent_orders.set_share_policy, ALICE, Share(member="claude", policy="all"))
    assert world.state.shares == {"claude": SharePolicy("claude", "all"), "gemini": SharePolicy("gemini", "replies")}
