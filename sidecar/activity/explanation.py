"""Explains what the sidecar knows about its agent at a moment and why: as data and as text. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from sidecar.activity.activity_verdict import ActivityClaim
from sidecar.activity.agent_observer import AgentObserver, AgentSnapshot
from sidecar.screen.screen_layout import find_box, regions_of

Explanation = dict[str, Any]
MAX_REGION_CHARS = 100


def explain_observation(watch: AgentObserver, moment: AgentSnapshot, now: float) -> Explanation:
    """`moment` is what was seen at `now`."""
    return {
        "verdict": _explain_verdict(moment, now),
        "version": {"seen": watch.version or None, "known": not watch.is_new_version if watch.version else None},
        "rules": _explain_rules(watch),
        "signals": [
            {"source": name, "value": one.value, "age": _age_s(one.at, now)}
            for name, one in sorted(watch.signals.items())
        ],
        "claims": [_explain_claim(one, now) for one in watch.claims.values()],
        "rulings": list(_explain_each_rule(watch, moment)),
        "screen": _explain_screen(moment),
        "last_output": _age_s(watch.last_output, now) if watch.last_output else None,
        "last_key": _age_s(watch.last_key, now),
    }


def _explain_verdict(moment: AgentSnapshot, now: float) -> Explanation:
    verdict = moment.verdict
    dialog = verdict.dialog
    return {
        "activity": str(verdict.activity),
        "composer": str(verdict.composer),
        "because": list(verdict.because),
        "dialog": {**asdict(dialog), "digest": dialog.digest} if dialog else None,
        "look_again": None if verdict.look_again is None else round(verdict.look_again - now, 3),
    }


def _explain_rules(watch: AgentObserver) -> Explanation:
    rules = watch.rules
    return {
        "agent": rules.agent,
        "digest": rules.digest,
        "origin": rules.origin,
        "versions": list(rules.versions),
        "experimental": rules.experimental,
        "problem": watch.rulebook.problem or None,
    }


def _explain_claim(claim: ActivityClaim, now: float) -> Explanation:
    return {
        "source": str(claim.source),
        "says": str(claim.says),
        "reason": claim.reason,
        "age": _age_s(claim.since, now),
        "renewed": _age_s(claim.renewed, now),
        "keeps": claim.keeps,
        "fresh": claim.fresh(now),
    }


def _explain_each_rule(watch: AgentObserver, moment: AgentSnapshot) -> Iterator[Explanation]:
    """Every rule, whether it matched, and the last line of the region that it looked at."""
    rules, picture = watch.rules, moment.picture
    others = {name: one.value for name, one in watch.signals.items()}
    regions = {**regions_of(rules.options, picture, find_box(rules.box, picture)), **others}
    matched = {one.rule for one in moment.reading.arguments}
    for rule in rules.rules:
        yield {
            "rule": rule.name,
            "region": rule.region,
            "says": str(rule.says),
            "priority": rule.priority,
            "matched": rule.name in matched,
            "value": _last_line_of_region(regions.get(rule.region, "")),
        }


def _last_line_of_region(region: str) -> str:
    rows = [row.strip() for row in region.split("\n") if row.strip(" ─━▔│╭╮╰╯")]
    return rows[-1][:MAX_REGION_CHARS] if rows else ""


def _explain_screen(moment: AgentSnapshot) -> Explanation:
    picture = moment.picture
    return {
        "columns": picture.columns,
        "rows": len(picture.rows),
        "cursor": list(picture.cursor),
        "cursor_visible": picture.cursor_visible,
        "alternate": picture.alternate,
        "bracketed_paste": picture.bracketed_paste,
        "text": moment.reading.text,
    }


def _age_s(at: float, now: float) -> float | None:
    return round(now - at, 3) if at > float("-inf") else None


def explanation_lines(facts: Mapping[str, Any]) -> list[str]:
    """One line each."""
    return list(_explanation_text(facts))


def _explanation_text(facts: Mapping[str, Any]) -> Iterator[str]:
    verdict, rules, version = facts["verdict"], facts["rules"], facts["version"]
    yield f"{facts.get('name', 'It')} is {verdict['activity']}; its composer is {verdict['composer']}."
    yield from (f"  because {reason}" for reason in verdict["because"])
    if dialog := verdict["dialog"]:
        yield f"It asks: {dialog['question']}  [{dialog['digest']}]"
        yield from (f"  {option}" for option in dialog["options"])
    known = {True: "known to the rules", False: "untested: it waits longer before it counts as idle", None: ""}[
        version["known"]
    ]
    yield f"Version {version['seen'] or 'not seen'}{known and f', {known}'}."
    seen_on = ", ".join(rules["versions"]) or "any version"
    yield f"Rules {rules['agent']} {rules['digest']} from {rules['origin']}, for {seen_on}."
    if rules["problem"]:
        yield f"  {rules['problem']}"
    yield "Signals:"
    yield from (f"  {one['source']:10} {one['age']:>9.2f} s  {one['value']!r}" for one in facts["signals"])
    yield from _report_text(facts.get("reports") or {})
    yield "What each source says now:"
    for one in facts["claims"]:
        stale = "" if one["fresh"] else "  (too old to count)"
        yield f"  {one['source']:10} {one['age']:>9.2f} s  {one['says']}: {one['reason']}{stale}"
    yield "Rules:"
    for one in facts["rulings"]:
        yield f"  {'x' if one['matched'] else '-'} {one['says']:8} {one['rule']}  [{one['region']}] {one['value']!r}"


def _report_text(reports: Mapping[str, Any]) -> Iterator[str]:
    """What the agent itself reports of its turns: where it reports nothing, no message can be proven."""
    if hooks := reports.get("hooks"):
        last = f", the last one {hooks['last']} {hooks['age']:.2f} s ago" if hooks["last"] else ""
        told = "never" if hooks["prompt_age"] is None else f"{hooks['prompt_age']:.2f} s ago"
        yield f"Hooks: {hooks['count']} have come{last}; they told of a prompt {told}."
    if transcript := reports.get("transcript"):
        path = transcript["path"] or "not found"
        there = "" if transcript["found"] or not transcript["path"] else ", which is not there"
        told = "never" if transcript["age"] is None else f"{transcript['age']:.2f} s ago"
        yield f"Transcript: {path}{there}; it told of a turn {told}."
