"""A person's draft: when it can be kept, and when it comes back."""

import pytest

from gateway.protocol.types import Activity, Composer
from sidecar.activity.observer import Moment
from sidecar.agents import REGISTRY
from sidecar.screen.rules import Reading
from sidecar.typing.drafts import BY_ITSELF, Ages, Due, Kept, due, keepable, keys_for
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
    assert keepable(Reading(composer=Composer.DRAFT, text=text), REGISTRY[agent]) is kept


HALF = moment(composer=Composer.DRAFT, text="half")
OTHER = moment(composer=Composer.DRAFT, text="a new one")
EMPTY, ASKING = moment(), moment(Activity.ASKING, Composer.HIDDEN)
NEW, SENT = Kept("half", 0.0), Kept("half", 0.0, submitted=True)
ASKED = Kept("half", 0.0, submitted=True, tries=1)
TWICE = Kept("half", 0.0, submitted=True, tries=2)
MORE = moment(composer=Composer.DRAFT, text="half and more")
TYPED = Ages(9.0, since_key=1.0)
STALLED = Ages(9.0, since_output=20.0)


@pytest.mark.parametrize(
    ("agent", "kept", "shown", "ages", "what"),
    [
        ("claude", NEW, EMPTY, 0.0, Due.UNDO),
        ("claude", SENT, EMPTY, 0.1, Due.NOTHING),
        ("claude", SENT, EMPTY, BY_ITSELF, Due.UNDO),
        ("claude", SENT, HALF, 0.1, Due.DONE),
        ("claude", SENT, OTHER, 9.0, Due.NOTHING),
        ("claude", SENT, ASKING, 9.0, Due.NOTHING),
        ("codex", SENT, EMPTY, 0.0, Due.BACK),
        ("codex", NEW, EMPTY, 0.0, Due.UNDO),
        ("gemini", SENT, EMPTY, 0.0, Due.BACK),
        ("gemini", ASKED, EMPTY, 0.1, Due.NOTHING),
        ("gemini", ASKED, HALF, 0.1, Due.DONE),
        ("gemini", ASKED, OTHER, 0.1, Due.DONE),
        ("gemini", ASKED, EMPTY, BY_ITSELF, Due.BACK),
        ("gemini", TWICE, EMPTY, BY_ITSELF, Due.DONE),
        ("gemini", ASKED, EMPTY, STALLED, Due.NOTHING),
        ("claude", SENT, MORE, 0.1, Due.DONE),
        ("claude", SENT, EMPTY, TYPED, Due.DONE),
    ],
)
def test_what_is_due_for_a_kept_draft(agent: str, kept: Kept, shown: Moment, ages: float | Ages, what: Due) -> None:
    ages = ages if isinstance(ages, Ages) else Ages(ages)
    assert due(kept, shown, REGISTRY[agent], ages) is what


@pytest.mark.parametrize(
    ("agent", "what", "keys"),
    [
        ("claude", Due.UNDO, b"\x13"),
        ("codex", Due.BACK, b"\x19"),
        ("gemini", Due.BACK, b"\x1b[200~half\x1b[201~"),
    ],
)
def test_by_which_keys_it_comes_back(agent: str, what: Due, keys: bytes) -> None:
    assert keys_for(what, NEW, REGISTRY[agent], bracketed=True) == keys
