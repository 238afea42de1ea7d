"""The commands of the three programs, read from the programs themselves."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import typer.main
import typer.testing

import controller.cli.main
import gateway.cli
import sidecar.cli

APPS = {"controller": controller.cli.main.app, "gateway": gateway.cli.app, "sidecar": sidecar.cli.app}

# Building a whole program takes longer than most commands. Typer's runner would do it for each.
built = cache(typer.main.get_command)
typer.testing._get_command = built  # type: ignore[attr-defined]


def leaves(app: Any, *, groups: bool = False) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each verb with the words that lead to it, except verbs of another program. With `groups`, also the groups that
    are commands themselves."""
    yield from _below(built(app), (), groups)


def _below(command: Any, path: tuple[str, ...], groups: bool) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not hasattr(command, "commands"):
        if not isinstance(command, controller.cli.main.Forwarding):
            yield path, command
        return
    if path and groups and command.invoke_without_command:
        yield path, command
    for name, one in command.commands.items():
        yield from _below(one, (*path, name), groups)
