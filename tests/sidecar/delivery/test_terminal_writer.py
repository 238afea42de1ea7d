"""The writer types text, pause and Enter as one unit, and a person's keys wait only briefly."""

import asyncio

import pytest

from gateway.protocol.types.delivery_reasons import HoldReason
from sidecar.delivery.terminal_writer import (
    MAX_KEY_DELAY_S,
    WRITE_TIMEOUT_S,
    TerminalWriter,
    TypingMove,
    TypingResult,
    TypingStage,
)
from sidecar.prompt_typing.typing_gate import MoveDecision, MovePermission
from tests.fakes.retry import retry_until


class Wire:
    """What reached the agent, and when each byte did."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.go = MovePermission(MoveDecision.WAIT, HoldReason.UNKNOWN)
        self.held: HoldReason | None = None
        self.stages: list[TypingStage] = []

    def moves(self) -> list[TypingMove]:
        paste = TypingMove(
            TypingStage.TYPED,
            b"text",
            lambda: MovePermission(MoveDecision.STOP, self.held) if self.held else MovePermission(MoveDecision.NOW),
        )
        return [paste, TypingMove(TypingStage.SUBMITTED, b"\r", lambda: self.go)]


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
async def writer(wire: Wire) -> TerminalWriter:
    return TerminalWriter(wire.written.append, lambda: 0)


async def start(writer: TerminalWriter, wire: Wire) -> "asyncio.Task[TypingResult]":
    task = asyncio.get_running_loop().create_task(writer.put(wire.moves(), wire.stages.append))
    await retry_until(lambda: wire.written)
    return task


async def test_enter_follows_the_text_once_it_is_verified(writer: TerminalWriter, wire: Wire) -> None:
    task = await start(writer, wire)
    wire.go = MovePermission(MoveDecision.NOW)
    assert await task == TypingResult(TypingStage.SUBMITTED)
    assert wire.written == [b"text", b"\r"]
    assert wire.stages == [TypingStage.TYPED, TypingStage.SUBMITTED]


async def test_a_closed_gate_writes_nothing(writer: TerminalWriter, wire: Wire) -> None:
    wire.held = HoldReason.ASKING
    assert await writer.put(wire.moves(), wire.stages.append) == TypingResult(TypingStage.NOTHING, HoldReason.ASKING)
    assert wire.written == []


async def test_a_dialog_after_the_paste_means_no_enter(writer: TerminalWriter, wire: Wire) -> None:
    task = await start(writer, wire)
    wire.go = MovePermission(MoveDecision.STOP, HoldReason.ASKING)
    assert await task == TypingResult(TypingStage.TYPED, HoldReason.ASKING)
    assert wire.written == [b"text"]


async def test_keys_wait_while_a_message_is_typed_and_come_after_enter(writer: TerminalWriter, wire: Wire) -> None:
    task = await start(writer, wire)
    writer.keys(b"abc")
    assert wire.written == [b"text"]
    wire.go = MovePermission(MoveDecision.NOW)
    await task
    assert wire.written == [b"text", b"\r", b"abc"]


async def test_keys_wait_no_longer_than_half_a_second(writer: TerminalWriter, wire: Wire) -> None:
    """They end the typing, which would itself wait longer and end for another reason."""
    assert MAX_KEY_DELAY_S == 0.5 < WRITE_TIMEOUT_S
    task = await start(writer, wire)
    writer.keys(b"abc")
    await retry_until(lambda: b"abc" in wire.written)
    assert (await task).held is HoldReason.PERSON_TYPES
    assert b"\r" not in wire.written


@pytest.mark.parametrize("key", [b"\x1b", b"\x03"])
async def test_escape_and_control_c_stop_the_typing_at_once(writer: TerminalWriter, wire: Wire, key: bytes) -> None:
    task = await start(writer, wire)
    writer.keys(key)
    assert wire.written == [b"text", key]
    wire.go = MovePermission(MoveDecision.NOW)
    assert (await task).stage is TypingStage.TYPED
    assert b"\r" not in wire.written


async def test_the_mouse_stops_nothing(writer: TerminalWriter, wire: Wire) -> None:
    task = await start(writer, wire)
    writer.keys(b"\x1b[<35;1;1M")
    wire.go = MovePermission(MoveDecision.NOW)
    assert (await task).stage is TypingStage.SUBMITTED


async def test_keys_pass_at_once_when_nothing_is_typed(writer: TerminalWriter, wire: Wire) -> None:
    writer.keys(b"a")
    assert wire.written == [b"a"]


class Deaf(Wire):
    """An agent that is stopped: its terminal's buffer is full."""

    unwritten = 5


@pytest.mark.parametrize(("key", "held"), [(b"", HoldReason.NOT_TAKEN), (b"\x03", HoldReason.PERSON_STOPS)])
async def test_a_terminal_that_takes_nothing_is_not_waited_for_without_end(key: bytes, held: HoldReason) -> None:
    wire = Deaf()
    writer, wire.go = TerminalWriter(wire.written.append, lambda: wire.unwritten), MovePermission(MoveDecision.NOW)
    task = await start(writer, wire)
    if key:
        writer.keys(key)
    assert await asyncio.wait_for(task, 60) == TypingResult(TypingStage.TYPED, held)
    assert b"\r" not in wire.written
    assert not writer.typing


async def test_text_that_is_read_late_is_still_submitted() -> None:
    wire = Deaf()
    writer, wire.go = TerminalWriter(wire.written.append, lambda: wire.unwritten), MovePermission(MoveDecision.NOW)
    task = await start(writer, wire)
    wire.unwritten = 0
    assert await task == TypingResult(TypingStage.SUBMITTED)
