"""One run: how its conversation began is told once, and its id is kept when its turn is on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.protocol.types.conversation_starts import ConversationStart
from gateway.protocol.types.core_types import Activity
from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import LaunchContext, LaunchMethod
from sidecar.conversation.conversation_recorder import ConversationKeeper
from sidecar.conversation.conversation_rules import KnownConversation
from sidecar.conversation.conversation_watch import OTHER_BEGUN_TEXT, ConversationWatch
from sidecar.conversation.start_choice import NEW, ChosenStart
from sidecar.evidence.turn_evidence import TurnFact, TurnFactKind
from tests.fakes.retry import retry_until

BACK = ChosenStart(ConversationStart.RESUMED, KnownConversation("old", since=1))


class Run:
    def __init__(self, folder: Path, start: ChosenStart, *kept: str, session: str = "") -> None:
        self.written, self.told = set(kept), list[ChosenStart]()
        launching = LaunchMethod(is_written=lambda session, place: session in self.written)
        agent = replace(REGISTRY["claude"], launching=launching)
        self.keeper = ConversationKeeper(agent, LaunchContext(folder, folder, "", "", {}), lambda: 50.0)
        for one in kept:
            self.keeper.note_session(one)
            self.keeper.note_turn(one, is_written=True)
        self.watch = ConversationWatch(self.keeper, start, self.told.append, session)

    @property
    def kept(self) -> str:
        kept = self.keeper.own.kept
        return kept.session if kept is not None else ""


@pytest.mark.parametrize(
    ("seen", "times"),
    [
        ([Activity.STARTING, Activity.UNKNOWN, Activity.ASKING], 0),
        ([Activity.STARTING, Activity.IDLE, Activity.BUSY, Activity.IDLE], 1),
        ([Activity.ASKING, Activity.BUSY], 1),
    ],
)
async def test_a_return_is_told_once_when_the_agent_shows_itself(
    seen: list[Activity], times: int, tmp_path: Path
) -> None:
    run = Run(tmp_path, BACK, "old", session="old")
    for activity in seen:
        run.watch.observe(activity)
    assert run.told == [BACK] * times


async def test_a_new_conversation_is_kept_when_its_turn_is_on_disk(tmp_path: Path) -> None:
    """Vendors write a little later than they show."""
    run = Run(tmp_path, NEW, "old", session="new")
    run.watch.fact(TurnFact(TurnFactKind.PROMPT, "hello"))
    run.watch.fact(TurnFact(TurnFactKind.ANSWER, "hi"))
    assert run.kept == "old"
    run.written.add("new")
    await retry_until(lambda: run.kept == "new", 10)


@pytest.mark.parametrize("kind", [TurnFactKind.PROMPT, TurnFactKind.FAILED, TurnFactKind.INTERRUPTED])
async def test_what_proves_no_answer_keeps_nothing(kind: TurnFactKind, tmp_path: Path) -> None:
    run = Run(tmp_path, NEW, "old", session="new")
    run.written.add("new")
    run.watch.fact(TurnFact(kind, "x"))
    assert (run.kept, run.keeper.awaits_turn) == ("old", True)


@pytest.mark.parametrize(
    ("old_is_written", "turn_before", "told"),
    [
        (False, False, [(ConversationStart.LOST, "old", OTHER_BEGUN_TEXT)]),  # it was not resumed, and said nothing
        (True, False, []),  # its vendor continues it under another id
        (False, True, []),  # a person began another one later
    ],
)
async def test_another_id_in_place_of_the_resumed_one(
    old_is_written: bool, turn_before: bool, told: list[tuple[ConversationStart, str, str]], tmp_path: Path
) -> None:
    run = Run(tmp_path, BACK, "old", session="old")
    if turn_before:
        run.watch.fact(TurnFact(TurnFactKind.ANSWER, "hi"))
    if not old_is_written:
        run.written.clear()
    run.watch.call_session("other")
    assert [(one.start, one.session, one.why) for one in run.told] == told
    assert run.watch.session == "other"
    assert run.kept == "old"
