"""The whole sidecar in a real PTY with the demo agent; only the room is in memory."""

from pathlib import Path

from gateway.protocol.events import ControlAction
from tests.fakes.retry import retry_until
from tests.sidecar.seat import seated


async def test_a_message_climbs_the_whole_ladder_and_its_answer_comes_back(tmp_path: Path) -> None:
    async with seated(tmp_path) as seat:
        number = seat.room.say("hello there")
        await seat.reaches(number, "answered")
        assert seat.room.rungs(number)[-6:] in (
            ["typed", "verified", "submitted", "accepted", "seen", "answered"],
            ["held", "typed", "verified", "submitted", "accepted", "answered"],
        )
        assert seat.room.replies[number].endswith("hello there")
        assert seat.room.sent[0].to == ("@alice",)


async def test_it_waits_until_the_agent_is_idle(tmp_path: Path) -> None:
    async with seated(tmp_path) as seat:
        await seat.is_("idle")
        first = seat.room.say("slow 2")
        await seat.is_("busy")
        second = seat.room.say("and now")
        await seat.reaches(second, "answered")
        assert "busy" in seat.room.reasons(second) or "turn" in seat.room.reasons(second)
        assert "answered" in seat.room.rungs(first)


async def test_it_never_types_into_a_dialog(tmp_path: Path) -> None:
    async with seated(tmp_path) as seat:
        await seat.is_("idle")
        first = seat.room.say("ask")
        await seat.is_("asking")
        second = seat.room.say("are you there")
        await retry_until(lambda: "asking" in seat.room.reasons(second), describe=seat.describe)
        assert "Do you want to run this?" in seat.text
        seat.type("\r")
        await seat.reaches(second, "answered")
        assert "answered" in seat.room.rungs(first)


async def test_a_persons_draft_is_left_alone(tmp_path: Path) -> None:
    async with seated(tmp_path) as seat:
        await seat.is_("idle")
        seat.type("half a thought")
        await seat.shows("half a thought")
        number = seat.room.say("hello")
        await retry_until(lambda: "draft" in seat.room.reasons(number), describe=seat.describe)
        seat.type("\x15")
        await seat.reaches(number, "answered")


async def test_paused_messages_go_out_together_and_in_order_after_resume(tmp_path: Path) -> None:
    async with seated(tmp_path) as seat:
        await seat.is_("idle")
        seat.room.order(ControlAction.PAUSE)
        numbers = [seat.room.say(f"message {n}") for n in range(3)]
        await retry_until(lambda: "paused" in seat.room.reasons(numbers[0]), describe=seat.describe)
        await retry_until(lambda: "CSP queued" in seat.bytes.decode(), describe=seat.describe)
        seat.room.order(ControlAction.RESUME)
        for number in numbers:
            await seat.reaches(number, "answered")
        said = seat.room.replies[numbers[-1]]
        assert [said.index(f"#{n}] message {at}") for at, n in enumerate(numbers)] == sorted(
            said.index(f"#{n}]") for n in numbers
        )


async def test_long_and_many_lined_text_arrives_exactly(tmp_path: Path) -> None:
    text = "\n".join(f"line {n} with /slash !bang #hash" for n in range(12))
    async with seated(tmp_path) as seat:
        number = seat.room.say(text)
        await seat.reaches(number, "answered")
        assert text[:150] in seat.room.replies[number]
