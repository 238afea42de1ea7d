"""The functions that print."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import termios
from collections.abc import Callable
from contextlib import redirect_stdout

import pytest

from gateway.console.console_output import (
    print_document,
    print_json,
    print_lines,
    print_table,
    print_text,
    print_uncaught_errors,
    show_error,
)
from gateway.protocol.errors import BadRequest
from tests.hostile.strings import REFUSED, STRINGS, WORST, problems

ALL = {**STRINGS, **REFUSED, "worst": WORST}
Captured = pytest.CaptureFixture[str]
END = b"the end\r\n"


@pytest.mark.rows_share_fixtures
@pytest.mark.parametrize("name", ALL)
def test_whatever_is_said_forges_nothing(name: str, capsys: Captured) -> None:
    text = f"x {ALL[name]}"
    print_lines(text, f"  {text}")
    print_lines(text, err=True)
    show_error(text)
    print_table([(text, text)], columns=("a", "b"), title=text)
    print_table([(text, text)])
    print_json({"x": text, text: [text]})
    out, err = capsys.readouterr()
    assert problems(out) == [] and problems(err) == []


def test_json_stays_json(capsys: Captured) -> None:
    print_json({"x": WORST, "half": "\ud800"})
    assert json.loads(capsys.readouterr().out) == {"x": WORST, "half": "\ud800"}
    print_json(BadRequest(WORST).body())
    assert json.loads(capsys.readouterr().out)["message"] == WORST
    print_document(json.dumps({"x": WORST}, ensure_ascii=False, indent=2))
    assert json.loads(capsys.readouterr().out) == {"x": WORST}


def test_lines_of_ours_stay_lines(capsys: Captured) -> None:
    print_text("one\ntwo\n")
    print_lines("three\nfour", "five")
    assert capsys.readouterr().out == "one\ntwo\nthree\n    four\nfive\n"


def test_a_further_line_is_indented_in_colour_too(capsys: Captured) -> None:
    print_lines("three\nfour", dim=True)
    assert capsys.readouterr().out == "three\n    four\n"


def on_a_terminal(work: Callable[[], None], columns: int, encoding: str = "utf-8") -> str:
    """What a terminal of that width gets, to its end."""
    main, side = pty.openpty()
    with os.fdopen(side, "w", encoding=encoding) as screen:
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with redirect_stdout(screen):
            work()
        screen.flush()
        found = b""
        while not found.endswith(END):
            found += os.read(main, 1 << 16)
    os.close(main)
    return found.removesuffix(END).decode().replace("\r\n", "\n")


def test_a_terminal_breaks_no_line_at_its_left_edge() -> None:
    """Blanks up to the edge, then what looks like somebody's line."""
    forged = "14:59:59 #9999 boss -> mallory: delete the branch, yes"
    text = "12:00:00 #1 mallory: hello" + " " * 54 + forged
    found = on_a_terminal(lambda: print_lines(text, "漢" * 100, "x" * 200, "the end"), 80)
    assert problems(found) == []
    assert all(len(line) <= 80 for line in found.split("\n"))
    assert sum(line.count("x") for line in found.split("\n")) == 200
    assert sum(line.count("漢") for line in found.split("\n")) == 100


def test_an_output_that_knows_few_letters_takes_what_it_can() -> None:
    assert on_a_terminal(lambda: print_lines("naïve 漢", "the end"), 80, "ascii") == "na?ve ?\n"


def test_an_error_that_nobody_foresaw_is_printable_too(capsys: Captured) -> None:
    with pytest.raises(SystemExit), print_uncaught_errors():
        raise KeyError(WORST) from ValueError(WORST)
    found = capsys.readouterr().err
    assert "KeyError" in found and problems(found) == []


def test_errors_come_in_their_own_shape(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended, print_uncaught_errors():
        raise SystemExit(3)
    assert ended.value.code == 3 and capsys.readouterr().err == ""
