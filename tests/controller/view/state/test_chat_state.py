"""Events in, a stream and a roster out."""

from __future__ import annotations

import msgspec
import pytest

from controller.view.approvals.question_view import QuestionView
from controller.view.state.chat_state import ChatState
from controller.view.state.gateway_outage import Outage
from controller.view.state.stream_entries import Alert, Notice
from controller.view.state.stream_window import MAX_ENTRIES
from gateway.client import ConnectionLost
from gateway.protocol.events import ContextEvent, MemberAction, MemberEvent, Message, RoomAction, RoomEvent
from gateway.protocol.types.core_types import (
    Activity,
    ContextAction,
    Delivery,
    Member,
    MemberKind,
    MessageKind,
    Option,
    Presence,
    Rung,
)
from gateway.protocol.types.decision_types import Decision, DecisionState
from tests.controller.streams import STAMP, agent, receipt, said, seen, welcome


def state(*events: object) -> ChatState:
    made = ChatState("alice")
    made.take(welcome(agent("claude")), 0)
    for event in events:
        made.take(event, 0)
    return made


def texts(chat: ChatState) -> list[str]:
    entries = (chat.stream.entries[key] for key in chat.stream.keys)
    return [one.content if isinstance(one, Message) else getattr(one, "text", "") for one in entries]


def test_messages_stand_in_order_and_once() -> None:
    assert texts(state(said(2, "b"), said(1, "a"), said(2, "b"))) == ["a", "b"]


def test_another_room_counts_as_unread() -> None:
    chat = state(said(1, room="design"), said(2, room="design"))
    assert (chat.stream.keys, chat.unread) == ([], {"design": 2})


def test_ones_own_words_are_not_unread() -> None:
    chat = state(said(1, sender="alice", room="design"), said(2, room="lab"), said(3, sender="alice", room="lab"))
    assert (chat.unread, chat.reads) == ({"lab": 1}, {"lab": 1})


def changed(seq: int, action: RoomAction, member: str | None = None, by: str = "bob", text: str = "") -> RoomEvent:
    return RoomEvent(seq, "design", action, by, STAMP, member, text)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (changed(5, RoomAction.TOPIC, text="colours"), ["topic: bob: colours"]),
        (changed(5, RoomAction.JOINED, "claude"), ["bob brought claude in"]),
        (changed(5, RoomAction.JOINED, "claude", "claude"), []),
        (changed(5, RoomAction.INVITED, "claude"), []),
    ],
)
def test_what_changes_in_the_shown_room_is_told(event: RoomEvent, words: list[str]) -> None:
    chat = state()
    chat.enter("design")
    chat.show([], more_before=False, at_tail=True)
    chat.take(event, 0)
    assert texts(chat) == words


def test_the_roster_is_that_of_the_shown_room() -> None:
    chat = state(seen(agent("codex")), changed(5, RoomAction.JOINED, "claude"), changed(6, RoomAction.JOINED, "alice"))
    assert [one.name for one in chat.agents_here()] == ["claude", "codex"]
    chat.enter("design")
    assert [one.name for one in chat.agents_here()] == ["claude"]
    assert [one.name for one in chat.others_here()] == ["alice"]


def test_reading_stops_where_the_newest_was_in_sight() -> None:
    chat = state(said(1), said(2))
    chat.mark_read()
    chat.take(said(3), 0)
    chat.enter("design")
    assert (chat.reads, chat.unread) == ({"general": 2}, {"general": 1})
    chat.mark_read()  # the stream still holds the room before
    assert "design" not in chat.reads
    chat.enter("general")
    chat.show([said(1), said(2), said(3)], more_before=False, at_tail=True)
    chat.settle_mark()
    assert chat.first_unread() == (3, 0)
    chat.mark_read()
    chat.enter("general")
    chat.settle_mark()
    assert (chat.mark, chat.unread) == (None, {})


def test_receipts_of_ones_own_messages() -> None:
    chat = state(said(1, sender="alice", deliveries=("claude",)), said(2, deliveries=("codex",)))
    assert [step.rung for step in chat.ladders[1].values()] == [Rung.QUEUED]
    chat.take(receipt(3, 1, Rung.SEEN), 0)
    chat.take(receipt(4, 2, Rung.SEEN, "codex"), 0)
    assert [step.rung for step in chat.ladders[1].values()] == [Rung.SEEN]
    assert 2 not in chat.ladders
    assert chat.stream.version[1, 0] == 1


@pytest.mark.parametrize(
    ("message", "rings"),
    [
        (said(1, "@alice look"), True),
        (said(1, "see @Alice."), True),
        (said(1, "hi", recipients=("alice",)), True),
        (said(1, "mail @alice-b"), False),
        (said(1, "alice"), False),
        (said(1, "@alice", sender="alice"), False),
        (said(1, "@alice", sender="system", kind=MessageKind.SYSTEM), False),
    ],
)
def test_what_rings(message: Message, rings: bool) -> None:
    ring = state().take(message, 0)
    assert ring == (Alert(message.from_, message.content) if rings else None)


