"""Answers a hello with a welcome: the current state, from which the client continues."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from gateway.access.operation_kinds import OperationKind
from gateway.access.permissions import Actor, Permission
from gateway.agent_control import approvals
from gateway.decisions import decision_handlers
from gateway.marks import mutes
from gateway.model.paging import MAX_WELCOME_ENTRIES, MAX_WELCOME_LIST_BYTES, fit_into_page
from gateway.model.rule_outcome import EventToCommit, RuleOutcome
from gateway.operations.access.share_link_operations import welcome_to_link
from gateway.operations.delivery.delivery_operations import open_deliveries_page
from gateway.protocol import VERSION
from gateway.protocol.events import Welcome
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.decision_requests import Decisions
from gateway.protocol.results import DeliveryList, Done
from gateway.rooms import hello_rules
from gateway.runtime.hub import Hub
from gateway.sessions import sessions
from gateway.tool_calls import tool_call_rules

MAX_WELCOME_DELIVERIES = 1000
MAX_WELCOME_TRIES = 20


async def answer_hello(hub: Hub, actor: Actor, request: Hello) -> Welcome:
    if actor.link is not None:
        return welcome_to_link(hub, actor, actor.link, request)
    if hub.forwarder is None:
        await greet(hub, actor, request)
    elif request.inbox or request.known > hub.committed_seq or _events_of(hub, actor, request):
        await hub.forwarder.greet(actor, request)
    return await build_welcome(hub, actor, request.version)


async def greet(hub: Hub, actor: Actor, request: Hello) -> Done:
    """Carry out what this hello changes."""
    hub.note_client_number(request.store_id, request.known)
    facts = _events_of(hub, actor, request)
    if facts:
        hub.throttle.take(OperationKind.CHANGES, actor.name, time.monotonic())
    if request.inbox:
        hub.state.begin_anew(actor.name)
    await hub.carry_out(RuleOutcome(Done(), facts))
    return Done()


def _events_of(hub: Hub, actor: Actor, request: Hello) -> tuple[EventToCommit, ...]:
    return hello_rules.hello_events(hub.state, actor, request, hub.rule_context())


async def build_welcome(hub: Hub, actor: Actor, version: int = VERSION) -> Welcome:
    """The state after `last_seq`. Open items come from the log, so the welcome must not show effects of later events.
    Under constant load that is impossible, and an event may repeat what the welcome shows."""
    for _ in range(MAX_WELCOME_TRIES):
        last_seq = hub.committed_seq
        inbox = hub.state.member(actor.name).inbox
        open_ = await open_deliveries_page(hub, actor.name, 0, MAX_WELCOME_DELIVERIES) if inbox else DeliveryList(())
        if hub.progress.changed_seq <= last_seq:
            break
        await hub.answers.wait_until_settled()
    return _assemble_welcome(hub, actor, version, last_seq, open_)


def _assemble_welcome(hub: Hub, actor: Actor, version: int, last_seq: int, open_: DeliveryList) -> Welcome:
    state, lists = hub.state, _welcome_lists(hub, actor)
    return Welcome(
        version=min(version, VERSION),
        you=state.member(actor.name),
        **{name: shown for name, (shown, _) in lists.items()},
        last_seq=last_seq,
        deliveries=open_.deliveries,
        more=open_.more,
        observer=actor.may(Permission.READ_DIRECT),
        paused=actor.name in state.paused,
        store_id=state.id,
        run=hub.numbers.run,
        began=hub.numbers.began,
        share=state.shares[actor.name].policy if actor.name in state.shares else "",
        partial=tuple(name for name, (_, more) in lists.items() if more),
        muted=mutes.rooms_muted_by(state, actor.name),
        watched=hub.terminals.is_watched(actor.name),
    )


def _welcome_lists(hub: Hub, actor: Actor) -> dict[str, tuple[Any, bool]]:
    """The first page of each list in a welcome, bounded so that every connect is cheap."""
    state = hub.state
    visible = sorted((one.member for one in state.members.values() if not one.member.hidden), key=lambda one: one.name)
    views: dict[str, Iterable[Any]] = {
        "rooms": (state.room_view(state.rooms[name]) for name in sorted(state.rooms_of[actor.name])),
        "members": (state.view(one, hub.now) for one in visible),
        "asks": approvals.visible_asks(state, actor),
        "decisions": sorted(decision_handlers.visible_decisions(state, actor, Decisions()), key=lambda one: one.number),
        "calls": tool_call_rules.calls_to_answer(state, actor.name),
        "sessions": sorted(sessions.visible_sessions(state, actor), key=lambda one: one.number),
    }
    return {name: fit_into_page(found, MAX_WELCOME_ENTRIES, MAX_WELCOME_LIST_BYTES) for name, found in views.items()}
