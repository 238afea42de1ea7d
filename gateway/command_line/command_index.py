"""Describes a program's commands and options as plain values, for those who complete a line in a shell. Pure."""

from __future__ import annotations

from typing import Any

from gateway.command_line.help_page import first_sentence

INDEX_VARIABLE = "GROUPCHAT_COMPLETION_INDEX"  # a program that finds it prints its index and ends


def command_index(command: Any) -> dict[str, Any]:
    """The options, arguments and verbs of a command, and those of its verbs."""
    shown = [one for one in command.params if not one.hidden]
    verbs = {name: one for name, one in getattr(command, "commands", {}).items() if not one.hidden}
    return {
        "help": first_sentence(command.help or ""),
        "options": [_option(one) for one in shown if one.param_type_name == "option"],
        "arguments": [_argument(one) for one in shown if one.param_type_name == "argument"],
        "verbs": {name: command_index(one) for name, one in verbs.items()},
    }


def _option(param: Any) -> dict[str, Any]:
    help = first_sentence(getattr(param, "help", None) or "")
    names = [*param.opts, *param.secondary_opts]
    return {"name": param.name, "names": names, "takes": not param.is_flag, "help": help, "choices": _choices(param)}


def _argument(param: Any) -> dict[str, Any]:
    return {"name": param.name, "many": param.nargs != 1, "choices": _choices(param)}


def _choices(param: Any) -> list[str]:
    return [str(one.value) for one in getattr(param.type_descriptor, "choices", None) or ()]
