"""The faults of a rules file are found, each with its line and with what to do."""

from typing import get_args, get_type_hints

import pytest

from gateway.protocol.types.agent_conditions import ConditionKind
from gateway.protocol.types.core_types import Activity
from sidecar.rules_file.file_format import ConditionTable, Region, State
from sidecar.rules_file.linting import lint_rules, patterns_in
from sidecar.screen.rules import FAILURE_REGION, SCREEN_REGIONS, SOURCE_BY_REGION

HEAD = 'agent = "mine"\n'
MARKS = "[marks]\nprompt = '^mine> $'\n"
RULES = """\
[[rules]]
name = "waits"
region = "box"
says = "idle"
regex = '^>'
[[rules]]
name = "asks"
region = "dialog"
says = "asking"
regex = '^Sure'
"""
TRANSCRIPT = """\
[transcript]
file = "{private}/talk.jsonl"
[[transcript.lines]]
is = "prompt"
where = { type = "user" }
text = "text"
[[transcript.lines]]
is = "answer"
where = { type = "assistant" }
text = "text"
"""
CONDITION = "[[conditions]]\nname = 'x'\nregion = 'failure'\nkind = 'limited'\nregex = "


def faults(text: str, name: str = "mine.toml") -> list[str]:
    return [one.in_file(name) for one in lint_rules(text, name).faults]


