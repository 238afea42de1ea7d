"""How bash, zsh and fish ask for candidates, and how each reads the answer. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from controller.cli.completion.expected_words import CompletedWord


class Line(NamedTuple):
    """The words before the one under the cursor, and what stands of that one."""

    words: list[str]
    incomplete: str


def line_of(shell: str, env: Mapping[str, str]) -> Line:
    if shell == "bash":
        return _bash_line(env.get("COMP_WORDS", "").split("\n"), int(env.get("COMP_CWORD") or 0))
    typed = env.get("_TYPER_COMPLETE_ARGS", "")
    words = _split(typed)[1:]
    return Line(words, "") if not words or typed[-1:].isspace() else Line(words[:-1], words[-1])


def _bash_line(parts: Sequence[str], at: int) -> Line:
    """Bash cuts a word before and after `@`, `:` and `=`. The pieces of a name are joined again; `--room=lab` is two
    words."""
    words = [""]
    for number, part in enumerate(parts[: at + 1]):
        begins = part == "@" or number == 0 or not (part == ":" or parts[number - 1] in ("@", ":"))
        if begins:
            words.append("")
        words[-1] += part
    clean = [_unquoted(word) for word in words[2:-1]]
    return Line([word for word in clean if word != "="], words[-1].lstrip("'\""))


def _unquoted(word: str) -> str:
    return " ".join(_split(word)) if word else word


def _split(text: str) -> list[str]:
    """The words, also of a line whose quote is still open."""
    for end in ("", '"', "'"):
        try:
            return shlex.split(text + end)
        except ValueError:
            continue
    return text.split()


def answer_for(shell: str, found: Sequence[CompletedWord]) -> str:
    if shell == "bash":
        return "\n".join(one.word for one in found)
    if shell == "fish":
        return "\n".join(f"{one.word}\t{one.help}" if one.help else one.word for one in found)
    if not found:
        return "_files"
    return "_arguments '*: :((" + "\n".join(_zsh_item(one) for one in found) + "))'"


def _zsh_item(one: CompletedWord) -> str:
    return f'"{_zsh_text(one.word)}":"{_zsh_text(one.help)}"' if one.help else f'"{_zsh_text(one.word)}"'


def _zsh_text(text: str) -> str:
    """The answer is evaluated by zsh: nothing in it may be more than text there."""
    for one, other in (("\\", ""), ('"', ""), ("'", ""), ("$", ""), ("`", ""), (":", r"\\:"), ("\n", " ")):
        text = text.replace(one, other)
    return text
