"""The commands of the three programs, read from the programs themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer.main

import controller.cli.main
import gateway.cli
import sidecar.cli

APPS = {"controller": controller.cli.main.app, "gateway": gateway.cli.app, "sidecar": sidecar.cli.app}


def leaves(app: Any, *, groups: bool = False) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each verb with the words that lead to it, but for those that belong to another program. With `groups` also the
    groups that do something by themselves."""
    yield from _below(typer.main.get_command(app), (), groups)


def _below(command: Any, path: tuple[str, ...], groups: bool) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not hasattr(command, "commands"):
        if not isinstance(command, controller.cli.main.Forwarding):
            yield path, command
        return
    if path and groups and command.invoke_without_command:
        yield path, command
    for name, one in command.commands.items():
        yield from _below(one, (*path, name), groups)
