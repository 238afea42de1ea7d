"""Who will read what stands in the input, before it is sent."""

from __future__ import annotations

import msgspec
import pytest

from controller.view.panels.composer_hint import DIRECT_HELP, PUBLIC_HELP, composer_hint
from controller.view.state.chat_state import ChatState
from controller.view.state.draft_target import DraftTarget, TargetKind
from gateway.protocol.events import MemberView
from gateway.protocol.types.agent_conditions import Condition, ConditionKind
from gateway.protocol.types.core_types import Activity, MemberKind, Presence, Room
from tests.controller.streams import agent, said, welcome

NAMES = ("alice", "ada", "ben", "cleo", "dan", "eve")
PUBLIC = "everyone in #general reads this, only"


def state(room: str = "general", *, away: tuple[str, ...] = ()) -> ChatState:
    made = ChatState("alice")
    made.take(welcome(*(agent(name, role="coder" if name in ("ada", "ben") else None) for name in NAMES[1:])), 0)
    made.rooms = {
        "general": Room("general", members=NAMES),
        "design": Room("design", members=("alice", "ada")),
        "empty": Room("empty", members=("alice",)),
    }
    made.room = room
    for name in away:
        made.members[name] = MemberView(name, MemberKind.AGENT, presence=Presence.OFFLINE)
    return made


@pytest.mark.parametrize(
    ("room", "text", "words"),
    [
        ("general", "hello", None),
        ("general", "", None),
        ("general", "@all hello", None),
        ("general", "\\@ada hello", None),
        ("general", "/rooms", None),
        ("general", "@", DIRECT_HELP),
        ("general", "@ad", DIRECT_HELP),
        ("general", "!@ad", DIRECT_HELP),
        ("general", "@ad hello", None),
        ("general", "@ada", "🔒 only you, ada, the owner and observers read this · public: /to"),
        ("general", "@ada hello", "🔒 only you, ada, the owner and observers read this · public: /to"),
        ("general", "@ada !stop it", "🔒 only you, ada, the owner and observers read this · public: /to"),
        ("general", "@ada @ben hello", "🔒 only you, ada, ben, the owner and observers read this · public: /to"),
        ("general", "@role:coder hello", "🔒 only you, ada, ben, the owner and observers read this · public: /to"),
        ("general", "@alice note", "🔒 only you, the owner and observers read this"),
        ("general", "/to", PUBLIC_HELP),
        ("general", "/to ada ", f"{PUBLIC} ada is woken"),
        ("general", "/to @Ada,ben hello", f"{PUBLIC} ada and ben are woken"),
        ("general", "/to nobody hello", None),
        ("design", "hello", None),
        ("design", "@ben hello", "ben is not in #design; /invite ben brings it in"),
        ("design", "@ada @ben @cleo hi", "ben and cleo are not in #design; /invite ben cleo brings them in"),
        ("design", "/to ben hello", "ben is not in #design; /invite ben brings it in"),
        ("empty", "hello", "Nobody else is in #empty; /invite NAME brings an agent in"),
        ("empty", "@all hello", "Nobody else is in #empty; /invite NAME brings an agent in"),
    ],
)
def test_who_reads_it(room: str, text: str, words: str | None) -> None:
    found = composer_hint(text, state(room))
    assert (found[1] if found else None) == words


@pytest.mark.parametrize(
    ("room", "text", "words"),
    [
        ("general", "hello", None),
        ("design", "hello", "Nobody in #design is here now: ada is away"),
        ("general", "@ada hello", "🔒 only you, ada, the owner and observers read this · public: /to · ada is away"),
    ],
)
def test_who_is_away(room: str, text: str, words: str | None) -> None:
    found = composer_hint(text, state(room, away=("ada",)))
    assert (found[1] if found else None) == words


def test_who_is_limited() -> None:
    chat = state(away=("ada",))
    chat.members["ben"] = agent("ben", condition=Condition(ConditionKind.LIMITED))
    chat.members["cleo"] = agent("cleo", condition=Condition(ConditionKind.LOGIN))
    found = composer_hint("@ada @ben @cleo hello", chat)
    assert found is not None and found[1].endswith(" · ada is away · ben is limited · cleo is logged out")


@pytest.mark.parametrize(
    ("recipients", "words"),
    [((), None), (("alice",), "🔒 only you, ada, the owner and observers read this · public: /to")],
)
def test_a_reply_to_a_direct_message_is_direct(recipients: tuple[str, ...], words: str | None) -> None:
    chat = state()
    chat.target = DraftTarget(TargetKind.REPLY, said(5, "hi", "ada", recipients=recipients))
    found = composer_hint("hello", chat)
    assert (found[1] if found else None) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@ada hello", "🔒 only you, ada and observers read this · public: /to"),
        ("@alice note", "🔒 only you and observers read this"),
    ],
)
def test_an_observer_may_be_the_owner_and_not_the_only_one(text: str, words: str) -> None:
    chat = ChatState("alice")
    chat.take(msgspec.structs.replace(welcome(agent("ada")), observer=True), 0)
    chat.rooms = {"general": Room("general", members=("alice", "ada"))}
    found = composer_hint(text, chat)
    assert (found[1] if found else None) == words


def test_an_agent_that_starts_is_here() -> None:
    chat = state("design")
    chat.members["ada"] = agent("ada", Activity.STARTING, presence=Presence.AWAY)
    assert composer_hint("hello", chat) is None


def test_many_who_are_named_take_few_words() -> None:
    found = composer_hint("@ada @ben @cleo @dan @eve hi", state())
    assert found is not None
    assert "ada, ben, cleo, 2 others, the owner and observers" in found[1]


def test_alone_on_the_gateway_there_is_nobody_to_invite() -> None:
    chat = ChatState("alice")
    chat.take(welcome(), 0)
    assert composer_hint("hello", chat) == ("class:warning", "Nobody else is in #general")
