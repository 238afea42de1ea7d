"""Builds the parts of a running sidecar in order. Each part gets its collaborators in its constructor."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from gateway.protocol.types.core_types import Activity
from sidecar.activity.agent_observer import AgentObserver
from sidecar.activity.observation_loop import ObservationLoop
from sidecar.approvals.approval_relay import ApprovalRelay
from sidecar.approvals.sealed_dialogs import SealedDialogs
from sidecar.conditions.condition_watch import ConditionWatch
from sidecar.connection.room_reporter import RoomClient, RoomReporter
from sidecar.connection.sealing import NO_SEALING, Sealing
from sidecar.connection.terminal_stream import TerminalStream
from sidecar.conversation.conversation_recorder import ConversationKeeper
from sidecar.conversation.conversation_watch import ConversationWatch
from sidecar.delivery.attachment_files import AttachmentFiles
from sidecar.delivery.backlog import EarlierRun
from sidecar.delivery.delivery_loop import DeliveryLoop
from sidecar.delivery.message_progress import DeliveryConfig, DeliveryProgress
from sidecar.delivery.typist import Typist
from sidecar.evidence_sources.status_file import StatusFile
from sidecar.evidence_sources.turn_reports import TurnReports
from sidecar.messages.envelope import BARE
from sidecar.messages.inbox import MessageQueue
from sidecar.messages.plain_program_output import PlainTurns
from sidecar.messages.sealed_turns import SealedTurn
from sidecar.orders.room_orders import RoomOrders
from sidecar.orders.stop_order import AgentStopper
from sidecar.run_files.delivery_journal import DeliveryJournal
from sidecar.run_files.kept_answers_file import KeptAnswers
from sidecar.run_files.run_plan import RunPlan
from sidecar.run_files.startup_lock import StartTurn
from sidecar.runtime.agent_input import AgentInput
from sidecar.runtime.agent_launch import LaunchedAgent
from sidecar.runtime.condition_reporter import ConditionReporter
from sidecar.runtime.explain_answers import ExplainAnswers
from sidecar.runtime.ghost_log import GhostLog, GhostLogUpdater, TerminalTitle, ghost_log_for
from sidecar.runtime.observation_handler import ObservationHandler, ObservationReceivers
from sidecar.runtime.order_actions import AgentActions, OrderedActions
from sidecar.runtime.room_events import RoomEvents
from sidecar.runtime.room_members import RoomMembers
from sidecar.runtime.shutdown import Shutdown
from sidecar.runtime.turn_listener import TurnListener, TurnReceivers
from sidecar.screen.rules import ScreenRules
from sidecar.screen.rules_loader import RulesLoader
from sidecar.terminal.output_relay import OutputRelay
from sidecar.terminal.person_at_terminal import HumanTerminal
from sidecar.terminal.pty import Terminal
from sidecar.work.work_reporter import WorkPlace, WorkReporter

LIMIT_STAGGER_S = 3.0


@dataclass(frozen=True)
class RunContext:
    """What exists before the agent runs."""

    plan: RunPlan
    room: RoomClient
    human: HumanTerminal
    size: tuple[int, int]
    shutdown: Shutdown
    start_turn: StartTurn | None = None
    sealing: Sealing = NO_SEALING
    sealed_turn: SealedTurn = field(default_factory=SealedTurn)


@dataclass(frozen=True)
class RunHistory:
    """What earlier runs left: how far each message came, what their transcript says, and which answers wait for a
    key."""

    journal: DeliveryJournal
    past: EarlierRun
    kept: KeptAnswers


@dataclass(frozen=True)
class SidecarParts:
    """The parts that the runner uses."""

    launched: LaunchedAgent
    observation_loop: ObservationLoop
    output_relay: OutputRelay
    ghost: GhostLogUpdater
    reporter: RoomReporter
    attached: AttachmentFiles
    progress: DeliveryProgress
    keys: AgentInput
    approval_relay: ApprovalRelay
    stop: AgentStopper
    delivery_loop: DeliveryLoop
    orders: RoomOrders
    turn_listener: TurnListener
    observation_handler: ObservationHandler
    events: RoomEvents
    terminal_stream: TerminalStream
    work: WorkReporter
    inspection: ExplainAnswers

    @property
    def terminal(self) -> Terminal:
        return self.launched.terminal


@dataclass(frozen=True)
class _OutputParts:
    """What takes the agent's output. `plain` is there only for a program that does not report its turns."""

    observation_loop: ObservationLoop
    plain: PlainTurns | None
    output_relay: OutputRelay


