"""Whether an order to stop ends what the agent works on. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.protocol.types import Activity

DIALOG_TEXT = "it asks something, and you may not answer dialogs"
ASKS_TEXT = "it asks something; stop it by its name to refuse that"
UNSEEN_TEXT = "what it shows cannot be read, it may be a dialog, and you may not answer dialogs"
IDLE_TEXT = "it is idle"
STARTING_TEXT = "it is starting"
ENDED_TEXT = "its program has ended"
STILL_WORKING_TEXT = "its key was pressed, and it works still or again; look at its terminal"


@dataclass(frozen=True)
class StopOrder:
    """`alone`: nobody else was named; `may_refuse`: whoever ordered it may answer dialogs."""

    by: str
    number: int
    alone: bool = True
    may_refuse: bool = False


@dataclass(frozen=True)
class StopRefusal:
    """Why nothing is pressed; `told` if whoever ordered it is to hear so."""

    why: str
    told: bool = True


def decided(activity: Activity, order: StopOrder) -> StopRefusal | None:
    """None: its key is pressed. While a dialog stands there that refuses it, so only where this agent is named."""
    match activity:
        case Activity.BUSY:
            return None
        case Activity.ASKING:
            return _of_a_dialog(order)
        case Activity.UNKNOWN:
            return None if order.may_refuse else StopRefusal(UNSEEN_TEXT)
        case Activity.STARTING:
            return StopRefusal(STARTING_TEXT)
        case Activity.GONE:
            return StopRefusal(ENDED_TEXT)
    return StopRefusal(IDLE_TEXT, told=order.alone)


def _of_a_dialog(order: StopOrder) -> StopRefusal | None:
    if not order.may_refuse:
        return StopRefusal(DIALOG_TEXT)
    return None if order.alone else StopRefusal(ASKS_TEXT)
