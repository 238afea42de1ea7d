"""A person's draft: when it can be stashed, and when it is restored."""

import pytest

from gateway.protocol.types.core_types import Activity, Composer
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.agents import REGISTRY
from sidecar.prompt_typing.drafts import (
    RESTORE_RETRY_S,
    DraftAction,
    SecondsSince,
    StashedDraft,
    can_be_stashed,
    keys_for_action,
    next_draft_action,
)
from sidecar.screen.rules import ScreenReading
from tests.sidecar.pictures import moment


@pytest.mark.parametrize(
    ("agent", "text", "kept"),
    [
        ("claude", "half a thought", True),
        ("claude", "two\nrows", True),
        ("claude", "see [Pasted text #1 +12 lines]", True),
        ("claude", "/mod", False),
        ("claude", "look at @src/ma", False),
        ("claude", "!ls", False),
        ("codex", "half a thought", True),
        ("codex", "two\nrows", False),
        ("gemini", "half a thought", True),
        ("gemini", "two\nrows", False),
        ("gemini", "[Pasted Text: 13 lines]", False),
        ("gemini", "[Pasted Text: 13\n   lines]", False),
        ("generic", "half a thought", False),
        ("claude", "  ", False),
    ],
)
def test_what_can_be_kept_for_certain(agent: str, text: str, kept: bool) -> None:
    assert can_be_stashed(ScreenReading(composer=Composer.DRAFT, text=text), REGISTRY[agent]) is kept


HALF = moment(composer=Composer.DRAFT, text="half")
OTHER = moment(composer=Composer.DRAFT, text="a new one")
EMPTY, ASKING = moment(), moment(Activity.ASKING, Composer.HIDDEN)
NEW, SENT = StashedDraft("half", 0.0), StashedDraft("half", 0.0, submitted=True)
ASKED = StashedDraft("half", 0.0, submitted=True, tries=1)
TWICE = StashedDraft("half", 0.0, submitted=True, tries=2)
MORE = moment(composer=Composer.DRAFT, text="half and more")
TYPED = SecondsSince(9.0, since_key=1.0)
STALLED = SecondsSince(9.0, since_output=20.0)


@pytest.mark.parametrize(
    ("agent", "kept", "shown", "ages", "what"),
    [
        ("claude", NEW, EMPTY, 0.0, DraftAction.UNDO),
        ("claude", SENT, EMPTY, 0.1, DraftAction.NOTHING),
        ("claude", SENT, EMPTY, RESTORE_RETRY_S, DraftAction.UNDO),
        ("claude", SENT, HALF, 0.1, DraftAction.DONE),
        ("claude", SENT, OTHER, 9.0, DraftAction.NOTHING),
        ("claude", SENT, ASKING, 9.0, DraftAction.NOTHING),
        ("codex", SENT, EMPTY, 0.0, DraftAction.BACK),
        ("codex", NEW, EMPTY, 0.0, DraftAction.UNDO),
        ("gemini", SENT, EMPTY, 0.0, DraftAction.BACK),
        ("gemini", ASKED, EMPTY, 0.1, DraftAction.NOTHING),
        ("gemini", ASKED, HALF, 0.1, DraftAction.DONE),
        ("gemini", ASKED, OTHER, 0.1, DraftAction.DONE),
        ("gemini", ASKED, EMPTY, RESTORE_RETRY_S, DraftAction.BACK),
        ("gemini", TWICE, EMPTY, RESTORE_RETRY_S, DraftAction.DONE),
        ("gemini", ASKED, EMPTY, STALLED, DraftAction.NOTHING),
        ("claude", SENT, MORE, 0.1, DraftAction.DONE),
        ("claude", SENT, EMPTY, TYPED, DraftAction.DONE),
    ],
)
def test_the_next_action_on_a_stashed_draft(
    agent: str, kept: StashedDraft, shown: AgentSnapshot, ages: float | SecondsSince, what: DraftAction
) -> None:
    ages = ages if isinstance(ages, SecondsSince) else SecondsSince(ages)
    assert next_draft_action(kept, shown, REGISTRY[agent], ages) is what


@pytest.mark.parametrize(
    ("agent", "what", "keys"),
    [
        ("claude", DraftAction.UNDO, b"\x13"),
        ("codex", DraftAction.BACK, b"\x19"),
        ("gemini", DraftAction.BACK, b"\x1b[200~half\x1b[201~"),
    ],
)
def test_by_which_keys_it_comes_back(agent: str, what: DraftAction, keys: bytes) -> None:
    assert keys_for_action(what, NEW, REGISTRY[agent], bracketed=True) == keys
