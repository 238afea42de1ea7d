"""Expressions that may take forever are told from those that may not, by their form and by a trial."""

import re

import pytest

from sidecar.rules_file.bounded_pattern import BoundedPattern, TimeAccount
from sidecar.rules_file.pattern_safety import time_risk
from sidecar.rules_file.pattern_trial import slow_text

ENDLESS = [
    r"(a+)+$",
    r"(.*)*",
    r"(?:\w+\s?)*$",
    r"(a|a)*$",
    r"(?:a|\w\w)*!",
    r"(?:x?y?)*z",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"(x{0,20}){0,20}y",
    r"(?=(a+)+)b",
    r"(?:[^\n]*…)*x",
    r"(?i)(?:[a-z]*A)*$",
    r"(?:(?:ab)*a*b?)*c",
    "a*" * 13 + "b",
]
HARMLESS = [
    r"^mine> $",
    r"(?:\n[^\n]*)*\Z",
    r"(?:\n ?│[^\n]*)*\n ?╰─{8,}╯",
    r"(?:a|b)*c",
    r"(a|ab)*c",
    r"(?:\d++,)+",
    r"(?:(?>a+)b)*",
    r"\[Pasted text #\d+(?: \+(?P<lines>\d+) lines?)?\]",
    r"^.{0,80}\besc to interrupt\b",
    r"(?:…[^…\n]*)*x",
]


@pytest.mark.parametrize("pattern", ENDLESS)
def test_an_expression_that_may_take_forever_is_found_by_its_form(pattern: str) -> None:
    assert time_risk(pattern)


@pytest.mark.parametrize("pattern", HARMLESS)
def test_an_expression_that_may_not_passes(pattern: str) -> None:
    assert (time_risk(pattern), slow_text(pattern)) == ("", "")


def test_a_slow_expression_of_harmless_form_is_found_by_the_trial() -> None:
    pattern = r"a*a*a*a*a*a*b"
    assert time_risk(pattern) == ""
    assert "'a' repeated" in slow_text(pattern)


@pytest.mark.parametrize("method", ["search", "match", "fullmatch"])
def test_an_endless_match_is_ended_and_what_shares_its_account_matches_no_more(method: str) -> None:
    account = TimeAccount()
    endless, other = (BoundedPattern(re.compile(one), account) for one in (r"(a+)+$", "b"))
    assert other.search("b")
    assert getattr(endless, method)("a" * 64 + "!") is None
    assert "'(a+)+$' takes longer than 0.1 s" in account.problem
    assert other.search("b") is None


def test_a_bounded_expression_is_like_the_one_that_it_bounds() -> None:
    bounded = BoundedPattern(re.compile("a(b)"), TimeAccount())
    found = bounded.match("xab", 1)
    assert found is not None
    assert (found[1], bounded.search("ab") is not None, bounded.fullmatch("abc"), bounded.pattern) == (
        "b",
        True,
        None,
        "a(b)",
    )