def test_a_gateway_that_goes_and_returns_is_one_calm_line() -> None:
    chat = state(said(1))
    chat.take(ConnectionLost("refused", 0.2), 100)
    chat.take(ConnectionLost("refused", 0.4), 101)
    assert chat.away and chat.silence == Outage(100, lost=True)
    chat.take(welcome(agent("claude"), last_seq=1), 103)
    assert chat.silence is None
    assert texts(chat) == ["hello", "The gateway was away for 3 s; nothing was missed."]


def test_members_come_and_go_quietly() -> None:
    member = Member("codex", MemberKind.AGENT)
    chat = state(
        MemberEvent(5, MemberAction.REGISTERED, member, "codex", STAMP),
        seen(agent("codex", Activity.BUSY)),
        MemberEvent(6, MemberAction.LEFT, member, "codex", STAMP),
        seen(agent("codex", presence=Presence.OFFLINE)),
    )
    assert texts(chat) == ["codex joined", "codex left"]
    assert [one.name for one in chat.agents()] == ["claude"]


def test_what_was_written_down_is_told_quietly() -> None:
    def written(seq: int, scope: str, action: ContextAction = ContextAction.PUT) -> ContextEvent:
        return ContextEvent(seq, scope, "plan", seq, action, "claude", STAMP)

    chat = state(written(5, "#general"), written(6, "#lab"), written(7, "global", ContextAction.MERGE))
    assert texts(chat) == [
        "context: claude wrote 'plan' of #general (version 5)",
        "context: claude added to 'plan' of global (version 7)",
    ]


def test_pages_before_and_after() -> None:
    chat = state(said(10), said(11))
    chat.older([said(8), said(9)], more=True)
    assert (chat.stream.oldest(), chat.stream.newest(), chat.stream.more_before) == (8, 11, True)
    chat.older([], more=False)
    assert not chat.stream.more_before


def test_away_from_the_tail_what_arrives_is_left_for_later() -> None:
    chat = state(said(500))
    chat.show([said(3), said(4)], more_before=True, at_tail=False)
    chat.take(said(501), 0)
    assert (chat.stream.oldest(), chat.stream.newest(), chat.stream.at_tail) == (3, 4, False)
    chat.newer([said(number) for number in (5, 500, 501)], more=False)
    assert (chat.stream.newest(), chat.stream.at_tail) == (501, True)


def test_what_arrives_while_the_newest_page_is_on_its_way_is_kept() -> None:
    chat = state(said(1), said(2))
    chat.take(said(3, "just now"), 0)
    chat.show([said(1), said(2)], more_before=False, at_tail=True)
    assert texts(chat) == ["hello", "hello", "just now"]
    chat.show([said(1)], more_before=False, at_tail=False)
    assert texts(chat) == ["hello"]


def test_a_line_that_is_no_message_outlives_the_pages_that_come_after_it() -> None:
    chat = state(said(1))
    chat.enter("design")
    chat.take(changed(2, RoomAction.TOPIC, text="rats"), 0)
    chat.show([], more_before=False, at_tail=True)
    assert texts(chat) == ["topic: bob: rats"]
    chat.show([said(3, room="design")], more_before=True, at_tail=True)
    assert texts(chat) == ["hello"], "the page begins after it"
    chat.show([said(1, room="design"), said(3, room="design")], more_before=True, at_tail=True)
    assert texts(chat) == ["hello", "topic: bob: rats", "hello"]
    chat.enter("design")
    chat.show([], more_before=False, at_tail=True)
    assert texts(chat) == []


def test_ten_thousand_messages_keep_a_window() -> None:
    chat = state()
    for number in range(1, 10_001):
        chat.take(said(number), 0)
    assert len(chat.stream.keys) <= MAX_ENTRIES
    assert chat.stream.newest() == 10_000
    assert chat.stream.more_before
    assert len(chat.stream.entries) == len(chat.stream.keys)


def test_scrolling_far_up_lets_go_of_the_tail() -> None:
    chat = state(*(said(number) for number in range(MAX_ENTRIES, 2 * MAX_ENTRIES)))
    chat.older([said(number) for number in range(1, MAX_ENTRIES)], more=False)
    assert not chat.stream.at_tail
    assert chat.stream.oldest() == 1


def test_the_first_unread() -> None:
    chat = state(said(1), said(2, sender="alice"), said(3), said(4))
    chat.mark = 2
    assert chat.first_unread() == (3, 0)
    chat.mark = 4
    assert chat.first_unread() is None


def test_mentions_are_found_upwards() -> None:
    chat = state(said(1, "@alice 1"), said(2), said(3, "@alice 3"), said(4))
    assert chat.mention_before(99) == (3, 0)
    assert chat.mention_before(3) == (1, 0)
    assert chat.mention_before(1) is None


