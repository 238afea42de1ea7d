"""Sends answers in order with the events. An answer that rests on uncommitted events waits for them in the same queue:
it never overtakes an event whose effect it shows, and no client sees something that a failed commit takes back."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from gateway.commit.committer import CommitJob, Committer, OnCommitted
from gateway.model.rule_outcome import RuleOutcome
from gateway.protocol.errors import GroupChatError
from gateway.protocol.results import Done


class Answers:
    def __init__(self, committer: Committer) -> None:
        self._committer = committer

    @property
    def uncommitted(self) -> int:
        """How many outcomes and answers are decided, but neither pushed nor given up yet."""
        return self._committer.uncommitted

    def answer_in_turn(self, result: Any, *, sure: bool = False) -> asyncio.Future[Any]:
        """A future for an answer that rests on the current state: done at once if all of that is committed and pushed,
        else as soon as it is, or with the error if the commit fails. A `sure` result shows only committed state, and
        is answered in any case."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if not self.uncommitted:
            done.set_result(result)
        else:
            self._committer.add(replace(CommitJob.of(RuleOutcome(result), done), sure=sure))
        return done

    def refuse_in_turn(self, error: GroupChatError) -> asyncio.Future[Any]:
        """A future for a refusal that rests on the current state. It waits for the commit of its reason, and becomes
        the error of that commit if it fails."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if not self.uncommitted:
            done.set_exception(error)
        else:
            self._committer.add(replace(CommitJob.of(RuleOutcome(Done()), done), error=error))
        return done

    @staticmethod
    def at_once(result: Any) -> asyncio.Future[Any]:
        """A finished future for an answer that does not depend on uncommitted state."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        done.set_result(result)
        return done

    async def wait_until_settled(self) -> None:
        """Wait until everything decided so far is committed and pushed. Raises the error if that fails."""
        await self.answer_in_turn(Done())

    async def settled_error(self, error: GroupChatError) -> GroupChatError:
        """The refusal after the commit of its reason: the same error, or the error of that commit."""
        try:
            await self.wait_until_settled()
        except GroupChatError as failed:
            return failed
        return error

    def write_in_turn(self, tell: OnCommitted) -> None:
        """Call `tell`, which writes to streams, after the events that were decided before it."""
        done = self.answer_in_turn(Done())
        done.add_done_callback(lambda one: one.exception())  # after a failure too: `tell` then shows the restored state
        self.write_at_its_turn(done, tell)

    def write_at_its_turn(self, done: asyncio.Future[Any], tell: OnCommitted) -> None:
        """Write the answer of `done` to the streams in order, between the events before and after it."""
        if not self._committer.tell_when_committed(done, tell):
            tell() if done.done() else done.add_done_callback(lambda _: tell())
