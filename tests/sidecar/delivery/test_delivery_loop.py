"""The delivery loop with an agent whose screen the test draws: facts in, steps and keys out."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as replace_struct

from gateway.protocol.types.core_types import Activity, Composer, Delivery, Part, Rung
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.agents import REGISTRY
from sidecar.conditions.condition_watch import NOTHING_BLOCKS, DeliveryBlock
from sidecar.connection.room_reporter import RoomReporter
from sidecar.delivery.attachment_files import AttachmentFiles
from sidecar.delivery.delivery_loop import DeliveryLoop
from sidecar.delivery.message_progress import NO_REPORTS, DeliveryConfig, DeliveryProgress, ProofReports
from sidecar.delivery.stop_rules import StopOrder
from sidecar.delivery.terminal_writer import TerminalWriter
from sidecar.delivery.typist import Typist
from sidecar.evidence.turn_evidence import EvidenceSource, TurnFact, TurnFactKind
from sidecar.messages.inbox import MessageQueue
from sidecar.prompt_typing.prompt_scheduler import DROPS_S, INTERRUPTED_WITHIN_S
from sidecar.run_files.delivery_journal import DeliveryJournal
from tests.fakes.retry import retry_until
from tests.sidecar.memory_room import FewRooms, MemoryRoom
from tests.sidecar.pictures import moment


class Agent:
    """An agent that shows what is pasted and takes Enter; the test may draw something else."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []
        self.now = 100.0
        self.drawn: AgentSnapshot | None = None
        self.printed_at: float | None = None
        self.on_write: Callable[[], object] = lambda: None

    def write(self, data: bytes) -> None:
        self.keys.append(data)
        self.on_write()

    def look(self) -> AgentSnapshot:
        self.now += 0.02
        typed = self.keys[-1] if self.keys and len(self.keys[-1]) > 1 else b""
        text = typed.removeprefix(b"\x1b[200~").removesuffix(b"\x1b[201~").decode()
        return self.drawn or moment(composer=Composer.DRAFT if text else Composer.EMPTY, text=text)

    def since_key(self) -> float:
        return float("inf")

    def since_output(self) -> float:
        return self.now - self.printed_at if self.printed_at is not None else 0.0

    def has_read(self) -> bool:
        return self.printed_at is None

    def has_unread_keys(self) -> bool:
        return False

    def since_ready(self) -> float:
        return float("inf")

    def in_foreground(self) -> bool:
        return True

    async def wait_for_output(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def mark_entered(self) -> None:
        return


class Scene:
    def __init__(  # noqa: PLR0917 - what a test may replace
        self,
        folder: Path,
        attached: AttachmentFiles | None = None,
        agent: Agent | None = None,
        room: MemoryRoom | None = None,
        outbox: RoomReporter | None = None,
        block: DeliveryBlock = NOTHING_BLOCKS,
        reports: ProofReports = NO_REPORTS,
    ) -> None:
        self.agent, self.room = agent or Agent(), room or MemoryRoom("claude")
        self.outbox = outbox or RoomReporter(self.room, lambda: "")
        attached = attached or AttachmentFiles(lambda: folder / "attached")
        self.rooms = FewRooms("alice", "bob")
        me = DeliveryConfig("claude", REGISTRY["claude"], self.rooms, lambda: None, attached, block=block)
        self.me = me = replace(me, reports=reports)
        self.writer = TerminalWriter(self.agent.write, lambda: 0)
        self.journal = DeliveryJournal(folder / "journal.jsonl")
        self.progress = DeliveryProgress(me, self.inbox_of(), self.outbox, self.journal, lambda: self.agent.now)
        self.typist = Typist(me.agent, self.agent, self.writer, self.progress, lambda: self.agent.now)
        self.stops: list[StopOrder] = []
        self.stops_press = False
        self.on_stop: Callable[[], bool] = lambda: self.stops_press
        self.delivery_loop = self.delivery_loop_of(me)

    def inbox_of(self) -> MessageQueue:
        return MessageQueue()

    def delivery_loop_of(self, me: DeliveryConfig) -> DeliveryLoop:
        return DeliveryLoop(me, self.agent, self.typist, self.progress, lambda: self.agent.now, self._interrupt)

    def _interrupt(self, order: StopOrder) -> bool:
        self.stops.append(order)
        return self.on_stop()

    async def after(self, *facts: TurnFact) -> None:
        for fact in facts:
            self.delivery_loop.fact(fact)
        await self.delivery_loop.step()
        await self.outbox.flush(self.progress)

    async def delivered(self, text: str = "hello") -> int:
        number = self.room.say(text)
        self.delivery_loop.receive(self.room.messages[number])
        await self.after()
        return number


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    one = Scene(tmp_path)
    yield one
    one.journal.close()


def prompt(number: int, source: EvidenceSource = EvidenceSource.HOOK, turn: str = "t") -> TurnFact:
    return TurnFact(TurnFactKind.PROMPT, f"[alice -> claude #{number}] hello", turn, source)


async def test_one_paste_and_one_enter(scene: Scene) -> None:
    number = await scene.delivered()
    assert scene.agent.keys == [b"\x1b[200~[alice -> claude #1] hello\x1b[201~", b"\r"]
    await scene.after(prompt(number), TurnFact(TurnFactKind.ANSWER, "hi", "t"))
    assert scene.room.rungs(number) == ["typed", "verified", "submitted", "accepted", "seen", "answered"]
    assert scene.room.replies == {number: "hi"}


async def test_a_transcript_that_is_read_late_proves_nothing_for_the_next_message(scene: Scene) -> None:
    first = await scene.delivered()
    await scene.after(prompt(first), TurnFact(TurnFactKind.ANSWER, "hi", "t"))
    second = await scene.delivered("again")
    stale = TurnFact(TurnFactKind.MODEL, "hi", source=EvidenceSource.TRANSCRIPT)
    await scene.after(prompt(second, turn="u"), prompt(first, EvidenceSource.TRANSCRIPT), stale)
    assert scene.room.rungs(second)[-1] == "accepted"
    await scene.after(prompt(second, EvidenceSource.TRANSCRIPT), stale)
    assert scene.room.rungs(second)[-1] == "seen"


async def test_the_same_message_twice_is_typed_once(scene: Scene) -> None:
    number = await scene.delivered()
    scene.delivery_loop.receive(scene.room.messages[number])
    await scene.after(prompt(number), TurnFact(TurnFactKind.ANSWER, "hi", "t"))
    scene.delivery_loop.receive(scene.room.messages[number])
    await scene.after()
    assert scene.agent.keys.count(b"\r") == 1


async def test_the_next_message_waits_for_the_turn_to_end(scene: Scene) -> None:
    first = await scene.delivered()
    second = await scene.delivered("next")
    assert scene.room.reasons(second) == ["turn"]
    await scene.after(prompt(first), TurnFact(TurnFactKind.ANSWER, "hi", "t"))
    assert scene.room.rungs(second)[-1] == "submitted"


async def test_a_dialog_that_opens_after_the_paste_gets_no_enter(scene: Scene) -> None:
    number = scene.room.say("hello")
    scene.delivery_loop.receive(scene.room.messages[number])
    step = asyncio.get_running_loop().create_task(scene.after())
    while not scene.agent.keys:
        await asyncio.sleep(0)
    scene.agent.drawn = moment(Activity.ASKING, Composer.HIDDEN)
    await step
    assert b"\r" not in scene.agent.keys
    assert scene.room.rungs(number) == ["typed", "held"]


async def test_enter_is_pressed_again_only_while_our_text_is_in_the_composer(scene: Scene) -> None:
    number = await scene.delivered()
    ours = "[alice -> claude #1] hello"
    scene.agent.drawn = moment(composer=Composer.DRAFT, text=ours)
    for _ in range(9):
        scene.agent.now += 2
        await scene.after()
    assert scene.agent.keys.count(b"\r") == 3
    assert scene.room.rungs(number)[-1] == "failed"


async def test_enter_that_began_a_new_row_is_pressed_again_at_once_and_once_for_each_row(scene: Scene) -> None:
    await scene.delivered()
    standing = moment(composer=Composer.DRAFT, text="[alice -> claude #1] hello")
    for rows, presses in ((0, 1), (1, 2), (1, 2), (2, 3)):
        scene.agent.drawn = replace(standing, reading=replace(standing.reading, empty_rows=rows))
        scene.agent.now += 0.2
        await scene.after()
        assert scene.agent.keys.count(b"\r") == presses


async def test_an_answer_without_a_hook_comes_from_the_transcript(scene: Scene) -> None:
    number = await scene.delivered()
    record = EvidenceSource.TRANSCRIPT
    await scene.after(prompt(number, record, ""), TurnFact(TurnFactKind.MODEL, "hi", source=record))
    for _ in range(2):
        scene.agent.now += 2
        await scene.after()
    assert scene.room.rungs(number)[-1] == "answered"
    assert scene.room.replies == {number: "hi"}


async def test_messages_that_wait_together_are_typed_and_answered_together(scene: Scene) -> None:
    first = await scene.delivered("first")
    others = [scene.room.say(text) for text in ("second", "third")]
    for number in others:
        scene.delivery_loop.receive(scene.room.messages[number])
    await scene.after(prompt(first), TurnFact(TurnFactKind.ANSWER, "one", "t"))
    text = "[alice -> claude #2] second\n\n[alice -> claude #3] third"
    assert scene.agent.keys[2:] == [b"\x1b[200~" + text.encode() + b"\x1b[201~", b"\r"]
    await scene.after(TurnFact(TurnFactKind.PROMPT, text, "u"), TurnFact(TurnFactKind.ANSWER, "both", "u"))
    assert [scene.room.rungs(number)[-1] for number in others] == ["answered", "answered"]
    reply = scene.room.sent[-1]
    assert (reply.content, reply.reply_to, reply.context) == ("both", 3, {"answers": [2, 3]})


async def test_direct_messages_of_two_people_never_share_a_prompt(scene: Scene) -> None:
    first = await scene.delivered()
    for sender in ("alice", "bob"):
        scene.delivery_loop.receive(scene.room.messages[scene.room.say("next", sender)])
    await scene.after(prompt(first), TurnFact(TurnFactKind.ANSWER, "hi", "t"))
    assert scene.agent.keys[2] == b"\x1b[200~[alice -> claude #2] next\x1b[201~"


async def test_a_journal_that_cannot_be_written_holds_the_message(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").unlink(missing_ok=True)
    (tmp_path / "journal.jsonl").mkdir()
    number = await scene.delivered()
    assert scene.agent.keys == []
    assert "journal" in scene.room.reasons(number)[-1]
    (tmp_path / "journal.jsonl").rmdir()
    scene.agent.now += 2
    await scene.after()
    assert scene.room.rungs(number)[-1] == "submitted"


async def test_the_hook_refuses_what_this_sidecar_typed_a_second_time_and_nothing_else(scene: Scene) -> None:
    number = await scene.delivered()
    assert scene.progress.check_prompt(prompt(number)) == ""
    await scene.after(prompt(number), TurnFact(TurnFactKind.ANSWER, "hi", "t"))
    assert scene.progress.check_prompt(prompt(number)) == "", "a person recalled it"
    scene.progress.prompts.expect_hook([number])
    assert scene.progress.check_prompt(prompt(number)) != ""


async def test_a_draft_is_put_away_and_a_message_with_it_is_submitted(scene: Scene) -> None:
    scene.agent.drawn = moment(composer=Composer.DRAFT, text="half a thought")
    number = scene.room.say("hello")
    scene.delivery_loop.receive(scene.room.messages[number])
    step = asyncio.get_running_loop().create_task(scene.after())
    while not scene.agent.keys:
        await asyncio.sleep(0)
    assert scene.agent.keys == [b"\x13"]
    scene.agent.drawn = None
    await step
    assert scene.agent.keys[1:] == [b"\x1b[200~[alice -> claude #1] hello\x1b[201~", b"\r"]
    assert scene.typist.kept is not None
    scene.agent.drawn = moment(composer=Composer.DRAFT, text="half a thought")
    await scene.after()
    assert scene.typist.kept is None


async def test_a_draft_that_was_put_away_for_nothing_comes_back(scene: Scene) -> None:
    scene.agent.drawn = moment(composer=Composer.DRAFT, text="half a thought")
    number = scene.room.say("hello")
    scene.delivery_loop.receive(scene.room.messages[number])
    step = asyncio.get_running_loop().create_task(scene.after())
    while not scene.agent.keys:
        await asyncio.sleep(0)
    scene.agent.drawn = moment(Activity.ASKING, Composer.HIDDEN)
    await step
    assert scene.agent.keys == [b"\x13"]
    assert scene.room.reasons(number) == ["asking"]
    scene.agent.drawn = moment()
    scene.delivery_loop.pause(True)
    await scene.after()
    assert scene.agent.keys == [b"\x13", b"\x13"]


async def test_an_urgent_message_interrupts_once_where_that_is_wanted(scene: Scene) -> None:
    scene.delivery_loop = scene.delivery_loop_of(replace(scene.me, interrupts=True))
    await interrupts_and_is_delivered(scene, scene.room.say("stop", urgent=True))


async def test_a_message_that_says_so_interrupts_once(scene: Scene) -> None:
    await interrupts_and_is_delivered(scene, scene.room.say("stop", urgent=True, interrupt=True))


async def interrupts_and_is_delivered(scene: Scene, number: int) -> None:
    scene.agent.drawn = moment(Activity.BUSY)
    scene.delivery_loop.receive(scene.room.messages[number])
    for _ in range(3):
        await scene.after()
    assert scene.stops == [StopOrder("alice", number, alone=False)]
    assert scene.room.rungs(number) == ["held"]
    scene.agent.drawn = None
    await scene.after()
    assert scene.room.rungs(number)[-1] == "submitted"


async def test_what_goes_on_after_the_interruption_gets_the_message_as_an_urgent_one(scene: Scene) -> None:
    scene.agent.drawn = moment(Activity.BUSY)
    number = scene.room.say("stop", urgent=True, interrupt=True)
    scene.delivery_loop.receive(scene.room.messages[number])
    await scene.after()
    assert scene.agent.keys == []
    scene.agent.now += INTERRUPTED_WITHIN_S
    await scene.after()
    assert scene.agent.keys[:1] == [b"\x1b[200~[alice -> claude #1] stop\x1b[201~"]


async def test_no_message_answers_a_dialog_by_interrupting_it(scene: Scene) -> None:
    scene.agent.drawn = moment(Activity.ASKING, Composer.HIDDEN)
    number = scene.room.say("stop", urgent=True, interrupt=True)
    scene.delivery_loop.receive(scene.room.messages[number])
    await scene.after()
    assert scene.room.reasons(number) == ["asking"]
    assert scene.stops == []


async def test_a_prompt_that_a_stop_puts_back_into_the_composer_is_taken_out(scene: Scene) -> None:
    first = await scene.delivered()
    await scene.after(prompt(first))
    scene.delivery_loop.expect_returned_prompt()
    scene.agent.drawn = moment(composer=Composer.DRAFT, text="[alice -> claude #1] hello")
    second = scene.room.say("next", urgent=True)
    scene.delivery_loop.receive(scene.room.messages[second])
    await scene.after()
    assert scene.room.reasons(second) == ["draft"]
    scene.agent.now += 1
    scene.agent.keys.clear()
    await scene.after()
    assert scene.agent.keys == [b"\x15"]
    scene.agent.drawn = None
    scene.agent.now += 1
    await scene.after()
    assert scene.room.rungs(second)[-1] == "submitted"


async def test_a_prompt_that_a_slow_agent_puts_back_long_after_the_key_is_taken_out_as_well(scene: Scene) -> None:
    await scene.after(prompt(await scene.delivered()))
    scene.delivery_loop.expect_returned_prompt()
    scene.agent.drawn = moment(Activity.BUSY)
    scene.agent.now += 3
    await scene.after()
    scene.agent.drawn = moment()
    await scene.after()
    scene.agent.now += 0.5
    scene.agent.drawn = moment(composer=Composer.DRAFT, text="[alice -> claude #1] hello")
    scene.agent.keys.clear()
    await scene.after()
    assert scene.agent.keys == [b"\x15"]


@pytest.mark.parametrize("pressed", [True, False])
async def test_a_prompt_may_come_back_after_an_interruption_only_if_the_key_was_pressed(
    scene: Scene, pressed: bool
) -> None:
    await scene.after(prompt(await scene.delivered()))
    scene.stops_press, scene.agent.drawn = pressed, moment(Activity.BUSY)
    second = scene.room.say("stop", urgent=True, interrupt=True)
    scene.delivery_loop.receive(scene.room.messages[second])
    await scene.after()
    assert len(scene.stops) == 1
    returned = scene.progress.prompts.returned
    assert (returned is not None and returned.text == "[alice -> claude #1] hello") is pressed


async def test_a_text_that_the_composer_shows_otherwise_fails_visibly_and_is_not_typed_again(scene: Scene) -> None:
    number = scene.room.say("hello")
    scene.delivery_loop.receive(scene.room.messages[number])
    step = asyncio.get_running_loop().create_task(scene.after())
    while not scene.agent.keys:
        await asyncio.sleep(0)
    scene.agent.drawn = moment(composer=Composer.DRAFT, text="[alice -> claude #1] hell?")
    await step
    for _ in range(9):
        scene.agent.now += 2
        await scene.after()
    assert len(scene.agent.keys) == 1
    assert scene.room.rungs(number)[-1] == "failed"
    later = await scene.delivered("next")
    assert scene.agent.keys[1] == b"\x13", "what stands there is kept like a draft for the next message"
    assert scene.room.rungs(later)[-1] != "failed"


@pytest.mark.parametrize(
    ("comes_back", "rung", "left"),
    [
        (True, Rung.TYPED, "held"),
        (False, Rung.TYPED, "held"),
        (True, Rung.SUBMITTED, "submitted"),
        (False, Rung.SUBMITTED, "failed"),
        (False, Rung.ACCEPTED, "failed"),
    ],
)
async def test_what_happens_to_messages_when_the_agent_exits(
    scene: Scene, comes_back: bool, rung: Rung, left: str
) -> None:
    number = await scene.delivered()
    scene.delivery_loop.inbox.put(replace(scene.delivery_loop.inbox.entries[number], rung=rung))
    scene.agent.drawn = moment(Activity.GONE, Composer.HIDDEN)
    scene.delivery_loop.agent_ended(comes_back=comes_back)
    told = len(scene.room.rungs(number))
    scene.room.deliveries[number] = replace_struct(scene.room.deliveries[number], rung=rung)
    await scene.after()
    assert [*scene.room.rungs(number)[told:], str(rung)][0] == left


async def test_a_stalled_agent_is_not_pasted_into_again(scene: Scene) -> None:
    """Its empty composer is an old picture; the paste may be on its way still."""
    number = scene.room.say("hello")
    scene.delivery_loop.receive(scene.room.messages[number])
    scene.agent.drawn, scene.agent.printed_at = moment(), scene.agent.now
    await scene.after()
    for _ in range(5):
        scene.agent.now += 2
        await scene.after()
    assert len(scene.agent.keys) == 1
    assert "shows nothing" in scene.room.reasons(number)[-1]
    scene.agent.printed_at = None
    scene.agent.drawn = None
    await scene.after()
    assert scene.agent.keys[1:] == [b"\r"]


async def test_a_turn_that_was_not_seen_to_begin_has_not_ended(scene: Scene) -> None:
    number = await scene.delivered()
    await scene.after(prompt(number))
    scene.agent.now += 10
    await scene.after()
    await scene.after()
    assert scene.room.rungs(number)[-1] == "accepted"
    scene.agent.drawn = moment(Activity.BUSY, sources=(EvidenceSource.TITLE,))
    await scene.after()
    scene.agent.drawn = None
    for _ in range(3):
        scene.agent.now += 2
        await scene.after()
    assert scene.room.rungs(number)[-1] == "failed"


async def put_away(scene: Scene, *texts: str) -> list[int]:
    """Messages whose typing has begun by putting a draft away; the test ends it."""
    scene.agent.drawn = moment(composer=Composer.DRAFT, text="half a thought")
    numbers = [scene.room.say(text) for text in texts]
    for number in numbers:
        scene.delivery_loop.receive(scene.room.messages[number])
    return numbers


async def test_a_message_that_is_taken_back_while_a_draft_is_put_away_is_not_typed(scene: Scene) -> None:
    first, second = await put_away(scene, "one", "two")
    step = asyncio.get_running_loop().create_task(scene.after())
    while not scene.agent.keys:
        await asyncio.sleep(0)
    scene.delivery_loop.drop(second)
    scene.agent.drawn = None
    await step
    assert scene.agent.keys == [b"\x13"]
    for _ in range(4):
        scene.agent.now += 5
        await scene.after()
    assert scene.room.rungs(first)[-1] == "submitted"
    assert not [key for key in scene.agent.keys if b"two" in key]


async def test_a_persons_key_into_the_draft_that_came_back_blocks_nothing(scene: Scene) -> None:
    (number,) = await put_away(scene, "hello")
    step = asyncio.get_running_loop().create_task(scene.after())
    while not scene.agent.keys:
        await asyncio.sleep(0)
    scene.agent.drawn = None
    await step
    scene.agent.drawn = moment(composer=Composer.DRAFT, text="half a thought and")
    await scene.after(prompt(number), TurnFact(TurnFactKind.ANSWER, "hi", "t"))
    scene.agent.drawn = moment()
    await scene.after()
    scene.agent.drawn = None
    before = len(scene.agent.keys)
    later = await scene.delivered("next")
    assert scene.room.rungs(later)[-1] == "submitted"
    assert b"\x13" not in scene.agent.keys[before:]


async def test_our_text_submitted_by_a_person_is_never_refused(scene: Scene) -> None:
    number = await scene.delivered()
    scene.agent.drawn = moment(composer=Composer.DRAFT, text=f"[alice -> claude #{number}] hello")
    for _ in range(40):
        scene.agent.now += 2
        await scene.after()
    assert scene.room.rungs(number)[-1] == "failed"
    assert scene.progress.check_prompt(prompt(number)) == ""


async def test_a_silent_agent_gets_no_other_message_either(scene: Scene) -> None:
    scene.agent.printed_at = 0.0
    first = scene.room.say("one")
    scene.delivery_loop.receive(scene.room.messages[first])
    scene.agent.drawn = moment()
    await scene.after()
    scene.delivery_loop.receive(scene.room.messages[scene.room.say("two", urgent=True)])
    for _ in range(3):
        scene.agent.now += 30
        await scene.after()
    assert len(scene.agent.keys) == 1
    assert scene.room.rungs(first)[-1] == "failed"


async def test_an_answer_that_a_direct_message_shares_stays_with_its_sender(scene: Scene) -> None:
    public = scene.room.say("question", direct=False)
    scene.delivery_loop.receive(scene.room.messages[public])
    await scene.after()
    await scene.after(prompt(public))
    direct = scene.room.say("secret", sender="bob", urgent=True)
    scene.delivery_loop.receive(scene.room.messages[direct])
    await scene.after()
    steered = TurnFact(TurnFactKind.PROMPT, f"[bob -> claude #{direct}] secret", "", EvidenceSource.TRANSCRIPT)
    await scene.after(steered, TurnFact(TurnFactKind.ANSWER, "the secret is 42", "t"))
    assert [(one.to, one.reply_to) for one in scene.room.sent if "42" in one.content] == [(("@bob",), direct)]
    assert [one.reply_to for one in scene.room.sent if "direct message" in one.content] == [public]


async def test_share_all_does_not_repeat_an_answer_to_a_message(scene: Scene) -> None:
    scene.progress.replies.share = "all"
    number = await scene.delivered("secret?")
    said = TurnFact(TurnFactKind.MODEL, "the secret is 42", source=EvidenceSource.TRANSCRIPT)
    answer, ended = (
        TurnFact(TurnFactKind.ANSWER, "the secret is 42", "t"),
        TurnFact(TurnFactKind.ENDED, source=EvidenceSource.TRANSCRIPT),
    )
    await scene.after(prompt(number), prompt(number, EvidenceSource.TRANSCRIPT), said, answer, ended)
    assert [one.to for one in scene.room.sent] == [("@alice",)]
    mine = TurnFact(TurnFactKind.PROMPT, "what I typed myself", "u")
    await scene.after(mine, TurnFact(TurnFactKind.ANSWER, "for the room", "u"), ended)
    assert [(one.to, one.content) for one in scene.room.sent[1:]] == [((), "for the room")]


async def test_a_refused_prompt_in_the_composer_is_cleared(scene: Scene) -> None:
    number = await scene.delivered()
    await scene.after(prompt(number), TurnFact(TurnFactKind.ANSWER, "hi", "t"))
    scene.progress.prompts.expect_hook([number])
    assert scene.progress.check_prompt(prompt(number))
    scene.agent.drawn = moment(composer=Composer.DRAFT, text="[alice -> claude #1] hello")
    scene.agent.now += 2
    await scene.after()
    assert scene.agent.keys[2:] == [b"\x15"]
    scene.agent.drawn = None
    for _ in range(3):
        await scene.after()
    assert scene.agent.keys[2:] == [b"\x15"]


class Young(Agent):
    """It becomes old enough between the look of a step and the end of that step."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    def since_ready(self) -> float:
        self.looks += 1
        return 0.999 if self.looks < 4 else 1.001


async def test_no_event_is_needed_for_an_agent_that_is_idle(scene: Scene) -> None:
    young = Young()
    delivery_loop = DeliveryLoop(scene.me, young, scene.typist, scene.progress, lambda: young.now, lambda order: False)
    number = scene.room.say("hello")
    delivery_loop.receive(scene.room.messages[number])
    running = asyncio.get_running_loop().create_task(delivery_loop.run())
    await retry_until(lambda: scene.agent.keys)
    running.cancel()


async def test_what_has_waited_longer_than_it_may_is_not_typed(scene: Scene) -> None:
    """The gateway may be away, and cannot say so itself."""
    scene.agent.drawn = moment(Activity.BUSY)
    late, patient = scene.room.say("late", ttl=60.0), scene.room.say("patient", ttl=600.0)
    for number in (late, patient):
        scene.delivery_loop.receive(scene.room.messages[number])
    await scene.after()
    scene.agent.now += 61
    scene.agent.drawn = None
    await scene.after()
    assert scene.agent.keys[0] == b"\x1b[200~[alice -> claude #2] patient\x1b[201~"
    assert (scene.room.rungs(late)[-1], scene.room.reasons(late)[-1]) == ("expired", "not delivered within 60 s")


async def test_typed_messages_and_retried_messages_do_not_expire(scene: Scene) -> None:
    number = scene.room.say("hello", ttl=60.0)
    scene.delivery_loop.receive(scene.room.messages[number])
    await scene.after()
    scene.agent.now += 61
    await scene.after()
    assert "expired" not in scene.room.rungs(number)
    again = scene.room.say("again", ttl=60.0)
    scene.agent.drawn = moment(Activity.BUSY)
    scene.delivery_loop.retry(scene.room.messages[again])
    scene.agent.now += 61
    await scene.after()
    assert scene.room.rungs(again) == ["held"]


async def test_what_the_agent_took_by_itself_is_not_typed(scene: Scene) -> None:
    scene.agent.drawn = moment(Activity.BUSY, sources=(EvidenceSource.TITLE,))
    number = await scene.delivered()
    assert scene.room.rungs(number) == ["held"]
    scene.delivery_loop.drop(number)
    scene.agent.drawn = None
    await scene.after()
    assert scene.agent.keys == []


async def test_enter_waits_until_the_room_knows_and_is_not_pressed_for_what_was_taken_meanwhile(scene: Scene) -> None:
    number = scene.room.say("hello")
    scene.room.deliveries[number] = Delivery(number, "claude", Rung.SEEN)
    scene.delivery_loop.receive(scene.room.messages[number])
    telling = asyncio.get_running_loop().create_task(scene.outbox.run(scene.progress))
    await scene.delivery_loop.step()
    telling.cancel()
    assert [key for key in scene.agent.keys if key == b"\r"] == []
    assert scene.delivery_loop.inbox.get(number) is None


async def test_a_paste_that_the_agent_read_and_dropped_is_typed_again(scene: Scene) -> None:
    """It was still getting ready: it took the keys, painted an empty composer, and will say nothing more."""
    number = scene.room.say("hello")
    scene.delivery_loop.receive(scene.room.messages[number])
    scene.agent.drawn, scene.agent.printed_at = moment(), scene.agent.now
    scene.agent.has_read = lambda: True  # type: ignore[method-assign]
    await scene.after()
    pasted = list(scene.agent.keys)
    assert len(pasted) == 1
    scene.agent.now += DROPS_S + 1
    scene.agent.drawn = None
    scene.agent.keys.append(b"")  # nothing of it stands in the composer
    await scene.after()
    assert scene.agent.keys == [*pasted, b"", *pasted, b"\r"]
    assert scene.room.rungs(number)[-1] == "submitted"


async def test_attachments_are_typed_under_a_message_and_long_ones_are_in_files(scene: Scene, tmp_path: Path) -> None:
    parts = (Part("file", "x = 1\n[section]\n", path="a.toml", lines="4-5"), Part("file", "y\t=\n" * 2000, path="b.py"))
    number = scene.room.say("look", parts=parts)
    scene.delivery_loop.receive(scene.room.messages[number])
    await scene.after()
    path = tmp_path / "attached" / "1-2.txt"
    shown = "with a.toml:4-5 (2 lines, 16 characters):\n```\n| x = 1\n| [section]\n```"
    assert scene.agent.keys[0].decode() == (
        f"\x1b[200~[alice -> claude #1] look\n{shown}\n"
        f"with b.py (2000 lines, 8000 characters), in a file for you to read:\n{path}\x1b[201~"
    )
    assert scene.agent.keys[1:] == [b"\r"]
    assert path.read_text() == "y\t=\n" * 2000
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    scene.me.attached.clear()
    assert not path.parent.exists()


async def test_a_message_that_is_taken_back_while_its_files_are_written_is_not_typed(tmp_path: Path) -> None:
    """They are written beside the loop: meanwhile a person types, and orders come."""
    begun, dropped = threading.Event(), threading.Event()

    class Slow(AttachmentFiles):
        def put(self, files: Mapping[Path, str]) -> bool:
            begun.set()
            return dropped.wait(10) and super().put(files)

    scene = Scene(tmp_path, Slow(lambda: tmp_path / "attached"))
    number = scene.room.say("look", context={"log": "x" * 5000})
    scene.delivery_loop.receive(scene.room.messages[number])
    async with asyncio.TaskGroup() as group:
        group.create_task(scene.after(), name="step")
        await retry_until(begun.is_set)
        scene.delivery_loop.drop(number)
        dropped.set()
    assert (tmp_path / "attached" / "1-1.txt").exists()
    assert (scene.agent.keys, scene.journal.unfinished()) == ([], [])
    scene.journal.close()


async def test_no_prompt_names_a_file_that_could_not_be_written(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "attached").write_text("in the way")
    number = scene.room.say("look", context={"log": "x" * 5000})
    scene.delivery_loop.receive(scene.room.messages[number])
    await scene.after()
    assert (scene.agent.keys, scene.room.rungs(number)) == ([], ["held"])
    (tmp_path / "attached").unlink()
    scene.agent.now += 2
    await scene.after()
    assert scene.room.rungs(number)[-1] == "submitted"
    assert (tmp_path / "attached" / "1-1.txt").exists()


# quiet notices


async def test_a_notice_goes_with_the_next_message_once_and_wakes_nobody(scene: Scene) -> None:
    scene.delivery_loop.add_notice("codex has written a.py")
    await scene.after()
    assert scene.agent.keys == []
    first = await scene.delivered()
    pasted = b"\x1b[200~[alice -> claude #1] hello\n\n[system -> claude] codex has written a.py\x1b[201~"
    assert scene.agent.keys == [pasted, b"\r"]
    await scene.after(prompt(first), TurnFact(TurnFactKind.ANSWER, "hi", "t"))
    scene.agent.keys.clear()
    await scene.delivered()
    assert b"system" not in scene.agent.keys[0]


async def test_a_notice_joins_a_message_that_waits_already(scene: Scene) -> None:
    scene.agent.drawn = moment(Activity.BUSY)
    number = await scene.delivered()
    scene.delivery_loop.add_notice("codex has written a.py")
    scene.agent.drawn = None
    await scene.after()
    assert b"codex has written a.py" in scene.agent.keys[0] and scene.room.rungs(number)[-1] == "submitted"


async def test_the_text_of_a_prompt_that_is_in_the_composer_stays(scene: Scene) -> None:
    number = scene.room.say("hello")
    scene.delivery_loop.receive(scene.room.messages[number])
    scene.agent.on_write = lambda: scene.delivery_loop.add_notice("codex has written a.py")
    await scene.after()
    assert scene.agent.keys == [b"\x1b[200~[alice -> claude #1] hello\x1b[201~", b"\r"]


async def test_a_message_that_nothing_proves_says_what_is_missing(tmp_path: Path) -> None:
    """Neither hooks nor the transcript of the agent speak in a form that is known."""

    class Unproven:
        def missing_proof(self, since: float) -> str:
            return f"no hook of it has come since {since:g}"

    scene = Scene(tmp_path, reports=Unproven())
    number = await scene.delivered()
    submitted = scene.agent.now
    scene.agent.now += 61
    await scene.after()
    assert scene.room.rungs(number)[-1] == "failed"
    missing = f"no hook of it has come since {submitted:g}"
    assert scene.room.reasons(number)[-1] == f"Enter was pressed, but nothing proves that it was read: {missing}"
    scene.journal.close()
