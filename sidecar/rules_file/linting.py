"""Finds the faults of a rules file: each with its line, and with what to do. Pure."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from gateway.files.toml_line_numbers import TomlSource
from sidecar.rules_file.envelope_template import NO_ENVELOPE, problem_of_template
from sidecar.rules_file.file_format import KeyDoc, LaunchTable, MatcherTable, RulesTable, RulesTables
from sidecar.rules_file.pattern_safety import time_risk

PLACEHOLDERS = ("project", "private", "home", "session", "hook")
PRIVATE_PREFIX = "{private}/"
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")
_EXPECTED = {
    str: "text in quotes",
    bool: "true or false, without quotes",
    int: "a whole number",
    float: "a number",
    list: "a list of texts in quotes",
    dict: 'a table of texts, such as { LANG = "C.UTF-8" }',
}


@dataclass(frozen=True)
class RulesFault:
    """`line` is None where the whole file is meant."""

    line: int | None
    problem: str

    def in_file(self, name: str) -> str:
        return f"{name}, line {self.line}: {self.problem}" if self.line else f"{name}: {self.problem}"


@dataclass(frozen=True)
class LintedRules:
    """`tables` is None if there are faults."""

    tables: RulesTables | None
    faults: tuple[RulesFault, ...] = ()


def lint_rules(text: str, name: str = "") -> LintedRules:
    """`name` is that of the file; it must be the agent's name, too."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return LintedRules(None, (_fault_of_toml(error),))
    source = TomlSource.of(name, text)
    faults = list(_faults_of_table(RulesTables, values, _Place(source)))
    if not faults:
        tables = msgspec.convert(values, RulesTables)
        faults = list(_faults_of_meaning(tables, source, PurePath(name).stem if name.endswith(".toml") else ""))
    if faults:
        return LintedRules(None, tuple(sorted(faults, key=lambda one: one.line or 0)))
    return LintedRules(tables)


def read_unchecked(text: str) -> RulesTables:
    """A file of ours, which the tests lint."""
    return msgspec.convert(tomllib.loads(text), RulesTables)


def _fault_of_toml(error: tomllib.TOMLDecodeError) -> RulesFault:
    found = _TOML_PLACE.search(str(error))
    line = int(found[1]) if found and found[1] else None
    what = _TOML_PLACE.sub("", str(error))
    advice = "Texts stand in quotes; regular expressions in single ones, such as '^> $'"
    return RulesFault(line, f"this is not TOML: {what}. {advice}.")


# The form: keys, types, regular expressions


@dataclass(frozen=True)
class _Place:
    """A table of the file. `number`: which one, of several with this name. A table inside a line has the line of its
    `parent`."""

    source: TomlSource
    table: str = ""
    number: int = 0
    parent: tuple[_Place, str] | None = None

    def line_of(self, key: str = "") -> int | None:
        line = self.source.line_of(self.table, self.number, key)
        return self.parent[0].line_of(self.parent[1]) if line is None and self.parent else line

    def inside(self, key: str, number: int = 0) -> _Place:
        return _Place(self.source, f"{self.table}.{key}" if self.table else key, number, (self, key))

    def name_of(self, key: str) -> str:
        return f"`{key}` of [{self.table}]" if self.table else f"`{key}`"

    def fault(self, key: str, problem: str) -> RulesFault:
        return RulesFault(self.line_of(key), f"{self.name_of(key)} {problem}")


def _faults_of_table(kind: type[RulesTable], values: Mapping[str, Any], place: _Place) -> Iterator[RulesFault]:
    known = {one.encode_name: one for one in msgspec.structs.fields(kind)}
    for key, value in values.items():
        if key in known:
            yield from _faults_of_value(known[key].type, key, value, place)
        else:
            yield place.fault(key, f"is not known. {_nearest(key, known)}")
    for key, one in known.items():
        if one.required and key not in values:
            yield RulesFault(place.line_of(), f"{place.name_of(key)} is missing: {key_doc_of(one.type).says}.")


