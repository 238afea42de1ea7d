"""What is said of a draft that would be sealed, before it is sent."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from controller.view.panels.composer_hint import composer_hint
from controller.view.panels.room_bar import room_bar, room_tabs
from controller.view.panels.roster_rows import roster_rows
from controller.view.state.chat_state import ChatState
from controller.view.state.draft_target import DraftTarget, TargetKind
from controller.wording.key_text import KeyTrust, MemberKey
from gateway.encryption.member_client.checked_messages import MessageProof
from gateway.protocol.types.core_types import Room
from tests.controller.streams import agent, welcome
from tests.controller.wording.test_key_text import PRINT, key
from tests.controller.wording.test_proof_text import found


def state_of(trust: Mapping[str, KeyTrust], room: str = "vault", *, can_seal: bool = True) -> ChatState:
    state = ChatState("alice", room)
    state.take(welcome(agent("bob"), agent("dan")), 0)
    state.rooms["vault"] = Room("vault", members=("alice", "bob", "dan"), sealed=True)
    state.rooms["general"] = Room("general", members=("alice", "bob", "dan"))
    state.keys = {"alice": MemberKey("alice", KeyTrust.OWN, PRINT)}
    state.keys |= {name: key(name, found_trust) for name, found_trust in trust.items()}
    state.can_seal = can_seal
    return state


USABLE = {"bob": KeyTrust.VERIFIED, "dan": KeyTrust.FIRST_USE}


@pytest.mark.parametrize(
    ("text", "trust", "style", "part"),
    [
        ("@bob hello", USABLE, "class:dim", "only you and bob can read this"),
        ("@bob @dan hello", USABLE, "class:dim", "only you, bob and dan can read this"),
        ("@bob hello", {"dan": KeyTrust.VERIFIED}, "class:warning", "bob has no key"),
        ("@bob hello", {"bob": KeyTrust.CHANGED}, "class:warning", "the key of bob has CHANGED"),
        ("@bob hello", {"bob": KeyTrust.REVOKED}, "class:warning", "bob has revoked the key"),
        ("hello", {"bob": KeyTrust.VERIFIED}, "class:warning", "dan cannot read this"),
        ("/seal @bob hello", USABLE, "class:dim", "only you and bob can read this"),
        ("/seal @bob hello", {}, "class:warning", "bob has no key"),
        ("/seal", USABLE, "class:dim", "/seal @NAME TEXT"),
        ("/seal hello", USABLE, None, ""),
        ("/seal @nobody hello", USABLE, "class:dim", "/seal @NAME TEXT"),
    ],
)
def test_a_draft_in_a_sealed_room(text: str, trust: dict[str, KeyTrust], style: str | None, part: str) -> None:
    hint = composer_hint(text, state_of(trust))
    assert (hint[0] if hint else None) == style
    assert hint is None or part in hint[1]


def test_nothing_is_said_of_an_ordinary_message_that_all_can_read() -> None:
    assert composer_hint("hello", state_of(USABLE)) is None


def test_without_an_open_key_everything_sealed_would_be_refused() -> None:
    hint = composer_hint("hello", state_of(USABLE, can_seal=False))
    assert hint == (
        "class:warning",
        "▣ sealed: there is no open key of yours on this machine, so this would be refused",
    )


def test_an_answer_to_a_sealed_direct_message_is_sealed() -> None:
    state = state_of(USABLE, "general")
    message = found("the code", proof=MessageProof.VERIFIED, was_sealed=True)
    direct = msgspec.structs.replace(message, recipients=("alice",))
    state.target = DraftTarget(TargetKind.REPLY, direct)
    hint = composer_hint("understood", state)
    assert hint is not None
    assert "sealed: only you and bob can read this" in hint[1]


def test_the_room_bar_marks_sealed_rooms() -> None:
    tabs = room_tabs(("general", "vault"), "vault", {}, {"vault"})
    assert "".join(text for _, text in room_bar(tabs, 80)) == " 1 general  2 ▣#vault "
    assert "▣#vault" in "".join(text for _, text in room_bar(room_tabs(("vault",), "vault", {}, {"vault"}), 80))


def test_the_roster_marks_keys() -> None:
    state = state_of({"bob": KeyTrust.VERIFIED, "dan": KeyTrust.CHANGED}, "general")
    rows = ["".join(text for _, text in row) for row in roster_rows(state, 20, 20)]
    assert any(row.startswith("● bob ✓") for row in rows)
    assert any(row.startswith("● dan ✗") for row in rows)
    assert state.changed_keys() == ["dan"]
    for width in (2, 4, 6, 8):
        assert all(len("".join(text for _, text in row)) <= width for row in roster_rows(state, width, 20))


def test_a_room_that_is_said_to_be_sealed_stays_sealed() -> None:
    state = state_of(USABLE)
    assert state.is_sealed("vault")
    assert state.sealed_rooms() == frozenset({"vault"})
    assert msgspec.structs.replace(state.rooms["vault"], topic="x").sealed
