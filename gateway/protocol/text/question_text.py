"""An agent's question in words: what it is about, and the commands that answer it. Pure."""

from __future__ import annotations

import re
from typing import Protocol

from gateway.protocol.text.printable_text import printable_lines
from gateway.protocol.types.core_types import AskAbout, Option

LINE_BREAK = " ↵ "
_CHANGED_FILE = re.compile(r"^\+\+\+ (?:b/)?([^\t\n]+)", re.MULTILINE)


class AskedQuestion(Protocol):
    """The fields of an ask that its words are made of."""

    @property
    def member(self) -> str: ...
    @property
    def question(self) -> str: ...
    @property
    def options(self) -> tuple[Option, ...]: ...
    @property
    def tool(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def allow(self) -> str: ...
    @property
    def deny(self) -> str: ...
    @property
    def about(self) -> AskAbout: ...
    @property
    def words(self) -> bool: ...


def question_body(ask: AskedQuestion) -> list[str]:
    """The lines of what it is about; none where all of it is the question."""
    lines = printable_lines(ask.detail) if ask.detail else []
    kept = [one for one in lines if one.strip() != ask.question.strip()] if ask.about is AskAbout.TEXT else lines
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def question_subject(ask: AskedQuestion) -> tuple[str, str]:
    """What was asked, in one line: how it begins, and the thing itself."""
    body = question_body(ask)
    thing = LINE_BREAK.join(" ".join(body).split() if ask.about is AskAbout.TEXT else body)
    if ask.about is AskAbout.COMMAND and thing:
        return "asked to run ", thing
    if ask.about is AskAbout.PATH and thing:
        return f"asked for {ask.tool or 'the file'} ", thing
    if ask.about is AskAbout.DIFF and (changed := _change_text(ask.detail)):
        return "asked to change ", changed
    question = " ".join(ask.question.split())
    return (f"asked: {question} ", " ".join(" ".join(body).split())) if thing else ("asked: ", question)


def _change_text(diff: str) -> str:
    """The changed file of a diff, and the number of changed lines."""
    name = _CHANGED_FILE.search(diff)
    lines = diff.split("\n")
    more = sum(one.startswith("+") and not one.startswith("+++ ") for one in lines)
    less = sum(one.startswith("-") and not one.startswith("--- ") for one in lines)
    return f"{name[1]} (+{more} -{less})" if name else ""


def answer_commands(ask: AskedQuestion, prefix: str = "/") -> list[str]:
    """Commands that answer it, only those that would be accepted."""
    found = [f"{prefix}approve {ask.member}"] if ask.allow else []
    found += [f"{prefix}approve {ask.member} {ask.options[0].key}"] if ask.options else []
    found += [f"{prefix}deny {ask.member}"] if ask.deny else []
    words = "because ..." if prefix == "/" else '"because ..."'
    return found + ([f"{prefix}deny {ask.member} {words}"] if ask.deny and ask.words else [])
