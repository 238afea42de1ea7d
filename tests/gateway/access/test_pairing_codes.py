"""Codes of pairing: right ones pass at any time, wrong ones at a bounded rate."""

from __future__ import annotations

import pytest

from gateway.access.pairing_codes import CODE_LIFETIME_S, PairingCodes, PairingGrant
from gateway.access.tokens import ENTROPY_BYTES
from gateway.protocol.errors import GroupChatError
from gateway.protocol.types.core_types import DeviceScope

GRANT = PairingGrant("alice", "0011223344556677", DeviceScope.MEMBER, "")


def answer(codes: PairingCodes, code: str, now: float) -> str:
    try:
        codes.find(code, now)
    except GroupChatError as error:
        return error.code
    return "found"


def count(codes: PairingCodes, wrong: int, now: float) -> tuple[int, int]:
    """How many of so many wrong codes are called wrong, and how many too many."""
    answers = [answer(codes, f"guess-{number}", now) for number in range(wrong)]
    return answers.count("unauthorized"), answers.count("rate_limited")


MOMENTS: list[list[tuple[float, int, tuple[int, int]]]] = [
    # at, wrong codes, how many are called wrong and how many are too many
    [(0, 1, (1, 0))],
    [(0, 20, (20, 0)), (0, 1, (0, 1))],
    [(0, 5000, (20, 4980)), (0.5, 10, (0, 10)), (1, 10, (1, 9)), (11, 20, (10, 10))],
    [(0, 20, (20, 0)), (20, 21, (20, 1))],
    [(number, 1, (1, 0)) for number in range(100)],
    [(10, 20, (20, 0)), (5, 10, (0, 10))],  # a clock that goes back gives nothing
]


@pytest.mark.parametrize("moments", MOMENTS)
def test_wrong_codes_have_a_bounded_rate(moments: list[tuple[float, int, tuple[int, int]]]) -> None:
    codes = PairingCodes()
    assert [count(codes, wrong, at) for at, wrong, _ in moments] == [wanted for _, _, wanted in moments]


@pytest.mark.parametrize("guesses", [0, 20, 5000])
def test_a_right_code_passes_however_many_wrong_ones_came(guesses: int) -> None:
    codes = PairingCodes()
    code, made = codes.begin(GRANT, bytes(ENTROPY_BYTES), 0)
    count(codes, guesses, 0)
    assert codes.find(code, 0) == made
    assert codes.find(code, CODE_LIFETIME_S - 1) == made, "looking at it does not use it up"
    codes.use_up(code)
    assert answer(codes, code, 0) == ("rate_limited" if guesses >= 20 else "unauthorized")


def test_right_codes_do_not_count() -> None:
    codes = PairingCodes()
    code, _ = codes.begin(GRANT, bytes(ENTROPY_BYTES), 0)
    assert {answer(codes, code, 0) for _ in range(1000)} == {"found"}
    assert count(codes, 20, 0) == (20, 0)


def test_an_old_code_is_a_wrong_one() -> None:
    codes = PairingCodes()
    code, _ = codes.begin(GRANT, bytes(ENTROPY_BYTES), 0)
    assert answer(codes, code, CODE_LIFETIME_S) == "unauthorized"
