"""The output of a plain program as a reader sees it, and the command lines in it."""

import pytest

from sidecar.messages.plain_program_output import (
    HistoryCommand,
    ModeStatusCommand,
    OutputCommand,
    PlainTurns,
    SayCommand,
    output_command_in,
    output_commands_in,
    printed_text,
    strip_commands,
    unwrap_rows,
)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("@all hello there", SayCommand("", "hello there")),
        ("@send.bob look at this", SayCommand("bob", "look at this")),
        ("@query.log", HistoryCommand(20)),
        ("@working on the tests", SayCommand("", "@working on the tests")),
        ("@workings", None),
        ("@mode.status", ModeStatusCommand()),
        ("@mode.status now", None),
        ("@query.log 5", HistoryCommand(5)),
        ("@query.log 9999", HistoryCommand(200)),
        ("  @all hello", None),
        ("he said @all hello", None),
        ("@all", None),
        ("@send.bob", None),
        ("@query.logs", None),
        ("$ @all hello", None),
    ],
)
def test_only_whole_lines_are_commands(line: str, command: OutputCommand | None) -> None:
    assert output_command_in(line) == command


def test_a_message_that_is_shown_again_commands_nothing() -> None:
    heard = "@all from the message\n@send.bob too"
    assert output_commands_in("@all from the message\n@all mine\n  @send.bob too", heard) == [SayCommand("", "mine")]


def is_prompt(row: str) -> bool:
    return row.rstrip().endswith(">")


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (["hello", "world", "> "], "world"),
        (["hel", "lo", "world", ">"], "world"),
        (["world", ">"], "world"),
        (["hello", ">"], ""),
        (["", "", ""], ""),
        (["hello", "a", "", "b", "", ""], "a\n\nb"),
    ],
)
def test_the_typed_text_and_the_prompt_are_not_output(rows: list[str], text: str) -> None:
    assert printed_text(rows, "hello", is_prompt) == text


def test_colours_progress_bars_and_cursor_moves_are_read_as_a_person_reads_them() -> None:
    turns = PlainTurns(is_prompt)
    turns.begin("go")
    turns.feed(b"go\r\n\x1b[31mred\x1b[0m 10%\r\x1b[K100%\r\nlast line\r\n> ")
    assert turns.end() == "100%\nlast line"
    assert turns.end() == ""


def test_a_program_that_takes_the_whole_screen_has_no_output() -> None:
    turns = PlainTurns(is_prompt)
    turns.begin("vi")
    turns.feed(b"\x1b[?1049h\x1b[Hpicture")
    assert turns.end() == ""


def test_commands_are_not_part_of_the_answer() -> None:
    assert strip_commands("a\n@all x\nb") == "a\nb"


def test_a_row_that_reaches_the_edge_goes_on_in_the_next() -> None:
    assert unwrap_rows(["abcd", "efgh", "ij", "", "x"], 4) == ["abcdefghij", "", "x"]
