"""Prompts that a person can give an agent, to say how it shall use the tools: text files beside this one."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / "prompts"
NAMES = ("advisor", "reviewer")


def about(name: str) -> str:
    return _parts(name)[0].strip()


def text(name: str) -> str:
    return _parts(name)[2].strip()


def _parts(name: str) -> tuple[str, str, str]:
    if name not in NAMES:
        raise ValueError(f"There is no prompt {name!r}; there are {', '.join(NAMES)}.")
    return (_FOLDER / f"{name}.md").read_text(encoding="utf-8").partition("\n")
