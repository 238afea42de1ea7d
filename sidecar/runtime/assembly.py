"""Makes the parts of a running sidecar, each of what was made before it: no part is given anything later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from gateway.protocol.types import Activity
from sidecar.activity.observation_loop import ObservationLoop
from sidecar.activity.observer import Observer
from sidecar.approvals.approval_relay import ApprovalRelay
from sidecar.connection.room_reporter import RoomClient, RoomReporter
from sidecar.delivery.attachment_files import AttachmentFiles
from sidecar.delivery.backlog import EarlierRun
from sidecar.delivery.delivery_loop import DeliveryLoop
from sidecar.delivery.delivery_progress import DeliveryConfig, DeliveryProgress
from sidecar.delivery.ghost_log import GhostLog, GhostLogUpdater, TerminalTitle, ghost_log_for
from sidecar.delivery.typist import Typist
from sidecar.messages.inbox import MessageQueue
from sidecar.messages.plain_output import PlainTurns
from sidecar.orders.room_orders import RoomOrders
from sidecar.orders.stop_order import AgentStopper
from sidecar.process.delivery_journal import DeliveryJournal
from sidecar.process.run_plan import RunPlan
from sidecar.runtime.agent_actions import AgentActions, OrderedActions
from sidecar.runtime.agent_input import AgentInput
from sidecar.runtime.agent_launch import Launched
from sidecar.runtime.inspection import Inspection
from sidecar.runtime.observation_handler import ObservationHandler, Observed
from sidecar.runtime.room_events import RoomEvents
from sidecar.runtime.room_members import RoomMembers
from sidecar.runtime.shutdown import Shutdown
from sidecar.runtime.turn_listener import Ears, Hearers
from sidecar.screen.rule_files import RuleFiles
from sidecar.screen.rules import ScreenRules
from sidecar.sources.status_file import StatusFile
from sidecar.terminal.human_input import HumanTerminal
from sidecar.terminal.output_relay import OutputRelay
from sidecar.terminal.pty import Terminal


@dataclass(frozen=True)
class Given:
    """What is there before the agent runs."""

    plan: RunPlan
    room: RoomClient
    human: HumanTerminal
    size: tuple[int, int]
    shutdown: Shutdown


@dataclass(frozen=True)
class Earlier:
    """What earlier runs left: how far each message came, and what their transcript tells."""

    journal: DeliveryJournal
    past: EarlierRun


@dataclass(frozen=True)
class Parts:
    """What the runner needs of them."""

    launched: Launched
    eyes: ObservationLoop
    passage: OutputRelay
    ghost: GhostLogUpdater
    outbox: RoomReporter
    attached: AttachmentFiles
    ledger: DeliveryProgress
    keys: AgentInput
    asks: ApprovalRelay
    stop: AgentStopper
    courier: DeliveryLoop
    orders: RoomOrders
    ears: Ears
    observations: ObservationHandler
    events: RoomEvents
    inspection: Inspection

    @property
    def terminal(self) -> Terminal:
        return self.launched.terminal


def assembled(given: Given, launched: Launched, earlier: Earlier) -> Parts:
    plan, room, now = given.plan, given.room, asyncio.get_running_loop().time
    agent, terminal, conversation = plan.agent, launched.terminal, launched.conversation
    eyes = _eyes(given, launched)
    plain = None if agent.proves else PlainTurns(partial(is_prompt, agent.rules), lambda: eyes.watch.screen.size[0])
    passage = OutputRelay(given.human.screen, agent.probe, terminal, _shown(eyes, plain))
    inbox = MessageQueue(catches_up=plain is None)
    ghost = ghost_log_for(plan.env, TerminalTitle(eyes, passage).write, somebody=given.human.screen is not None)
    ghost_log = GhostLog(ghost, inbox)
    outbox = RoomReporter(room, wall)
    members = RoomMembers(plan.project, room.welcome.members)
    attached = AttachmentFiles(partial(agent.text.reads_in, conversation.child))
    shown = (members.names, ghost_log.changed, attached)
    me = DeliveryConfig(plan.name, agent, *shown, plan.interrupts, plain, plan.envelope, members.is_name)
    ledger = DeliveryProgress(me, inbox, outbox, earlier.journal, now)
    keys = AgentInput(terminal, eyes, ledger)
    asks = ApprovalRelay(plan.name, agent, eyes, keys.writer, room, now, ledger.refused_question)
    actions = AgentActions(plan, eyes, keys, asks, outbox)
    stop = AgentStopper(plan.name, agent, actions, terminal.pid, now)
    hands = Typist(agent, eyes, keys.writer, ledger, now)
    courier = DeliveryLoop(me, eyes, hands, ledger, now, stop.order)
    ordered = OrderedActions(actions, stop, courier, outbox, given.shutdown)
    orders = RoomOrders(plan.name, courier, ordered, earlier.past)
    ears = Ears(plan, conversation, eyes, ledger, Hearers(stop, courier, asks))
    observations = ObservationHandler(eyes, Observed(outbox, courier, ears, asks, stop, ghost))
    events = RoomEvents(room, orders, asks, members, observations, ghost_log)
    return Parts(
        launched=launched,
        eyes=eyes,
        passage=passage,
        ghost=ghost,
        outbox=outbox,
        attached=attached,
        ledger=ledger,
        keys=keys,
        asks=asks,
        stop=stop,
        courier=courier,
        orders=orders,
        ears=ears,
        observations=observations,
        events=events,
        inspection=Inspection(plan, terminal, eyes, inbox, now),
    )


def _eyes(given: Given, launched: Launched) -> ObservationLoop:
    """Where there is no other terminal, the emulator answers in its place."""
    agent, alone = given.plan.agent, given.human.size is None
    reply = launched.terminal.write if alone else _unheard
    watch = Observer(agent, *given.size, reply=reply, rulebook=RuleFiles.of(agent.rules, given.plan.env))
    return ObservationLoop(watch, launched.terminal, StatusFile(agent, launched.conversation.child), prompt=alone)


def _unheard(_: bytes) -> None:
    """The emulator's answers, where a real terminal gives its own."""


def _shown(eyes: ObservationLoop, plain: PlainTurns | None) -> Callable[[bytes], None]:
    """What a program that tells nothing of its turns prints is heard, too."""
    if plain is None:
        return eyes.note_output

    def shown_and_heard(data: bytes) -> None:
        eyes.note_output(data)
        plain.feed(data)

    return shown_and_heard


def is_prompt(rules: ScreenRules, row: str) -> bool:
    idle = (one for one in rules.rules if one.region == "cursor_row" and one.says is Activity.IDLE)
    return any(rule.matcher.matches(row) for rule in idle)


def wall() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
