"""From the hook that ends a turn to the reply in the room, with the real parts between them."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.agents import REGISTRY
from sidecar.agents.adapter.adapter import LaunchContext, RunningAgent
from sidecar.conversation.conversation_recorder import ConversationKeeper
from sidecar.conversation.conversation_watch import ConversationWatch
from sidecar.conversation.start_choice import NEW
from sidecar.evidence_sources.transcript import TranscriptTail
from sidecar.evidence_sources.turn_reports import TurnReports
from sidecar.run_files.run_plan import RunPlan
from sidecar.runtime.agent_launch import Conversation
from sidecar.runtime.turn_listener import TurnListener, TurnReceivers
from tests.sidecar.delivery.test_delivery_loop import Scene
from tests.sidecar.hearers import FakeReceivers, Unlimited, Unstoppable

CLAUDE = REGISTRY["claude"]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    one = Scene(tmp_path)
    yield one
    one.journal.close()


def listener_before(scene: Scene, folder: Path) -> TurnListener:
    anyone: Any = FakeReceivers()
    stop: Any = Unstoppable()
    child = RunningAgent(LaunchContext(folder, folder, "", "", {}), 1, 0.0)
    tail = TranscriptTail(CLAUDE, None)
    reports = TurnReports(CLAUDE, tail, lambda: 0.0)
    conversation = Conversation(child, tail, anyone)
    plan = RunPlan("claude", CLAUDE, ("claude",), folder, folder, {})
    watch = ConversationWatch(ConversationKeeper(CLAUDE, child.place), NEW, anyone)
    receivers = TurnReceivers(stop, scene.delivery_loop, anyone, Unlimited(), watch, anyone.work, reports)
    return TurnListener(plan, conversation, anyone, scene.progress, receivers)


async def test_the_final_answer_from_a_hook_is_the_reply_to_the_message(scene: Scene, tmp_path: Path) -> None:
    number, turn_listener = await scene.delivered(), listener_before(scene, tmp_path)
    prompt = f"[alice -> claude #{number}] hello"
    await turn_listener.hook({"hook_event_name": "UserPromptSubmit", "prompt": prompt, "prompt_id": "t"})
    await turn_listener.hook({"hook_event_name": "Stop", "last_assistant_message": "hi", "prompt_id": "t"})
    await scene.outbox.flush(scene.progress)
    assert scene.room.replies == {number: "hi"}
    assert scene.room.rungs(number)[-3:] == ["accepted", "seen", "answered"]


async def test_an_answer_without_a_message_is_not_a_reply(scene: Scene, tmp_path: Path) -> None:
    turn_listener = listener_before(scene, tmp_path)
    await turn_listener.hook({"hook_event_name": "UserPromptSubmit", "prompt": "at the terminal", "prompt_id": "t"})
    await turn_listener.hook({"hook_event_name": "Stop", "last_assistant_message": "hi", "prompt_id": "t"})
    await scene.outbox.flush(scene.progress)
    assert scene.room.replies == {}