@dataclass(frozen=True)
class _MessageParts:
    """Who is in the room, which messages wait, and how far each one came."""

    members: RoomMembers
    inbox: MessageQueue
    ghost: GhostLogUpdater
    ghost_log: GhostLog
    attached: AttachmentFiles
    reporter: RoomReporter
    config: DeliveryConfig
    progress: DeliveryProgress
    watch: ConditionWatch
    reports: TurnReports


def assembled(given: RunContext, launched: LaunchedAgent, earlier: RunHistory) -> SidecarParts:
    plan, room, now = given.plan, given.room, asyncio.get_running_loop().time
    agent, terminal = plan.agent, launched.terminal
    output = _output_parts(given, launched)
    messages = _message_parts(given, launched, earlier, output)
    observation_loop, reporter, progress = output.observation_loop, messages.reporter, messages.progress
    sealed_turn = given.sealed_turn
    keys = AgentInput(terminal, observation_loop, progress)
    dialogs = SealedDialogs(given.sealing, sealed_turn)
    approval_relay = ApprovalRelay(
        plan.name, agent, observation_loop, keys.writer, room, now, progress.refused_question, dialogs
    )
    actions = AgentActions(plan, observation_loop, keys, approval_relay, reporter)
    stop = AgentStopper(plan.name, agent, actions, terminal.pid, now)
    typist = Typist(agent, observation_loop, keys.writer, progress, now)
    delivery_loop = DeliveryLoop(messages.config, observation_loop, typist, progress, now, stop.order)
    conditions = ConditionReporter(
        messages.watch, lambda: observation_loop.watch.rules, reporter, observation_loop.soon, delivery_loop.wake
    )
    ordered = OrderedActions(actions, stop, delivery_loop, reporter, given.shutdown)
    orders = RoomOrders(plan.name, delivery_loop, ordered, earlier.past, sealed_turn=sealed_turn)
    conversation = _conversation_watch(plan, launched, reporter)
    work = WorkReporter(WorkPlace(plan.project, plan.folder), reporter, local_now, sealed_turn)
    reporter.when_answered(work.answered)
    turn_receivers = TurnReceivers(
        stop, delivery_loop, approval_relay, conditions, conversation, work, messages.reports
    )
    turn_listener = TurnListener(plan, launched.conversation, observation_loop, progress, turn_receivers)
    stream = TerminalStream(room, observation_loop.styled_screen, work.watched, sealed_turn)
    observation_loop.hurry_while(lambda: stream.is_watched or messages.inbox.count > 0)
    beginning = partial(_note_beginning, conversation, given.start_turn)
    told = (messages.ghost, stream, conditions, beginning, work)
    observers = ObservationReceivers(reporter, delivery_loop, turn_listener, approval_relay, stop, *told)
    observation_handler = ObservationHandler(observation_loop, observers)
    introduce = partial(reporter.work_folder, str(plan.project))
    heard = (observation_handler, messages.ghost_log, stream, introduce, reporter)
    events = RoomEvents(room, orders, approval_relay, messages.members, *heard)
    return SidecarParts(
        launched=launched,
        observation_loop=observation_loop,
        output_relay=output.output_relay,
        ghost=messages.ghost,
        reporter=reporter,
        attached=messages.attached,
        progress=progress,
        keys=keys,
        approval_relay=approval_relay,
        stop=stop,
        delivery_loop=delivery_loop,
        orders=orders,
        turn_listener=turn_listener,
        observation_handler=observation_handler,
        events=events,
        terminal_stream=stream,
        work=work,
        inspection=ExplainAnswers(plan, terminal, observation_loop, messages.inbox, messages.reports, now),
    )


def _conversation_watch(plan: RunPlan, launched: LaunchedAgent, reporter: RoomReporter) -> ConversationWatch:
    keeper = ConversationKeeper(plan.agent, launched.conversation.child.place)
    report = partial(reporter.conversation, announce=not plan.is_restart)
    return ConversationWatch(keeper, plan.start, report, launched.conversation.session)


