"""Tables: when the id of a conversation is kept, replaced or given up."""

from collections.abc import Callable

import pytest

from sidecar.conversation.conversation_rules import (
    MAX_PROJECTS,
    NEVER_WRITTEN_TEXT,
    REPLACED_TEXT,
    Change,
    ProjectConversations,
    find_project,
    keep_candidate,
    note_cut_start,
    note_refusal,
    note_session,
    note_shown,
    note_turn,
    with_project,
)
from sidecar.conversation.conversation_rules import KnownConversation as Known

OLD, NEW = Known("old", since=1, used=5), Known("new", since=10)
USED = Known("new", since=10, used=20)


def own(kept: Known | None = None, candidate: Known | None = None) -> ProjectConversations:
    return ProjectConversations("claude", "/shop", "1:2", kept, candidate)


def seen(session: str, is_written: bool | None) -> Callable[[ProjectConversations], Change]:
    return lambda one: note_turn(one, session, 20, is_written=is_written)


@pytest.mark.parametrize(
    ("before", "happens", "after", "given_up"),
    [
        # an id becomes known
        (own(), lambda one: note_session(one, "new", 10), own(candidate=NEW), []),
        (own(OLD), lambda one: note_session(one, "new", 10), own(OLD, NEW), []),
        (own(OLD, NEW), lambda one: note_session(one, "new", 11), own(OLD, NEW), []),
        (own(OLD, NEW), lambda one: note_session(one, "old", 11), own(OLD), []),
        (own(OLD, NEW), lambda one: note_session(one, "x", 11), own(OLD, Known("x", 11)), []),
        (
            own(OLD, USED),
            lambda one: note_session(one, "x", 11),
            own(OLD, Known("x", 11)),
            [("new", NEVER_WRITTEN_TEXT)],
        ),
        # a turn is seen: only a written one takes the place of the kept one
        (own(OLD, NEW), seen("new", is_written=True), own(USED), [("old", REPLACED_TEXT)]),
        (own(OLD, NEW), seen("new", is_written=None), own(USED), [("old", REPLACED_TEXT)]),
        (own(OLD, NEW), seen("new", is_written=False), own(OLD, USED), []),
        (own(None, NEW), seen("new", is_written=True), own(USED), []),
        (own(OLD), seen("old", is_written=True), own(Known("old", 1, 20)), []),
        (own(OLD, NEW), seen("old", is_written=True), own(Known("old", 1, 20), NEW), []),
        (own(OLD, NEW), seen("stranger", is_written=True), own(OLD, NEW), []),
        # its program refuses it: a kept one stays
        (own(OLD), lambda one: note_refusal(one, "old", "gone"), own(Known("old", 1, 5, "gone")), []),
        (own(OLD, USED), lambda one: note_refusal(one, "new", "gone"), own(OLD), [("new", "gone")]),
        (own(OLD), lambda one: note_refusal(one, "x", "gone"), own(OLD), []),
        (
            own(Known("old", 1, 5, "gone"), NEW),
            seen("new", is_written=True),
            own(USED),
            [("old", "gone")],
        ),
        # it is killed while it starts, and shows itself
        (own(OLD), lambda one: note_cut_start(one, "old"), own(Known("old", 1, 5, cut_starts=1)), []),
        (
            own(None, NEW),
            lambda one: note_cut_start(one, "new"),
            own(None, Known("new", 10, cut_starts=1)),
            [],
        ),
        (own(Known("old", 1, 5, "gone", 2)), lambda one: note_shown(one, "old"), own(OLD), []),
        # one that reports no turns
        (own(OLD, NEW), keep_candidate, own(NEW), [("old", REPLACED_TEXT)]),
        (own(OLD), keep_candidate, own(OLD), []),
    ],
)
def test_what_is_kept_after_what_happens(
    before: ProjectConversations,
    happens: Callable[[ProjectConversations], Change],
    after: ProjectConversations,
    given_up: list[tuple[str, str]],
) -> None:
    change = happens(before)
    assert change.own == after
    assert [(one.conversation.session, one.why) for one in change.given_up] == given_up


HERE = ProjectConversations("claude", "/shop", "1:2", OLD)
MOVED = ProjectConversations("claude", "/old/shop", "1:2", OLD)
OTHER_KIND = ProjectConversations("codex", "/shop", "1:2", OLD)
OTHER_PROJECT = ProjectConversations("claude", "/blog", "1:3", OLD)
EARLIER_VERSION = ProjectConversations("claude", kept=OLD)


@pytest.mark.parametrize(
    ("known", "folder", "found"),
    [
        ((OTHER_PROJECT, OTHER_KIND, HERE), "1:2", HERE),
        ((MOVED, OTHER_PROJECT), "1:2", MOVED),
        ((MOVED, HERE), "1:2", HERE),
        ((HERE,), "9:9", HERE),  # the folder was made anew at the same path
        ((MOVED,), "9:9", None),
        ((MOVED,), "", None),
        ((OTHER_PROJECT, OTHER_KIND), "1:2", None),
        ((EARLIER_VERSION, OTHER_KIND), "1:2", EARLIER_VERSION),
        ((EARLIER_VERSION, HERE), "1:2", HERE),
        ((), "1:2", None),
    ],
)
def test_a_conversation_belongs_to_a_kind_of_agent_in_a_project(
    known: tuple[ProjectConversations, ...], folder: str, found: ProjectConversations | None
) -> None:
    assert find_project(known, "claude", "/shop", folder) == found


def test_the_project_that_was_used_least_recently_is_dropped() -> None:
    known = tuple(
        ProjectConversations("claude", f"/p{number}", "", Known(str(number), since=1, used=1000 - number))
        for number in range(MAX_PROJECTS)
    )
    kept, dropped = with_project(known, None, HERE)
    assert (kept[0], len(kept), dropped) == (HERE, MAX_PROJECTS, known[-1:])
    again, dropped = with_project(kept, HERE, own(NEW))
    assert (again[0], again[1:], dropped) == (own(NEW), kept[1:], ())
