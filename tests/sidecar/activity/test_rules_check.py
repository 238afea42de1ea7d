"""A rules file is checked: its faults, its slow expressions, and how well it reads recordings."""

import shutil
from pathlib import Path

import pytest

from sidecar.activity.rules_check import check_as_json, check_lines, check_rules_file
from sidecar.screen.rules_loader import built_in_rules_file
from tests.support.commands import Groupchat

RECORDINGS = Path(__file__).parents[2] / "recordings"
DEMO = RECORDINGS / "demo-turns.cast"
MINE = "agent = 'mine'\n[marks]\nprompt = '^mine> $'\n"


def mine(folder: Path, text: str = MINE) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_our_own_rules_read_their_recording_well() -> None:
    checked = check_rules_file(built_in_rules_file("demo"), [DEMO])
    first, second = check_lines(checked)
    assert (checked.exit_status, first.endswith("demo.toml: ok, 7 rules for demo")) == (0, True)
    assert "right for 99." in second
    assert second.endswith("asking seen within 0.01 s: ok")


def test_a_recording_that_is_read_badly_says_what_may_happen() -> None:
    checked = check_rules_file(built_in_rules_file("generic"), [DEMO])
    assert checked.exit_status == 1
    assert "a dialog must be seen within 0.25 s, or a message may be typed into it" in list(check_lines(checked))[1]


def test_a_recording_without_its_truth_is_not_scored_and_tells_what_the_rules_see(tmp_path: Path) -> None:
    shutil.copy(DEMO, tmp_path / "talk.cast")
    checked = check_rules_file(built_in_rules_file("demo"), [tmp_path / "talk.cast"])
    assert checked.exit_status == 1
    assert f"{tmp_path / 'talk.json'} does not exist" in checked.recordings[0].problem
    assert '[0.0, "starting"]' in checked.recordings[0].problem


@pytest.mark.parametrize(("name", "text"), [("talk.cast", "no recording"), ("talk.json", '{"states": 3}')])
def test_what_cannot_be_read_has_its_own_status(tmp_path: Path, name: str, text: str) -> None:
    shutil.copy(DEMO, tmp_path / "talk.cast")
    (tmp_path / name).write_text(text)
    checked = check_rules_file(built_in_rules_file("demo"), [tmp_path / "talk.cast"])
    assert (checked.exit_status, checked.recordings[0].unreadable) == (2, True)


@pytest.mark.parametrize(
    ("added", "fault"),
    [
        ("busy = '(a+)+'", "mine.toml, line 4: `busy` of [marks] may take forever"),
        (
            "busy = 'a*a*a*a*a*a*a*b'",
            "mine.toml, line 4: `busy` of [marks] takes too long: a text such as 'a' repeated",
        ),
        ("[hooks]\nstyle = 'klaude'", "mine.toml, line 5: `style` of [hooks] must be one of claude, gemini"),
    ],
)
def test_faults_that_the_form_does_not_show(tmp_path: Path, added: str, fault: str) -> None:
    checked = check_rules_file(mine(tmp_path, MINE + added), [DEMO])
    assert (checked.exit_status, checked.recordings) == (1, ())
    assert [line for line in check_lines(checked) if fault in line], list(check_lines(checked))


def test_as_json(tmp_path: Path) -> None:
    told = check_as_json(check_rules_file(mine(tmp_path, MINE + "colour = 3"), []))
    assert told == {
        "file": str(tmp_path / "mine.toml"),
        "ok": False,
        "agent": "",
        "faults": [{"line": 4, "problem": told["faults"][0]["problem"]}],
        "recordings": [],
    }


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["mine.toml"], 0, "mine.toml: ok, 4 rules for mine"),
        (["bad.toml"], 1, "bad.toml, line 4: `colour` of [marks] is not known."),
        (["none.toml"], 2, "none.toml"),
        (["mine.toml", "none.cast"], 2, "none.cast cannot be read"),
        ([], 2, "Missing argument"),
    ],
)
def test_the_command_and_its_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, told: str
) -> None:
    mine(tmp_path)
    (tmp_path / "bad.toml").write_text(MINE.replace("mine'", "bad'") + "colour = 3")
    monkeypatch.chdir(tmp_path)
    done = Groupchat(tmp_path)("rules", "check", *words)
    assert (done.code, told in done.out + done.err) == (code, True), done
