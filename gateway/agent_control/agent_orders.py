"""The rules of orders to a member's terminal: pause, resume, keys, stop, share, restart. Pure."""

from __future__ import annotations

from gateway.access.permissions import Action, Actor
from gateway.model.log_events import LogEvent, Outcome, Sequencer, StateChange
from gateway.model.records import PausedMember, SharePolicy
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Control, ControlAction
from gateway.protocol.requests import Keys, Pause, Restart, Resume, Share, Stop
from gateway.protocol.results import Done, Stopping
from gateway.protocol.types import SHARE_POLICIES, STOP_KEY, SYSTEM_NAME, Activity, bare_name


def pause_member(state: GatewayState, actor: Actor, request: Pause, sequencer: Sequencer) -> Outcome:
    actor.require(Action.PAUSE)
    names = _order_targets(state, request.member)
    changes = tuple(StateChange("paused", name, PausedMember(name, actor.name)) for name in names)
    return _order_outcome(ControlAction.PAUSE, actor, names, sequencer, changes=changes)


def resume_member(state: GatewayState, actor: Actor, request: Resume, sequencer: Sequencer) -> Outcome:
    actor.require(Action.PAUSE)
    names = _order_targets(state, request.member)
    changes = tuple(StateChange("paused", name, None) for name in names)
    return _order_outcome(ControlAction.RESUME, actor, names, sequencer, changes=changes)


def press_keys(state: GatewayState, actor: Actor, request: Keys, sequencer: Sequencer) -> Outcome:
    actor.require(Action.KEYS)
    return _order_outcome(
        ControlAction.KEYS, actor, _order_targets(state, request.member), sequencer, text=request.keys
    )


def stop_member(state: GatewayState, actor: Actor, request: Stop, sequencer: Sequencer) -> Outcome:
    """A sidecar gets it as a named key: an older sidecar answers that it does not know this key."""
    actor.require(Action.STOP)
    named = request.member is not None
    names = _order_targets(state, request.member) if named else _members_doing(state, Activity.BUSY)
    asking = () if named else _members_doing(state, Activity.ASKING)
    if not names:
        return Outcome(Stopping(asking=asking))
    outcome = _order_outcome(ControlAction.KEYS, actor, names, sequencer, text=STOP_KEY)
    return Outcome(Stopping(names, asking, outcome.events[0].event.seq), outcome.events)


def _members_doing(state: GatewayState, activity: Activity) -> tuple[str, ...]:
    return tuple(name for name in state.agents() if state.live[name].activity is activity)


def set_share_policy(state: GatewayState, actor: Actor, request: Share, sequencer: Sequencer) -> Outcome:
    names = _order_targets(state, request.member)
    actor.require(Action.SHARE_OWN if names == (actor.name,) else Action.SHARE)
    if request.policy not in SHARE_POLICIES:
        raise BadRequest(f"{request.policy!r} is not a share policy; use {', '.join(SHARE_POLICIES)}.")
    changes = tuple(StateChange("share", name, SharePolicy(name, request.policy)) for name in names)
    return _order_outcome(ControlAction.SHARE, actor, names, sequencer, text=request.policy, changes=changes)


def restart_member(state: GatewayState, actor: Actor, request: Restart, sequencer: Sequencer) -> Outcome:
    actor.require(Action.RESTART)
    return _order_outcome(ControlAction.RESTART, actor, _order_targets(state, request.member), sequencer)


def order_about_message(action: ControlAction, name: str, message: int, sequencer: Sequencer) -> LogEvent:
    """Tell a sidecar that a message was cancelled or is to be retried."""
    event = Control(sequencer.seq(), action, SYSTEM_NAME, (name,), sequencer.stamp, message=message)
    return LogEvent(event, ends=(name,))


def _order_targets(state: GatewayState, member: str | None) -> tuple[str, ...]:
    if member is None or member.lower() in ("all", "@all", "*"):
        return tuple(state.agents())
    return (state.member(bare_name(member)).name,)


def _order_outcome(  # noqa: PLR0913 - the fields of one order
    action: ControlAction,
    actor: Actor,
    names: tuple[str, ...],
    sequencer: Sequencer,
    *,
    text: str = "",
    changes: tuple[StateChange, ...] = (),
) -> Outcome:
    event = Control(
        sequencer.seq(),
        action,
        actor.name,
        names,
        sequencer.stamp,
        text=text,
        may_approve=actor.may(Action.KEYS_INTO_DIALOG),
    )
    return Outcome(Done(event.seq), (LogEvent(event, ends=(actor.name, *names), changes=changes),))
