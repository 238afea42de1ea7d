"""What a sidecar reports while its agent works on sealed messages: sent, blank, sealed or withheld."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import sidecar
from gateway.protocol.requests.agent_requests import SetActivity, SetCondition, SetConversation, SetFolder, SetWork
from gateway.protocol.requests.request import Request
from gateway.protocol.types.agent_conditions import Condition, ConditionKind
from gateway.protocol.types.agent_work import UnseenResult, Work
from gateway.protocol.types.conversation_starts import ConversationStart
from gateway.protocol.types.core_types import Activity, Composer, MessageKind, Rung
from sidecar.connection.room_reporter import RoomReporter
from sidecar.conversation.conversation_rules import KnownConversation
from sidecar.conversation.start_choice import ChosenStart
from sidecar.messages.replies import Reply
from sidecar.messages.sealed_turns import SealedPlace, SealedTurn
from sidecar.run_files.kept_answers_file import KEPT_ANSWERS_FILE, KeptAnswers, open_kept_answers
from tests.sidecar.fake_sealing import SEALED, FakeSealing
from tests.sidecar.memory_room import MemoryRoom, NoProgress

MARK = "the secret plan"
LAB, DIRECT = SealedPlace("lab"), SealedPlace("general", "alice")
WORK = Work(MARK, MARK, MARK, MARK, turn_tokens=5, day_tokens=7)
LOST = ChosenStart(ConversationStart.LOST, KnownConversation("s-1"), MARK)

# Each request that code of the sidecar makes: what becomes of it in a sealed turn. Who adds one decides it here.
EVERY_REQUEST = {
    "Bye": "sent",
    "CloseAsk": "sent",
    "CreateHands": "sent",
    "Deliveries": "read",
    "GetMode": "read",
    "Hello": "sent",
    "History": "read",
    "OpenAsk": "sealed",
    "Poll": "read",
    "Register": "sent",
    "Report": "blank",
    "ReportWrites": "withheld",
    "Send": "sealed",
    "SetActivity": "blank",
    "SetCondition": "blank",
    "SetConversation": "blank",
    "SetFolder": "sent",
    "SetWork": "sealed",
    "Show": "read",
    "ShowTerminal": "withheld",
    "Waiting": "read",
}


class Desk:
    """A reporter whose agent works on a sealed message."""

    def __init__(self, place: SealedPlace | None, kept: KeptAnswers | None = None) -> None:
        self.room, self.sealing = MemoryRoom("claude"), FakeSealing("lab")
        self.turn = SealedTurn(place, place is not None)
        self.reporter = RoomReporter(self.room, lambda: "", self.sealing, self.turn, kept)

    async def told(self) -> list[Request]:
        await self.reporter.flush(NoProgress())
        return self.room.asked

    def knows(self, text: str) -> bool:
        """Whether the gateway got this text in anything that is not sealed."""
        plain = [*self.room.asked, *self.room.sent]
        return any(text in msgspec.json.encode(one).decode() for one in plain)


def use_activity(desk: Desk) -> None:
    desk.reporter.activity(Activity.BUSY, Composer.EMPTY, MARK)


def use_condition(desk: Desk) -> None:
    desk.reporter.condition(Condition(ConditionKind.LIMITED, MARK, "2026-12-01T12:00:00Z"))


def use_conversation(desk: Desk) -> None:
    desk.reporter.conversation(LOST, announce=True)


def use_work(desk: Desk) -> None:
    desk.reporter.work(WORK, UnseenResult.ROOM, desk.turn.place)


def use_folder(desk: Desk) -> None:
    desk.reporter.work_folder("/home/ann/site")


def use_step(desk: Desk) -> None:
    desk.reporter.step(desk.room.say("x"), Rung.FAILED, f"the turn failed: {MARK}")


REPORTS: dict[Callable[[Desk], None], tuple[Request | None, Request | None]] = {
    use_activity: (
        SetActivity(activity=Activity.BUSY, composer=Composer.EMPTY),
        SetActivity(activity=Activity.BUSY, composer=Composer.EMPTY),
    ),
    use_condition: (
        SetCondition(condition=Condition(ConditionKind.LIMITED, "", "2026-12-01T12:00:00Z")),
        SetCondition(condition=Condition(ConditionKind.LIMITED, "", "2026-12-01T12:00:00Z")),
    ),
    use_conversation: (None, None),
    use_work: (
        SetWork(work=Work(SEALED, turn_tokens=5, day_tokens=7), unseen=UnseenResult.ROOM),
        SetWork(work=Work(SEALED, turn_tokens=5, day_tokens=7), unseen=UnseenResult.ROOM),
    ),
    use_folder: (SetFolder(folder="/home/ann/site"), SetFolder(folder="/home/ann/site")),
    use_step: (None, None),
}


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("place", [None, LAB, DIRECT])
async def test_each_report_in_a_plain_turn_in_a_sealed_room_and_after_a_sealed_direct_message(
    report: Callable[[Desk], None], place: SealedPlace | None
) -> None:
    desk = Desk(place)
    report(desk)
    told = await desk.told()
    assert len(told) == 1
    assert desk.knows(MARK) is (place is None and report is not use_folder)
    wanted = REPORTS[report][0 if place is LAB else 1]
    if place is not None and wanted is not None:
        assert told[0] == wanted


async def test_the_reasons_of_the_state_words_stay() -> None:
    desk = Desk(LAB)
    use_step(desk)
    use_conversation(desk)
    told = await desk.told()
    assert desk.room.reasons(1) == ["the turn failed"]
    assert isinstance(told[-1], SetConversation)
    assert (told[-1].start, told[-1].session, told[-1].why) == (ConversationStart.LOST, "s-1", "")


@pytest.mark.parametrize(("place", "who"), [(LAB, "lab"), (DIRECT, "alice")])
async def test_work_that_cannot_be_sealed_is_left_out(place: SealedPlace, who: str) -> None:
    desk = Desk(place)
    desk.sealing.refused[who] = "no key for version 3"
    use_work(desk)
    assert await desk.told() == [SetWork(work=Work(turn_tokens=5, day_tokens=7), unseen=UnseenResult.ROOM)]


# replies


def reply(room: str, *to: str, sealed: bool = True, is_answer: bool = True, number: int = 1) -> Reply:
    return Reply(MARK, to, room, number, f"reply-{number}-{'-'.join(to)}", is_answer=is_answer, sealed=sealed)


async def test_a_reply_to_a_sealed_room_goes_through_the_client_that_seals() -> None:
    desk = Desk(LAB)
    desk.reporter.post_reply(reply("lab"))
    desk.reporter.post_reply(reply("lab", "@bob", is_answer=False))
    await desk.told()
    assert [(one.room, one.to) for one in desk.room.sent] == [("lab", ()), ("lab", ("@bob",))]
    assert desk.sealing.direct == []


async def test_a_reply_to_a_sealed_direct_message_is_sealed_to_those_whom_it_names() -> None:
    desk = Desk(DIRECT)
    desk.reporter.post_reply(reply("general", "@alice"))
    await desk.told()
    assert [(one.content, one.to, one.id, one.kind) for one in desk.sealing.direct] == [
        (MARK, ("@alice",), "reply-1-@alice", MessageKind.REPLY)
    ]
    assert not desk.knows(MARK)


async def test_a_reply_that_cannot_be_sealed_stays_and_its_delivery_says_so_until_the_key_is_good_again() -> None:
    desk = Desk(DIRECT)
    number = desk.room.say("hello")
    desk.sealing.refused["alice"] = "The key of alice has changed."
    desk.reporter.post_reply(reply("general", "@alice", number=number))
    desk.reporter.step(number, Rung.ANSWERED, "hook")
    await desk.told()
    assert desk.room.rungs(number) == ["failed"]
    assert desk.room.reasons(number) == [
        "the answer was not sent, because it cannot be sealed: The key of alice has changed."
    ]
    desk.reporter.try_kept_replies()
    await desk.told()
    assert desk.room.rungs(number) == ["failed"], "it is said once"
    assert not desk.knows(MARK)
    desk.sealing.refused.clear()
    desk.reporter.try_kept_replies()
    await desk.told()
    desk.reporter.try_kept_replies()
    await desk.told()
    assert [one.content for one in desk.sealing.direct] == [MARK], "once, when it can be sealed"


async def test_a_restart_keeps_what_could_not_be_sealed_and_says_it_once(tmp_path: Path) -> None:
    first = Desk(DIRECT, open_kept_answers(tmp_path, moved=False))
    first.sealing.refused["alice"] = first.sealing.refused["bob"] = "no key"
    first.reporter.post_reply(reply("general", "@alice", number=first.room.say("hello")))
    first.reporter.post_reply(reply("general", "@bob", is_answer=False))
    await first.told()
    assert (tmp_path / KEPT_ANSWERS_FILE).stat().st_mode & 0o777 == 0o600
    again = Desk(DIRECT, open_kept_answers(tmp_path, moved=False))
    again.sealing.refused.update(first.sealing.refused)
    number = again.room.say("hello")
    again.reporter.try_kept_replies()
    await again.told()
    assert (again.room.rungs(number), again.room.sent) == ([], []), "said by the earlier run"
    again.sealing.refused.clear()
    again.reporter.try_kept_replies()
    await again.told()
    assert [(one.content, one.to) for one in again.sealing.direct] == [(MARK, ("@alice",)), (MARK, ("@bob",))]
    assert not again.knows(MARK)
    assert not (tmp_path / KEPT_ANSWERS_FILE).exists()


async def test_a_restart_before_the_failure_was_told_does_not_call_the_message_answered(tmp_path: Path) -> None:
    """The next run finds the answer in the transcript, and keeps it already."""
    desk = Desk(DIRECT, open_kept_answers(tmp_path, moved=False))
    number = desk.room.say("hello")
    desk.sealing.refused["alice"] = "no key"
    desk.reporter.post_reply(reply("general", "@alice", number=number))
    await desk.told()
    desk.room.steps.clear()
    again = Desk(DIRECT, open_kept_answers(tmp_path, moved=False))
    again.room.say("hello")
    again.sealing.refused["alice"] = "no key"
    again.reporter.post_reply(reply("general", "@alice", number=number))
    again.reporter.step(number, Rung.ANSWERED, "transcript of an earlier run")
    await again.told()
    assert again.room.rungs(number) == ["failed"]


async def test_a_sidecar_that_has_lost_its_key_keeps_what_earlier_runs_kept(tmp_path: Path) -> None:
    kept = open_kept_answers(tmp_path, moved=False)
    kept.keep(reply("lab"))
    desk = Desk(LAB, kept)
    desk.sealing.has_key = False
    desk.reporter.try_kept_replies()
    await desk.told()
    assert (desk.room.sent, kept.answers) == ([], (reply("lab"),))


async def test_a_line_that_cannot_be_sealed_is_announced_without_its_content() -> None:
    desk = Desk(DIRECT)
    desk.sealing.refused["bob"] = "There is no key for bob."
    desk.reporter.post_reply(reply("general", "@bob", is_answer=False, number=7))
    await desk.told()
    (said,) = desk.room.sent
    assert (said.to, said.reply_to) == (("@bob",), None)
    assert "#7" in said.content
    assert "There is no key for bob" in said.content
    assert not desk.knows(MARK)


async def test_a_room_that_is_said_to_be_sealed_no_more_gets_nothing() -> None:
    """A gateway that lies about the room."""
    desk = Desk(LAB)
    number = desk.room.say("hello", room="lab", direct=False)
    desk.sealing.rooms.clear()
    desk.reporter.post_reply(reply("lab", number=number))
    await desk.told()
    assert desk.room.sent == []
    assert desk.room.rungs(number) == ["failed"]


async def test_replies_of_plain_turns_are_as_ever() -> None:
    desk = Desk(None)
    desk.reporter.post_reply(reply("general", "@alice", sealed=False))
    await desk.told()
    assert [one.content for one in desk.room.sent] == [MARK]
    assert desk.sealing.direct == []


# all of them


def test_every_request_of_the_sidecar_has_a_row() -> None:
    """Whoever adds a report decides what becomes of it in a sealed turn."""
    found: set[str] = set()
    for path in Path(sidecar.__path__[0]).rglob("*.py"):
        if "connectors" in path.parts:  # they have no keys
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gateway.protocol.requests."):
                module = importlib.import_module(str(node.module))
                found |= {one.name for one in node.names if _is_request(getattr(module, one.name))}
    assert found == set(EVERY_REQUEST)


def _is_request(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, Request) and thing is not Request
