"""In a real tmux the border beside the messages stays straight, whatever characters they hold."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes.painted_rows import BORDER_COLUMN
from tests.fakes.retry import retry_until

ROOT = Path(__file__).parents[2]
EMOJI_WORDS = (
    "👍🏽 👩‍👩‍👧‍👦 🇩🇪 🇺🇳🇫🇷 1️⃣ ❤️ ✔️ ☝🏿 🧑🏻‍💻 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🏳️‍🌈 🤷🏽‍♀️ 👨🏿‍🦰 👁️‍🗨️ 🅰️ ‼️ ㊗️ ⌚ ⚡ 🀄 🎉 🆒 🇽 🏽 "
    "\U0001fae8 \U0001fae9 \U0001fabf \U0001f6dc \U0001fabe \ue0b0"
)
SCRIPT_WORDS = (
    "日本語 한국어 한국어 สวัสดี น้ำ नमस्ते हिन्दी বাংলা தமிழ் తెలుగు മലയാളം ខ្មែរ ລາວ မြန်မာ བོད་ཡིག العربية שָׁלוֹם Z͑ͫ̓ͪ ẹ́ ｱｲｳ ａｂｃ "
    "☰☷ ䷀ 𝕏𝓎 ﷺ ﷽ ᠮᠣᠩ ߒߞߏ ދިވެހި አማርኛ ꧁ ᜀᜒ 𓀀 𒀀 ⸻ ①② ★☆ → … —"
)
EMOJI, SCRIPTS = EMOJI_WORDS.split(), SCRIPT_WORDS.split()
PAGES = [
    [f"{one} end {one}" for one in EMOJI],
    [f"plain text {number}" for number in range(len(SCRIPTS))],
    [f"a{one}b{one}{one} end" for one in SCRIPTS],
    [f"{one}" for one in EMOJI],
    [f"{one} end" for one in reversed(SCRIPTS)],
]


class Tmux:
    def __init__(self, folder: Path) -> None:
        self._socket = folder / "tmux.sock"
        self._env = {name: value for name, value in os.environ.items() if name not in ("TMUX", "TMUX_PANE")}

    def __call__(self, *arguments: str) -> str:
        command = ("tmux", "-u", "-S", str(self._socket), "-f", "/dev/null", *arguments)
        env = {**self._env, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
        return done.stdout

    def columns_of(self, sign: str, rows: int) -> list[tuple[int, int]]:
        """The row and column at which tmux itself finds the sign, from the left of each row."""
        self("set", "-g", "mode-keys", "vi", ";", "copy-mode")
        orders: list[str] = []
        for row in range(rows):
            down = ("send", "-X", "-N", str(row), "cursor-down", ";") if row else ()
            orders += ["send", "-X", "top-line", ";", "send", "-X", "start-of-line", ";", *down]
            orders += ["send", "-X", "start-of-line", ";", "send", "-X", "search-forward", sign, ";"]
            orders += ["display", "-p", "#{copy_cursor_y} #{copy_cursor_x}", ";"]
        found = self(*orders, "send", "-X", "cancel")
        return [(int(row), int(column)) for row, column in (line.split() for line in found.splitlines())]


@contextmanager
def painted(folder: Path, columns: int) -> Iterator[Tmux]:
    pages = folder / "pages.json"
    pages.write_text(json.dumps(PAGES))
    tmux = Tmux(folder)
    program = (sys.executable, "-P", "-m", "tests.fakes.painted_rows", str(pages))
    tmux("new-session", "-d", "-x", str(columns), "-y", "44", *program)
    try:
        yield tmux
    finally:
        tmux("kill-server")


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
@pytest.mark.parametrize("columns", [60, 80, 120, 200])
async def test_no_character_moves_the_border(tmp_path: Path, columns: int) -> None:
    assert len(EMOJI) + len(SCRIPTS) >= 40
    with painted(tmp_path, columns) as tmux:
        for number, page in enumerate(PAGES):
            await retry_until(lambda number=number: f"page {number}" in tmux("capture-pane", "-p"))  # type: ignore[misc]
            expected = [(row, BORDER_COLUMN) for row in range(len(page))]
            assert tmux.columns_of("│", len(page)) == expected, tmux("capture-pane", "-p")
            tmux("send-keys", "x")
