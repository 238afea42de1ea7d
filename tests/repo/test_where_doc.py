"""`docs/where.md` answers each question with files and names; they must be there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MIN_QUESTIONS = 20
MAX_FILES = 3
PLACE = re.compile(r"`((?:gateway|sidecar|controller)/[\w/.-]+\.(?:py|toml))(?::\s+(\w+))?`")


def answers() -> dict[str, list[tuple[str, str]]]:
    rows = [line.split(" | ") for line in (ROOT / "docs" / "where.md").read_text().splitlines() if "? | " in line]
    return {row[0].strip("| "): PLACE.findall(row[1]) for row in rows}


def places() -> list[tuple[str, str]]:
    return sorted({place for found in answers().values() for place in found})


def definition_of(name: str) -> re.Pattern[str]:
    return re.compile(rf"^\s*(?:async def|def|class) {name}\b|^{name}\b(?::[^=]+)? = ", re.MULTILINE)


@pytest.mark.parametrize(("file", "name"), places())
def test_the_file_defines_the_name(file: str, name: str) -> None:
    text = (ROOT / file).read_text()
    assert file.endswith(".toml") or (name and definition_of(name).search(text))


@pytest.mark.parametrize("question", answers())
def test_few_files_answer_a_question(question: str) -> None:
    assert 1 <= len({file for file, _ in answers()[question]}) <= MAX_FILES


def test_each_place_is_written_in_the_form_that_is_checked() -> None:
    for line in (ROOT / "docs" / "where.md").read_text().splitlines():
        if "? | " in line:
            assert line.split(" | ")[1].count("`") == 2 * len(PLACE.findall(line.split(" | ")[1])), line


def test_enough_questions_are_answered() -> None:
    assert len(answers()) >= MIN_QUESTIONS
