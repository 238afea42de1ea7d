"""Machines that talk to each other: what wakes whom, what is said when a limit is reached, and what a person does."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access.permissions import Actor
from gateway.agent_control.delivery_rules import may_read_message
from gateway.loop_guard.closing_phrases import is_closing_phrase
from gateway.loop_guard.holds import MAX_HELD_MESSAGES, LoopHold
from gateway.loop_guard.recent_traffic import RecentTraffic
from gateway.loop_guard.text_similarity import MAX_COMPARED_CHARS, WORD_MODE_CHARS, are_similar, sketch_of
from gateway.message_effects import loop_hold_release, wake_rules
from gateway.model.rule_outcome import StateChange
from gateway.protocol import codec
from gateway.protocol.errors import Forbidden, UnknownRoom
from gateway.protocol.events import Control, Message, Receipt
from gateway.protocol.requests.agent_requests import Continue
from gateway.protocol.results import Continued
from gateway.protocol.types.core_types import DEFAULT_ROOM, SYSTEM_NAME, Delivery, MemberKind, MessageKind, Rung
from gateway.protocol.types.loop_limits import Guard, Limits
from gateway.rooms import messages as room
from tests.support.examples import examples
from tests.support.world import World

FREE = Limits(0, 0, 0, 0, 0)


def only(**limits: int) -> Limits:
    return msgspec.structs.replace(FREE, **limits)


@dataclass
class Talk:
    """alice is a person; ada, ben and cleo are agents, bot is a tool with an inbox."""

    world: World
    people: dict[str, Actor] = field(default_factory=dict)
    asleep: tuple[str, ...] = ()

    def say(self, who: str, to: str, content: str = "", *, is_tools_token: bool = False, **fields: object) -> Message:
        actor = replace(self.people[who], is_tools_token=is_tools_token)
        text = content or f"{who} says {self.world.rule_context.last_seq}"
        message, accepted = self.world.say(room.post_message, actor, text, to=to, **fields)
        self.asleep = accepted.asleep
        return message

    def go_on(self, member: str | None = None, where: str | None = None, by: str = "alice") -> Continued:
        result = self.world.do(
            loop_hold_release.lift_holds, self.people[by], Continue(member=member, room=where)
        ).result
        assert isinstance(result, Continued)
        return result

    def notices(self) -> list[Message]:
        said = (fact.event for fact in self.world.facts)
        return [one for one in said if isinstance(one, Message) and one.from_ == SYSTEM_NAME]

    def later(self, seconds: float) -> None:
        self.world.rule_context.at(self.world.rule_context.now + seconds)

    @property
    def hold(self) -> LoopHold | None:
        return self.world.state.loop_holds.get(DEFAULT_ROOM)


def talk(limits: Limits) -> Talk:
    world = World()
    world.state.chains.limits = limits
    people = {"alice": world.person("alice"), "bob": world.person("bob")}
    people |= {name: world.member(name) for name in ("ada", "ben", "cleo")}
    people["bot"] = world.member("bot", MemberKind.TOOL, inbox=True)
    return Talk(world, people)


# causes


def test_what_an_agent_says_comes_from_what_it_was_told_last() -> None:
    here = talk(only(max_hops=8))
    here.say("alice", "@ada")
    assert [here.say(*pair).hops for pair in (("ada", "@ben"), ("ben", "@ada"), ("ada", "@ben"))] == [1, 2, 3]
    assert here.say("cleo", "@ben").hops == 0, "it was told nothing"
    assert here.say("ben", "@ada").hops == 1, "it was told something else since"


def test_what_is_over_or_long_ago_causes_nothing() -> None:
    here = talk(FREE)
    first = here.say("ada", "@ben")
    here.later(3601)
    assert here.say("ben", "@ada").hops == 0
    second = here.say("ada", "@ben")
    here.world.state.deliveries.set(Delivery(second.seq, "ben", Rung.ANSWERED), None)
    assert here.say("ben", "@ada").hops == 0
    assert here.say("ben", "@ada", reply_to=first.seq).hops == 1, "an answer says itself what it answers"


def test_a_tool_of_an_agent_says_what_the_agent_has_in_hand() -> None:
    here = talk(FREE)
    here.say("ada", "@ben")
    assert here.say("ben", "@ada", is_tools_token=True).hops == 0
    assert here.say("ben", "@ada").hops == 1


# the guards: (limits, what is said, who wakes in the end, the line)

ADA, BEN, CLEO = ("ada", "@ben", ""), ("ben", "@ada", ""), ("cleo", "@ben", "")
DONE = "I have looked at the tests, {} of them pass."
SAME = "the very same words again and again and again"

LAST: dict[str, tuple[Limits, list[tuple[str, str, str]], tuple[str, ...], Guard | None, str]] = {
    "hops": (
        only(max_hops=2), [ADA, BEN, ADA], (), Guard.HOPS,
        "answered each other 2 times without a person (#1 ada -> #2 ben -> #3 ada). #3 is in the room",
    ),
    "hops, to all": (only(max_hops=1), [ADA, ("ben", "", "")], (), Guard.HOPS, "1 times without a person"),
    "hops, to a person": (only(max_hops=1), [ADA, ("ben", "@alice", "")], (), None, ""),
    "pair": (
        only(max_pair=2), [ADA, BEN, ("ada", "@ben @cleo", "")], ("cleo",), Guard.PAIR,
        "ada and ben have sent each other 2 messages within a minute",
    ),
    "pair, to all": (only(max_pair=1), [ADA, ("ada", "", "")], ("ben", "bot", "cleo"), None, ""),
    "wakes": (
        only(max_wakes=2), [ADA, CLEO, ("bot", "@ben @ada", "")], ("ada",), Guard.WAKES,
        "agents have woken ben 2 times within an hour",
    ),
    "repeats": (
        only(max_repeats=2), [("ada", "@ben", DONE.format(n)) for n in range(3)], (), Guard.REPEATS,
        "ada has sent nearly the same text for the 3rd time (#1 ada -> #2 ada -> #3 ada)",
    ),
    "repeats to others": (only(max_repeats=1), [("ada", to, SAME) for to in ("@ben", "@cleo")], ("cleo",), None, ""),
    "short ones may be repeated": (only(max_repeats=1), [("ada", "@ben", "yes, do")] * 3, ("ben",), None, ""),
    "no limits": (FREE, [("ada", "@ben", SAME)] * 30, ("ben",), None, ""),
}  # fmt: skip


@pytest.mark.parametrize(("limits", "said", "woken", "guard", "line"), LAST.values(), ids=LAST)
def test_the_last_message_wakes(
    limits: Limits, said: list[tuple[str, str, str]], woken: tuple[str, ...], guard: Guard | None, line: str
) -> None:
    here = talk(limits)
    messages = [here.say(*one) for one in said]
    assert all(one.deliveries for one in messages[:-1])
    assert messages[-1].deliveries == woken
    assert bool(here.asleep) is bool(guard)
    assert not set(here.asleep) & set(woken)
    assert [one.context["tripped"]["guard"] for one in here.notices() if one.context] == ([guard] if guard else [])
    assert line in "".join(one.content for one in here.notices())


def test_what_an_agent_says_that_it_spends_is_held_against_its_budget() -> None:
    here = talk(only(max_tokens=1000))
    here.say("alice", "@ada")
    for tokens, woken in ((600, True), (True, True), (10**12, True), (399, True), (1, False)):
        here.say("ada", "", kind=MessageKind.REPLY, context={"tokens": tokens})
        assert bool(here.say("ben", "@ada").deliveries) is woken
        assert here.say("ben", "@cleo").deliveries
    assert "ada has spent 1,000 tokens within an hour" in here.notices()[-1].content
    assert here.say("alice", "@ada").deliveries == ("ada",)
    assert here.say("ben", "@ada").deliveries == ("ada",)
    here.say("ada", "", kind=MessageKind.REPLY, context={"tokens": 999})
    here.later(3601)
    here.say("ada", "", kind=MessageKind.REPLY, context={"tokens": 999})
    assert here.say("ben", "@ada").deliveries == ("ada",)


def test_thanks_are_thanks_also_with_what_they_have_cost() -> None:
    here = talk(FREE)
    asked = [here.say("ben", "@ada", "please").seq, here.say("ben", "@ada", "and this").seq]
    assert here.say("ada", "@ben", "Thanks!", context={"tokens": 142, "answers": asked}).deliveries == ()


def test_a_limit_that_is_reached_is_said_once_and_not_for_each_message() -> None:
    here = talk(only(max_pair=2))
    messages = [here.say("ada", "@ben") for _ in range(6)]
    assert [bool(one.deliveries) for one in messages] == [True, True, *[False] * 4]
    assert len(here.notices()) == 1
    assert here.hold and [one.message for one in here.hold.held] == [
        *[one.seq for one in messages[2:]],
    ]


def test_what_was_reached_stands_when_its_time_is_over_but_other_things_pass() -> None:
    here = talk(only(max_pair=1))
    here.say("ada", "@ben")
    assert not here.say("ada", "@ben").deliveries
    here.later(120)
    assert not here.say("ben", "@ada").deliveries, "a person lifts it, time does not"
    assert here.say("ada", "@cleo").deliveries
    below = talk(only(max_pair=2))
    for _ in range(4):
        assert below.say("ada", "@ben").deliveries
        below.later(40)


def test_a_message_that_is_sent_again_is_not_counted_again() -> None:
    here = talk(only(max_pair=2))
    for id_ in ("mine", "mine", "another", "another", "mine"):
        assert here.say("ada", "@ben", id=id_).deliveries == ("ben",)
    assert not here.notices()
    assert not here.say("ada", "@ben", id="a third").deliveries


# what a person does


def test_continue_wakes_who_slept_in_order_and_once_and_counts_anew() -> None:
    here = talk(only(max_hops=2))
    here.say("ada", "@ben")
    here.say("ben", "@ada")
    slept = [here.say("ada", "@ben"), here.say("ada", "@cleo @ben")]
    done = here.go_on()
    assert done.rooms == (DEFAULT_ROOM,)
    assert [(one.message, one.member, one.rung) for one in done.woken] == [
        (slept[0].seq, "ben", Rung.QUEUED), (slept[1].seq, "ben", Rung.QUEUED), (slept[1].seq, "cleo", Rung.QUEUED)
    ]  # fmt: skip
    assert {one.reason for one in done.woken} == {"woken by alice"}
    events = [fact.event for fact in here.world.facts][-7:]
    assert [type(one) for one in events] == [Message, *[Receipt, Control] * 3]
    assert (
        "alice lifted the loop guard for all agents. Delivered now: #3 for ben, #5 for ben, cleo."
        in here.notices()[-1].content
    )
    assert here.go_on() == Continued(())
    assert [here.say("ben", "@ada", reply_to=slept[1].seq).hops, here.say("ada", "@ben").hops] == [1, 2]
    assert here.hold and here.hold.trips and len(here.notices()) == 3, "and it stops again, and says so again"


def test_continue_for_one_lifts_what_holds_it_and_leaves_the_rest() -> None:
    here = talk(only(max_pair=1))
    for to in ("@ben", "@cleo"):
        here.say("ada", to)
        assert not here.say("ada", to).deliveries
    assert [one.member for one in here.go_on("@Ben").woken] == ["ben"]
    assert here.say("ada", "@ben").deliveries
    assert not here.say("ada", "@cleo").deliveries
    assert [one.member for one in here.go_on().woken] == ["cleo", "cleo"]


def test_continue_is_for_people_and_for_rooms_that_they_may_see() -> None:
    here = talk(only(max_pair=1))
    here.world.room("lab", "ada", "ben", invite_only=True)
    for _ in range(2):
        here.say("ada", "@ben", room="lab")
    assert "lab" in here.world.state.loop_holds
    assert here.go_on() == Continued(())
    with pytest.raises(UnknownRoom):
        here.go_on(where="lab")
    for name in ("ada", "bot"):
        with pytest.raises(Forbidden):
            here.go_on(by=name)
    assert loop_hold_release.visible_holds(here.world.state, here.people["alice"]) == ()
    assert [one.room for one in loop_hold_release.visible_holds(here.world.state, here.people["ada"])] == ["lab"]


def test_a_person_who_speaks_to_them_lifts_it_and_what_they_slept_through_is_past() -> None:
    here = talk(only(max_hops=2))
    here.say("ada", "@ben")
    here.say("ben", "@ada")
    assert not here.say("ada", "@ben").deliveries
    assert here.say("alice", "@ben").deliveries == ("ben",)
    assert here.hold is None
    assert here.say("ben", "@ada").deliveries == ("ada",)
    assert here.go_on() == Continued(())


def test_a_person_resets_what_is_counted_for_those_spoken_to() -> None:
    here = talk(only(max_pair=1, max_wakes=3))
    here.say("ada", "@ben")
    assert not here.say("ada", "@ben").deliveries
    here.say("alice", "@ben")
    assert here.say("ada", "@ben").deliveries


def test_people_and_the_gateway_always_pass() -> None:
    here = talk(Limits(1, 1, 1, 1))
    for _ in range(5):
        assert here.say("alice", "@ben", "please look at this very same thing again").deliveries == ("ben",)
    assert not here.notices()


def test_what_slept_too_long_for_its_time_to_live_is_not_woken() -> None:
    here = talk(only(max_pair=1))
    here.say("ada", "@ben")
    here.say("ada", "@ben", ttl=10)
    last = here.say("ada", "@ben", ttl=100)
    here.later(50)
    assert [one.message for one in here.go_on().woken] == [last.seq]


def test_more_than_can_be_kept_is_counted_and_told() -> None:
    here = talk(only(max_pair=1))
    for _ in range(MAX_HELD_MESSAGES + 3):
        here.say("ada", "@ben")
    (view,) = loop_hold_release.visible_holds(here.world.state, here.people["alice"])
    assert view.asleep == MAX_HELD_MESSAGES + 2
    assert len(here.go_on().woken) == MAX_HELD_MESSAGES
    assert "2 more were not kept and will not be delivered" in here.notices()[-1].content


def test_who_waits_for_an_answer_hears_that_the_question_sleeps() -> None:
    here = talk(only(max_pair=1))
    here.say("ada", "@ben")
    asked = here.say("ada", "@ben")
    (sleeper,) = loop_hold_release.held_recipients(here.world.state, asked)
    assert (sleeper.member, sleeper.rung, "/continue" in sleeper.reason) == ("ben", Rung.HELD, True)


def test_a_hold_is_kept_as_a_document() -> None:
    here = talk(only(max_pair=1))
    for _ in range(3):
        here.say("ada", "@ben")
    here.go_on("cleo")
    assert codec.decode(LoopHold, codec.encode(here.hold)) == here.hold


def test_a_stored_hold_keeps_the_field_names_of_earlier_versions() -> None:
    here = talk(only(max_pair=1))
    for _ in range(3):
        here.say("ada", "@ben")
    assert b'"asleep":[{"message":' in codec.encode(here.hold)


# after a restart: the log alone


def restarted(here: Talk) -> Talk:
    """A new state, filled from the store: its documents, and the messages of its log."""
    old, world = here.world.state, World()
    for table, kind in ((old.members, "member"), (old.loop_holds, "brake")):
        for name, value in table.items():
            world.state.put(StateChange(kind, name, value))
    for name in old.members:
        world.enter(name, DEFAULT_ROOM)
    world.state.chains = RecentTraffic(old.chains.limits)
    for fact in here.world.facts:
        wake_rules.record_event(world.state, fact.event)
    world.rule_context.last_seq = here.world.rule_context.last_seq
    world.rule_context.at(here.world.rule_context.now)
    return Talk(world, here.people)


@pytest.mark.parametrize("limits", [only(max_hops=3), only(max_pair=3), only(max_wakes=2)])
@pytest.mark.parametrize("continued", [False, True])
def test_a_gateway_that_was_killed_counts_on_where_it_was(limits: Limits, continued: bool) -> None:
    def go(here: Talk, number: int) -> tuple[str, ...]:
        return here.say(*(("ada", "@ben") if number % 2 else ("ben", "@ada"))).deliveries

    seen = []
    for kill_at in (None, 2, 5, 6):
        here, woken = talk(limits), []
        for number in range(9):
            if number == kill_at:
                here = restarted(here)
            if number == 5 and continued:
                here.go_on()
            woken.append(go(here, number))
        seen.append(woken)
    assert seen[0] == seen[1] == seen[2] == seen[3]


# bounded, whatever happens

NAMES = ("ada", "ben", "cleo", "bot")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(("@ada", "@ben @cleo", "@bot", "", "@cleo")),
        st.sampled_from(("one thing", "another thing", "I have looked at all of it and it is fine, really", "thanks")),
        st.booleans(),
        st.sampled_from((MessageKind.CHAT, MessageKind.REPLY, MessageKind.TASK)),
        st.one_of(st.none(), st.integers(1, 80)),
        st.sampled_from((0.0, 0.0, 5.0, 40.0)),
    ),
    max_size=120,
)


@settings(max_examples=examples(150), deadline=None)
@given(STEPS, st.integers(0, 119))
def test_without_a_person_wakes_are_bounded_and_a_person_always_wakes(steps: list[tuple[object, ...]], at: int) -> None:
    limits = Limits(max_hops=3, max_pair=4, max_wakes=6, max_repeats=2)
    here, wakes = talk(limits), dict.fromkeys(NAMES, 0)
    for number, (who, to, content, hands, kind, reply_to, pause) in enumerate(steps):
        if number == at:
            assert here.say("alice", "").deliveries == ("ada", "ben", "bot", "cleo")
            wakes = dict.fromkeys(NAMES, 0)
        here.later(float(str(pause)))
        head = here.world.state.recent.get(reply_to) if isinstance(reply_to, int) else None
        known = reply_to if head and may_read_message(here.world.state, here.people[str(who)], head) else None
        text = f"{content} {number}" if kind is MessageKind.REPLY else str(content)
        said = here.say(str(who), str(to), text, is_tools_token=bool(hands), kind=kind, reply_to=known)
        assert not said.deliveries or said.hops < limits.max_hops
        for name in said.deliveries:
            wakes[name] += 1
    assert max(wakes.values()) <= limits.max_wakes


# acknowledgements

NOTHING = [
    *("Thanks!", "thank you so much, @ada", "Got it, thanks.", "Danke dir!", "Merci beaucoup", "¡Muchas gracias!"),
    *("obrigado", "большое спасибо", "ありがとうございます。", "谢谢!", "감사합니다", "You're welcome!", "Roger that."),
    *("NOOP", "[NOOP]\nNOOP", "👍", "...", "Vielen Dank, gern geschehen!", "Understood, thank you for the update."),
]
SOMETHING = [
    *("ok", "yes", "done", "Thanks! What next?", "Danke, und wie weiter？", "thanks, merge it now"),
    *("Thank you. Update the docs.", "42", "LGTM", "no", "x = 1", "NOOP\nbut look at this", "@ben"),
    *("noted: the port is 80", "gracias " * 20, "Got it; I will rewrite the parser"),
]


@pytest.mark.parametrize("text", NOTHING)
def test_these_say_nothing(text: str) -> None:
    assert is_closing_phrase(text)
    here = talk(FREE)
    said = here.say("ada", "@ben", text)
    assert (said.deliveries, here.notices()) == ((), [])
    assert here.say("alice", "@ben", text).deliveries == ("ben",), "people always pass"


@pytest.mark.parametrize("text", SOMETHING)
def test_these_say_something(text: str) -> None:
    assert not is_closing_phrase(text)
    assert talk(FREE).say("ada", "@ben", text).deliveries == ("ben",)


def test_an_acknowledgement_of_that_kind_wakes_nobody_whoever_gives_it() -> None:
    here = talk(FREE)
    for who in ("ada", "alice"):
        assert here.say(who, "@ben", "the build is green", kind=MessageKind.ACK).deliveries == ()


def test_whoever_waits_for_just_that_answer_gets_it() -> None:
    here = talk(FREE)
    for awaited, woken in ((frozenset({"ada"}), ("ben",)), (frozenset[str](), ("ben",)), (frozenset({"cleo"}), ())):
        here.world.state.live["ben"].waits = [awaited]
        assert here.say("ada", "@ben", "Thanks!").deliveries == woken


def test_what_comes_with_thanks_is_not_lost() -> None:
    assert talk(FREE).say("ada", "@ben", "Thanks!", context={"result": 1}).deliveries == ("ben",)


# similarity

A = "The migration has run, 12 of 40 tables are done, and nothing has failed so far."
ALIKE = [
    (A, A, True),
    (A, A.replace("12", "31").replace("40", "41"), True),
    (A, f"@ben {A.upper()}", True),
    ("The build of 8f3e2d1c0b took 81234 ms, of 99120 files", "The build of a1b2c3 took 70006 ms, of 123 files", True),
    (A, "The migration has run, and I see no reason why we should wait any longer with the rest.", False),
    (A, "The parser is broken: line 12 of 40 raises an error when the file is empty.", False),
    ("数据库迁移已经完成，四十张表中的十二张已经处理完毕，目前没有发现错误。" * 2,
     "数据库迁移已经完成，四十张表中的十三张已经处理完毕，目前没有发现错误。" * 2, True),
    (A * 40, A * 40 + " And one word more.", True),
    ("x" * MAX_COMPARED_CHARS + "y", "x" * MAX_COMPARED_CHARS + "z", False),
    ("word " * WORD_MODE_CHARS, "word " * WORD_MODE_CHARS, True),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "same"), ALIKE)
def test_nearly_the_same(one: str, other: str, same: bool) -> None:
    first, second = sketch_of(one), sketch_of(other)
    assert first is not None and second is not None
    assert are_similar(first, second) is same


@pytest.mark.parametrize(
    "text",
    [
        "x" * MAX_COMPARED_CHARS,
        "1" * MAX_COMPARED_CHARS,
        "x1" * (MAX_COMPARED_CHARS // 2),
        "@" * MAX_COMPARED_CHARS,
        "x " * MAX_COMPARED_CHARS,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    begun = time.process_time()
    for _ in range(10):
        sketch_of(text)
    assert time.process_time() - begun < 0.5


@pytest.mark.parametrize("text", ["", "yes", "1 2 3 4 5 6 7 8 9 10 11 12", "Do it, please!"])
def test_short_texts_are_never_nearly_the_same(text: str) -> None:
    assert sketch_of(text) is None
