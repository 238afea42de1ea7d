"""Tokens: made from given entropy, opened by the secret alone, until revoked or expired."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.access.tokens import (
    ENTROPY_BYTES,
    TokenRecord,
    check_token,
    create_token_record,
    is_team_token,
    is_valid,
    token_digest,
    token_id_of,
)
from gateway.protocol.errors import Unauthorized
from gateway.protocol.types.core_types import Scope
from tests.support.world import NOON, STAMP, entropy

TOKEN, RECORD = create_token_record(entropy("a"), "alice", STAMP, (Scope.ADMIN,), NOON + 10)
OTHER, _ = create_token_record(entropy("b"), "bob", STAMP)


def test_a_token_names_its_record_and_the_record_keeps_no_secret() -> None:
    assert token_id_of(TOKEN) == RECORD.id
    assert (RECORD.member, RECORD.scopes, RECORD.expires, RECORD.revoked) == ("alice", (Scope.ADMIN,), NOON + 10, False)
    secret = TOKEN.split("_", 2)[2]
    assert len(secret) >= 43, "256 bits"
    assert secret.encode() not in msgspec.json.encode(RECORD)
    assert entropy("a")[8:].hex().encode() not in msgspec.json.encode(RECORD)


def test_the_record_of_a_tools_token_is_stored_under_its_old_name() -> None:
    """Databases of earlier versions hold it so."""
    tools = msgspec.structs.replace(RECORD, is_tools_token=True)
    assert b'"hands":true' in msgspec.json.encode(tools)
    assert msgspec.json.decode(msgspec.json.encode(tools), type=TokenRecord) == tools


def test_other_entropy_makes_another_token() -> None:
    assert TOKEN != OTHER
    assert token_id_of(TOKEN) != token_id_of(OTHER)
    with pytest.raises(ValueError, match=str(ENTROPY_BYTES)):
        create_token_record(b"short", "alice", STAMP)


def test_the_right_token_opens() -> None:
    assert check_token(TOKEN, RECORD, NOON) == RECORD


REFUSED: dict[str, tuple[str, TokenRecord | None, float]] = {
    "unknown": (TOKEN, None, NOON),
    "another's": (OTHER, RECORD, NOON),
    "cut short": (TOKEN[:-1], RECORD, NOON),
    "longer": (TOKEN + "x", RECORD, NOON),
    "empty": ("", RECORD, NOON),
    "empty secret": (f"gc_{RECORD.id}_", RECORD, NOON),
    "the hash itself": (f"gc_{RECORD.id}_{RECORD.hash}", RECORD, NOON),
    "not text": ("gc_\ud800_\ud800", RECORD, NOON),
    "empty for nobody": ("", None, NOON),
    "revoked": (TOKEN, msgspec.structs.replace(RECORD, revoked=True), NOON),
    "just expired": (TOKEN, RECORD, NOON + 10),
    "long expired": (TOKEN, RECORD, NOON + 10_000),
}


HOLDS: list[tuple[TokenRecord | None, float, bool]] = [
    (RECORD, NOON, True),
    (RECORD, NOON + 9.9, True),
    (RECORD, NOON + 10, False),
    (msgspec.structs.replace(RECORD, expires=None), NOON + 1e9, True),
    (msgspec.structs.replace(RECORD, revoked=True), NOON, False),
    (None, NOON, False),
]


@pytest.mark.parametrize(("record", "now", "good"), HOLDS)
def test_whether_a_token_still_holds(record: TokenRecord | None, now: float, good: bool) -> None:
    assert is_valid(record, now) is good


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_open(case: str) -> None:
    token, record, now = REFUSED[case]
    with pytest.raises(Unauthorized) as caught:
        check_token(token, record, now)
    assert token == "" or token not in caught.value.message


def test_only_the_owner_is_told_that_a_token_has_expired() -> None:
    messages = {}
    for case, (token, record, now) in REFUSED.items():
        with pytest.raises(Unauthorized) as caught:
            check_token(token, record, now)
        messages[case] = caught.value.message
    with pytest.raises(Unauthorized) as caught:
        check_token(OTHER, RECORD, NOON + 10)
    assert caught.value.message == messages["unknown"]
    assert len({text for case, text in messages.items() if "expired" not in case}) == 1, "every refusal reads alike"
    assert "has expired" in messages["just expired"]


@pytest.mark.parametrize("text", ["", "gc", "gc_abc", "xx_abc_def", "gcabc_d_e", "bearer"])
def test_what_is_no_token_of_ours_names_no_record(text: str) -> None:
    assert token_id_of(text) is None


def test_the_team_token_is_known_by_its_digest() -> None:
    assert is_team_token("team", token_digest("team"))
    assert not is_team_token("Team", token_digest("team"))
    assert not is_team_token("team", None)
    assert not is_team_token("", None)


@settings(deadline=None, derandomize=True)
@given(st.binary(min_size=ENTROPY_BYTES, max_size=ENTROPY_BYTES))
def test_every_token_can_travel_in_a_header_and_in_a_url(seed: bytes) -> None:
    token, record = create_token_record(seed, "alice", STAMP)
    assert token.isascii() and set(token) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    assert check_token(token, record, NOON) == record


@settings(deadline=None, derandomize=True)
@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_no_text_opens_or_breaks_anything(text: str) -> None:
    with pytest.raises(Unauthorized):
        check_token(text, RECORD, NOON)
