"""Decides whether a stop order ends what the agent works on. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.protocol.types.core_types import Activity

DIALOG_TEXT = "it shows a dialog, and you may not answer dialogs"
ASKS_TEXT = "it shows a dialog; name this agent alone to deny it"
UNSEEN_TEXT = "its screen cannot be read and may show a dialog, and you may not answer dialogs"
IDLE_TEXT = "it is idle"
STARTING_TEXT = "it is starting"
ENDED_TEXT = "its program has ended"
STILL_WORKING_TEXT = "the stop key was pressed, but it still works or works again; look at its terminal"


@dataclass(frozen=True)
class StopOrder:
    """`alone`: the order names no other agent. `may_refuse`: the sender may answer dialogs."""

    by: str
    number: int
    alone: bool = True
    may_refuse: bool = False


@dataclass(frozen=True)
class StopRefusal:
    """Why no key is pressed. `told`: whether the sender is told."""

    why: str
    told: bool = True


def decided(activity: Activity, order: StopOrder) -> StopRefusal | None:
    """None means that the stop key is pressed. While a dialog is shown, the key denies it, so the order must name this
    agent alone."""
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
