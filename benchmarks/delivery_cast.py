"""The agents under test: each CLI as seen at its terminal, and the script of its model."""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sidecar.agents import REGISTRY, Adapter
from tests.fakes.models.script import ToolCall
from tests.real_clis.homes import (
    AIDER,
    CLAUDE,
    CLINE,
    CODEX,
    COPILOT,
    GEMINI,
    OPENCODE,
    PI,
    QWEN,
    VIBE,
    Cli,
    Launch,
    Place,
    base_env,
)

DEMO = (sys.executable, "-P", "-m", "sidecar.demo_agent")
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Manner:
    """How the model handles one message: how long it is silent and then streams, whether it calls a tool that needs
    permission (and how long that runs), and with which statuses it fails; `hopeless` is a failure that the CLI does not
    retry."""

    seconds: float = 0.15
    silence: float = 0.0
    tool: bool = False
    tool_seconds: float = 0.0
    failures: tuple[int, ...] = ()
    hopeless: int = 0


QUICK = Manner()


@dataclass(frozen=True)
class Player:
    """`mark` begins the composer's row; `yes` and `no` are the keys that a person answers a dialog with; `transient`
    are failures that it retries soon, `hopeless` one that ends its turn; `clears` empties the composer."""

    name: str
    cli: Cli | None
    mark: str
    dialog: str
    yes: str
    no: str = "\x1b"
    clears: str = "\x15"
    submits: str = "\r"
    transient: tuple[int, ...] = ()
    hopeless: int = 400
    own_env: Mapping[str, str] = field(default_factory=dict)

    @property
    def agent(self) -> Adapter:
        return REGISTRY[self.name]

    @property
    def version(self) -> str:
        return self.cli.version if self.cli else "1"

    @property
    def missing(self) -> str:
        return self.cli.missing if self.cli else ""

    def launch(self, place: Place) -> Launch:
        if self.cli is None:
            return Launch(DEMO, {**base_env(place), "PYTHONPATH": str(ROOT), **self.own_env})
        launch = self.cli.launch(place, self.cli.program)
        return Launch(launch.argv, {**launch.env, **self.own_env})

    def tool(self, command: str) -> ToolCall | None:
        """A call that asks first."""
        if self.cli is None:
            return None
        key = "cmd" if self.cli is CODEX else "command"
        return ToolCall(self.cli.tool.name, {**self.cli.tool.arguments, key: command})

    def composer(self, rows: list[str]) -> str | None:
        """The text in the composer's first row; None if there is no composer."""
        found = [
            match[1]
            for row in rows
            if (match := re.match(rf"[\s│|]*{re.escape(self.mark)}(?:[\s\xa0]+(.*?))?[\s│|]*$", row))
        ]
        return (found[-1] or "") if found else None

    def asks(self, rows: list[str]) -> bool:
        """If a text only quotes the dialog, the composer is beneath it."""
        marked = [n for n, row in enumerate(rows) if self.composer([row]) not in (None, *self._first_options(rows))]
        asked = [n for n, row in enumerate(rows) if self.dialog in row]
        return bool(asked) and asked[-1] > max(marked, default=-1)

    def _first_options(self, rows: list[str]) -> set[str]:
        """A dialog marks one of its options as the composer marks its text."""
        return {text for row in rows if (text := self.composer([row])) and re.match(r"\d\. ", text)}

    def says(self, content: str, manner: Manner) -> str:
        """The demo agent has no model: its instructions are in the message."""
        if self.cli is not None or manner == QUICK:
            return content
        words = [f"silent {manner.silence}"] if manner.silence else []
        words += ["ask"] if manner.tool else []
        words += [f"slow {manner.tool_seconds}"] if manner.tool_seconds else []
        words += ["error"] if manner.hopeless else []
        return f"{content}\nstream {manner.seconds} {' '.join(words)}"


class BarPlayer(Player):
    """Its composer stands behind a bar: an empty row, the text, an empty row, the mode, a row of half blocks."""

    def composer(self, rows: list[str]) -> str | None:
        foot = next((y for y, row in enumerate(rows) if re.match(r" *╹▀{8,}", row)), None)
        if foot is None:
            return None
        inside = [row.strip().lstrip("┃").strip() for row in rows[:foot]]
        top = next((y for y in range(foot - 3, -1, -1) if not rows[y].lstrip().startswith("┃")), -1)
        text = "" if top + 2 > foot - 3 else inside[top + 2]
        return "" if text.startswith("Ask anything…") else text

    def asks(self, rows: list[str]) -> bool:
        return self.composer(rows) is None and any(self.dialog in row for row in rows)


