"""Handles orders from the room: messages to take, keys to press, pauses. Knows no terminal and no socket."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Control, ControlAction, Message, Receipt, Welcome
from gateway.protocol.types.core_types import STOP_KEY, Rung, Step
from gateway.protocol.types.delivery_reasons import EndCause, cause_of
from gateway.protocol.types.key_names import key_bytes
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.delivery.backlog import Backlog, DeliveryReader, EarlierRun
from sidecar.delivery.delivery_loop import DeliveryLoop
from sidecar.delivery.stop_rules import StopOrder
from sidecar.messages.quiet_notices import notice_for
from sidecar.messages.sealed_turns import SealedTurn
from sidecar.orders.key_rules import why_no_key
from sidecar.orders.refusal_notice_limit import OrderRefusals

MISSED_TEXT = "its sidecar was not connected when you gave the order; give it again if you still want it"
SEALED_KEYS_TEXT = (
    "it works on sealed messages, and nothing proves who pressed the key. Answer its question, or use its terminal"
)
log = structlog.get_logger("sidecar.orders.room_orders")


class OrderTarget(DeliveryReader, Protocol):
    def press(self, keys: Sequence[bytes], by: str) -> None: ...

    def look(self) -> AgentSnapshot: ...

    def since_person(self) -> float: ...

    def shows_question(self, digest: str) -> bool: ...

    def restart(self) -> None: ...

    def stop_turn(self, order: StopOrder) -> None: ...

    def tell(self, name: str, text: str, number: int) -> None: ...


class RoomOrders:
    def __init__(  # noqa: PLR0913, PLR0917 - its collaborators
        self,
        name: str,
        delivery_loop: DeliveryLoop,
        target: OrderTarget,
        past: EarlierRun,
        clock: Callable[[], float] = time.monotonic,
        sealed_turn: SealedTurn | None = None,
    ) -> None:
        """`sealed_turn`: whether the agent works on sealed messages. Then no key of the room is pressed: the gateway
        could have made the order up."""
        self._sealed_turn = sealed_turn or SealedTurn()
        self._refusals, self._clock = OrderRefusals(), clock
        self._name, self._delivery_loop, self._target = name, delivery_loop, target
        self._missed_until = 0
        self.backlog = Backlog(name, delivery_loop, target, past)

    def welcome(self, welcome: Welcome) -> None:
        """The backlog is fetched by another task, so that orders that follow are carried out at once."""
        moved = self._delivery_loop.move(welcome.store_id, welcome.run, welcome.began)
        if moved:
            log.warning("the store is another one or was restored from a backup: known message numbers are dropped")
        self._delivery_loop.pause(welcome.paused)
        replies = self._delivery_loop.progress.replies
        replies.share = welcome.share or replies.default_share
        self.backlog.begin(moved=moved)

    def message(self, message: Message) -> None:
        if self._name in message.deliveries and message.from_ != self._name:
            self._delivery_loop.receive(message)
        elif notice := notice_for(self._name, message):
            self._delivery_loop.add_notice(notice)

    def receipt(self, receipt: Receipt) -> None:
        if receipt.member == self._name and receipt.steps and _is_withdrawn(receipt.steps[-1]):
            self._drop(receipt.message)

    def _drop(self, number: int) -> None:
        self.backlog.gone(number)
        self._delivery_loop.drop(number)

    async def control(self, control: Control) -> None:
        if control.to and self._name not in control.to:
            return
        match control.action:
            case ControlAction.PAUSE | ControlAction.RESUME:
                self._pause(control)
            case ControlAction.KEYS | ControlAction.RESTART:
                self._to_agent(control)
            case ControlAction.SHARE:
                self._delivery_loop.progress.replies.share = control.text
            case ControlAction.CANCEL if control.message is not None:
                self._drop(control.message)
            case ControlAction.RETRY if control.message is not None:
                if detail := await self._target.fetch(control.message):
                    self._delivery_loop.retry(detail.message)

    def _pause(self, control: Control) -> None:
        """Who resumes one agent by its name also says that its usage limit is over."""
        self._delivery_loop.pause(control.action is ControlAction.PAUSE)
        if control.action is ControlAction.RESUME and control.to == (self._name,):
            self._delivery_loop.lift_limit()

    def mark_connected(self, last: int) -> None:
        """The last event before this connection. Nobody could act on events up to it when they were sent."""
        self._missed_until = last

    def _to_agent(self, control: Control) -> None:
        """An order is never carried out late. The sequence number decides, because the clocks of two machines may
        differ. The sender is told what was not done."""
        if control.seq <= self._missed_until:
            self._not_done(control, MISSED_TEXT)
        elif control.action is ControlAction.KEYS:
            self._keys(control)
        else:
            log.warning("restarting the agent", sender=control.from_)
            self._target.restart()

    def _keys(self, control: Control) -> None:
        if control.text == STOP_KEY:
            alone = len(control.to) == 1
            return self._target.stop_turn(StopOrder(control.from_, control.seq, alone, control.may_approve))
        if self._sealed_turn.place is not None:
            return self._not_done(control, SEALED_KEYS_TEXT)
        activity = self._target.look().verdict.activity
        if why := why_no_key(control, activity, self._target.since_person(), self._target.shows_question):
            return self._not_done(control, why)
        try:
            keys = key_bytes(control.text)
        except BadRequest as error:
            return self._not_done(control, str(error))
        return self._target.press(keys, control.from_)

    def _not_done(self, control: Control, why: str) -> None:
        log.warning("order refused", order=str(control.action), sender=control.from_, why=why)
        said = self._refusals.note(control.from_, why, self._clock())
        if said is None:
            return
        keys = "not stopped" if control.text == STOP_KEY else "given no keys"
        what = "not started again" if control.action is ControlAction.RESTART else keys
        self._target.tell(control.from_, f"{self._name} was {what}: {said}", control.seq)


def _is_withdrawn(step: Step) -> bool:
    """Whether the message was cancelled, has expired, or was taken by the agent through a tool. It is not typed any
    more."""
    return step.rung in (Rung.CANCELLED, Rung.EXPIRED) or cause_of(step.rung, step.reason) is EndCause.BY_ITSELF
