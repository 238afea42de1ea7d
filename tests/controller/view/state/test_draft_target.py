"""What the next message is for: who gets a reply, and what the line above the composer says."""

from __future__ import annotations

import pytest

from controller.view.state.draft_target import DraftTarget, TargetKind, aimed
from gateway.protocol.text.addressing import AddressedText, Named
from gateway.protocol.types.core_types import Part
from tests.controller.streams import said

PUBLIC = said(9, "which  disk?\nthe big one", "bob")
PRIVATE = said(9, "psst", "claude", recipients=("alice",))
OF_THREE = said(9, "psst", "alice", recipients=("claude", "codex"))
REPLY, REPLACE = TargetKind.REPLY, TargetKind.REPLACE


@pytest.mark.parametrize(
    ("target", "to", "goes_to"),
    [
        (None, (), ()),
        (DraftTarget(REPLY, PUBLIC), (), ()),
        (DraftTarget(REPLY, PRIVATE), (), (Named("claude"),)),
        (DraftTarget(REPLY, OF_THREE), (), (Named("claude"), Named("codex"))),
        (DraftTarget(REPLY, PRIVATE), (Named("codex"),), (Named("codex"),)),
        (DraftTarget(REPLACE, OF_THREE), (), ()),
    ],
)
def test_a_reply_to_a_direct_message_stays_between_its_readers(
    target: DraftTarget | None, to: tuple[Named, ...], goes_to: tuple[Named, ...]
) -> None:
    assert aimed(AddressedText(to, "ok"), target, "alice").to == goes_to


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (DraftTarget(REPLY, PUBLIC), "reply to #9 bob: which disk? the big one"),
        (DraftTarget(REPLY, PRIVATE), "reply to #9 claude (only claude): psst"),
        (DraftTarget(REPLACE, OF_THREE), "instead of #9: psst"),
        (
            DraftTarget(REPLY, said(9, "\x1b]0;x\x07", "bob")),
            "reply to #9 bob: \N{REPLACEMENT CHARACTER}]0;x\N{REPLACEMENT CHARACTER}",
        ),
    ],
)
def test_the_line_above_the_composer(target: DraftTarget, words: str) -> None:
    assert target.words("alice") == words


def test_a_replacement_keeps_what_the_message_answered_and_carried() -> None:
    old = said(9, "look", "alice", reply_to=4, parts=(Part("file", "a.py"),))
    target = DraftTarget(REPLACE, old)
    assert (target.reply_to, target.replaces, target.parts) == (4, 9, old.parts)
    assert DraftTarget(REPLACE, said(9, "look", "alice", wakes=("ada",))).wakes == ("ada",)
    assert DraftTarget(REPLY, said(9, "look", "bob", wakes=("ada",))).wakes == ()
    reply = DraftTarget(REPLY, old)
    assert (reply.reply_to, reply.replaces, reply.parts) == (9, None, ())
