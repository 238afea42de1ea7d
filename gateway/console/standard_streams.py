"""Standard input, output and error, whatever a shell has made of them: closed, full, a pipe that nobody reads, bytes
that are not text."""

from __future__ import annotations

import io
import os
import sys
from typing import NoReturn, TextIO

import typer

from gateway.protocol.errors import BadRequest


def open_missing_streams() -> None:
    """Open the null device for each standard stream that the caller has closed. Otherwise the next file or socket would
    get its number, and output would go there."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(fd, True)
    os.close(fd)
    sys.stdin = sys.stdin or io.TextIOWrapper(io.FileIO(0, "r"), encoding="utf-8")
    sys.stdout = sys.stdout or io.TextIOWrapper(io.FileIO(1, "w"), encoding="utf-8")
    sys.stderr = sys.stderr or io.TextIOWrapper(io.FileIO(2, "w"), encoding="utf-8")


def write_output(text: str, *, err: bool = False, ends: bool = True) -> None:
    """Write one piece of output and flush it; `ends`: with the end of its line. A command whose reader has read enough
    has succeeded; one whose output is lost for another reason has failed. What standard error cannot take changes no
    exit code."""
    stream = sys.stderr if err else sys.stdout
    try:
        typer.echo(text, err=err, nl=ends)
    except OSError as error:
        _forget(stream)
        if not err:
            _end_without_output(error)


def read_input() -> str:
    """All of standard input, which must be text."""
    try:
        return sys.stdin.buffer.read().decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise BadRequest("Standard input is not text: it holds bytes that are not UTF-8.") from None


def _end_without_output(error: OSError) -> NoReturn:
    if isinstance(error, BrokenPipeError):
        raise typer.Exit(0) from None
    write_output(f"The output cannot be written: {error.strerror or error}.", err=True)
    raise typer.Exit(1) from None


def _forget(stream: TextIO) -> None:
    """Send what the stream still holds to the null device, so that closing it does not fail again."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
