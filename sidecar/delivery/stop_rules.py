"""Whether an order to stop ends what the agent works on. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.protocol.types import Activity

DIALOG = "it asks something, and you may not answer dialogs"
ASKS = "it asks something; stop it by its name to refuse that"
UNSEEN = "what it shows cannot be read, it may be a dialog, and you may not answer dialogs"
IDLE = "it is idle"
STARTING = "it is starting"
ENDED = "its program has ended"
STILL = "its key was pressed, and it works still or again; look at its terminal"


@dataclass(frozen=True)
class StopOrder:
    """`alone`: nobody else was named; `may_refuse`: whoever ordered it may answer dialogs."""

    by: str
    number: int
    alone: bool = True
    may_refuse: bool = False


@dataclass(frozen=True)
class Said:
    """Why nothing is pressed; `told` if whoever ordered it is to hear so."""

    why: str
    told: bool = True


def decided(activity: Activity, order: StopOrder) -> Said | None:
    """None: its key is pressed. While a dialog stands there that refuses it, so only where this agent is named."""
    match activity:
        case Activity.BUSY:
            return None
        case Activity.ASKING:
            return _of_a_dialog(order)
        case Activity.UNKNOWN:
            return None if order.may_refuse else Said(UNSEEN)
        case Activity.STARTING:
            return Said(STARTING)
        case Activity.GONE:
            return Said(ENDED)
    return Said(IDLE, told=order.alone)


def _of_a_dialog(order: StopOrder) -> Said | None:
    if not order.may_refuse:
        return Said(DIALOG)
    return None if order.alone else Said(ASKS)
