"""Sealed messages on their way to the agent: what is not its writer's is never typed, and its answer is sealed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.encryption.member_client.checked_messages import MessageProof
from gateway.protocol.events import Message
from gateway.protocol.types.core_types import Delivery
from sidecar.connection.room_reporter import RoomReporter
from sidecar.delivery.attachment_files import AttachmentFiles
from sidecar.delivery.prompt_text import PromptTexts
from sidecar.evidence.turn_evidence import TurnFact, TurnFactKind
from sidecar.messages.quiet_notices import QuietNotices
from sidecar.messages.sealed_turns import SealedPlace, SealedTurn
from tests.sidecar.delivery.test_delivery_loop import Scene, prompt
from tests.sidecar.fake_sealing import FakeSealing, checked
from tests.sidecar.memory_room import MemoryRoom


class SealedScene(Scene):
    """A room in memory whose client seals."""

    def __init__(self, folder: Path) -> None:
        self.sealing, room = FakeSealing("lab"), MemoryRoom("claude")
        super().__init__(folder, room=room, outbox=RoomReporter(room, lambda: "", self.sealing))

    def said(self, proof: MessageProof, room: str = "general", *, was_sealed: bool = True) -> Message:
        number = self.room.say("hello", room=room, direct=room == "general")
        self.room.messages[number] = checked(self.room.messages[number], proof, was_sealed=was_sealed)
        return self.room.messages[number]

    @property
    def turn(self) -> SealedTurn:
        return self.me.sealed_turn


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[SealedScene]:
    one = SealedScene(tmp_path)
    yield one
    one.journal.close()


@pytest.mark.parametrize("proof", [MessageProof.WRONG, MessageProof.UNREADABLE])
async def test_a_refused_message_is_never_typed_and_its_delivery_fails_with_the_sentence(
    scene: SealedScene, proof: MessageProof
) -> None:
    for way in ("pushed", "waiting", "ordered again"):
        message = scene.said(proof)
        match way:
            case "pushed":
                scene.delivery_loop.receive(message)
            case "waiting":
                scene.delivery_loop.adopt_waiting(message, Delivery(message.seq, "claude"))
            case _:
                scene.delivery_loop.retry(message)
        await scene.after()
        assert (scene.room.rungs(message.seq), scene.room.reasons(message.seq)) == (["failed"], ["hello"]), way
    assert scene.agent.keys == []
    scene.delivery_loop.receive(message)
    await scene.after()
    assert scene.room.rungs(message.seq) == ["failed"], "it is said once"


@pytest.mark.parametrize("proof", [MessageProof.SIGNED, MessageProof.VERIFIED])
async def test_a_sealed_direct_message_is_typed_as_plain_text_and_its_answer_is_sealed(
    scene: SealedScene, proof: MessageProof
) -> None:
    message = scene.said(proof)
    scene.delivery_loop.receive(message)
    await scene.after()
    assert scene.agent.keys[0] == b"\x1b[200~[alice -> claude #1] hello\x1b[201~"
    assert scene.turn.place == SealedPlace("general", "alice")
    await scene.after(prompt(message.seq), TurnFact(TurnFactKind.ANSWER, "the secret", "t"))
    assert [(one.content, one.to, one.reply_to) for one in scene.sealing.direct] == [("the secret", ("@alice",), 1)]
    assert scene.room.sent == []
    assert scene.room.rungs(1)[-1] == "answered"


async def test_an_answer_in_a_sealed_room_goes_through_the_client_that_seals_it(scene: SealedScene) -> None:
    scene.rooms.closed.add("lab")
    message = scene.said(MessageProof.SIGNED, "lab")
    scene.delivery_loop.receive(message)
    await scene.after()
    await scene.after(prompt(message.seq), TurnFact(TurnFactKind.ANSWER, "the secret", "t"))
    assert [(one.content, one.room) for one in scene.room.sent] == [("the secret", "lab")]


async def test_an_answer_that_cannot_be_sealed_is_nowhere_in_plain_text(scene: SealedScene) -> None:
    scene.sealing.refused["alice"] = "The key of alice has changed."
    message = scene.said(MessageProof.SIGNED)
    scene.delivery_loop.receive(message)
    await scene.after()
    await scene.after(prompt(message.seq), TurnFact(TurnFactKind.ANSWER, "the secret\n@bob the secret", "t"))
    assert scene.room.rungs(1)[-1] == "failed"
    assert "The key of alice has changed." in scene.room.reasons(1)[-1]
    assert [one.content for one in scene.sealing.direct] == ["the secret"], "the line for bob, whose key is good"
    assert not any("secret" in one.content for one in scene.room.sent)


async def test_an_answer_that_an_earlier_run_could_not_post_is_sealed_too(scene: SealedScene) -> None:
    message = scene.said(MessageProof.SIGNED)
    scene.progress.mark_answered_before(message.seq, [message], "the secret")
    await scene.after()
    assert [(one.content, one.to, one.id) for one in scene.sealing.direct] == [
        ("the secret", ("@alice",), f"reply-claude-{message.seq}")
    ]
    assert scene.room.sent == []


async def test_an_answer_of_the_next_plain_turn_is_plain(scene: SealedScene) -> None:
    message = scene.said(MessageProof.SIGNED)
    scene.delivery_loop.receive(message)
    await scene.after()
    await scene.after(prompt(message.seq), TurnFact(TurnFactKind.ANSWER, "the secret", "t"))
    other = scene.said(MessageProof.SIGNED, was_sealed=False)
    scene.delivery_loop.receive(other)
    await scene.after()
    await scene.after(prompt(other.seq, turn="u"), TurnFact(TurnFactKind.ANSWER, "all well", "u"))
    assert [one.content for one in scene.room.sent] == ["all well"]
    assert (scene.turn.place, scene.turn.has_been) == (None, True)


async def test_what_nobody_asked_is_not_shared_after_a_sealed_turn(scene: SealedScene) -> None:
    scene.progress.replies.share = "all"
    scene.turn.place = SealedPlace("lab")
    scene.delivery_loop.fact(TurnFact(TurnFactKind.PROMPT, "and now?", "p"))
    await scene.after(TurnFact(TurnFactKind.ANSWER, "the secret", "p"))
    assert scene.room.sent == []


async def test_a_notice_of_the_gateway_is_not_typed_below_a_sealed_message(scene: SealedScene) -> None:
    notices = QuietNotices()
    notices.add("codex writes the same file. Send the plan to #general.")
    texts = PromptTexts(scene.me, notices)
    plain, sealed = scene.said(MessageProof.SIGNED, was_sealed=False), scene.said(MessageProof.SIGNED)
    assert "same file" in texts.of([plain], bracketed=True, digests=True).text
    assert "same file" not in texts.of([sealed], bracketed=True, digests=True).text


def test_attachments_of_sealed_messages_are_private_files(tmp_path: Path) -> None:
    files = AttachmentFiles(lambda: tmp_path / "attached")
    assert files.put({tmp_path / "attached" / "1.txt": "the secret"})
    assert (tmp_path / "attached" / "1.txt").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "attached").stat().st_mode & 0o777 == 0o700
