"""The options of `groupchat serve` and the environment variables that set the fields of `Config`.

Each is declared once, with its help and its bounds; the command line is built from these declarations. Without an
option, the default of the field holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from gateway.command_line.option_values import parse_duration
from gateway.protocol.errors import BadRequest
from gateway.runtime.config import Config
from gateway.runtime.listen_option import DIALECTS, Listen, listen_at

T = TypeVar("T")
LEAST_SNAPSHOT_INTERVAL_S = 10.0
UNDECIDED = Config(state=Path())


def _as_given(value: Any) -> Any:
    return value


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def _hosts(given: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(name.lower() for name in given or ())


def _places(given: Iterable[str] | None) -> tuple[object, ...]:
    return tuple(listen_at(text) for text in given or ())


def _duration(text: str) -> float:
    seconds = parse_duration(text) or 0.0
    if seconds < LEAST_SNAPSHOT_INTERVAL_S:
        raise BadRequest(f"--every {text} is too often. Snapshots are at least {LEAST_SNAPSHOT_INTERVAL_S:g} s apart.")
    return seconds


def _seconds(milliseconds: str) -> float:
    try:
        return int(milliseconds) / 1000
    except ValueError:
        raise BadRequest("CSP_TURN_WARN_MS and CSP_TURN_TIMEOUT_MS must be whole milliseconds.") from None


@dataclass(frozen=True)
class ServeOption:
    """`field` is the path of the value in `Config`; `read` converts the given value."""

    field: str
    meaning: str
    least: float | None = None
    most: float | None = None
    variable: str | None = None
    metavar: str | None = None
    read: Callable[[Any], Any] = _as_given


@dataclass(frozen=True)
class Variable:
    """A setting that only an environment variable sets."""

    field: str
    read: Callable[[str], Any] = _as_given


OPTIONS: Mapping[str, ServeOption] = {
    "host": ServeOption("host", "The address to listen on.", metavar="HOST"),
    "port": ServeOption("port", "The port; 0 takes a free one.", least=0, most=65535, variable="CSP_PORT", metavar="N"),
    "store": ServeOption(
        "store",
        "The store: sqlite:PATH, or redis://HOST:PORT/N (default: groupchat.db in the state folder).",
        metavar="URL",
    ),
    "store_password_file": ServeOption(
        "store_password_file", "File with the password of the Redis (or GROUPCHAT_STORE_PASSWORD).", metavar="FILE"
    ),
    "advertise": ServeOption(
        "advertise",
        "Where other gateways of the same Redis reach this one (default: its own address).",
        variable="GROUPCHAT_ADVERTISE",
        metavar="URL",
    ),
    "accept_loss": ServeOption("accept_loss", "Start also on a Redis that can lose accepted messages."),
    "store_replicas": ServeOption(
        "store_replicas", "Accept a message when this many replicas of the Redis have it, too.", least=0, metavar="N"
    ),
    "redis_mirror": ServeOption(
        "redis_mirror", "Show agents, channels and messages in Redis to programs that read Skynet's keys."
    ),
    "cert": ServeOption("cert", "TLS certificate (PEM).", metavar="FILE"),
    "key": ServeOption("key", "Private key of the certificate (PEM).", metavar="FILE"),
    "insecure": ServeOption("insecure", "Allow an address beyond this machine without TLS."),
    "allow_host": ServeOption(
        "allow_hosts",
        "Additional allowed Host header. Repeatable.",
        variable="GROUPCHAT_ALLOW_HOST",
        metavar="HOST",
        read=_hosts,
    ),
    "burst": ServeOption("rate.burst", "Burst limit: messages of a member at once.", metavar="N"),
    "rate": ServeOption("rate.per_second", "Messages per second and member; 0 means no limit.", metavar="N"),
    "guest_burst": ServeOption("guest_rate.burst", "Burst limit for AgentChat clients.", metavar="N"),
    "guest_rate": ServeOption("guest_rate.per_second", "Messages per second for AgentChat clients.", metavar="N"),
    "remind_asks": ServeOption(
        "rules.remind_asks", "Announce an open question again after this time.", least=1, metavar="SECONDS"
    ),
    "collision_window": ServeOption(
        "rules.collision_window",
        "Tell of a file that two agents write within this time; 0 never does.",
        least=0,
        variable="GROUPCHAT_COLLISION_WINDOW",
        metavar="SECONDS",
    ),
    "max_hops": ServeOption(
        "rules.limits.max_hops",
        "Maximum chain of agent-to-agent replies without a human message; 0 means no limit.",
        least=0,
        variable="GROUPCHAT_MAX_HOPS",
        metavar="N",
    ),
    "max_pair": ServeOption(
        "rules.limits.max_pair",
        "Maximum messages per minute that two agents send each other; 0 means no limit.",
        least=0,
        variable="GROUPCHAT_MAX_PAIR",
        metavar="N",
    ),
    "max_wakes": ServeOption(
        "rules.limits.max_wakes",
        "Maximum wake-ups per agent and hour by other agents; 0 means no limit.",
        least=0,
        variable="GROUPCHAT_MAX_WAKES",
        metavar="N",
    ),
    "max_repeats": ServeOption(
        "rules.limits.max_repeats",
        "Maximum times that an agent may say nearly the same; 0 means no limit.",
        least=0,
        variable="GROUPCHAT_MAX_REPEATS",
        metavar="N",
    ),
    "max_tokens": ServeOption(
        "rules.limits.max_tokens",
        "Token budget per agent and hour; above it other agents cannot wake it. 0 means no limit.",
        least=0,
        variable="GROUPCHAT_MAX_TOKENS",
        metavar="N",
    ),
    "listen": ServeOption(
        "listen",
        f"Listen for clients of another system, too: {', '.join(DIALECTS)}. Repeatable.",
        variable="GROUPCHAT_LISTEN",
        metavar="DIALECT=[HOST:]PORT",
        read=_places,
    ),
    "server_name": ServeOption("server_name", "The name that AgentChat clients see of this server.", metavar="NAME"),
    "modes": ServeOption("modes_folder", "Folder with your own modes, one TOML file each.", metavar="DIR"),
    "skynet_config": ServeOption(
        "skynet_config", "Settings for Skynet clients: a config.yaml, as Skynet Linker has it.", metavar="FILE"
    ),
    "jwt": ServeOption(
        "jwt",
        "Accept tokens (JWT) of the identity providers in this file.",
        variable="GROUPCHAT_JWT",
        metavar="FILE",
    ),
    "snapshots": ServeOption(
        "snapshots.folder", "Take snapshots into this folder while the gateway runs.", metavar="DIR"
    ),
    "every": ServeOption(
        "snapshots.every_s", "How often a snapshot is taken, such as 30m or 1d.", metavar="TIME", read=_duration
    ),
    "seal": ServeOption(
        "snapshots.seal", "Seal snapshots to this public key (see `groupchat key export`).", metavar="FILE"
    ),
    "keep": ServeOption("snapshots.keep", "How many snapshots stay; older ones are removed.", least=1, metavar="N"),
    "embed": ServeOption(
        "embed",
        "Find messages by meaning, too, with the model in this folder, or behind an endpoint as OpenAI has it, which "
        "gets all public messages.",
        variable="GROUPCHAT_EMBED",
        metavar="DIR|URL",
    ),
    "embed_model": ServeOption(
        "embed_model",
        "The model that --embed asks for at an endpoint.",
        variable="GROUPCHAT_EMBED_MODEL",
        metavar="NAME",
    ),
    "agents": ServeOption("agents", "Names that the operator leaves to the team's agents.", read=_names),
}

VARIABLES: Mapping[str, Variable] = {
    "CSP_AUTH_TOKEN": Variable("team_token"),
    "GROUPCHAT_STORE_PASSWORD": Variable("store_password"),
    "GROUPCHAT_EMBED_KEY": Variable("embed_key"),
    "CSP_TURN_WARN_MS": Variable("rules.patience.warn", _seconds),
    "CSP_TURN_TIMEOUT_MS": Variable("rules.patience.timeout", _seconds),
}


def default_of(option: str) -> Any:
    """The default of an option."""
    value: Any = UNDECIDED
    for name in OPTIONS[option].field.split("."):
        value = getattr(value, name)
    return value


def config_from(state: Path, given: Mapping[str, Any], env: Mapping[str, str], login: str) -> Config:
    """The config for a start. `given` maps option names to values; names that are not in `Config` are ignored."""
    fields = {one.field: one.read(given[name]) for name, one in OPTIONS.items() if name in given}
    fields |= {one.field: one.read(env[name]) for name, one in VARIABLES.items() if env.get(name)}
    config = _with_skynet_address(_with(offline_config(state, env, login), fields))
    if config.embed_folder is not None:
        from gateway.embedding.model_folder import check_model_folder

        check_model_folder(config.embed_folder)
    return config


def _with_skynet_address(config: Config) -> Config:
    """A Skynet configuration names the address if `--listen` does not. An error in it ends the start at once."""
    if config.skynet_config is None:
        return config
    from gateway.dialects.skynet.config_file import read_config_file

    settings = read_config_file(config.skynet_config)
    if any(one.dialect == "skynet" for one in config.listen):
        return config
    return replace(config, listen=(*config.listen, Listen("skynet", settings.host, settings.port)))


def offline_config(state: Path, env: Mapping[str, str], login: str) -> Config:
    """The config for work in the state folder of a gateway that is not running."""
    from gateway.rooms.operator_name import operator_from

    operator = operator_from(env, login)
    return Config(state=state, operator=operator.name, operator_chosen=operator.chosen)


def _with(whole: T, fields: Mapping[str, Any]) -> T:
    """A copy with these fields, named by path. All are set at once, because a config is checked as a whole."""
    own: dict[str, Any] = {}
    below: dict[str, dict[str, Any]] = {}
    for path, value in fields.items():
        head, _, rest = path.partition(".")
        if rest:
            below.setdefault(head, {})[rest] = value
        else:
            own[head] = value
    own |= {head: _with(getattr(whole, head), inner) for head, inner in below.items()}
    if is_dataclass(whole) and not isinstance(whole, type):
        return replace(whole, **own)
    assert isinstance(whole, msgspec.Struct)
    return msgspec.structs.replace(whole, **own)
