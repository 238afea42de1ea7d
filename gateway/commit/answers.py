"""Answers at their place among the events. One that was decided on facts which are not committed yet waits for them in
the same queue: it never overtakes an event whose effect it shows, and nobody is told what turns out not to be true."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from gateway.commit.committer import CommitJob, Committer, OnCommitted
from gateway.model.log_events import Outcome
from gateway.protocol.errors import GroupChatError
from gateway.protocol.results import Done


class Answers:
    def __init__(self, committer: Committer) -> None:
        self._committer = committer

    @property
    def uncommitted(self) -> int:
        """How many rulings and answers are decided and neither committed and pushed nor given up."""
        return self._committer.uncommitted

    def answer_in_turn(self, result: Any, *, sure: bool = False) -> asyncio.Future[Any]:
        """Promise an answer that was decided on the state as it stands now: at once where all of that is committed and
        pushed, else as soon as it is; and the error where it could not be committed. A result is `sure` where what it
        tells of is committed already: that is told in any case."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if not self.uncommitted:
            done.set_result(result)
        else:
            self._committer.add(replace(CommitJob.of(Outcome(result), done), sure=sure))
        return done

    def refuse_in_turn(self, error: GroupChatError) -> asyncio.Future[Any]:
        """Promise a refusal that was decided on the state as it stands now. Its reason may not be committed yet: it
        is told after that, and is the error of that commit where it fails."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if not self.uncommitted:
            done.set_exception(error)
        else:
            self._committer.add(replace(CommitJob.of(Outcome(Done()), done), error=error))
        return done

    @staticmethod
    def at_once(result: Any) -> asyncio.Future[Any]:
        """Promise an answer that shows nothing of what is still to be committed."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        done.set_result(result)
        return done

    async def wait_until_settled(self) -> None:
        """All that was decided until now is committed and pushed; or the error with which it was given up."""
        await self.answer_in_turn(Done())

    async def settled_error(self, error: GroupChatError) -> GroupChatError:
        """What a refusal is when its reason is committed: itself, or the error of that commit."""
        try:
            await self.wait_until_settled()
        except GroupChatError as failed:
            return failed
        return error

    def write_in_turn(self, tell: OnCommitted) -> None:
        """Write something to streams after the events that were decided before it."""
        done = self.answer_in_turn(Done())
        done.add_done_callback(lambda one: one.exception())  # what is written then is true of what is left
        self.write_at_its_turn(done, tell)

    def write_at_its_turn(self, done: asyncio.Future[Any], tell: OnCommitted) -> None:
        """Write the answer that was just promised at its place in the streams: between the events before and after."""
        if not self._committer.tell_when_committed(done, tell):
            tell() if done.done() else done.add_done_callback(lambda _: tell())
