"""Reports arrive complete, even if results are lost and vendors send half characters."""

import asyncio
from typing import Any, TypeVar

import pytest

from gateway.protocol.errors import Forbidden, GroupChatError, TimedOut, TooLarge, UnknownMessage, UnknownRoom
from gateway.protocol.requests.message_requests import Report
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Accepted
from gateway.protocol.types.core_types import Activity, Composer, Rung
from sidecar.connection.room_reporter import RoomReporter
from sidecar.messages.replies import WITHHELD_FOR_ROOM_TEXT, replies_from_answer, withheld_reply
from tests.fakes.retry import retry_until
from tests.sidecar.memory_room import MemoryRoom, NoProgress

T = TypeVar("T")


class Forgetful(MemoryRoom):
    """The first report arrives, and its answer does not."""

    lost = 1

    async def request(self, request: Request, result_type: type[T]) -> T:
        known = isinstance(request, Report) and self.deliveries[request.message].rung is request.steps[-1].rung
        result = result_type() if known else await super().request(request, result_type)
        if isinstance(request, Report) and self.lost:
            self.lost -= 1
            raise TimedOut("no answer")
        return result


async def test_a_report_whose_answer_was_lost_swallows_no_later_step() -> None:
    room = Forgetful("claude")
    number, outbox = room.say("hello"), RoomReporter(room, lambda: "")
    for rung in (Rung.TYPED, Rung.VERIFIED, Rung.SUBMITTED):
        outbox.step(number, rung)
    telling = asyncio.get_running_loop().create_task(outbox.flush(NoProgress()))
    await retry_until(lambda: not room.lost)
    for rung in (Rung.ACCEPTED, Rung.SEEN, Rung.ANSWERED):
        outbox.step(number, rung)
    await asyncio.wait_for(telling, 60)
    assert room.deliveries[number].rung is Rung.ANSWERED


async def test_progress_is_reported_before_hold_reasons() -> None:
    """A hundred that wait hold up nobody's Enter, nor the sign that the agent is ready."""
    room = MemoryRoom("claude")
    outbox = RoomReporter(room, lambda: "")
    waiting = [room.say("x") for _ in range(100)]
    urgent = room.say("now")
    for number in waiting:
        outbox.step(number, Rung.HELD, "busy")
    outbox.activity(Activity.IDLE, Composer.EMPTY, "")
    outbox.step(urgent, Rung.TYPED)
    outbox.step(waiting[0], Rung.TYPED)
    await outbox.flush(NoProgress())
    reports = [one.message if isinstance(one, Report) else 0 for one in room.asked]
    assert reports == [urgent, waiting[0], 0, *waiting[1:]]
    assert room.rungs(waiting[0]) == ["held", "typed"], "in their order all the same"


async def test_a_report_without_an_answer_is_repeated_before_anything_newer() -> None:
    room = Forgetful("claude")
    outbox = RoomReporter(room, lambda: "")
    held, urgent = room.say("x"), room.say("now")
    outbox.step(held, Rung.HELD, "busy")
    telling = asyncio.get_running_loop().create_task(outbox.flush(NoProgress()))
    await retry_until(lambda: not room.lost)
    outbox.step(urgent, Rung.TYPED)
    outbox.step(held, Rung.TYPED)
    await asyncio.wait_for(telling, 60)
    assert (room.rungs(held), room.rungs(urgent)) == (["held", "typed"], ["typed"])


async def test_half_a_character_in_a_reason_stops_nothing() -> None:
    room = MemoryRoom("claude")
    number, outbox = room.say("hello"), RoomReporter(room, lambda: "")
    outbox.step(number, Rung.FAILED, "the turn failed: \ud83d\x00")
    await outbox.flush(NoProgress())
    assert room.reasons(number) == ["the turn failed: ?"]


async def test_valid_steps_are_reported_without_the_invalid_ones() -> None:
    room = MemoryRoom("claude")
    number, outbox = room.say("hello"), RoomReporter(room, lambda: "")
    for rung in (Rung.ANSWERED, Rung.TYPED):
        outbox.step(number, rung)
    await outbox.flush(NoProgress())
    assert room.deliveries[number].rung is Rung.ANSWERED
    assert outbox.empty


async def test_a_step_that_the_room_refuses_is_reported_once() -> None:
    room = MemoryRoom("claude")
    number, outbox, progress = room.say("hello"), RoomReporter(room, lambda: ""), NoProgress()
    for rung in (Rung.ACCEPTED, Rung.TYPED, Rung.SEEN):
        outbox.step(number, rung)
    await outbox.flush(progress)
    assert (room.rungs(number), progress.refused) == (["accepted", "seen"], [number])


