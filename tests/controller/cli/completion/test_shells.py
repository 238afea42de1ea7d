"""How each shell asks, and what it reads."""

from __future__ import annotations

import pytest

from controller.cli.completion.expected_words import CompletedWord
from controller.cli.completion.shells import Line, answer_for, line_of


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        (["groupchat", ""], Line([], "")),
        (["groupchat", "hi"], Line([], "hi")),
        (["groupchat", "history", "--room", ""], Line(["history", "--room"], "")),
        (["groupchat", "send", "@", "cla"], Line(["send"], "@cla")),
        (["groupchat", "send", "@cla"], Line(["send"], "@cla")),
        (["groupchat", "send", "@"], Line(["send"], "@")),
        (["groupchat", "send", "@", "ada", "@", "cl"], Line(["send", "@ada"], "@cl")),
        (["groupchat", "send", "@", "ada", "'two words'", ""], Line(["send", "@ada", "two words"], "")),
        (["groupchat", "history", "--room", "=", "la"], Line(["history", "--room"], "la")),
    ],
)
def test_the_line_of_bash(parts: list[str], line: Line) -> None:
    env = {"COMP_WORDS": "\n".join(parts), "COMP_CWORD": str(len(parts) - 1)}
    assert line_of("bash", env) == line


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("groupchat ", Line([], "")),
        ("groupchat hi", Line([], "hi")),
        ("groupchat send @cla", Line(["send"], "@cla")),
        ("groupchat send 'two words' ", Line(["send", "two words"], "")),
        ("groupchat send 'two wo", Line(["send"], "two wo")),
    ],
)
def test_the_line_of_zsh_and_fish(shell: str, typed: str, line: Line) -> None:
    assert line_of(shell, {"_TYPER_COMPLETE_ARGS": typed}) == line


def test_the_answers() -> None:
    found = [CompletedWord("@claude", "coder, idle"), CompletedWord("@all")]
    assert answer_for("bash", found) == "@claude\n@all"
    assert answer_for("fish", found) == "@claude\tcoder, idle\n@all"
    assert answer_for("zsh", found) == '_arguments \'*: :(("@claude":"coder, idle"\n"@all"))\''
    assert answer_for("zsh", []) == "_files"


def test_zsh_evaluates_nothing_of_a_text() -> None:
    shown = answer_for("zsh", [CompletedWord("7", "'$(touch x)' `x` \"y\" a:b")])
    assert shown == '_arguments \'*: :(("7":"(touch x) x y a\\\\:b"))\''
