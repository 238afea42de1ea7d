"""The page about rules files explains each key as the format declares it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec

from sidecar.rules_file import file_format
from sidecar.rules_file.file_format import RulesTable, RulesTables
from sidecar.rules_file.linting import key_doc_of, lint_rules, table_in

DOCS = Path(__file__).parents[2] / "docs"
PAGE, GUIDE = DOCS / "design" / "0012-rules-file.md", DOCS / "guides" / "own-agent.md"


def tables() -> Iterator[tuple[str, type[RulesTable]]]:
    """Each table with the header under which it stands in a file."""
    yield "", RulesTables
    for one in msgspec.structs.fields(RulesTables):
        if (table := table_in(one.type)) is not None:
            several = one.encode_name in ("rules", "conditions")
            yield f"[[{one.encode_name}]]" if several else f"[{one.encode_name}]", table
    yield "[[transcript.lines]]", file_format.TranscriptLineTable


def rows(table: type[RulesTable]) -> Iterator[str]:
    for one in msgspec.structs.fields(table):
        if says := key_doc_of(one.type).says:
            yield f"| `{one.encode_name}` | {kind_of(one.type)} | {'needed' if one.required else ''} | {says} |"


def kind_of(kind: Any) -> str:
    key, base = key_doc_of(kind), get_args(kind)[0]
    text = str(base)
    if key.regex:
        return "regexes" if "list" in text else "regex"
    if words := [word for one in (base, *get_args(base)) for word in get_args(one) if isinstance(word, str)]:
        return ", ".join(words)
    if table_in(kind):
        return "tables"
    names = {"dict": "table", "list": "list of texts", "bool": "true, false", "float": "seconds", "int": "number"}
    found = "command" if "str | list" in text else next((name for one, name in names.items() if one in text), "text")
    return found


def page_text() -> str:
    """The tables of the page, as they must be."""
    parts = []
    for header, table in tables():
        about = " ".join(str(inspect.getdoc(table)).split())
        head = f"**`{header}`** {about}" if header else "**At the top**"
        parts.append("\n".join((f"{head}\n", "| key | value | | what it means |", "|---|---|---|---|", *rows(table))))
    return "\n\n".join(parts)


def test_the_page_explains_each_key_as_the_format_declares_it() -> None:
    page = PAGE.read_text(encoding="utf-8")
    missing = [line for line in page_text().split("\n") if line not in page]
    assert missing == [], "write these lines into the page"


def test_every_key_has_an_explanation() -> None:
    silent = [
        (name, one.name)
        for name, table in tables()
        for one in msgspec.structs.fields(table)
        if not key_doc_of(one.type).says and table_in(one.type) is None
    ]
    assert silent == []


def test_the_files_of_the_guide_have_no_faults() -> None:
    blocks = re.findall(r"```toml\n(agent = .*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    for text in blocks:
        assert lint_rules(text).faults == ()
