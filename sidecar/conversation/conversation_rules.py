"""Decides when the id of a conversation is kept, replaced or given up. Pure: time is an argument.

An id is a candidate at first. It takes the place of the kept one only when a turn of it was seen and its vendor has it
on disk, so a new conversation that never worked loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

MAX_PROJECTS = 50
REPLACED_TEXT = "another conversation took its place"
NEVER_WRITTEN_TEXT = "it ended before its vendor had written it down"


class KnownConversation(msgspec.Struct, frozen=True, omit_defaults=True):
    """`session` is the vendor's id. `since`: when it was first seen; `used`: when a turn of it was last seen (0:
    never); both in seconds of the epoch. `refused`: why it could not be resumed. `cut_starts`: how often in a row a
    start with it was killed before the agent showed anything."""

    session: str
    since: float = 0
    used: float = 0
    refused: str = ""
    cut_starts: int = 0


class ProjectConversations(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an agent of one kind has in one project folder. `folder` recognises the folder after it was moved. `kept` is
    the conversation to come back to; `candidate` is a newer one of which no turn was seen yet."""

    agent: str
    project: str = ""
    folder: str = ""
    kept: KnownConversation | None = None
    candidate: KnownConversation | None = None

    @property
    def used(self) -> float:
        return max((max(one.since, one.used) for one in (self.kept, self.candidate) if one), default=0)


class GivenUp(NamedTuple):
    """A conversation to which no start comes back any more, and why."""

    conversation: KnownConversation
    why: str


class Change(NamedTuple):
    """What is kept now, and which conversation was given up for it."""

    own: ProjectConversations
    given_up: tuple[GivenUp, ...] = ()


def note_session(own: ProjectConversations, session: str, now: float) -> Change:
    """The agent's conversation has this id now. A candidate that it replaces was used only if its turn was never
    written."""
    before = own.candidate
    if own.kept is not None and own.kept.session == session:
        return Change(replace(own, candidate=None), _given_up_candidate(before))
    if before is not None and before.session == session:
        return Change(own)
    return Change(replace(own, candidate=KnownConversation(session, since=now)), _given_up_candidate(before))


def _given_up_candidate(candidate: KnownConversation | None) -> tuple[GivenUp, ...]:
    return (GivenUp(candidate, NEVER_WRITTEN_TEXT),) if candidate is not None and candidate.used else ()


def note_turn(own: ProjectConversations, session: str, now: float, *, is_written: bool | None) -> Change:
    """A turn of this conversation was seen. `is_written`: whether its vendor has it on disk; None: nobody can tell."""
    if own.kept is not None and own.kept.session == session:
        return Change(replace(own, kept=replace(own.kept, used=now, refused="", cut_starts=0)))
    candidate = own.candidate
    if candidate is None or candidate.session != session:
        return Change(own)
    candidate = replace(candidate, used=now, cut_starts=0)
    if is_written is False:
        return Change(replace(own, candidate=candidate))
    return keep_candidate(replace(own, candidate=candidate))


def keep_candidate(own: ProjectConversations) -> Change:
    """The candidate is seen to work, so it takes the place of the kept one."""
    if own.candidate is None:
        return Change(own)
    gone = () if own.kept is None else (GivenUp(own.kept, own.kept.refused or REPLACED_TEXT),)
    return Change(replace(own, kept=replace(own.candidate, refused=""), candidate=None), gone)


def note_refusal(own: ProjectConversations, session: str, why: str) -> Change:
    """Its vendor's program ended instead of resuming it. A kept one stays: the next `up` tries it again."""
    if own.candidate is not None and own.candidate.session == session:
        return Change(replace(own, candidate=None), (GivenUp(own.candidate, why),))
    if own.kept is not None and own.kept.session == session:
        return Change(replace(own, kept=replace(own.kept, refused=why, cut_starts=0)))
    return Change(own)


def note_cut_start(own: ProjectConversations, session: str) -> Change:
    """Something killed the agent before it showed anything. That may have nothing to do with the conversation."""
    return Change(_with(own, session, lambda one: replace(one, cut_starts=one.cut_starts + 1)))


def note_shown(own: ProjectConversations, session: str) -> Change:
    """The agent shows itself with this conversation."""
    return Change(_with(own, session, lambda one: replace(one, refused="", cut_starts=0)))


def _with(
    own: ProjectConversations, session: str, change: Callable[[KnownConversation], KnownConversation]
) -> ProjectConversations:
    kept, candidate = own.kept, own.candidate
    if kept is not None and kept.session == session:
        return replace(own, kept=change(kept))
    if candidate is not None and candidate.session == session:
        return replace(own, candidate=change(candidate))
    return own


def find_project(
    known: Sequence[ProjectConversations], agent: str, project: str, folder: str
) -> ProjectConversations | None:
    """What this kind of agent has in this project: at its path, or, after the folder was moved, by what recognises it.
    An entry without a project is from an earlier version, and counts for any."""
    mine = [one for one in known if one.agent == agent]
    at_path = [one for one in mine if one.project == project]
    moved = [one for one in mine if folder and one.folder == folder]
    anywhere = [one for one in mine if not one.project]
    return next(iter((*at_path, *moved, *anywhere)), None)


def with_project(
    known: Sequence[ProjectConversations], before: ProjectConversations | None, own: ProjectConversations
) -> tuple[tuple[ProjectConversations, ...], tuple[ProjectConversations, ...]]:
    """The entries with `own` in the place of `before`, and those that are dropped because there are too many."""
    others = [one for one in known if one not in (before, own)]
    newest = sorted(others, key=lambda one: one.used, reverse=True)
    return (own, *newest[: MAX_PROJECTS - 1]), tuple(newest[MAX_PROJECTS - 1 :])
