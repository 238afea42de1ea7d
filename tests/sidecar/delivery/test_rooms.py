"""An agent in several rooms: one prompt is of one room, and its answer goes there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.protocol.types.core_types import Delivery, Rung
from sidecar.evidence.turn_evidence import TurnFact, TurnFactKind
from sidecar.messages.inbox import InboxEntry
from sidecar.messages.plain_program_output import HistoryCommand
from sidecar.messages.replies import WITHHELD_FOR_DIRECT_TEXT, WITHHELD_FOR_ROOM_TEXT, WITHHELD_FROM_ALL_TEXT
from sidecar.prompt_typing.proof_rules import DeliveryStep
from tests.sidecar.delivery.test_delivery_loop import Scene, prompt
from tests.sidecar.messages.test_inbox import entry

ANSWER = "the plan"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    one = Scene(tmp_path)
    one.rooms.closed = {"lab"}
    yield one
    one.journal.close()


async def test_messages_of_two_rooms_are_two_prompts_and_each_is_answered_in_its_room(scene: Scene) -> None:
    first = await scene.delivered()
    for text, room in (("a", "design"), ("b", "general"), ("c", "design")):
        number = scene.room.say(text, direct=False, room=room)
        scene.delivery_loop.receive(scene.room.messages[number])
    await scene.after(prompt(first), TurnFact(TurnFactKind.ANSWER, "hi", "t"))
    design = "[#design alice -> claude #2] a\n\n[#design alice -> claude #4] c"
    assert scene.agent.keys[2:] == [b"\x1b[200~" + design.encode() + b"\x1b[201~", b"\r"]
    await scene.after(TurnFact(TurnFactKind.PROMPT, design, "u"), TurnFact(TurnFactKind.ANSWER, "looks good", "u"))
    assert scene.agent.keys[4] == b"\x1b[200~[alice -> claude #3] b\x1b[201~"
    await scene.after(prompt(3, turn="v"), TurnFact(TurnFactKind.ANSWER, "works", "v"))
    sent = [(one.room, one.reply_to, one.content) for one in scene.room.sent[1:]]
    assert sent == [("design", 4, "looks good"), ("general", 3, "works")]


async def test_what_is_said_in_public_to_one_is_answered_in_public(scene: Scene) -> None:
    number = scene.room.say("look", direct=False, room="design", wakes=("claude",))
    scene.delivery_loop.receive(scene.room.messages[number])
    await scene.after()
    assert scene.agent.keys[0] == b"\x1b[200~[#design alice -> claude, in public #1] look\x1b[201~"
    await scene.after(prompt(number), TurnFact(TurnFactKind.ANSWER, ANSWER, "t"))
    assert [(one.room, one.to, one.content) for one in scene.room.sent] == [("design", (), ANSWER)]


TO_ME: dict[str, Any] = {"recipients": ("claude",)}
SHARED_TURNS: list[tuple[list[InboxEntry], list[tuple[str, tuple[str, ...], str]]]] = [
    # the messages of one turn, and what is posted: room, to, content
    ([entry(1, room="design"), entry(2, room="design")], [("design", (), ANSWER)]),
    ([entry(1), entry(2, room="design")], [("general", (), WITHHELD_FOR_ROOM_TEXT), ("design", (), ANSWER)]),
    ([entry(1, room="design"), entry(2)], [("design", (), WITHHELD_FOR_ROOM_TEXT), ("general", (), ANSWER)]),
    (
        [entry(1, **TO_ME), entry(2, room="design")],
        [("general", ("@alice",), ANSWER), ("design", (), WITHHELD_FOR_DIRECT_TEXT)],
    ),
    (
        [entry(1, **TO_ME), entry(2, "bob", room="design", **TO_ME)],
        [("general", ("@alice",), WITHHELD_FROM_ALL_TEXT), ("design", ("@bob",), WITHHELD_FROM_ALL_TEXT)],
    ),
    ([entry(1, room="lab"), entry(2)], [("lab", (), ANSWER), ("general", (), WITHHELD_FOR_ROOM_TEXT)]),
    (
        [entry(1, room="lab"), entry(2, **TO_ME)],
        [("lab", (), WITHHELD_FROM_ALL_TEXT), ("general", ("@alice",), WITHHELD_FROM_ALL_TEXT)],
    ),
]


@pytest.mark.parametrize(("turn", "posted"), SHARED_TURNS)
async def test_the_answer_to_a_shared_turn_is_heard_in_one_room(
    scene: Scene, turn: list[InboxEntry], posted: list[tuple[str, tuple[str, ...], str]]
) -> None:
    scene.progress.replies.post_answers([DeliveryStep(one, Rung.ANSWERED, "hook", ANSWER) for one in turn])
    await scene.outbox.flush(scene.progress)
    assert [(one.room, one.to, one.content) for one in scene.room.sent] == posted


@pytest.mark.parametrize(("turn", "posted"), SHARED_TURNS)
async def test_so_it_is_when_an_earlier_run_got_the_answer(
    scene: Scene, turn: list[InboxEntry], posted: list[tuple[str, tuple[str, ...], str]]
) -> None:
    messages = [one.message for one in turn]
    for message in messages:
        scene.room.deliveries[message.seq] = Delivery(message.seq, "claude", Rung.SEEN)
        scene.progress.mark_answered_before(message.seq, messages, ANSWER)
    await scene.outbox.flush(scene.progress)
    assert [(one.room, one.to, one.content) for one in scene.room.sent] == posted


async def test_a_program_that_asks_for_the_history_gets_that_of_the_room_of_its_question(scene: Scene) -> None:
    scene.room.say("in general", direct=False)
    scene.room.say("in design", direct=False, room="design")
    told = await scene.progress.fetch_room_answer(HistoryCommand(20), "design", -1)
    assert told.content == "[CSP: last 1 messages]\n#2 alice: in design"
    assert told.room == "design"
