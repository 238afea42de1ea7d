"""`CommandLine`: a typer application whose verbs take the common options and are built when they are asked for.

Building all verbs of a program takes longer than running one. So a group holds a table of functions, and makes a
command of a function when the line names it, or when something walks all of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from gateway.command_line import help_page
from gateway.command_line.command_help import look_of, page_of, usage_of
from gateway.command_line.command_index import INDEX_VARIABLE, command_index
from gateway.command_line.common_options import CONNECTED, asks_for_json, common_options, program
from gateway.command_line.failure_report import USAGE, body_of, report
from gateway.command_line.option_values import quick
from gateway.console.console_output import print_json, print_uncaught_errors, show_page
from gateway.console.standard_streams import open_missing_streams
from gateway.protocol.errors import ErrorBody, GroupChatError
from gateway.protocol.text.printable_text import shorten_line

Function = Callable[..., None]
MAX_MESSAGE_CHARS = 500


class ConsoleCommand(TyperCommand):
    """A command with our help page and the common options. The page shows those that apply to the command; all are
    accepted, so that any verb can take the same line of options."""

    shown_common: tuple[str, ...] = CONNECTED

    def __init__(self, *args: Any, params: Sequence[Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, **_with_common(params)})

    def get_help(self, ctx: Any) -> str:
        return _help_page(self, ctx)


class Group(TyperGroup):
    shown_common: tuple[str, ...] = CONNECTED
    verbs: ClassVar[Mapping[str, Verb]] = {}
    known_errors: ClassVar[tuple[type[Exception], ...]] = (GroupChatError,)

    def __init__(self, *args: Any, params: Sequence[Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, **_with_common(params)})
        self.commands = BuiltCommands(self.verbs)

    def get_help(self, ctx: Any) -> str:
        return _help_page(self, ctx)

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.verbs)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            show_page(self.get_help(ctx), err=True)
            raise typer.Exit(2)
        return super().parse_args(ctx, args)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **named: Any) -> Any:
        """Like typer's `main`, but every error is reported in one shape."""
        self.params = [quick(one) for one in self.params]  # typer has added those of completion meanwhile
        words = list(sys.argv[1:] if args is None else args)
        as_json = asks_for_json(words)
        try:
            status = super().main(words, *rest, **{**named, "standalone_mode": False})
        except typer.TyperException as error:
            status = _wrong_usage(error, as_json)
        except self.known_errors as error:
            report(body_of(error), as_json=as_json)
            status = 1
        except typer.Abort:  # the end of the input where an answer was expected
            status = 1
        sys.exit(status if isinstance(status, int) else 0)


def _with_common(params: Sequence[Any] | None) -> dict[str, Any]:
    """Add the common options, the help option among them."""
    return {"params": [*(quick(one) for one in params or ()), *common_options()], "add_help_option": False}


def _help_page(command: ConsoleCommand | Group, ctx: Any) -> str:
    return help_page.drawn(page_of(command, ctx), look_of(sys.stdout))


def _wrong_usage(error: typer.TyperException, as_json: bool) -> int:
    ctx = getattr(error, "ctx", None)
    hints = [f"Usage: {usage_of(ctx.command, ctx)}", f"`{ctx.command_path} --help` tells more."] if ctx else []
    report(ErrorBody(USAGE, shorten_line(error.format_message(), MAX_MESSAGE_CHARS)), *hints, as_json=as_json)
    return error.exit_code


@dataclass(frozen=True)
class Verb:
    """What a name on the command line stands for. `common`: the common options that its help page shows. `loose`: a
    word that looks like an unknown option is an ordinary word."""

    run: Function | CommandLine
    panel: str = ""
    common: tuple[str, ...] = CONNECTED
    loose: bool = False
    hidden: bool = False
    kind: type[ConsoleCommand] = ConsoleCommand

    @property
    def text(self) -> str:
        return str(self.run.info.help if isinstance(self.run, CommandLine) else self.run.__doc__)


class BuiltCommands(MutableMapping[str, Any]):
    """The commands of a table of verbs, each built when it is first asked for."""

    def __init__(self, verbs: Mapping[str, Verb]) -> None:
        self._verbs, self._built = verbs, dict[str, Any]()

    def __getitem__(self, name: str) -> Any:
        if name not in self._built:
            self._built[name] = _built(name, self._verbs[name])
        return self._built[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._built[name] = command

    def __delitem__(self, name: str) -> None:
        del self._built[name]

    def __contains__(self, name: object) -> bool:
        return name in self._verbs

    def __iter__(self) -> Iterator[str]:
        return iter(self._verbs)

    def __len__(self) -> int:
        return len(self._verbs)


def _built(name: str, verb: Verb) -> Any:
    if isinstance(verb.run, CommandLine):
        command: Any = typer.main.get_group(verb.run)
        command.name = name
    else:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name, cls=verb.kind, hidden=verb.hidden, context_settings={"ignore_unknown_options": verb.loose})(
            verb.run
        )
        command = typer.main.get_command(app)
    command.shown_common = verb.common
    return command


class CommandLine(typer.Typer):
    """A program, or a group of verbs in one. Verbs are registered by the panels of its help page."""

    def __init__(
        self,
        name: str,
        help: str | None,
        *,
        callback: Function | None = None,
        group: type[Group] = Group,
        known_errors: tuple[type[Exception], ...] = (GroupChatError,),
    ) -> None:
        self.verbs: dict[str, Verb] = {}
        super().__init__(
            name=name,
            help=help,
            cls=type(group.__name__, (group,), {"verbs": self.verbs, "known_errors": known_errors}),
            no_args_is_help=callback is None or callback is program,
            invoke_without_command=callback is not None and callback is not program,
            add_completion=callback is program,
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
        )
        self.callback()(callback or _nothing)

    def panel(self, title: str, verbs: Mapping[str, Function | CommandLine | Verb], **named: Any) -> None:
        """Add verbs to a panel. `named` settings apply to all of them."""
        for name, one in verbs.items():
            verb = one if isinstance(one, Verb) else Verb(one)
            self.verbs[name] = replace(verb, panel=title, **named)


def _nothing() -> None:
    """The callback of a group that does nothing by itself."""


def run_program(app: CommandLine, name: str) -> None:
    open_missing_streams()
    if os.environ.get(INDEX_VARIABLE):
        print_json(command_index(typer.main.get_command(app)))
        return
    with print_uncaught_errors(as_json=asks_for_json(sys.argv[1:])):
        app(prog_name=name)
