"""When a key from afar may be pressed: into no dialog by accident, and not while a person types."""

from __future__ import annotations

import pytest

from gateway.protocol.events import Control, ControlAction
from gateway.protocol.types.core_types import Activity
from sidecar.delivery.stop_rules import DIALOG_TEXT
from sidecar.orders.key_rules import OPEN_DIALOG_TEXT, OTHER_DIALOG_TEXT, PERSON_TYPES_TEXT, why_no_key
from tests.sidecar.ordered_keys import careful_key

PLAIN_KEY = Control(8, ControlAction.KEYS, "alice", ("claude",), "", text="1")
ALLOWED_KEY = Control(8, ControlAction.KEYS, "alice", ("claude",), "", text="1", may_approve=True)
IDLE, BUSY, ASKING = Activity.IDLE, Activity.BUSY, Activity.ASKING


@pytest.mark.parametrize(
    ("control", "activity", "since_person", "question", "why"),
    [
        (PLAIN_KEY, IDLE, 0.0, "", ""),
        (PLAIN_KEY, ASKING, 99.0, "", DIALOG_TEXT),
        (ALLOWED_KEY, ASKING, 0.0, "", ""),
        (careful_key(), IDLE, 99.0, "", ""),
        (careful_key(), BUSY, 99.0, "", ""),
        (careful_key(), IDLE, 0.5, "", PERSON_TYPES_TEXT),
        (careful_key(), ASKING, 99.0, "", OPEN_DIALOG_TEXT),
        (careful_key("aaaaaaaa"), ASKING, 99.0, "aaaaaaaa", ""),
        (careful_key("aaaaaaaa"), ASKING, 0.5, "aaaaaaaa", PERSON_TYPES_TEXT),
        (careful_key("aaaaaaaa"), ASKING, 99.0, "bbbbbbbb", OTHER_DIALOG_TEXT),
        (careful_key("aaaaaaaa"), IDLE, 99.0, "", OTHER_DIALOG_TEXT),
    ],
)
def test_when_a_key_may_be_pressed(
    control: Control, activity: Activity, since_person: float, question: str, why: str
) -> None:
    assert why_no_key(control, activity, since_person, lambda digest: digest == question) == why
