"""The rules of orders to a member's terminal: pause, resume, keys, stop, share, restart. Pure."""

from __future__ import annotations

from gateway.access.permissions import Actor, Permission
from gateway.agent_control.terminal_watch_rules import agent_in_reach, why_no_picture
from gateway.model.records.stored_records import PausedMember, SharePolicy
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest, Conflict
from gateway.protocol.events import Control, ControlAction
from gateway.protocol.requests.agent_requests import Keys, Pause, PressTerminalKey, Restart, Resume, Share, Stop
from gateway.protocol.results import Done, Stopping
from gateway.protocol.types.core_types import SHARE_POLICIES, STOP_KEY, SYSTEM_NAME, Activity, Ask, bare_name
from gateway.protocol.types.key_names import check_named_key, key_bytes


def pause_member(state: GatewayState, actor: Actor, request: Pause, rule_context: RuleContext) -> RuleOutcome:
    actor.require(Permission.PAUSE)
    names = _order_targets(state, request.member)
    changes = tuple(StateChange("paused", name, PausedMember(name, actor.name)) for name in names)
    return _order_outcome(ControlAction.PAUSE, actor, names, rule_context, changes=changes)


def resume_member(state: GatewayState, actor: Actor, request: Resume, rule_context: RuleContext) -> RuleOutcome:
    actor.require(Permission.PAUSE)
    names = _order_targets(state, request.member)
    changes = tuple(StateChange("paused", name, None) for name in names)
    return _order_outcome(ControlAction.RESUME, actor, names, rule_context, changes=changes)


def press_keys(state: GatewayState, actor: Actor, request: Keys, rule_context: RuleContext) -> RuleOutcome:
    actor.require(Permission.KEYS)
    if request.keys != STOP_KEY:
        key_bytes(request.keys)  # refuses what is no key
    return _order_outcome(
        ControlAction.KEYS, actor, _order_targets(state, request.member), rule_context, text=request.keys
    )


def press_terminal_key(
    state: GatewayState, actor: Actor, request: PressTerminalKey, rule_context: RuleContext
) -> RuleOutcome:
    """A key for what the actor sees in the terminal. The sidecar, which sees it at that moment, decides once more."""
    actor.require(Permission.KEYS)
    check_named_key(request.key)
    name = agent_in_reach(state, actor, request.member)
    if why := why_no_picture(state, name):
        raise Conflict(f"No key was pressed. {why}")
    ask = _dialog_for_key(state, actor, name, request)
    event = Control(
        rule_context.seq(),
        ControlAction.KEYS,
        actor.name,
        (name,),
        rule_context.stamp,
        text=request.key,
        may_approve=ask is not None,
        ask=ask,
        careful=True,
    )
    return RuleOutcome(Done(event.seq), (EventToCommit(event, ends=(actor.name, name)),))


def _dialog_for_key(state: GatewayState, actor: Actor, name: str, request: PressTerminalKey) -> Ask | None:
    """The dialog that the key is for; None if it is for none and none is open."""
    record = state.asks.get(name)
    if request.digest is None:
        if record is None and state.live[name].activity is not Activity.ASKING:
            return None
        raise Conflict(
            f"No key was pressed: {name} shows a dialog, which a key could answer. Answer its question; whoever may do "
            "that may also send a key with the `digest` of the question."
        )
    actor.require(Permission.KEYS_INTO_DIALOG)
    if record is None or record.ask.digest != request.digest:
        raise Conflict(f"No key was pressed: {name} does not show that question any more.")
    shown = record.ask
    return Ask(shown.member, shown.number, shown.digest, shown.question, shown.opened)


def stop_member(state: GatewayState, actor: Actor, request: Stop, rule_context: RuleContext) -> RuleOutcome:
    """A sidecar gets it as a named key: an older sidecar answers that it does not know this key."""
    actor.require(Permission.STOP)
    named = request.member is not None
    names = _order_targets(state, request.member) if named else _members_doing(state, Activity.BUSY)
    asking = () if named else _members_doing(state, Activity.ASKING)
    if not names:
        return RuleOutcome(Stopping(asking=asking))
    outcome = _order_outcome(ControlAction.KEYS, actor, names, rule_context, text=STOP_KEY)
    return RuleOutcome(Stopping(names, asking, outcome.events[0].event.seq), outcome.events)


def _members_doing(state: GatewayState, activity: Activity) -> tuple[str, ...]:
    return tuple(name for name in state.agents() if state.live[name].activity is activity)


def set_share_policy(state: GatewayState, actor: Actor, request: Share, rule_context: RuleContext) -> RuleOutcome:
    names = _order_targets(state, request.member)
    actor.require(Permission.SHARE_OWN if names == (actor.name,) else Permission.SHARE)
    if request.policy not in SHARE_POLICIES:
        raise BadRequest(f"{request.policy!r} is not a share policy. Use {', '.join(SHARE_POLICIES)}.")
    changes = tuple(StateChange("share", name, SharePolicy(name, request.policy)) for name in names)
    return _order_outcome(ControlAction.SHARE, actor, names, rule_context, text=request.policy, changes=changes)


def restart_member(state: GatewayState, actor: Actor, request: Restart, rule_context: RuleContext) -> RuleOutcome:
    actor.require(Permission.RESTART)
    return _order_outcome(ControlAction.RESTART, actor, _order_targets(state, request.member), rule_context)


def order_about_message(action: ControlAction, name: str, message: int, rule_context: RuleContext) -> EventToCommit:
    """Tell a sidecar that a message was cancelled or is to be retried."""
    event = Control(rule_context.seq(), action, SYSTEM_NAME, (name,), rule_context.stamp, message=message)
    return EventToCommit(event, ends=(name,))


def _order_targets(state: GatewayState, member: str | None) -> tuple[str, ...]:
    if member is None or member.lower() in ("all", "@all", "*"):
        return tuple(state.agents())
    return (state.member(bare_name(member)).name,)


def _order_outcome(  # noqa: PLR0913 - the fields of one order
    action: ControlAction,
    actor: Actor,
    names: tuple[str, ...],
    rule_context: RuleContext,
    *,
    text: str = "",
    changes: tuple[StateChange, ...] = (),
) -> RuleOutcome:
    event = Control(
        rule_context.seq(),
        action,
        actor.name,
        names,
        rule_context.stamp,
        text=text,
        may_approve=actor.may(Permission.KEYS_INTO_DIALOG),
    )
    return RuleOutcome(Done(event.seq), (EventToCommit(event, ends=(actor.name, *names), changes=changes),))
