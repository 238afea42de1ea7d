"""What the room wants of this agent: messages to take, keys to press, pauses. Knows no terminal and no socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from gateway.protocol.events import Control, ControlAction, Message, Receipt, Welcome
from gateway.protocol.nouns import BY_ITSELF, Activity, Delivery, Rung, Step
from gateway.protocol.results import DeliveryList, MessageDetail
from sidecar.claims import Done
from sidecar.courier import Courier
from sidecar.errors import SidecarError
from sidecar.named_keys import key_bytes
from sidecar.resume import LOST, TAKEN, UNTOLD, Fate, Outcome, fate
from sidecar.watch import Moment

MISSED = "the order had waited while its sidecar had no connection; give it again if you still want it"
DIALOG = "a dialog stands there, and you may not answer dialogs"
log = structlog.get_logger("sidecar.orders")


class Hands(Protocol):
    async def fetch(self, number: int) -> MessageDetail | None: ...

    async def open_after(self, number: int) -> DeliveryList: ...

    def press(self, keys: Sequence[bytes]) -> None: ...

    def look(self) -> Moment: ...

    def restart(self) -> None: ...

    def tell(self, name: str, text: str, number: int) -> None: ...


@dataclass(frozen=True)
class Past:
    """What an earlier run left: what its transcript tells of each message (None: it is not at hand), how far the
    journal says that each came, and which had not come to their end."""

    outcomes: Mapping[int, Outcome] | None = None
    reached: Callable[[int], Done | None] = lambda number: None
    unfinished: Sequence[int] = ()


class Orders:
    def __init__(
        self,
        name: str,
        courier: Courier,
        hands: Hands,
        past: Past,
    ) -> None:
        self._name, self._courier, self._hands = name, courier, hands
        self._past, self._missed_until = past, 0
        self._unfinished = past.unfinished

    async def welcome(self, welcome: Welcome) -> None:
        """Takes up what is open and unknown here: it came while nobody was there, or an earlier run left it so."""
        if self._courier.move(welcome.house, welcome.run, welcome.began):
            log.warning("another house, or one put back from a backup: what was known by number is forgotten")
            self._past, self._unfinished = replace(self._past, outcomes=None), ()
        self._courier.pause(welcome.paused)
        self._courier.ledger.share = welcome.share or self._courier.ledger.unless_told
        mine = {one.message: one for one in await self._open(welcome) if one.member == self._name}
        unfinished, self._unfinished = self._unfinished, ()
        for number in unfinished:
            if number not in mine and (standing := await self._standing(number)):
                mine[number] = standing
        for number in sorted(mine.keys() - self._courier.inbox.known):
            await self._resume(mine[number])

    async def _open(self, welcome: Welcome) -> list[Delivery]:
        """A welcome holds only the first ones."""
        found, more = list(welcome.deliveries), welcome.more
        while more and found:
            page = await self._hands.open_after(found[-1].message)
            found += page.deliveries
            more = page.more
        return found

    async def _standing(self, number: int) -> Delivery | None:
        """Where the room believes a message to stand that the agent took in."""
        detail = await self._hands.fetch(number)
        ladders = detail.deliveries if detail else ()
        return next((one for one in ladders if one.member == self._name and one.rung in TAKEN), None)

    async def _resume(self, delivery: Delivery) -> None:
        outcome = (self._past.outcomes or {}).get(delivery.message)
        known = self._past.outcomes is not None
        match fate(delivery.rung, self._past.reached(delivery.message), outcome, known=known):
            case Fate.AGAIN:
                if detail := await self._hands.fetch(delivery.message):
                    self._courier.receive(detail.message)
            case Fate.OVER:
                self._courier.inbox.known.add(delivery.message)
            case Fate.ANSWERED if outcome:
                await self._answered(delivery, outcome)
            case _:
                why = outcome.why or LOST if outcome else UNTOLD
                self._courier.ledger.over(delivery.message, Rung.FAILED, why)

    async def _answered(self, delivery: Delivery, outcome: Outcome) -> None:
        """The answer was given, and nobody was there to bring it. All messages of the turn are asked for, so that the
        reply is the same one as before, should it have been posted already."""
        messages = [detail.message for number in outcome.numbers if (detail := await self._hands.fetch(number))]
        self._courier.ledger.answered_before(delivery.message, messages, outcome.answer)

    def message(self, message: Message) -> None:
        if self._name in message.deliveries and message.from_ != self._name:
            self._courier.receive(message)

    def receipt(self, receipt: Receipt) -> None:
        if receipt.member == self._name and receipt.steps and _is_gone(receipt.steps[-1]):
            self._courier.drop(receipt.message)

    async def control(self, control: Control) -> None:
        if control.to and self._name not in control.to:
            return
        match control.action:
            case ControlAction.PAUSE | ControlAction.RESUME:
                self._courier.pause(control.action is ControlAction.PAUSE)
            case ControlAction.KEYS | ControlAction.RESTART:
                self._to_agent(control)
            case ControlAction.SHARE:
                self._courier.ledger.share = control.text
            case ControlAction.CANCEL if control.message is not None:
                self._courier.drop(control.message)
            case ControlAction.RETRY if control.message is not None:
                if detail := await self._hands.fetch(control.message):
                    self._courier.retry(detail.message)

    def connected(self, last: int) -> None:
        """The last event before this connection: what is told up to it, nobody could hear when it was said."""
        self._missed_until = last

    def _to_agent(self, control: Control) -> None:
        """Never late; the clocks of two machines say nothing of that. Whoever ordered is told what is not done."""
        if control.seq <= self._missed_until:
            self._not_done(control, MISSED)
        elif control.action is ControlAction.KEYS:
            self._keys(control)
        else:
            log.warning("the agent is started again", sender=control.from_)
            self._hands.restart()

    def _keys(self, control: Control) -> None:
        """Into a dialog only for those who may approve."""
        if self._hands.look().verdict.activity is Activity.ASKING and not control.may_approve:
            return self._not_done(control, DIALOG)
        try:
            keys = key_bytes(control.text)
        except SidecarError as error:
            return self._not_done(control, str(error))
        return self._hands.press(keys)

    def _not_done(self, control: Control, why: str) -> None:
        log.warning("an order is not carried out", order=str(control.action), sender=control.from_, why=why)
        what = "not started again" if control.action is ControlAction.RESTART else "given no keys"
        self._hands.tell(control.from_, f"{self._name} was {what}: {why}", control.seq)


def _is_gone(step: Step) -> bool:
    """Taken back, too late, or taken by the agent itself, through a tool: it is not typed any more."""
    return step.rung in (Rung.CANCELLED, Rung.EXPIRED) or (step.rung is Rung.ACCEPTED and step.reason == BY_ITSELF)
