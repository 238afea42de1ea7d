"""The questions an adapter answers, with values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from sidecar.rules import Rules, load_rules
from sidecar.signals import Probe, TurnFact


@dataclass(frozen=True)
class Submit:
    """How a message goes in: how long the paste burst lasts at least, and the key that submits."""

    pause: float = 0.15
    key: bytes = b"\r"
    echoes: bool = True
    collapses_from: tuple[int, int] = (10**9, 10**9)  # characters, lines from which a paste may show as a placeholder


@dataclass(frozen=True)
class Place:
    """Where a run happens: the user's folder, our private one, the hooks' address, and a fresh session id."""

    project: Path
    private: Path
    hooks: str
    session: str
    env: Mapping[str, str]


@dataclass(frozen=True)
class Launch:
    command: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[Path, str] = field(default_factory=dict)
    transcript: Path | None = None


def as_given(command: Sequence[str], place: Place) -> Launch:
    return Launch(tuple(command))


def never(command: Sequence[str]) -> bool:
    return False


def unchanged(text: str) -> str:
    return text


def nothing(_: Mapping[str, object]) -> TurnFact | None:
    return None


@dataclass(frozen=True)
class Agent:
    name: str
    rules: Rules
    is_for: Callable[[Sequence[str]], bool] = never
    launch: Callable[[Sequence[str], Place], Launch] = as_given
    submit: Submit = Submit()
    finish: Callable[[str], str] = unchanged
    hook: Callable[[Mapping[str, object]], TurnFact | None] = nothing
    transcript_line: Callable[[Mapping[str, object]], TurnFact | None] = nothing
    probe: Probe | None = None
    silence: float | None = None
    proves: bool = True
    shares: bool = True


def rules_of(name: str) -> Rules:
    path = files("sidecar.agents") / "rules" / f"{name}.toml"
    return load_rules(path.read_text(encoding="utf-8"), f"{name}.toml")


def program(command: Sequence[str]) -> str:
    return Path(command[0]).name if command else ""
