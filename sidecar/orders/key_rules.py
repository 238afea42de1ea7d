"""Whether a key that somebody orders may be pressed now. Pure."""

from __future__ import annotations

from collections.abc import Callable

from gateway.protocol.events import Control
from gateway.protocol.types.core_types import Activity
from sidecar.delivery.stop_rules import DIALOG_TEXT
from sidecar.prompt_typing.typing_gate import TYPING_PAUSE_S

OPEN_DIALOG_TEXT = "it shows a dialog by now, which the key could have answered; answer its question"
OTHER_DIALOG_TEXT = "the question that the key was for is not on its screen any more"
PERSON_TYPES_TEXT = "a person is typing in its terminal; try again in a moment"


def why_no_key(order: Control, activity: Activity, since_person: float, shows: Callable[[str], bool]) -> str:
    """Why not; empty if it may be pressed. `shows`: whether the screen shows the question with this digest."""
    if activity is Activity.ASKING and not order.may_approve:
        return OPEN_DIALOG_TEXT if order.careful else DIALOG_TEXT
    if not order.careful:
        return ""
    if since_person < TYPING_PAUSE_S:
        return PERSON_TYPES_TEXT
    return OTHER_DIALOG_TEXT if order.ask is not None and not shows(order.ask.digest) else ""
