"""The rules of reactions, pins and muted rooms, as tables."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.access.permissions import Actor
from gateway.marks import mutes, pins, reactions
from gateway.marks.reactions import MAX_SIGNS_PER_MEMBER, MAX_SIGNS_PER_MESSAGE, ReactedMessage
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import RuleOutcome
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, GroupChatError
from gateway.protocol.events import Message, MuteEvent, PinEvent, ReactionEvent
from gateway.protocol.requests.mark_requests import Mute, Pin, React
from gateway.protocol.results import Reaction
from gateway.protocol.types.core_types import MemberKind, Scope
from gateway.rooms import messages
from tests.support.world import World


class Marked(World):
    """A room with ann, ben and an agent, and the reactions that the log would hold."""

    def __init__(self) -> None:
        super().__init__()
        self.ann, self.ben = self.person("ann"), self.person("ben")
        self.bot = self.member("bot", MemberKind.AGENT)
        self.message = self.say(messages.post_message, self.ann, "look")[0]

    def react(self, actor: Actor, sign: str, message: Message | None = None, *, remove: bool = False) -> RuleOutcome:
        to = message or self.message
        told = [fact.event for fact in self.facts if isinstance(fact.event, ReactionEvent)]
        earlier = reactions.reactions_after(one for one in told if one.message == to.seq)
        return self.do(
            lambda state, who, request, rule_context: reactions.react(
                state, who, request, ReactedMessage(to, earlier), rule_context
            ),
            actor,
            React(message=to.seq, sign=sign, remove=remove),
        )

    def pin(self, actor: Actor, message: Message | None = None, *, remove: bool = False) -> RuleOutcome:
        to = message or self.message

        def rule(state: GatewayState, who: Actor, request: Pin, rule_context: RuleContext) -> RuleOutcome:
            return pins.pin_message(state, who, request, to, rule_context)

        return self.do(rule, actor, Pin(message=to.seq, remove=remove))

    def standing(self) -> tuple[Reaction, ...]:
        return reactions.reactions_after(fact.event for fact in self.facts if isinstance(fact.event, ReactionEvent))


SIGNS = {
    "👍": "👍",
    " done ": "done",
    "+1": "+1",
    "LGTM": "LGTM",
    "👍🏽": "👍🏽",
    "👩‍👩‍👧": "👩‍👩‍👧",
    "❤️": "❤️",
    "ok": "ok",
    "👩🏽‍💻": "👩🏽‍💻",
    "🏳️‍🌈": "🏳️‍🌈",
    "❤️‍🔥": "❤️‍🔥",
}
NO_SIGNS = ("", " ", "two words", "x" * 17, "a\nb", "\x1b[31m", "/stop", "@ann", "\u202eok", "\u200d", "<b>")
UNSEEN_SIGNS = ("\u3164", "\u115f", "\u2800", "ok\u3164", "👍\u200d")  # drawn as nothing


@pytest.mark.parametrize(("text", "sign"), SIGNS.items())
def test_a_sign_is_an_emoji_or_a_word(text: str, sign: str) -> None:
    assert reactions.check_sign(text) == sign


@pytest.mark.parametrize("text", [*NO_SIGNS, *UNSEEN_SIGNS])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="cannot be a reaction"):
        reactions.check_sign(text)


def test_reactions_are_put_and_removed() -> None:
    world = Marked()
    world.react(world.ben, "👍")
    world.react(world.bot, "👍")
    world.react(world.ben, "done")
    assert world.standing() == (Reaction("👍", ("ben", "bot")), Reaction("done", ("ben",)))
    assert world.react(world.ben, "👍").events == (), "a repeated reaction is no event"
    world.react(world.ben, "👍", remove=True)
    world.react(world.bot, "👍", remove=True)
    assert world.standing() == (Reaction("done", ("ben",)),)
    assert world.react(world.bot, "👍", remove=True).events == ()


def test_a_reaction_wakes_nobody() -> None:
    world = Marked()
    waiting = dict(world.state.queued)
    outcome = world.react(world.ben, "👍")
    assert not any(fact.deliveries for fact in outcome.events) and dict(world.state.queued) == waiting


def test_a_reaction_to_a_direct_message_is_seen_by_its_two_ends() -> None:
    world = Marked()
    direct = world.say(messages.post_message, world.ann, "you", to="@ben")[0]
    assert world.react(world.ben, "👍", direct).events[0].ends == ("ann", "ben")
    assert world.react(world.ben, "👍").events[0].ends is None


def test_the_number_of_reactions_is_bounded() -> None:
    world = Marked()
    for number in range(MAX_SIGNS_PER_MEMBER):
        world.react(world.ben, f"s{number}")
    with pytest.raises(Conflict, match=f"You have put {MAX_SIGNS_PER_MEMBER} reactions"):
        world.react(world.ben, "more")
    for number in range(MAX_SIGNS_PER_MESSAGE - MAX_SIGNS_PER_MEMBER):
        world.react(world.person(f"p{number}"), "ok")
    with pytest.raises(Conflict, match="takes no more"):
        world.react(world.bot, "ok")
    world.react(world.ben, "s0", remove=True)
    world.react(world.bot, "ok")


def test_pins_are_listed_in_order_and_bounded() -> None:
    world = Marked()
    others = [world.say(messages.post_message, world.ann, f"{n}")[0] for n in range(pins.MAX_PINS_PER_ROOM)]
    world.pin(world.ben, others[3])
    world.pin(world.ben)
    assert [one.message for one in pins.pins_of(world.state, "general")] == [others[3].seq, world.message.seq]
    assert world.pin(world.ann).events == (), "a pinned message is not pinned again"
    for one in others:
        if len(pins.pins_of(world.state, "general")) < pins.MAX_PINS_PER_ROOM:
            world.pin(world.ann, one)
    with pytest.raises(Conflict, match="Remove one of the pins first"):
        world.pin(world.ann, others[-1])
    world.pin(world.bot, remove=True)
    world.pin(world.ann, others[-1])
    last = world.facts[-1].event
    assert isinstance(last, PinEvent) and not last.removed


def test_a_direct_message_is_not_pinned() -> None:
    world = Marked()
    direct = world.say(messages.post_message, world.ann, "you", to="@ben")[0]
    with pytest.raises(BadRequest, match="direct message"):
        world.pin(world.ben, direct)


def test_a_muted_room_is_known_to_its_member_alone() -> None:
    world = Marked()
    outcome = world.do(mutes.mute_room, world.ben, Mute(room="#general"))
    event = outcome.events[0].event
    assert isinstance(event, MuteEvent) and event.on and outcome.events[0].ends == ("ben",)
    assert mutes.rooms_muted_by(world.state, "ben") == ("general",)
    assert mutes.rooms_muted_by(world.state, "ann") == ()
    assert world.do(mutes.mute_room, world.ben, Mute(room="general")).events == ()
    world.do(mutes.mute_room, world.ben, Mute(room="general", on=False))
    assert mutes.rooms_muted_by(world.state, "ben") == ()


def test_muting_changes_no_delivery() -> None:
    world = Marked()
    world.do(mutes.mute_room, world.bot, Mute(room="general"))
    assert world.say(messages.post_message, world.ann, "work")[0].deliveries == ("bot",)


MARKS: dict[str, Callable[[Marked, Actor], object]] = {
    "react": lambda world, actor: world.react(actor, "ok"),
    "pin": lambda world, actor: world.pin(actor),
    "mute": lambda world, actor: world.do(mutes.mute_room, actor, Mute(room="general")),
}


@pytest.mark.parametrize("mark", MARKS)
def test_only_members_of_the_room_put_marks(mark: str) -> None:
    world = Marked()
    before = world.snapshot()
    for actor in (world.person("eve", rooms=()), Actor("olga", MemberKind.HUMAN, frozenset({Scope.OBSERVER}))):
        with pytest.raises(GroupChatError) as refused:
            MARKS[mark](world, actor)
        assert isinstance(refused.value, Forbidden)
    tables = world.snapshot()[0]
    assert tables["pin"] == before[0]["pin"] and tables["muted"] == before[0]["muted"]  # type: ignore[index]
