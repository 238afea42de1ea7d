"""The whole sidecar in a real PTY with the demo agent; only the room is a fake in memory."""

from pathlib import Path

from gateway.protocol.events import ControlAction
from tests.fakes.retry import retry_until
from tests.sidecar.sidecar_terminal import sidecar_in_terminal


async def test_a_message_goes_through_every_step_and_its_answer_comes_back(tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path) as pane:
        number = pane.room.say("hello there")
        await pane.reaches(number, "answered")
        assert pane.room.rungs(number)[-6:] in (
            ["typed", "verified", "submitted", "accepted", "seen", "answered"],
            ["held", "typed", "verified", "submitted", "accepted", "answered"],
        )
        assert pane.room.replies[number].endswith("hello there")
        assert pane.room.sent[0].to == ("@alice",)


async def test_it_waits_until_the_agent_is_idle(tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path) as pane:
        await pane.is_("idle")
        first = pane.room.say("slow 5")
        await pane.is_("busy")
        second = pane.room.say("and now")
        await pane.reaches(second, "answered")
        assert "busy" in pane.room.reasons(second) or "turn" in pane.room.reasons(second)
        assert "answered" in pane.room.rungs(first)


async def test_it_never_types_into_a_dialog(tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path) as pane:
        await pane.is_("idle")
        first = pane.room.say("ask")
        await pane.is_("asking")
        second = pane.room.say("are you there")
        await retry_until(lambda: "asking" in pane.room.reasons(second), describe=pane.describe)
        assert "Do you want to run this?" in pane.text
        pane.type("\r")
        await pane.reaches(second, "answered")
        assert "answered" in pane.room.rungs(first)


async def test_a_persons_draft_is_left_alone(tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path) as pane:
        await pane.is_("idle")
        pane.type("half a thought")
        await pane.shows("half a thought")
        number = pane.room.say("hello")
        await retry_until(lambda: "draft" in pane.room.reasons(number), describe=pane.describe)
        pane.type("\x15")
        await pane.reaches(number, "answered")


async def test_paused_messages_go_out_together_and_in_order_after_resume(tmp_path: Path) -> None:
    async with sidecar_in_terminal(tmp_path) as pane:
        await pane.is_("idle")
        pane.room.order(ControlAction.PAUSE)
        numbers = [pane.room.say(f"message {n}") for n in range(3)]
        await retry_until(lambda: "paused" in pane.room.reasons(numbers[0]), describe=pane.describe)
        await retry_until(lambda: "CSP queued" in pane.bytes.decode(), describe=pane.describe)
        pane.room.order(ControlAction.RESUME)
        for number in numbers:
            await pane.reaches(number, "answered")
        said = pane.room.replies[numbers[-1]]
        assert [said.index(f"#{n}] message {at}") for at, n in enumerate(numbers)] == sorted(
            said.index(f"#{n}]") for n in numbers
        )


async def test_long_and_many_lined_text_arrives_exactly(tmp_path: Path) -> None:
    text = "\n".join(f"line {n} with /slash !bang #hash" for n in range(12))
    async with sidecar_in_terminal(tmp_path) as pane:
        number = pane.room.say(text)
        await pane.reaches(number, "answered")
        assert text[:150] in pane.room.replies[number]
