"""What members write stays a value, whatever it looks like."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from controller.chat.terminal.notifications import send_notification
from controller.team.notification_command import fill_command, unsafe_word
from controller.team.team import parse_team
from controller.team.toml_reader import TeamError

COMMAND = ("notify-send", "--app-name=chat", "{from}", "{text}")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("hello", "hello"),
        ("--icon=/etc/passwd", " --icon=/etc/passwd"),
        ("-u critical", " -u critical"),
        ("{from} {text}", "{from} {text}"),
        ("two\nlines\x1b[31m", "two lines\ufffd[31m"),
        ("nul\x00byte", "nul\ufffdbyte"),
        ("", ""),
    ],
)
def test_a_text_begins_no_option(text: str, shown: str) -> None:
    *before, last = fill_command(COMMAND, "ann", text)
    assert before == ["notify-send", "--app-name=chat", "ann"]
    assert last == shown


def test_the_value_of_an_option_stays_one() -> None:
    assert fill_command(("x", "--body={text}", "-t={from}"), "ann", "-v") == ["x", "--body=-v", "-t=ann"]


def test_who_wrote_cannot_say_what_was_written() -> None:
    assert fill_command(("{from}: {text}",), "{text}", "hello") == ["{text}: hello"]


@pytest.mark.parametrize(
    "command",
    [
        ["sh", "-c", "echo {text}"],
        ["osascript", "-e", 'display notification "{text}" with title "{from}"'],
        ["x", "{text}; y"],
        ["{text}x"],
        ["x", "--body='{text}'"],
    ],
)
def test_a_place_inside_of_other_text_is_refused(command: list[str]) -> None:
    assert unsafe_word(command) == command[-1]
    with pytest.raises(TeamError, match="a word of its own"):
        parse_team(f"[chat]\nnotify = {command!r}\n")


def test_places_of_their_own_are_taken() -> None:
    notifying = parse_team('[chat]\nnotify = "notify-send --app-name=x {from} --body={text}"\n').chat.notify
    assert notifying == ("notify-send", "--app-name=x", "{from}", "--body={text}")


async def test_a_program_is_given_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "arguments"
    code = "import sys; open(sys.argv[1], 'w').write(repr(sys.argv[2:]))"
    await send_notification(
        (sys.executable, "-c", code, str(file), "{from}", "{text}"), "ann", "--version\x00\n\x1b]0;x\x07"
    )
    assert file.read_text() == repr(["ann", " --version\ufffd \ufffd]0;x\ufffd"])
