"""Rules as data: a picture and the other signals in, what each rule argues for out. Pure once loaded."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.protocol.nouns import Activity, Composer
from sidecar.errors import BadRules
from sidecar.screen import Picture
from sidecar.signals import Source

SCREEN_REGIONS = ("screen", "above", "box", "below", "dialog", "cursor_row")
OTHER_REGIONS = {"title": Source.TITLE, "vendor": Source.VENDOR}


@dataclass(frozen=True)
class Matcher:
    """A tree: a leaf is `contains` or `regex`, a branch is all, any or none of its children."""

    contains: str = ""
    regex: re.Pattern[str] | None = None
    all: tuple[Matcher, ...] = ()
    any: tuple[Matcher, ...] = ()
    none: tuple[Matcher, ...] = ()

    def matches(self, text: str) -> bool:
        return (
            (not self.contains or self.contains in text)
            and (self.regex is None or self.regex.search(text) is not None)
            and all(one.matches(text) for one in self.all)
            and (not self.any or any(one.matches(text) for one in self.any))
            and not any(one.matches(text) for one in self.none)
        )


@dataclass(frozen=True)
class Rule:
    name: str
    region: str
    matcher: Matcher
    says: Activity
    priority: int = 0
    keeps: float | None = None
    versions: tuple[str, ...] = ()

    @property
    def source(self) -> Source:
        return OTHER_REGIONS.get(self.region, Source.SCREEN)


@dataclass(frozen=True)
class Box:
    """How an agent draws the place to type into: two rules across the whole width, a mark, text, indented rows."""

    rule: re.Pattern[str]
    marks: str
    indent: int
    placeholders: tuple[re.Pattern[str], ...]
    pasted: re.Pattern[str] | None


@dataclass(frozen=True)
class Options:
    """How an agent draws a question: what asks, and what can be chosen."""

    question: re.Pattern[str]
    option: re.Pattern[str]


@dataclass(frozen=True)
class Rules:
    agent: str
    versions: tuple[str, ...]
    rules: tuple[Rule, ...]
    box: Box | None
    options: Options | None
    digest: str


@dataclass(frozen=True)
class Dialog:
    question: str
    options: tuple[str, ...]
    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Argument:
    """One rule that matched."""

    rule: str
    source: Source
    says: Activity
    priority: int = 0
    keeps: float | None = None


@dataclass(frozen=True)
class Reading:
    """What the rules make of one moment."""

    arguments: tuple[Argument, ...] = ()
    composer: Composer = Composer.UNKNOWN
    text: str = ""
    dialog: Dialog | None = None

    def of(self, source: Source) -> Argument | None:
        """The weightiest argument of one source."""
        mine = [one for one in self.arguments if one.source is source]
        return max(mine, key=lambda one: one.priority, default=None)


# Loading


def load_rules(text: str, name: str = "rules") -> Rules:
    try:
        data = tomllib.loads(text)
        box, options = data.get("box"), data.get("dialog")
        return Rules(
            agent=data["agent"],
            versions=tuple(data.get("versions", ())),
            rules=tuple(_rule(one) for one in data.get("rules", ())),
            box=_box(box) if box else None,
            options=Options(re.compile(options["question"]), re.compile(options["option"])) if options else None,
            digest=hashlib.sha256(text.encode()).hexdigest()[:12],
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, re.error) as error:
        raise BadRules(f"The rules in {name} cannot be used: {error!r}.") from error


def _rule(data: Mapping[str, Any]) -> Rule:
    region = data["region"]
    if region not in SCREEN_REGIONS and region not in OTHER_REGIONS:
        raise ValueError(f"unknown region {region!r} in rule {data['name']!r}")
    return Rule(
        name=data["name"],
        region=region,
        matcher=_matcher(data),
        says=Activity(data["says"]),
        priority=data.get("priority", 0),
        keeps=data.get("keeps"),
        versions=tuple(data.get("versions", ())),
    )


def _matcher(data: Mapping[str, Any]) -> Matcher:
    regex = data.get("regex")
    return Matcher(
        contains=data.get("contains", ""),
        regex=re.compile(regex, re.MULTILINE) if regex else None,
        all=tuple(_matcher(one) for one in data.get("all", ())),
        any=tuple(_matcher(one) for one in data.get("any", ())),
        none=tuple(_matcher(one) for one in data.get("not", ())),
    )


def _box(data: Mapping[str, Any]) -> Box:
    return Box(
        rule=re.compile(data["rule"]),
        marks=data["marks"],
        indent=data.get("indent", 2),
        placeholders=tuple(re.compile(one) for one in data.get("placeholders", ())),
        pasted=re.compile(data["pasted"]) if "pasted" in data else None,
    )


# Reading


@dataclass(frozen=True)
class Layout:
    """Where the box is, as row numbers of its two rules; none if it is not on the screen."""

    top: int = -1
    bottom: int = -1

    @property
    def found(self) -> bool:
        return self.top >= 0


def read(rules: Rules, picture: Picture, others: Mapping[str, str]) -> Reading:
    layout = _layout(rules.box, picture) if rules.box else Layout()
    regions = {**_regions(rules.box, picture, layout), **others}
    arguments = tuple(
        Argument(rule.name, rule.source, rule.says, rule.priority, rule.keeps)
        for rule in rules.rules
        if regions.get(rule.region) and rule.matcher.matches(regions[rule.region])
    )
    asking = any(one.says is Activity.ASKING and one.source is Source.SCREEN for one in arguments)
    composer, text = _composer(rules.box, picture, layout)
    return Reading(
        arguments=arguments,
        composer=Composer.HIDDEN if asking else composer,
        text=text,
        dialog=_dialog(rules.options, regions["dialog"]) if asking and rules.options else None,
    )


def _layout(box: Box, picture: Picture) -> Layout:
    """The lowest pair of rules across the screen with the mark at the start of the row between them."""
    lines = [y for y, row in enumerate(picture.rows) if len(row) >= picture.columns - 1 and box.rule.fullmatch(row)]
    if len(lines) < 2:
        return Layout()
    top, bottom = lines[-2:]
    inside = picture.rows[top + 1 : bottom]
    if not inside or not inside[0] or inside[0][0] not in box.marks:
        return Layout()
    return Layout(top, bottom)


def _regions(box: Box | None, picture: Picture, layout: Layout) -> dict[str, str]:
    rows = picture.rows
    whole = "\n".join(rows).strip("\n")
    cursor_row = rows[picture.cursor[1]] if picture.cursor[1] < len(rows) else ""
    regions = {"screen": whole, "cursor_row": cursor_row, "box": "", "below": "", "above": "", "dialog": whole}
    if layout.found:
        below = _text(rows[layout.bottom + 1 :])
        regions |= {
            "box": _text(rows[layout.top : layout.bottom + 1]),
            "below": below,
            "above": _text([row for row in rows[: layout.top] if row.strip()][-8:]),
            "dialog": below,
        }
    elif box:
        regions["dialog"] = _text(_after_last_rule(rows, picture.columns))
    return regions


def _after_last_rule(rows: Sequence[str], columns: int) -> Sequence[str]:
    """A modal begins at the topmost full rule of the lowest part of the screen; without one, it is all of it."""
    full = re.compile(r"[─▔━]+")
    starts = [y for y, row in enumerate(rows) if len(row) >= columns - 1 and full.fullmatch(row)]
    return rows[starts[0] :] if starts else rows


def _text(rows: Sequence[str]) -> str:
    return "\n".join(rows).strip("\n")


def _composer(box: Box | None, picture: Picture, layout: Layout) -> tuple[Composer, str]:
    if box is None:
        return Composer.UNKNOWN, ""
    if not layout.found:
        return Composer.HIDDEN, ""
    inside = picture.rows[layout.top + 1 : layout.bottom]
    text = "\n".join(row[box.indent :].rstrip() for row in inside).strip("\n")
    ghost = layout.top + 1 in picture.dim or any(one.fullmatch(text) for one in box.placeholders)
    if not text.strip() or ghost:
        return Composer.EMPTY, ""
    return Composer.DRAFT, text


def _dialog(options: Options, text: str) -> Dialog:
    rows = text.split("\n")
    questions = [row.strip() for row in rows if options.question.search(row)]
    chosen = [match["text"].strip() for row in rows if (match := options.option.search(row))]
    return Dialog(questions[-1] if questions else "", tuple(chosen), text)
