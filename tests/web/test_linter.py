"""The page's modules and their tests keep the rules of `eslint.config.mjs`."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CONFIG = Path(__file__).with_name("eslint.config.mjs")
ESLINT = Path(__file__).parent / "node_modules" / "eslint" / "bin" / "eslint.js"
NODE = shutil.which("node")
WITHOUT = "The linter of the page is not installed: bin/run-tests does it where npm is."

pytestmark = [pytest.mark.processes, pytest.mark.skipif(NODE is None or not ESLINT.exists(), reason=WITHOUT)]

# Each line is a mistake of its own; the rule that must find it stands behind it.
MISTAKES = (
    ("export const unused = (given) => 1;", "no-unused-vars"),
    ("export const undefinedName = () => documnet;", "no-undef"),
    ("export const forgotten = (box, text) => { box.innerHTML = text; };", "no-restricted-properties"),
    ("export const outer = (box, text) => { box.outerHTML = text; };", "no-restricted-properties"),
    ('export const inserted = (box, text) => box.insertAdjacentHTML("beforeend", text);', "no-restricted-properties"),
    ("export const written = (text) => document.write(text);", "no-restricted-properties"),
    ("export const kept = (text) => { document.cookie = text; };", "no-restricted-properties"),
    ("export const run = (text) => eval(text);", "no-eval"),
    ("export const made = (text) => new Function(text);", "no-new-func"),
    ('export const late = () => setTimeout("alert(1)", 1);', "no-implied-eval"),
    ('export const link = "javascript:alert(1)";', "no-script-url"),
    ("export const view = (html) => html`<p dangerouslySetInnerHTML=${1} />`;", "no-restricted-syntax"),
    ("export const frame = (html) => html`<iframe srcdoc=${1} />`;", "no-restricted-syntax"),
    ("export const props = { dangerouslySetInnerHTML: 1 };", "no-restricted-syntax"),
)


def linted(*paths: Path, at: Path) -> list[tuple[str, int, str]]:
    """What the linter finds, as file, line and rule."""
    assert NODE is not None
    command = [NODE, str(ESLINT), "--config", str(CONFIG), "--format", "json", *map(str, paths)]
    done = subprocess.run(command, cwd=at, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    files: list[dict[str, Any]] = json.loads(done.stdout)
    assert files, "nothing was looked at"
    return [(Path(one["filePath"]).name, told["line"], told["ruleId"]) for one in files for told in one["messages"]]


def test_the_modules_and_their_tests_are_clean() -> None:
    assert linted(ROOT / "gateway/web/page", ROOT / "tests/web", at=ROOT) == []


def test_each_mistake_is_found(tmp_path: Path) -> None:
    module = tmp_path / "mistakes.js"
    module.write_text("\n".join(line for line, _ in MISTAKES))
    found = {(line, rule) for _, line, rule in linted(module, at=tmp_path)}
    assert {(line, rule) for line, (_, rule) in enumerate(MISTAKES, 1)} - found == set()
