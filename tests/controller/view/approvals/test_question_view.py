"""What the shell tells of a question: all of it, and only ways to answer that would be taken."""

from __future__ import annotations

import msgspec
import pytest

from controller.output import command_output, event_lines
from controller.view.approvals.question_view import QuestionView
from controller.view.state.chat_state import ChatState
from gateway.protocol.events import AskEvent, RoomAction, RoomEvent
from gateway.protocol.results import AskList, MemberList
from gateway.protocol.types.core_types import Ask, AskAbout, AskState, Option, SealedContent
from tests.controller.streams import STAMP, agent, said, welcome

COMMAND = "rm -rf ./build && make all && ./run --with-a-long-option=/home/root/some/where \\\n  && ./deploy --prod"


def question(**fields: object) -> Ask:
    shape: dict[str, object] = {
        "options": (Option("1", "Yes"), Option("2", "Yes, and don't ask again for make in ~/work"), Option("3", "No")),
        "tool": "Bash",
        "detail": COMMAND,
        "about": AskAbout.COMMAND,
        "allow": "hook",
        "deny": "hook",
        "approvers": ("alice", "root"),
        **fields,
    }
    return Ask("claude", 5, "0" * 16, "Do you want to proceed?", STAMP, **shape)  # type: ignore[arg-type]


def test_all_of_it_is_told() -> None:
    rows = [row.strip() for row in command_output.ask_detail_lines(question(words=True))]
    assert rows[:4] == ["Bash", *(line.strip() for line in COMMAND.split("\n")), "Do you want to proceed?"]
    assert rows[4:7] == ["1. Yes", "2. Yes, and don't ask again for make in ~/work", "3. No"]
    assert (
        "groupchat approve claude, groupchat approve claude 1, groupchat deny claude, groupchat deny claude" in rows[7]
    )
    assert rows[7].endswith("[0000000000000000]; alice or root may answer")


@pytest.mark.parametrize(
    ("fields", "said", "unsaid"),
    [
        ({}, "groupchat deny claude", "because"),
        ({"words": True}, 'groupchat deny claude "because ..."', "terminal"),
        ({"allow": "", "deny": ""}, "groupchat approve claude 1", "deny"),
        ({"allow": "", "deny": "", "options": (), "readable": False}, "in the terminal of claude", "approve claude"),
        ({"approvers": ()}, "nobody in the chat has the right", "groupchat approve"),
        ({"left_out": 70_000}, "70 000 more characters are only in claude's terminal.", "because"),
    ],
)
def test_only_what_would_be_taken_is_advised(fields: dict[str, object], said: str, unsaid: str) -> None:
    told = "\n".join(command_output.ask_detail_lines(question(**fields)))
    assert said in told
    assert unsaid not in told


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"state": AskState.ANSWERED, "by": "root", "answer": "1"}, "root answered: Yes"),
        (
            {"state": AskState.ANSWERED, "reason": "refused by root, who ended its turn"},
            "refused by root, who ended its turn",
        ),
        ({"state": AskState.ANSWERED, "by": "root", "answer": "allow"}, "root answered: Yes"),
        ({"state": AskState.ANSWERED, "by": "root", "answer": "deny"}, "root answered: No"),
        (
            {"state": AskState.ANSWERED, "by": "root", "answer": "deny", "said": "not\ntoday"},
            "root answered: No, because not today",
        ),
        (
            {"state": AskState.CLOSED, "reason": "answered at the terminal"},
            "no longer asked (answered at the terminal)",
        ),
        ({"state": AskState.STALE, "reason": "another question came"}, "another question took its place"),
        ({"state": AskState.ANSWERING, "by": "root", "answer": "1"}, "an answer is on its way"),
    ],
)
def test_what_became_of_it_keeps_the_command(fields: dict[str, object], line: str) -> None:
    (told,) = event_lines.ask_lines(AskEvent(9, question(**{"detail": "make all", **fields}), STAMP))
    assert told.endswith(f"   claude asked to run `make all` – {line}")


def test_agents_carry_the_whole_question(capsys: pytest.CaptureFixture[str]) -> None:
    command_output.print_members(MemberList((agent("claude"), agent("codex"))), AskList((question(),)), as_json=True)
    found = msgspec.json.decode(capsys.readouterr().out)["agents"]
    assert found[0]["ask"] == msgspec.json.decode(msgspec.json.encode(question()))
    assert found[1]["ask"] is None
    command_output.print_members(MemberList((agent("claude"),)), AskList((question(),)), as_json=False)
    assert "".join(COMMAND.split()) in "".join(capsys.readouterr().out.split())


def test_what_has_ended_is_listed_oldest_first(capsys: pytest.CaptureFixture[str]) -> None:
    ended = [question(detail=f"make {at}", state=AskState.ANSWERED, by="root", answer="1") for at in range(2)]
    numbered = [msgspec.structs.replace(one, number=at) for at, one in enumerate(ended)]
    command_output.print_asks(AskList(tuple(reversed(numbered))), as_json=False)
    told = [line.split("  ")[-1].partition("claude") for line in capsys.readouterr().out.splitlines()]
    assert [claude + what for _, claude, what in told] == [
        f"claude asked to run `make {at}` – root answered: Yes" for at in range(2)
    ]


def test_a_ring_tells_the_command() -> None:
    ring = ChatState("alice").ask(QuestionView.of(question(detail="make all")))
    assert ring is not None
    assert (ring.who, ring.text) == ("claude", "asked to run make all")


def joined(name: str, room: str, action: RoomAction = RoomAction.JOINED) -> RoomEvent:
    return RoomEvent(3, room, action, name, STAMP, name)


@pytest.mark.parametrize(
    ("events", "stays"),
    [
        ([], False),
        ([joined("claude", "general")], True),
        ([joined("claude", "design")], False),
        ([joined("claude", "general"), joined("claude", "general", RoomAction.LEFT)], False),
    ],
)
def test_a_question_stays_in_the_rooms_of_its_agent(events: list[RoomEvent], stays: bool) -> None:
    state = ChatState("alice")
    for event in (welcome(agent("claude"), last_seq=1), *events):
        state.take(event, 0)
    state.take(AskEvent(5, question(), STAMP), 0)
    state.take(AskEvent(6, question(state=AskState.ANSWERED, by="root", answer="1"), STAMP), 0)
    state.show([said(1), said(7)], more_before=True, at_tail=True)
    assert ((5, 0) in state.stream.entries) == stays


def test_only_the_newest_of_what_has_ended_is_kept() -> None:
    state = ChatState("alice")
    state.stream.at_tail = False
    for number in range(1, 1501):
        state.ask(QuestionView(number, "claude", "?", outcome="answered"))
    state.ask(QuestionView(1501, "claude", "?"))
    assert len(state.asks) == 1000
    assert max(state.asks) == 1501


def test_a_sealed_question_that_is_not_opened_here_offers_no_answer() -> None:
    sealed = SealedContent(1, "AAAA", room="vault")
    closed = QuestionView.of(msgspec.structs.replace(question(sealed=sealed), question=""))
    assert "sealed" in closed.question
    assert closed.keys("alice", panes=False) == frozenset()
    opened = QuestionView.of(question(sealed=sealed))
    assert {"1", "2", "y", "n"} <= opened.keys("alice", panes=False)
