"""The rule files of one agent: loaded once and read again after a change. If a new version is broken, the last good one
stays.

A file of the user, `rules/<agent>.toml` in the state folder, takes precedence over ours.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from gateway.client import state_folder
from gateway.protocol.types.agent_conditions import ConditionKind
from gateway.protocol.types.core_types import Activity
from sidecar.errors import BadRules
from sidecar.screen.rules import (
    FAILURE_REGION,
    SCREEN_REGIONS,
    SOURCE_BY_REGION,
    ConditionRule,
    Matcher,
    ScreenRule,
    ScreenRules,
    StartupQuery,
)
from sidecar.screen.screen_layout import MAX_DIALOG_ROWS, BoxStyle, DialogStyle

FileStamps = tuple[tuple[int, int] | None, ...]
_KNOWN_TABLES = {"agent", "versions", "experimental", "banner", "start", "box", "dialog", "rules", "conditions"}
_RULE_KEYS = {"name", "region", "says", "priority", "keeps", "box", "alternate", "versions"}
_CONDITION_KEYS = {"name", "region", "kind", "regex"}
_MATCHER_KEYS = {"contains", "regex", "all", "any", "not"}


def built_in_rules_file(agent: str) -> Path:
    return Path(str(files("sidecar.agents"))) / "rules" / f"{agent}.toml"


def overriding_rules_file(agent: str, env: Mapping[str, str]) -> Path:
    return state_folder(env) / "rules" / f"{agent}.toml"


class RuleFiles:
    """The first of `paths` that exists and can be used. `problem` is a sentence about a file that cannot."""

    def __init__(self, paths: Sequence[Path], good: ScreenRules) -> None:
        self._paths = tuple(paths)
        self._stamp: FileStamps | None = None
        self.rules = good
        self.problem = ""
        self.refresh()

    @classmethod
    def of(cls, good: ScreenRules, env: Mapping[str, str]) -> RuleFiles:
        return cls((overriding_rules_file(good.agent, env), built_in_rules_file(good.agent)), good)

    def refresh(self) -> bool:
        """Return whether the rules have changed. Costs one stat per file if nothing has changed."""
        stamp = tuple(_file_stamp(path) for path in self._paths)
        if stamp == self._stamp:
            return False
        self._stamp, before = stamp, self.rules.digest
        self.problem = ""
        path = next((path for path, one in zip(self._paths, stamp, strict=True) if one), None)
        if path is not None:
            self._take(path)
        return self.rules.digest != before

    def _take(self, path: Path) -> None:
        try:
            self.rules = load_file(path)
        except BadRules as error:
            self.problem = f"{error} The last good ones stay in force ({self.rules.origin}, {self.rules.digest})."


def _file_stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def load_file(path: Path) -> ScreenRules:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadRules(f"The rules in {path} cannot be read: {error}.") from error
    return load_rules(text, str(path))


def load_rules(text: str, name: str = "rules") -> ScreenRules:
    try:
        data = tomllib.loads(text)
        _check_known_keys(data, _KNOWN_TABLES, "table")
        rules = ScreenRules(
            agent=data["agent"],
            versions=tuple(data.get("versions", ())),
            rules=tuple(_parse_rule(one) for one in data.get("rules", ())),
            box=_parse_box(data["box"]) if "box" in data else None,
            options=_parse_options(data["dialog"]) if "dialog" in data else None,
            banner=_compile_pattern(data.get("banner")),
            start=_parse_startup_query(data["start"]) if "start" in data else None,
            experimental=bool(data.get("experimental")),
            conditions=tuple(_parse_condition_rule(one) for one in data.get("conditions", ())),
            digest=hashlib.sha256(text.encode()).hexdigest()[:12],
            origin=name,
        )
        if problems := check_rules(rules):
            raise ValueError("; ".join(problems))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, re.error) as error:
        raise BadRules(f"The rules in {name} cannot be used: {error!r}.") from error
    return rules


def check_rules(rules: ScreenRules) -> list[str]:
    """What a set of rules lacks, in words. Empty if it can distinguish idle, busy and asking."""
    said = {rule.says for rule in rules.rules}
    wanted = {Activity.IDLE, Activity.ASKING}
    if rules.box is not None or rules.experimental:
        wanted.add(Activity.BUSY)
    problems = [f"no rule says {state}" for state in sorted(wanted - said)]
    names = [*(rule.name for rule in rules.rules), *(one.name for one in rules.conditions)]
    problems += [f"two rules are called {name!r}" for name in sorted({one for one in names if names.count(one) > 1})]
    problems += [f"rule {rule.name!r} matches everything" for rule in rules.rules if rule.matcher.is_empty]
    return problems


def _check_known_keys(data: Mapping[str, Any], known: set[str], what: str) -> None:
    if unknown := set(data) - known:
        raise ValueError(f"unknown {what} {', '.join(sorted(unknown))}")


def _compile_pattern(text: str | None) -> re.Pattern[str] | None:
    return re.compile(text, re.MULTILINE) if text else None


def _parse_rule(data: Mapping[str, Any]) -> ScreenRule:
    region = data["region"]
    if region not in SCREEN_REGIONS and region not in SOURCE_BY_REGION:
        raise ValueError(f"unknown region {region!r} in rule {data['name']!r}")
    return ScreenRule(
        name=data["name"],
        region=region,
        matcher=_parse_matcher(data, _RULE_KEYS | _MATCHER_KEYS),
        says=Activity(data["says"]),
        priority=data.get("priority", 0),
        keeps=data.get("keeps"),
        box=data.get("box"),
        alternate=data.get("alternate"),
        versions=tuple(data.get("versions", ())),
    )


def _parse_condition_rule(data: Mapping[str, Any]) -> ConditionRule:
    region = data["region"]
    _check_known_keys(data, _CONDITION_KEYS, "key")
    if region not in (*SCREEN_REGIONS, *SOURCE_BY_REGION, FAILURE_REGION):
        raise ValueError(f"unknown region {region!r} in condition {data['name']!r}")
    return ConditionRule(
        data["name"], region, ConditionKind(data["kind"]), re.compile(data["regex"], re.MULTILINE | re.IGNORECASE)
    )


def _parse_matcher(data: Mapping[str, Any], known: set[str] = _MATCHER_KEYS) -> Matcher:
    _check_known_keys(data, known, "key")
    return Matcher(
        contains=data.get("contains", ""),
        regex=_compile_pattern(data.get("regex")),
        all=tuple(_parse_matcher(one) for one in data.get("all", ())),
        any=tuple(_parse_matcher(one) for one in data.get("any", ())),
        none=tuple(_parse_matcher(one) for one in data.get("not", ())),
    )


def _parse_box(data: Mapping[str, Any]) -> BoxStyle:
    top, marks = _compile_pattern(data.get("top", data.get("rule"))), data.get("marks", "")
    return BoxStyle(
        frame=(top, _compile_pattern(data.get("bottom")) or top) if top else None,
        mark=re.compile(data.get("mark") or f"[{re.escape(marks)}]"),
        indent=data.get("indent", 2),
        marks=marks,
        below=_compile_pattern(data.get("below")),
        footer=_compile_pattern(data.get("footer")),
        above=_compile_pattern(data.get("above")),
        placeholders=tuple(re.compile(one) for one in data.get("placeholders", ())),
        pasted=_compile_pattern(data.get("pasted")),
        commands=_compile_pattern(data.get("commands")),
        other=_compile_pattern(data.get("other")),
        scrolled=_compile_pattern(data.get("scrolled")),
        cut=_compile_pattern(data.get("cut")),
        tallest=data.get("tallest", MAX_DIALOG_ROWS),
        gutter=data.get("gutter", ""),
        foot=_compile_pattern(data.get("foot")),
    )


def _parse_options(data: Mapping[str, Any]) -> DialogStyle:
    return DialogStyle(
        question=re.compile(data["question"]),
        option=re.compile(data["option"]),
        starts=_compile_pattern(data.get("starts")),
        lowest_start=bool(data.get("lowest_start")),
        after=_compile_pattern(data.get("after")),
        allow=_compile_pattern(data.get("allow")),
        deny=_compile_pattern(data.get("deny")),
        cancel=_compile_pattern(data.get("cancel")),
        hidden=_compile_pattern(data.get("hidden")),
        unlisted=_compile_pattern(data.get("unlisted")),
        closes=_compile_pattern(data.get("closes")),
        last=_compile_pattern(data.get("last")),
        cut=_compile_pattern(data.get("cut")),
    )


def _parse_startup_query(data: Mapping[str, Any]) -> StartupQuery:
    return StartupQuery(str(data["query"]).encode(), float(data["within"]), float(data["patience"]))
