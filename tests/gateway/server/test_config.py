"""What an operator decides is declared once: every field of the configuration, every option and every variable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from inspect import signature
from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import pytest

from gateway.access.rate_limit import Rate
from gateway.cli import serve
from gateway.protocol.errors import BadRequest
from gateway.runtime.config import Config
from gateway.runtime.listen_option import DIALECTS, Listen
from gateway.server.config_options import OPTIONS, UNDECIDED, VARIABLES, config_from, default_of
from gateway.server.listeners.dialect_listeners import MAKERS

STATE = Path("/somewhere")

# Fields that neither an option nor a variable decides, and what does.
OTHERWISE = {
    "state": "--state, as of every command",
    "operator": "GROUPCHAT_OPERATOR, or the login",
    "operator_chosen": "GROUPCHAT_OPERATOR, or the login",
    "waits_for_port": "the supervisor",
    "rules.modes": "the files in --modes",
    "rules.patience.most": "nobody",
    "rules.patience.gone": "nobody",
    "synchronous": "nobody",
    "stuck_after": "nobody",
}
# Options of `serve` that are about the command, not about the gateway.
OF_THE_COMMAND = {"log_level", "log_file"}


def paths(value: object, before: str = "") -> Iterator[str]:
    """Every field down to those that are values."""
    if isinstance(value, msgspec.Struct):
        names = value.__struct_fields__
    else:
        assert is_dataclass(value)
        names = tuple(one.name for one in fields(value))
    for name in names:
        inner = getattr(value, name)
        if is_dataclass(inner) or isinstance(inner, msgspec.Struct):
            yield from paths(inner, f"{before}{name}.")
        else:
            yield before + name


def serve_options() -> dict[str, tuple[Any, Any]]:
    """Each option of `serve` as typer has it, with its default."""
    hints = get_type_hints(serve, include_extras=True)
    options = [one for one in signature(serve).parameters.values() if one.name != "ctx"]
    return {one.name: (hints[one.name].__metadata__[0], one.default) for one in options}


def test_every_field_is_decided_in_one_place() -> None:
    decided = [*(one.field for one in OPTIONS.values()), *(one.field for one in VARIABLES.values()), *OTHERWISE]
    assert sorted(decided) == sorted(paths(UNDECIDED))


def test_serve_has_every_option_and_no_other() -> None:
    assert serve_options().keys() - OF_THE_COMMAND == OPTIONS.keys()


@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_of_serve_is_as_it_is_declared(name: str) -> None:
    declared, (shown, default) = OPTIONS[name], serve_options()[name]
    assert (shown.help, shown.metavar, shown.envvar) == (declared.meaning, declared.metavar, declared.variable)
    assert (shown.min, shown.max) == (declared.least, declared.most)
    assert declared.read(default) == default_of(name)


CHOSEN: list[tuple[dict[str, Any], dict[str, str], dict[str, Any]]] = [
    ({}, {}, {}),
    ({"port": 0, "host": "localhost"}, {}, {"port": 0, "host": "localhost"}),
    ({"burst": 3.0}, {}, {"rate": Rate(3.0, 50)}),
    ({"burst": 3.0, "rate": 1.0}, {}, {"rate": Rate(3.0, 1.0)}),
    ({"guest_rate": 0.0}, {}, {"guest_rate": Rate(10, 0.0)}),
    ({"allow_host": ["Chat.Example"]}, {}, {"allow_hosts": ("chat.example",)}),
    ({"listen": ["mcp=1"]}, {}, {"listen": (Listen("mcp", "127.0.0.1", 1),)}),
    ({"agents": "ann,bob"}, {}, {"agents": ("ann", "bob")}),
    ({"host": "0.0.0.0", "insecure": True}, {}, {"host": "0.0.0.0", "insecure": True}),
    ({"log_level": "debug"}, {}, {}),
    ({}, {"CSP_AUTH_TOKEN": "secret"}, {"team_token": "secret"}),
    ({}, {"CSP_AUTH_TOKEN": ""}, {}),
    ({}, {"GROUPCHAT_OPERATOR": "Ada"}, {"operator": "ada", "operator_chosen": True}),
]


@pytest.mark.parametrize(("given", "env", "expected"), CHOSEN)
def test_a_config_is_what_was_given_and_else_the_defaults(
    given: dict[str, Any], env: dict[str, str], expected: dict[str, Any]
) -> None:
    assert config_from(STATE, given, env, "me") == Config(state=STATE, **{"operator": "me", **expected})


def test_options_and_variables_reach_the_settings_of_the_rules() -> None:
    given = {"max_hops": 2, "max_tokens": 7, "remind_asks": 5.0}
    env = {"CSP_TURN_WARN_MS": "1500", "CSP_TURN_TIMEOUT_MS": "2500"}
    rules = config_from(STATE, given, env, "me").rules
    assert (rules.limits.max_hops, rules.limits.max_pair, rules.limits.max_tokens) == (2, 10, 7)
    assert (rules.patience.warn, rules.patience.timeout, rules.patience.most) == (1.5, 2.5, 1800)
    assert rules.remind_asks == 5


@pytest.mark.parametrize("name", ["CSP_TURN_WARN_MS", "CSP_TURN_TIMEOUT_MS"])
def test_a_turn_time_is_in_whole_milliseconds(name: str) -> None:
    with pytest.raises(BadRequest, match="whole milliseconds"):
        config_from(STATE, {}, {name: "soon"}, "me")


def test_every_dialect_that_can_be_named_has_a_listener() -> None:
    assert tuple(MAKERS) == DIALECTS