def test_an_answer_to_me_calls_me_only_by_name() -> None:
    mine = said(1, "what now?", sender="alice")
    order = said(2, "do this", to=("@alice",), recipients=("alice",))
    answer = said(3, "that", reply_to=1, to=("@alice",), recipients=("alice",))
    chat = state(mine, order, answer, said(4, "@alice so", reply_to=1))
    assert chat.mention_before(99) == (4, 0)
    assert chat.mention_before(4) == (2, 0)


def test_a_question_rings_once_and_ends_in_its_place() -> None:
    chat = state(said(1))
    question = QuestionView(2, "claude", "May I?", opened=STAMP)
    assert chat.ask(question) == Alert("claude", "asked: May I?", asks=True)
    assert chat.ask(question) is None
    assert chat.open_asks() == [question]
    chat.take(said(3), 0)
    done = QuestionView(2, "claude", "May I?", opened=STAMP, outcome="answered")
    assert chat.ask(done) is None
    assert chat.open_asks() == []
    assert chat.stream.entries[2, 0] == done


def test_lines_of_our_own_stand_behind_what_is_known() -> None:
    chat = state(said(1))
    chat.say("one")
    chat.say("two")
    chat.take(said(2, "after"), 0)
    assert texts(chat) == ["hello", "one", "two", "after"]
    assert isinstance(chat.stream.entries[chat.stream.keys[1]], Notice)


def test_how_far_a_message_of_an_earlier_page_has_come_is_unknown_until_it_is_asked_for() -> None:
    chat = state(said(9, sender="alice", deliveries=("claude",)))
    chat.older([said(1, sender="alice", deliveries=("claude",))], more=False)
    assert (chat.ladders[1], [step.rung for step in chat.ladders[9].values()]) == ({}, [Rung.QUEUED])
    chat.restore_deliveries([Delivery(1, "claude", Rung.ANSWERED)])
    assert [step.rung for step in chat.ladders[1].values()] == [Rung.ANSWERED]


def test_a_step_that_comes_before_the_answer_is_not_taken_back() -> None:
    chat = state(said(1, sender="alice", deliveries=("claude", "codex")))
    with chat.noting_events() as meanwhile:
        chat.take(receipt(2, 1, Rung.ANSWERED), 0)
    chat.restore_deliveries([Delivery(1, "claude", Rung.TYPED), Delivery(1, "codex", Rung.TYPED)], meanwhile)
    assert {name: step.rung for name, step in chat.ladders[1].items()} == {"claude": "answered", "codex": "typed"}


def test_what_was_missed_in_another_room_is_counted_once() -> None:
    chat = state()
    chat.reads = {"design": 1}
    missed = [said(number, room="design") for number in (2, 3)]
    chat.count_missed("design", missed)
    chat.take(missed[1], 0)
    assert chat.unread == {"design": 2}, "its event was still on its way when the page was read"
    chat.take(said(4, room="design"), 0)
    assert chat.unread == {"design": 3}


def test_what_was_read_before_it_was_counted_is_not_missed() -> None:
    chat = state()
    chat.reads = {"design": 1}
    chat.enter("design")
    chat.show([said(2, room="design")], more_before=False, at_tail=True)
    chat.mark_read()
    chat.enter("general")
    chat.count_missed("design", [said(2, room="design")])
    assert not chat.unread["design"]


def test_a_room_whose_page_has_not_come_shows_nothing_of_the_room_before() -> None:
    chat = state(said(1), said(2))
    chat.enter("lab")
    assert (chat.stream.keys, chat.has_page) == ([], False)
    chat.take(said(3, room="lab"), 0)
    assert chat.stream.keys == [(3, 0)]
    chat.show([said(0, room="lab")], more_before=False, at_tail=True)
    assert (chat.stream.keys, chat.has_page) == ([(0, 0), (3, 0)], True)


def test_what_comes_before_the_newest_page_does_is_kept() -> None:
    chat = state()
    chat.show([said(1)], more_before=False, at_tail=False)
    chat.take(said(5), 0)
    chat.newer([said(2), said(3), said(4)], more=False)
    assert [key[0] for key in chat.stream.keys] == [1, 2, 3, 4, 5]


def test_the_card_of_a_decision_is_there_when_its_room_is_entered_again() -> None:
    chat = state(said(1), said(2))
    decision = Decision("d-3", 3, 3, "general", "ada", "Which?", STAMP, "first", ("alice",), (Option("A", "red"),))
    chat.decision(decision)
    chat.decision(msgspec.structs.replace(decision, state=DecisionState.DECIDED))
    chat.last_seq = 4
    chat.enter("lab")
    chat.show([], more_before=False, at_tail=True)
    assert (3, 0) not in chat.stream.entries
    chat.enter("general")
    chat.show([said(1), said(2), said(4)], more_before=False, at_tail=True)
    assert [key[0] for key in chat.stream.keys] == [1, 2, 3, 4]
