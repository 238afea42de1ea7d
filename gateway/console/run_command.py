"""Runs the work of a command in an event loop, and ends with its error in words or as JSON."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer

from gateway.console.console_output import print_json, show_error, system_error_text
from gateway.protocol.errors import BadRequest, GroupChatError

if TYPE_CHECKING:
    pass


T = TypeVar("T")
EXIT_FAILED = 1


def run(work: Callable[[], Coroutine[Any, Any, T]], *, as_json: bool = False, when_stopped: str = "") -> T:
    """Run one command. An error becomes a sentence on stderr and exit code 1. `when_stopped` is said after Ctrl-C."""
    import asyncio

    return run_plainly(lambda: asyncio.run(work()), as_json=as_json, when_stopped=when_stopped)


def run_plainly(work: Callable[[], T], *, as_json: bool = False, when_stopped: str = "") -> T:
    """The same without an event loop, for long work that does not wait: a loop would act on Ctrl-C only afterwards."""
    try:
        return work()
    except GroupChatError as error:
        fail(error, as_json=as_json)
    except KeyboardInterrupt:
        if when_stopped and not as_json:
            show_error(when_stopped)
        raise typer.Exit(130) from None
    except UnicodeEncodeError:
        fail(BadRequest("An argument is no text: it holds bytes that are not UTF-8."), as_json=as_json)
    except OSError as error:
        fail(BadRequest(system_error_text(error)), as_json=as_json)


def fail(error: GroupChatError, *, as_json: bool) -> NoReturn:
    if as_json:
        print_json({"error": error.body()}, err=True)
    else:
        show_error(error.message)
    raise typer.Exit(EXIT_FAILED)
