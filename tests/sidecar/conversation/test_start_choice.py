"""Tables: what a start does."""

import pytest

from gateway.protocol.types.conversation_starts import ConversationStart
from sidecar.conversation.conversation_rules import NEVER_WRITTEN_TEXT, ProjectConversations
from sidecar.conversation.conversation_rules import KnownConversation as Known
from sidecar.conversation.start_choice import CUT_TEXT, MAX_CUT_STARTS, WantedStart, choose_start

BACK, FRESH = WantedStart(), WantedStart(fresh=True)
BACK_AGAIN, FRESH_AGAIN = WantedStart(restarted=True), WantedStart(fresh=True, restarted=True)
REFUSED = WantedStart(restarted=True, refused=True)
KEPT, CANDIDATE, USED = Known("k", used=5), Known("c"), Known("c", used=9)
REFUSING, CUT = (
    Known("k", used=5, refused="gone"),
    Known("k", used=5, cut_starts=MAX_CUT_STARTS),
)


@pytest.mark.parametrize(
    ("kept", "candidate", "candidate_is_written", "wanted", "expected"),
    [
        # nothing to come back to
        (None, None, False, BACK, ("new", "", "")),
        (None, CANDIDATE, False, BACK, ("new", "", "")),
        (None, CANDIDATE, None, BACK, ("new", "", "")),
        # the kept one
        (KEPT, None, False, BACK, ("resumed", "k", "")),
        (KEPT, None, False, BACK_AGAIN, ("resumed", "k", "")),
        (KEPT, CANDIDATE, False, BACK, ("resumed", "k", "")),
        (KEPT, USED, False, BACK, ("resumed", "k", "")),
        (KEPT, CANDIDATE, None, BACK, ("resumed", "k", "")),
        # a candidate that works after all: it was killed before anybody saw it
        (KEPT, CANDIDATE, True, BACK, ("resumed", "c", "")),
        (None, CANDIDATE, True, BACK, ("resumed", "c", "")),
        (None, USED, None, BACK, ("resumed", "c", "")),
        (KEPT, USED, None, BACK, ("resumed", "c", "")),
        # killed between its first turn and the write of it
        (None, USED, False, BACK, ("lost", "c", NEVER_WRITTEN_TEXT)),
        # a person wants a new one; a crash of that start does not bring the earlier one back
        (KEPT, None, False, FRESH, ("new", "", "")),
        (KEPT, CANDIDATE, True, FRESH, ("new", "", "")),
        (KEPT, CANDIDATE, False, FRESH_AGAIN, ("new", "", "")),
        (KEPT, CANDIDATE, True, FRESH_AGAIN, ("resumed", "c", "")),
        (KEPT, None, False, FRESH_AGAIN, ("new", "", "")),
        # it was refused just now, or is killed again and again; the next start by a person tries it again
        (REFUSING, None, False, REFUSED, ("lost", "k", "gone")),
        (REFUSING, None, False, BACK_AGAIN, ("lost", "k", "gone")),
        (KEPT, None, False, REFUSED, ("lost", "k", "")),
        (KEPT, USED, True, REFUSED, ("lost", "k", "")),
        (CUT, None, False, BACK_AGAIN, ("lost", "k", CUT_TEXT)),
        (REFUSING, None, False, BACK, ("resumed", "k", "")),
        (CUT, None, False, BACK, ("resumed", "k", "")),
        (Known("k", cut_starts=MAX_CUT_STARTS - 1), None, False, BACK_AGAIN, ("resumed", "k", "")),
    ],
)
def test_what_a_start_does(
    kept: Known | None,
    candidate: Known | None,
    candidate_is_written: bool | None,
    wanted: WantedStart,
    expected: tuple[str, str, str],
) -> None:
    own = ProjectConversations("claude", kept=kept, candidate=candidate)
    chosen = choose_start(own, wanted, lambda session: candidate_is_written)
    assert (str(chosen.start), chosen.session, chosen.why) == expected
    assert chosen.resumes is (expected[0] == "resumed")


@pytest.mark.parametrize("wanted", [BACK, FRESH, BACK_AGAIN, REFUSED])
def test_an_agent_that_was_never_here_begins_anew(wanted: WantedStart) -> None:
    assert choose_start(None, wanted, lambda session: True).start is ConversationStart.NEW
