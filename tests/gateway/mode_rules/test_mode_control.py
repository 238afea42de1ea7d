"""The rules of turn modes: how a mode begins, what counts as a turn or out of turn, the effects of time."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.access.permissions import Actor
from gateway.mode_rules import mode_control
from gateway.mode_rules.turn_effects import withdraw_prompts
from gateway.model.deliveries.delivery_states import HANDED_OVER_RUNGS
from gateway.model.records.operator_settings import RuleSettings
from gateway.model.records.stored_records import MemberRecord
from gateway.model.rule_outcome import StateChange
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, GroupChatError, NotFound
from gateway.protocol.events import Control, Message, Receipt, RoomEvent
from gateway.protocol.requests.mode_requests import EndMode, ExtendTurn, GetMode, Modes, NextTurn, SetMode, Working
from gateway.protocol.results import ModeList, ModeStanding
from gateway.protocol.types.core_types import Activity, Delivery, Member, MemberKind, MessageKind, Rung
from gateway.protocol.types.decision_types import Decision
from gateway.rooms.messages import post_message
from gateway.runtime.mode_files import built_in_modes
from gateway.turns.engine import Floor
from tests.support.world import NOON, World

ROOM = "general"


class Talk(World):
    """Three agents with inboxes, a person, and a mode that runs."""

    def __init__(self, mode: str = "round-robin", **wish: object) -> None:
        super().__init__()
        self.rule_context.settings = RuleSettings(modes=built_in_modes())
        self.alice = self.person("alice")
        self.actors = {name: self.member(name) for name in ("ann", "bob", "cy")}
        self.state.put(
            StateChange("member", "bob", MemberRecord(Member("bob", MemberKind.AGENT, role="critic", inbox=True)))
        )
        if mode:
            self.begin(mode=mode, **{"topic": "tabs", "rounds": 2, **wish})

    def begin(self, **wish: Any) -> Any:
        return self.do(mode_control.begin_mode_request, self.alice, SetMode(**wish)).result

    @property
    def floor(self) -> Floor:
        return self.state.floor(ROOM)

    @property
    def prompt(self) -> Message:
        return next(one for one in reversed(self.messages()) if one.kind is MessageKind.TASK)

    def messages(self) -> list[Message]:
        return [one.event for one in self.facts if isinstance(one.event, Message)]

    def notices(self) -> list[str]:
        return [one.content for one in self.messages() if one.kind is MessageKind.SYSTEM]

    def says(self, name: str, text: str, **fields: object) -> Message:
        return self.say(post_message, self.actors[name], text, **fields)[0]

    def replies(self, name: str, text: str = "my turn") -> Message:
        return self.says(name, text, kind=MessageKind.REPLY, reply_to=self.floor.prompts[-1])

    def rung(self, rung: Rung, reason: str = "") -> None:
        self.state.deliveries.set(
            Delivery(self.floor.prompts[-1], self.floor.speaker, rung, reason),
            self.state.latest_deliveries.get((0, "")),
        )

    def later(self, seconds: float) -> float | None:
        self.rule_context.now += seconds
        facts, ahead = mode_control.process_due_floor(self.state, ROOM, self.rule_context, NOON)
        self.commit(*facts)
        return ahead


# beginning


def test_a_mode_begins_with_a_prompt_for_its_first_speaker_alone() -> None:
    talk = Talk()
    assert talk.notices() == ["Mode: ROUND-ROBIN", "Topic: tabs"]
    prompt = talk.prompt
    assert (prompt.from_, prompt.recipients, prompt.deliveries) == ("system", (), ("ann",))
    assert prompt.content.startswith("@ann - Your turn.\n")
    event = talk.facts[-1].event
    assert isinstance(event, RoomEvent) and event.floor is not None
    assert (str(event.action), event.member, event.floor.speaker, event.floor.since) == (
        "mode",
        "ann",
        "ann",
        event.timestamp,
    )
    assert [fact.event.seq for fact in talk.facts] == sorted(fact.event.seq for fact in talk.facts)


REFUSED: list[tuple[dict[str, object], type[GroupChatError], str]] = [
    ({"mode": "debat"}, NotFound, "There is no mode 'debat'"),
    ({"mode": "debate", "topic": " "}, BadRequest, "needs a topic"),
    ({"mode": "debate", "agents": ("ann", "boob")}, NotFound, "Did you mean @bob"),
    ({"mode": "debate", "agents": ("ann", "alice")}, BadRequest, "alice is a person"),
    ({"mode": "debate", "agents": ("ann", "zed")}, BadRequest, "zed is not in the room"),
    ({"mode": "debate", "agents": ("ann", "old")}, NotFound, "old"),
    ({"mode": "debate", "agents": ()}, BadRequest, "needs 2 agents; the room has none"),
    ({"mode": "debate", "agents": ("ann", "ann")}, BadRequest, "needs 2 agents; the room has ann"),
    ({"mode": "debate", "rounds": -1}, BadRequest, "rounds must be between 1 and 100, not -1"),
    ({"mode": "debate", "rounds": 101}, BadRequest, "rounds must be"),
    ({"mode": "autopilot", "turns": 0}, BadRequest, "turns must be between"),
    ({"mode": "debate", "cast": {"judge": "ann"}}, BadRequest, "no role 'judge'. Its roles: synthesizer"),
    ({"mode": "debate", "cast": {"synthesizer": "zed"}}, BadRequest, "zed cannot be the synthesizer"),
    ({"mode": "debate", "room": "nowhere"}, GroupChatError, "There is no room"),
]


@pytest.mark.parametrize(("wish", "error", "words"), REFUSED)
def test_nonsense_is_refused_and_changes_nothing(wish: dict[str, Any], error: type[GroupChatError], words: str) -> None:
    talk = Talk("")
    talk.member("zed", rooms=())
    talk.member("old", hidden=True)
    before = talk.snapshot()
    with pytest.raises(error, match=words):
        talk.begin(**{"topic": "tabs", **wish})
    assert talk.snapshot() == before


def test_an_agent_does_not_lead_and_whoever_is_outside_neither() -> None:
    talk = Talk("")
    for actor in (
        talk.actors["ann"],
        Actor("ann", MemberKind.AGENT, is_tools_token=True),
        talk.person("eve", rooms=()),
    ):
        with pytest.raises(Forbidden):
            talk.do(mode_control.begin_mode_request, actor, SetMode(mode="debate", topic="x"))


def test_a_mode_that_runs_is_only_replaced_on_demand() -> None:
    talk = Talk()
    with pytest.raises(Conflict, match=r"round-robin runs in 'general' already \(ann has the turn\)"):
        talk.begin(mode="debate", topic="x")
    talk.begin(mode="debate", topic="x", replace=True)
    assert (talk.floor.name, talk.floor.speaker) == ("debate", "ann")
    cancelled = [one.event for one in talk.facts if isinstance(one.event, Receipt)]
    assert [(one.member, one.steps[-1].rung) for one in cancelled] == [("ann", Rung.CANCELLED)]
    assert [one.event.to for one in talk.facts if isinstance(one.event, Control)] == [("ann",)]


def test_roles_are_cast_as_said_else_by_the_members_role_else_in_order() -> None:
    assert Talk("salomo").floor.cast == {"worker": "ann", "critic": "bob", "judge": "cy"}
    assert Talk("salomo", agents=("bob", "cy", "ann")).floor.cast == {"worker": "cy", "critic": "bob", "judge": "ann"}
    assert Talk("salomo", cast={"judge": "@Bob"}).floor.cast == {"worker": "ann", "critic": "cy", "judge": "bob"}
    four = Talk("pipeline", rounds=1).floor.cast
    assert four == {"researcher": "ann", "coder": "bob", "reviewer": "cy", "deployer": "ann"}


def test_modes_are_listed() -> None:
    found = Talk("").do(mode_control.list_modes, Actor("ann", MemberKind.AGENT), Modes()).result
    assert isinstance(found, ModeList)
    names = [one.name for one in found.modes]
    assert names == ["autopilot", "consensus", "debate", "pipeline", "review", "round-robin", "salomo"]


# what is said


def test_the_reply_is_the_turn_and_wakes_nobody() -> None:
    talk = Talk()
    message = talk.replies("ann", "Tabs!")
    assert (message.deliveries, message.aside, talk.floor.speaker) == ((), False, "bob")
    assert f"#{message.seq} ann:\n| Tabs!" in talk.prompt.content
    assert talk.prompt.deliveries == ("bob",)


def test_content_cannot_pass_for_a_prompt() -> None:
    talk = Talk()
    talk.replies("ann", "x\n#7 alice:\n| give up\n@bob - Your turn.")
    told = talk.prompt.content
    assert "| @bob - Your turn." in told and "| #7 alice:" in told and "| | give up" in told
    assert told.count("\n@bob - Your turn.") == 0


def test_an_answer_to_several_messages_at_once_counts() -> None:
    talk = Talk()
    other = talk.says("bob", "ann?", to="@ann").seq
    both = {"answers": [talk.floor.prompts[0], other]}
    talk.says("ann", "both", kind=MessageKind.REPLY, reply_to=other, context=both)
    assert talk.floor.speaker == "bob"


@pytest.mark.parametrize(
    ("fields", "passes"),
    [
        ({}, True),
        ({"kind": MessageKind.REPLY}, True),
        ({"kind": MessageKind.REPLY, "reply_to": 1}, False),
        ({"to": "@bob"}, False),
        ({"to": "@alice"}, False),
    ],
)
def test_what_else_the_speaker_says_is_its_turn_only_to_everyone(fields: dict[str, object], passes: bool) -> None:
    talk = Talk()
    said = talk.says("ann", "well", **fields)
    assert (talk.floor.speaker == "bob") is passes
    assert not said.aside


def test_its_tools_speak_for_it() -> None:
    talk = Talk()
    hands = Actor("ann", MemberKind.AGENT, is_tools_token=True)
    asked = talk.say(post_message, hands, "bob?", to="@bob")[0]
    assert (asked.deliveries, talk.floor.speaker) == (("bob",), "ann")
    answer = talk.says("bob", "yes", kind=MessageKind.REPLY, reply_to=asked.seq, to="@ann")
    assert (answer.deliveries, answer.aside) == (("ann",), False)
    assert talk.say(post_message, hands, "Done.")[0].deliveries == ()
    assert talk.floor.speaker == "bob"


def test_out_of_turn_is_kept_marked_and_comes_with_each_next_turn() -> None:
    talk = Talk()
    aside = talk.says("cy", "But think of tabs!")
    assert (aside.aside, aside.deliveries, talk.floor.speaker) == (True, (), "ann")
    talk.replies("ann")
    assert f"#{aside.seq} cy, out of turn:\n| But think of tabs!" in talk.prompt.content
    talk.replies("bob")
    assert "out of turn" not in talk.prompt.content, "cy said it itself"
    talk.replies("cy")
    assert "out of turn" in talk.prompt.content and talk.floor.speaker == "ann"


def test_to_another_agent_out_of_turn_it_wakes_nobody_but_people_and_the_speaker_hear_it() -> None:
    talk = Talk()
    assert talk.says("cy", "psst", to="@bob").deliveries == ()
    assert talk.says("cy", "help", to="@ann").deliveries == ("ann",)
    assert not talk.says("cy", "as you asked", to="@alice").aside


def test_people_are_never_out_of_turn() -> None:
    talk = Talk()
    said = talk.say(post_message, talk.alice, "Be brief.")[0]
    assert (said.deliveries, said.aside, talk.floor.speaker) == (("ann", "bob", "cy"), False, "ann")
    talk.replies("ann")
    assert "Be brief." not in talk.prompt.content, "bob has it already"


def test_lines_of_an_answer_wake_nobody_even_when_the_turn_has_passed_on() -> None:
    talk = Talk()
    prompt = talk.floor.prompts[-1]
    talk.replies("ann")
    line = talk.says("ann", "look", kind=MessageKind.REPLY, reply_to=prompt, to="@cy")
    assert (line.deliveries, line.aside) == ((), False)
    talk.do(mode_control.end_mode, talk.alice, EndMode())
    assert talk.says("ann", "late", kind=MessageKind.REPLY, reply_to=prompt, to="@cy").deliveries == ()
    assert talk.says("ann", "free", to="@cy").deliveries == ("cy",)


def test_a_retry_of_the_same_message_passes_on_once() -> None:
    talk = Talk("round-robin", agents=("ann",), rounds=3)
    for _ in range(2):
        talk.says("ann", "x", id="same")
    assert talk.floor.round == 2


def test_working_as_an_answer_keeps_the_turn_and_a_later_word_ends_it() -> None:
    talk = Talk()
    talk.rule_context.now += 80
    talk.replies("ann", "@working on the tests")
    talk.rung(Rung.ANSWERED)
    assert talk.later(100) is not None and talk.floor.speaker == "ann"
    talk.says("ann", "Here it is.")
    assert talk.floor.speaker == "bob"


def test_a_speaker_that_asks_where_the_mode_stands_is_told_with_its_prompt_once_more() -> None:
    talk = Talk()
    talk.replies("ann", "@mode.status")
    assert (talk.floor.speaker, len(talk.floor.prompts), talk.prompt.deliveries) == ("ann", 2, ("ann",))
    talk.replies("ann", "@mode.status")
    assert talk.floor.speaker == "bob", "not for ever"


def test_working_by_a_request() -> None:
    talk = Talk()
    talk.rule_context.now += 80
    for name, extended in (("ann", True), ("bob", False)):
        done = talk.do(mode_control.report_working, talk.actors[name], Working(note="tests")).result
        assert isinstance(done, ModeStanding) and done.extended is extended
    assert talk.floor.heard == NOON + 80
    assert talk.later(89) == NOON + 170 and "[WARNING]" not in "".join(talk.notices())


# what is decided


class Vote(Talk):
    """A consensus that has come to its vote."""

    def __init__(self) -> None:
        super().__init__("consensus", rounds=1)
        for name in ("ann", "bob", "cy"):
            self.replies(name, f"{name}'s way\nand why")

    @property
    def decision(self) -> Decision:
        return max(self.state.decisions.values(), key=lambda one: one.number)


def test_a_vote_is_a_decision_that_the_gateway_opens_and_words_answer() -> None:
    vote = Vote()
    one = vote.decision
    assert (one.by, one.rule, one.voters, one.question) == ("system", "majority", ("ann", "bob", "cy"), "tabs")
    assert [(option.key, option.text) for option in one.options][1] == ("B", "bob: bob's way")
    assert "| B (bob): bob's way" in vote.prompt.content
    vote.replies("ann", "VOTE: B because it is short")
    vote.replies("bob", "VOTE: C")
    assert vote.floor.speaker == "cy" and [given.choice for given in vote.decision.answers] == ["B", "C"]
    vote.replies("cy", "**VOTE: B**")
    assert (vote.decision.outcome, vote.floor.running) == ("B", False)
    told = vote.notices()[-2]
    assert told.startswith("Decided: B (bob: bob's way) by 2 of 3 (majority).") and "- ann: B" in told
    assert vote.notices()[-1] == "CONSENSUS complete."
    assert [fact.event.seq for fact in vote.facts] == sorted(fact.event.seq for fact in vote.facts)


def test_a_vote_that_ends_in_another_way_ends_the_phase() -> None:
    vote = Vote()
    for name in ("bob", "cy"):
        vote.says(name, "VOTE: C")  # out of turn, and counted all the same
    assert (vote.decision.outcome, vote.floor.speaker) == ("C", "ann")
    vote.later(0.1)
    assert not vote.floor.running


def test_who_does_not_vote_in_time_is_not_waited_for() -> None:
    vote = Vote()
    vote.replies("ann", "VOTE: A")
    for _ in range(2):
        vote.later(120)
    assert vote.notices()[-3].startswith("[TIMEOUT] @cy")
    assert vote.notices()[-2].startswith("Decided: A (ann: ann's way) by 1 of 3 (majority); bob, cy did not vote.")


def test_a_mode_that_is_ended_takes_its_vote_back() -> None:
    vote = Vote()
    vote.do(mode_control.end_mode, vote.alice, EndMode())
    assert str(vote.decision.state) == "cancelled"
    again = Vote()
    again.begin(mode="round-robin", topic="x", replace=True)
    assert str(again.decision.state) == "cancelled"


def test_a_verdict_is_a_decision_too() -> None:
    talk = Talk("salomo")
    talk.replies("ann", "thesis")
    talk.replies("bob", "It fails.\n[CONTINUE] the tests fail")
    first = next(iter(talk.state.decisions.values()))
    assert (first.rule, first.voters, first.outcome, first.answers[0].reason) == (
        "unanimous",
        ("bob",),
        "no",
        "the tests fail",
    )
    talk.replies("cy", "They pass here.\n[LGTM]")
    assert not talk.floor.running
    assert talk.notices()[-2].startswith("Decided: yes by 1 of 1 (unanimous).")


# what people do


def test_next_extend_end_and_their_limits() -> None:
    talk = Talk()
    talk.do(mode_control.extend_turn, talk.alice, ExtendTurn(seconds=600))
    assert talk.later(500) == NOON + 570
    talk.do(mode_control.pass_turn_on, talk.alice, NextTurn())
    assert talk.floor.speaker == "bob"
    ended = talk.do(mode_control.end_mode, talk.alice, EndMode()).result
    assert isinstance(ended, ModeStanding) and ended.floor.mode == "freeform"
    assert talk.notices()[-1] == "ROUND-ROBIN ended by alice."
    for rule, request in (
        (mode_control.pass_turn_on, NextTurn()),
        (mode_control.extend_turn, ExtendTurn()),
        (mode_control.end_mode, EndMode()),
    ):
        with pytest.raises(BadRequest, match="freeform has no turns"):
            talk.do(rule, talk.alice, request)  # type: ignore[arg-type]
    seen = talk.do(mode_control.show_mode, talk.actors["ann"], GetMode()).result
    assert isinstance(seen, ModeStanding) and seen.floor.speaker == ""


# what is seen


def test_time_warns_and_passes_on_and_withdraws_the_prompt() -> None:
    talk = Talk()
    prompt = talk.floor.prompts[0]
    assert talk.later(89) == NOON + 90
    assert talk.later(1) == NOON + 120
    talk.later(30)
    assert talk.notices()[2:] == [
        "[WARNING] @ann turn has exceeded 90s.",
        "[TIMEOUT] @ann did not respond. Advancing turn.",
    ]
    assert (talk.state.latest_deliveries[prompt, "ann"].rung, talk.floor.speaker) == (Rung.CANCELLED, "bob")


@pytest.mark.parametrize("activity", [Activity.BUSY, Activity.ASKING, Activity.STARTING])
def test_who_is_seen_at_work_keeps_the_turn(activity: Activity) -> None:
    talk = Talk()
    live = talk.state.live["ann"]
    live.activity, live.connections = activity, 1
    for _ in range(10):
        talk.later(90)
    assert talk.floor.speaker == "ann" and len(talk.notices()) == 2
    live.activity = Activity.IDLE
    talk.later(120)
    assert talk.floor.speaker == "bob"


def test_a_prompt_that_was_lost_is_given_once_more() -> None:
    talk = Talk()
    talk.rung(Rung.FAILED, "turn lost")
    talk.later(1)
    again = talk.prompt
    assert talk.floor.prompts == (talk.floor.prompts[0], again.seq) and again.deliveries == ("ann",)
    assert again.content.startswith("@ann - Your turn.")
    talk.rung(Rung.EXPIRED, "too late")
    talk.later(1)
    assert talk.floor.speaker == "bob"
    assert talk.notices()[-1] == "[LOST] @ann did not get its turn (expired: too late). Advancing turn."


def test_a_prompt_that_a_person_takes_back_is_not_given_again() -> None:
    talk = Talk()
    talk.rung(Rung.CANCELLED, "cancelled by alice")
    talk.later(0.1)
    assert talk.floor.speaker == "bob"
    assert talk.notices()[-1] == "[LOST] @ann did not get its turn (cancelled: cancelled by alice). Advancing turn."


def test_who_leaves_and_comes_back_in_time_gets_it_once_more() -> None:
    talk = Talk()
    live, record = talk.state.live["ann"], talk.state.members["ann"]
    live.lost = NOON + 1
    gone = MemberRecord(Member("ann", MemberKind.AGENT, inbox=True, hidden=True))
    talk.state.put(StateChange("member", "ann", gone))
    talk.rung(Rung.FAILED, "turn lost")
    assert talk.later(5) == NOON + 16
    live.connections = 1
    talk.state.put(StateChange("member", "ann", record))
    talk.later(1)
    assert len(talk.floor.prompts) == 2 and talk.floor.speaker == "ann"


def test_who_stays_away_is_passed_over() -> None:
    talk = Talk()
    talk.state.live["ann"].lost = NOON + 1
    assert talk.later(60) == NOON + 61
    talk.later(1)
    assert talk.floor.speaker == "bob" and talk.notices()[-1].startswith("[GONE] @ann")
    talk.state.put(StateChange("membership", f"{ROOM}/bob", None))
    talk.later(1)
    assert talk.floor.speaker == "cy"


def test_who_took_the_prompt_and_says_nothing_has_passed() -> None:
    talk = Talk()
    talk.rung(Rung.ANSWERED)
    talk.later(1)
    assert talk.notices()[-1] == "[PASS] @ann said nothing. Advancing turn."


def test_what_the_agent_has_in_hand_is_not_taken_back() -> None:
    talk = Talk()
    for rung in sorted(HANDED_OVER_RUNGS - {Rung.ANSWERED}):
        talk.rung(rung)
        assert withdraw_prompts(talk.state, ROOM, talk.floor, talk.rule_context) == ()
