"""Orders to a member's terminal: who may give them, whom they reach, who hears of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.access.permissions import Actor
from gateway.agent_control import agent_orders
from gateway.model.records.stored_records import AskRecord, MemberRecord, Membership, PausedMember, SharePolicy
from gateway.model.rule_outcome import RuleOutcome, StateChange
from gateway.model.transient_member_state import LiveMember
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, GroupChatError, NotFound
from gateway.protocol.events import Control, ControlAction
from gateway.protocol.requests.agent_requests import Keys, Pause, PressTerminalKey, Restart, Resume, Share, Stop
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Stopping
from gateway.protocol.types.core_types import Activity, Ask, Member, MemberKind, Scope
from tests.support.world import World

ALICE = Actor("alice", MemberKind.HUMAN)
CLAUDE = Actor("claude", MemberKind.AGENT)
APPROVER = Actor("alice", MemberKind.HUMAN, frozenset({Scope.APPROVER}))
ADMIN = Actor("alice", MemberKind.HUMAN, frozenset({Scope.ADMIN}))
TEAM = Actor("human", MemberKind.HUMAN, team=True)

Rule = Callable[..., RuleOutcome]


@pytest.fixture
def world() -> World:
    return peopled()


def peopled() -> World:
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
    (agent_orders.press_keys, ALICE, Keys(member="claude", keys="foo"), BadRequest),
]


@pytest.mark.parametrize(("rule", "actor", "request_", "error"), REFUSED)
def test_an_order_that_is_refused(
    world: World, rule: Rule, actor: Actor, request_: Request, error: type[GroupChatError]
) -> None:
    before = world.snapshot()
    with pytest.raises(error):
        world.do(rule, actor, request_)
    assert (world.snapshot(), world.rule_context.last_seq) == (before, 0)


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
    assert world.do(agent_orders.stop_member, ALICE, Stop()) == RuleOutcome(Stopping())
    world.member("codex")
    for name, activity in (("claude", Activity.BUSY), ("gemini", Activity.ASKING), ("codex", Activity.IDLE)):
        world.state.live.setdefault(name, LiveMember()).activity = activity
    assert order(world, agent_orders.stop_member, ALICE, Stop()).to == ("claude",)
    assert world.do(agent_orders.stop_member, ALICE, Stop()).result == Stopping(
        ("claude",), ("gemini",), world.rule_context.last_seq
    )


def connected(world: World, activity: Activity = Activity.IDLE) -> None:
    world.state.live["claude"].connections = 1
    world.state.live["claude"].activity = activity
    for name in ("alice", "claude"):
        world.state.put(StateChange("membership", f"general/{name}", Membership("general", name)))


def key(name: str, digest: str | None = None, member: str = "claude") -> PressTerminalKey:
    return PressTerminalKey(member=member, key=name, digest=digest)


QUESTION = Ask("claude", 5, "aaaaaaaa", "May I run it?", "2026-11-21T11:25:02.000Z", detail="rm -r build")
SEEN = PressTerminalKey(member="@claude", key="down", digest="aaaaaaaa")


def asks(world: World) -> None:
    connected(world, Activity.ASKING)
    world.state.put(StateChange("ask", "claude", AskRecord(QUESTION, 0.0, 0.0)))


def test_a_key_for_a_terminal_that_is_seen(world: World) -> None:
    connected(world)
    given = order(world, agent_orders.press_terminal_key, ALICE, PressTerminalKey(member="@claude", key="Esc"))
    assert (given.action, given.text, given.to) == (ControlAction.KEYS, "Esc", ("claude",))
    assert (given.careful, given.may_approve, given.ask) == (True, False, None)


def test_a_key_for_the_dialog_that_was_seen(world: World) -> None:
    asks(world)
    given = order(world, agent_orders.press_terminal_key, APPROVER, SEEN)
    assert given.ask is not None
    assert (given.careful, given.may_approve, given.ask.digest, given.ask.detail) == (True, True, "aaaaaaaa", "")


@pytest.mark.parametrize(
    ("begin", "actor", "request_", "error", "words"),
    [
        (connected, CLAUDE, key("esc"), Forbidden, "keys"),
        (connected, ALICE, key("1"), BadRequest, "not a named key"),
        (connected, ALICE, key("stop"), BadRequest, "not a key"),
        (connected, ALICE, key("esc esc"), BadRequest, "not a named key"),
        (connected, ALICE, key("esc", member="alice"), BadRequest, "no agent"),
        (connected, ALICE, key("esc", member="gone"), Forbidden, "in no room"),
        (connected, APPROVER, key("esc", "aaaaaaaa"), Conflict, "not show that question any more"),
        (asks, APPROVER, key("enter"), Conflict, "shows a dialog"),
        (asks, APPROVER, key("enter", "bbbbbbbb"), Conflict, "not show that question any more"),
        (asks, ALICE, key("enter", "aaaaaaaa"), Forbidden, "keys into a dialog"),
    ],
)
def test_a_key_that_is_refused(
    begin: Callable[[World], None], actor: Actor, request_: PressTerminalKey, error: type[GroupChatError], words: str
) -> None:
    world = peopled()
    begin(world)
    with pytest.raises(error, match=words):
        world.do(agent_orders.press_terminal_key, actor, request_)


def test_a_key_for_an_agent_that_is_away_is_not_kept_for_later(world: World) -> None:
    connected(world)
    world.state.live["claude"].connections = 0
    with pytest.raises(Conflict, match="The sidecar of claude is not connected"):
        world.do(agent_orders.press_terminal_key, ALICE, PressTerminalKey(member="claude", key="esc"))


def test_a_sidecar_is_told_by_the_gateway_itself(world: World) -> None:
    fact = agent_orders.order_about_message(ControlAction.CANCEL, "claude", 7, world.rule_context)
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
