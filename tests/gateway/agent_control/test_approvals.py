"""The rules of asks as histories: what was opened, answered, closed, and what each answer to that was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gateway.access.permissions import Actor
from gateway.access.tokens import TokenRecord
from gateway.agent_control import approvals
from gateway.agent_control.approvals import ANSWER_TIMEOUT_S
from gateway.client import Client, Endpoint
from gateway.model.records.operator_settings import RuleSettings
from gateway.model.rule_outcome import EventToCommit, StateChange
from gateway.model.state import AWAY_AFTER_S
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, GroupChatError, NotFound
from gateway.protocol.events import AskEvent, Control, ControlAction
from gateway.protocol.requests.approval_requests import AnswerAsk, Asks, CloseAsk, OpenAsk
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.results import AskList, Done, TokenMade
from gateway.protocol.types.core_types import MAX_DETAIL_BYTES, Ask, AskAbout, AskState, MemberKind, Option, Scope
from gateway.rooms import members
from tests.fakes.retry import retry_until
from tests.support.assembled import Clock, assembled
from tests.support.gateways import GatewayProcess
from tests.support.world import World

DIGEST, OTHER = "a" * 16, "b" * 16
QUESTION = OpenAsk(
    digest=DIGEST,
    question="Do you want to proceed?",
    options=(Option("1", "Yes"), Option("2", "Yes, always"), Option("3", "No")),
    allow="1",
    deny="3",
    tool="Bash",
    detail="touch made",
)
PICKER = OpenAsk(digest=OTHER, question="Select model", options=(Option("1", "Opus"), Option("2", "Haiku")))


class Scene:
    def __init__(self) -> None:
        self.world = World()
        self.claude = self.world.member("claude")
        self.codex = self.world.member("codex")
        self.alice = self.world.person("alice", Scope.APPROVER)
        self.bob = self.world.person("bob", Scope.APPROVER)

    def open(self, request: OpenAsk = QUESTION) -> int:
        done = self.world.do(approvals.open_ask, self.claude, request).result
        assert isinstance(done, Done) and done.seq is not None
        return done.seq

    def answer(
        self, actor: Actor, answer: str = "allow", digest: str | None = None, words: str = ""
    ) -> tuple[EventToCommit, ...]:
        request = AnswerAsk(member="claude", answer=answer, digest=digest, words=words)
        return self.world.do(approvals.answer_ask, actor, request).events

    def close(self, number: int, state: AskState = AskState.ANSWERED) -> tuple[EventToCommit, ...]:
        return self.world.do(approvals.close_ask, self.claude, CloseAsk(ask=number, state=state, reason="done")).events

    @property
    def now(self) -> Ask | None:
        record = self.world.state.asks.get("claude")
        return record.ask if record else None

    @property
    def told(self) -> list[AskEvent]:
        return [fact.event for fact in self.world.facts if isinstance(fact.event, AskEvent)]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_dialog_is_told_and_answered_once(scene: Scene) -> None:
    number = scene.open()
    told, order = scene.answer(scene.alice)
    assert isinstance(order.event, Control) and order.event.ask is not None
    assert (order.event.action, order.event.text, order.event.to) == (ControlAction.ANSWER, "allow", ("claude",))
    assert (order.event.ask.number, order.event.ask.digest, order.ends) == (number, DIGEST, ("alice", "claude"))
    assert isinstance(told.event, AskEvent) and told.event.ask.state is AskState.ANSWERING
    scene.close(number)
    last = scene.told[-1].ask
    assert (last.state, last.by, last.answer, last.reason) == (AskState.ANSWERED, "alice", "allow", "done")
    assert scene.now is None


def test_the_first_of_two_answers_counts(scene: Scene) -> None:
    scene.open()
    scene.answer(scene.alice, "1")
    with pytest.raises(Conflict, match="alice has just answered this question of claude with 1"):
        scene.answer(scene.bob, "deny")
    assert scene.now is not None and scene.now.by == "alice"


def test_an_answer_of_which_nothing_is_heard_makes_room_for_another(scene: Scene) -> None:
    scene.open()
    scene.answer(scene.alice)
    scene.world.rule_context.at(scene.world.rule_context.now + ANSWER_TIMEOUT_S)
    scene.answer(scene.bob, "deny")
    assert scene.now is not None and (scene.now.by, scene.now.answer) == ("bob", "deny")


def test_an_answer_that_was_not_taken_can_be_given_again(scene: Scene) -> None:
    number = scene.open()
    scene.answer(scene.alice)
    assert scene.open(msgspec.structs.replace(QUESTION, reason="the key was not taken")) == number
    assert scene.now is not None and (scene.now.state, scene.now.by) == (AskState.OPEN, "")
    assert scene.told[-1].ask.reason == "the key was not taken"
    scene.answer(scene.bob)


def test_the_same_dialog_again_is_no_event(scene: Scene) -> None:
    assert scene.open() == scene.open()
    assert len(scene.told) == 1


def test_another_dialog_makes_the_first_stale(scene: Scene) -> None:
    first = scene.open()
    second = scene.open(PICKER)
    assert [(one.ask.number, one.ask.state) for one in scene.told[1:]] == [
        (first, AskState.STALE),
        (second, AskState.OPEN),
    ]
    assert scene.close(first) == (), "what is over is not closed twice"
    assert scene.now is not None


@pytest.mark.parametrize(
    ("answer", "digest", "error", "words"),
    [
        ("allow", OTHER, Conflict, "now asks another question"),
        ("4", None, BadRequest, "no option '4'. Its options are: 1. Yes; 2. Yes, always; 3. No"),
        ("yes", DIGEST, BadRequest, "no option 'yes'"),
    ],
)
def test_an_answer_that_does_not_fit(
    scene: Scene, answer: str, digest: str, error: type[GroupChatError], words: str
) -> None:
    scene.open()
    before = scene.world.snapshot()
    with pytest.raises(error, match=words.replace(".", r"\.")):
        scene.answer(scene.alice, answer, digest)
    assert scene.world.snapshot() == before


@pytest.mark.parametrize("answer", ["allow", "deny"])
def test_where_nothing_plainly_means_yes_or_no_an_option_must_be_named(scene: Scene, answer: str) -> None:
    scene.open(PICKER)
    with pytest.raises(Conflict, match=r"no option that clearly means .*1\. Opus; 2\. Haiku"):
        scene.answer(scene.alice, answer)
    scene.answer(scene.alice, "2")


def test_the_whole_of_what_is_asked_is_told(scene: Scene) -> None:
    long = msgspec.structs.replace(
        QUESTION, detail="x" * MAX_DETAIL_BYTES, left_out=7, about=AskAbout.COMMAND, readable=False, words=True
    )
    scene.open(long)
    assert scene.now is not None
    shown = {name: getattr(scene.now, name) for name in OpenAsk.__struct_fields__ if name != "n"}
    assert shown == {name: getattr(long, name) for name in shown}


def test_who_could_answer_is_told_of_the_rooms_of_who_asks_alone(scene: Scene) -> None:
    scene.world.room("lab")
    scene.world.person("far", rooms=("lab",))
    for name in ("carol", "dave", "erin"):
        scene.world.person(name)
    tokens = [
        *(TokenRecord(name, name, "", "", (Scope.APPROVER,)) for name in ("alice", "far", "claude")),
        TokenRecord("carol", "carol", "", "", (Scope.ADMIN,)),
        TokenRecord("dave", "dave", "", "", (Scope.APPROVER,), expires=1.0),
        TokenRecord("erin", "erin", "", "", (Scope.APPROVER,), read_only=True),
    ]
    for one in tokens:
        scene.world.state.put(StateChange("token", one.id, one))
    scene.open()
    assert scene.now is not None and scene.now.approvers == ("alice",)


def test_when_more_of_it_can_be_read_it_is_the_same_ask(scene: Scene) -> None:
    number = scene.open(msgspec.structs.replace(QUESTION, options=(), readable=False))
    assert scene.open() == number
    assert scene.now is not None and (scene.now.readable, scene.now.options) == (True, QUESTION.options)
    assert [one.ask.number for one in scene.told] == [number, number]


def test_an_answer_under_way_stays_so_when_more_of_the_dialog_is_read(scene: Scene) -> None:
    scene.open(msgspec.structs.replace(QUESTION, options=(), readable=False))
    scene.answer(scene.alice)
    scene.open()
    assert scene.now is not None and (scene.now.state, scene.now.by) == (AskState.ANSWERING, "alice")
    with pytest.raises(Conflict, match="alice has just answered"):
        scene.answer(scene.bob)


TAKES_WORDS = msgspec.structs.replace(QUESTION, words=True)


def test_a_refusal_carries_its_words_to_the_sidecar_and_keeps_them(scene: Scene) -> None:
    number = scene.open(TAKES_WORDS)
    _, order = scene.answer(scene.alice, "deny", words=" Not here.\nUse the test database. ")
    assert isinstance(order.event, Control) and order.event.ask is not None
    assert order.event.ask.said == "Not here.\nUse the test database."
    scene.close(number)
    assert scene.told[-1].ask.said == "Not here.\nUse the test database."


def test_words_of_an_answer_that_was_not_the_one_are_not_kept(scene: Scene) -> None:
    number = scene.open(TAKES_WORDS)
    scene.answer(scene.alice, "deny", words="no")
    scene.close(number, AskState.CLOSED)
    assert (scene.told[-1].ask.by, scene.told[-1].ask.said) == ("", "")


@pytest.mark.parametrize(
    ("request_", "answer", "error", "match"),
    [
        (QUESTION, "deny", Conflict, "cannot include text for the model. Deny it without `words`"),
        (TAKES_WORDS, "allow", BadRequest, "Only a `deny` can have `words`"),
        (TAKES_WORDS, "3", BadRequest, "Only a `deny` can have `words`"),
    ],
)
def test_words_that_would_not_arrive_are_refused(
    scene: Scene, request_: OpenAsk, answer: str, error: type[GroupChatError], match: str
) -> None:
    scene.open(request_)
    before = scene.world.snapshot()
    with pytest.raises(error, match=match):
        scene.answer(scene.alice, answer, words="not that one")
    assert scene.world.snapshot() == before


def test_an_ask_of_an_older_store_reads_on() -> None:
    old = b'{"member":"claude","number":820,"digest":"2f1c7a90d3b4e6f8","question":"Do you want to?","opened":"2026"}'
    ask = msgspec.json.decode(old, type=Ask)
    assert (ask.about, ask.readable, ask.words, ask.left_out, ask.said) == (AskAbout.TEXT, True, False, 0, "")
    assert msgspec.json.decode(msgspec.json.encode(ask)) == msgspec.json.decode(old)


def test_nothing_is_answered_that_is_not_open(scene: Scene) -> None:
    with pytest.raises(NotFound, match="claude has no open question"):
        scene.answer(scene.alice)


def test_who_may_not_answer(scene: Scene) -> None:
    scene.open()
    for actor in (scene.codex, scene.world.person("carol", Scope.ADMIN, Scope.OBSERVER)):
        with pytest.raises(Forbidden):
            scene.answer(actor)
    with pytest.raises(Forbidden, match="its own question"):
        scene.answer(Actor("claude", MemberKind.AGENT, frozenset({Scope.APPROVER})))


def test_who_shares_no_room_does_not_even_learn_of_it(scene: Scene) -> None:
    scene.world.room("lab")
    far = scene.world.person("far", Scope.APPROVER, rooms=("lab",))
    scene.open()
    assert scene.world.facts[-1].ends == ("claude", "alice", "bob", "codex")
    assert approvals.visible_asks(scene.world.state, far) == ()
    with pytest.raises(NotFound):
        scene.answer(far)
    observer = Actor("far", MemberKind.HUMAN, frozenset({Scope.OBSERVER}))
    assert [one.member for one in approvals.visible_asks(scene.world.state, observer)] == ["claude"]


def test_only_an_agent_shows_dialogs_and_only_its_own(scene: Scene) -> None:
    for actor in (scene.alice, Actor("human", MemberKind.HUMAN, team=True)):
        with pytest.raises(Forbidden):
            scene.world.do(approvals.open_ask, actor, QUESTION)
    number = scene.open()
    assert scene.world.do(approvals.close_ask, scene.codex, CloseAsk(ask=number)).events == ()
    assert scene.now is not None


@pytest.mark.parametrize("state", [AskState.OPEN, AskState.ANSWERING])
def test_it_is_not_closed_by_what_is_no_end(scene: Scene, state: AskState) -> None:
    number = scene.open()
    with pytest.raises(BadRequest, match="is not an end of an ask"):
        scene.close(number, state)


def test_two_options_with_one_key_are_refused(scene: Scene) -> None:
    with pytest.raises(BadRequest, match="same key"):
        scene.open(msgspec.structs.replace(QUESTION, options=(Option("1", "Yes"), Option("1", "No"))))


def test_it_goes_with_its_member(scene: Scene) -> None:
    scene.open()
    outcome = members.leave_chat(scene.world.state, "claude", "claude", scene.world.rule_context)
    scene.world.commit(*outcome.events)
    assert scene.told[-1].ask.state is AskState.WITHDRAWN
    assert scene.now is None


# time


def test_it_is_announced_again_more_and_more_rarely(scene: Scene) -> None:
    scene.open()
    world, begun = scene.world, scene.world.rule_context.now
    world.state.live["claude"].connections = 1
    said = []
    for minute in range(200):
        facts, ahead = approvals.process_due_asks(
            world.state, "claude", world.rule_context.at(begun + minute * 60), begun
        )
        world.commit(*facts)
        assert ahead is not None and ahead > world.rule_context.now
        said += [fact.event.waited // 60 for fact in facts if isinstance(fact.event, AskEvent)]
    assert said == [2, 6, 14, 30, 62, 122, 182]
    assert RuleSettings().remind_asks == 120


def test_it_is_withdrawn_when_nobody_is_there_to_answer_it(scene: Scene) -> None:
    scene.open()
    world, begun = scene.world, scene.world.rule_context.now
    world.state.live["claude"].lost = begun + 10
    facts, ahead = approvals.process_due_asks(
        world.state, "claude", world.rule_context.at(begun + 10 + AWAY_AFTER_S - 1), begun
    )
    assert (facts, ahead) == ((), begun + 10 + AWAY_AFTER_S)
    facts, ahead = approvals.process_due_asks(
        world.state, "claude", world.rule_context.at(begun + 10 + AWAY_AFTER_S), begun
    )
    world.commit(*facts)
    assert ahead is None
    assert scene.told[-1].ask.state is AskState.WITHDRAWN


def test_time_is_looked_at_for_one_member_alone(scene: Scene) -> None:
    scene.open()
    world, begun = scene.world, scene.world.rule_context.now
    assert approvals.process_due_asks(
        world.state, "nobody", world.rule_context.at(begun + RuleSettings().remind_asks), begun
    ) == ((), None)
    facts, _ = approvals.process_due_asks(world.state, "claude", world.rule_context, begun)
    assert facts


# with a gateway around it


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def _waited(events: AsyncIterator[object]) -> AskEvent:
    async for event in events:
        if isinstance(event, AskEvent) and (event.waited or event.ask.state is AskState.WITHDRAWN):
            return event
    raise AssertionError


async def test_the_gateway_announces_it_again_and_withdraws_it(tmp_path: Path, clock: Clock) -> None:
    async with assembled(tmp_path, remind_asks=0.2, clock=clock) as gateway:
        claude = await gateway.member("claude")
        async with Client(gateway.operator, Hello()) as alice:
            async with Client(claude, Hello()) as agent:
                await agent.request(QUESTION, Done)
                clock.now += 0.3
                assert (await _waited(alice.events())).ask.question == QUESTION.question
                assert (await alice.request(Asks(), AskList)).asks[0].state is AskState.OPEN
            await retry_until(lambda: not gateway.hub.state.live["claude"].connections)
            clock.now += AWAY_AFTER_S
            async with Client(await gateway.member("codex"), Hello()) as other:
                await other.request(PICKER, Done)
            async for event in alice.events():
                if isinstance(event, AskEvent) and event.ask.state is AskState.WITHDRAWN:
                    break


async def test_an_open_ask_outlives_the_gateway_and_waits_for_late_joiners(tmp_path: Path) -> None:
    gateway = GatewayProcess(tmp_path / "state")
    with gateway.running():
        async with Client(gateway.operator, Hello()) as alice:
            number = await _ask_as_agent(gateway, alice)
            gateway.kill()
    with gateway.running():
        async with Client(gateway.operator, Hello()) as alice:
            assert [(one.member, one.number) for one in alice.welcome.asks] == [("claude", number)]
            await alice.request(AnswerAsk(member="claude", answer="allow", digest=DIGEST), Done)
            with pytest.raises(Conflict):
                await alice.request(AnswerAsk(member="claude", answer="allow", digest=DIGEST), Done)


async def _ask_as_agent(gateway: GatewayProcess, alice: Client) -> int:
    made = await alice.request(CreateToken(name="claude"), TokenMade)
    async with Client(Endpoint(gateway.url, made.token), Hello()) as agent:
        done = await agent.request(QUESTION, Done)
        assert done.seq is not None
        return done.seq
