"""Runs every regular expression of the three packages on texts that could make it slow. They are found in the source,
so that a new one is included by itself. The texts consist of parts of the expression, repeated and followed by a text
that does not match.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gateway", "sidecar", "controller")
CALLS = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
# What takes time is to parse a file: only one with such a call is.
HAS_A_CALL = re.compile(rf"\bre\s*\.\s*(?:{'|'.join(sorted(CALLS))})\b")
SIZES = (22, 48, 300, 12_000)
MOST_S = 0.06  # for 12 000 characters: an expression with linear time takes a few milliseconds
UNITS = (
    *"a1_-. \n\t@[]()`*#\"':;=/|{}<>~!?",
    "\x1b",
    "\x1b[",
    "\x1b]",
    "a ",
    " a",
    "a-",
    "a.",
    "ab\n",
    "  \n",
    "**",
    "``",
)
TAILS = ("", "\x01", "\né")

# Expressions built at run time: where their parts come from, and why their time is bounded.
MADE_AT_RUN = {
    "controller/view/state/stream_entries.py": "a member's name",
    "controller/view/text/search_highlights.py": "the words that the reader searches for, as literals",
    "sidecar/screen/compiled_rules.py": "rules of agents: files of ours, or of the operator with a time limit",
    "sidecar/rules_file/linting.py": "the same, compiled and not matched",
    "sidecar/rules_file/pattern_trial.py": "the same, with a time limit",
    "sidecar/agents/adapter/rules_file_adapter.py": "our five placeholders, as literals",
    "sidecar/approvals/questions/dialog_parser.py": "keys of a dialog's options: one character each",
    "sidecar/demo_agent/turn_plans.py": "a script of the demo agent's own person",
    "sidecar/demo_agent/script.py": "a script of the demo agent's own person",
}


@dataclass(frozen=True)
class Expression:
    """`only`: it is matched only at the beginning."""

    where: str
    pattern: re.Pattern[Any]
    only: str = ""

    def __str__(self) -> str:
        return self.where


def modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path


@cache
def found() -> tuple[tuple[Expression, ...], tuple[str, ...]]:
    """All expressions, and the places of those that are built at run time."""
    expressions, unknown = [], []
    for name, path in modules():
        source = path.read_text(encoding="utf-8")
        if not HAS_A_CALL.search(source):
            continue
        tree = ast.parse(source)
        space = dict(vars(importlib.import_module(name)))
        for node in ast.walk(tree):
            if _is_call(node):
                assert isinstance(node, ast.Call)
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                pattern = _pattern_of(node, space)
                if pattern is None:
                    unknown.append(str(path.relative_to(ROOT)))
                else:
                    expressions.append(Expression(where, pattern, _only(node, tree)))
    return tuple(expressions), tuple(unknown)


def _is_call(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
        return False
    return isinstance(node.func.value, ast.Name) and node.func.value.id == "re" and node.func.attr in CALLS


def _pattern_of(node: ast.Call, space: dict[str, Any]) -> re.Pattern[Any] | None:
    flags = [one.value for one in node.keywords if one.arg == "flags"]
    flags += node.args[1:2] if isinstance(node.func, ast.Attribute) and node.func.attr == "compile" else []
    try:
        text, *numbers = (eval(ast.unparse(one), dict(space)) for one in (node.args[0], *flags))
        return re.compile(text, *numbers)
    except NameError:
        return None


@cache
def _attributes(tree: ast.Module) -> dict[str, set[str]]:
    """The methods called on each name: `word.match(text)` calls `match` on `word`."""
    asked: dict[str, set[str]] = defaultdict(set)
    for one in ast.walk(tree):
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name):
            asked[one.value.id].add(one.attr)
    return asked


def _only(node: ast.Call, tree: ast.Module) -> str:
    """`match` or `fullmatch`, if the expression is used only with these."""
    assert isinstance(node.func, ast.Attribute)
    if node.func.attr != "compile":
        return node.func.attr if node.func.attr in ("match", "fullmatch") else ""
    name = next((one.targets[0] for one in tree.body if isinstance(one, ast.Assign) and one.value is node), None)
    used = _attributes(tree)[name.id] if isinstance(name, ast.Name) else set()
    return "fullmatch" if used == {"fullmatch"} else "match" if used and used <= {"match", "fullmatch"} else ""


def pieces(pattern: re.Pattern[Any]) -> Iterator[str]:
    """Words and signs of the expression, alone and in pairs."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    plain = re.sub(r"\\[a-zA-Z]|\(\?[^)]{0,9}", " ", source).replace("\\", "")
    words = re.findall(r"[^\W_]{2,12}|[^\w\s]", plain)[:60]
    yield from dict.fromkeys(words)
    yield from dict.fromkeys(a + b for a, b in itertools.pairwise(words))
    yield from dict.fromkeys(f"{word}{sign}" for word in words if len(word) > 1 for sign in "= -:a1 ")


def texts(pattern: re.Pattern[Any], size: int) -> Iterator[str]:
    for unit in dict.fromkeys((*UNITS, *pieces(pattern))):
        yield from ((unit * (size // len(unit))) + tail for tail in TAILS)


def seconds(one: Expression, text: Any) -> float:
    if isinstance(one.pattern.pattern, bytes):
        text = text.encode("latin-1", "replace")
    begun = time.thread_time()
    if one.only:
        getattr(one.pattern, one.only)(text)
    else:
        for _ in one.pattern.finditer(text):
            pass
    return time.thread_time() - begun


def slowest(one: Expression) -> tuple[float, str]:
    """Stop at the first size that takes too long, because a bad expression would never end at the last."""
    worst = (0.0, "")
    for size in SIZES:
        for text in texts(one.pattern, size):
            took = seconds(one, text)
            if took > MOST_S:
                took = min(took, seconds(one, text))
            worst = max(worst, (took, f"{text[:30]!r} of {size}"))
            if took > MOST_S:
                return worst
    return worst


# They are looked up when the test runs: to find them takes a second, also in a run that leaves this test out.
@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.slow
def test_no_text_keeps_an_expression_busy(package: str) -> None:
    expressions = [one for one in found()[0] if one.where.startswith(f"{package}/")]
    assert len(expressions) > 20
    slow = {str(one): (one.pattern.pattern, *slowest(one)) for one in expressions}
    assert {where: one for where, one in slow.items() if one[1] > MOST_S} == {}


def test_what_is_made_at_run_is_known() -> None:
    assert set(found()[1]) == set(MADE_AT_RUN)


@pytest.mark.slow
def test_this_test_finds_what_it_is_for() -> None:
    """An expression that takes 20 s, and one that never ends."""
    named = r"(?im)^(?P<name>[^\n]*\b\w*(?:secret|token|password)\w*[\"']?\s*[:=]\s*)(?P<value>\"[^\"\n]{6,}\")"
    for pattern in (named, r"(a+)+$", r"\s+\d", r"\beyJ[\w-]{10,}\.[\w-]+"):
        assert slowest(Expression("", re.compile(pattern)))[0] > MOST_S, pattern