def _note_beginning(conversation: ConversationWatch, turn: StartTurn | None, activity: Activity) -> None:
    conversation.observe(activity)
    if turn is not None:
        turn.observe(activity)


def _output_parts(given: RunContext, launched: LaunchedAgent) -> _OutputParts:
    agent, terminal = given.plan.agent, launched.terminal
    observation_loop = _observation_loop(given, launched)
    plain = (
        None
        if agent.proves
        else PlainTurns(
            partial(is_idle_row, agent.rules, "cursor_row"),
            lambda: observation_loop.watch.screen.size[0],
            partial(is_idle_row, agent.rules, "last_row"),
        )
    )
    relay = OutputRelay(given.human.screen, agent.probe, terminal, _shown(observation_loop, plain))
    return _OutputParts(observation_loop, plain, relay)


def _message_parts(
    given: RunContext, launched: LaunchedAgent, earlier: RunHistory, output: _OutputParts
) -> _MessageParts:
    plan, room, plain = given.plan, given.room, output.plain
    inbox = MessageQueue(catches_up=plain is None, one_by_one=plan.envelope == BARE)
    title = TerminalTitle(output.observation_loop, output.output_relay)
    ghost = ghost_log_for(plan.env, title.write, somebody=given.human.screen is not None)
    ghost_log = GhostLog(ghost, inbox)
    sealing, sealed_turn = given.sealing, given.sealed_turn
    reporter = RoomReporter(room, wall, sealing, sealed_turn, earlier.kept)
    members = RoomMembers(plan.project, room.welcome, sealing.is_sealed_room)
    attached = AttachmentFiles(partial(plan.agent.text.reads_in, launched.conversation.child))
    shown = (members, ghost_log.changed, attached)
    watch = ConditionWatch(local_now, resumes=plan.on_limit == "resume", stagger_s=partial(stagger_of, members))
    now = asyncio.get_running_loop().time
    reports = TurnReports(plan.agent, launched.conversation.tail, now)
    config = DeliveryConfig(
        *(plan.name, plan.agent, *shown, plan.interrupts, plain, plan.envelope, members.is_name, watch, reports),
        sealed_turn=sealed_turn,
        is_sealed_room=sealing.is_sealed_room,
    )
    progress = DeliveryProgress(config, inbox, reporter, earlier.journal, now)
    return _MessageParts(members, inbox, ghost, ghost_log, attached, reporter, config, progress, watch, reports)


def _observation_loop(given: RunContext, launched: LaunchedAgent) -> ObservationLoop:
    """When no person's terminal is attached, the emulator answers the agent's terminal queries."""
    agent, alone = given.plan.agent, given.human.size is None
    reply = launched.terminal.write if alone else _unheard
    observer = AgentObserver(agent, *given.size, reply=reply, rulebook=RulesLoader.of(agent.rules, given.plan.env))
    return ObservationLoop(observer, launched.terminal, StatusFile(agent, launched.conversation.child), prompt=alone)


def _unheard(_: bytes) -> None:
    """Drops the emulator's answers, because a real terminal gives its own."""


def _shown(observation_loop: ObservationLoop, plain: PlainTurns | None) -> Callable[[bytes], None]:
    """The output of a program that does not report its turns is also fed to `plain`."""
    if plain is None:
        return observation_loop.note_output

    def shown_and_heard(data: bytes) -> None:
        observation_loop.note_output(data)
        plain.feed(data)

    return shown_and_heard


def is_idle_row(rules: ScreenRules, region: str, row: str) -> bool:
    """Whether this row, in this region, says that the program waits: as its prompt, or as the mark of a turn's end.
    The space after a prompt is not in the row."""
    idle = (one for one in rules.rules if one.region == region and one.says is Activity.IDLE)
    return any(rule.matcher.matches(row) or rule.matcher.matches(f"{row} ") for rule in idle)


def stagger_of(members: RoomMembers) -> float:
    """The seconds after which this agent goes on when a limit has ended: each member has others."""
    return members.place * LIMIT_STAGGER_S


def local_now() -> datetime:
    """The time in the zone in which the agent prints times."""
    return datetime.now().astimezone()


def wall() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