@pytest.mark.parametrize("text", [HEAD + MARKS, HEAD + RULES, HEAD + MARKS + TRANSCRIPT])
def test_a_file_without_faults(text: str) -> None:
    assert faults(text) == []
    assert lint_rules(text).tables is not None


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("agent = mine", "mine.toml, line 1: this is not TOML"),
        (MARKS, "`agent` is missing: its name, the same as that of the file"),
        (HEAD.replace("mine", "other") + MARKS, "line 1: `agent` is 'other', but the file is called mine.toml"),
        (HEAD + "colour = 1\n" + MARKS, "line 2: `colour` is not known. Known are: agent, banner"),
        (HEAD + "[mark]\nprompt = 'x'", "line 2: `mark` is not known. Did you mean `marks`?"),
        (HEAD + MARKS + "bussy = 'x'", "line 4: `bussy` of [marks] is not known. Did you mean `busy`?"),
        (HEAD + "[marks]\nbusy = 'x'", "line 2: `prompt` of [marks] is missing: the row of the cursor"),
        (HEAD + "[marks]\nprompt = 3", "line 3: `prompt` of [marks] must be text in quotes."),
        (HEAD + "[marks]\nprompt = '('", "line 3: `prompt` of [marks] is not a regular expression: missing )"),
        (HEAD + "[marks]\nprompt = '(x+)+$'", "line 3: `prompt` of [marks] may take forever: it repeats"),
        (HEAD + "silence = true\n" + MARKS, "line 2: `silence` must be a number."),
        (HEAD + "marks = 3", "line 2: `marks` must be a table: begin it with [marks]."),
        (HEAD + MARKS + "[rules]\nname = 'x'", "line 4: `rules` must be a table: begin it with [[rules]]."),
        (HEAD + RULES.replace("region", "regoin"), "line 4: `regoin` of [rules] is not known. Did you mean `region`?"),
        (HEAD + RULES.replace('"dialog"', '"dialogue"'), "line 9: `region` of [rules] must be one of screen, above"),
        (HEAD + RULES.replace('"asks"', '"waits"'), "line 8: `name` of [rules] is 'waits' a second time"),
        (HEAD + RULES.replace("regex = '^>'\n", ""), "line 2: rule 'waits' matches everything"),
        (HEAD + RULES.replace("'^>'", "'^>'\nany = [{ regexp = 'x' }]"), "line 7: `regexp` of [rules.any] is not"),
        (
            HEAD + RULES + "[[conditions]]\nname='waits'\nregion='failure'\nkind='limited'\nregex='x'",
            "line 13: `name` of [conditions] is 'waits' a second time",
        ),
        (HEAD + RULES.replace("asking", "busy"), "no rule says asking; say in [[rules]] how it looks while a dialog"),
        (HEAD + RULES + "[box]\nmarks = '>'", "no rule says busy"),
        (HEAD + RULES.replace('"asking"', '"busy"') + "[box]\nrule = '-'", "line 12: [box] needs `mark` or `marks`"),
        (HEAD + MARKS + "[box]\nmarks = '>'", "line 2: [marks] is for a program without [box]"),
        (
            HEAD + MARKS + "[dialog]\nquestion = 'x'\noption = 'y'",
            "line 6: `option` of [dialog] lacks the group (?P<key>",
        ),
        (HEAD + MARKS + "[launch]\ncommand = 'x {sesion}'", "line 5: `command` of [launch] names {sesion}. Did you"),
        (
            HEAD + MARKS + TRANSCRIPT.replace("{private}", "{hoem}"),
            "line 5: `file` of [transcript] names {hoem}.",
        ),
        (
            HEAD + RULES.replace("'^>'", "'^>'\nany = [{ all = [{}] }]"),
            "line 7: `any` of [rules] holds a matcher",
        ),
        (HEAD + MARKS + CONDITION + "''", "line 8: `regex` of [conditions] matches an empty text, and so everything"),
        (HEAD + MARKS + CONDITION + "'(?:[a-z]y|[A-Z]y)*!'", "line 8: `regex` of [conditions] may take forever"),
        (HEAD + 'envelope = "none"\n' + MARKS + '[hooks]\nstyle = "claude"', '"none", but [hooks] proves a message'),
        (HEAD + MARKS + "[launch]\nresume = 'x'", "line 5: `resume` of [launch] must name {session}"),
        (HEAD + MARKS + "[launch]\nfiles = { '/etc/x' = '' }", "line 5: `files` of [launch] may only write below"),
        (HEAD + MARKS + "[launch]\nfiles = { '{private}/../x' = '' }", "line 5: `files` of [launch] may only write"),
        (HEAD + MARKS + TRANSCRIPT.replace("answer", "model"), 'has none that is = "answer"'),
        (HEAD + MARKS + TRANSCRIPT.replace('"prompt"', '"model"'), "so nothing would prove that a message was read"),
        (
            HEAD + MARKS + TRANSCRIPT.replace("{private}/talk", "*/talk"),
            "line 5: `file` of [transcript] must be a whole path",
        ),
        (HEAD + MARKS + TRANSCRIPT.replace('text = "text"', "", 1), "`text` of [transcript.lines] is missing"),
        (HEAD + 'envelope = "none"\n' + MARKS + TRANSCRIPT, 'line 2: `envelope` is "none", but [transcript] proves'),
        (HEAD + 'envelope = "hello"\n' + MARKS, "line 2: `envelope`: 'hello' is not an envelope."),
    ],
)
def test_a_fault_is_named_with_its_line_and_with_what_to_do(text: str, fault: str) -> None:
    assert [one for one in faults(text) if fault in one], faults(text)


def test_all_faults_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = HEAD + "colour = 1\n[marks]\nprompt = '('\nbusy = 3\n"
    assert [one.line for one in lint_rules(text).faults] == [2, 4, 5]


def test_each_expression_is_found_with_its_line() -> None:
    text = HEAD + RULES.replace("regex = '^>'", "any = [{ regex = 'a' }, { not = [{ regex = 'b' }] }]")

    found = [(one.line, one.pattern) for one in patterns_in(text)]
    assert found == [(6, "a"), (6, "b"), (11, "^Sure")]


def test_the_format_names_the_regions_and_states_that_there_are() -> None:
    assert set(get_args(Region)) == {*SCREEN_REGIONS, *SOURCE_BY_REGION}
    assert set(get_args(State)) <= set(Activity)
    conditions = get_type_hints(ConditionTable)
    assert set(get_args(conditions["region"])) == {*get_args(Region), FAILURE_REGION}
    assert set(get_args(conditions["kind"])) == set(ConditionKind)
