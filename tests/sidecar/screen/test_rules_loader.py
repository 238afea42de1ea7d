"""Rule files: the user's own take precedence, changes are read, and the last good rules stay if new ones are broken."""

import os
from pathlib import Path

import pytest

from gateway.protocol.types.core_types import Activity
from sidecar.activity.agent_observer import AgentObserver
from sidecar.agents import REGISTRY, load_agent_file
from sidecar.agents.adapter.adapter import load_built_in_rules
from sidecar.errors import BadRules
from sidecar.rules_file.linting import lint_rules
from sidecar.screen.rules import ScreenRules
from sidecar.screen.rules_loader import RulesLoader, built_in_rules_file, load_rules, overriding_rules_file

GOOD = load_built_in_rules("claude")
OURS = built_in_rules_file("claude").read_text(encoding="utf-8")
MINIMAL = """\
agent = "mine"
[[rules]]
name = "a"
region = "screen"
says = "idle"
regex = '^>'
[[rules]]
name = "b"
region = "screen"
says = "asking"
regex = '\\?$'
"""


def write(path: Path, text: str, *, age: int) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(age, age))


def test_the_users_own_file_takes_precedence(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    write(mine, OURS.replace('agent = "claude"', 'agent = "mine"'), age=1)
    book = RulesLoader((mine, built_in_rules_file("claude")), GOOD)
    assert (book.rules.origin, book.rules.digest != GOOD.digest) == (str(mine), True)


def test_where_the_user_may_put_his_own(tmp_path: Path) -> None:
    assert overriding_rules_file("claude", {"GROUPCHAT_STATE": str(tmp_path)}) == tmp_path / "rules" / "claude.toml"


def test_a_change_is_taken_up_and_no_change_costs_nothing(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    write(mine, MINIMAL, age=1)
    book = RulesLoader((mine,), GOOD)
    assert not book.refresh()
    write(mine, MINIMAL + "# changed", age=2)
    assert book.refresh()
    mine.unlink()
    assert not book.refresh()


@pytest.mark.parametrize("text", ["not toml [", MINIMAL.replace("idle", "sleeping"), "agent = 'x'"])
def test_the_last_good_rules_stay_and_the_problem_is_named(tmp_path: Path, text: str) -> None:
    mine = tmp_path / "mine.toml"
    write(mine, MINIMAL, age=1)
    book = RulesLoader((mine,), GOOD)
    good = book.rules
    write(mine, text, age=2)
    assert not book.refresh()
    assert book.rules is good
    assert "mine.toml" in book.problem
    assert good.digest in book.problem
    write(mine, MINIMAL + "# mended", age=3)
    assert book.refresh()
    assert book.problem == ""


def test_every_verdict_names_an_unreadable_file(tmp_path: Path) -> None:
    mine = tmp_path / "claude.toml"
    write(mine, "not toml [", age=1)
    watch = AgentObserver(REGISTRY["claude"], 40, 10, rulebook=RulesLoader((mine,), GOOD))
    assert "claude.toml" in watch.look(0.0).verdict.because[-1]


def test_a_watch_reads_with_the_new_rules(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    write(mine, MINIMAL, age=1)
    watch = AgentObserver(REGISTRY["claude"], 40, 10, rulebook=RulesLoader((mine,), GOOD))
    watch.output(b"* hello", 0.0)
    assert not watch.look(0.1).reading.arguments
    write(mine, MINIMAL.replace("^>", "hello"), age=2)
    assert [one.says for one in watch.look(5.0).reading.arguments] == [Activity.IDLE]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (MINIMAL.replace('says = "asking"', 'says = "busy"'), "no rule says asking"),
        (MINIMAL.replace('name = "b"', 'name = "a"'), "`name` of \\[rules\\] is 'a' a second time"),
        (MINIMAL.replace("regex = '^>'", ""), "rule 'a' matches everything"),
        (MINIMAL.replace("regex = '^>'", "regexp = '^>'"), "`regexp` of .* is not known. Did you mean `regex`"),
        ("colour = 1\n" + MINIMAL, "`colour` is not known"),
    ],
)
def test_errors_in_rules_are_named(text: str, problem: str) -> None:
    with pytest.raises(BadRules, match=problem):
        load_rules(text)


@pytest.mark.parametrize("name", REGISTRY)
def test_every_agents_rules_tell_idle_busy_and_asking_apart(name: str) -> None:
    rules: ScreenRules = REGISTRY[name].rules
    linted = lint_rules(built_in_rules_file(name).read_text(encoding="utf-8"), f"{name}.toml")
    assert linted.faults == ()
    assert rules.agent == name
    assert Path(rules.origin).name == f"{name}.toml"


SLOW = "[a-z ]*" * 7 + "[0-9]"  # its form is harmless
LONG_ROW = b"a" * 90


def test_a_slow_expression_in_the_users_rules_for_a_known_agent_gives_way_to_ours(tmp_path: Path) -> None:
    mine = tmp_path / "claude.toml"
    write(mine, MINIMAL.replace("mine", "claude").replace("^>", SLOW), age=1)
    watch = AgentObserver(REGISTRY["claude"], 100, 10, rulebook=RulesLoader((mine,), GOOD))
    watch.output(LONG_ROW, 0.0)
    moment = watch.look(0.1)
    assert (watch.rules, moment.reading.arguments) == (GOOD, ())
    assert "takes longer than 0.1 s. Ours are in force until the file is mended" in moment.verdict.because[-1]


def test_where_no_other_rules_are_nothing_is_recognised_until_the_file_is_mended(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    write(mine, MINIMAL.replace("^>", SLOW), age=1)
    agent = load_agent_file(mine)
    watch = AgentObserver(agent, 100, 10, rulebook=RulesLoader.of(agent.rules, {}))
    watch.output(LONG_ROW, 0.0)
    assert watch.look(0.1).verdict.activity is Activity.STARTING
    assert [one.says for one in watch.look(0.2).reading.arguments] == [Activity.UNKNOWN]
    write(mine, MINIMAL.replace("^>", "aaa$"), age=2)
    assert [one.says for one in watch.look(5.0).reading.arguments] == [Activity.IDLE]
    assert watch.look(9.0).verdict.activity is Activity.IDLE


def test_a_file_that_is_not_mended_or_is_taken_away_still_says_why_nothing_is_typed(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    write(mine, MINIMAL.replace("^>", SLOW), age=1)
    agent = load_agent_file(mine)
    rule_files = RulesLoader.of(agent.rules, {})
    watch = AgentObserver(agent, 100, 10, rulebook=rule_files)
    watch.output(LONG_ROW, 0.0)
    watch.look(0.1)
    assert "is unknown, and nothing is typed" in rule_files.problem
    write(mine, "nonsense", age=2)
    rule_files.refresh()
    assert "stays unknown, and nothing is typed" in rule_files.problem and "last good" not in rule_files.problem
    told = rule_files.problem
    mine.unlink()
    rule_files.refresh()
    assert rule_files.problem == told


def test_rules_of_a_file_alone_come_from_that_file_wherever_it_is(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    write(mine, MINIMAL, age=1)
    book = RulesLoader.of(load_agent_file(mine).rules, {"GROUPCHAT_STATE": str(tmp_path / "elsewhere")})
    write(mine, MINIMAL + "# changed", age=2)
    assert book.refresh()
