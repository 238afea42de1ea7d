"""Makes rules of the tables of a rules file. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.protocol.types.agent_conditions import ConditionKind
from gateway.protocol.types.core_types import Activity
from sidecar.rules_file.bounded_pattern import BoundedPattern, TextPattern, TimeAccount
from sidecar.rules_file.file_format import (
    BoxTable,
    ConditionTable,
    DialogTable,
    MarksTable,
    MatcherTable,
    RulesTables,
    RuleTable,
    StartTable,
)
from sidecar.screen.rules import ConditionRule, Matcher, ScreenRule, ScreenRules, StartupQuery
from sidecar.screen.screen_layout import BoxStyle, DialogStyle


def compile_rules(tables: RulesTables, text: str, origin: str, *, bounded: bool) -> ScreenRules:
    """`bounded`: the expressions are a user's, so the time of each match is limited."""
    make = _RulesCompiler(TimeAccount() if bounded else None)
    own = tuple(map(make.rule, tables.rules))
    return ScreenRules(
        agent=tables.agent,
        versions=tuple(tables.versions),
        rules=(*(make.rules_of_marks(tables.marks) if tables.marks else ()), *own),
        box=make.box(tables.box) if tables.box else None,
        options=make.dialog(tables.dialog) if tables.dialog else None,
        banner=make.pattern(tables.banner),
        start=_startup_query(tables.start) if tables.start else None,
        experimental=tables.experimental,
        conditions=tuple(map(make.condition, tables.conditions)),
        digest=hashlib.sha256(text.encode()).hexdigest()[:12],
        origin=origin,
        account=make.account,
    )


def rules_that_recognise_nothing(agent: str, origin: str) -> ScreenRules:
    """In force where no rules can be trusted: whatever the screen shows is unknown, so nothing is typed."""
    nothing = ScreenRule("the rules cannot be used", "screen", Matcher(), Activity.UNKNOWN)
    return ScreenRules(agent, (), (nothing,), origin=origin, distrusted=True)


@dataclass(frozen=True)
class _RulesCompiler:
    account: TimeAccount | None

    def pattern(self, text: str) -> TextPattern | None:
        return self.needed_pattern(text) if text else None

    def needed_pattern(self, text: str, flags: re.RegexFlag = re.MULTILINE) -> TextPattern:
        compiled = re.compile(text, flags)
        return compiled if self.account is None else BoundedPattern(compiled, self.account)

    def _of_one_row(self, text: str) -> TextPattern:
        return self.needed_pattern(text, re.NOFLAG)

    def rule(self, table: RuleTable) -> ScreenRule:
        return ScreenRule(
            name=table.name,
            region=table.region,
            matcher=self.matcher(table),
            says=Activity(table.says),
            priority=table.priority,
            keeps=table.keeps,
            box=table.box,
            alternate=table.alternate,
            versions=tuple(table.versions),
        )

    def matcher(self, table: MatcherTable) -> Matcher:
        return Matcher(
            contains=table.contains,
            regex=self.pattern(table.regex),
            all=tuple(map(self.matcher, table.all)),
            any=tuple(map(self.matcher, table.any)),
            none=tuple(map(self.matcher, table.not_)),
        )

    def condition(self, table: ConditionTable) -> ConditionRule:
        regex = self.needed_pattern(table.regex, re.MULTILINE | re.IGNORECASE)
        return ConditionRule(table.name, table.region, ConditionKind(table.kind), regex, table.box)

    def rules_of_marks(self, marks: MarksTable) -> Iterator[ScreenRule]:
        """A busy row that stays on the screen counts until the row that ends the turn is printed below it."""
        yield self._mark("another program runs in it", "process", Activity.BUSY, "^another ", 10)
        yield self._mark("it is stopped", "process", Activity.UNKNOWN, "^stopped", 10)
        yield self._mark("its dialog is open", "cursor_row", Activity.ASKING, marks.dialog, 100)
        prompt = self._mark("its prompt is at the cursor", "cursor_row", Activity.IDLE, marks.prompt, 10)
        yield replace(prompt, alternate=False)
        if marks.busy:
            yield self._mark("its last row says that it works", "last_row", Activity.BUSY, marks.busy, 60)
        if marks.end:
            yield self._mark("its last row ends the turn", "last_row", Activity.IDLE, marks.end, 70)

    def _mark(self, name: str, region: str, says: Activity, regex: str, priority: int) -> ScreenRule:
        return ScreenRule(name, region, Matcher(regex=self.pattern(regex)), says, priority)

    def box(self, table: BoxTable) -> BoxStyle:
        top = self.pattern(table.top or table.rule)
        return BoxStyle(
            frame=(top, self.pattern(table.bottom) or top) if top else None,
            mark=self._of_one_row(table.mark or f"[{re.escape(table.marks)}]"),
            indent=table.indent,
            marks=table.marks,
            below=self.pattern(table.below),
            footer=self.pattern(table.footer),
            above=self.pattern(table.above),
            placeholders=tuple(map(self._of_one_row, table.placeholders)),
            pasted=self.pattern(table.pasted),
            commands=self.pattern(table.commands),
            other=self.pattern(table.other),
            scrolled=self.pattern(table.scrolled),
            cut=self.pattern(table.cut),
            tallest=table.tallest,
            gutter=table.gutter,
            foot=self.pattern(table.foot),
            cover=self.pattern(table.cover),
            replaced=self.pattern(table.replaced),
            whole_width=table.whole_width,
            narrow=table.narrow,
            kept=self.pattern(table.kept),
            continued=table.continued,
        )

    def dialog(self, table: DialogTable) -> DialogStyle:
        return DialogStyle(
            question=self._of_one_row(table.question),
            option=self._of_one_row(table.option),
            starts=self.pattern(table.starts),
            lowest_start=table.lowest_start,
            after=self.pattern(table.after),
            allow=self.pattern(table.allow),
            deny=self.pattern(table.deny),
            cancel=self.pattern(table.cancel),
            hidden=self.pattern(table.hidden),
            unlisted=self.pattern(table.unlisted),
            closes=self.pattern(table.closes),
            last=self.pattern(table.last),
            cut=self.pattern(table.cut),
            entire=self.pattern(table.entire),
        )


def _startup_query(table: StartTable) -> StartupQuery:
    return StartupQuery(table.query.encode(), table.within, table.patience)
