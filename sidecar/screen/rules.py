"""Rules as data: a picture and other signals in, the activity that each rule argues for out. Pure; `rules_loader` loads
them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.protocol.types.agent_conditions import ConditionKind
from gateway.protocol.types.core_types import Activity, Composer
from sidecar.evidence.turn_evidence import EvidenceSource
from sidecar.rules_file.bounded_pattern import TextPattern, TimeAccount
from sidecar.screen.emulator import ScreenSnapshot
from sidecar.screen.screen_layout import (
    BoxStyle,
    DialogStyle,
    composer_of,
    count_empty_rows,
    find_box,
    is_partial,
    regions_of,
)

SCREEN_REGIONS = ("screen", "above", "box", "below", "dialog", "cursor_row", "last_row")
FAILURE_REGION = "failure"  # what hooks or the transcript say of a refused request or turn; no place on the screen
SOURCE_BY_REGION = {
    "title": EvidenceSource.TITLE,
    "vendor": EvidenceSource.VENDOR,
    "status": EvidenceSource.STATUS,
    "hook": EvidenceSource.HOOK,
    "notice": EvidenceSource.NOTICE,
    "bell": EvidenceSource.BELL,
    "mode": EvidenceSource.MODE,
    "process": EvidenceSource.PROCESS,
}


@dataclass(frozen=True)
class Matcher:
    """A tree: a leaf is `contains` or `regex`; a branch matches all, any or none of its children."""

    contains: str = ""
    regex: TextPattern | None = None
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
class ScreenRule:
    """`box` says whether the box must be on the screen (True), must not be (False), or does not matter (None). `keeps`
    is how many seconds a signal stays true unless it is repeated; on the screen, the seconds after the last output.
    `alternate` is like `box`, for the alternate screen, which full-screen programs use."""

    name: str
    region: str
    matcher: Matcher
    says: Activity
    priority: int = 0
    keeps: float | None = None
    box: bool | None = None
    alternate: bool | None = None
    versions: tuple[str, ...] = ()

    @property
    def source(self) -> EvidenceSource:
        return SOURCE_BY_REGION.get(self.region, EvidenceSource.SCREEN)

    def applies(self, *, box: bool, alternate: bool) -> bool:
        return self.box in (None, box) and self.alternate in (None, alternate)


@dataclass(frozen=True)
class ConditionRule:
    """What the vendor shows of a limit, a login and the like. The matched text (or its group `text`) is what people
    are told, and may hold when it ends."""

    name: str
    region: str
    kind: ConditionKind
    regex: TextPattern
    box: bool | None = None


@dataclass(frozen=True)
class ConditionMatch:
    """A condition rule that matched, and the text."""

    rule: str
    kind: ConditionKind
    text: str


@dataclass(frozen=True)
class StartupQuery:
    """An agent may query its terminal `within` some time of its first picture. It is starting until the answer, or
    until `patience` seconds later."""

    query: bytes
    within: float
    patience: float


@dataclass(frozen=True)
class ScreenRules:
    """`banner` finds the version that an agent shows at its start. `digest` is of the text, `origin` where it came
    from. `account` is there for a file of the user: it tells if an expression took too long. `distrusted`: no rules can
    be used, so no other sign counts either."""

    agent: str
    versions: tuple[str, ...]
    rules: tuple[ScreenRule, ...]
    box: BoxStyle | None = None
    options: DialogStyle | None = None
    banner: TextPattern | None = None
    start: StartupQuery | None = None
    experimental: bool = False
    conditions: tuple[ConditionRule, ...] = ()
    digest: str = ""
    origin: str = ""
    account: TimeAccount | None = None
    distrusted: bool = False


@dataclass(frozen=True)
class Dialog:
    question: str
    options: tuple[str, ...]
    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class RuleMatch:
    """One rule that matched."""

    rule: str
    source: EvidenceSource
    says: Activity
    priority: int = 0
    keeps: float | None = None


@dataclass(frozen=True)
class ScreenReading:
    """What the rules conclude at one moment. `partial`: the composer shows only a part of its text. `empty_rows`: how
    many empty rows it has beneath its text. `keeps_prompts`: the agent says that prompts wait in it for the next
    Enter."""

    arguments: tuple[RuleMatch, ...] = ()
    composer: Composer = Composer.UNKNOWN
    text: str = ""
    dialog: Dialog | None = None
    partial: bool = False
    empty_rows: int = 0
    conditions: tuple[ConditionMatch, ...] = ()
    keeps_prompts: bool = False

    def of(self, source: EvidenceSource, age: float = 0.0) -> RuleMatch | None:
        """The strongest argument of one source that stays valid that long."""
        mine = [one for one in self.arguments if one.source is source and (one.keeps is None or age < one.keeps)]
        return max(mine, key=lambda one: one.priority, default=None)


def read_screen(rules: ScreenRules, picture: ScreenSnapshot, others: Mapping[str, str]) -> ScreenReading:
    layout = find_box(rules.box, picture)
    regions = {**regions_of(rules.options, picture, layout), **others}
    arguments = tuple(
        RuleMatch(rule.name, rule.source, rule.says, rule.priority, rule.keeps)
        for rule in rules.rules
        if rule.applies(box=layout.found, alternate=picture.alternate)
        and regions.get(rule.region)
        and rule.matcher.matches(regions[rule.region])
    )
    asking = any(one.says is Activity.ASKING and one.source is EvidenceSource.SCREEN for one in arguments)
    composer, text = composer_of(rules.box, picture, layout)
    return ScreenReading(
        arguments=arguments,
        composer=Composer.HIDDEN if asking else composer,
        text=text,
        dialog=_read_dialog(rules.options, regions["dialog"]) if asking and rules.options else None,
        partial=is_partial(rules.box, picture, layout),
        empty_rows=count_empty_rows(layout.inside(picture.rows)),
        conditions=_matching_conditions(rules, regions, box=layout.found),
        keeps_prompts=rules.box is not None and rules.box.is_kept(regions["above"]),
    )


def conditions_of_failure(rules: ScreenRules, text: str) -> tuple[ConditionMatch, ...]:
    """What the error of a failed turn, or of a refused request, says of a limit or a login."""
    return _matching_conditions(rules, {FAILURE_REGION: text}, box=True)


def _matching_conditions(rules: ScreenRules, regions: Mapping[str, str], *, box: bool) -> tuple[ConditionMatch, ...]:
    mine = ((one, regions.get(one.region)) for one in rules.conditions if one.box in (None, box))
    found = ((one, one.regex.search(text)) for one, text in mine if text)
    return tuple(ConditionMatch(one.name, one.kind, _told_text(match)) for one, match in found if match)


def _told_text(match: re.Match[str]) -> str:
    """In one line, without what the terminal has broken it by."""
    return " ".join((match["text"] if "text" in match.re.groupindex else match[0]).split())


def _read_dialog(options: DialogStyle, text: str) -> Dialog:
    rows = text.split("\n")
    questions = [row.strip(" │") for row in rows if options.question.search(row)]
    chosen = [match["text"].strip(" │") for row in rows if (match := options.option.search(row))]
    return Dialog(questions[-1] if questions else "", tuple(chosen), text)