async def test_a_pending_report_is_not_repeated_in_another_store() -> None:
    first, second = Forgetful("claude"), MemoryRoom("claude")
    number, outbox = first.say("hello"), RoomReporter(first, lambda: "")
    assert second.say("another message") == number
    outbox.step(number, Rung.FAILED, "of the first house")
    telling = asyncio.get_running_loop().create_task(outbox.flush(NoProgress()))
    await retry_until(lambda: not first.lost)
    outbox.forget_numbers()
    outbox._room = second
    outbox.step(number, Rung.TYPED)
    await asyncio.wait_for(telling, 60)
    await outbox.flush(NoProgress())
    assert second.rungs(number) == ["typed"]


class Strict(MemoryRoom):
    """It refuses what has this text."""

    refusal: GroupChatError = UnknownRoom("There is no room 'lab' here.")
    refused = "the answer"

    async def send(self, content: str, **fields: Any) -> Accepted:
        if content == self.refused:
            raise self.refusal
        return await super().send(content, **fields)


REFUSALS = [
    UnknownRoom("There is no room 'lab' here."),
    Forbidden("claude is not in the room 'lab'. Join it first."),
    TooLarge("The message has more than 262144 bytes."),
]


@pytest.mark.parametrize("refusal", REFUSALS)
async def test_a_message_whose_answer_is_refused_fails_with_the_reason(refusal: GroupChatError) -> None:
    room = Strict("claude")
    room.refusal = refusal
    numbers, outbox = (room.say("one"), room.say("two")), RoomReporter(room, lambda: "")
    messages = [room.messages[number] for number in numbers]
    for reply in replies_from_answer("claude", messages, "the answer", ()):
        outbox.post_reply(reply)
    for number in numbers:
        outbox.step(number, Rung.SEEN)
        outbox.step(number, Rung.ANSWERED, "transcript")
    await outbox.flush(NoProgress())
    for number in numbers:
        assert room.rungs(number) == ["seen", "failed"]
        assert room.reasons(number)[-1] == f"the room refused the answer: {refusal.message}"


async def test_the_answer_to_a_message_that_the_room_no_longer_has_is_posted_without_it() -> None:
    """The room keeps only its newest messages, or was restored from a snapshot of a time before this one."""

    class Forgotten(MemoryRoom):
        async def send(self, content: str, **fields: Any) -> Accepted:
            if fields.get("reply_to") is not None or fields["context"]:
                raise UnknownMessage("There is no message 1 that claude can see.")
            return await super().send(content, **fields)

    room = Forgotten("claude")
    numbers, outbox = (room.say("one"), room.say("two")), RoomReporter(room, lambda: "")
    for reply in replies_from_answer("claude", [room.messages[number] for number in numbers], "the answer", ()):
        outbox.post_reply(reply)
    await outbox.flush(NoProgress())
    assert room.replies == {None: "the answer"} and room.sent[0].to == ("@alice",)


async def test_a_refused_line_for_another_member_fails_no_message() -> None:
    room = Strict("claude")
    room.refused = "look"
    number, outbox = room.say("one"), RoomReporter(room, lambda: "")
    for reply in replies_from_answer("claude", [room.messages[number]], "fine\n@bob look", ("bob",)):
        outbox.post_reply(reply)
    outbox.step(number, Rung.ANSWERED, "transcript")
    await outbox.flush(NoProgress())
    assert (room.rungs(number), room.replies) == (["answered"], {number: "fine\n@bob look"})


async def test_a_refused_withheld_answer_fails_its_messages_too() -> None:
    room = Strict("claude")
    room.refused = WITHHELD_FOR_ROOM_TEXT
    number, outbox = room.say("one"), RoomReporter(room, lambda: "")
    outbox.post_reply(withheld_reply("claude", [room.messages[number]], WITHHELD_FOR_ROOM_TEXT))
    await outbox.flush(NoProgress())
    assert room.rungs(number) == ["failed"]


class Deaf(MemoryRoom):
    """It does not hear the first time."""

    deaf = 1

    async def request(self, request: Request, result_type: type[T]) -> T:
        if self.deaf:
            self.deaf -= 1
            raise TimedOut("no answer")
        return await super().request(request, result_type)


async def test_the_activity_is_reported_until_the_room_has_it() -> None:
    room = Deaf("claude")
    outbox = RoomReporter(room, lambda: "")
    outbox.activity(Activity.IDLE, Composer.EMPTY, "")
    await outbox.flush(NoProgress())
    assert room.activity == "idle"
