"""Hello and its answer: how things are, so that a client can go on from there."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from gateway.access.operation_effects import Effect
from gateway.access.permissions import Action, Actor
from gateway.agent_control import approvals
from gateway.conversation import sessions
from gateway.decisions import proposals
from gateway.model.log_events import Ruling
from gateway.model.paging import WELCOME_BYTES, WELCOME_ENTRIES
from gateway.model.paging import fitting as fitting_page
from gateway.operations.delivery_operations import open_deliveries
from gateway.protocol import VERSION
from gateway.protocol import requests as r
from gateway.protocol import results as out
from gateway.protocol.decision_requests import Decisions
from gateway.protocol.events import Welcome
from gateway.rooms import greeting
from gateway.runtime.hub import Hub

WELCOME_DELIVERIES = 1000
WELCOME_TRIES = 20


async def hello(hub: Hub, actor: Actor, request: r.Hello) -> Welcome:
    hub.remembered(request.house, request.known)
    facts = greeting.hello(hub.house, actor, request, hub.clerk())
    if facts:
        hub.throttle.take(Effect.CHANGES, actor.name, time.monotonic())
    if request.inbox:
        hub.house.begin_anew(actor.name)
    await hub.carry_out(Ruling(out.Done(), facts))
    return await welcome(hub, actor, request.version)


async def welcome(hub: Hub, actor: Actor, version: int = VERSION) -> Welcome:
    """How things are after `last_seq`: what is still open is read from the log, so nothing that a later event tells
    may stand in it. Where so much happens that this cannot be had, an event may tell again what the welcome shows."""
    for _ in range(WELCOME_TRIES):
        last_seq = hub.committed_seq
        inbox = hub.house.member(actor.name).inbox
        open_ = await open_deliveries(hub, actor.name, 0, WELCOME_DELIVERIES) if inbox else out.DeliveryList(())
        if hub.progress.changed_seq <= last_seq:
            break
        await hub.answers.settled()
    return _welcome(hub, actor, version, last_seq, open_)


def _welcome(hub: Hub, actor: Actor, version: int, last_seq: int, open_: out.DeliveryList) -> Welcome:
    house, lists = hub.house, _lists(hub, actor)
    return Welcome(
        version=min(version, VERSION),
        you=house.member(actor.name),
        **{name: shown for name, (shown, _) in lists.items()},
        last_seq=last_seq,
        deliveries=open_.deliveries,
        more=open_.more,
        observer=actor.may(Action.READ_DIRECT),
        paused=actor.name in house.paused,
        house=house.id,
        run=hub.numbers.run,
        began=hub.numbers.began,
        share=house.shares[actor.name].policy if actor.name in house.shares else "",
        partial=tuple(name for name, (_, more) in lists.items() if more),
    )


def _lists(hub: Hub, actor: Actor) -> dict[str, tuple[Any, bool]]:
    """The first page of each list in a welcome, small enough for everybody's start."""
    house = hub.house
    visible = sorted((one.member for one in house.members.values() if not one.member.hidden), key=lambda one: one.name)
    views: dict[str, Iterable[Any]] = {
        "rooms": (house.room_view(house.rooms[name]) for name in sorted(house.rooms_of[actor.name])),
        "members": (house.view(one, hub.now) for one in visible),
        "asks": approvals.listed(house, actor),
        "decisions": sorted(proposals.listed(house, actor, Decisions()), key=lambda one: one.number),
        "sessions": sorted(sessions.seen(house, actor), key=lambda one: one.number),
    }
    return {name: fitting_page(found, WELCOME_ENTRIES, WELCOME_BYTES) for name, found in views.items()}