def _nearest(word: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"Did you mean `{near[0]}`?" if near else f"Known are: {', '.join(sorted(known))}."


def key_doc_of(kind: Any) -> KeyDoc:
    return next((one for one in getattr(kind, "__metadata__", ()) if isinstance(one, KeyDoc)), KeyDoc(""))


def _base_of(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def table_in(kind: Any) -> type[RulesTable] | None:
    """The table that a key holds, alone or in a list."""
    base = _base_of(kind)
    candidates = (base, *get_args(base))
    return next((one for one in candidates if isinstance(one, type) and issubclass(one, RulesTable)), None)


def _faults_of_value(kind: Any, key: str, value: Any, place: _Place) -> Iterator[RulesFault]:
    base = _base_of(kind)
    if (table := table_in(kind)) is not None:
        yield from _faults_of_tables(table, key, value, place, several=get_origin(base) is list)
        return
    try:
        msgspec.convert(value, base)
    except msgspec.ValidationError:
        yield place.fault(key, f"must be {_expected(base, value)}.")
        return
    for text in (value if isinstance(value, list) else [value]) if key_doc_of(kind).regex else ():
        yield from (place.fault(key, problem) for problem in _problems_of_pattern(text, key_doc_of(kind)))


def _faults_of_tables(
    table: type[RulesTable], key: str, value: Any, place: _Place, *, several: bool
) -> Iterator[RulesFault]:
    found = value if several else [value]
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        inner = place.inside(key).table
        header = f"[[{inner}]]" if several else f"[{inner}]"
        braces = "tables in braces" if issubclass(MatcherTable, table) else f"a table: begin it with {header}"
        yield place.fault(key, f"must be {braces}.")
        return
    for number, one in enumerate(found):
        yield from _faults_of_table(table, one, place.inside(key, number))


def _expected(base: Any, value: Any) -> str:
    kinds = [one for one in (get_args(base) or (base,)) if one is not type(None)]
    literal = next((one for one in (base, *kinds) if get_origin(one) is Literal), None)
    if literal is not None:
        return f"one of {', '.join(get_args(literal))}, not {value!r}"
    if get_origin(base) in (list, dict):
        kinds = [get_origin(base)]
    return " or ".join(_EXPECTED.get(get_origin(one) or one, "another value") for one in kinds)


def _problems_of_pattern(text: str, key: KeyDoc) -> Iterator[str]:
    try:
        risk = time_risk(key.flags + text)
        groups = re.compile(text, re.MULTILINE).groupindex
    except (re.error, RecursionError, OverflowError) as error:
        yield f"is not a regular expression: {error}."
        return
    if risk:
        yield f"may take forever: {risk}."
    if missing := [f"(?P<{one}>...)" for one in key.groups if text and one not in groups]:
        yield f"lacks the group {' and '.join(missing)}."


@dataclass(frozen=True)
class PlacedPattern:
    """A regular expression of the file, and where it stands."""

    line: int | None
    name: str
    pattern: str


def patterns_in(text: str) -> Iterator[PlacedPattern]:
    """All of them, in a file without faults of form."""
    return _patterns_of_table(RulesTables, tomllib.loads(text), _Place(TomlSource.of("", text)))


def _patterns_of_table(kind: type[RulesTable], values: Mapping[str, Any], place: _Place) -> Iterator[PlacedPattern]:
    for one in msgspec.structs.fields(kind):
        value, table = values.get(one.encode_name), table_in(one.type)
        found = value if isinstance(value, list) else [] if value is None else [value]
        for number, inner in enumerate(found):
            if table is not None:
                yield from _patterns_of_table(table, inner, place.inside(one.encode_name, number))
            elif key_doc_of(one.type).regex:
                pattern = key_doc_of(one.type).flags + inner
                yield PlacedPattern(place.line_of(one.encode_name), place.name_of(one.encode_name), pattern)


# The meaning


def _faults_of_meaning(tables: RulesTables, source: TomlSource, stem: str) -> Iterator[RulesFault]:
    top = _Place(source)
    if stem and tables.agent != stem:
        yield top.fault("agent", f"is {tables.agent!r}, but the file is called {stem}.toml; both must be the same.")
    yield from _faults_of_envelope(tables, top)
    yield from _faults_of_rules(tables, top)
    yield from _faults_of_box(tables, top)
    yield from _faults_of_launch(tables.launch, top.inside("launch"))
    yield from _faults_of_transcript(tables, top)


def _faults_of_envelope(tables: RulesTables, top: _Place) -> Iterator[RulesFault]:
    if tables.envelope and (problem := problem_of_template(tables.envelope)):
        yield RulesFault(top.line_of("envelope"), f"`envelope`: {problem}")
    proof = "transcript" if tables.transcript else "hooks"
    if tables.envelope == NO_ENVELOPE and (tables.transcript or tables.hooks):
        problem = f'is "none", but [{proof}] proves a message by the number in its envelope; leave out one of them.'
        yield top.fault("envelope", problem)


def _faults_of_rules(tables: RulesTables, top: _Place) -> Iterator[RulesFault]:
    names: set[str] = set()
    named = [("rules", number, one.name) for number, one in enumerate(tables.rules)]
    named += [("conditions", number, one.name) for number, one in enumerate(tables.conditions)]
    for table, number, name in named:
        if name in names:
            problem = f"is {name!r} a second time; each rule needs a name of its own."
            yield top.inside(table, number).fault("name", problem)
        names.add(name)
    for number, rule in enumerate(tables.rules):
        place = top.inside("rules", number)
        if _is_empty(rule):
            yield RulesFault(place.line_of(), f"rule {rule.name!r} matches everything; give it `regex` or `contains`.")
        for key, inner in _inner_matchers(rule).items():
            if any(map(_holds_an_empty_one, inner)):
                yield place.fault(key, "holds a matcher without `regex` or `contains`.")
    yield from _faults_of_conditions(tables, top)
    for state in missing_states(tables):
        yield RulesFault(None, f"no rule says {state}; {_ADVICE_BY_STATE[state]}.")


def _faults_of_conditions(tables: RulesTables, top: _Place) -> Iterator[RulesFault]:
    for number, condition in enumerate(tables.conditions):
        if re.search(condition.regex, "") is not None:
            problem = "matches an empty text, and so everything; name some words."
            yield top.inside("conditions", number).fault("regex", problem)


def _inner_matchers(one: MatcherTable) -> Mapping[str, list[MatcherTable]]:
    return {"all": one.all, "any": one.any, "not": one.not_}


def _is_empty(one: MatcherTable) -> bool:
    return not (one.contains or one.regex or any(_inner_matchers(one).values()))


def _holds_an_empty_one(one: MatcherTable) -> bool:
    return _is_empty(one) or any(
        _holds_an_empty_one(inner) for found in _inner_matchers(one).values() for inner in found
    )


_ADVICE_BY_STATE = {
    "idle": "say in [marks] `prompt` or in [[rules]] how it looks while it waits",
    "busy": "say in [[rules]] how it looks while it works",
    "asking": "say in [[rules]] how it looks while a dialog is open, so that no message is typed into it",
}


def missing_states(tables: RulesTables) -> list[str]:
    """The states that no rule recognises although a message could then be typed at the wrong moment."""
    said = {rule.says for rule in tables.rules}
    said |= {"idle", "asking"} if tables.marks else set()
    wanted = ["idle", "asking"] + (["busy"] if tables.box or tables.experimental else [])
    return [state for state in wanted if state not in said]


def _faults_of_box(tables: RulesTables, top: _Place) -> Iterator[RulesFault]:
    if (box := tables.box) is None:
        return
    if tables.marks is not None:
        yield RulesFault(top.line_of("marks"), "[marks] is for a program without [box]; use [[rules]] beside a box.")
    if not (box.mark or box.marks):
        yield RulesFault(top.line_of("box"), "[box] needs `mark` or `marks`: how the first row of its input begins.")
    if box.continued and not box.top:
        yield top.inside("box").fault("continued", "needs `top`: the row that begins each prompt.")
    if box.gutter and not box.foot:
        yield top.inside("box").fault("gutter", "needs `foot`: the row beneath the box.")


def _faults_of_launch(launch: LaunchTable, place: _Place) -> Iterator[RulesFault]:
    texts = {"command": launch.command, "resume": launch.resume, "environment": " ".join(launch.environment.values())}
    for key, value in texts.items():
        words = value if isinstance(value, list) else [value]
        yield from _faults_of_names(words, key, place)
    if launch.resume and "{session}" not in str(launch.resume):
        yield place.fault("resume", "must name {session}, the conversation to continue.")
    for path in launch.files:
        if not path.startswith(PRIVATE_PREFIX) or ".." in PurePath(path).parts:
            yield place.fault("files", f"may only write below {PRIVATE_PREFIX}, not {path!r}.")


def _faults_of_names(words: Iterable[str], key: str, place: _Place) -> Iterator[RulesFault]:
    unknown = (name for word in words for name in _PLACEHOLDER.findall(word) if name not in PLACEHOLDERS)
    yield from (place.fault(key, f"names {{{name}}}. {_nearest(name, PLACEHOLDERS)}") for name in unknown)


def _faults_of_transcript(tables: RulesTables, top: _Place) -> Iterator[RulesFault]:
    if (transcript := tables.transcript) is None:
        return
    place = top.inside("transcript")
    told = {one.is_ for one in transcript.lines}
    if "prompt" not in told:
        yield place.fault("lines", 'has none that is = "prompt", so nothing would prove that a message was read.')
    if not told & {"answer", "ended"}:
        yield place.fault("lines", 'has none that is = "answer" (or "ended"), so no answer would come back.')
    for number, one in enumerate(transcript.lines):
        if one.is_ in ("prompt", "answer") and not one.text:
            yield place.inside("lines", number).fault("text", f"is missing: the field with the {one.is_}.")
    yield from _faults_of_names([transcript.file], "file", place)
    first, _, _ = transcript.file.partition("*")
    if "/" not in first or "**" in transcript.file:
        yield place.fault("file", "must be a whole path that begins with a folder without `*`: {home}/.mine/*.jsonl.")


def fault_at_key(text: str, table: str, key: str, problem: str) -> RulesFault:
    """A fault that somebody else has found in a file without faults of form."""
    return _Place(TomlSource.of("", text), table).fault(key, problem)