class RulePlayer(Player):
    """Its composer has no mark and stands between two rules, where its dialogs stand, too, behind an empty row."""

    def composer(self, rows: list[str]) -> str | None:
        inside = self._inside(rows)
        return None if self._is_dialog(inside) else inside[0].strip() if inside else None

    def asks(self, rows: list[str]) -> bool:
        inside = self._inside(rows)
        return self._is_dialog(inside) and any(self.dialog in row for row in inside)

    def _inside(self, rows: list[str]) -> list[str]:
        *_, top, bottom = (-1, -1, *(y for y, row in enumerate(rows) if re.match(r"─{3,}[─ ⠀-⣿]", row)))
        return rows[top + 1 : bottom] if 0 <= top < bottom else []

    def _is_dialog(self, inside: list[str]) -> bool:
        return len(inside) > 1 and not inside[0].strip()


class ClinePlayer(Player):
    """Its composer begins in the first column, or in the middle of its first screen, and says something while it is
    empty."""

    def composer(self, rows: list[str]) -> str | None:
        edged = [row for before, row in itertools.pairwise(rows) if re.fullmatch(r" *─{8,} *", before)]
        text = super().composer(edged)
        return "" if text in ("Ask anything...", "What can I do for you?") else text

    def asks(self, rows: list[str]) -> bool:
        return self.composer(rows) is None and any(self.dialog in row for row in rows)

    def tool(self, command: str) -> ToolCall | None:
        return ToolCall(CLINE.tool.name, {"commands": [command]})


class AiderPlayer(Player):
    """Its composer is the last row with its mark beneath the last rule. A question stays above what is printed then."""

    def composer(self, rows: list[str]) -> str | None:
        rule = max((y for y, row in enumerate(rows) if re.fullmatch(r"─{8,}", row)), default=len(rows))
        marked = [row for row in rows[rule + 1 :] if re.match(r">(?: |$)", row)]
        printed = any(row.strip() and not re.match(r">(?: |$)", row) for row in rows[rule + 1 :])
        return marked[0][2:].strip() if marked and not printed else None

    def asks(self, rows: list[str]) -> bool:
        said = [row for row in rows if row.strip()]
        return bool(said) and self.dialog in said[-1]


PLAYERS: dict[str, Player] = {
    "claude": Player(
        "claude",
        CLAUDE,
        mark="❯",
        dialog=CLAUDE.dialog,
        yes="1",
        transient=(429, 500, 529),
        own_env={"CLAUDE_CODE_MAX_RETRIES": "3"},
    ),
    "codex": Player("codex", CODEX, mark="›", dialog=CODEX.dialog, yes="y", transient=(429, 500, 503)),
    "gemini": Player("gemini", GEMINI, mark=">", dialog=GEMINI.dialog, yes="1", transient=(500, 429)),
    "opencode": BarPlayer("opencode", OPENCODE, mark="┃", dialog=OPENCODE.dialog, yes="\r", transient=(500, 429)),
    "qwen": Player("qwen", QWEN, mark=">", dialog=QWEN.dialog, yes="1", no="4", transient=(500, 429)),
    "copilot": Player("copilot", COPILOT, mark="❯", dialog=COPILOT.dialog, yes="1", transient=(500, 429)),
    "pi": RulePlayer("pi", PI, mark="", dialog=PI.dialog, yes="\r", transient=(500, 429)),
    "cline": ClinePlayer("cline", CLINE, mark="❯", dialog=CLINE.dialog, yes="y", no="n", transient=(500, 429)),
    "vibe": Player("vibe", VIBE, mark=">", dialog=VIBE.dialog, yes="1", no="4", transient=(500, 429)),
    "aider": AiderPlayer(
        "aider",
        AIDER,
        mark=">",
        dialog=AIDER.dialog,
        yes="y\r",
        no="n\r",
        clears="\x1b[1;5F\x1b[1;6H\x17",
        transient=(500, 429),
    ),
    "demo": Player("demo", None, mark="›", dialog="Do you want to run this?", yes="1"),
}

Say = Callable[[str], None]
