"""Writes down what a run shows of its agent's conversation: its id, its turns, or that it could not be resumed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import structlog

from gateway.protocol.text.text_validation import flatten_lines
from sidecar.agents.adapter.adapter import Adapter, LaunchContext
from sidecar.conversation import conversation_rules
from sidecar.conversation.conversation_file import (
    add_to_history,
    put_unreadable_aside,
    read_conversations,
    write_conversations,
)
from sidecar.conversation.conversation_rules import Change, GivenUp, ProjectConversations
from sidecar.conversation.start_choice import ChosenStart, WantedStart, choose_start

DROPPED_TEXT = "it is the oldest of too many projects"
MAX_WHY_CHARS = 300
log = structlog.get_logger("sidecar")


class ConversationKeeper:
    """For one agent in one project. Whoever holds the agent's name may change what is kept."""

    def __init__(self, agent: Adapter, place: LaunchContext, now: Callable[[], float] = time.time) -> None:
        self._agent, self._place, self._now = agent, place, now
        self._folder, self._project = place.private, str(place.project)
        self._known = read_conversations(self._folder)
        mark = folder_mark(place.project)
        self._before = conversation_rules.find_project(self._known, agent.name, self._project, mark)
        self._own = self._before or ProjectConversations(agent.name)

    @property
    def own(self) -> ProjectConversations:
        return self._own

    @property
    def moved_from(self) -> str:
        """The path that the project had when the conversation was kept, if it has another one now."""
        return "" if self._own.project == self._project else self._own.project

    def choose(self, wanted: WantedStart) -> ChosenStart:
        return choose_start(self._before, wanted, self.is_written)

    def is_written(self, session: str) -> bool | None:
        """Whether the vendor has this conversation on disk; None: nobody can tell."""
        try:
            return self._agent.launching.is_written(session, self._place)
        except OSError:
            return None

    @property
    def awaits_turn(self) -> bool:
        """Whether a turn of the present conversation would make it the kept one."""
        return self._own.candidate is not None

    def note_session(self, session: str) -> None:
        self._save(conversation_rules.note_session(self._own, session, self._now()))

    def note_turn(self, session: str, *, is_written: bool | None) -> None:
        self._save(conversation_rules.note_turn(self._own, session, self._now(), is_written=is_written))

    def note_shown(self, session: str) -> None:
        """The agent shows itself. Of one that reports no turns, this is all that can be seen."""
        change = conversation_rules.note_shown(self._own, session)
        if not self._agent.proves and change.own.candidate is not None:
            change = conversation_rules.keep_candidate(change.own)
        self._save(change)

    def note_refusal(self, session: str, why: str) -> None:
        said = flatten_lines(why.encode(errors="replace").decode()).strip()[:MAX_WHY_CHARS]
        self._save(conversation_rules.note_refusal(self._own, session, said or "it ended at once"))

    def note_cut_start(self, session: str) -> None:
        self._save(conversation_rules.note_cut_start(self._own, session))

    def _save(self, change: Change) -> None:
        """Nothing is written if nothing has changed, the project's place included."""
        own = _at(change.own, self._project, folder_mark(self._place.project))
        if own == self._own and not change.given_up:
            return
        for gone in change.given_up:
            self._tell_history(own, gone)
        if self._before is None:
            put_unreadable_aside(self._folder)
        self._known, dropped = conversation_rules.with_project(self._known, self._before, own)
        for old in dropped:
            for one in filter(None, (old.kept, old.candidate)):
                self._tell_history(old, GivenUp(one, DROPPED_TEXT))
        self._before = self._own = own
        write_conversations(self._folder, self._known)

    def _tell_history(self, own: ProjectConversations, gone: GivenUp) -> None:
        log.info("gave up a conversation", session=gone.conversation.session, why=gone.why)
        add_to_history(self._folder, own, gone, self._now())


def _at(own: ProjectConversations, project: str, folder: str) -> ProjectConversations:
    return ProjectConversations(own.agent, project, folder, own.kept, own.candidate)


def folder_mark(project: Path) -> str:
    """What recognises a folder after it was moved on the same disk."""
    try:
        found = project.stat()
    except OSError:
        return ""
    return f"{found.st_dev}:{found.st_ino}"
