"""The documentation: its links lead somewhere, its index has the words that people look for, and its commands exist."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.chat_commands.command_table import ALIASES, COMMANDS
from tests.support.command_tree import APPS, leaves

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md"])
GUIDES = sorted((DOCS / "guides").glob("*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
WORDS = [
    *("invite", "mention", "thread", "notification", "shortcut", "cost", "resume", "log in", "approve", "stop"),
    *("export", "room", "mute", "unread", "bell", "key", "permission", "private", "token", "budget", "crash"),
    *("reboot", "install", "trust", "interrupt", "pause", "layout", "mouse", "pane", "search", "reaction", "pin"),
    *("role", "vote", "debate", "remote", "script", "attach", "stuck", "loop", "HTML", "Markdown", "urgent"),
]
# Commands of the vendors' own programs that the guides name.
OF_VENDORS = {"cost", "stats", "copy"}
# Guides in which a word after a slash is always a command, not the path of an address.
CHAT_GUIDES = [
    *("first-chat", "chat", "window", "notifications", "rooms", "costs", "resume", "export"),
    *("modes", "decisions", "loops", "troubleshooting", "team"),
]
BEHIND_OPTIONS = r"(?:--?[\w-]+(?:[= ][\w./:~-]+)? )*"
VERBS = {path[:2] if len(path) > 1 else path for app in APPS.values() for path, _ in leaves(app, groups=True)}
TOP = {path[0] for path in VERBS}
GROUPS = {path[0] for path in VERBS if len(path) > 1}


def links_of(page: Path) -> Iterator[tuple[Path, str]]:
    """The files and anchors of the links, except links to other places."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)
    for target in LINK.findall(text):
        if not re.match(r"[a-z]+:", target):
            name, _, anchor = target.partition("#")
            yield ((page.parent / name).resolve() if name else page), anchor


def anchors_of(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    broken = [
        f"{target}#{anchor}"
        for target, anchor in links_of(page)
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors_of(target))
    ]
    assert broken == []


def test_the_index_has_every_page() -> None:
    linked = {target for target, _ in links_of(INDEX)}
    pages = {*GUIDES, *DOCS.glob("*.md")} - {INDEX}
    assert [str(page.relative_to(DOCS)) for page in sorted(pages - linked)] == []


def word_rows() -> list[tuple[list[str], str]]:
    """The words of each row, and the text of its pages."""
    table = INDEX.read_text().partition("## What are you looking for?")[2].partition("\n## ")[0]
    found = []
    for line in table.splitlines():
        if line.startswith("| ") and LINK.search(line):
            words, pages = line.strip("| ").split(" | ")
            texts = ((DOCS / target.partition("#")[0]).read_text() for target in LINK.findall(pages))
            found.append(([word.strip("` ") for word in words.split(", ")], "\n".join(texts)))
    return found


@pytest.mark.parametrize(("words", "text"), word_rows(), ids=lambda value: value[0] if isinstance(value, list) else "")
def test_a_word_of_the_index_leads_to_a_page_that_has_it(words: list[str], text: str) -> None:
    plain = " ".join(text.split()).lower()
    assert [word for word in words if word.lower() not in plain] == []


@pytest.mark.parametrize("word", WORDS)
def test_what_people_look_for_is_in_the_index(word: str) -> None:
    assert any(word.lower() in found.lower() for words, _ in word_rows() for found in words)


@pytest.mark.parametrize("name", CHAT_GUIDES)
def test_every_chat_command_of_a_guide_exists(name: str) -> None:
    text = (DOCS / "guides" / f"{name}.md").read_text()
    named = set(re.findall(r"(?:^|[`\s(])/([a-z]+)(?![\w/.])", text))
    assert named - set(COMMANDS) - set(ALIASES) - OF_VENDORS == set()


@pytest.mark.parametrize("page", [*GUIDES, ROOT / "README.md"], ids=lambda page: page.name)
def test_every_verb_of_a_guide_exists(page: Path) -> None:
    text = page.read_text()
    code = [*re.findall(r"`([^`\n]+)`", text), *re.findall(r"^(?:    |\| `?)(.*)$", text, re.MULTILINE)]
    used = {
        pair
        for one in code
        for pair in re.findall(rf"(?<![\w/-])groupchat {BEHIND_OPTIONS}([a-z]+)\b(?: ([a-z]+)\b)?", one)
    }
    assert sorted({verb for verb, _ in used} - TOP) == []
    subverbs = {(verb, word) for verb, word in used if verb in GROUPS and verb not in ("mode",) and word}
    assert sorted(subverbs - VERBS) == []


@pytest.mark.parametrize(("table", "page"), [("layout", "window.md"), ("chat", "notifications.md")])
def test_a_page_has_each_setting_of_its_table(table: str, page: str) -> None:
    """With the same comments as in the team file that `groupchat init` writes."""
    settings = (
        (ROOT / "controller" / "team" / "team.toml").read_text().partition(f"[{table}]\n")[2].partition("\n\n")[0]
    )
    text = (DOCS / "guides" / page).read_text()
    for line in settings.splitlines():
        assert line.removeprefix("# ") in text, f"docs/guides/{page} lacks: {line.removeprefix('# ')}"


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_every_example_in_toml_is_valid(page: Path) -> None:
    for block in re.findall(r"```toml\n(.*?)```", page.read_text(), re.DOTALL):
        tomllib.loads(block.replace('notify = ["ssh"', 'notify2 = ["ssh"'))
