"""What an option or an argument takes, by the type of its parameter, and what it says otherwise."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from gateway.command_line.application import CommandLine
from gateway.command_line.common_options import given, leading, program
from gateway.console.client_options import ClientOptions


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def made(function: Any) -> CommandLine:
    app = CommandLine("tool", "A tool.", callback=program)
    app.panel("All", {"do": function, "other": function})
    return app


def read(line: list[str]) -> tuple[dict[str, Any], str]:
    found: dict[str, Any] = {}

    def do(  # noqa: PLR0917
        text: Annotated[str, typer.Option()] = "",
        whole: Annotated[int, typer.Option(min=1, max=9)] = 5,
        number: Annotated[float | None, typer.Option(min=0)] = None,
        flag: Annotated[bool, typer.Option("--flag/--no-flag")] = True,
        colour: Annotated[Colour, typer.Option()] = Colour.RED,
        file: Annotated[Path | None, typer.Option()] = None,
        many: Annotated[list[str] | None, typer.Option()] = None,
        words: Annotated[list[str] | None, typer.Argument()] = None,
    ) -> None:
        found.update({name: value for name, value in locals().items() if name != "found"})

    done = CliRunner().invoke(made(do), ["do", *line])
    return found, done.stderr


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        (["--text", "a b"], "text", "a b"),
        (["--whole", "9"], "whole", 9),
        ([], "whole", 5),
        (["--number", "0.5"], "number", 0.5),
        ([], "number", None),
        (["--no-flag"], "flag", False),
        ([], "flag", True),
        (["--colour", "blue"], "colour", Colour.BLUE),
        ([], "colour", Colour.RED),
        (["--file", "a/b"], "file", Path("a/b")),
        (["--many", "a", "--many", "b"], "many", ["a", "b"]),
        ([], "many", None),
        (["x", "y"], "words", ["x", "y"]),
        ([], "words", None),
    ],
)
def test_a_value(line: list[str], name: str, value: object) -> None:
    found, err = read(line)
    assert (found[name], err) == (value, "")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (["--whole", "seven"], "'seven' is not a whole number."),
        (["--whole", "0"], "'0' is not from 1 to 9."),
        (["--whole", "10"], "'10' is not from 1 to 9."),
        (["--number", "much"], "'much' is not a number."),
        (["--number", "-1"], "'-1' is not 0 or more."),
        (["--number", "nan"], "'nan' is not 0 or more."),
        (["--colour", "green"], "'green' is not one of red, blue."),
        (["--text", "x\udcff"], "it holds bytes that are not UTF-8."),
    ],
)
def test_no_value(line: list[str], why: str) -> None:
    found, err = read(line)
    assert not found and why in err


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (["do"], ClientOptions()),
        (["--state", "a", "do"], ClientOptions(state="a")),
        (["do", "--state", "a"], ClientOptions(state="a")),
        (["--state", "a", "do", "--state", "b"], ClientOptions(state="b")),
        (["--json", "do"], ClientOptions(as_json=True)),
        (["do", "--json", "--gateway", "u"], ClientOptions(gateway="u", as_json=True)),
        (["--gateway", "u", "do", "--cafile", "c", "--fingerprint", "f"], ClientOptions("u", None, "c", "f")),
    ],
)
def test_the_common_options_are_read_wherever_they_stand(line: list[str], wanted: ClientOptions) -> None:
    found: list[ClientOptions] = []

    def do(ctx: typer.Context) -> None:
        found.append(given(ctx))

    CliRunner().invoke(made(do), line)
    assert found == [wanted]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], 0),
        (["x", "--json"], 0),
        (["--json", "x"], 1),
        (["--state", "d", "x"], 2),
        (["--state=d", "--json", "x"], 2),
        (["--state"], 1),
        (["--other", "x"], 0),
    ],
)
def test_how_many_words_are_common_options(words: list[str], wanted: int) -> None:
    assert leading(words) == wanted
