"""Decides what a start does: come back to a conversation, or begin a new one. Pure.

| what was wanted | candidate | kept | the start |
|---|---|---|---|
| `--fresh` | | | begins a new one |
| `--fresh`, and it was restarted since | works | | comes back to the candidate |
| | does not work | | begins a new one |
| to come back | works | | comes back to the candidate |
| | does not work | there is one | comes back to the kept one |
| | its turn was lost | none | begins a new one, and says so |
| | none | was refused just now | begins a new one, and says so |
| | none | none | begins a new one |

A candidate works if its vendor has it on disk, or, where nobody can tell, if a turn of it was seen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gateway.protocol.types.conversation_starts import ConversationStart
from sidecar.conversation.conversation_rules import NEVER_WRITTEN_TEXT, KnownConversation, ProjectConversations

MAX_CUT_STARTS = 3
CUT_TEXT = f"it was killed {MAX_CUT_STARTS} times before it had started"


class WantedStart(NamedTuple):
    """`fresh`: a person wants a new conversation. `restarted`: by the supervisor, after an earlier start with the same
    wish. `refused`: that start could not resume, although its record may not say so."""

    fresh: bool = False
    restarted: bool = False
    refused: bool = False


class ChosenStart(NamedTuple):
    """`conversation`: the one that is resumed, or, if it is lost, the one that could not be. `why` it is lost."""

    start: ConversationStart
    conversation: KnownConversation | None = None
    why: str = ""

    @property
    def session(self) -> str:
        return self.conversation.session if self.conversation is not None else ""

    @property
    def resumes(self) -> bool:
        return self.start is ConversationStart.RESUMED


NEW = ChosenStart(ConversationStart.NEW)


def choose_start(
    own: ProjectConversations | None, wanted: WantedStart, is_written: Callable[[str], bool | None]
) -> ChosenStart:
    """`is_written` says whether the vendor has the conversation with this id on disk; None: nobody can tell."""
    if own is None or (wanted.fresh and not wanted.restarted):
        return NEW
    candidate = own.candidate
    if (
        candidate is not None
        and not _is_given_up(candidate, wanted)
        and _works(candidate, is_written(candidate.session))
    ):
        return ChosenStart(ConversationStart.RESUMED, candidate)
    if wanted.fresh:
        return NEW
    return _come_back(own, wanted)


def _come_back(own: ProjectConversations, wanted: WantedStart) -> ChosenStart:
    kept, candidate = own.kept, own.candidate
    if kept is not None and not _is_given_up(kept, wanted):
        return ChosenStart(ConversationStart.RESUMED, kept)
    if kept is not None:
        return ChosenStart(ConversationStart.LOST, kept, kept.refused or (CUT_TEXT if kept.cut_starts else ""))
    if candidate is not None and candidate.used:
        return ChosenStart(ConversationStart.LOST, candidate, NEVER_WRITTEN_TEXT)
    return NEW


def _works(candidate: KnownConversation, is_written: bool | None) -> bool:
    return bool(candidate.used) if is_written is None else is_written


def _is_given_up(one: KnownConversation, wanted: WantedStart) -> bool:
    """When a person starts the agent, each is tried again: what was missing may be there now."""
    return wanted.restarted and (wanted.refused or bool(one.refused) or one.cut_starts >= MAX_CUT_STARTS)
