"""Answers a shell that completes a line of `groupchat`."""

from __future__ import annotations

import os
import sys

from controller.cli.completion.command_index import load_index
from controller.cli.completion.expected_words import CompletedWord, wanted_at
from controller.cli.completion.shells import answer_for, line_of


def print_completions(shell: str) -> int:
    """Print the candidates. Whatever fails, a shell gets no words, and no error between its own."""
    try:
        line = line_of(shell, os.environ)
        found = _candidates(line.words, line.incomplete)
    except Exception:
        return 1
    if os.environ.get("_TYPER_COMPLETE_FISH_ACTION") == "is-args":
        return 0 if found else 1
    sys.stdout.write(answer_for(shell, found) + "\n")
    sys.stdout.flush()
    return 0


def _candidates(words: list[str], incomplete: str) -> list[CompletedWord]:
    wanted = wanted_at(load_index(os.environ), words, incomplete)
    found = list(wanted.candidates)
    if wanted.kind:
        from controller.cli.completion.value_lookups import look_up

        found += look_up(wanted, os.environ)
    safe = (one for one in found if one.word.isprintable() and one.word.startswith(incomplete))
    return [CompletedWord(one.word, "".join(c for c in one.help if c.isprintable())) for one in safe]
