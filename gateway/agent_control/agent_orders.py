"""The rules of orders to a member's terminal: pause, resume, keys, stop, share, restart. Pure."""

from __future__ import annotations

from gateway.access.permissions import Action, Actor
from gateway.model.log_events import Change, Clerk, Fact, Ruling
from gateway.model.records import Paused, Shared
from gateway.model.state import House
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Control, ControlAction
from gateway.protocol.requests import Keys, Pause, Restart, Resume, Share, Stop
from gateway.protocol.results import Done, Stopping
from gateway.protocol.types import SHARE_POLICIES, STOP_KEY, SYSTEM, Activity, bare_name


def pause(house: House, actor: Actor, request: Pause, clerk: Clerk) -> Ruling:
    actor.need(Action.PAUSE)
    names = _targets(house, request.member)
    changes = tuple(Change("paused", name, Paused(name, actor.name)) for name in names)
    return _order(ControlAction.PAUSE, actor, names, clerk, changes=changes)


def resume(house: House, actor: Actor, request: Resume, clerk: Clerk) -> Ruling:
    actor.need(Action.PAUSE)
    names = _targets(house, request.member)
    changes = tuple(Change("paused", name, None) for name in names)
    return _order(ControlAction.RESUME, actor, names, clerk, changes=changes)


def keys(house: House, actor: Actor, request: Keys, clerk: Clerk) -> Ruling:
    actor.need(Action.KEYS)
    return _order(ControlAction.KEYS, actor, _targets(house, request.member), clerk, text=request.keys)


def stop(house: House, actor: Actor, request: Stop, clerk: Clerk) -> Ruling:
    """To a sidecar it is a key with a name: an older one says that it does not know it."""
    actor.need(Action.STOP)
    named = request.member is not None
    names = _targets(house, request.member) if named else _who_is(house, Activity.BUSY)
    asking = () if named else _who_is(house, Activity.ASKING)
    if not names:
        return Ruling(Stopping(asking=asking))
    ruling = _order(ControlAction.KEYS, actor, names, clerk, text=STOP_KEY)
    return Ruling(Stopping(names, asking, ruling.facts[0].event.seq), ruling.facts)


def _who_is(house: House, activity: Activity) -> tuple[str, ...]:
    return tuple(name for name in house.agents() if house.live[name].activity is activity)


def share(house: House, actor: Actor, request: Share, clerk: Clerk) -> Ruling:
    names = _targets(house, request.member)
    actor.need(Action.SHARE_OWN if names == (actor.name,) else Action.SHARE)
    if request.policy not in SHARE_POLICIES:
        raise BadRequest(f"{request.policy!r} is not a share policy; use {', '.join(SHARE_POLICIES)}.")
    changes = tuple(Change("share", name, Shared(name, request.policy)) for name in names)
    return _order(ControlAction.SHARE, actor, names, clerk, text=request.policy, changes=changes)


def restart(house: House, actor: Actor, request: Restart, clerk: Clerk) -> Ruling:
    actor.need(Action.RESTART)
    return _order(ControlAction.RESTART, actor, _targets(house, request.member), clerk)


def told(action: ControlAction, name: str, message: int, clerk: Clerk) -> Fact:
    """Tell a sidecar that one of its messages was taken back or shall be tried again."""
    event = Control(clerk.seq(), action, SYSTEM, (name,), clerk.stamp, message=message)
    return Fact(event, ends=(name,))


def _targets(house: House, member: str | None) -> tuple[str, ...]:
    if member is None or member.lower() in ("all", "@all", "*"):
        return tuple(house.agents())
    return (house.member(bare_name(member)).name,)


def _order(  # noqa: PLR0913 - the fields of one order
    action: ControlAction,
    actor: Actor,
    names: tuple[str, ...],
    clerk: Clerk,
    *,
    text: str = "",
    changes: tuple[Change, ...] = (),
) -> Ruling:
    event = Control(
        clerk.seq(),
        action,
        actor.name,
        names,
        clerk.stamp,
        text=text,
        may_approve=actor.may(Action.KEYS_INTO_DIALOG),
    )
    return Ruling(Done(event.seq), (Fact(event, ends=(actor.name, *names), changes=changes),))
