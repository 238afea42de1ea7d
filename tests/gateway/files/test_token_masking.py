"""Tokens of identity providers are hidden in logs by their form, wherever they stand."""

from __future__ import annotations

import pytest

from gateway.files.token_masking import HIDDEN_MARK, mask_tokens
from tests.support.issuer import claims, sign
from tests.support.world import NOON

TOKEN = sign(claims(NOON))


@pytest.mark.parametrize("text", ["{}", "token {} of ann", "https://id.example.org/?x={}&y=1", '{{"token": "{}"}}'])
def test_a_token_of_a_provider_is_hidden(text: str) -> None:
    assert mask_tokens(text.format(TOKEN)) == text.format(HIDDEN_MARK)


@pytest.mark.parametrize("text", ["eyes.open.wide", "keyboard.layout.file", "a.b.c", "1.2.3"])
def test_other_words_with_dots_are_not(text: str) -> None:
    assert mask_tokens(text) == text
