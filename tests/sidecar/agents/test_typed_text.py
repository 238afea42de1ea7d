"""Texts that OpenCode's and Cline's composers may draw otherwise than they were sent: they show as a long paste."""

from __future__ import annotations

import pytest

from gateway.protocol.types.core_types import Composer
from sidecar.agents import REGISTRY
from sidecar.agents.adapter.typed_text import collapse_if_disputed
from sidecar.messages.envelope import numbers_in
from sidecar.prompt_typing.typing_gate import ComposerContent, composer_content
from tests.gateway.protocol.text.test_invisible_characters import WRITTEN
from tests.sidecar.pictures import moment

HEAD = "[alice -> opencode #9]"
DISPUTED = [*WRITTEN.values(), "नमस्ते", "தமிழ்", "น้ำ", "ຫນຳ", "가\u1100\u1161", "e\u0301", "🇩🇪", "👍🏽", "\ue0b0"]


@pytest.mark.parametrize("text", DISPUTED)
def test_empty_lines_stand_between_the_envelope_and_such_a_text(text: str) -> None:
    assert collapse_if_disputed(f"{HEAD} {text}", 5) == f"{HEAD}\n\n\n\n{text}"
    assert collapse_if_disputed(f"{HEAD} {text}\nb\nc", 5) == f"{HEAD}\n\n{text}\nb\nc"
    assert collapse_if_disputed(f"{HEAD} a\n\n[bob -> opencode #10] {text}", 3) == (
        f"{HEAD}\na\n\n[bob -> opencode #10] {text}"
    )
    assert collapse_if_disputed(f"{HEAD}\n{text}", 5) == f"{HEAD}\n\n\n\n{text}", "what is behind the envelope goes"


@pytest.mark.parametrize("text", ["plain", "two\nlines", "Grüße", "日本語", "한국어", "שלום", "мир", "😀", "Ω≈√ → …"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert collapse_if_disputed(f"{HEAD} {text}", 5) == f"{HEAD} {text}"


def test_without_an_envelope_nothing_is_put_into_a_text() -> None:
    assert collapse_if_disputed("नमस्ते", 3) == "नमस्ते"


@pytest.mark.parametrize(
    ("name", "shown"), [("opencode", "[Pasted ~3 lines]"), ("cline", f"[{HEAD}... Pasted +5 lines]")]
)
def test_the_placeholder_stands_for_the_whole_text(name: str, shown: str) -> None:
    """It must have as many lines as the vendor's placeholder is known to stand for."""
    agent = REGISTRY[name]
    text = agent.text.finish(f"{HEAD} नमस्ते")
    assert numbers_in(text) == (9,)
    assert text.count("\n") + 1 >= agent.submit.collapses_from[1]
    seen = moment(composer=Composer.DRAFT, text=shown)
    assert composer_content(seen, text, agent) is ComposerContent.OURS
